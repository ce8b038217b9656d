"""How do thousands of invented people come into the tables in a few statements?

The same rows that sign-up writes one by one; set-based, because nobody waits half an hour for a
demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from core.db import Connection
from core.text import fold, name_sort_key
from people.consents import MESSAGES, TAKE_PART

# 050, 051 and 053 are the prefixes of no operator: the form is valid, the telephone is nobody's.
PAST_PHONES = 84_500_000_000
CROWD_PHONES = 84_510_000_000
PHONES_A_RANGE = 10_000_000


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody who signs up, agrees to take part and perhaps to be sent messages."""

    full_name: str
    birth_year: int
    phone: str  # E.164
    unit_id: int
    division_code: str
    wants_messages: bool
    signed_up_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """The ids that a citizen got."""

    person_id: int
    account_id: int


async def write_citizens(connection: Connection, citizens: Sequence[Citizen]) -> list[Written]:
    """Add people with their accounts and consents inside the caller's transaction, in their order.

    The texts of consent must have been published.
    """
    person_ids = await _reserve_ids(connection, "person", len(citizens))
    account_ids = await _reserve_ids(connection, "account", len(citizens))
    await connection.copy_records_to_table(
        "person",
        records=[
            (
                person_id,
                citizen.full_name,
                *_name_keys(citizen.full_name),
                citizen.birth_year,
                citizen.unit_id,
                citizen.division_code,
                citizen.signed_up_at,
            )
            for person_id, citizen in zip(person_ids, citizens, strict=True)
        ],
        columns=[
            "id", "full_name", "name_key", "sort_key", "birth_year", "unit_id", "division_code",
            "created_at",
        ],
    )  # fmt: skip
    await connection.copy_records_to_table(
        "account",
        records=[
            (account_id, person_id, citizen.phone, True, 0, citizen.signed_up_at)
            for account_id, person_id, citizen in zip(
                account_ids, person_ids, citizens, strict=True
            )
        ],
        columns=["id", "person_id", "phone", "is_active", "failed_count", "created_at"],
    )
    await _write_consents(connection, person_ids, citizens)
    return [
        Written(person_id, account_id)
        for person_id, account_id in zip(person_ids, account_ids, strict=True)
    ]


async def _write_consents(
    connection: Connection, person_ids: Sequence[int], citizens: Sequence[Citizen]
) -> None:
    texts = {
        row["purpose"]: row["id"]
        for row in await connection.fetch(
            "SELECT DISTINCT ON (purpose) purpose, id FROM consent_text "
            "ORDER BY purpose, version DESC"
        )
    }
    await connection.copy_records_to_table(
        "consent",
        records=[
            (person_id, texts[purpose], True, citizen.signed_up_at)
            for person_id, citizen in zip(person_ids, citizens, strict=True)
            for purpose in ([TAKE_PART, MESSAGES] if citizen.wants_messages else [TAKE_PART])
        ],
        columns=["person_id", "text_id", "is_given", "recorded_at"],
    )


async def _reserve_ids(connection: Connection, table: str, count: int) -> list[int]:
    rows = await connection.fetch(
        "SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2)",
        table,
        count,
    )
    return [row["id"] for row in rows]


@cache  # a crowd shares a few thousand names, and the keys cost more than the rows
def _name_keys(full_name: str) -> tuple[str, str]:
    return fold(full_name)[:120], name_sort_key(full_name)
