"""Who did what, when?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.clock import now
from core.db import Connection, json_text, pool


@dataclass(frozen=True)
class AuditShown:
    """One line of the audit trail."""

    id: int
    happened_at: datetime
    by: int | None
    by_name: str
    action: str
    subject: str
    detail: dict[str, object]


async def record(
    connection: Connection,
    *,
    by: int | None,
    action: str,
    subject: str,
    detail: dict[str, object] | None = None,
) -> None:
    """Add a line inside the caller's transaction, so that it stands or falls with the deed.

    `by` is an account, None for the platform itself; `subject` reads "contest:12".
    """
    await connection.execute(
        "INSERT INTO audit_entry (happened_at, account_id, action, subject, detail) "
        "VALUES ($1, $2, $3, $4, $5::jsonb)",
        now(),
        by,
        action,
        subject,
        json_text(detail or {}),
    )


async def entries(subject: str | None = None, *, limit: int = 100) -> list[AuditShown]:
    """List the newest lines first, of one subject or of all."""
    rows = await pool().fetch(
        """
        SELECT e.id, e.happened_at, e.account_id AS by, coalesce(p.full_name, '') AS by_name,
               e.action, e.subject, e.detail
        FROM audit_entry e
        LEFT JOIN account a ON a.id = e.account_id
        LEFT JOIN person p ON p.id = a.person_id
        WHERE $1::text IS NULL OR e.subject = $1
        ORDER BY e.id DESC
        LIMIT $2
        """,
        subject,
        limit,
    )
    return [AuditShown(**row) for row in rows]
