"""The whole way of a citizen: by thumb on a phone, without JavaScript, by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from core import db
from people.codes import DEMO_CODE, draw_code
from quiz import results
from tests.browser.conftest import OpenPage
from tests.browser.paper import SAVED

pytestmark = pytest.mark.browser
QUESTIONS = 20


async def send_codes() -> None:
    """What the worker does with a code that was asked for."""
    for row in await db.pool().fetch("SELECT id FROM sign_in_code WHERE state = 'asked'"):
        await draw_code(row["id"], demo=True)


def enter_of(page: Page) -> Locator:
    """The one thing to do first on the home page."""
    return page.locator(".hero").get_by_text("Vào thi", exact=True)


def unit_of(page: Page) -> Locator:
    return page.locator("#don-vi-tim-thay label", has_text=re.compile(r"^\s*Xã Mường Tè"))


async def fill_sign_up(page: Page, *, name: str, phone: str) -> None:
    await page.get_by_label("Họ và tên").fill(name)
    await page.get_by_label("Năm sinh").fill("1991")
    await page.get_by_label("Số điện thoại").fill(phone)


async def test_mai_plays_a_whole_round_with_her_thumb(open_page: OpenPage) -> None:
    page = await open_page()
    await page.goto("/")
    await enter_of(page).tap()
    await expect(page).to_have_url(re.compile("/dang-ky"))

    await fill_sign_up(page, name="Lò Thị Mai", phone="0532 000 001")
    await page.locator("#tim").press_sequentially("muong te")
    await unit_of(page).tap()
    await page.get_by_label("Người dân").check()
    assert not await page.locator("#dong_y_du_le").is_checked()
    assert not await page.locator("#dong_y_nhan_tin").is_checked()
    await page.locator("#dong_y_du_le").check()
    await page.get_by_role("button", name="Nhận mã xác nhận").tap()

    await expect(page.get_by_role("heading", name="Nhập mã xác nhận")).to_be_visible()
    await send_codes()
    await page.locator("#ma").fill(DEMO_CODE)
    await page.get_by_role("button", name="Xác nhận").tap()

    await expect(page.get_by_role("heading", name="Trước khi bắt đầu")).to_be_visible()
    await page.get_by_role("button", name="Bắt đầu làm bài").tap()
    await expect(page.locator("#cau-1")).to_be_visible()
    await expect(page.locator("#cau-2")).to_be_hidden()  # one question a screen on a phone

    for n in range(1, QUESTIONS):  # the last one stays open
        await page.locator(f"#q{n}-1").tap()
        await expect(page.locator(f"#cau-{n} .q-state")).to_have_text(SAVED)
        if n == 3:
            await page.locator("#cau-3 .flag").tap()
        await page.locator("#sau").tap()
    await expect(page.locator(f"#cau-{QUESTIONS}")).to_be_visible()
    await page.locator("#sau").tap()
    await page.locator("#du_doan").fill("1250")
    await expect(page.locator("#cau-p .q-state")).to_have_text(SAVED)

    await page.locator("#mo-danh-sach").tap()
    navigator = page.locator("#danh-sach")
    await expect(navigator).to_contain_text(f"{QUESTIONS - 1}/{QUESTIONS}")
    await expect(navigator.locator('[data-to="3"]')).to_have_class("done flagged")
    await navigator.locator('[data-to="3"]').tap()
    await expect(page.locator("#cau-3")).to_be_visible()

    await page.locator("#nop").tap()
    dialog = page.locator("#hop-nop")
    await expect(dialog).to_contain_text("Bạn còn 1 câu chưa trả lời.")
    await dialog.locator("#hop-nop-thieu a").tap()
    await expect(page.locator(f"#cau-{QUESTIONS}")).to_be_visible()
    await page.locator(f"#q{QUESTIONS}-2").tap()
    await expect(page.locator(f"#cau-{QUESTIONS} .q-state")).to_have_text(SAVED)
    await page.locator("#nop").tap()
    await expect(dialog).to_contain_text("Bạn đã trả lời đủ 20 câu.")
    await dialog.get_by_role("button", name="Nộp bài").tap()

    await expect(page.get_by_role("heading", name="Bài của bạn đã được nhận")).to_be_visible()
    receipt = await page.locator(".receipt").inner_text()
    assert await db.pool().fetchval("SELECT 1 FROM attempt WHERE receipt = $1", receipt)
    await expect(page.get_by_text("Đang chấm…")).to_be_visible()
    await results.score_waiting()
    await expect(page.get_by_text(re.compile(r"Bạn đúng \d+ trong 20 câu"))).to_be_visible()
    await expect(page.get_by_text("Thứ hạng tạm thời")).to_be_visible()
    await expect(page.locator("tr.me")).to_contain_text("Lò Thị M.")

    await page.get_by_role("link", name="Bài thi của tôi").tap()
    await expect(page.locator("#noi-dung")).to_contain_text(receipt)
    await expect(page.locator("h1")).to_have_text("Lò Thị Mai")


async def test_moan_plays_a_whole_round_without_javascript(open_page: OpenPage) -> None:
    page = await open_page(java_script_enabled=False, tolerates=r"status of 422")
    await page.goto("/")
    await enter_of(page).click()
    await fill_sign_up(page, name="Y Moan Êban", phone="0532 000 002")
    await page.locator("select[name=don_vi]").select_option(label="Xã Mường Tè")
    await page.get_by_label("Người dân").check()
    await page.get_by_role("button", name="Nhận mã xác nhận").click()

    # consent was left out: what was typed stays, and the summary leads to the box
    await expect(page.locator("#ho_ten")).to_have_value("Y Moan Êban")
    await expect(page.locator(".errors a")).to_have_attribute("href", "#dong_y_du_le")
    await page.locator("#dong_y_du_le").check()
    await page.get_by_role("button", name="Nhận mã xác nhận").click()
    await send_codes()
    await page.locator("#ma").fill(DEMO_CODE)
    await page.get_by_role("button", name="Xác nhận").click()
    await page.get_by_role("button", name="Bắt đầu làm bài").click()

    for n in range(1, 11):
        await page.locator(f"#q{n}-2").check()
    await page.get_by_role("button", name="Lưu bài").click()
    await expect(page.get_by_text("Đã lưu bài. Bạn làm tiếp nhé.")).to_be_visible()
    for n in range(11, QUESTIONS):
        await page.locator(f"#q{n}-1").check()
    await page.locator("#du_doan").fill("900")
    await page.locator("#nop").click()

    await expect(page.get_by_text("Bạn đã trả lời và lưu 19 trong 20 câu.")).to_be_visible()
    await expect(page.locator(".note .nav a")).to_have_text(re.compile("20"))
    await page.get_by_role("button", name="Nộp bài").click()
    await expect(page.get_by_role("heading", name="Bài của bạn đã được nhận")).to_be_visible()
    await results.score_waiting()
    await page.get_by_role("link", name="Xem lại").click()
    await expect(page.get_by_text(re.compile(r"Bạn đúng \d+ trong 20 câu"))).to_be_visible()
    answers, prediction = await db.pool().fetchrow(
        "SELECT answers, prediction FROM attempt ORDER BY started_at DESC LIMIT 1"
    )
    assert {int(n) for n in answers} == set(range(1, QUESTIONS))
    assert prediction == 900


# Where the focus is: shown by a thick line, inside the window, and not under a fixed bar.
FOCUS = """
() => {
  const e = document.activeElement;
  if (!e || e === document.body) return { fault: '' };
  const name = e.tagName + '#' + e.id + ' ' + (e.textContent || e.value || '').trim().slice(0, 40);
  if (e.getAttribute('tabindex') === '-1') return { fault: '', name };
  const face = e.matches('.opt input') ? e.nextElementSibling : e, style = getComputedStyle(face);
  if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) {
    return { fault: 'no outline: ' + name, name };
  }
  const r = face.getBoundingClientRect();
  const x = Math.min(innerWidth - 2, Math.max(1, r.left + r.width / 2));
  const seen = [.1, .5, .9].some(part => {
    const y = r.top + r.height * part, top = document.elementFromPoint(x, y);
    return y > 0 && y < innerHeight && top &&
      (face.contains(top) || e.contains(top) || top.contains(face) && !top.matches('.bar, .dock'));
  });
  return { fault: seen ? '' : 'hidden: ' + name, name };
}
"""


class Keyboard:
    """Hands that know no mouse; every stop of the focus is looked at."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []

    async def press(self, key: str) -> None:
        await self.page.keyboard.press(key)
        fault = (await self.page.evaluate(FOCUS))["fault"]
        if fault:
            self.faults.append(fault)

    async def tab_to(self, target: Locator, *, most: int = 60, back: bool = False) -> None:
        for _ in range(most):
            if await target.evaluate("e => e === document.activeElement"):
                return
            await self.press("Shift+Tab" if back else "Tab")
        where = (await self.page.evaluate(FOCUS)).get("name")
        pytest.fail(f"Tab does not lead to {target}; it ends at {where}")

    async def press_on(self, target: Locator, key: str = "Enter") -> None:
        await self.tab_to(target)
        await self.page.keyboard.press(key)

    async def type_into(self, target: Locator, text: str) -> None:
        await self.tab_to(target)
        await self.page.keyboard.type(text)


async def test_broih_plays_a_whole_round_by_keyboard_alone(open_page: OpenPage) -> None:
    page = await open_page(has_touch=False)
    keyboard = Keyboard(page)
    await page.goto("/")
    await keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_focused()
    await keyboard.press_on(enter_of(page))
    await expect(page).to_have_url(re.compile("/dang-ky"))

    await keyboard.type_into(page.locator("#ho_ten"), "K'Brôih")
    await keyboard.type_into(page.locator("#nam_sinh"), "1985")
    await keyboard.type_into(page.locator("#dien_thoai"), "0532000003")
    await keyboard.type_into(page.locator("#tim"), "muong te")
    await expect(unit_of(page)).to_be_visible()
    first = page.locator("#don-vi-tim-thay input").first
    await keyboard.tab_to(first)
    await keyboard.press("Space")
    while not await unit_of(page).locator("input").is_checked():
        await keyboard.press("ArrowDown")
    await keyboard.tab_to(page.locator("input[name=bang]").first)
    await keyboard.press("ArrowDown")
    await keyboard.press_on(page.locator("#dong_y_du_le"), "Space")
    await keyboard.press_on(page.get_by_role("button", name="Nhận mã xác nhận"))
    await expect(page.locator("#ma")).to_be_visible()
    await send_codes()
    await keyboard.type_into(page.locator("#ma"), DEMO_CODE)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Trước khi bắt đầu")).to_be_visible()
    await keyboard.press_on(page.get_by_role("button", name="Bắt đầu làm bài"))

    for n in range(1, QUESTIONS + 1):
        await expect(page.locator(f"#cau-{n}")).to_be_visible()
        option = page.locator(f"#q{n}-1")
        await keyboard.tab_to(option)
        await keyboard.press("Space")
        if await option.get_attribute("type") == "radio":
            await keyboard.press("ArrowDown")
            await expect(page.locator(f"#q{n}-2")).to_be_checked()
        if n == 2:
            await keyboard.press_on(page.locator("#cau-2 .clear"))
            await expect(page.locator("#cau-2 input:checked")).to_have_count(0)
        await keyboard.press_on(page.locator("#sau"))
    await keyboard.type_into(page.locator("#du_doan"), "700")
    await expect(page.locator("#da-luu")).to_have_text(SAVED)

    await keyboard.press_on(page.locator("#mo-danh-sach"))
    await keyboard.press_on(page.locator('#danh-sach [data-to="2"]'))
    await expect(page.locator("#cau-2")).to_be_visible()
    await keyboard.tab_to(page.locator("#q2-1"))
    await keyboard.press("Space")
    await page.locator("#nop").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#hop-nop")).to_contain_text("Bạn đã trả lời đủ 20 câu.")
    await page.keyboard.press("Escape")
    await expect(page.locator("#hop-nop")).to_be_hidden()
    await expect(page.locator("#nop")).to_be_focused()
    await page.keyboard.press("Enter")
    await keyboard.press_on(page.locator("#nop-that"))
    await expect(page.get_by_role("heading", name="Bài của bạn đã được nhận")).to_be_visible()
    await results.score_waiting()
    await expect(page.get_by_text(re.compile(r"Bạn đúng \d+ trong 20 câu"))).to_be_visible()
    assert not keyboard.faults
