"""The way of a question: written, sent, returned, mended, compared word by word, approved."""

from __future__ import annotations

import re
from itertools import count

import pytest
from playwright.async_api import Page, expect

from core import db
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules

pytestmark = pytest.mark.browser
DESK = {"width": 1280, "height": 800}
_numbers = count(1)


@pytest.fixture
async def question() -> str:
    """Words that nobody has asked yet."""
    return f"Người dân tra cứu hồ sơ lần thứ {next(_numbers)} ở đâu?"


async def write(page: Page, words: str) -> None:
    await page.goto("/quan-tri/ngan-hang")
    await page.get_by_role("link", name="Viết câu hỏi").click()
    await page.get_by_label("Chủ đề").select_option("dich-vu-cong")
    await page.get_by_label("Mức độ").select_option("easy")
    await page.get_by_label("Loại câu hỏi").select_option("single")
    await page.get_by_label("Câu hỏi", exact=True).fill(words)
    await page.get_by_label("Phương án A").fill("Trên Cổng Dịch vụ công")
    await page.get_by_label("Phương án B").fill("Ở chợ phiên")
    await page.get_by_label("Phương án C").fill("Không tra cứu được")
    await page.get_by_label("Đúng A").check()
    await page.get_by_label("Phương án D").fill("Tất cả đều đúng")
    await page.get_by_label("Giữ vị trí D").check()
    await page.get_by_role("button", name="Lưu bản nháp").click()
    await expect(page.get_by_text("Đã lưu phiên bản mới.")).to_be_visible()


async def test_a_question_is_written_returned_mended_and_approved_by_two_people(
    open_page: OpenPage, question: str
) -> None:
    author = await open_page(await staff_member("author"), java_script_enabled=False)
    reviewer = await open_page(await staff_member("reviewer"))
    await write(author, question)
    reader = await db.pool().fetchval(
        "SELECT p.full_name FROM account a JOIN person p ON p.id = a.person_id "
        "WHERE a.username = 'thamdinh'"
    ) or await db.pool().fetchval(
        "SELECT p.full_name FROM role r JOIN account a ON a.id = r.account_id "
        "JOIN person p ON p.id = a.person_id WHERE r.name = 'reviewer'"
    )
    await author.get_by_label("Giao thẩm định cho").select_option(label=reader)
    await author.get_by_role("button", name="Gửi thẩm định").click()
    await expect(author.get_by_text("Đã gửi thẩm định 1 câu.")).to_be_visible()

    await reviewer.goto("/quan-tri")
    await reviewer.get_by_role("link", name=re.compile("Có 1 câu chờ bạn thẩm định")).click()
    await reviewer.locator("[data-rows] a").first.click()
    await reviewer.get_by_label("Điều cần sửa").fill("Phương án B nên nói rõ hơn.")
    await reviewer.get_by_role("button", name="Trả lại để sửa").click()
    await expect(reviewer.get_by_text("Đã trả lại 1 câu để sửa.")).to_be_visible()

    await author.reload()
    await expect(author.get_by_text("Phương án B nên nói rõ hơn.")).to_be_visible()
    await author.get_by_role("link", name="Sửa câu hỏi").click()
    await author.get_by_label("Phương án B").fill("Ở chợ phiên của xã")
    await author.get_by_role("button", name="Thêm phương án").click()
    await author.get_by_label("Phương án E").fill("Ở bưu điện")
    await author.get_by_role("button", name="Lưu phiên bản mới").click()
    await expect(author.locator(".difference ins").first).to_contain_text("của xã")
    await author.get_by_role("button", name="Gửi thẩm định").click()

    await reviewer.reload()
    difference = reviewer.locator(".difference")
    await expect(difference.get_by_text("phương án mới")).to_be_visible()
    faults = await faults_of(reviewer, "a question with a difference")
    await reviewer.get_by_role("button", name="Duyệt câu này").click()
    await expect(reviewer.get_by_text("Đã duyệt 1 câu.")).to_be_visible()
    await expect(reviewer.locator(".tag.ok").first).to_have_text("đã duyệt")
    assert not faults, "\n".join(faults)


async def test_rows_are_walked_and_marked_by_keyboard(open_page: OpenPage) -> None:
    page = await open_page(await staff_member("admin"), viewport=DESK)
    await page.goto("/quan-tri/ngan-hang")
    boxes = page.locator("[data-rows] input")
    await boxes.first.focus()
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(boxes.nth(1)).to_be_focused()
    await expect(page.locator("[data-marked]")).to_have_text("2 câu đã đánh dấu")
    await page.keyboard.press("k")
    await expect(boxes.first).to_be_focused()
    await page.get_by_role("button", name="Đánh dấu cả trang").click()
    await expect(page.locator("[data-marked]")).to_have_text("50 câu đã đánh dấu")
    code = await page.locator("[data-rows] code").first.inner_text()
    await boxes.first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text(f"Câu {code}")


async def test_letters_typed_into_the_search_stay_letters(open_page: OpenPage) -> None:
    page = await open_page(await staff_member("admin"), viewport=DESK)
    await page.goto("/quan-tri/ngan-hang")
    await page.locator("#tim").press_sequentially("xjk")
    await expect(page.locator("#tim")).to_have_value("xjk")
    await expect(page.locator("[data-rows] input:checked")).to_have_count(0)


async def test_the_banks_pages_are_accessible(open_page: OpenPage) -> None:
    require_node_modules()
    page = await open_page(await staff_member("admin"), tolerates=r"status of 422")
    faults: list[str] = []
    lapsed = await db.pool().fetchval(
        "SELECT question_id FROM question_version WHERE is_current AND valid_to < now() LIMIT 1"
    )
    for address in (
        "/quan-tri/ngan-hang/moi",
        "/quan-tri/ngan-hang/chu-de",
        "/quan-tri/ngan-hang/nguon",
        "/quan-tri/ngan-hang/cau-moi",
        f"/quan-tri/ngan-hang/cau/{lapsed}",
        f"/quan-tri/ngan-hang/cau/{lapsed}/sua",
    ):
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        faults += await faults_of(page, address)
    await page.goto("/quan-tri/ngan-hang/cau-moi")
    await page.get_by_role("button", name="Lưu bản nháp").tap()
    await expect(page.locator(".errors")).to_be_focused()
    faults += await faults_of(page, "the editor with errors")
    assert not faults, "\n".join(faults)
