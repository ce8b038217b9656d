from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from quiz import results
from quiz.attempts import Attempts
from quiz.monitor import INSIDE, MINUTES_SHOWN, WAITING, Minute, filled, round_now, silent_units
from tests.quiz.arena import build_arena, instant, save


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


async def test_who_is_inside_who_is_overdue_and_what_waits(attempts: Attempts) -> None:
    arena = await build_arena(people=5)
    ids = [(await attempts.start(arena.start(person))).attempt_id for person in range(5)]
    for attempt_id in ids[:2]:
        await attempts.submit(save(attempt_id, 1, {}, is_submit=True))
    await db.pool().execute(
        "UPDATE attempt SET deadline_at = $2 WHERE id = $1", ids[2], instant(-5)
    )
    now = await round_now(arena.round_id, at=instant())
    assert (now.inside_count, now.overdue_count, now.unscored_count) == (2, 1, 2)
    oldest = await db.pool().fetchval("SELECT min(closed_at) FROM attempt")
    assert now.oldest_unscored_at == oldest
    await results.score_waiting()
    now = await round_now(arena.round_id, at=instant())
    assert (now.unscored_count, now.oldest_unscored_at) == (0, None)


async def test_a_round_is_watched_without_reading_the_closed_attempts(clean: None) -> None:
    """Who is inside and what waits come from partial indexes, whatever the number of attempts."""
    for statement in (INSIDE, WAITING):
        wanted = statement.replace("$1", "1").replace("$2", "now()")
        async with db.pool().acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL enable_seqscan = off")
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {wanted}"))
        assert re.search("attempt_(deadline|one_open)|on unscored", plan), plan
        assert "attempt_round_closed" not in plan


async def test_a_unit_is_silent_until_somebody_of_it_or_beneath_it_has_taken_part(
    attempts: Attempts,
) -> None:
    arena = await build_arena()
    school_id = await db.pool().fetchval(
        "INSERT INTO unit (code, name, name_key, sort_key, kind, block, path, valid_from) "
        "VALUES ('T1', 'Trường Bình Lư', 'truong', 'y', 'school', '', '', '2025-07-01') "
        "RETURNING id"
    )
    await db.pool().execute("UPDATE unit SET path = '/1/' || id || '/' WHERE id = $1", school_id)
    on = date(2026, 10, 1)
    assert [each.name for each in await silent_units(arena.round_id, "", on=on)] == [
        "Xã Bình Lư",
        "Trường Bình Lư",
    ]
    started = await attempts.start(arena.start())
    await attempts.submit(save(started.attempt_id, 1, {}, is_submit=True))
    await results.score_waiting()
    silent = await silent_units(arena.round_id, "", on=on)
    assert [each.name for each in silent] == ["Trường Bình Lư"]
    await db.pool().execute("UPDATE participation SET unit_id = $1", school_id)
    assert await silent_units(arena.round_id, "", on=on) == []


@given(st.sets(st.integers(-5, MINUTES_SHOWN + 5)))
def test_minutes_without_a_row_had_nothing(known: set[int]) -> None:
    first = datetime(2026, 10, 5, 2, tzinfo=UTC)
    rows = [Minute(first + timedelta(minutes=number), save_count=1) for number in known]
    shown = filled(first, rows)
    assert len(shown) == MINUTES_SHOWN
    assert [each.save_count for each in shown] == [
        int(number in known) for number in range(MINUTES_SHOWN)
    ]
