"""Who plays in a rehearsal? Invented people whom nobody can be, and who are gone without a trace afterwards.

They belong to a unit outside the tree whose days are long past: no list, count or search of real
units and people reaches it, and nobody can name it as their own. Their numbers begin with +840,
which no telephone has, so no message can ever be sent to one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from core.clock import now
from core.db import Connection
from people.sessions import TOKEN_BYTES, token_hash

UNIT_CODE = "DIEN-TAP"
SIGNED_IN_FOR = timedelta(hours=2)
MOST_INVENTED = 99_999
_LONG_PAST = date(1900, 1, 1)
_NAME = "Người diễn tập"
_THEIRS = (
    "(SELECT p.id FROM person p JOIN unit u ON u.id = p.unit_id "
    "WHERE u.code = $1 AND u.valid_to = $2)"
)
_REMOVED = (
    f"DELETE FROM consent WHERE person_id IN {_THEIRS}",  # noqa: S608 — this module's own words
    f"DELETE FROM session s USING account a WHERE a.id = s.account_id AND a.person_id IN {_THEIRS}",  # noqa: S608 — as above
    f"DELETE FROM account WHERE person_id IN {_THEIRS}",  # noqa: S608 — as above
    f"DELETE FROM person WHERE id IN {_THEIRS}",  # noqa: S608 — as above
    "DELETE FROM unit WHERE code = $1 AND valid_to = $2",
)


@dataclass(frozen=True)
class Invented:
    """Their unit, telephone numbers and session tokens, in one order."""

    unit_id: int
    phones: Sequence[str]
    tokens: Sequence[str]


async def invent_people(
    connection: Connection, count: int, division_codes: Sequence[str]
) -> Invented:
    """Add so many signed-in people, taking turns in the divisions, inside the caller's transaction."""
    unit_id = await connection.fetchval(
        "INSERT INTO unit (code, name, name_key, sort_key, kind, block, path, valid_from, valid_to) "
        "VALUES ($1, 'Diễn tập', 'dien tap', 'dien tap', 'district', '', '', $2, $2) RETURNING id",
        UNIT_CODE,
        _LONG_PAST,
    )
    await connection.execute("UPDATE unit SET path = '/' || id || '/' WHERE id = $1", unit_id)
    persons = await connection.fetch(
        "INSERT INTO person (full_name, name_key, sort_key, birth_year, unit_id, division_code, "
        "created_at) SELECT $2, 'nguoi dien tap', 'nguoi dien tap', NULL, $1, "
        "($4::text[])[1 + n % cardinality($4::text[])], $5 FROM generate_series(0, $3 - 1) n "
        "RETURNING id",
        unit_id,
        _NAME,
        count,
        list(division_codes),
        now(),
    )
    phones = [f"+840{number:08d}" for number in range(count)]
    accounts = await connection.fetch(
        "INSERT INTO account (person_id, phone, is_active, failed_count, created_at) "
        "SELECT id, phone, true, 0, $3 FROM unnest($1::bigint[], $2::text[]) AS b (id, phone) "
        "RETURNING id",
        [row["id"] for row in persons],
        phones,
        now(),
    )
    tokens = [secrets.token_urlsafe(TOKEN_BYTES) for _ in accounts]
    await connection.execute(
        "INSERT INTO session (token_hash, account_id, browser, created_at, seen_at, expires_at) "
        "SELECT hash, id, 'diễn tập', $3, $3, $4 FROM unnest($1::bigint[], $2::text[]) AS b (id, hash)",
        [row["id"] for row in accounts],
        [token_hash(token) for token in tokens],
        now(),
        now() + SIGNED_IN_FOR,
    )
    return Invented(unit_id, phones, tokens)


async def remove_invented(connection: Connection) -> None:
    """Remove whoever was invented, with all that refers to them; what they played goes before."""
    for statement in _REMOVED:
        await connection.execute(statement, UNIT_CODE, _LONG_PAST)
