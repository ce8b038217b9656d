from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import db
from core.errors import Refusal
from quiz import leaderboard, results
from quiz.attempts import Attempts
from quiz.disqualifying import (
    disqualifications_of,
    disqualify,
    find_exclusion,
    lift_disqualification,
)
from tests.quiz.arena import Arena, build_arena, close_round, forget_scores
from tests.quiz.test_finalising import participant_of
from tests.quiz.test_rescoring import everything
from tests.quiz.test_results import play, recount

PEOPLE = 6
REASON = "Dùng hai tài khoản"


@pytest.fixture
async def arena(attempts: Attempts) -> Arena:
    arena = await build_arena(people=PEOPLE)
    dice = random.Random(3)
    for person in list(range(PEOPLE)) * 2:
        await play(attempts, arena, person, correct=dice.randrange(6), seconds=dice.randrange(900))
    while await results.score_waiting():
        pass
    return arena


async def ranked(arena: Arena) -> list[tuple[int, int]]:
    board = await leaderboard.board(arena.round_id, arena.division_id)
    assert board.people_count == len(board.rows)
    return [(row.rank, row.participant_id) for row in board.rows]


async def test_the_board_closes_up_behind_somebody_who_is_out(arena: Arena) -> None:
    before = await ranked(arena)
    third = before[2][1]
    await disqualify(third, arena.round_id, REASON, by=None)
    left = [who for _, who in before if who != third]
    assert await ranked(arena) == list(enumerate(left, start=1))
    assert await leaderboard.place_of(arena.round_id, third) is None
    place = await leaderboard.place_of(arena.round_id, left[2])
    assert place is not None
    assert (place.rank, place.people_count) == (3, PEOPLE - 1)
    assert third not in {row.participant_id for row in place.around}
    await recount()


async def test_the_participant_is_told_why(arena: Arena) -> None:
    who = await participant_of(arena, 0)
    assert await find_exclusion(arena.round_id, who) is None
    case_id = await disqualify(who, None, REASON, by=None)
    found = await find_exclusion(arena.round_id, who)
    assert found is not None
    assert (found.reason, found.is_whole_contest) == (REASON, True)
    await lift_disqualification(case_id, "Xác minh lại", by=None)
    assert await find_exclusion(arena.round_id, who) is None
    (case,) = await disqualifications_of(arena.contest_id)
    assert (case.reason, case.lift_reason) == (REASON, "Xác minh lại")


async def test_an_attempt_handed_in_afterwards_stays_out_too(
    arena: Arena, attempts: Attempts
) -> None:
    late = await build_late(arena)
    await disqualify(late, None, REASON, by=None)
    await play(attempts, arena, 0, correct=5, seconds=1)
    await forget_scores()
    while await results.score_waiting(limit=3):
        pass
    assert late not in {who for _, who in await ranked(arena)}
    await recount()


async def build_late(arena: Arena) -> int:
    return await participant_of(arena, 0)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, PEOPLE - 1), st.booleans()), unique=True, max_size=8),
    st.randoms(use_true_random=False),
)
async def test_taking_out_and_putting_back_in_any_order_changes_nothing(
    arena: Arena, asked: list[tuple[int, bool]], dice: random.Random
) -> None:
    before = await everything()
    cases = [
        await disqualify(
            await participant_of(arena, person), arena.round_id if is_round else None, REASON,
            by=None,
        )
        for person, is_round in asked
    ]  # fmt: skip
    assert len(await ranked(arena)) == PEOPLE - len({person for person, _ in asked})
    await recount()
    dice.shuffle(cases)
    for case_id in cases:
        await lift_disqualification(case_id, "Xác minh lại", by=None)
    assert await everything() == before


async def test_what_cannot_be_decided_is_refused(arena: Arena) -> None:
    who = await participant_of(arena, 0)
    with pytest.raises(Refusal, match="no_reason"):
        await disqualify(who, None, " ", by=None)
    case_id = await disqualify(who, None, REASON, by=None)
    with pytest.raises(Refusal, match="already_disqualified"):
        await disqualify(who, None, REASON, by=None)
    await lift_disqualification(case_id, "Xác minh lại", by=None)
    with pytest.raises(Refusal, match="wrong_state"):
        await lift_disqualification(case_id, "Lần nữa", by=None)
    await close_round(arena)
    await db.pool().execute("UPDATE round SET result = 'final'")
    with pytest.raises(Refusal, match="already_final"):
        await disqualify(who, None, REASON, by=None)
    with pytest.raises(Refusal, match="not_found"):
        await disqualify(10**6, None, REASON, by=None)
