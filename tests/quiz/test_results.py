from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core import db
from quiz import finalising, leaderboard, results
from quiz.attempts import Attempts
from tests.quiz.arena import Arena, build_arena, forget_scores, instant, right_answers, save


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


async def play(
    attempts: Attempts,
    arena: Arena,
    person: int,
    *,
    correct: int,
    seconds: float,
    prediction: int | None = None,
) -> None:
    """One attempt with so many right answers that took so long."""
    started = await attempts.start(arena.start(person))
    await db.pool().execute(
        "UPDATE attempt SET started_at = $2 WHERE id = $1", started.attempt_id, instant(-seconds)
    )
    answers = await right_answers(started.attempt_id, correct)
    await attempts.submit(
        save(
            started.attempt_id, 1, answers, is_submit=True,
            prediction=prediction, sets_prediction=prediction is not None,
        )
    )  # fmt: skip


async def recount() -> None:
    """Every counter equals what a count of the facts gives."""
    fetchval = db.pool().fetchval
    assert await fetchval("SELECT coalesce(sum(people_count), 0) FROM participation") == (
        await fetchval("SELECT count(*) FROM standing")
    )
    scores = await fetchval("SELECT count(*) FROM score")
    assert await fetchval("SELECT coalesce(sum(attempt_count), 0) FROM participation") == scores
    assert await fetchval("SELECT coalesce(sum(attempt_count), 0) FROM score_tally") == scores
    assert await fetchval("SELECT coalesce(sum(attempt_count), 0) FROM standing") == scores
    kept = "SELECT division_id, bucket, people_count FROM standing_bucket WHERE people_count <> 0"
    counted = (
        "SELECT division_id, bucket, count(*)::int FROM standing WHERE is_ranked GROUP BY 1, 2"
    )
    assert {tuple(row) for row in await db.pool().fetch(kept)} == (
        {tuple(row) for row in await db.pool().fetch(counted)}
    )


async def test_a_closed_attempt_is_scored_once(attempts: Attempts) -> None:
    arena = await build_arena()
    await play(attempts, arena, 0, correct=3, seconds=60)
    assert await results.score_waiting() == 1
    assert await results.score_waiting() == 0
    row = await db.pool().fetchrow("SELECT points, correct_count, question_count FROM score")
    assert tuple(row or ()) == (3000, 3, 5)
    await recount()


async def test_two_workers_share_the_work_and_count_nothing_twice(attempts: Attempts) -> None:
    arena = await build_arena(people=30)
    for person in list(range(30)) * 2:
        await play(attempts, arena, person, correct=person % 6, seconds=10 + person)
    scored = await asyncio.gather(*(results.score_waiting(limit=7) for _ in range(12)))
    assert sum(scored) + await results.score_waiting() == 60
    assert await db.pool().fetchval("SELECT count(*) FROM standing") == 30
    await recount()


async def test_however_often_the_bell_rings_no_more_lanes_than_allowed_are_busy(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = await build_arena(people=20)
    for person in range(20):
        await play(attempts, arena, person, correct=person % 6, seconds=10)
    busy, most = 0, 0
    score_waiting = results.score_waiting

    async def watched(*, limit: int) -> int:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        try:
            return await score_waiting(limit=limit)
        finally:
            busy -= 1

    monkeypatch.setattr(results, "score_waiting", watched)
    scorer = results.Scorer(lanes=2, batch=3)
    scored = await asyncio.gather(*(scorer.score_all() for _ in range(6)))
    assert sum(scored) == 20
    assert most == 2
    await recount()


async def test_a_ring_while_every_lane_is_busy_is_looked_into(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = await build_arena()
    await play(attempts, arena, 0, correct=3, seconds=10)
    scorer = results.Scorer(lanes=1)
    score_waiting, looks = results.score_waiting, 0

    async def handed_in_after_the_last_look(*, limit: int) -> int:
        nonlocal looks
        looks += 1
        scored = await score_waiting(limit=limit)
        if looks == 2:
            await play(attempts, arena, 1, correct=2, seconds=10)
            assert await scorer.score_all() == 0  # its ring; the only lane is busy
        return scored

    monkeypatch.setattr(results, "score_waiting", handed_in_after_the_last_look)
    assert await scorer.score_all() == 2


@pytest.mark.parametrize(("counting", "correct"), [("best", 5), ("last", 2), ("first", 1)])
async def test_the_policy_says_which_attempt_counts(
    attempts: Attempts, counting: str, correct: int
) -> None:
    arena = await build_arena(counting=counting)
    for right in (1, 5, 2):
        await play(attempts, arena, 0, correct=right, seconds=60)
        await results.score_waiting()
    row = await db.pool().fetchrow("SELECT correct_count, attempt_count FROM standing")
    assert tuple(row or ()) == (correct, 3)
    await recount()


async def test_the_board_does_not_depend_on_the_order_in_which_attempts_are_scored(
    attempts: Attempts,
) -> None:
    arena = await build_arena(people=12)
    dice = random.Random(7)
    for person in [*range(12), *range(6)]:
        await play(attempts, arena, person, correct=dice.randrange(6), seconds=dice.randrange(900))
    boards = []
    for batch in (1, 5, 100):
        await forget_scores()
        while await results.score_waiting(limit=batch):
            pass
        board = await leaderboard.board(arena.round_id, arena.division_id)
        boards.append([(row.rank, row.participant_id, row.points) for row in board.rows])
        await recount()
    assert boards[0] == boards[1] == boards[2]


async def test_ranks_are_shared_by_equals_and_neighbours_are_found(attempts: Attempts) -> None:
    arena = await build_arena(people=6, comparators=("points",))
    for person, correct in enumerate((5, 4, 4, 4, 2, 0)):
        await play(attempts, arena, person, correct=correct, seconds=60)
    await results.score_waiting()
    board = await leaderboard.board(arena.round_id, arena.division_id)
    assert [row.rank for row in board.rows] == [1, 2, 2, 2, 5, 6]
    assert board.people_count == 6
    for row in board.rows:
        place = await leaderboard.place_of(arena.round_id, row.participant_id, reach=2)
        assert place is not None
        assert (place.rank, place.people_count) == (row.rank, 6)
        assert [near.rank for near in place.around] == sorted(near.rank for near in place.around)
        listed = {each.participant_id: each.rank for each in board.rows}
        assert all(near.rank == listed[near.participant_id] for near in place.around)


async def test_a_round_is_provisional_only_when_nobody_waits(attempts: Attempts) -> None:
    arena = await build_arena()
    await play(attempts, arena, 0, correct=5, seconds=10)
    assert await finalising.mark_provisional() == 0  # still open
    await db.pool().execute("UPDATE round SET closes_at = $1", instant() - timedelta(seconds=1))
    assert await finalising.mark_provisional() == 0  # one attempt without a score
    await results.score_waiting()
    assert await finalising.mark_provisional() == 1
