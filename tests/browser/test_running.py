"""While a contest runs, in two browsers: an organiser acts, a participant sees it without reloading."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from core import db
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from tests.browser.paper import Person, begin, set_deadline, state_of
from tests.web.conftest import Site
from web.demo.contests import OPEN_SLUG

pytestmark = pytest.mark.browser
OFFICE = f"/quan-tri/cuoc-thi/{OPEN_SLUG}"
DESK = {"width": 1280, "height": 900}
NET_NOISE = r"^Failed to load resource"


@pytest.fixture(autouse=True)
async def _as_it_was(province: Site) -> AsyncIterator[None]:
    """The province is shared: nothing of these tests stays in force."""
    yield
    await db.pool().execute("UPDATE notice SET ends_at = now() WHERE ends_at > now()")
    await db.pool().execute(
        "UPDATE contest SET entry_stopped_at = NULL, start_stopped_at = NULL, board_hidden_at = NULL"
    )
    province.forget()


async def organiser_page(open_page: OpenPage) -> Page:
    """Its form comes back once to be completed, which Chromium calls a failure (422)."""
    return await open_page(await staff_member("organiser"), viewport=DESK, tolerates=NET_NOISE)


async def grant(page: Page, name: str, minutes: int) -> None:
    """Through the form: once to find the person, once to grant."""
    await page.goto(f"{OFFICE}/dieu-hanh")
    await page.get_by_label("Một người").check()
    await page.locator("#ten").fill(name)
    await page.locator("#phut").fill(str(minutes))
    await page.locator("#ly_do").fill("Mất điện tại điểm thi")
    await page.get_by_role("button", name="Gia hạn").click()
    await page.locator("#chon").check()
    await page.get_by_role("button", name="Gia hạn").click()
    await expect(page.locator(".note.ok")).to_contain_text("Đã gia hạn: 1 bài đang làm")


async def test_the_timer_follows_a_grant_with_the_next_save(
    open_page: OpenPage, mai: Person
) -> None:
    page = await open_page(mai)
    paper = await begin(page)
    await db.pool().execute(
        "UPDATE person SET full_name = 'Lò Thị Gia Hạn', name_key = 'lo thi gia han' WHERE id = $1",
        mai.person_id,
    )
    await db.pool().execute(
        "UPDATE attempt SET started_at = started_at - interval '18 minutes', "
        "deadline_at = deadline_at - interval '18 minutes' WHERE id = $1",
        paper.attempt_id,
    )
    await paper.open(page)
    await expect(page.locator("#dong-ho b")).to_have_text(re.compile(r"^0[01]:"))
    await grant(await organiser_page(open_page), "lo thi gia han", 25)
    await paper.choose(page, 1, 1)
    await expect(page.locator("#dong-ho b")).to_have_text(re.compile(r"^2\d:"))
    line = page.locator("#tin p")
    await expect(line).to_contain_text(re.compile(r"^Ban Tổ chức gia hạn thêm 25 phút\."))
    said = await page.locator("#dong-ho small").inner_text()
    assert said.removeprefix("đến ") in await line.inner_text()
    await line.get_by_role("button").tap()
    await expect(line).to_have_count(0)
    await page.reload()
    await expect(page.locator("#dong-ho b")).to_have_text(re.compile(r"^2\d:"))


async def test_whoever_never_saves_is_asked_before_the_time_is_over(
    open_page: OpenPage, mai: Person
) -> None:
    """The page believes in the old deadline until the very end, and then does not hand in."""
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await set_deadline(paper, 5)
    await paper.open(page)
    await set_deadline(paper, 605)
    await expect(page.locator("#dong-ho b")).to_have_text(re.compile(r"^(10|09):"), timeout=20_000)
    await expect(page.locator("#hop-cho")).to_be_hidden()
    assert await state_of(paper) == "open"
    await paper.choose(page, 1, 1)
    await paper.expect_all_saved(page)


async def test_a_page_that_only_reads_hears_within_two_minutes(
    open_page: OpenPage, mai: Person
) -> None:
    """Two minutes pass on the page's own clock."""
    page = await open_page(mai)
    paper = await begin(page)
    await page.clock.install()
    await paper.open(page)
    office = await organiser_page(open_page)
    await office.goto(f"{OFFICE}/dieu-hanh")
    await office.locator("#noi_dung").fill("Câu 3: hình hiện chậm, bạn chờ vài giây.")
    await office.get_by_role("button", name="Đăng thông báo").click()
    await expect(office.locator(".note.ok")).to_contain_text("Đã đăng thông báo")
    await page.clock.run_for(125_000)
    await expect(page.locator("#tin")).to_have_attribute("role", "status")
    await expect(page.locator("#tin p")).to_contain_text("Câu 3: hình hiện chậm")
    await office.get_by_role("button", name="Gỡ").click()
    await page.clock.run_for(125_000)
    await expect(page.locator("#tin p")).to_have_count(0)


async def test_a_notice_is_there_without_script_and_can_be_hidden_with_it(
    open_page: OpenPage, mai: Person
) -> None:
    office = await organiser_page(open_page)
    await office.goto(f"{OFFICE}/dieu-hanh")
    await office.locator("#noi_dung").fill("Đợt thi lùi giờ đóng 10 phút.")
    await office.get_by_role("button", name="Đăng thông báo").click()
    plain = await open_page(mai, java_script_enabled=False)
    paper = await begin(plain)
    await plain.goto(paper.path)
    await expect(plain.get_by_text("Đợt thi lùi giờ đóng 10 phút.")).to_be_visible()
    await plain.goto(f"/cuoc-thi/{OPEN_SLUG}")
    await expect(plain.get_by_text("Đợt thi lùi giờ đóng 10 phút.")).to_be_visible()
    page = await open_page(mai)
    await paper.open(page)
    await page.get_by_role("button", name="Ẩn thông báo").tap()
    await page.reload()
    await expect(page.locator("#tin p")).to_have_count(0)


async def test_the_pages_of_a_running_contest_are_for_everybody(
    open_page: OpenPage, mai: Person
) -> None:
    require_node_modules()
    paper = await begin(await open_page(mai))
    await db.pool().execute(
        "INSERT INTO suspicion (round_id, participant_id, pattern, evidence, state, note, found_at) "
        "SELECT round_id, participant_id, 'same_answers', jsonb_build_object('others', "
        "jsonb_build_array(participant_id), 'shared', 12, 'same_wrong', 3, 'seconds', 41), 'new', "
        "'', now() FROM attempt WHERE id = $1",
        paper.attempt_id,
    )
    page = await organiser_page(open_page)
    faults = []
    await page.goto(f"{OFFICE}/dang-dien-ra")
    await expect(page.get_by_text("Đang làm bài")).to_be_visible()
    faults += await faults_of(page, "monitor")
    await page.goto(f"{OFFICE}/dieu-hanh")
    await page.get_by_role("button", name="Gia hạn").click()
    await expect(page.locator(".errors")).to_be_visible()
    faults += await faults_of(page, "controls")
    await page.goto(f"{OFFICE}/dau-hieu")
    await page.locator("details summary").first.click()
    await expect(page.get_by_label("Căn cứ").first).to_be_visible()
    faults += await faults_of(page, "suspicions")
    assert not faults, "\n".join(faults)


async def test_the_monitor_refreshes_itself(open_page: OpenPage, mai: Person) -> None:
    office = await organiser_page(open_page)
    await office.goto(f"{OFFICE}/dang-dien-ra")
    before = await office.locator("#luc-nay .kpi b").first.inner_text()
    await begin(await open_page(mai))
    await expect(office.locator("#luc-nay .kpi b").first).not_to_have_text(before, timeout=20_000)
