"""Who holds which role, for those who grant and end them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.db import pool
from core.errors import Refusal
from core.text import fold, phone_e164

MOST_SHOWN = 200


@dataclass(frozen=True)
class RoleOver:
    """A role that is held now, and over what."""

    id: int
    name: str
    unit_name: str | None
    unit_path: str | None
    contest_id: int | None
    granted_at: datetime
    granted_by: str | None


@dataclass(frozen=True)
class Holder:
    """An account with the roles that it holds now; pages mask the telephone number."""

    account_id: int
    person_id: int
    full_name: str
    username: str | None
    phone: str | None
    unit_name: str | None
    unit_path: str | None
    is_active: bool
    has_second_factor: bool
    roles: tuple[RoleOver, ...]


_HOLDERS = """
SELECT a.id AS account_id, p.id AS person_id, p.full_name, a.username, a.phone, a.is_active,
       own.name AS unit_name, own.path AS unit_path,
       a.totp_confirmed_at IS NOT NULL AS has_second_factor,
       (SELECT jsonb_agg(jsonb_build_object(
                   'id', r.id, 'name', r.name, 'unit_name', u.name, 'unit_path', u.path,
                   'contest_id', r.contest_id, 'granted_at', r.granted_at,
                   'granted_by', granter.full_name) ORDER BY r.id)
        FROM role r LEFT JOIN unit u ON u.id = r.unit_id
        LEFT JOIN account ga ON ga.id = r.granted_by_id
        LEFT JOIN person granter ON granter.id = ga.person_id
        WHERE r.account_id = a.id AND r.ended_at IS NULL) AS roles
FROM account a JOIN person p ON p.id = a.person_id LEFT JOIN unit own ON own.id = p.unit_id
"""


async def find_holders(
    *,
    paths: Sequence[str],
    contest_ids: Sequence[int],
    text: str = "",
    role: str = "",
    limit: int = MOST_SHOWN,
) -> list[Holder]:
    """List accounts with a role over these units or contests; with `text` also those without one.

    The text is part of a name without marks, of a unit's name, a whole username or telephone
    number. Accounts without a role are found only among the people of these units, or when they
    belong to none.
    """
    key = fold(text)
    rows = await pool().fetch(
        f"""
        {_HOLDERS}
        WHERE a.is_active
          AND (EXISTS (
                SELECT FROM role r LEFT JOIN unit u ON u.id = r.unit_id
                WHERE r.account_id = a.id AND r.ended_at IS NULL AND ($4 = '' OR r.name = $4)
                  AND (r.contest_id = ANY($2) OR EXISTS (
                        SELECT FROM unnest($1::text[]) top WHERE starts_with(u.path, top))))
            OR ($3 <> '' AND $4 = '' AND (own.path IS NULL OR EXISTS (
                        SELECT FROM unnest($1::text[]) top WHERE starts_with(own.path, top)))))
          AND ($3 = '' OR position(' ' || $3 IN ' ' || p.name_key) > 0 OR a.username = lower($5)
               OR a.phone = $6 OR position(' ' || $3 IN ' ' || own.name_key) > 0)
        ORDER BY p.sort_key, a.id
        LIMIT $7
        """,  # noqa: S608 — only this module's own column list is put in
        list(paths),
        list(contest_ids),
        key,
        role,
        text.strip(),
        phone_e164(text),
        limit,
    )
    return [_holder(dict(row)) for row in rows]


async def get_holder(account_id: int) -> Holder:
    row = await pool().fetchrow(f"{_HOLDERS} WHERE a.id = $1", account_id)
    if row is None:
        raise Refusal("not_found", "Không tìm thấy tài khoản này.")
    return _holder(dict(row))


def _holder(row: Mapping[str, Any]) -> Holder:
    found = dict(row)
    roles = tuple(
        RoleOver(**{**each, "granted_at": datetime.fromisoformat(each["granted_at"])})
        for each in found.pop("roles") or ()
    )
    return Holder(**found, roles=roles)
