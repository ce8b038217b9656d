"""A participant disagrees with a result: a case with a number, and a decision with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import clock, db
from core.db import Connection
from core.errors import Refusal
from core.text import clean_lines, deadline_shown
from people.audit import record
from quiz.review import find_result, reviewed_paper

SUBJECTS = {
    "question": "một câu hỏi hoặc đáp án",
    "score": "điểm hoặc thứ hạng",
    "exclusion": "việc không được xếp hạng",
    "other": "việc khác",
}
STATES = {
    "open": "đang xem xét",
    "accepted": "chấp nhận",
    "rejected": "không chấp nhận",
    "withdrawn": "người gửi rút",
}
SHORTEST_BODY, LONGEST_BODY = 10, 2_000
MOST_OPEN = 5  # cases of one participant in one round at a time

_CASE = """
SELECT a.id, a.case_number, a.round_id, r.contest_id, r.name AS round_name, r.result AS round_result,
       a.participant_id, m.person_id, e.full_name, u.name AS unit_name, d.name AS division_name,
       a.attempt_id, t.receipt, a.subject, a.question_position, a.body, a.state, a.decision,
       a.created_at, a.decided_at, coalesce(de.full_name, '') AS decided_by_name
FROM appeal a JOIN round r ON r.id = a.round_id
JOIN participant m ON m.id = a.participant_id JOIN person e ON e.id = m.person_id
JOIN unit u ON u.id = m.unit_id JOIN division d ON d.id = m.division_id
LEFT JOIN attempt t ON t.id = a.attempt_id
LEFT JOIN account da ON da.id = a.decided_by_id LEFT JOIN person de ON de.id = da.person_id
"""


@dataclass(frozen=True)
class Filed:
    """What somebody writes in an appeal; a position belongs to a question of the own paper."""

    round_id: int
    subject: str
    body: str
    question_position: int | None = None


@dataclass(frozen=True)
class AppealShown:
    """One case, with what it is about."""

    id: int
    case_number: str
    round_id: int
    contest_id: int
    round_name: str
    round_result: str
    participant_id: int
    person_id: int
    full_name: str
    unit_name: str
    division_name: str
    attempt_id: UUID | None
    receipt: str | None
    subject: str
    question_position: int | None
    body: str
    state: str
    decision: str
    created_at: datetime
    decided_at: datetime | None
    decided_by_name: str


async def file_appeal(person_id: int, filed: Filed) -> str:
    """Keep an appeal and return its case number; the same words again return the same case.

    Refuses "not_taking" before the round closes, after the window and once the result is final,
    "no_attempt" for whoever has no scored attempt, "too_many", and "bad_appeal" by field.
    """
    async with db.transaction() as connection:
        row = await _standing(connection, person_id, filed.round_id)
        _refuse_closed(row, clock.now())
        body = clean_lines(filed.body)
        _refuse_faults(filed, body, row["question_count"])
        # The contest's row numbers its cases one after another, and lets a double click wait.
        await connection.execute("SELECT FROM contest WHERE id = $1 FOR UPDATE", row["contest_id"])
        held = await connection.fetch(
            "SELECT case_number, body FROM appeal WHERE participant_id = $1 AND round_id = $2 "
            "AND state = 'open'",
            row["participant_id"],
            filed.round_id,
        )
        if again := next((each["case_number"] for each in held if each["body"] == body), None):
            return str(again)
        if len(held) >= MOST_OPEN:
            raise Refusal(
                "too_many",
                f"Bạn đang có {MOST_OPEN} khiếu nại chưa giải quyết. Hãy chờ trả lời, hoặc rút bớt.",
            )
        return await _keep(connection, row, filed, body)


async def withdraw_appeal(case_number: str, person_id: int) -> None:
    """Take back one's own open case; one that is closed stays as it is."""
    await db.pool().execute(
        "UPDATE appeal a SET state = 'withdrawn', decided_at = $3 FROM participant p "
        "WHERE a.case_number = $1 AND p.id = a.participant_id AND p.person_id = $2 "
        "AND a.state = 'open'",
        case_number,
        person_id,
        clock.now(),
    )


async def decide_appeal(
    case_number: str, *, is_accepted: bool, decision: str, by: int | None
) -> None:
    """Close a case with an answer that the participant reads; whoever filed it decides nothing.

    Refuses "no_decision" without an answer, "own_appeal", and "wrong_state" for a closed case.
    """
    answer = clean_lines(decision)[:LONGEST_BODY]
    if not answer:
        sentence = "Hãy ghi rõ lý do; người khiếu nại sẽ đọc dòng này."
        raise Refusal("no_decision", sentence, fields={"tra_loi": sentence})
    async with db.transaction() as connection:
        is_own = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM appeal a JOIN participant p ON p.id = a.participant_id "
            "JOIN account c ON c.person_id = p.person_id WHERE a.case_number = $1 AND c.id = $2)",
            case_number,
            by,
        )
        if is_own:
            raise Refusal("own_appeal", "Đây là khiếu nại của bạn. Hãy nhờ người khác giải quyết.")
        contest_id = await connection.fetchval(
            "UPDATE appeal a SET state = $2, decision = $3, decided_by_id = $4, decided_at = $5 "
            "FROM round r WHERE a.case_number = $1 AND a.state = 'open' AND r.id = a.round_id "
            "RETURNING r.contest_id",
            case_number,
            "accepted" if is_accepted else "rejected",
            answer,
            by,
            clock.now(),
        )
        if contest_id is None:
            raise Refusal("wrong_state", "Khiếu nại này đã được giải quyết hoặc đã rút.")
        await record(
            connection,
            by=by,
            action="decide_appeal",
            subject=f"contest:{contest_id}",
            detail={"case": case_number, "is_accepted": is_accepted},
        )


async def appeals_of(
    contest_id: int, *, first: int = 0, most: int | None = None
) -> list[AppealShown]:
    """The cases of a contest, the open ones first, the oldest first: `most` from the `first` on."""
    rows = await db.pool().fetch(
        f"{_CASE} WHERE r.contest_id = $1 ORDER BY a.state <> 'open', a.id LIMIT $3 OFFSET $2",
        contest_id,
        first,
        most,
    )
    return [AppealShown(**row) for row in rows]


async def appeal_counts(contest_id: int) -> Counter[str]:
    """How many cases of a contest there are, by state."""
    rows = await db.pool().fetch(
        "SELECT a.state, count(*)::int AS count FROM appeal a JOIN round r ON r.id = a.round_id "
        "WHERE r.contest_id = $1 GROUP BY a.state",
        contest_id,
    )
    return Counter({row["state"]: row["count"] for row in rows})


async def open_appeal_counts(contest_ids: Sequence[int]) -> dict[int, int]:
    """How many cases of these contests wait for an answer; contests without any are left out."""
    rows = await db.pool().fetch(
        "SELECT r.contest_id, count(*) AS waiting FROM appeal a JOIN round r ON r.id = a.round_id "
        "WHERE r.contest_id = ANY($1) AND a.state = 'open' GROUP BY r.contest_id",
        list(contest_ids),
    )
    return {row["contest_id"]: row["waiting"] for row in rows}


async def appeals_by(person_id: int, contest_id: int) -> list[AppealShown]:
    """A person's own cases, the newest first."""
    rows = await db.pool().fetch(
        f"{_CASE} WHERE r.contest_id = $1 AND m.person_id = $2 ORDER BY a.id DESC",
        contest_id,
        person_id,
    )
    return [AppealShown(**row) for row in rows]


async def get_appeal(contest_id: int, case_number: str) -> AppealShown:
    row = await db.pool().fetchrow(
        f"{_CASE} WHERE r.contest_id = $1 AND a.case_number = $2", contest_id, case_number
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy khiếu nại này.")
    return AppealShown(**row)


async def question_of(appeal: AppealShown) -> Mapping[str, Any] | None:
    """The question that a case is about, as the participant had it and answered it, with its key."""
    if appeal.attempt_id is None or appeal.question_position is None:
        return None
    paper = await reviewed_paper(await find_result(appeal.attempt_id))
    return next((each for each in paper if each["position"] == appeal.question_position), None)


async def _standing(connection: Connection, person_id: int, round_id: int) -> Mapping[str, Any]:
    row = await connection.fetchrow(
        "SELECT r.id AS round_id, r.contest_id, r.closes_at, r.result, r.appeals_until, "
        "p.id AS participant_id, s.attempt_id, s.question_count FROM round r "
        "LEFT JOIN participant p ON p.contest_id = r.contest_id AND p.person_id = $2 "
        "LEFT JOIN standing s ON s.round_id = r.id AND s.participant_id = p.id WHERE r.id = $1 "
        # Whoever makes the result final waits, and then sees the case; or it is final already.
        "FOR SHARE OF r",
        round_id,
        person_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy đợt thi này.")
    return row  # type: ignore[no-any-return]  # asyncpg's record is a mapping


def _refuse_closed(row: Mapping[str, Any], at: datetime) -> None:
    if row["attempt_id"] is None:
        raise Refusal("no_attempt", "Bạn chưa có bài thi nào được chấm trong đợt này.")
    if at < row["closes_at"]:
        raise Refusal(
            "not_taking",
            f"Đợt thi còn mở. Bạn gửi khiếu nại được sau {deadline_shown(row['closes_at'])}.",
        )
    if row["result"] == "final":
        raise Refusal("not_taking", "Đợt thi đã có kết quả chính thức, không nhận khiếu nại nữa.")
    if row["appeals_until"] and at > row["appeals_until"]:
        raise Refusal(
            "not_taking", f"Đã hết hạn khiếu nại lúc {deadline_shown(row['appeals_until'])}."
        )


def _refuse_faults(filed: Filed, body: str, question_count: int) -> None:
    faults = {}
    if filed.subject not in SUBJECTS:
        faults["ve"] = "Bạn chọn giúp khiếu nại về việc gì."
    if filed.subject == "question" and filed.question_position is None:
        faults["cau"] = "Bạn ghi số thứ tự của câu hỏi trong bài của mình."
    if filed.question_position is not None and not 1 <= filed.question_position <= question_count:
        faults["cau"] = f"Bài của bạn có các câu từ 1 đến {question_count}."
    if not SHORTEST_BODY <= len(body) <= LONGEST_BODY:
        faults["noi_dung"] = f"Bạn viết từ {SHORTEST_BODY} đến 2.000 ký tự để Ban Tổ chức hiểu rõ."
    if faults:
        raise Refusal("bad_appeal", next(iter(faults.values())), fields=faults)


async def _keep(connection: Connection, row: Mapping[str, Any], filed: Filed, body: str) -> str:
    number = await connection.fetchval(
        "SELECT count(*) + 1 FROM appeal a JOIN round r ON r.id = a.round_id "
        "WHERE r.contest_id = $1",
        row["contest_id"],
    )
    case_number = f"KN-{row['contest_id']}-{number:04d}"
    await connection.execute(
        "INSERT INTO appeal (case_number, round_id, participant_id, attempt_id, subject, "
        "question_position, body, state, decision, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', '', $8)",
        case_number,
        row["round_id"],
        row["participant_id"],
        row["attempt_id"],
        filed.subject,
        filed.question_position,
        body,
        clock.now(),
    )
    await record(
        connection,
        by=None,
        action="file_appeal",
        subject=f"contest:{row['contest_id']}",
        detail={"case": case_number},
    )
    return case_number
