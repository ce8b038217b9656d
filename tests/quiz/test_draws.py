from __future__ import annotations

from typing import Any

import pytest

from core import db
from core.errors import Refusal
from quiz import draws, finalising, leaderboard, lots, rescoring, results
from quiz.attempts import Attempts
from quiz.disqualifying import disqualify, lift_disqualification
from quiz.draws import Tie
from tests.quiz.arena import Arena, build_arena, close_round
from tests.quiz.test_results import play, recount

RULE = "Giải đặc biệt xổ số miền Bắc ngày 30/11/2026"


@pytest.fixture
async def arena(attempts: Attempts) -> Arena:
    """Ranks 1, 2, 2, 2, 2, 6 by points alone; a first, two second prizes and two third ones."""
    arena = await build_arena(people=6, comparators=("points",), prediction="")
    for person, correct in enumerate((5, 4, 4, 4, 4, 2)):
        await play(attempts, arena, person, correct=correct, seconds=60)
    await results.score_waiting()
    await close_round(arena)
    await finalising.mark_provisional()
    for position, count in enumerate((1, 2, 1), start=1):
        await db.pool().execute(
            "INSERT INTO prize (contest_id, round_id, kind, measure, block, name, prize_count, "
            "reward, position) VALUES ($1, $2, 'individual', '', '', 'Giải', $3, '', $4)",
            arena.contest_id,
            arena.round_id,
            count,
            position,
        )
    await finalising.freeze_prediction(arena.round_id, by=None)
    return arena


async def commit(arena: Arena) -> int:
    return await draws.commit_tie_draw(
        arena.round_id, arena.division_id, 2, 3, beacon_rule=RULE, by=None
    )


async def board(arena: Arena) -> list[tuple[int, int]]:
    found = await leaderboard.board(arena.round_id, arena.division_id)
    return [(row.rank, row.participant_id) for row in found.rows]


async def test_ties_across_the_end_of_a_prize_are_found(arena: Arena) -> None:
    assert await draws.find_ties(arena.round_id) == [
        Tie(arena.division_id, "Người dân", rank=2, people_count=4, winner_count=3)
    ]


async def test_a_draw_parts_the_equals_and_nobody_else(arena: Arena) -> None:
    before = await board(arena)
    draw_id = await commit(arena)
    assert await board(arena) == before
    await draws.reveal_draw(draw_id, "52 781", by=None)
    after = await board(arena)
    assert [rank for rank, _ in after] == [1, 2, 3, 4, 5, 6]
    assert {who for _, who in after[1:5]} == {who for _, who in before[1:5]}
    assert [who for _, who in after[1:4]] == await draws.winners_of(draw_id)
    for rank, who in after:
        place = await leaderboard.place_of(arena.round_id, who)
        assert place is not None
        assert place.rank == rank
    assert await draws.find_ties(arena.round_id) == []
    await recount()


async def test_the_secret_stays_secret_and_what_was_promised_is_kept(arena: Arena) -> None:
    draw_id = await commit(arena)
    announced = await draws.get_draw(draw_id)
    assert (announced.state, announced.secret, list(announced.order)) == ("committed", "", [])
    assert lots.find_faults(announced.published()) == []
    await draws.reveal_draw(draw_id, "52781", by=None)
    revealed = await draws.get_draw(draw_id)
    assert revealed.state == "revealed"
    assert lots.find_faults(revealed.published()) == []
    promised = ("codes", "entrants_digest", "commitment", "beacon_rule", "winner_count")
    assert [getattr(revealed, name) for name in promised] == (
        [getattr(announced, name) for name in promised]
    )
    assert lots.drawn_order(revealed.secret, "52781", revealed.codes) == revealed.order


async def test_entrants_are_known_by_the_receipt_that_they_hold(arena: Arena) -> None:
    found = await draws.get_draw(await commit(arena))
    receipts = await db.pool().fetch("SELECT receipt FROM attempt")
    assert set(found.codes) < {row["receipt"] for row in receipts}
    assert len(found.codes) == 4


async def test_a_draw_that_is_taken_back_leaves_the_ranks_as_they_were(arena: Arena) -> None:
    before = await board(arena)
    draw_id = await commit(arena)
    await draws.reveal_draw(draw_id, "52781", by=None)
    await draws.void_draw(draw_id, "Nhập nhầm con số", by=None)
    assert await board(arena) == before
    taken_back = await draws.get_draw(draw_id)
    assert (taken_back.state, taken_back.void_reason) == ("void", "Nhập nhầm con số")
    assert await draws.winners_of(draw_id) == []
    await draws.reveal_draw(await commit(arena), "52718", by=None)
    assert len({rank for rank, _ in await board(arena)}) == 6


async def test_luck_is_drawn_among_everybody_or_the_all_correct(arena: Arena) -> None:
    async def lucky(**more: Any) -> int:
        return await draws.commit_lucky_draw(
            arena.round_id, arena.division_id, 1, title="", beacon_rule=RULE, by=None, **more
        )

    everybody = await draws.get_draw(await lucky(is_all_correct_only=False))
    assert len(everybody.codes) == 6
    draw_id = await lucky(is_all_correct_only=True)
    before = await board(arena)
    await draws.reveal_draw(draw_id, "1", by=None)
    assert await draws.winners_of(draw_id) == [before[0][1]]
    assert await board(arena) == before


async def test_the_same_draw_for_luck_twice_is_a_form_that_was_sent_twice(arena: Arena) -> None:
    async def lucky(title: str) -> int:
        return await draws.commit_lucky_draw(
            arena.round_id, arena.division_id, 1, title=title, is_all_correct_only=False,
            beacon_rule=RULE, by=None,
        )  # fmt: skip

    draw_id = await lucky("Tuần 1: xe đạp")
    with pytest.raises(Refusal, match="wrong_state"):
        await lucky("Tuần 1: xe đạp")
    await lucky("Tuần 1: áo mưa")
    await draws.reveal_draw(draw_id, "52781", by=None)
    await lucky("Tuần 1: xe đạp")


async def test_places_that_were_drawn_survive_a_disqualification(arena: Arena) -> None:
    draw_id = await commit(arena)
    second = (await draws.draws_of(arena.round_id))[0]
    with pytest.raises(Refusal, match="drawn"):
        await disqualify((await board(arena))[1][1], None, "Thi hộ", by=None)
    await draws.reveal_draw(second.id, "52781", by=None)
    drawn = await board(arena)
    case_id = await disqualify(drawn[1][1], None, "Thi hộ", by=None)
    left = [who for _, who in drawn if who != drawn[1][1]]
    assert [who for _, who in await board(arena)] == left
    with pytest.raises(Refusal, match="drawn"):
        await lift_disqualification(case_id, "Xác minh lại", by=None)
    await draws.void_draw(draw_id, "Danh sách thay đổi", by=None)
    await lift_disqualification(case_id, "Xác minh lại", by=None)
    assert len(await board(arena)) == 6


async def test_what_cannot_be_drawn_is_refused(arena: Arena) -> None:
    where = (arena.round_id, arena.division_id)
    with pytest.raises(Refusal, match="no_tie"):
        await draws.commit_tie_draw(*where, 1, 1, beacon_rule=RULE, by=None)
    with pytest.raises(Refusal, match="no_beacon_rule"):
        await draws.commit_tie_draw(*where, 2, 3, beacon_rule=" ", by=None)
    draw_id = await commit(arena)
    with pytest.raises(Refusal, match="wrong_state"):
        await commit(arena)
    with pytest.raises(Refusal, match="drawn"):
        await rescoring.propose_correction(arena.round_id, 1, "drop", (), "Sai", by=None)
    with pytest.raises(Refusal, match="no_beacon"):
        await draws.reveal_draw(draw_id, " ", by=None)
    await draws.reveal_draw(draw_id, "52781", by=None)
    with pytest.raises(Refusal, match="wrong_state"):
        await draws.reveal_draw(draw_id, "52782", by=None)
    await finalising.finalise_round(arena.round_id, by=None)
    with pytest.raises(Refusal, match="already_final"):
        await draws.void_draw(draw_id, "Muộn", by=None)


async def test_nothing_is_drawn_before_the_result_is_frozen(attempts: Attempts) -> None:
    early = await build_arena()
    with pytest.raises(Refusal, match="not_frozen"):
        await commit(early)
