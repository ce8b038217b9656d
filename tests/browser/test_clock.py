"""The time that is left: shown, announced seldom, and decided by the server alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from core import db
from quiz import results
from quiz.attempts import CLOSING_GRACE_SECONDS, close_expired
from tests.browser.conftest import OpenPage
from tests.browser.paper import Paper, Person, begin, set_deadline, state_of

pytestmark = pytest.mark.browser
NET_NOISE = r"^Failed to load resource"
A_MINUTE = 60_000

_HEAR = """
addEventListener('DOMContentLoaded', () => {
  const said = window.said = [], box = document.getElementById('loa');
  if (box) new MutationObserver(() => { if (box.textContent) said.push(box.textContent); })
    .observe(box, { childList: true, characterData: true, subtree: true });
});
"""


async def timer_colour(page: Page) -> str:
    return await page.locator("#dong-ho").evaluate(  # type: ignore[no-any-return]  # what JavaScript gives
        "e => getComputedStyle(e).backgroundColor"
    )


async def test_ten_five_and_one_minute_are_announced_once_each(
    open_page: OpenPage, mai: Person
) -> None:
    """Nineteen and a half minutes pass on the page's own clock."""
    page = await open_page(mai)
    paper = await begin(page)
    await page.clock.install()
    await page.context.add_init_script(_HEAR)
    await paper.open(page)
    timer = page.get_by_role("timer", name="Thời gian còn lại")
    await expect(timer).to_have_attribute("id", "dong-ho")
    assert await timer.get_attribute("aria-live") in {None, "off"}
    await expect(timer).to_have_class("timer")
    colours = [await timer_colour(page)]

    await page.clock.run_for(10 * A_MINUTE + 2_000)
    await expect(timer).to_have_class("timer soon")
    colours.append(await timer_colour(page))
    await page.clock.run_for(9 * A_MINUTE)
    await expect(timer).to_have_class("timer last")
    colours.append(await timer_colour(page))
    await page.clock.run_for(30_000)
    assert len(set(colours)) == 3
    said = await page.evaluate("window.said")
    assert said == ["Còn 10 phút.", "Còn 5 phút.", "Còn 1 phút."]


async def test_losing_the_net_again_and_again_stays_quiet(open_page: OpenPage, mai: Person) -> None:
    """Twenty minutes on the page's clock, with three interruptions: a few words, not a stream."""
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await page.context.add_init_script(_HEAR)
    await page.clock.install()
    await paper.open(page)
    await page.context.set_offline(True)
    await paper.choose(page, 1, 1)
    await page.clock.run_for(18 * A_MINUTE)
    said = await page.evaluate("window.said")
    assert said[0] == "Chưa gửi được, sẽ tự gửi lại"
    assert len(said) <= 6


async def test_at_zero_the_paper_hands_itself_in(open_page: OpenPage, mai: Person) -> None:
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await set_deadline(paper, 6)
    await paper.open(page)
    await paper.choose(page, 1, 1)
    await expect(page.get_by_text("phần đã lưu được tính")).to_be_visible()
    assert await paper.saved() == {"1": (1,)}
    if await state_of(paper) == "open":  # too late by a hair: the sweep closes it, in its own time
        await db.pool().execute(
            "UPDATE attempt SET started_at = started_at - $2::interval, "
            "deadline_at = deadline_at - $2::interval WHERE id = $1",
            paper.attempt_id,
            timedelta(seconds=CLOSING_GRACE_SECONDS + 1),
        )
        await close_expired()
    await results.score_waiting()
    await expect(page.get_by_text(re.compile(r"Bạn đúng \d+ trong 20 câu"))).to_be_visible()


async def test_the_deadline_passes_while_there_is_no_net(open_page: OpenPage, mai: Person) -> None:
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await set_deadline(paper, 6)
    await paper.open(page)
    await paper.choose(page, 1, 1)
    await expect(page.locator("#da-luu")).to_have_text(re.compile("^Đã lưu"))
    await page.context.set_offline(True)
    await expect(page.locator("#hop-cho")).to_contain_text(
        "Đã hết giờ mà máy chưa có mạng. Phần đã lưu được tính; bạn không cần làm gì thêm."
    )
    await page.context.set_offline(False)
    await expect(page.locator("h1", has_text="Bài của bạn đã được")).to_be_visible()
    assert await paper.saved() == {"1": (1,)}


async def test_a_save_that_comes_too_late_leads_to_the_result(
    open_page: OpenPage, mai: Person
) -> None:
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await paper.watch(page)
    await paper.open(page)
    await paper.choose(page, 1, 1)
    await paper.expect_all_saved(page)
    await set_deadline(paper, -1)  # the page still believes in nineteen minutes
    await page.locator("#q2-1").tap()
    await expect(page.locator("#hop-cho")).to_contain_text("Đã hết giờ. Phần đã lưu được tính.")
    await expect(page.locator("h1", has_text="Bài của bạn đã được")).to_be_visible()
    assert await paper.saved() == {"1": (1,)}


async def test_a_wrong_device_clock_changes_nothing(open_page: OpenPage, mai: Person) -> None:
    """The telephone believes that it is tomorrow."""
    page = await open_page(mai)
    paper: Paper = await begin(page)
    await page.clock.install(time="2030-01-01T00:00:00Z")
    await paper.open(page)
    await expect(page.locator("#dong-ho b")).to_have_text(re.compile(r"^(20:00|19:\d\d)$"))
    await paper.choose(page, 1, 1)
    await paper.expect_all_saved(page)
