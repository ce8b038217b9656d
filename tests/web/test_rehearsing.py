from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import httpx
import pytest

from core import clock, db
from core.backup import read_states
from core.errors import Refusal
from core.local import Addresses
from core.settings import Settings
from people.audit import entries
from people.consents import publish_first_texts
from quiz import jobs, rehearsal_shadow, rehearsals
from quiz.activity import ACTIVITY
from quiz.contests import all_contests
from quiz.overview import used_counts
from quiz.rehearsal_plan import Plan
from tests.quiz.arena import QUESTION_COUNT, Arena, account_of, build_arena
from tests.web.conftest import Site
from web import rehearsing

# What a rehearsal may leave: that it took place. And while it runs, the platform notes that it lives.
LEFT = {"rehearsal", "audit_entry", "audit_seal", "service_span"}
SMALL = Plan(1000, 8.0, 8.0, people_count=8, arriving_seconds=1, answering_seconds=1)
EXPECTED = 1000


@pytest.fixture
async def arena(site: Site) -> Arena:
    """A published contest whose only round opens next week."""
    await ACTIVITY.write()  # what earlier tests have counted in this process
    made = await build_arena()
    await publish_first_texts()
    await db.pool().execute(
        "UPDATE round SET opens_at = $1, closes_at = $2",
        clock.now() + timedelta(days=7),
        clock.now() + timedelta(days=14),
    )
    return made


@pytest.fixture
async def scoring() -> AsyncIterator[None]:
    """The worker's part that a rehearsal waits for."""

    async def score() -> None:
        while True:
            await jobs.score_attempts({})
            await asyncio.sleep(0.1)

    task = asyncio.create_task(score())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def house(settings: Settings, site: Site) -> Settings:
    return replace(settings, rehearsal_url=site.url)


async def ask(arena: Arena) -> rehearsals.Claimed:
    await rehearsals.ask(arena.round_id, EXPECTED, by=await account_of(arena, 0))
    claimed = await rehearsals.claim()
    assert claimed is not None
    return claimed


async def kept_tables(addresses: Addresses) -> dict[str, object]:
    states = await read_states(addresses.database_url)
    return {name: state for name, state in states.items() if name not in LEFT}


async def test_a_small_crowd_plays_through_the_real_server_and_leaves_nothing(
    arena: Arena, house: Settings, scoring: None, addresses: Addresses, visitor: httpx.AsyncClient
) -> None:
    claimed = await ask(arena)
    before = await kept_tables(addresses)
    playing = asyncio.create_task(rehearsing.play(house, claimed, SMALL))
    await wait_for_state(arena, "running")
    home = await visitor.get("/")
    assert "Cuộc thi" in home.text
    assert "Diễn tập" not in home.text
    assert [each.id for each in await all_contests()] == [arena.contest_id]
    await playing
    await ACTIVITY.write()
    await rehearsing.rehearse({})  # the sweep takes what a web process wrote too late
    (shown,) = await rehearsals.rehearsals_of(arena.contest_id)
    assert (shown.state, shown.reason) == ("done", "")
    assert shown.sheet is not None
    found = shown.sheet["figures"]
    assert shown.sheet["failure_lines"] == []
    assert (found["started_count"], found["handed_in_count"]) == (8, 8)
    assert found["acknowledged_count"] == 8 * QUESTION_COUNT
    assert (found["error_count"], found["lost_count"]) == (0, 0)
    assert found["scoring_p95_seconds"] is not None
    assert found["save"]["count"] == 8 * QUESTION_COUNT
    assert await kept_tables(addresses) == before
    actions = [each.action for each in await entries(f"round:{arena.round_id}")]
    assert actions == ["end_rehearsal", "ask_rehearsal"]


async def wait_for_state(arena: Arena, state: str) -> None:
    async with asyncio.timeout(20):
        while (await rehearsals.rehearsals_of(arena.contest_id))[0].state != state:  # noqa: ASYNC110 — another process writes the row
            await asyncio.sleep(0.05)


async def test_who_is_stopped_stops_and_leaves_nothing(
    arena: Arena, house: Settings, addresses: Addresses
) -> None:
    claimed = await ask(arena)
    before = await kept_tables(addresses)
    slow = replace(SMALL, answering_seconds=60)
    playing = asyncio.create_task(rehearsing.play(house, claimed, slow))
    await wait_for_state(arena, "running")
    await rehearsals.stop(arena.contest_id, claimed.id, by=await account_of(arena, 1))
    async with asyncio.timeout(10):
        await playing
    (shown,) = await rehearsals.rehearsals_of(arena.contest_id)
    assert (shown.state, shown.reason) == ("cancelled", "Đã dừng theo yêu cầu.")
    after = await kept_tables(addresses)
    assert {name for name in after if after[name] != before[name]} == {
        "account"
    }  # the second one of ours


async def test_a_real_round_that_comes_near_ends_it(
    arena: Arena, house: Settings, addresses: Addresses
) -> None:
    claimed = await ask(arena)
    await db.pool().execute("UPDATE round SET opens_at = $1", clock.now() + timedelta(minutes=9))
    await rehearsing.play(house, claimed, SMALL)
    (shown,) = await rehearsals.rehearsals_of(arena.contest_id)
    assert shown.state == "cancelled"
    assert "không diễn tập lúc này" in shown.reason
    assert not await rehearsal_shadow.has_shadow()


async def test_a_worker_that_died_is_swept_up_after(arena: Arena, addresses: Addresses) -> None:
    claimed = await ask(arena)
    before = await kept_tables(addresses)
    shadow = await rehearsal_shadow.make_shadow(claimed.round_id, 5)
    await rehearsals.begin(claimed.id, shadow.round_id)
    assert not await rehearsing.rehearse({})  # it may still live
    assert await rehearsal_shadow.has_shadow()
    clock.freeze(clock.now() + rehearsals.LEASE + timedelta(seconds=1))
    assert not await rehearsing.rehearse({})
    (shown,) = await rehearsals.rehearsals_of(arena.contest_id)
    assert shown.state == "failed"
    assert "khởi động lại giữa buổi diễn tập" in shown.reason
    # a web process writes late what it had counted
    await db.pool().execute(
        "INSERT INTO round_minute (round_id, minute_at, start_count, save_count, submit_count, "
        "refusal_count) VALUES ($1, now(), 1, 1, 1, 0)",
        shadow.round_id,
    )
    await rehearsing.rehearse({})
    assert await kept_tables(addresses) == before


async def test_one_that_no_worker_takes_does_not_wait_for_ever(arena: Arena) -> None:
    await rehearsals.ask(arena.round_id, EXPECTED, by=None)
    clock.freeze(clock.now() + rehearsals.LONGEST_WAIT + timedelta(seconds=1))
    assert await rehearsals.fail_lapsed() == 1
    (shown,) = await rehearsals.rehearsals_of(arena.contest_id)
    assert "Tiến trình nền chưa chạy" in shown.reason


@pytest.mark.parametrize(
    ("opens_in", "closes_in", "code"),
    [
        (timedelta(hours=-1), timedelta(hours=1), "not_coming"),
        (timedelta(minutes=29), timedelta(hours=1), "round_near"),
        (timedelta(minutes=31), timedelta(hours=1), ""),
        (timedelta(hours=-2), timedelta(hours=-1), "not_coming"),
    ],
)
async def test_no_rehearsal_beside_a_real_round(
    arena: Arena, opens_in: timedelta, closes_in: timedelta, code: str
) -> None:
    await db.pool().execute(
        "UPDATE round SET opens_at = $1, closes_at = $2",
        clock.now() + opens_in,
        clock.now() + closes_in,
    )
    if not code:
        assert await rehearsals.ask(arena.round_id, EXPECTED, by=None)
        return
    with pytest.raises(Refusal, match=code):
        await rehearsals.ask(arena.round_id, EXPECTED, by=None)


async def test_only_one_at_a_time_on_the_whole_platform(arena: Arena) -> None:
    first = await rehearsals.ask(arena.round_id, EXPECTED, by=None)
    with pytest.raises(Refusal, match="rehearsal_running"):
        await rehearsals.ask(arena.round_id, EXPECTED, by=None)
    await rehearsals.stop(arena.contest_id, first, by=None)
    assert (await rehearsals.get_rehearsal(arena.contest_id, first)).state == "cancelled"
    assert await rehearsals.claim() is None
    assert await rehearsals.ask(arena.round_id, EXPECTED, by=None) > first
    with pytest.raises(Refusal, match="bad_number"):
        await rehearsals.ask(arena.round_id, 0, by=None)


async def test_real_papers_and_real_contests_still_stay(arena: Arena) -> None:
    """That a shadow may be removed opens no way to remove anything else."""
    for deed in (
        "DELETE FROM pool",
        "UPDATE contest SET state = 'rehearsal'",
        "UPDATE pool SET digest = ''",
    ):
        with pytest.raises(asyncpg.RaiseError, match="rows are only added"):
            await db.pool().execute(deed)
    shadow = await rehearsal_shadow.make_shadow(arena.round_id, 2)
    with pytest.raises(asyncpg.RaiseError, match="rows are only added"):
        await db.pool().execute("UPDATE contest SET state = 'approved' WHERE state = 'rehearsal'")
    with pytest.raises(asyncpg.RaiseError, match="rows are only added"):
        await db.pool().execute("UPDATE pool SET digest = '' WHERE round_id = $1", shadow.round_id)
    await rehearsal_shadow.remove_shadows()


async def test_nobody_but_the_invented_may_enter_a_shadow(
    arena: Arena, site: Site, visitor: httpx.AsyncClient
) -> None:
    shadow = await rehearsal_shadow.make_shadow(arena.round_id, 2)
    assert (await visitor.get(f"/quan-tri/cuoc-thi/{shadow.slug}")).status_code == 303
    phones = await db.pool().fetch("SELECT phone FROM account WHERE phone LIKE '+840%'")
    listed = await db.pool().fetch("SELECT phone FROM eligibility")
    assert {row["phone"] for row in phones} == {row["phone"] for row in listed}
    assert len(listed) == 2
    assert await db.pool().fetchval("SELECT is_by_list FROM contest WHERE state = 'rehearsal'")
    await rehearsal_shadow.remove_shadows()


async def test_a_shadow_s_papers_are_not_counted_as_uses_of_their_questions(arena: Arena) -> None:
    before = await used_counts([1, 2, 3])
    assert before == {1: 1, 2: 1, 3: 1}
    await rehearsal_shadow.make_shadow(arena.round_id, 2)
    assert await used_counts([1, 2, 3]) == before
    await rehearsal_shadow.remove_shadows()
