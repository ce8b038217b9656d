"""An organiser makes a contest from a ready bank by clicking, a second person publishes it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from core import db
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from web.demo.contests import PAST_SLUG

pytestmark = pytest.mark.browser
MOST_SCREENS = 6  # from a ready bank to "sent for approval"
NAME = "Kỹ năng số cho mọi nhà"
DESK = "/quan-tri/cuoc-thi/ki-nang-so-cho-moi-nha"


class Screens:
    """Counts how often another screen came up; a page that comes back the same is no new one."""

    def __init__(self, page: Page) -> None:
        self.seen: list[str] = []
        page.on("framenavigated", lambda frame: self._note(urlsplit(frame.url).path))

    def _note(self, path: str) -> None:
        if not self.seen or self.seen[-1] != path:
            self.seen.append(path)


async def fill_in(page: Page, cells: int = 4) -> None:
    """Two questions from each of the first cells of the blueprint."""
    for place in range(cells):
        await page.locator("#ma-tran form").first.locator("input.cell").nth(place).fill("2")
    await page.get_by_role("button", name="Lưu ma trận").click()


async def demonstration_bank() -> str:
    """Other tests of the worker have made banks of their own, so it has to be chosen."""
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # a name
        "SELECT b.name FROM question_bank b JOIN contest c ON c.bank_id = b.id WHERE c.slug = $1",
        PAST_SLUG,
    )


async def forget_contest() -> None:
    """The province is shared by the tests of a worker: leave it as it was."""
    await db.pool().execute("DELETE FROM contest WHERE slug = $1", DESK.rsplit("/", 1)[1])


async def test_a_contest_is_made_in_few_screens_and_handed_over(open_page: OpenPage) -> None:
    page = await open_page(await staff_member("organiser"))
    screens = Screens(page)
    try:
        await page.goto("/quan-tri/cuoc-thi")
        await page.locator("#ten").fill(NAME)
        await page.select_option("#ngan_hang", label=await demonstration_bank())
        await page.get_by_role("button", name="Tạo bản nháp").click()
        await expect(page.locator("h1")).to_have_text(NAME)
        await expect(page.get_by_text("Còn 3 việc trước khi gửi duyệt")).to_be_visible()
        await page.get_by_role("button", name="Thêm đợt và đặt ma trận đề").click()
        await expect(page.locator("h1")).to_have_text("Tuần 1")
        await fill_in(page)
        await expect(page.get_by_text("8 câu mỗi đề").first).to_be_visible()
        await expect(page.get_by_text("Ngân hàng đủ câu cho đề này.")).to_be_visible()
        await page.get_by_role("link", name="Về cuộc thi").click()
        await page.get_by_role("button", name="Soạn từ cấu hình").click()
        await expect(page.get_by_text("Đã đủ để công bố")).to_be_visible()
        await page.get_by_role("button", name="Gửi duyệt").click()
        await expect(page.get_by_text("Chờ duyệt", exact=True)).to_be_visible()
        assert screens.seen[-1] == DESK
        assert len(screens.seen) <= MOST_SCREENS, screens.seen
        await expect(page.get_by_role("button", name="Duyệt và công bố")).to_have_count(0)

        approver = await open_page(await staff_member("approver"))
        await approver.goto(DESK)
        await expect(approver.get_by_text("(1) điểm cao hơn").first).to_be_visible()
        await approver.get_by_role("button", name="Duyệt và công bố").click()
        await expect(approver.get_by_role("heading", name="Đề đã khóa")).to_be_visible()
        await expect(approver.locator("input.cell")).to_have_count(0)
    finally:
        await db.pool().execute("ALTER TABLE pool DISABLE TRIGGER pool_only_added")
        await db.pool().execute(
            "DELETE FROM pool USING round, contest WHERE round.id = pool.round_id "
            "AND contest.id = round.contest_id AND contest.slug = $1",
            DESK.rsplit("/", 1)[1],
        )
        await db.pool().execute("ALTER TABLE pool ENABLE TRIGGER pool_only_added")
        await forget_contest()


async def test_every_page_of_the_workspace_is_for_everybody(open_page: OpenPage) -> None:
    require_node_modules()
    page = await open_page(await staff_member("organiser"), tolerates="status of 422")
    faults: list[str] = []

    async def look(address: str | None = None, *, name: str = "") -> None:
        if address is not None:
            await page.goto(address)
        faults.extend(await faults_of(page, name or address or page.url))

    try:
        await look("/quan-tri/cuoc-thi")
        await page.locator("#ten").fill(NAME)
        await page.select_option("#ngan_hang", label=await demonstration_bank())
        await page.get_by_role("button", name="Tạo bản nháp").click()
        await page.locator("#mo").fill("hôm nào đó")
        await page.get_by_role("button", name="Thêm đợt và đặt ma trận đề").click()
        await expect(page.locator(".errors")).to_be_focused()
        await expect(page.locator("#mo")).to_have_value("hôm nào đó")
        await look(name="desk with an error")
        await page.locator("#mo").fill("8 giờ ngày 4/10/2038")
        await page.locator("#dong").fill("24 giờ ngày 5/10/2038")
        await page.get_by_role("button", name="Thêm đợt và đặt ma trận đề").click()
        await expect(page.get_by_text("thứ Tư, 00:00 ngày 06/10/2038")).to_be_visible()
        await page.locator("#ma-tran form").first.locator("input.cell").first.fill("150")
        await page.get_by_role("button", name="Lưu ma trận").click()
        await expect(page.locator(".bad-cell").first).to_be_visible()
        await look(name="a blueprint that cannot be met")
        await page.locator("#ma-tran form").first.locator("input.cell").first.fill("")
        await fill_in(page)
        await page.goto(f"{DESK}#giai")
        await page.get_by_text("Thêm giải", exact=True).first.click()
        await page.locator("#giai_ten").fill("giải Nhất")
        await page.get_by_role("button", name="Thêm giải").click()
        await page.locator("button[name=xuong][value=points]").click()
        await expect(page.locator("#tieu_chi li").first).to_contain_text("làm bài ngắn hơn")
        await page.get_by_role("button", name="Soạn từ cấu hình").click()
        for summary in await page.locator("main details > summary").all():
            await summary.click()
        await look(name="desk with all in it")
        await page.get_by_role("link", name="01 giải Nhất").click()
        await look(name="a prize")
        for place in ("the-le", "danh-sach/khong-du-thi", "danh-sach/du-thi", "lam-thu"):
            await look(f"{DESK}/{place}")
        await page.locator("#q1-1").check(force=True)
        await page.get_by_role("button", name="Nộp bài làm thử").click()
        await expect(page.locator("h1")).to_have_text("Kết quả làm thử")
        await look(name="the result of a trial")
        await look(f"/quan-tri/cuoc-thi/{PAST_SLUG}/dot/1")
        await look(f"/quan-tri/cuoc-thi/{PAST_SLUG}/the-le")
    finally:
        await forget_contest()
    assert not faults, "\n".join(faults)
