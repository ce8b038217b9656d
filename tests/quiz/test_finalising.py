from __future__ import annotations

import pytest

from core import db
from core.errors import Refusal
from quiz import draws, finalising, leaderboard, rescoring, results
from quiz.attempts import Attempts
from quiz.disqualifying import disqualify
from tests.quiz.arena import Arena, account_of, build_arena, close_round, forget_scores, instant
from tests.quiz.test_results import play, recount


async def provisional(attempts: Attempts, *, prediction: str = "people") -> Arena:
    """Three people, all correct, one of them twice; nobody's guess ranks yet."""
    arena = await build_arena(people=3, prediction=prediction)
    for person, (seconds, guess) in enumerate([(10, 900), (50, 3), (90, None)]):
        await play(attempts, arena, person, correct=5, seconds=seconds, prediction=guess)
    await play(attempts, arena, 2, correct=1, seconds=20)
    while await results.score_waiting():
        pass
    await close_round(arena)
    assert await finalising.mark_provisional() == 1
    return arena


async def result_of(arena: Arena) -> tuple[str, str]:
    """(round's result, contest's state)."""
    row = await db.pool().fetchrow(
        "SELECT r.result, c.state FROM round r JOIN contest c ON c.id = r.contest_id "
        "WHERE r.id = $1",
        arena.round_id,
    )
    assert row is not None
    return tuple(row)


async def participant_of(arena: Arena, person: int) -> int:
    return await db.pool().fetchval(
        "SELECT id FROM participant WHERE person_id = $1", arena.person_ids[person]
    )


async def test_the_true_number_is_frozen_once_and_then_ranks(attempts: Attempts) -> None:
    arena = await provisional(attempts)
    board = await leaderboard.board(arena.round_id, arena.division_id)
    assert [row.duration_ms // 1000 for row in board.rows] == [10, 50, 90]
    assert await finalising.freeze_prediction(arena.round_id, by=None) == 3
    await disqualify(await participant_of(arena, 0), None, "Nhờ người thi hộ", by=None)
    assert await finalising.freeze_prediction(arena.round_id, by=None) == 3
    ranked = await leaderboard.board(arena.round_id, arena.division_id)
    assert [row.prediction for row in ranked.rows] == [3, None]
    assert await result_of(arena) == ("provisional", "approved")
    await recount()


@pytest.mark.parametrize(
    ("prediction", "everybody", "without_the_third"),
    [("people", 3, 2), ("attempts", 4, 2), ("people_all_correct", 3, 2)],
)
async def test_only_those_in_the_ranking_are_counted(
    attempts: Attempts, prediction: str, everybody: int, without_the_third: int
) -> None:
    arena = await provisional(attempts, prediction=prediction)
    await disqualify(await participant_of(arena, 2), None, "Nhờ người thi hộ", by=None)
    assert await finalising.freeze_prediction(arena.round_id, by=None) == without_the_third
    await db.pool().execute(
        "UPDATE round SET prediction_frozen_at = NULL, prediction_actual = NULL"
    )
    await db.pool().execute("UPDATE standing SET is_ranked = true")
    assert await finalising.freeze_prediction(arena.round_id, by=None) == everybody


async def test_the_guess_never_decides_which_of_ones_own_attempts_counts(
    attempts: Attempts,
) -> None:
    arena = await build_arena(people=1)
    await play(attempts, arena, 0, correct=5, seconds=10, prediction=900)
    await play(attempts, arena, 0, correct=5, seconds=50, prediction=1)
    await results.score_waiting()
    counted = await db.pool().fetchval("SELECT attempt_id FROM standing")
    await close_round(arena)
    await finalising.mark_provisional()
    await finalising.freeze_prediction(arena.round_id, by=None)
    await forget_scores()
    await results.score_waiting()
    assert await db.pool().fetchval("SELECT attempt_id FROM standing") == counted


async def test_a_round_becomes_final_by_a_second_person(attempts: Attempts) -> None:
    arena = await provisional(attempts)
    lan, minh = await account_of(arena, 0), await account_of(arena, 1)
    with pytest.raises(Refusal, match="not_frozen"):
        await finalising.finalise_round(arena.round_id, by=minh)
    await finalising.freeze_prediction(arena.round_id, by=lan)
    with pytest.raises(Refusal, match="own_freeze"):
        await finalising.finalise_round(arena.round_id, by=lan)
    for _ in range(2):
        await finalising.finalise_round(arena.round_id, by=minh)
    assert await result_of(arena) == ("final", "final")
    assert await db.pool().fetchval("SELECT finalised_by_id FROM round") == minh


async def test_a_contest_is_final_with_its_last_round(attempts: Attempts) -> None:
    arena = await provisional(attempts)
    await db.pool().execute(
        "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
        "closes_as_written, time_limit_seconds, counting, cooldown_seconds, result) "
        "SELECT contest_id, 2, 'Tuần 2', opens_at, closes_at, '', '', 600, 'best', 0, 'none' "
        "FROM round"
    )
    await finalising.freeze_prediction(arena.round_id, by=None)
    await finalising.finalise_round(arena.round_id, by=None)
    assert await result_of(arena) == ("final", "approved")


async def test_appeals_have_their_time_unless_somebody_says_why_not(attempts: Attempts) -> None:
    arena = await provisional(attempts)
    await finalising.freeze_prediction(arena.round_id, by=None, appeals_until=instant(3600))
    with pytest.raises(Refusal, match="appeals_not_over"):
        await finalising.finalise_round(arena.round_id, by=None, waiver="  ")
    await finalising.finalise_round(arena.round_id, by=None, waiver="Mọi người đã xác nhận")
    assert (await result_of(arena))[0] == "final"


async def test_nothing_is_final_while_something_waits(attempts: Attempts) -> None:
    arena = await provisional(attempts)
    correction_id = await rescoring.propose_correction(
        arena.round_id, 1, "drop", (), "Văn bản hết hiệu lực", by=None
    )
    with pytest.raises(Refusal, match="corrections_waiting"):
        await finalising.freeze_prediction(arena.round_id, by=None)
    await rescoring.withdraw_correction(correction_id, "Xem lại thì đúng", by=None)
    await finalising.freeze_prediction(arena.round_id, by=None)
    await db.pool().execute(
        "INSERT INTO appeal (case_number, round_id, participant_id, subject, body, state, "
        "decision, created_at) VALUES ('1', $1, $2, 'score', 'Sai', 'open', '', now())",
        arena.round_id,
        await participant_of(arena, 0),
    )
    assert len(await finalising.find_what_waits(arena.round_id)) == 1
    with pytest.raises(Refusal, match="appeals_open"):
        await finalising.finalise_round(arena.round_id, by=None)
    await db.pool().execute("UPDATE appeal SET state = 'rejected'")
    draw_id = await draws.commit_lucky_draw(
        arena.round_id, arena.division_id, 1, title="", is_all_correct_only=False,
        beacon_rule="Giải đặc biệt xổ số miền Bắc ngày 30/11/2026", by=None,
    )  # fmt: skip
    with pytest.raises(Refusal, match="draw_waiting"):
        await finalising.finalise_round(arena.round_id, by=None)
    await draws.void_draw(draw_id, "Chưa có quỹ", by=None)
    await finalising.finalise_round(arena.round_id, by=None)
    assert await finalising.find_what_waits(arena.round_id) == []


async def test_an_open_round_is_not_frozen(attempts: Attempts) -> None:
    arena = await build_arena()
    with pytest.raises(Refusal, match="not_provisional"):
        await finalising.freeze_prediction(arena.round_id, by=None)


async def test_a_round_that_somebody_may_still_enter_is_not_final(attempts: Attempts) -> None:
    arena = await provisional(attempts)
    await finalising.freeze_prediction(arena.round_id, by=None)
    await db.pool().execute("UPDATE round SET result = 'none'")
    with pytest.raises(Refusal, match="not_provisional"):
        await finalising.finalise_round(arena.round_id, by=None)
    assert await result_of(arena) == ("none", "approved")
