"""Who has seen the key of questions that a contest to come may ask?"""

from __future__ import annotations

from datetime import timedelta

from core.clock import now
from core.db import Connection, transaction
from people.audit import record

# One line an hour for each person and thing: reading a page again says nothing new.
NOTED_FOR = timedelta(hours=1)


async def note_question_seen(question_id: int, *, by: int) -> None:
    """Put on record that somebody saw this key, while a contest with its bank is still to open."""
    async with transaction() as connection:
        row = await connection.fetchrow(
            "SELECT q.bank_id, q.code, v.number FROM question q "
            "JOIN question_version v ON v.question_id = q.id AND v.is_current WHERE q.id = $1",
            question_id,
        )
        if row is None:
            return
        slugs = await _coming(connection, row["bank_id"])
        subject = f"question:{question_id}"
        if slugs and not await _is_noted(connection, by, "see_question", subject):
            await record(
                connection,
                by=by,
                action="see_question",
                subject=subject,
                detail={"code": row["code"], "version": row["number"], "contests": slugs},
            )


async def note_bank_seen(bank_id: int, *, by: int) -> None:
    """The same for a list of a bank's questions, whichever page of it."""
    async with transaction() as connection:
        slugs = await _coming(connection, bank_id)
        subject = f"bank:{bank_id}"
        if slugs and not await _is_noted(connection, by, "see_bank", subject):
            await record(
                connection, by=by, action="see_bank", subject=subject, detail={"contests": slugs}
            )


async def _coming(connection: Connection, bank_id: int) -> list[str]:
    """Contests with the bank that have a round still to open, drafts too."""
    rows = await connection.fetch(
        "SELECT c.slug FROM contest c WHERE c.bank_id = $1 AND EXISTS "
        "(SELECT 1 FROM round r WHERE r.contest_id = c.id AND r.opens_at > $2) ORDER BY c.slug",
        bank_id,
        now(),
    )
    return [row["slug"] for row in rows]


async def _is_noted(connection: Connection, by: int, action: str, subject: str) -> bool:
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM audit_entry WHERE subject = $3 AND account_id = $1 "
        "AND action = $2 AND happened_at > $4)",
        by,
        action,
        subject,
        now() - NOTED_FOR,
    )
    return found
