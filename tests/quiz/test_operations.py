from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core import db
from quiz.activity import ACTIVITY
from quiz.attempts import Attempts
from quiz.operations import MINUTES_SHOWN, is_writable, last_minutes, platform_now
from quiz.results import score_waiting
from tests.quiz.arena import build_arena, save


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    await ACTIVITY.write()
    await db.pool().execute("TRUNCATE round_minute")
    writers = Attempts()
    yield writers
    await writers.close()


async def test_the_platform_tells_who_is_inside_and_what_waits_for_a_score(
    attempts: Attempts,
) -> None:
    arena = await build_arena(people=3)
    started = [await attempts.start(arena.start(person)) for person in range(3)]
    await attempts.submit(save(started[0].attempt_id, 1, {"1": [1]}, is_submit=True))
    await db.pool().execute("UPDATE unscored SET closed_at = closed_at - interval '90 seconds'")
    now = await platform_now()
    assert (now.inside, now.unscored, now.overdue) == (2, 1, 0)
    assert 90 <= now.scoring_lag_seconds < 120
    assert now.is_writable
    assert await is_writable()
    assert 0 < now.connections <= now.most_connections
    await score_waiting()
    now = await platform_now()
    assert (now.unscored, now.scoring_lag_seconds) == (0, 0)
    await db.pool().execute("UPDATE attempt SET deadline_at = now() - interval '5 minutes'")
    assert (await platform_now()).overdue == 2


async def test_the_minutes_of_all_running_rounds_stand_together(attempts: Attempts) -> None:
    arena = await build_arena(people=2)
    for person in range(2):
        started = await attempts.start(arena.start(person))
        await attempts.submit(save(started.attempt_id, 1, {"1": [1]}, is_submit=True))
    await ACTIVITY.write()
    at = (await platform_now()).at
    minutes = await last_minutes(at)
    assert len(minutes) == MINUTES_SHOWN
    assert minutes[0].minute_at - minutes[-1].minute_at == timedelta(minutes=MINUTES_SHOWN - 1)
    assert sum(each.start_count for each in minutes) == 2
    assert sum(each.submit_count for each in minutes) == 2
