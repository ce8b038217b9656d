"""How did the demonstration's past contest end? As every contest does, and by the same verbs:

two people appeal and are answered, a question is mended, the result is frozen, made final by a
second person, prizes are given, and the signed result is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.clock import now
from core.db import pool
from people.roles import RoleName
from quiz.appeals import Filed, appeals_of, decide_appeal, file_appeal
from quiz.asked_questions import asked_questions
from quiz.awards import draft_awards, give_awards
from quiz.contests import ContestShown, get_contest
from quiz.finalising import finalise_round, freeze_prediction, mark_provisional
from quiz.rescoring import (
    approve_correction,
    corrections_of,
    propose_correction,
    rescore_waiting,
)
from quiz.result_snapshots import publish_result, sign_result

DISPUTED = "TTD-018"  # asks when somebody signs, which can be read in two ways
_REASON = (
    "Câu hỏi có thể hiểu theo hai nghĩa: ký số khi nộp hồ sơ hoặc khi cơ quan yêu cầu. Mọi người "
    "gặp câu này được tính đúng."
)


@dataclass(frozen=True)
class Case:
    """An appeal with the answer that it gets; without one it waits."""

    subject: str
    body: str
    is_accepted: bool = False
    answer: str = ""


_ANSWERED = (
    Case(
        "other",
        "Câu về thời điểm ký số hỏi không rõ: ký khi nộp hồ sơ hay khi cơ quan yêu cầu đều có thể "
        "đúng. Đề nghị Ban Tổ chức xem lại.",
        is_accepted=True,
        answer="Ban Tổ chức đã xem lại. Câu này hiểu được theo hai nghĩa nên mọi người gặp câu này "
        "được tính đúng, và bài của mọi người đã được chấm lại.",
    ),
    Case(
        "score",
        "Tôi làm bài xong trước giờ nhưng thời gian ghi trên bảng xếp hạng dài hơn tôi nhớ. Đề "
        "nghị kiểm tra lại.",
        answer="Máy chủ ghi lúc bạn bắt đầu và lúc bạn bấm nộp; thời gian trên bảng là khoảng cách "
        "giữa hai lúc đó. Ban Tổ chức đã kiểm tra và không thấy sai lệch.",
    ),
)
_WAITING = (
    Case(
        "score",
        "Máy tính của tôi mất điện giữa chừng, khi vào lại thì còn rất ít thời gian. Xin Ban Tổ "
        "chức xem xét bài của tôi.",
    ),
)


async def end_contest(past: ContestShown, staff: Mapping[RoleName, int]) -> None:
    """Bring the past contest to its published result; may run again."""
    await mark_provisional()
    round_id = past.rounds[0].id
    if (await get_contest(past.id)).rounds[0].result != "final":
        await _hear(past.id, round_id, _ANSWERED, by=staff["approver"])
        await _mend(round_id, staff)
        await freeze_prediction(round_id, by=staff["organiser"], appeals_until=now())
        await finalise_round(round_id, by=staff["approver"])
    if not (await draft_awards(past.id)).ties:  # equals would need a draw, which is left to people
        await give_awards(past.id, by=staff["organiser"])
    snapshot_id = await sign_result(round_id, by=staff["approver"])
    await publish_result(snapshot_id, by=staff["approver"])


async def hear_first_week(current: ContestShown, staff: Mapping[RoleName, int]) -> None:
    """Somebody has appealed about the week that is over and waits for an answer."""
    await _hear(current.id, current.rounds[0].id, _WAITING, by=staff["approver"])


async def _hear(contest_id: int, round_id: int, told: tuple[Case, ...], *, by: int) -> None:
    people = await pool().fetch(
        "SELECT p.person_id FROM standing s JOIN participant p ON p.id = s.participant_id "
        "WHERE s.round_id = $1 ORDER BY s.id DESC LIMIT $2",
        round_id,
        len(told),
    )
    for row, case in zip(people, told, strict=False):
        if case.body not in {each.body for each in await appeals_of(contest_id)}:
            await file_appeal(row["person_id"], Filed(round_id, case.subject, case.body))
    answers = {case.body: case for case in told if case.answer}
    for each in await appeals_of(contest_id):
        if each.state == "open" and each.body in answers:
            case = answers[each.body]
            await decide_appeal(
                each.case_number, is_accepted=case.is_accepted, decision=case.answer, by=by
            )


async def _mend(round_id: int, staff: Mapping[RoleName, int]) -> None:
    """Two people mend the disputed question, with a preview between them."""
    if not await corrections_of(round_id):
        question_id = await pool().fetchval("SELECT id FROM question WHERE code = $1", DISPUTED)
        asked = await asked_questions(round_id)
        disputed = next(
            version for version, each in asked.items() if each.frozen.question_id == question_id
        )
        await propose_correction(
            round_id, disputed, "full_marks", (), _REASON, by=staff["organiser"]
        )
    await rescore_waiting()
    for each in await corrections_of(round_id):
        if each.state == "proposed":
            await approve_correction(each.id, by=staff["approver"])
    await rescore_waiting()
