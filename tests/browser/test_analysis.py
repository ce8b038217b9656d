"""What a round's questions tell: the figures, the knowledge map and their files, as staff see them."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from core import db
from core.documents import read_sheet
from quiz.question_statistics import compute
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from web.demo.contests import COMING_SLUG, PAST_SLUG

pytestmark = pytest.mark.browser
PAGES = f"/quan-tri/cuoc-thi/{PAST_SLUG}"


async def test_the_figures_of_a_past_round(open_page: OpenPage) -> None:
    require_node_modules()
    round_id = await db.pool().fetchval(
        "SELECT r.id FROM round r JOIN contest c ON c.id = r.contest_id "
        "WHERE c.slug = $1 AND r.number = 1",
        PAST_SLUG,
    )
    assert await compute(round_id) > 30
    page = await open_page(await staff_member("organiser"))
    await page.goto(f"{PAGES}/phan-tich?dot=1")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Phân tích câu hỏi")
    await expect(page.get_by_text("Độ tin cậy (alpha)")).to_be_visible()
    first = page.locator("table.analysis > tbody > tr").first
    await first.locator("summary").click()
    await expect(first.get_by_text("đáp án đúng")).to_be_visible()
    faults = await faults_of(page, "phan-tich")

    await page.get_by_role("link", name="Bản đồ kiến thức").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Bản đồ kiến thức")
    await expect(page.get_by_role("rowheader", name="Cả đợt thi")).to_be_visible()
    faults += await faults_of(page, "ban-do-kien-thuc")
    assert not faults, "\n".join(faults)

    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Tải Excel").click()
    with open(await (await waiting.value).path(), "rb") as file:  # noqa: ASYNC230, PTH123 — a small file of this test
        rows = read_sheet(file.read())
    assert rows[0].cells[:2] == ("Đơn vị", "Số người")
    assert len(rows) > 1


async def test_a_round_without_figures_says_when_they_come(open_page: OpenPage) -> None:
    page = await open_page(await staff_member("organiser"))
    await page.goto(f"/quan-tri/cuoc-thi/{COMING_SLUG}/phan-tich")
    await expect(page.get_by_role("heading", name="Chưa có số liệu")).to_be_visible()
    await page.get_by_role("button", name="Tính ngay").click()
    await expect(page.get_by_role("status")).to_contain_text("Đang tính lại")
