"""What OWASP ASVS 5 asks of the whole site; each test names its requirement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import db
from core.settings import Settings
from people.accounts import make_staff
from quiz.attempts import Attempts
from tests.quiz.arena import Arena, build_arena
from tests.web.conftest import SignIn, Site
from web.app import create_app
from web.routes import TABLE

HTTPS = "https://thi.example.gov.vn"
PASSWORD = "mật khẩu của Minh"
POSTS = [path for method, path, *_ in TABLE if method == "POST"]
FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},  # a neighbouring host of the same domain is another site
    {"origin": "https://evil.example"},
    {"origin": "null"},  # a sandboxed frame
    {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"},
]
PAGES = [
    ("GET", "/", 200),
    ("GET", "/dang-ky", 200),
    ("GET", "/cuoc-thi/thi", 200),
    ("GET", "/cuoc-thi/thi/bang-xep-hang", 200),
    ("GET", "/tai-khoan", 303),
    ("GET", "/robots.txt", 200),
    ("GET", "/healthz", 200),
    ("GET", "/cuoc-thi/khong-co", 404),
    ("GET", "/khong/co/trang/nay", 404),
    ("GET", "/static/base.css", 404),
    ("GET", "/bai-thi/khong-phai-ma", 404),
    ("DELETE", "/", 405),
    ("POST", "/cuoc-thi/thi", 405),
    ("POST", "/dang-ky", 422),
    ("GET", "/hong", 500),
]


@pytest.fixture
async def arena(site: Site) -> Arena:
    return await build_arena()


@pytest.fixture
def broken_route(running_site: Site) -> AsyncIterator[None]:
    async def fail(_request: Request) -> Response:
        msg = "a mistake of ours"
        raise RuntimeError(msg)

    route = Route("/hong", fail)
    running_site.app.router.routes.append(route)
    yield
    running_site.app.router.routes.remove(route)


@pytest.fixture
async def https_site(site: Site, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The application as it runs behind a proxy that speaks HTTPS."""
    app = create_app(replace(settings, public_url=HTTPS, demo=False))
    app.state.attempts = Attempts()
    transport = httpx.ASGITransport(app, client=("203.0.113.5", 443))
    async with httpx.AsyncClient(transport=transport, base_url=HTTPS) as client:
        yield client
    await app.state.attempts.close()


def _directives(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for each in policy.split(";") if (words := each.split())}


@pytest.mark.parametrize(("method", "path", "status"), PAGES)
async def test_asvs_3_4_every_answer_carries_the_headers_errors_too(
    arena: Arena,
    broken_route: None,
    visitor: httpx.AsyncClient,
    method: str,
    path: str,
    status: int,
) -> None:
    answer = await visitor.request(method, path)
    assert answer.status_code == status
    policy = _directives(answer.headers["content-security-policy"])  # 3.4.3
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]  # 3.4.6
    assert policy["form-action"] == ["'self'"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"  # 3.4.4
    assert answer.headers["referrer-policy"] == "same-origin"  # 3.4.5
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"  # 3.4.8
    assert answer.headers["x-request-id"]


async def test_asvs_3_2_pages_hold_no_inline_script_or_style(
    arena: Arena, visitor: httpx.AsyncClient
) -> None:
    for path in ("/", "/dang-ky", "/dang-nhap", "/cuoc-thi/thi/bang-xep-hang", "/khong-co"):
        page = (await visitor.get(path)).text
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<script>" not in page


async def test_asvs_16_5_1_an_unexpected_error_tells_nothing_of_the_inside(
    arena: Arena, broken_route: None, visitor: httpx.AsyncClient
) -> None:
    page = await visitor.get("/hong")
    told = await visitor.get("/hong", headers={"accept": "application/json"})
    assert page.status_code == told.status_code == 500
    assert page.headers["x-request-id"] in page.text  # what people read out on the telephone
    for answer in (page, told):
        assert "a mistake of ours" not in answer.text
        assert "Traceback" not in answer.text


async def test_asvs_12_1_https_is_remembered_by_browsers(https_site: httpx.AsyncClient) -> None:
    answer = await https_site.get("/dang-nhap")
    assert int(answer.headers["strict-transport-security"].partition("=")[2]) >= 31536000  # 3.4.1


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_asvs_3_5_1_another_site_can_post_to_no_route(
    arena: Arena, sign_in: SignIn, headers: dict[str, str]
) -> None:
    mai = await sign_in(arena.person_ids[0])
    for path in POSTS:
        answer = await mai.post(_filled(path), data={}, headers=headers)
        assert answer.status_code == 403, path
        assert "không gửi từ trang Hiểu Số" in answer.text
    assert await db.pool().fetchval("SELECT count(*) FROM session WHERE revoked_at IS NULL") == 1


async def test_asvs_3_5_1_scripts_without_either_header_and_our_own_pages_may_post(
    arena: Arena, sign_in: SignIn, site: Site
) -> None:
    mai = await sign_in(arena.person_ids[0])
    ours = [
        {},
        {"sec-fetch-site": "same-origin", "origin": site.url},
        {"sec-fetch-site": "none"},
        {"origin": site.url},
    ]
    for path in POSTS:
        for headers in ours:
            answer = await mai.post(_filled(path), data={}, headers=headers)
            assert "Yêu cầu đến từ một trang khác" not in answer.text, path


async def test_asvs_3_5_3_get_changes_nothing_on_any_posted_address(
    arena: Arena, sign_in: SignIn
) -> None:
    mai = await sign_in(arena.person_ids[0])
    for path in ("/dang-xuat", "/tai-khoan/du-lieu/xoa", "/tai-khoan/phien/thu-hoi-het"):
        assert (await mai.get(path)).status_code == 405
    assert await db.pool().fetchval("SELECT count(*) FROM session WHERE revoked_at IS NULL") == 1


def _filled(path: str) -> str:
    return (
        path.replace("{slug}", "thi")
        .replace("{session}", "1")
        .replace("{attempt}", "00000000-0000-4000-8000-000000000000")
    )


def _cookies(answer: httpx.Response) -> dict[str, Morsel[str]]:
    found: dict[str, Morsel[str]] = {}
    for line in answer.headers.get_list("set-cookie"):
        found |= SimpleCookie(line)
    return found


async def test_asvs_3_3_cookies_behind_https_are_secure_and_prefixed(
    arena: Arena, https_site: httpx.AsyncClient
) -> None:
    await make_staff(username="minh", password=PASSWORD, full_name="Phạm Văn Minh")
    form = {"ten": "minh", "mat_khau": PASSWORD}
    signed_in = await https_site.post("/dang-nhap/can-bo", data=form)
    assert signed_in.status_code == 303, signed_in.text
    session = _cookies(signed_in)["__Host-phien"]  # 3.3.3: no neighbour can plant it
    assert session["secure"]  # 3.3.1
    assert session["httponly"]  # 3.3.4
    assert session["samesite"] == "lax"  # 3.3.2
    assert (session["path"], session["domain"]) == ("/", "")
    shown = _cookies(signed_in)["ten_hien"]  # read by script, so it holds no more than a name
    assert (shown["secure"], shown["samesite"], shown.value) == (True, "lax", "Minh")
    await db.pool().execute("UPDATE person SET unit_id = $1, division_code = 'nguoi-dan', "
                            "birth_year = 1990", arena.unit_id)  # fmt: skip
    entered = await https_site.post("/cuoc-thi/thi/vao-thi")
    assert entered.status_code == 303, entered.text
    attempt = _cookies(entered)["__Secure-bai_thi"]
    assert attempt["path"] == entered.headers["location"]  # it opens one paper and nothing else
    assert attempt["secure"]
    assert attempt["httponly"]
    assert attempt["samesite"] == "lax"
    left = _cookies(await https_site.post("/dang-xuat"))
    for name in ("__Host-phien", "__Secure-bai_thi", "ten_hien"):
        assert left[name]["max-age"] == "0"
        assert left[name]["secure"]  # a browser drops the deletion of a prefixed cookie without it


async def test_asvs_3_3_cookies_of_the_local_run_stay_away_from_scripts(
    arena: Arena, visitor: httpx.AsyncClient
) -> None:
    await make_staff(username="minh", password=PASSWORD, full_name="Phạm Văn Minh")
    form = {"ten": "minh", "mat_khau": PASSWORD}
    session = _cookies(await visitor.post("/dang-nhap/can-bo", data=form))["phien"]
    assert session["httponly"]
    assert session["samesite"] == "lax"
    assert not session["secure"]  # http://127.0.0.1 has no HTTPS to keep it for


@pytest.mark.parametrize("forged", ["", "x", "x.y", "phien.", "á", "." * 5000])
async def test_asvs_9_1_1_a_forged_cookie_is_nobodys(
    arena: Arena, visitor: httpx.AsyncClient, site: Site, forged: str
) -> None:
    headers = {"cookie": f"phien={forged}; bai_thi={forged}".encode()}
    answer = await visitor.get("/tai-khoan", headers=headers)
    assert answer.status_code == 303
    paper = await visitor.get("/bai-thi/00000000-0000-4000-8000-000000000000", headers=headers)
    assert paper.status_code == 404


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "/\n//evil.example",
        " //evil.example",
        "//[",
        "http://[",
        "tai-khoan",
        "",
    ],
)
async def test_asvs_3_7_2_nobody_is_sent_to_another_site_after_signing_in(
    site: Site, visitor: httpx.AsyncClient, target: str
) -> None:
    await make_staff(username="minh", password=PASSWORD, full_name="Phạm Văn Minh")
    form = {"ten": "minh", "mat_khau": PASSWORD}
    by_field = await visitor.post("/dang-nhap/can-bo", data={**form, "tiep": target})
    by_query = await visitor.post("/dang-nhap/can-bo", params={"tiep": target}, data=form)
    for answer in (by_field, by_query):
        assert (answer.status_code, answer.headers["location"]) == (303, "/tai-khoan")
    page = await visitor.get("/dang-nhap", params={"tiep": target})
    assert page.status_code == 200
    assert 'name="tiep"' not in page.text


async def test_an_address_of_ours_is_where_people_go_on(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    await make_staff(username="minh", password=PASSWORD, full_name="Phạm Văn Minh")
    page = await visitor.get("/dang-nhap/can-bo", params={"tiep": "/cuoc-thi/thi?dot=2"})
    assert 'name="tiep" value="/cuoc-thi/thi?dot=2"' in page.text
    form = {"ten": "minh", "mat_khau": PASSWORD, "tiep": "/cuoc-thi/thi?dot=2"}
    answer = await visitor.post("/dang-nhap/can-bo", data=form)
    assert answer.headers["location"] == "/cuoc-thi/thi?dot=2"


@pytest.mark.parametrize(
    "referer", ["https://evil.example//evil.example", "http://[", "evil", "https://x/\\evil", ""]
)
async def test_asvs_3_7_2_the_choice_of_language_stays_on_this_site(
    site: Site, visitor: httpx.AsyncClient, referer: str
) -> None:
    answer = await visitor.get("/ngon-ngu?l=en", headers={"referer": referer})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    strange = await visitor.get("/ngon-ngu?l=../../etc")
    assert _cookies(strange)["ngon_ngu"].value == "vi"


async def test_asvs_13_4_5_metrics_are_for_this_machine_alone(
    site: Site, visitor: httpx.AsyncClient, https_site: httpx.AsyncClient
) -> None:
    assert (await visitor.get("/metrics")).status_code == 200
    by_proxy = await visitor.get("/metrics", headers={"x-forwarded-for": "127.0.0.1"})
    assert by_proxy.status_code == 404
    assert (await https_site.get("/metrics")).status_code == 404  # a client at 203.0.113.5


async def test_asvs_7_4_1_what_is_revoked_opens_nothing(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    assert (await mai.get("/tai-khoan")).status_code == 200
    await db.pool().execute("UPDATE session SET revoked_at = now()")
    assert (await mai.get("/tai-khoan")).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/cuoc-thi/thi/bang-xep-hang?trang=²&dot=²",
        "/cuoc-thi/thi/bang-xep-hang?trang=" + "9" * 5000,
        "/cuoc-thi/thi/bang-xep-hang?dot=999999999999999999999",
        "/cuoc-thi/thi/thong-ke?dot=²",
        "/cuoc-thi/thi/the-le?ban=²",
        "/cuoc-thi/thi/the-le?ban=99999999999999999999",
        "/tim-don-vi?tim=%00",
        "/tim-don-vi?tim=" + "a" * 5000,
        "/tim-don-vi?tim=%ff%fe",
        "/cuoc-thi/%00",
        "/anh/%00",
        "/bai-thi/%00",
        "/static/..%2f..%2fweb%2fapp.py",
        "/static/../web/app.py",
        "/cuoc-thi/thi/bang-xep-hang?bang=%00",
    ],
)
async def test_asvs_2_2_strange_addresses_are_answered_and_never_break(
    arena: Arena, visitor: httpx.AsyncClient, path: str
) -> None:
    answer = await visitor.get(path)
    assert answer.status_code in {200, 400, 404}, answer.text


@pytest.mark.parametrize("typed", ["\x00", "\ud800".encode("utf-8", "surrogatepass"), "<b>", "%"])
async def test_asvs_2_2_strange_form_fields_are_answered_and_never_break(
    arena: Arena, visitor: httpx.AsyncClient, typed: str | bytes
) -> None:
    fields = ("ho_ten", "nam_sinh", "dien_thoai", "don_vi", "bang", "ten", "mat_khau", "ma", "tiep")
    for path in ("/dang-ky", "/dang-nhap", "/dang-nhap/can-bo"):
        answer = await visitor.post(path, data=dict.fromkeys(fields, typed))
        assert answer.status_code == 422


async def test_asvs_1_2_1_what_is_typed_comes_back_as_text(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.post("/dang-ky", data={"ho_ten": '"><script src=//evil></script>'})
    assert "<script src=//evil>" not in answer.text
    assert "&lt;script src=//evil&gt;" in answer.text


async def test_asvs_4_2_1_an_endless_form_is_cut_off(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    assert (await visitor.post("/dang-ky", content=b"a=" + b"x" * 70_000)).status_code == 413
    many = "&".join(f"f{number}=1" for number in range(1000))
    assert (await visitor.post("/dang-ky", content=many.encode())).status_code == 422
