"""An organiser mends a file of questions in the browser, beside what the file says."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from core import db
from quiz.pools import PoolOption
from quiz.question_writing import add_topic, make_bank, save_question
from quiz.questions import count_questions
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules

pytestmark = pytest.mark.browser

UGLY = """$CATEGORY: Căn cước

::1::Thẻ căn cước cấp cho công dân từ bao nhiêu tuổi là bắt buộc? {=Đủ 14 tuổi ~Đủ 16 tuổi ~Đủ 18 tuổi}

::2::Cơ quan nào cấp thẻ căn cước? {~Cơ quan quản lý căn cước của Bộ Công an ~Tòa án ~Trường học}

::3::NGÀY chuyển đổi số quốc gia là ngày nào?? {=10/10 ~22/12}

::4::Tài khoản định danh điện tử có mấy mức độ? {=Hai mức ~ ~Bốn mức}

Hãy viết cảm nghĩ của bạn về căn cước điện tử {}
"""


@pytest.fixture
async def bank() -> int:
    """A bank of this test alone, which has one question already."""
    bank_id = await make_bank(code="can-cuoc", name="Căn cước và định danh")
    await add_topic(bank_id, code="chung", name="Chung")
    await save_question(
        bank_id, code="CU-1", topic="chung", difficulty="easy", kind="single",
        text="Ngày Chuyển đổi số quốc gia là ngày nào?",
        options=[PoolOption("10/10", is_correct=True), PoolOption("2/9", is_correct=False)],
        by=None,
    )  # fmt: skip
    return bank_id


async def send(page: Page, name: str) -> None:
    await page.goto("/quan-tri/ngan-hang/nhap")
    file = {"name": name, "mimeType": "text/plain", "buffer": UGLY.encode()}
    await page.set_input_files("#tep", files=[file])  # type: ignore[list-item]  # Playwright names the dictionary's type privately
    await page.select_option("#ngan_hang", "can-cuoc")
    await page.get_by_role("button", name="Đọc tệp").click()


async def test_three_kinds_of_fault_are_mended_in_place(
    open_page: OpenPage, province: object, bank: int
) -> None:
    require_node_modules()
    page = await open_page(await staff_member("organiser"), viewport={"width": 1280, "height": 900})
    await page.goto("/quan-tri/ngan-hang/nhap")
    found = await faults_of(page, "upload")
    await send(page, "Căn cước.gift")
    await expect(page.get_by_role("heading", name="Hiểu được 1/4 câu")).to_be_visible()
    await expect(page.locator("#cau-3")).to_contain_text("CU-1")  # the twin's words beside it
    found += await faults_of(page, "review")

    await page.locator("#c2_answer").get_by_label("A là đáp án đúng").check()
    await page.locator("#cau-3").get_by_label("Nhập câu này").uncheck()
    await page.fill("#c4_option_b", "Ba mức")
    await page.get_by_role("button", name="Lưu và nhập những câu đã đúng").click()

    await expect(page.get_by_role("heading", name="Đã nhập 3 câu")).to_be_visible()
    assert await count_questions(bank) == 4
    found += await faults_of(page, "partly taken in", whole=False)
    await page.get_by_role("button", name="Làm thành câu hỏi").click()
    await page.fill("#c5_option_a", "Rất tiện")
    await page.fill("#c5_option_b", "Chưa quen")
    await page.locator("#c5_answer").get_by_label("A là đáp án đúng").check()
    await page.get_by_role("button", name="Lưu và nhập những câu đã đúng").click()
    await expect(page.get_by_role("heading", name="Đã nhập 4 câu")).to_be_visible()
    assert await db.pool().fetchval("SELECT state FROM question_import") == "done"
    await page.goto("/quan-tri/ngan-hang/xuat?ngan_hang=can-cuoc&dinh_dang=gift")
    found += await faults_of(page, "export")
    assert not found, "\n".join(found)


async def test_a_phone_sees_the_same(open_page: OpenPage, province: object) -> None:
    require_node_modules()
    await make_bank(code="can-cuoc-2", name="Căn cước trên điện thoại")
    page = await open_page(await staff_member("organiser"))
    await page.goto("/quan-tri/ngan-hang/nhap")
    file = {"name": "x.gift", "mimeType": "text/plain", "buffer": UGLY.encode()}
    await page.set_input_files("#tep", files=[file])  # type: ignore[list-item]  # Playwright names the dictionary's type privately
    await page.select_option("#ngan_hang", "can-cuoc-2")
    await page.get_by_role("button", name="Đọc tệp").click()
    await page.locator("#cau-1 summary").first.click()
    await expect(page.locator("#c1_text")).to_be_visible()
    found = await faults_of(page, "review on a phone")
    assert not found, "\n".join(found)
