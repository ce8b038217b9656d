"""The reverse proxy of deploy/nginx, a real one, in front of the real application."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse

from loadtest.proxy import find_nginx, running_proxy
from loadtest.stack import free_ports
from tests.quiz.arena import Arena, build_arena
from tests.web.conftest import CERTIFICATES, SignIn, Site

JSON = {"accept": "application/json"}
VISITOR = "127.0.0.9"  # another address of loopback, so that nginx and visitor differ
PUBLIC = (
    "/",
    "/tro-nang",
    "/cuoc-thi/thi",
    "/cuoc-thi/thi/bang-xep-hang",
    "/cuoc-thi/thi/thong-ke",
    "/cuoc-thi/thi/ket-qua",
    "/cuoc-thi/thi/tin",
)
# In CI a missing server is a failure.
pytestmark = pytest.mark.skipif(
    find_nginx() is None and os.environ.get("CI") != "true", reason="nginx is not installed"
)


@pytest.fixture
async def arena(site: Site) -> Arena:
    return await build_arena()


@pytest.fixture
def proxy(site: Site) -> Iterator[str]:
    """nginx before the application and a port where nothing listens: a web process that has died."""
    port, dead = free_ports(2)
    web = [f"127.0.0.1:{dead}", urlsplit(site.url).netloc]
    # Beside the system's temporary files: pytest's own let only their owner through, and nginx's
    # workers are not root.
    with (
        tempfile.TemporaryDirectory(prefix="hieu-so-nginx-") as folder,
        running_proxy(Path(folder), web, port=port),
    ):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def by_proxy(proxy: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=proxy,
        timeout=20,
        transport=httpx.AsyncHTTPTransport(
            local_address=VISITOR,
            verify=CERTIFICATES,
            limits=httpx.Limits(max_connections=None),  # a flood waits for no answer
        ),
    ) as client:
        yield client


def test_the_shipped_configuration_is_one_that_nginx_takes(tmp_path: Path) -> None:
    """As it is shipped, with TLS: only folders and certificate are this test's."""
    nginx = Path(__file__).parents[2] / "deploy" / "nginx"
    made = subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test",
            "-keyout", str(tmp_path / "test.key"), "-out", str(tmp_path / "test.pem"),
        ],
        capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    site = (nginx / "conf.d" / "hieu-so.conf").read_text(encoding="utf-8")
    for shipped, ours in (
        ("/etc/nginx/hieu-so", f"{nginx}/hieu-so"),
        ("/etc/ssl/thi.example.gov.vn", f"{tmp_path}/test"),
        ("/var/cache/nginx/", f"{tmp_path}/cache-"),
        ("/var/log/nginx/", f"{tmp_path}/"),
    ):
        assert shipped in site
        site = site.replace(shipped, ours)
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{site}\n}}\n", encoding="utf-8")
    tried = subprocess.run(
        [str(find_nginx()), "-t", "-c", str(whole), "-e", "stderr"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tried.returncode == 0, tried.stderr
    assert "[warn]" not in tried.stderr


async def test_what_is_the_same_for_everybody_is_kept_and_nothing_else(
    arena: Arena, site: Site, by_proxy: httpx.AsyncClient, sign_in: SignIn
) -> None:
    for path in PUBLIC:
        first, second = await by_proxy.get(path), await by_proxy.get(path)
        assert first.status_code == second.status_code == 200, path
        assert second.headers["x-cache-status"] == "HIT", path
        assert second.text == first.text
        assert "set-cookie" not in second.headers
        again = await by_proxy.get(path, headers={"if-none-match": second.headers.get("etag", "")})
        assert again.status_code == (304 if "etag" in second.headers else 200), path
    direct = await sign_in(arena.person_ids[0])
    by_proxy.cookies.update(direct.cookies)
    for path in ("/tai-khoan", "/cuoc-thi/thi/vao-thi", "/cuoc-thi/thi/vi-tri"):
        for _ in range(2):
            own = await by_proxy.get(path)
            assert own.status_code == 200, path
            assert "no-store" in own.headers["cache-control"]
            assert own.headers.get("x-cache-status") is None
    by_proxy.cookies.clear()
    assert (await by_proxy.get("/tai-khoan")).status_code == 303


async def test_a_language_and_a_part_have_their_own_copies(
    arena: Arena, by_proxy: httpx.AsyncClient
) -> None:
    path = "/cuoc-thi/thi/bang-xep-hang"
    whole = await by_proxy.get(path)
    part = await by_proxy.get(path, headers={"hx-request": "true"})
    plain = await by_proxy.get(path, headers={"accept-encoding": "identity"})
    english = await by_proxy.get(path, headers={"cookie": "ngon_ngu=en"})
    assert "<html" in whole.text
    assert "<html" not in part.text
    assert 'lang="en"' in english.text
    assert plain.text == whole.text
    assert "content-encoding" not in plain.headers


async def test_even_a_public_page_that_forgot_itself_learns_nothing_personal(
    arena: Arena,
    site: Site,
    by_proxy: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lock behind the lock: such a page gets no cookie, and one that sets one is not kept."""

    async def forgetful(request: Request, *_: object, **__: object) -> HTMLResponse:
        answer = HTMLResponse(f"cookies: {sorted(request.cookies)}")
        answer.headers["cache-control"] = "public, s-maxage=60"
        answer.set_cookie("phien", "mai")
        return answer

    monkeypatch.setattr(site.app.state.public_pages, "answer", forgetful)
    session = {"cookie": "phien=secret; ngon_ngu=vi"}
    for _ in range(2):
        answer = await by_proxy.get("/tro-nang", headers=session)
        assert answer.text == "cookies: ['ngon_ngu']"
        assert answer.headers["x-cache-status"] == "MISS"


async def test_the_visitors_own_address_arrives_and_not_the_one_they_claim(
    arena: Arena, site: Site, by_proxy: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def who_asks(request: Request, *_: object, **__: object) -> HTMLResponse:
        return HTMLResponse(request.client.host if request.client else "")

    monkeypatch.setattr(site.app.state.public_pages, "answer", who_asks)
    answer = await by_proxy.get("/tro-nang", headers={"x-forwarded-for": "203.0.113.9"})
    assert answer.text == VISITOR


async def test_probes_and_figures_are_not_for_the_public(
    arena: Arena, by_proxy: httpx.AsyncClient
) -> None:
    for path in ("/metrics", "/readyz", "/healthz"):
        assert (await by_proxy.get(path)).status_code == 404


async def test_a_refusal_keeps_its_status_and_its_time(
    arena: Arena, by_proxy: httpx.AsyncClient
) -> None:
    for _ in range(9):
        answer = await by_proxy.post("/dang-nhap", data={"dien_thoai": "0912345678"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert "Hiểu Số" in answer.text  # our own page, not nginx's


async def test_one_that_floods_gets_a_page_and_a_time_and_papers_are_not_held_up(
    arena: Arena, by_proxy: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(by_proxy.post("/dang-nhap/khong", headers=JSON) for _ in range(300))
    )
    flooded = [answer for answer in answers if answer.status_code == 429]
    assert flooded
    assert flooded[-1].headers["retry-after"] == "5"
    assert "Bài đang làm không bị ảnh hưởng" in flooded[-1].text
    paper = await by_proxy.get("/bai-thi/00000000-0000-0000-0000-000000000000/ket-qua")
    assert paper.status_code == 404


async def test_without_any_web_process_people_read_that_their_answers_are_safe(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("nginx")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    port, *dead = free_ports(3)
    with running_proxy(folder, [f"127.0.0.1:{each}" for each in dead], port=port):
        async with httpx.AsyncClient(verify=CERTIFICATES) as client:
            answer = await client.post(f"http://127.0.0.1:{port}/bai-thi/x/luu", data={"seq": "1"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert "câu trả lời vẫn ở trên máy của bạn" in answer.text
