"""Cases with numbers: who may file one, when, how often, and who decides."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core import clock, db
from core.errors import Refusal
from quiz.appeals import (
    MOST_OPEN,
    Filed,
    appeal_counts,
    appeals_by,
    appeals_of,
    decide_appeal,
    file_appeal,
    get_appeal,
    open_appeal_counts,
    question_of,
    withdraw_appeal,
)
from quiz.contests import ContestShown
from tests.quiz.conftest import Participant, Staff
from tests.quiz.test_question_statistics import play

BODY = "Phương án tôi chọn cũng đúng theo Điều 3."


@pytest.fixture
async def mai(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> Participant:
    """Lò Thị Mai has played the first round, which has closed since."""
    await play(contest, participants[0], 5)
    await db.pool().execute(
        "UPDATE round SET closes_at = $2, result = 'provisional' WHERE id = $1",
        contest.rounds[0].id,
        clock.now() - timedelta(minutes=5),
    )
    return participants[0]


def about(contest: ContestShown, **changes: object) -> Filed:
    return Filed(
        **{
            "round_id": contest.rounds[0].id,
            "subject": "question",
            "body": BODY,
            "question_position": 3,
            **changes,
        }  # type: ignore[arg-type]  # the fields of a dictionary have no types
    )


async def test_a_case_gets_a_number_and_shows_the_question_it_is_about(
    contest: ContestShown, mai: Participant
) -> None:
    number = await file_appeal(mai.person_id, about(contest))
    assert number == f"KN-{contest.id}-0001"
    case = await get_appeal(contest.id, number)
    assert (case.full_name, case.unit_name, case.state) == ("Lò Thị Mai", "Xã Bình Lư", "open")
    question = await question_of(case)
    assert question is not None
    assert question["position"] == 3
    assert any(option["is_chosen"] for option in question["options"])


async def test_the_same_words_twice_are_one_case(contest: ContestShown, mai: Participant) -> None:
    numbers = await asyncio.gather(*(file_appeal(mai.person_id, about(contest)) for _ in range(4)))
    assert len(set(numbers)) == 1
    assert len(await appeals_of(contest.id)) == 1


async def test_a_long_list_comes_in_pages_the_open_cases_first(
    contest: ContestShown, mai: Participant
) -> None:
    bodies = ("Câu này có hai cách hiểu.", "Tôi cho rằng đáp án sai.", "Đề nghị xem lại câu này.")
    cases = [await file_appeal(mai.person_id, about(contest, body=body)) for body in bodies]
    await withdraw_appeal(cases[0], mai.person_id)
    pages = [await appeals_of(contest.id, first=first, most=2) for first in (0, 2)]
    assert [[each.case_number for each in page] for page in pages] == [cases[1:], cases[:1]]
    counts = await appeal_counts(contest.id)
    assert (counts["open"], counts["withdrawn"], counts.total()) == (2, 1, 3)


async def test_only_cases_that_wait_are_counted(contest: ContestShown, mai: Participant) -> None:
    first = await file_appeal(mai.person_id, about(contest))
    await file_appeal(mai.person_id, about(contest, body="Câu này có hai cách hiểu."))
    assert await open_appeal_counts([contest.id, contest.id + 1]) == {contest.id: 2}
    await withdraw_appeal(first, mai.person_id)
    assert await open_appeal_counts([contest.id]) == {contest.id: 1}


async def test_cases_of_a_contest_are_numbered_without_gaps(
    contest: ContestShown, mai: Participant
) -> None:
    numbers = await asyncio.gather(
        *(file_appeal(mai.person_id, about(contest, body=f"{BODY} {n}")) for n in range(MOST_OPEN))
    )
    assert sorted(numbers) == [f"KN-{contest.id}-{n:04d}" for n in range(1, MOST_OPEN + 1)]
    with pytest.raises(Refusal, match="chưa giải quyết"):
        await file_appeal(mai.person_id, about(contest, body=f"{BODY} nữa"))
    await withdraw_appeal(numbers[0], mai.person_id)
    assert (await file_appeal(mai.person_id, about(contest, body=f"{BODY} nữa"))).endswith("0006")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": "gì đó"}, "ve"),
        ({"question_position": None}, "cau"),
        ({"question_position": 99}, "cau"),
        ({"body": "ngắn"}, "noi_dung"),
        ({"body": "x" * 2001}, "noi_dung"),
    ],
)
async def test_what_is_missing_is_said_at_its_field(
    contest: ContestShown, mai: Participant, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await file_appeal(mai.person_id, about(contest, **changes))
    assert list(refused.value.fields) == [field]


async def test_nobody_appeals_too_early_too_late_or_without_an_attempt(
    contest: ContestShown, mai: Participant, participants: tuple[Participant, ...]
) -> None:
    with pytest.raises(Refusal, match="chưa có bài thi"):
        await file_appeal(participants[1].person_id, about(contest))
    change = "UPDATE round SET {} WHERE id = $1"
    round_id = contest.rounds[0].id
    await db.pool().execute(change.format("appeals_until = now() - interval '1 minute'"), round_id)
    with pytest.raises(Refusal, match="hết hạn khiếu nại"):
        await file_appeal(mai.person_id, about(contest))
    await db.pool().execute(change.format("appeals_until = NULL, result = 'final'"), round_id)
    with pytest.raises(Refusal, match="kết quả chính thức"):
        await file_appeal(mai.person_id, about(contest))
    await db.pool().execute(
        change.format("result = 'none', closes_at = now() + interval '1 hour'"), round_id
    )
    with pytest.raises(Refusal, match="còn mở"):
        await file_appeal(mai.person_id, about(contest))


async def test_a_case_that_comes_while_the_result_becomes_final_waits_and_is_refused(
    contest: ContestShown, mai: Participant
) -> None:
    async with db.pool().acquire() as connection:
        async with connection.transaction():
            await connection.execute(
                "SELECT FROM round WHERE id = $1 FOR NO KEY UPDATE", contest.rounds[0].id
            )
            filing = asyncio.create_task(file_appeal(mai.person_id, about(contest)))
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while not await connection.fetchval(waits):  # noqa: ASYNC110 — PostgreSQL tells nobody that somebody waits
                await asyncio.sleep(0.01)
            await connection.execute(
                "UPDATE round SET result = 'final' WHERE id = $1", contest.rounds[0].id
            )
        with pytest.raises(Refusal, match="kết quả chính thức"):
            await filing
    assert await appeals_by(mai.person_id, contest.id) == []


async def test_a_decision_needs_a_reason_is_made_once_and_is_recorded(
    contest: ContestShown, mai: Participant, staff: Staff
) -> None:
    number = await file_appeal(mai.person_id, about(contest))
    with pytest.raises(Refusal, match="ghi rõ lý do"):
        await decide_appeal(number, is_accepted=True, decision="  ", by=staff.minh)
    await decide_appeal(number, is_accepted=True, decision="Đáp án B cũng đúng.", by=staff.minh)
    with pytest.raises(Refusal, match="đã được giải quyết"):
        await decide_appeal(number, is_accepted=False, decision="Không.", by=staff.minh)
    (own,) = await appeals_by(mai.person_id, contest.id)
    assert (own.state, own.decision) == ("accepted", "Đáp án B cũng đúng.")
    assert own.decided_by_name == "Phạm Văn Minh"
    assert (
        await db.pool().fetchval(
            "SELECT detail->>'is_accepted' FROM audit_entry WHERE action = 'decide_appeal'"
        )
        == "true"
    )


async def test_nobody_decides_the_own_case(
    contest: ContestShown, mai: Participant, staff: Staff
) -> None:
    number = await file_appeal(mai.person_id, about(contest))
    await db.pool().execute(
        "UPDATE account SET person_id = $2 WHERE id = $1", staff.minh, mai.person_id
    )
    with pytest.raises(Refusal, match="khiếu nại của bạn"):
        await decide_appeal(number, is_accepted=True, decision="Được.", by=staff.minh)


async def test_others_cannot_take_a_case_back(
    contest: ContestShown, mai: Participant, participants: tuple[Participant, ...]
) -> None:
    number = await file_appeal(mai.person_id, about(contest))
    await withdraw_appeal(number, participants[1].person_id)
    assert (await get_appeal(contest.id, number)).state == "open"
    await withdraw_appeal(number, mai.person_id)
    assert (await get_appeal(contest.id, number)).state == "withdrawn"
    with pytest.raises(Refusal, match="Không tìm thấy"):
        await get_appeal(contest.id + 1, number)
