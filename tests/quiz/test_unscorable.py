from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from core import db
from people.audit import entries
from quiz import monitor, operations, rescoring, results, unscorable
from quiz.attempts import Attempts
from quiz.finalising import mark_provisional
from tests.quiz.arena import Arena, account_of, build_arena, close_round, instant
from tests.quiz.test_results import play, recount

PEOPLE = 9
# What is wrong with it, and the first words of the reason.
BROKEN = {
    "it ended before it began": (
        "UPDATE attempt SET started_at = closed_at + interval '1 minute' WHERE id = $1",
        "OverflowError",
    ),
    "it lasted longer than a column holds": (
        "UPDATE attempt SET started_at = closed_at - interval '40 days' WHERE id = $1",
        "DataError",
    ),
    "its paper is gone": (
        "UPDATE attempt SET pool_id = -1 WHERE id = $1",
        "LookupError: pool -1 does not exist",
    ),
    "its paper has lost its questions": (
        "WITH p AS (INSERT INTO pool (round_id, division_id, content, digest, frozen_at) "
        "SELECT round_id, $2, '{\"lines\": []}', digest, frozen_at FROM pool RETURNING id) "
        "UPDATE attempt SET pool_id = p.id FROM p WHERE attempt.id = $1 AND division_id = $2",
        "KeyError",
    ),
    "its seed is none": ("UPDATE attempt SET seed = 'x' WHERE id = $1", "ValueError"),
    "its answers are none": (
        "UPDATE attempt SET answers = '[[1]]' WHERE id = $1",
        "AttributeError",
    ),
}


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


async def play_all(attempts: Attempts) -> Arena:
    arena = await build_arena(people=PEOPLE)
    for person in range(PEOPLE):
        await play(attempts, arena, person, correct=person % 6, seconds=60)
    return arena


async def break_one(arena: Arena, statement: str) -> None:
    broken = await db.pool().fetchval("SELECT id FROM attempt ORDER BY closed_at OFFSET 4 LIMIT 1")
    await db.pool().execute(statement, broken, *[arena.division_id] * statement.count("= $2"))


async def score_all() -> int:
    total = 0
    while scored := await results.score_waiting():
        total += scored
    return total


async def scores() -> int:
    return await db.pool().fetchval("SELECT count(*) FROM score")


@pytest.mark.parametrize("broken", BROKEN)
async def test_one_that_cannot_be_scored_is_put_aside_and_holds_up_nobody(
    attempts: Attempts, broken: str
) -> None:
    statement, reason = BROKEN[broken]
    arena = await play_all(attempts)
    await break_one(arena, statement)
    with capture_logs() as told:
        assert await score_all() == PEOPLE
    assert await scores() == PEOPLE - 1
    await recount()
    [shown] = await unscorable.newest_unscorable()
    assert shown.reason.startswith(reason)
    assert (shown.contest_name, shown.round_name) == ("Cuộc thi", "Tuần 1")
    [line] = told
    assert (line["event"], line["log_level"]) == ("attempt_unscorable", "error")


async def test_what_was_put_aside_is_told_apart_from_what_waits(attempts: Attempts) -> None:
    arena = await play_all(attempts)
    await break_one(arena, BROKEN["its seed is none"][0])
    await score_all()
    now = await operations.platform_now()
    assert (now.unscored, now.unscorable, now.oldest) == (0, 1, None)
    running = await monitor.round_now(arena.round_id, at=instant())
    assert (running.unscored_count, running.unscorable_count) == (0, 1)
    assert running.oldest_unscored_at is None
    await close_round(arena)
    assert await mark_provisional() == 0  # somebody of this round has no score


async def test_staff_have_it_tried_again_after_the_data_were_mended(attempts: Attempts) -> None:
    arena = await play_all(attempts)
    by = await account_of(arena, 0)
    await break_one(arena, BROKEN["it ended before it began"][0])
    await score_all()
    assert await unscorable.try_all_again(by=by) == 1
    assert await score_all() == 1  # still broken: aside again, at once
    assert len(await unscorable.newest_unscorable()) == 1
    await db.pool().execute(
        "UPDATE attempt SET started_at = closed_at - interval '1 minute' WHERE id IN (SELECT attempt_id FROM unscored)"
    )
    assert await score_all() == 0  # nobody tries by himself
    assert await unscorable.try_all_again(by=by) == 1
    assert await score_all() == 1
    assert await scores() == PEOPLE
    assert await unscorable.try_all_again(by=by) == 0
    assert [line.action for line in await entries()] == ["score_again", "score_again"]
    await recount()


async def test_a_rescoring_has_it_tried_again(attempts: Attempts) -> None:
    arena = await play_all(attempts)
    await break_one(arena, BROKEN["its seed is none"][0])
    await score_all()
    await db.pool().execute(
        "UPDATE attempt SET seed = $1 WHERE id IN (SELECT attempt_id FROM unscored)",
        "0123456789abcdef" * 2,
    )
    correction_id = await rescoring.propose_correction(
        arena.round_id, 1, "full_marks", (), "Câu hỏi sai", by=None
    )
    await rescoring.preview_correction(correction_id)
    await rescoring.approve_correction(correction_id, by=None)
    await rescoring.rescore_round(correction_id)
    assert await score_all() == 1
    assert await scores() == PEOPLE
    await recount()


async def test_an_outage_puts_nobody_aside(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even one that PostgreSQL tells of in the words of a wrong value."""
    await play_all(attempts)
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1"
    find_standings = results.find_standings

    async def cut_off(connection: Any, touched: Any) -> Any:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await db.pool().execute(terminate, pid)
        return await find_standings(connection, touched)

    monkeypatch.setattr(results, "find_standings", cut_off)
    with pytest.raises(Exception, match=r"connection|terminat"):
        await results.score_waiting()
    monkeypatch.undo()
    assert await unscorable.newest_unscorable() == []
    assert await score_all() == PEOPLE
    await recount()
