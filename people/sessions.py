"""Which browser is signed in, as whom, and until when?"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.clock import now
from core.db import Connection, pool
from core.groupread import GroupReader
from core.text import clean

CITIZEN_SIGNED_IN_FOR = timedelta(days=30)
STAFF_SIGNED_IN_FOR = timedelta(hours=12)
SEEN_EVERY = timedelta(hours=1)  # a write a session and hour, not a write a request
TOKEN_BYTES = 32


@dataclass(frozen=True)
class RoleHeld:
    """A role over a unit and all beneath it (`unit_path`), or over one contest."""

    name: str
    unit_path: str | None
    contest_id: int | None


@dataclass(frozen=True)
class Viewer:
    """The person who looks at a page, with everything that a permission depends on."""

    session_id: int
    account_id: int
    person_id: int
    shown_name: str
    unit_id: int | None
    unit_path: str | None
    division_code: str
    birth_year: int | None
    phone: str | None
    roles: tuple[RoleHeld, ...]
    has_password: bool = False  # staff
    has_second_factor: bool = False
    must_change_password: bool = False


@dataclass(frozen=True)
class SessionShown:
    """One signed-in browser, for the list by which people sign others out."""

    id: int
    browser: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


async def open_session(connection: Connection, account_id: int, browser: str) -> str:
    """Open a session inside the caller's transaction and return its token; only its hash is kept.

    Accounts with a password or a role are staff and sign in again sooner.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    at = now()
    await connection.execute(
        """
        INSERT INTO session (token_hash, account_id, browser, created_at, seen_at, expires_at)
        SELECT $1, a.id, $3, $4::timestamptz, $4, $4 + CASE
            WHEN a.password_hash IS NOT NULL OR EXISTS (
                SELECT FROM role r WHERE r.account_id = a.id AND r.ended_at IS NULL)
            THEN $5::interval ELSE $6::interval END
        FROM account a WHERE a.id = $2
        """,
        token_hash(token),
        account_id,
        clean(browser)[:200],
        at,
        STAFF_SIGNED_IN_FOR,
        CITIZEN_SIGNED_IN_FOR,
    )
    return token


async def find_session(token: str) -> Viewer | None:
    """Return who is signed in with this token; None when nobody is any more."""
    row = await _SESSIONS.find(token_hash(token))
    if row is None:
        return None
    found = dict(row)
    del found["token_hash"]
    at = now()
    if found.pop("seen_at") < at - SEEN_EVERY:
        await _see(found["session_id"], at)
    roles = tuple(RoleHeld(**role) for role in found.pop("roles") or ())
    return Viewer(**found, roles=roles)


async def _read_sessions(token_hashes: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    rows = await pool().fetch(
        """
        SELECT s.token_hash, s.id AS session_id, s.seen_at, a.id AS account_id, a.phone, p.id AS person_id,
               p.full_name AS shown_name, p.unit_id, u.path AS unit_path, p.division_code,
               p.birth_year, a.password_hash IS NOT NULL AS has_password,
               a.totp_confirmed_at IS NOT NULL AS has_second_factor, a.must_change_password, (
                   SELECT jsonb_agg(jsonb_build_object('name', r.name, 'unit_path', over.path,
                                                       'contest_id', r.contest_id) ORDER BY r.id)
                   FROM role r LEFT JOIN unit over ON over.id = r.unit_id
                   WHERE r.account_id = a.id AND r.ended_at IS NULL
               ) AS roles
        FROM session s
        JOIN account a ON a.id = s.account_id AND a.is_active
        JOIN person p ON p.id = a.person_id
        LEFT JOIN unit u ON u.id = p.unit_id
        WHERE s.token_hash = ANY($1::text[]) AND s.revoked_at IS NULL AND s.expires_at > $2
        """,
        token_hashes,
        now(),
    )
    return {row["token_hash"]: dict(row) for row in rows}


_SESSIONS = GroupReader(_read_sessions)


async def revoke_session(session_id: int, *, account_id: int) -> None:
    """Sign a browser out for good; another account's session is left alone. May run again."""
    await pool().execute(
        "UPDATE session SET revoked_at = $3 "
        "WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL",
        session_id,
        account_id,
        now(),
    )


async def revoke_sessions(
    connection: Connection, account_id: int, *, but: int | None = None
) -> None:
    """Sign all of an account's browsers out (`but` one), inside the caller's transaction."""
    await connection.execute(
        "UPDATE session SET revoked_at = $2 "
        "WHERE account_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $3",
        account_id,
        now(),
        but,
    )


async def sessions_of(account_id: int) -> list[SessionShown]:
    """List the browsers that are signed in, the one seen last first."""
    rows = await pool().fetch(
        "SELECT id, browser, created_at, seen_at, expires_at FROM session "
        "WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2 "
        "ORDER BY seen_at DESC, id DESC",
        account_id,
        now(),
    )
    return [SessionShown(**row) for row in rows]


async def _see(session_id: int, at: datetime) -> None:
    await pool().execute(
        "UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at < $2", session_id, at
    )


def token_hash(token: str) -> str:
    # The token has 256 random bits, so a plain hash cannot be turned back.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
