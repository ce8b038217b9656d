from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from campaigns import jobs
from core import clock, db
from core.settings import settings as process_settings
from people.accounts import make_staff
from people.consents import publish_first_texts
from people.roles import grant_role
from people.unit_writing import add_unit, load_province
from tests.quiz.arena import build_arena
from tests.web.conftest import SECRET, SignIn, Site

PASSWORD = "mật khẩu của Lan"
MAI = {
    "ho_ten": "Lò Thị Mai",
    "nam_sinh": "1991",
    "dien_thoai": "0912 345 678",
    "don_vi": "X03445",
    "bang": "nguoi-dan",
    "dong_y_du_le": "1",
}


@pytest.fixture(autouse=True)
def demonstration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Codes are drawn by the process's own settings: a secret, and every code is 000000."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("DEMO", "1")
    process_settings.cache_clear()
    yield
    process_settings.cache_clear()


@pytest.fixture
async def province(site: Site) -> None:
    await load_province(12, on=date(2025, 7, 1))
    await add_unit(code="SYT", name="Sở Y tế", kind="department", parent_code="T12")
    await publish_first_texts()


async def send_codes() -> None:
    """What the worker does when the doorbell rings."""
    for row in await db.pool().fetch("SELECT id FROM sign_in_code WHERE state = 'asked'"):
        await jobs.send_code({}, str(row["id"]))


async def sign_up(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await client.post("/dang-ky", data={**MAI, **changes})


async def prove(client: httpx.AsyncClient, typed: str = "000000", **more: str) -> httpx.Response:
    await send_codes()
    return await client.post("/dang-ky/ma", data={"ma": typed, "tu": "dang-ky", **more})


async def test_mai_signs_up_by_form_and_code_and_is_known_by_her_name(
    province: None, visitor: httpx.AsyncClient
) -> None:
    asked = await sign_up(visitor)
    assert (asked.status_code, asked.headers["location"]) == (303, "/dang-ky/ma?tiep=/tai-khoan")
    page = await visitor.get(asked.headers["location"])
    assert "6 chữ số" in page.text
    assert "000000" in page.text  # the demonstration says its code
    assert "0912345678" not in page.text
    assert "345 678" not in page.text
    signed_in = await prove(visitor)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/tai-khoan")
    account = await visitor.get("/tai-khoan")
    assert "Lò Thị Mai" in account.text
    assert await db.pool().fetchval("SELECT name FROM unit WHERE code = 'X03445'") in account.text
    kept = await db.pool().fetchrow(
        "SELECT p.full_name, p.birth_year, p.division_code, a.phone FROM person p "
        "JOIN account a ON a.person_id = p.id"
    )
    assert tuple(kept) == ("Lò Thị Mai", 1991, "nguoi-dan", "+84912345678")
    given = await db.pool().fetch(
        "SELECT t.purpose FROM consent c JOIN consent_text t ON t.id = c.text_id WHERE c.is_given"
    )
    assert [row["purpose"] for row in given] == ["take_part"]


async def test_the_way_that_brought_her_is_gone_on_after_the_code(
    province: None, visitor: httpx.AsyncClient
) -> None:
    page = await visitor.get("/dang-ky?tiep=/cuoc-thi/thi/vao-thi")
    assert 'name="tiep" value="/cuoc-thi/thi/vao-thi"' in page.text
    asked = await sign_up(visitor, tiep="/cuoc-thi/thi/vao-thi")
    code_page = await visitor.get(asked.headers["location"])
    carried = re.search(r'name="tiep" value="([^"]+)"', code_page.text)
    assert carried is not None
    signed_in = await prove(visitor, tiep=carried[1])
    assert signed_in.headers["location"] == "/cuoc-thi/thi/vao-thi"


async def test_nothing_is_ticked_before_somebody_ticks_it(
    province: None, visitor: httpx.AsyncClient
) -> None:
    page = (await visitor.get("/dang-ky")).text
    boxes = re.findall(r'<input type="checkbox"[^>]*>', page)
    assert len(boxes) == 2
    assert not [box for box in boxes if "checked" in box]
    assert not re.findall(r'<input type="radio"[^>]*checked', page)
    refused = (await sign_up(visitor, dong_y_du_le="")).text
    assert not [box for box in re.findall(r'<input type="checkbox"[^>]*>', refused)
                if "checked" in box]  # fmt: skip


async def test_a_refused_form_keeps_what_was_typed_and_leads_to_the_fields(
    province: None, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.post(
        "/dang-ky",
        data={
            "ho_ten": "Mai 2",
            "nam_sinh": "91",
            "dien_thoai": "12345",
            "don_vi": "X03445",
            "bang": "can-bo",
            "dong_y_nhan_tin": "1",
        },
    )
    assert answer.status_code == 422
    summary = re.search(r'<div class="errors".*?</div>', answer.text, re.DOTALL)
    assert summary is not None
    links = re.findall(r'href="#([a-z_]+)"', summary[0])
    assert set(links) == {"ho_ten", "nam_sinh", "dien_thoai", "dong_y_du_le"}
    for name in links:
        assert f'id="{name}"' in answer.text
    for typed in ('value="Mai 2"', 'value="91"', 'value="12345"'):
        assert typed in answer.text
    assert re.search(r'value="can-bo" checked', answer.text)
    assert re.search(r'value="X03445" selected', answer.text)
    assert re.search(r'name="dong_y_nhan_tin" value="1" checked', answer.text)
    assert await db.pool().fetchval("SELECT count(*) FROM sign_in_code") == 0


async def test_known_and_unknown_numbers_look_alike(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await sign_up(visitor)
    await prove(visitor)
    await db.pool().execute("DELETE FROM sign_in_code")
    visitor.cookies.clear()
    pages = []
    for phone in ("0912345678", "0987654321"):
        asked = await visitor.post("/dang-nhap", data={"dien_thoai": phone})
        page = await visitor.get(asked.headers["location"])
        shown = re.sub(r"\d{3}[ \u00a0]?\*+[^<]*\d{2,3}", "(the number)", page.text)
        pages.append((asked.status_code, asked.headers["location"], page.status_code, len(shown)))
        visitor.cookies.clear()
    assert pages[0] == pages[1]


async def test_an_unknown_number_learns_it_only_with_the_right_code(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await visitor.post("/dang-nhap", data={"dien_thoai": "0987654321"})
    await send_codes()
    answer = await visitor.post("/dang-nhap/ma", data={"ma": "000000"})
    assert answer.status_code == 422
    assert "Số điện thoại này chưa đăng ký" in answer.text
    assert 'href="/dang-ky"' in answer.text
    assert "phien" not in visitor.cookies
    assert await db.pool().fetchval("SELECT count(*) FROM account") == 0


async def test_a_wrong_code_tells_how_many_tries_are_left(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await sign_up(visitor)
    answer = await prove(visitor, "123456")
    assert answer.status_code == 422
    assert "Bạn còn 4 lần thử" in answer.text
    assert 'href="#ma"' in answer.text
    for _ in range(4):
        answer = await prove(visitor, "123456")
    assert "xin mã mới" in answer.text
    assert "xin mã mới" in (await prove(visitor)).text  # the right one comes too late
    assert "phien" not in visitor.cookies


async def test_a_code_that_is_still_on_its_way_says_so(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await sign_up(visitor)
    answer = await visitor.post("/dang-ky/ma", data={"ma": "000000"})
    assert "Mã đang được gửi" in answer.text


async def test_another_code_has_to_wait_for_the_cool_down(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await sign_up(visitor)
    too_soon = await visitor.post("/gui-lai-ma", data={"tu": "dang-ky"})
    assert "hãy chờ" in too_soon.text
    assert 'action="/dang-ky/ma"' in too_soon.text  # still on the way to sign up
    clock.freeze(clock.now() + timedelta(seconds=61))
    again = await visitor.post("/gui-lai-ma", data={"tu": "dang-ky", "tiep": "/cuoc-thi/thi"})
    assert again.headers["location"] == "/dang-ky/ma?tiep=/cuoc-thi/thi"
    assert (await prove(visitor)).status_code == 303


async def test_without_a_code_asked_for_the_code_page_leads_to_the_start(
    province: None, visitor: httpx.AsyncClient
) -> None:
    for path, start in (("/dang-ky/ma", "/dang-ky"), ("/dang-nhap/ma", "/dang-nhap")):
        opened = await visitor.get(path)
        assert (opened.status_code, opened.headers["location"]) == (303, start)
        typed = await visitor.post(path, data={"ma": "000000"})
        assert typed.status_code == 422
        assert f'action="{start}"' in typed.text
        assert "Mã đã hết hạn" in typed.text
    visitor.cookies.set("ma_cho", "00000000-0000-4000-8000-000000000000")
    assert (await visitor.get("/dang-ky/ma")).status_code == 303


async def test_a_code_serves_once_and_its_second_use_says_so(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await sign_up(visitor)
    code_cookie = visitor.cookies["ma_cho"]
    await prove(visitor)
    visitor.cookies.clear()
    visitor.cookies.set("ma_cho", code_cookie)
    again = await visitor.post("/dang-ky/ma", data={"ma": "000000"})
    assert again.status_code == 422
    assert "Mã đã dùng hoặc đã hết hạn" in again.text
    assert "phien" not in visitor.cookies


async def test_signing_up_again_signs_in_and_keeps_the_name(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await sign_up(visitor)
    await prove(visitor)
    await db.pool().execute("DELETE FROM sign_in_code")
    await sign_up(visitor, ho_ten="Kẻ Khác")
    assert (await prove(visitor)).status_code == 303
    names = await db.pool().fetch("SELECT full_name FROM person")
    assert [row["full_name"] for row in names] == ["Lò Thị Mai"]


async def test_the_session_token_changes_at_every_sign_in(
    province: None, visitor: httpx.AsyncClient, site: Site
) -> None:
    planted = site.app.state.tokens.session_value("a token that somebody planted")
    visitor.cookies.set("phien", planted)
    await sign_up(visitor)
    first = (await prove(visitor)).cookies["phien"]
    await db.pool().execute("DELETE FROM sign_in_code")
    visitor.cookies.clear()
    await visitor.post("/dang-nhap", data={"dien_thoai": MAI["dien_thoai"]})
    second = (await prove(visitor)).cookies["phien"]
    assert len({planted, first, second}) == 3
    kept = await db.pool().fetch("SELECT token_hash FROM session")
    assert not [row for row in kept if row["token_hash"] in first + second]


async def test_staff_sign_in_by_name_and_password_and_reach_their_work(
    province: None, visitor: httpx.AsyncClient
) -> None:
    lan = await make_staff(username="lan", password=PASSWORD, full_name="Vàng Thị Lan")
    unit_id = await db.pool().fetchval("SELECT id FROM unit WHERE code = 'T12'")
    form = {"ten": "Lan", "mat_khau": PASSWORD}
    for role, door in (("author", "/quan-tri/ngan-hang"), ("organiser", "/quan-tri")):
        await grant_role(lan, role, unit_id=unit_id, by=None)
        answer = await visitor.post("/dang-nhap/can-bo", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, door)
        assert (await visitor.get(door)).status_code == 200
        assert f'href="{door}"' in (await visitor.get("/tai-khoan")).text


async def test_a_wrong_name_and_a_wrong_password_sound_alike(
    province: None, visitor: httpx.AsyncClient
) -> None:
    await make_staff(username="lan", password=PASSWORD, full_name="Vàng Thị Lan")
    told = []
    for name, password in (("lan", "sai rồi sai rồi"), ("khong-co-ai", PASSWORD)):
        answer = await visitor.post("/dang-nhap/can-bo", data={"ten": name, "mat_khau": password})
        assert answer.status_code == 422
        assert f'value="{name}"' in answer.text
        assert password not in answer.text  # a password never comes back
        told.append(re.search(r'<div class="errors".*?</div>', answer.text, re.DOTALL))
    assert told[0]
    assert told[1]
    assert told[0][0] == told[1][0]


async def test_signing_out_takes_the_session_and_the_papers_along(
    site: Site, sign_in: SignIn
) -> None:
    arena = await build_arena()
    mai = await sign_in(arena.person_ids[0])
    path = (await mai.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    session = dict(mai.cookies)["phien"]
    answer = await mai.post("/dang-xuat")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    ended = {
        (name, path)
        for line in answer.headers.get_list("set-cookie")
        for name, path in re.findall(r'^(\w+)=""; .*Max-Age=0; Path=([^;]+)', line)
    }
    watch = ("truc", "/quan-tri/van-hanh")  # staff's pass to the operations page
    assert ended == {("phien", "/"), ("ten_hien", "/"), ("bai_thi", path), watch}
    assert (await mai.get(path)).status_code == 404
    stolen = httpx.Cookies({"phien": session})
    async with httpx.AsyncClient(base_url=site.url, cookies=stolen) as thief:
        assert (await thief.get("/tai-khoan")).status_code == 303


async def test_nobody_signed_in_may_sign_out(site: Site, visitor: httpx.AsyncClient) -> None:
    assert (await visitor.post("/dang-xuat")).status_code == 303


@pytest.mark.parametrize("typed", ["muong te", "Mường Tè", "MUONG T", "mường tè"])
async def test_a_unit_is_found_by_part_of_its_name_without_marks(
    province: None, visitor: httpx.AsyncClient, typed: str
) -> None:
    answer = await visitor.get("/tim-don-vi", params={"tim": typed})
    assert answer.status_code == 200
    assert "Xã Mường Tè" in answer.text
    assert "<html" not in answer.text
    assert 'name="don_vi"' in answer.text


async def test_a_search_that_finds_nothing_says_what_to_try(
    province: None, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.get("/tim-don-vi", params={"tim": "<b>zzz"})
    assert "Bạn thử gõ ngắn hơn" in answer.text
    assert "<b>zzz" not in answer.text
    assert (await visitor.get("/tim-don-vi")).text.strip() == ""


async def test_a_wide_search_shows_a_few_and_counts_the_rest(
    province: None, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.get("/tim-don-vi", params={"tim": "xa"})
    assert answer.text.count('name="don_vi"') == 12
    assert "Bạn gõ thêm vài chữ nhé" in answer.text


async def test_scripts_learn_each_fields_fault_as_json(
    province: None, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.post("/dang-ky", data={}, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_form")
    assert {"ho_ten", "dien_thoai", "dong_y_du_le"} <= answer.json()["fields"].keys()
