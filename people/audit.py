"""Who did what, when?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.clock import now
from core.db import Connection, json_text, pool
from core.text import fold


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


@dataclass(frozen=True)
class AuditFilter:
    """Which lines of the trail are wanted; what is empty does not narrow."""

    by_name: str = ""  # part of a name or a username, without marks
    action: str = ""
    subject: str = ""  # "contest:12", or a kind alone: "contest"
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None  # older lines than this: the next page


async def find_entries(wanted: AuditFilter, *, limit: int = 100) -> list[AuditShown]:
    """List the lines that fit, the newest first."""
    rows = await pool().fetch(
        """
        SELECT e.id, e.happened_at, e.account_id AS by, coalesce(p.full_name, '') AS by_name,
               e.action, e.subject, e.detail
        FROM audit_entry e
        LEFT JOIN account a ON a.id = e.account_id
        LEFT JOIN person p ON p.id = a.person_id
        WHERE ($1 = '' OR position(' ' || $1 IN ' ' || p.name_key) > 0 OR a.username = $1)
          AND ($2 = '' OR e.action = $2)
          AND ($3 = '' OR e.subject = $3 OR starts_with(e.subject, $3 || ':'))
          AND ($4::timestamptz IS NULL OR e.happened_at >= $4)
          AND ($5::timestamptz IS NULL OR e.happened_at < $5)
          AND ($6::bigint IS NULL OR e.id < $6)
        ORDER BY e.id DESC
        LIMIT $7
        """,
        fold(wanted.by_name),
        wanted.action,
        wanted.subject,
        wanted.since,
        wanted.until,
        wanted.before_id,
        limit,
    )
    return [AuditShown(**row) for row in rows]


async def known_actions() -> list[str]:
    """Every action that the trail holds, for the choice of a filter."""
    rows = await pool().fetch("SELECT DISTINCT action FROM audit_entry ORDER BY action")
    return [row["action"] for row in rows]


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
