"""How staff guard the own account, by browser and by script."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pyotp
import pytest

from core import clock, db
from people import second_factor
from people.accounts import make_staff
from people.roles import grant_role
from tests.web.conftest import Site
from tests.web.test_sign_in import province  # noqa: F401 — the fixture of the same pages

PASSWORD = "rừng xanh núi đỏ"
DOOR = "/dang-nhap/can-bo"
FACTOR = "/tai-khoan/xac-thuc"
FORM = {"ten": "lan", "mat_khau": PASSWORD}


@pytest.fixture
async def lan(province: None) -> int:  # noqa: F811 — the imported fixture
    account_id = await make_staff(username="lan", password=PASSWORD, full_name="Vàng Thị Lan")
    unit_id = await db.pool().fetchval("SELECT id FROM unit WHERE code = 'T12'")
    await grant_role(account_id, "organiser", unit_id=unit_id, by=None)
    return account_id


@pytest.fixture
async def browser(lan: int, visitor: httpx.AsyncClient) -> httpx.AsyncClient:
    """Lan's, signed in by password."""
    assert (await visitor.post(DOOR, data=FORM)).status_code == 303
    return visitor


async def switch_on(browser: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    await browser.post(f"{FACTOR}/bat-dau")
    page = (await browser.get(FACTOR)).text
    assert 'src="data:image/svg+xml' in page
    secret = re.findall(r"<code>([A-Z2-7 ]+)</code>", page)[0].replace(" ", "")
    telephone = pyotp.TOTP(secret)
    answer = await browser.post(f"{FACTOR}/xac-nhan", data={"ma": telephone.at(clock.now())})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    clock.freeze(clock.now() + timedelta(seconds=30))
    return telephone, re.findall(r"<code>([a-z0-9-]{19})</code>", answer.text)


async def test_an_organiser_is_reminded_until_the_second_factor_is_on(
    browser: httpx.AsyncClient,
) -> None:
    assert f'href="{FACTOR}"' in (await browser.get("/quan-tri")).text
    _, codes = await switch_on(browser)
    assert len(codes) == 10
    assert f'href="{FACTOR}"' not in (await browser.get("/quan-tri")).text
    page = (await browser.get(FACTOR)).text
    assert "Còn 10 mã dự phòng" in page
    assert codes[0] not in page


async def test_the_code_is_asked_for_after_the_password_which_goes_nowhere(
    browser: httpx.AsyncClient,
) -> None:
    telephone, _ = await switch_on(browser)
    browser.cookies.clear()
    asked = await browser.post(DOOR, data={**FORM, "tiep": "/quan-tri/don-vi"})
    assert asked.status_code == 200
    assert 'name="ma"' in asked.text
    assert PASSWORD not in asked.text
    assert PASSWORD not in str(asked.headers)
    cookie = asked.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert f"Path={DOOR}" in cookie
    assert "Max-Age=300" in cookie
    assert "phien" not in browser.cookies
    wrong = await browser.post(DOOR, data={"ma": "12345x"})
    assert wrong.status_code == 422
    assert "Mã chưa đúng" in wrong.text
    assert 'name="mat_khau"' not in wrong.text
    right = {"ma": telephone.at(clock.now()), "tiep": "/quan-tri/don-vi"}
    answer = await browser.post(DOOR, data=right)
    assert (answer.status_code, answer.headers["location"]) == (303, "/quan-tri/don-vi")
    assert "cho_ma" not in browser.cookies
    assert (await browser.get("/quan-tri/don-vi")).status_code == 200


async def test_the_wait_for_the_code_ends_after_five_minutes(browser: httpx.AsyncClient) -> None:
    telephone, _ = await switch_on(browser)
    browser.cookies.clear()
    await browser.post(DOOR, data=FORM)
    clock.freeze(clock.now() + timedelta(minutes=5, seconds=2))
    late = await browser.post(DOOR, data={"ma": telephone.at(clock.now())})
    assert late.status_code == 422
    assert 'name="mat_khau"' in late.text


async def test_nobody_makes_up_the_cookie_that_waits(
    browser: httpx.AsyncClient, site: Site, lan: int
) -> None:
    await switch_on(browser)
    browser.cookies.clear()
    browser.cookies.set("cho_ma", f"{lan}.0123456789abcdef.9999999999.forged")
    answer = await browser.post(DOOR, data={"ma": "123456"})
    assert answer.status_code == 422
    assert 'name="mat_khau"' in answer.text


async def test_a_script_sends_all_three_at_once(browser: httpx.AsyncClient) -> None:
    telephone, codes = await switch_on(browser)
    browser.cookies.clear()
    as_json = {"accept": "application/json"}
    without = await browser.post(DOOR, data=FORM, headers=as_json)
    assert (without.status_code, without.json()["code"]) == (401, "second_factor_needed")
    code = telephone.at(clock.now())
    assert (await browser.post(DOOR, data={**FORM, "ma": code})).status_code == 303
    browser.cookies.clear()
    assert (await browser.post(DOOR, data={**FORM, "ma": code})).status_code == 422
    assert (await browser.post(DOOR, data={**FORM, "ma": codes[3]})).status_code == 303


async def test_new_codes_and_switching_off_need_a_code(browser: httpx.AsyncClient) -> None:
    telephone, codes = await switch_on(browser)
    for deed in ("ma-du-phong", "tat"):
        answer = await browser.post(f"{FACTOR}/{deed}", data={"ma": "000 00x"})
        assert answer.status_code == 422
        assert "Mã chưa đúng" in answer.text
    fresh = await browser.post(f"{FACTOR}/ma-du-phong", data={"ma": codes[0]})
    assert len(re.findall(r"<code>([a-z0-9-]{19})</code>", fresh.text)) == 10
    off = await browser.post(f"{FACTOR}/tat", data={"ma": telephone.at(clock.now())})
    assert off.status_code == 303
    assert "Bắt đầu thiết lập" in (await browser.get(FACTOR)).text


async def test_a_password_that_was_handed_over_serves_for_nothing_but_a_new_one(
    province: None,  # noqa: F811 — the imported fixture
    visitor: httpx.AsyncClient,
) -> None:
    account_id = await make_staff(
        username="lan", password=PASSWORD, full_name="Vàng Thị Lan", is_temporary=True
    )
    unit_id = await db.pool().fetchval("SELECT id FROM unit WHERE code = 'T12'")
    await grant_role(account_id, "organiser", unit_id=unit_id, by=None)
    answer = await visitor.post(DOOR, data={**FORM, "tiep": "/quan-tri"})
    assert answer.headers["location"] == "/tai-khoan/mat-khau"
    for address in ("/quan-tri", "/tai-khoan", "/tai-khoan/du-lieu", FACTOR):
        turned_away = await visitor.get(address)
        assert turned_away.headers["location"] == "/tai-khoan/mat-khau"
    begun = await visitor.post(f"{FACTOR}/bat-dau")
    assert begun.headers["location"] == "/tai-khoan/mat-khau"
    assert await db.pool().fetchval("SELECT count(*) FROM account WHERE totp_secret <> ''") == 0
    assert "chỉ dùng một lần" in (await visitor.get("/tai-khoan/mat-khau")).text
    wanted = {"mat_khau_cu": PASSWORD, "mat_khau_moi": "suối trong bản nhỏ"}
    unlike = await visitor.post("/tai-khoan/mat-khau", data={**wanted, "mat_khau_lai": "khác"})
    assert unlike.status_code == 422
    same = await visitor.post(
        "/tai-khoan/mat-khau",
        data={"mat_khau_cu": PASSWORD, "mat_khau_moi": PASSWORD, "mat_khau_lai": PASSWORD},
    )
    assert "phải khác" in same.text
    wanted["mat_khau_lai"] = wanted["mat_khau_moi"]
    done = await visitor.post("/tai-khoan/mat-khau", data=wanted)
    assert (done.status_code, done.headers["location"]) == (303, "/quan-tri")
    assert (await visitor.get("/quan-tri")).status_code == 200


async def test_a_new_password_signs_the_other_browsers_out(
    browser: httpx.AsyncClient, site: Site
) -> None:
    async with httpx.AsyncClient(base_url=site.url) as other:
        await other.post(DOOR, data=FORM)
        assert (await other.get("/quan-tri")).status_code == 200
        new = "suối trong bản nhỏ"
        wrong = {"mat_khau_cu": "sai rồi sai rồi", "mat_khau_moi": new, "mat_khau_lai": new}
        refused = await browser.post("/tai-khoan/mat-khau", data=wrong)
        assert "Mật khẩu đang dùng chưa đúng" in refused.text
        assert new not in refused.text
        await browser.post("/tai-khoan/mat-khau", data={**wrong, "mat_khau_cu": PASSWORD})
        assert (await other.get("/quan-tri")).status_code == 303
        assert (await browser.get("/quan-tri")).status_code == 200


async def test_the_account_page_shows_how_the_account_is_guarded(
    browser: httpx.AsyncClient, lan: int
) -> None:
    assert "chưa bật" in (await browser.get("/tai-khoan")).text
    await switch_on(browser)
    assert "đang bật" in (await browser.get("/tai-khoan")).text
    await second_factor.reset(lan, by=None)  # signs every browser out
    await browser.post(DOOR, data=FORM)
    assert "chưa bật" in (await browser.get("/tai-khoan")).text
