"""Who gets the prizes of a finished contest: by round, overall, by unit; once, and explained."""

from __future__ import annotations

import hashlib

import pytest

from core import clock, db
from core.errors import Refusal
from people.consents import PUBLISH_NAME, give, publish_first_texts
from quiz.awards import awards_of, decline_award, draft_awards, give_awards
from quiz.contests import ContestShown
from quiz.result_export import HEADER, result_lines
from quiz.result_snapshots import (
    digest_of,
    publish_result,
    ranking_line,
    sign_result,
    snapshots_of,
)
from tests.quiz.conftest import Participant, Staff
from tests.quiz.test_question_statistics import play


async def add_prize(contest: ContestShown, name: str, count: int = 1, **changes: object) -> int:
    prize = {
        "round_id": contest.rounds[0].id,
        "division_id": None,
        "kind": "individual",
        "measure": "",
        "block": "",
        **changes,
    }
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # an id
        "INSERT INTO prize (contest_id, round_id, division_id, kind, measure, block, name, "
        "prize_count, reward, position) SELECT $1, $2, $3, $4, $5, $6, $7, $8, '', "
        "coalesce(max(position), 0) + 1 FROM prize WHERE contest_id = $1 RETURNING id",
        contest.id,
        prize["round_id"],
        prize["division_id"],
        prize["kind"],
        prize["measure"],
        prize["block"],
        name,
        count,
    )


async def make_final(contest: ContestShown, *numbers: int) -> None:
    """The state in which finalising leaves a round; how it gets there is tests/quiz/test_finalising."""
    await db.pool().execute(
        "UPDATE round SET result = 'final', prediction_actual = 6, finalised_at = $2 "
        "WHERE contest_id = $1 AND number = ANY($3::int[])",
        contest.id,
        clock.now(),
        list(numbers),
    )


@pytest.fixture
async def played(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> tuple[Participant, ...]:
    """Six people have played round 1: 8, 7, 6, 5, 4 and 3 right answers."""
    for who, right_count in zip(participants, range(8, 2, -1), strict=True):
        await play(contest, who, right_count)
    return participants


async def given(contest: ContestShown) -> list[tuple[str, str]]:
    names = {row["id"]: row["name"] for row in await db.pool().fetch("SELECT id, name FROM prize")}
    return [
        (names[each.prize_id], each.printed_name)
        for each in await awards_of(contest.id)
        if each.state == "given"
    ]


async def test_the_first_of_a_final_round_get_its_prizes(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await add_prize(contest, "Nhất")
    await add_prize(contest, "Nhì", 2)
    with pytest.raises(Refusal, match="chưa chốt"):
        await give_awards(contest.id, by=staff.lan)
    await make_final(contest, 1)
    assert (await draft_awards(contest.id)).given_count == 3
    assert await give_awards(contest.id, by=staff.lan) == 3
    assert await given(contest) == [
        ("Nhất", "Lò Thị Mai"), ("Nhì", "Y Moan Êban"), ("Nhì", "K'Brôih"),
    ]  # fmt: skip
    assert await give_awards(contest.id, by=staff.lan) == 0


async def test_a_division_s_prize_stays_in_the_division(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await add_prize(contest, "Nhất người dân", division_id=contest.divisions[1].id)
    await make_final(contest, 1)
    await give_awards(contest.id, by=staff.lan)
    assert await given(contest) == [("Nhất người dân", "Nguyễn Văn Ế")]


async def test_a_declined_prize_goes_to_the_next_and_the_reason_stays(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await add_prize(contest, "Nhất")
    await add_prize(contest, "Nhì")
    await make_final(contest, 1)
    await give_awards(contest.id, by=staff.lan)
    first = (await awards_of(contest.id))[0]
    with pytest.raises(Refusal, match="Hãy ghi lý do"):
        await decline_award(first.id, " ", by=staff.lan)
    await decline_award(first.id, "Không liên lạc được", by=staff.lan)
    # Whoever gave back the first prize is not given the second instead: one prize a person.
    assert await given(contest) == [("Nhất", "Y Moan Êban"), ("Nhì", "Lò Thị Mai")]
    states = {(each.printed_name, each.state, each.note) for each in await awards_of(contest.id)}
    assert ("Lò Thị Mai", "declined", "Không liên lạc được") in states
    assert ("Y Moan Êban", "replaced", "") in states
    with pytest.raises(Refusal, match="đã được thay đổi"):
        await decline_award(first.id, "lần nữa", by=staff.lan)


async def test_a_disqualified_winner_is_replaced_when_the_list_is_made_again(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await add_prize(contest, "Nhất")
    await make_final(contest, 1)
    await give_awards(contest.id, by=staff.lan)
    await db.pool().execute(
        "UPDATE standing SET is_ranked = false WHERE participant_id = $1", played[0].id
    )
    assert await give_awards(contest.id, by=staff.lan) == 2
    assert await given(contest) == [("Nhất", "Y Moan Êban")]


async def test_overall_prizes_wait_for_every_round_and_add_them_up(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await add_prize(contest, "Nhất chung cuộc", round_id=None)
    await add_prize(contest, "Nhất tuần 1")
    await make_final(contest, 1)
    assert [each.name for each in (await draft_awards(contest.id)).waiting] == ["Nhất chung cuộc"]
    await give_awards(contest.id, by=staff.lan)
    assert await given(contest) == [("Nhất tuần 1", "Lò Thị Mai")]
    # In round 2 Y Moan Êban makes up for it: 7 + 8 against 8 + 1.
    for who, right_count in ((played[1], 8), (played[0], 1)):
        await db.pool().execute(
            "INSERT INTO standing (round_id, participant_id, division_id, unit_id, attempt_id, "
            "attempt_count, points, correct_count, question_count, duration_ms, closed_at, "
            "rank_key, bucket) SELECT $1, participant_id, division_id, unit_id, attempt_id, 1, "
            "$3 * 1000, $3, 8, 1000, closed_at, rank_key, bucket FROM standing "
            "WHERE participant_id = $2",
            contest.rounds[1].id,
            who.id,
            right_count,
        )
    await make_final(contest, 2)
    await give_awards(contest.id, by=staff.lan)
    assert await given(contest) == [
        ("Nhất chung cuộc", "Y Moan Êban"), ("Nhất tuần 1", "Lò Thị Mai"),
    ]  # fmt: skip


async def test_units_are_ranked_by_what_the_prize_says(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    for measure in ("rate", "people", "points"):
        await add_prize(contest, f"Tập thể {measure}", kind="collective", measure=measure)
    await db.pool().execute("UPDATE contest SET is_one_prize = false WHERE id = $1", contest.id)
    await make_final(contest, 1)
    await give_awards(contest.id, by=staff.lan)
    assert await given(contest) == [
        (f"Tập thể {measure}", "Xã Bình Lư") for measure in ("rate", "people", "points")
    ]
    await db.pool().execute("DELETE FROM headcount")
    await give_awards(contest.id, by=staff.lan)
    # Without a headcount there is no rate; the unit is not guessed to be first.
    assert [name for name, _ in await given(contest)] == ["Tập thể people", "Tập thể points"]


async def test_equals_at_the_boundary_are_drawn_first(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await add_prize(contest, "Nhất")
    await db.pool().execute("UPDATE standing SET rank_key = '\\x00'")
    await make_final(contest, 1)
    (tie,) = (await draft_awards(contest.id)).ties
    assert tie.left_count == 1
    assert set(tie.participant_ids) == {each.id for each in played}
    with pytest.raises(Refusal, match="bốc thăm"):
        await give_awards(contest.id, by=staff.lan)
    assert await awards_of(contest.id) == []


async def test_a_name_is_public_only_where_its_holder_said_so(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await add_prize(contest, "Nhất")
    await make_final(contest, 1)
    await give_awards(contest.id, by=staff.lan)
    assert not (await awards_of(contest.id))[0].is_name_public
    await publish_first_texts()
    await give(played[0].person_id, PUBLISH_NAME)
    assert (await awards_of(contest.id))[0].is_name_public


async def test_a_result_is_signed_once_and_only_when_final(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    round_id = contest.rounds[0].id
    with pytest.raises(Refusal, match="chưa có kết quả chính thức"):
        await sign_result(round_id, by=staff.minh)
    await make_final(contest, 1)
    snapshot_id = await sign_result(round_id, by=staff.minh)
    assert await sign_result(round_id, by=staff.minh) == snapshot_id
    assert await snapshots_of(contest.id, only_published=True) == []
    await publish_result(snapshot_id, by=staff.minh)
    await publish_result(snapshot_id, by=staff.minh)
    (snapshot,) = await snapshots_of(contest.id, only_published=True)
    assert snapshot.digest == digest_of(snapshot.content)
    assert snapshot.content["ranked_count"] == 6
    assert [each["people_count"] for each in snapshot.content["divisions"]] == [3, 3]
    assert "Lò Thị Mai" not in str(snapshot.content)
    told = await db.pool().fetchval(
        "SELECT count(*) FROM audit_entry WHERE action IN ('sign_result', 'publish_result')"
    )
    assert told == 2


async def test_whoever_has_the_list_can_compute_its_digest(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    await make_final(contest, 1)
    await sign_result(contest.rounds[0].id, by=None)
    (snapshot,) = await snapshots_of(contest.id)
    rows = await db.pool().fetch(
        "SELECT d.code, s.points, s.correct_count, s.duration_ms, s.prediction, s.closed_at, "
        "a.receipt FROM standing s JOIN attempt a ON a.id = s.attempt_id "
        "JOIN division d ON d.id = s.division_id ORDER BY d.position, s.rank_key"
    )
    lines = [
        ranking_line({**row, "rank": place % 3 + 1}) for place, row in enumerate(rows)
    ]  # two divisions of three, nobody equal
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == snapshot.content["ranking_digest"]


async def test_the_whole_ranking_goes_out_with_telephone_numbers_as_text(
    contest: ContestShown, played: tuple[Participant, ...], staff: Staff
) -> None:
    account = "INSERT INTO account (person_id, phone, is_active, failed_count, created_at) "
    await db.pool().execute(
        account + "VALUES ($1, '+84912345678', true, 0, $2)", played[0].person_id, clock.now()
    )
    await db.pool().execute(
        "UPDATE standing SET is_ranked = false WHERE participant_id = $1", played[1].id
    )
    lines = [
        dict(zip(HEADER, line, strict=True))
        for line in await result_lines(contest.rounds[0].id, by=staff.lan)
    ]
    assert [line["Hạng"] for line in lines] == [1, 2, None, 1, 2, 3]
    assert lines[0]["Điện thoại"] == "0912 345 678"
    assert lines[2]["Ghi chú"] == "không xếp hạng"
    assert (
        await db.pool().fetchval(
            "SELECT detail->>'row_count' FROM audit_entry WHERE action = 'export_results'"
        )
        == "6"
    )
