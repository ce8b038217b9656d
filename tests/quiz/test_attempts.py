from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from core import db
from core.errors import Refusal
from quiz.attempts import (
    CLOSING_GRACE_SECONDS,
    LONGEST_WAIT_SECONDS,
    Attempts,
    close_expired,
    get_attempt,
)
from quiz.receipts import receipt_code
from tests.quiz.arena import build_arena, instant, save


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


async def begin(attempts: Attempts, **rules: object) -> UUID:
    arena = await build_arena(**rules)  # type: ignore[arg-type]  # the fields of a dictionary have no types
    return (await attempts.start(arena.start())).attempt_id


async def set_deadline(attempt_id: UUID, seconds: float) -> None:
    await db.pool().execute(
        "UPDATE attempt SET deadline_at = $2 WHERE id = $1", attempt_id, instant(seconds)
    )


async def test_a_start_is_resumed_and_never_doubled(attempts: Attempts) -> None:
    arena = await build_arena()
    results = await asyncio.gather(*(attempts.start(arena.start()) for _ in range(10)))
    assert len({result.attempt_id for result in results}) == 1
    assert sum(not result.is_resumed for result in results) == 1
    assert await db.pool().fetchval("SELECT count(*) FROM attempt") == 1
    assert await db.pool().fetchval("SELECT count(*) FROM participant") == 1


async def test_two_processes_start_one_attempt_between_them(attempts: Attempts) -> None:
    arena = await build_arena()
    other = Attempts()
    results = await asyncio.gather(
        *(writers.start(arena.start()) for writers in (attempts, other) * 5)
    )
    await other.close()
    assert len({result.attempt_id for result in results}) == 1


async def test_the_deadline_is_the_earlier_of_limit_and_close(attempts: Attempts) -> None:
    arena = await build_arena(people=2, time_limit_seconds=1200, closes_in_seconds=600)
    started = await attempts.start(arena.start())
    attempt = await get_attempt(started.attempt_id)
    closes_at = await db.pool().fetchval("SELECT closes_at FROM round")
    assert attempt.deadline_at == closes_at


async def test_the_last_attempt_of_the_policy_is_the_last(attempts: Attempts) -> None:
    arena = await build_arena(attempt_limit=2)
    for _ in range(2):
        started = await attempts.start(arena.start())
        await attempts.submit(save(started.attempt_id, 1, {}, is_submit=True))
    with pytest.raises(Refusal) as refused:
        await attempts.start(arena.start())
    assert refused.value.code == "cannot_start"


async def test_nobody_starts_outside_the_window(attempts: Attempts) -> None:
    arena = await build_arena()
    for at in (instant(-7200), instant(7200)):
        with pytest.raises(Refusal):
            await attempts.start(arena.start(at=at))


async def test_saves_merge_and_absent_positions_stay_as_they_were(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    await attempts.save(save(attempt_id, 1, {"1": [2], "2": [3]}))
    await attempts.save(save(attempt_id, 2, {"2": [4], "3": [1, 2]}))
    await attempts.save(save(attempt_id, 3, {"1": []}))
    assert (await get_attempt(attempt_id)).answers == {"1": [], "2": [4], "3": [1, 2]}


async def test_an_older_seq_changes_nothing_and_is_told_the_newer_one(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    newer = await attempts.save(save(attempt_id, 5, {"1": [2]}))
    told = await attempts.save(save(attempt_id, 4, {"1": [3]}))
    assert told.saved_seq == newer.saved_seq == 5
    assert told.saved_at == newer.saved_at
    assert (await get_attempt(attempt_id)).answers == {"1": [2]}


async def test_the_same_save_twice_is_the_same_save(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    wanted = save(attempt_id, 1, {"1": [2]})
    assert await attempts.save(wanted) == await attempts.save(wanted)


async def test_a_hundred_saves_at_once_leave_the_newest(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    await asyncio.gather(
        *(attempts.save(save(attempt_id, seq, {"1": [seq % 4 + 1]})) for seq in range(1, 101))
    )
    attempt = await get_attempt(attempt_id)
    assert (attempt.saved_seq, attempt.answers) == (100, {"1": [1]})


async def test_a_prediction_is_kept_cleared_and_left_alone(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    await attempts.save(save(attempt_id, 1, {}, prediction=1250, sets_prediction=True))
    await attempts.save(save(attempt_id, 2, {"1": [1]}))
    assert (await get_attempt(attempt_id)).prediction == 1250
    await attempts.save(save(attempt_id, 3, {}, prediction=None, sets_prediction=True))
    assert (await get_attempt(attempt_id)).prediction is None


async def test_what_arrived_in_time_counts_however_slow_we_are(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    await set_deadline(attempt_id, -2)
    early = await attempts.save(save(attempt_id, 1, {"1": [1]}, arrived_at=instant(-3)))
    assert early.saved_seq == 1
    with pytest.raises(Refusal) as refused:
        await attempts.save(save(attempt_id, 2, {"1": [2]}, arrived_at=instant(-1)))
    assert refused.value.code == "late"
    assert (await get_attempt(attempt_id)).answers == {"1": [1]}


async def test_submitting_again_gives_the_same_receipt(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    wanted = save(attempt_id, 3, {"1": [2]}, is_submit=True)
    results = await asyncio.gather(*(attempts.submit(wanted) for _ in range(10)))
    assert {result.receipt for result in results} == {receipt_code(attempt_id)}
    attempt = await get_attempt(attempt_id)
    assert (attempt.state, attempt.answers) == ("submitted", {"1": [2]})
    with pytest.raises(Refusal) as refused:
        await attempts.save(save(attempt_id, 4, {"1": [3]}))
    assert refused.value.code == "submitted"
    assert (await get_attempt(attempt_id)).answers == {"1": [2]}


async def test_submitting_with_an_older_seq_hands_in_what_is_saved(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    await attempts.save(save(attempt_id, 9, {"1": [4]}))
    await attempts.submit(save(attempt_id, 2, {"1": [1]}, is_submit=True))
    assert (await get_attempt(attempt_id)).answers == {"1": [4]}


async def test_the_newest_opening_is_the_one_that_saves(attempts: Attempts) -> None:
    attempt_id = await begin(attempts)
    first = await attempts.open_paper(attempt_id)
    second = await attempts.open_paper(attempt_id)
    assert second.opening == first.opening + 1
    with pytest.raises(Refusal) as refused:
        await attempts.save(save(attempt_id, 1, {"1": [1]}, opening=first.opening))
    assert refused.value.code == "taken_over"
    await attempts.save(save(attempt_id, 1, {"1": [2]}, opening=second.opening))
    await attempts.save(save(attempt_id, 2, {"1": [3]}))  # a script may leave it out
    assert (await get_attempt(attempt_id)).answers == {"1": [3]}


async def test_an_unknown_attempt_is_not_found(attempts: Attempts) -> None:
    with pytest.raises(Refusal) as refused:
        await attempts.save(save(uuid4(), 1, {}))
    assert refused.value.code == "not_found"


async def test_the_sweep_closes_with_what_is_saved_after_the_longest_wait(
    attempts: Attempts,
) -> None:
    attempt_id = await begin(attempts)
    await attempts.save(save(attempt_id, 1, {"1": [2]}))
    await set_deadline(attempt_id, -LONGEST_WAIT_SECONDS)
    assert await close_expired() == 0  # a timely save may still be under way
    await set_deadline(attempt_id, -CLOSING_GRACE_SECONDS - 1)
    assert await close_expired() == 1
    assert await close_expired() == 0
    attempt = await get_attempt(attempt_id)
    assert (attempt.state, attempt.answers) == ("expired", {"1": [2]})
    assert attempt.closed_at == attempt.deadline_at
    assert attempt.receipt == receipt_code(attempt_id)
