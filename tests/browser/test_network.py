"""QR5: whatever the net does, all that the page showed as "Đã lưu" is in the database.

Each "Đã lưu" is compared with the database the moment it appears, and at the end everything that
was chosen must be there. What was compressed is said in each test.
"""

from __future__ import annotations

import asyncio
import random
import re

import pytest
from playwright.async_api import Error, Page, Route, expect

from core import db
from tests.browser.conftest import MakePerson, OpenPage
from tests.browser.paper import NOT_SENT, SAVED, Paper, Person, begin, state_of

pytestmark = pytest.mark.browser
NET_NOISE = r"^Failed to load resource"
SAVES = re.compile(r"/luu$")


async def change_everything(paper: Paper, page: Page, dice: random.Random) -> None:
    """Answer twelve questions, change half of them, and guess: about twenty changes."""
    for n in [*range(1, 13), *dice.sample(range(1, 13), 6)]:
        options = await page.locator(f"#cau-{n} input").count()
        taken = {each for chosen in paper.history[str(n)] for each in chosen}
        fresh = [option for option in range(1, options + 1) if option not in taken]
        await paper.choose(page, n, dice.choice(fresh or [1]))
    await paper.guess(page, 1250)


async def test_a_third_of_all_saves_fails(open_page: OpenPage, mai: Person) -> None:
    """Lost on the way, refused with 503 and Retry-After, or written with the answer lost."""
    dice = random.Random(5)
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await paper.watch(page)
    failures = {"abort": 0, "busy": 0, "reply lost": 0}

    async def fail(route: Route) -> None:
        lot = dice.random()
        if lot < 0.12:
            failures["abort"] += 1
            await route.abort("connectionreset")
        elif lot < 0.22:
            failures["busy"] += 1
            await route.fulfill(status=503, headers={"Retry-After": "1"}, body="")
        elif lot < 0.32:
            failures["reply lost"] += 1
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route(SAVES, fail)
    await paper.open(page)
    await change_everything(paper, page, dice)
    while sum(failures.values()) < 6:  # however the saves fell together
        n = dice.randint(1, 12)
        await paper.choose(page, n, 1 if paper.history[str(n)][-1] != (1,) else 2)
        await asyncio.sleep(0.3)
    await paper.expect_all_saved(page)
    assert paper.claims_count
    assert await page.locator(".q-state.ok").count() >= 12


async def test_a_minute_without_the_net(open_page: OpenPage, mai: Person) -> None:
    """The minute is compressed: the page's own clock is moved 60 s on while the net is away."""
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await paper.watch(page)
    await page.clock.install()
    await paper.open(page)
    await paper.choose(page, 1, 1)
    await expect(page.locator("#cau-1 .q-state")).to_have_text(SAVED)

    await page.context.set_offline(True)
    for n in range(2, 8):
        await paper.choose(page, n, 1)
    await paper.choose(page, 1, 2)
    await page.clock.run_for(60_000)
    await expect(page.locator("#da-luu")).to_have_text(NOT_SENT)
    for n in range(1, 8):
        await expect(page.locator(f"#cau-{n} .q-state")).to_have_text(NOT_SENT)
    assert await paper.saved() == {"1": (1,)}
    await page.locator("#cau-8 .flag").tap()  # nothing else moves
    await expect(page.locator("#cau-8 .flag")).to_have_attribute("aria-pressed", "true")

    await page.context.set_offline(False)
    await paper.expect_all_saved(page)


async def test_the_net_goes_and_comes_while_mai_answers(open_page: OpenPage, mai: Person) -> None:
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await paper.watch(page)
    await paper.open(page)
    for n in range(1, 13):
        if n % 3 == 0:
            await page.context.set_offline(n % 2 == 1)
        await paper.choose(page, n, 1 + n % 2)
        await asyncio.sleep(0.15)
    await page.context.set_offline(False)
    await paper.expect_all_saved(page)


async def test_a_killed_tab_sends_its_answers_when_reopened(
    open_page: OpenPage, mai: Person
) -> None:
    """The tab is crashed, so none of the page's farewells run."""
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await paper.watch(page)
    await paper.open(page)
    await paper.choose(page, 1, 1)
    await expect(page.locator("#da-luu")).to_have_text(SAVED)
    await page.route(SAVES, lambda route: route.abort())
    for n in (1, 2, 3):
        await paper.choose(page, n, 2)
    await paper.guess(page, 77)
    await page.locator("#cau-4 .flag").tap()
    await kill(page)
    assert await paper.saved() == {"1": (1,)}

    again = await page.context.new_page()
    await paper.open(again)
    await paper.expect_all_saved(again)
    for n in (1, 2, 3):
        await expect(again.locator(f"#q{n}-2")).to_be_checked()
    await expect(again.locator("#cau-4 .flag")).to_have_attribute("aria-pressed", "true")


async def test_a_tab_killed_while_its_save_is_on_the_way(open_page: OpenPage, mai: Person) -> None:
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await paper.open(page)
    on_the_way = asyncio.Event()

    async def hold(route: Route) -> None:
        on_the_way.set()
        await asyncio.sleep(1.5)
        await route.abort()

    await page.route(SAVES, hold)
    await paper.choose(page, 1, 1)
    await on_the_way.wait()
    await paper.choose(page, 2, 1)
    await kill(page)
    again = await page.context.new_page()
    await paper.open(again)
    await paper.expect_all_saved(again)


async def test_the_newest_tab_saves_and_the_older_one_says_so(
    open_page: OpenPage, mai: Person
) -> None:
    first = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(first)
    await paper.watch(first)
    await paper.open(first)
    await paper.choose(first, 1, 1)
    await expect(first.locator("#da-luu")).to_have_text(SAVED)

    second = await first.context.new_page()
    await paper.open(second)
    await expect(second.locator("#q1-1")).to_be_checked()
    await expect(first.locator("#noi-khac")).to_be_visible()
    await expect(first.locator("#q1-2")).to_be_disabled()
    await paper.choose(second, 2, 1)
    await paper.expect_all_saved(second)

    await first.get_by_role("button", name="Làm tiếp ở đây").tap()
    await expect(first.locator("#q2-1")).to_be_checked()
    await expect(second.locator("#noi-khac")).to_be_visible()
    await paper.choose(first, 1, 2)
    await paper.expect_all_saved(first)


async def test_another_device_takes_over_and_nothing_is_lost(
    open_page: OpenPage, make_person: MakePerson
) -> None:
    moan = await make_person("Y Moan Êban")
    phone, tablet = [await open_page(moan, tolerates=NET_NOISE) for _ in range(2)]
    paper = await begin(phone)
    for page in (phone, tablet):
        await paper.watch(page)
        await paper.open(page)
    # The phone does not know yet; its next save is refused, and it may have the paper back.
    await phone.locator("#q3-1").tap()
    await expect(phone.locator("#noi-khac")).to_be_visible()
    await paper.choose(tablet, 1, 1)
    await paper.expect_all_saved(tablet)
    paper.history["3"].append((1,))  # chosen on the phone, kept there, sent now that it may
    await phone.get_by_role("button", name="Làm tiếp ở đây").tap()
    await expect(phone.locator("#q1-1")).to_be_checked()
    await paper.expect_all_saved(phone)
    await tablet.locator("#q1-2").tap()
    await expect(tablet.locator("#noi-khac")).to_be_visible()
    assert await paper.saved() == paper.chosen


async def test_a_slow_save_promises_nothing_before_its_answer(
    open_page: OpenPage, mai: Person
) -> None:
    page = await open_page(mai)
    paper = await begin(page)
    await paper.watch(page)
    slow = asyncio.Event()

    async def delay(route: Route) -> None:
        answer = await route.fetch()
        await slow.wait()
        await route.fulfill(response=answer)

    await page.route(SAVES, delay)
    await paper.open(page)
    await paper.choose(page, 1, 1)
    await expect(page.locator("#cau-1 .q-state")).to_have_text("Đang lưu…")
    await paper.choose(page, 1, 2)  # changed while the first choice is on the way
    await paper.choose(page, 2, 1)
    await asyncio.sleep(0.5)
    await expect(page.locator("#da-luu")).to_have_text("Đang lưu…")
    slow.set()
    await paper.expect_all_saved(page)


async def test_a_paper_handed_in_while_offline_goes_in_by_itself(
    open_page: OpenPage, mai: Person
) -> None:
    page = await open_page(mai, tolerates=NET_NOISE)
    paper = await begin(page)
    await paper.open(page)
    await page.context.set_offline(True)
    await paper.choose(page, 1, 1)
    await page.locator("#nop").tap()
    await page.locator("#nop-that").tap()
    await expect(page.locator("#hop-cho")).to_contain_text("bài sẽ tự nộp khi có mạng")
    await page.context.set_offline(False)
    await expect(page.get_by_role("heading", name="Bài của bạn đã được nhận")).to_be_visible()
    assert await paper.saved() == paper.chosen
    assert await state_of(paper) == "submitted"
    receipts = await db.pool().fetchval(
        "SELECT count(*) FROM attempt WHERE id = $1 AND receipt IS NOT NULL", paper.attempt_id
    )
    assert receipts == 1


async def kill(page: Page) -> None:
    """End the tab's process at once, without any event that a page could hear."""
    crashed = asyncio.Event()
    page.on("crash", lambda _: crashed.set())
    session = await page.context.new_cdp_session(page)
    crash = asyncio.ensure_future(session.send("Page.crash"))
    await asyncio.wait_for(crashed.wait(), 10)
    crash.cancel()
    await asyncio.gather(crash, return_exceptions=True)
    try:
        await page.close()
    except Error:
        return  # it is gone already
