"""WCAG 2.2 AA by axe: no finding on any page in any state; nothing to scroll sideways at 320 px."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from core import clock, db
from quiz import leaderboard, results
from tests.browser.conftest import MakePerson, OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from tests.browser.paper import NOT_SENT, SAVED, Person, begin
from tests.web.conftest import Site
from web.demo.contests import COMING_SLUG, OPEN_SLUG, PAST_SLUG

pytestmark = pytest.mark.browser
NET_NOISE = r"^Failed to load resource"


@pytest.fixture(autouse=True)
def _axe_is_there() -> None:
    require_node_modules()


class Look:
    """Goes through pages and gathers what is wrong with them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []

    async def at(self, address: str, *, status: int = 200) -> None:
        answer = await self.page.goto(address)
        assert answer is not None
        assert answer.status == status, f"{address}: {answer.status}"
        await self.now(address)

    async def now(self, name: str, *, whole: bool = True) -> None:
        self.faults += await faults_of(self.page, name, whole=whole)

    def expect_nothing(self) -> None:
        assert not self.faults, "\n".join(self.faults)


async def test_public_pages(open_page: OpenPage) -> None:
    look = Look(await open_page())
    for address in (
        "/",
        f"/cuoc-thi/{OPEN_SLUG}",
        f"/cuoc-thi/{COMING_SLUG}",
        f"/cuoc-thi/{PAST_SLUG}",
        f"/cuoc-thi/{OPEN_SLUG}/the-le",
        f"/cuoc-thi/{PAST_SLUG}/thong-ke",
        f"/cuoc-thi/{COMING_SLUG}/thong-ke",
        f"/cuoc-thi/{PAST_SLUG}/bang-xep-hang",
        f"/cuoc-thi/{PAST_SLUG}/bang-xep-hang?bang=don-vi",
        f"/cuoc-thi/{COMING_SLUG}/bang-xep-hang",
        "/tro-nang",
    ):
        await look.at(address)
    look.expect_nothing()


async def test_a_home_without_contests_and_a_frozen_board(
    open_page: OpenPage, province: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Look(await open_page())

    async def none() -> tuple[()]:
        return ()

    with monkeypatch.context() as patched:
        patched.setattr(province.app.state.contests, "all", none)
        await look.at("/")
        await expect(look.page.locator("h1")).to_have_text("Hiện chưa có cuộc thi nào đang mở")
    freeze = "UPDATE contest SET board_freeze_seconds = $1 WHERE slug = $2"
    await db.pool().execute(freeze, 30 * 24 * 3600, OPEN_SLUG)
    try:
        await leaderboard.take_snapshots(at=clock.now())
        province.forget()
        await look.at(f"/cuoc-thi/{OPEN_SLUG}/bang-xep-hang")
        await expect(look.page.get_by_text("Tạm khóa bảng")).to_be_visible()
    finally:
        await db.pool().execute(freeze, 0, OPEN_SLUG)
        province.forget()
    look.expect_nothing()


async def test_doors(open_page: OpenPage) -> None:
    page = await open_page(tolerates=r"status of 422")
    look = Look(page)
    await look.at("/dang-ky")
    await page.locator("#ho_ten").fill("Y Moan Êban")
    await page.get_by_role("button", name="Nhận mã xác nhận").tap()
    await expect(page.locator(".errors")).to_be_focused()
    await look.now("/dang-ky with errors")
    await page.locator("#tim").press_sequentially("xa")
    await expect(page.locator("#don-vi-tim-thay input")).to_have_count(12)
    await look.now("/dang-ky with units found")
    for address, button in (("/dang-nhap", "Nhận mã"), ("/dang-nhap/can-bo", "Đăng nhập")):
        await look.at(address)
        await page.locator("form").get_by_role("button", name=button, exact=True).tap()
        await expect(page.locator(".errors")).to_be_visible()
        await look.now(f"{address} with errors", whole=False)
    await page.goto("/dang-nhap")
    await page.locator("#dien_thoai").fill("0532 000 009")
    await page.locator("form").get_by_role("button", name="Nhận mã", exact=True).tap()
    await expect(page.locator("#ma")).to_be_visible()
    await look.now("/dang-nhap/ma")
    await page.locator("#ma").fill("123456")
    await page.get_by_role("button", name="Xác nhận").tap()
    await expect(page.locator(".errors")).to_be_visible()
    await look.now("/dang-nhap/ma with an error", whole=False)
    look.expect_nothing()


async def test_the_paper_in_all_its_states(open_page: OpenPage, make_person: MakePerson) -> None:
    page = await open_page(await make_person("K'Brôih"), tolerates=NET_NOISE)
    look = Look(page)
    await look.at(f"/cuoc-thi/{OPEN_SLUG}/vao-thi")
    paper = await begin(page)
    await paper.open(page, view="one")
    await look.now("paper, one question")
    await page.locator("#q1-1").tap()
    await page.locator("#cau-1 .flag").tap()
    await expect(page.locator("#cau-1 .q-state")).to_have_text(SAVED)
    await page.locator("#mo-danh-sach").tap()
    await expect(page.locator("#danh-sach")).to_be_visible()
    await look.now("paper, navigator")
    await page.locator("#kieu-xem").tap()
    await look.now("paper, whole list")
    await page.locator("#nop").tap()
    await expect(page.locator("#hop-nop")).to_be_visible()
    await look.now("paper, asked before handing in")
    await page.locator("#lam-tiep").tap()

    await page.context.set_offline(True)
    await page.locator("#q2-1").tap()
    await expect(page.locator("#da-luu")).to_have_text(NOT_SENT)
    await look.now("paper, offline")
    await page.locator("#nop").tap()
    await page.locator("#nop-that").tap()
    await expect(page.locator("#thu-lai")).to_be_visible()
    await look.now("paper, handed in while offline")
    await page.locator("#ve-bai").tap()
    await page.context.set_offline(False)
    await expect(page.locator("#da-luu")).to_have_text(SAVED)

    await page.locator("#dong-ho").evaluate("e => { e.className = 'timer soon' }")
    await look.now("paper, ten minutes left")
    await page.locator("#dong-ho").evaluate("e => { e.className = 'timer last' }")
    await look.now("paper, the last minute", whole=False)
    second = await page.context.new_page()
    await second.goto(paper.path)
    await expect(page.locator("#noi-khac")).to_be_visible()
    await look.now("paper, taken over")
    await second.close()
    await look.at(f"{paper.path}/xac-nhan-nop")
    look.expect_nothing()


async def test_the_result_in_all_its_states_and_the_account(
    open_page: OpenPage, make_person: MakePerson
) -> None:
    page = await open_page(await make_person("Lò Thị Mai"))
    look = Look(page)
    await look.at("/tai-khoan")
    await look.at(f"/cuoc-thi/{OPEN_SLUG}/vi-tri")
    paper = await begin(page)
    await page.request.post(f"{paper.path}/nop", form={"seq": "1", "q1": "1", "du_doan": "90"})
    await look.at(f"{paper.path}/ket-qua")
    await results.score_waiting()
    await look.at(f"{paper.path}/ket-qua")
    await expect(page.get_by_text("Thứ hạng tạm thời")).to_be_visible()
    await begin(page)
    for address in ("/tai-khoan", f"/cuoc-thi/{OPEN_SLUG}/vi-tri", "/tai-khoan/du-lieu"):
        await look.at(address)
    await page.get_by_role("button", name="Xóa dữ liệu của tôi").tap()
    look.expect_nothing()


async def test_a_reviewed_result(open_page: OpenPage) -> None:
    row = await db.pool().fetchrow(
        "SELECT a.id, p.person_id, c.id AS account_id FROM attempt a "
        "JOIN participant p ON p.id = a.participant_id JOIN account c USING (person_id) "
        "JOIN contest t ON t.id = p.contest_id WHERE t.slug = $1 LIMIT 1",
        PAST_SLUG,
    )
    look = Look(await open_page(Person(row["person_id"], row["account_id"])))
    await look.at(f"/bai-thi/{row['id']}/ket-qua")
    await expect(look.page.get_by_text("Đáp án đúng").first).to_be_visible()
    look.expect_nothing()


async def test_pages_that_say_no(
    open_page: OpenPage, mai: Person, monkeypatch: pytest.MonkeyPatch, province: Site
) -> None:
    look = Look(await open_page(mai, tolerates=NET_NOISE))
    await look.at("/khong-co-trang-nay", status=404)
    await look.at(f"/cuoc-thi/{COMING_SLUG}/vao-thi", status=409)
    await look.at("/quan-tri", status=403)

    async def break_down() -> None:
        msg = "a fault on purpose"
        raise RuntimeError(msg)

    monkeypatch.setattr(province.app.state.contests, "all", break_down)
    await look.at("/tai-khoan", status=500)
    look.expect_nothing()


@pytest.mark.parametrize("role", ["admin", "focal_point"])
async def test_office_pages(open_page: OpenPage, role: str) -> None:
    look = Look(await open_page(await staff_member(role)))
    await look.at("/quan-tri")
    menu = await look.page.locator(".side a").evaluate_all("all => all.map(a => a.pathname)")
    for address in menu:
        if address != "/quan-tri":
            await look.at(address)
    await look.page.goto("/quan-tri/cuoc-thi")
    contests = look.page.locator("main table a, main .card a").first
    if await contests.count():
        await look.at(await contests.get_attribute("href") or "")
    look.expect_nothing()
