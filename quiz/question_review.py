"""Who reads a question before it may be asked, and what do they say to its writer?

draft → in_review → approved, or back to draft with a comment; anything → retired → draft again.
Editing makes a draft of whatever it was (quiz.question_writing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from core.clock import local_day, now
from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.text import clean_lines
from quiz.question_writing import record_by_bank

LONGEST_COMMENT = 2_000  # characters
SHOWN_CODES = 5


@dataclass(frozen=True)
class _Held:
    """A question whose row is locked; `writers` are all whose words nobody has approved yet."""

    id: int
    code: str
    state: str
    number: int
    writers: frozenset[int | None]
    last_day: date | None


async def send_to_review(
    question_ids: Iterable[int], *, assignee_id: int | None = None, by: int | None
) -> int:
    """Ask for somebody else's eyes on drafts, of `assignee_id` or of whoever may; return how many.

    Repeating changes nothing but the assignee. Refuses an assignee who wrote the words
    ("own_question").
    """
    async with transaction() as connection:
        held = await _lock(connection, question_ids)
        waiting = [each for each in held if each.state in {"draft", "in_review"}]
        if assignee_id is not None:
            _refuse(
                "own_question",
                [each for each in waiting if assignee_id in each.writers],
                "do chính người được giao viết. Hãy giao cho người khác.",
            )
        await connection.execute(
            "UPDATE question SET state = 'in_review', assignee_id = $2 "
            "WHERE id = ANY($1::bigint[])",
            [each.id for each in waiting],
            assignee_id,
        )
        sent = [each for each in waiting if each.state == "draft"]
        await _say(connection, sent, "sent", "", by)
        await record_by_bank(
            connection,
            [each.id for each in waiting],
            action="send_questions",
            by=by,
            assignee_id=assignee_id,
        )
    return len(sent)


async def approve_questions(question_ids: Iterable[int], *, by: int | None) -> int:
    """Approve the current versions and return how many; repeating changes nothing.

    A second person approves what was sent: a draft is refused ("not_sent"), and so is whoever wrote
    the current words or any since the last approval ("own_question"), and a question that is no
    longer in force ("lapsed"); then nothing of the list is approved. `by` None is the command line,
    which has no second person and takes drafts too: who runs it can write to the database anyway,
    and the audit trail says that it was the platform.
    """
    async with transaction() as connection:
        held = await _lock(connection, question_ids)
        waiting = [each for each in held if each.state in {"draft", "in_review"}]
        if by is not None:
            _refuse_first_person(waiting, by)
        await connection.execute(
            "UPDATE question SET state = 'approved', approver_id = $2 WHERE id = ANY($1::bigint[])",
            [each.id for each in waiting],
            by,
        )
        await _say(connection, waiting, "approved", "", by)
        await record_by_bank(
            connection, [each.id for each in waiting], action="approve_questions", by=by
        )
    return len(waiting)


async def return_questions(question_ids: Iterable[int], reason: str, *, by: int | None) -> int:
    """Give questions in review back to their writers, with what to mend; return how many."""
    body = _comment_body(reason, "Hãy ghi điều cần sửa để người viết biết.")
    async with transaction() as connection:
        held = await _lock(connection, question_ids)
        returned = [each for each in held if each.state == "in_review"]
        await connection.execute(
            "UPDATE question SET state = 'draft' WHERE id = ANY($1::bigint[])",
            [each.id for each in returned],
        )
        await _say(connection, returned, "returned", body, by)
        await record_by_bank(
            connection, [each.id for each in returned], action="return_questions", by=by
        )
    return len(returned)


async def comment(question_id: int, body: str, *, by: int | None) -> None:
    """Say something about the current version; what was said is never changed."""
    said = _comment_body(body, "Hãy viết ý kiến của bạn.")
    async with transaction() as connection:
        held = await _lock(connection, [question_id])
        if not held:
            raise Refusal("not_found", "Không tìm thấy câu hỏi này.")
        await _say(connection, held, "said", said, by)
        await record_by_bank(connection, [question_id], action="comment_question", by=by)


async def retire_questions(question_ids: Iterable[int], *, by: int | None) -> int:
    """Take questions out of later pools and return how many; published papers keep them."""
    return await _move(
        question_ids,
        ("draft", "in_review", "approved"),
        "retired",
        action="retire_questions",
        by=by,
    )


async def bring_back_questions(question_ids: Iterable[int], *, by: int | None) -> int:
    """Make retired questions drafts again, to be read anew; return how many."""
    return await _move(question_ids, ("retired",), "draft", action="bring_back_questions", by=by)


async def waiting_counts(account_id: int) -> dict[str, int]:
    """Code of a bank → how many questions wait there for this account's review."""
    rows = await pool().fetch(
        "SELECT b.code, count(*)::int AS count FROM question q "
        "JOIN question_bank b ON b.id = q.bank_id "
        "WHERE q.state = 'in_review' AND q.assignee_id = $1 GROUP BY b.code ORDER BY b.code",
        account_id,
    )
    return {row["code"]: row["count"] for row in rows}


def _refuse_first_person(waiting: Sequence[_Held], by: int) -> None:
    _refuse(
        "not_sent",
        [each for each in waiting if each.state == "draft"],
        "chưa được gửi thẩm định.",
    )
    _refuse(
        "own_question",
        [each for each in waiting if by in each.writers],
        "do chính bạn viết. Hãy nhờ người khác duyệt.",
    )
    today = local_day(now())
    _refuse(
        "lapsed",
        [each for each in waiting if each.last_day is not None and each.last_day < today],
        "hoặc văn bản làm căn cứ đã hết hiệu lực. Hãy trả lại hoặc cho ngừng dùng.",
    )


def _refuse(code: str, faulty: Sequence[_Held], why: str) -> None:
    if faulty:
        codes = ", ".join(each.code for each in faulty[:SHOWN_CODES])
        more = len(faulty) - SHOWN_CODES
        raise Refusal(code, f"Câu {codes}{f' và {more} câu khác' if more > 0 else ''} {why}")


def _comment_body(typed: str, when_empty: str) -> str:
    body = clean_lines(typed)
    sentence = ""
    if not body:
        sentence = when_empty
    elif len(body) > LONGEST_COMMENT:
        sentence = f"Ý kiến dài quá {LONGEST_COMMENT} ký tự."
    if sentence:
        raise Refusal("bad_comment", sentence, fields={"body": sentence})
    return body


async def _move(
    question_ids: Iterable[int],
    states: Sequence[str],
    state: str,
    *,
    action: str,
    by: int | None,
) -> int:
    async with transaction() as connection:
        moved = await connection.fetch(
            "UPDATE question SET state = $3 "
            "WHERE id = ANY($1::bigint[]) AND state = ANY($2::text[]) RETURNING id",
            sorted(question_ids),
            states,
            state,
        )
        await record_by_bank(connection, [row["id"] for row in moved], action=action, by=by)
    return len(moved)


async def _lock(connection: Connection, question_ids: Iterable[int]) -> list[_Held]:
    wanted = sorted(question_ids)
    # Two statements: the second one sees what an editor wrote whom the first one waited for.
    await connection.execute(
        "SELECT id FROM question WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE", wanted
    )
    rows = await connection.fetch(
        "SELECT q.id, q.code, q.state, v.number, least(v.valid_to, s.valid_to) AS last_day, "
        "(SELECT array_agg(DISTINCT x.created_by_id) FROM question_version x "
        " WHERE x.question_id = q.id AND x.number > coalesce((SELECT max(c.version_number) "
        "  FROM question_comment c WHERE c.question_id = q.id AND c.kind = 'approved'), 0)) "
        "|| v.created_by_id AS writers "
        "FROM question q JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "LEFT JOIN legal_source s ON s.id = v.source_id "
        "WHERE q.id = ANY($1::bigint[]) ORDER BY q.code",
        wanted,
    )
    return [_Held(**{**row, "writers": frozenset(row["writers"])}) for row in rows]


async def _say(
    connection: Connection, questions: Sequence[_Held], kind: str, body: str, by: int | None
) -> None:
    said_at = now()
    await connection.executemany(
        "INSERT INTO question_comment (question_id, version_number, kind, body, created_by_id, "
        "created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [(each.id, each.number, kind, body, by, said_at) for each in questions],
    )
