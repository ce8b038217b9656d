from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import db
from core.errors import Refusal
from quiz.activity import ACTIVITY, REFUSAL, SAVE, START, SUBMIT, Activity
from quiz.attempts import Attempts
from tests.quiz.arena import build_arena, instant, save


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    await ACTIVITY.write()  # what other tests of this process have counted
    await db.pool().execute("TRUNCATE round_minute")
    writers = Attempts()
    yield writers
    await writers.close()


async def written() -> dict[int, tuple[int, ...]]:
    rows = await db.pool().fetch(
        "SELECT round_id, sum(start_count)::int, sum(save_count)::int, sum(submit_count)::int, "
        "sum(refusal_count)::int FROM round_minute GROUP BY round_id"
    )
    return {row[0]: tuple(row)[1:] for row in rows}


async def test_what_happens_to_attempts_is_counted(attempts: Attempts) -> None:
    arena = await build_arena(attempt_limit=1)
    started = await attempts.start(arena.start())
    await attempts.start(arena.start())  # resumed
    for seq in (1, 2, 2):  # one of them repeated
        await attempts.save(save(started.attempt_id, seq, {"1": [1]}))
    with pytest.raises(Refusal):
        await attempts.save(
            save(started.attempt_id, 3, {"1": [1]}, arrived_at=instant(7200))
        )  # late
    for _ in range(2):
        await attempts.submit(save(started.attempt_id, 4, {}, is_submit=True))
    with pytest.raises(Refusal):
        await attempts.start(arena.start())  # no attempts left
    assert await ACTIVITY.write() == 1
    assert await written() == {arena.round_id: (1, 2, 1, 2)}
    assert await ACTIVITY.write() == 0


@hypothesis_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3), st.integers(0, 3))))
async def test_two_processes_add_up(clean: None, events: list[tuple[bool, int, int]]) -> None:
    await db.pool().execute("TRUNCATE round_minute")
    processes = (Activity(), Activity())
    for number, (is_second, round_id, kind) in enumerate(events):
        processes[is_second].count(round_id, kind)
        if number % 5 == 4:
            await processes[is_second].write()
    for process in processes:
        await process.write()
    wanted = {
        round_id: tuple(
            sum(1 for _, r, k in events if (r, k) == (round_id, kind))
            for kind in (START, SAVE, SUBMIT, REFUSAL)
        )
        for round_id in {round_id for _, round_id, _ in events}
    }
    assert await written() == wanted


async def test_counts_wait_while_the_table_is_not_there(clean: None) -> None:
    activity = Activity()
    activity.count(7, SAVE)
    await db.pool().execute("ALTER TABLE round_minute RENAME TO away")
    try:
        with pytest.raises(asyncpg.PostgresError):
            await activity.write()
    finally:
        await db.pool().execute("ALTER TABLE away RENAME TO round_minute")
    activity.count(7, SAVE)
    await activity.write()
    assert await written() == {7: (0, 2, 0, 0)}
