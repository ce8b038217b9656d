"""Which units are there, under which names do people look for them, and how big are they?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from core.clock import local_day, now
from core.db import pool
from core.errors import Refusal
from core.text import clean, fold

# What a person may name as the own unit; provinces are too wide and districts ended in 2025.
SELECTABLE_KINDS = ("commune", "department", "agency", "school")
# More matches than anybody reads, fewer than would cost anything to rank.
MATCH_LIMIT = 1000
_UNITS = """
    SELECT u.id, u.code, u.name, u.kind, u.block, u.path, u.sort_key,
           coalesce(parent.name, '') AS parent_name
    FROM unit u LEFT JOIN unit parent ON parent.id = u.parent_id
"""
_HOLDS = """
    (u.valid_from IS NULL OR u.valid_from <= $1) AND (u.valid_to IS NULL OR u.valid_to >= $1)
"""


@dataclass(frozen=True)
class UnitFound:
    """A unit as lists and forms show it."""

    id: int
    code: str
    name: str
    kind: str
    block: str
    path: str
    parent_name: str


async def find_units(
    text: str, *, within_code: str | None = None, limit: int = 20, on: date | None = None
) -> list[UnitFound]:
    """Find units by any part of a present, former or other name, with or without marks.

    Words match from their beginning ("muong t" finds Mường Tè). A unit that has ended is
    answered by its successors. Names with the very marks that were typed come first, then whole
    words, then the Vietnamese order.
    """
    key = fold(text)
    if not key:
        return []
    rows = await pool().fetch(
        f"""
        WITH RECURSIVE named AS (
            SELECT id AS unit_id, name, name_key FROM unit
            UNION ALL
            SELECT unit_id, name, name_key FROM unit_alias
        ), resolved AS (
            SELECT unit_id, name AS matched FROM named
            WHERE position(' ' || $2::text IN ' ' || name_key) > 0
            UNION
            SELECT s.successor_id, r.matched
            FROM resolved r
            JOIN unit ended ON ended.id = r.unit_id AND ended.valid_to < $1
            JOIN unit_succession s ON s.predecessor_id = ended.id
        )
        SELECT shown.*, resolved.matched
        FROM resolved
        JOIN ({_UNITS} WHERE {_HOLDS} AND u.kind = ANY($3)) shown ON shown.id = resolved.unit_id
        WHERE $4::text IS NULL OR shown.path LIKE (SELECT path FROM unit WHERE code = $4) || '%'
        ORDER BY shown.sort_key, shown.code
        LIMIT {MATCH_LIMIT}
        """,  # noqa: S608 — only this module's own constants are put in
        on or local_day(now()),
        key,
        list(SELECTABLE_KINDS),
        within_code,
    )
    ranked = sorted(rows, key=lambda row: _distance(text, key, row["matched"]))
    found = dict.fromkeys(_shown(row) for row in ranked)
    return list(found)[:limit]


async def get_unit(code: str) -> UnitFound:
    """Return the unit with this code, whatever its dates; refuse an unknown one."""
    row = await pool().fetchrow(
        f"{_UNITS} WHERE u.code = $1",
        code,
    )
    if row is None:
        raise unknown_unit(code)
    return _shown(row)


async def find_selectable_unit(code: str, *, on: date | None = None) -> UnitFound | None:
    """Return the unit with this code if a person may name it as the own one that day."""
    row = await pool().fetchrow(
        f"{_UNITS} WHERE {_HOLDS} AND u.code = $2 AND u.kind = ANY($3)",
        on or local_day(now()),
        code,
        list(SELECTABLE_KINDS),
    )
    return _shown(row) if row else None


async def selectable_units(*, on: date) -> list[UnitFound]:
    """List every unit that a person may name as the own one, in the Vietnamese order."""
    rows = await pool().fetch(
        f"{_UNITS} WHERE {_HOLDS} AND u.kind = ANY($2) ORDER BY u.sort_key, u.code",
        on,
        list(SELECTABLE_KINDS),
    )
    return [_shown(row) for row in rows]


async def units_beneath(paths: Sequence[str], *, on: date) -> list[UnitFound]:
    """List what a contest may be for: units of that day beneath `paths`, themselves too, no schools."""
    rows = await pool().fetch(
        f"{_UNITS} WHERE {_HOLDS} AND u.kind <> 'school' "
        "AND EXISTS (SELECT FROM unnest($2::text[]) top WHERE u.path LIKE top || '%') "
        "ORDER BY u.kind <> 'province', u.sort_key, u.code",
        on,
        list(paths),
    )
    return [_shown(row) for row in rows]


async def subtree_ids(unit_id: int) -> list[int]:
    """List the unit and every unit beneath it, ended ones too."""
    rows = await pool().fetch(
        "SELECT id FROM unit WHERE path LIKE (SELECT path FROM unit WHERE id = $1) || '%' "
        "ORDER BY id",
        unit_id,
    )
    return [row["id"] for row in rows]


async def headcounts(unit_ids: Sequence[int], *, on: date) -> dict[int, int]:
    """Return the latest count on or before a day by unit; a unit never counted is absent."""
    rows = await pool().fetch(
        """
        SELECT DISTINCT ON (unit_id) unit_id, people_count FROM headcount
        WHERE unit_id = ANY($1) AND counted_on <= $2
        ORDER BY unit_id, counted_on DESC
        """,
        list(unit_ids),
        on,
    )
    return {row["unit_id"]: row["people_count"] for row in rows}


def _distance(typed: str, key: str, matched: str) -> tuple[bool, bool]:
    has_typed_marks = clean(typed).lower() in clean(matched).lower()
    is_whole_words = f" {key} " in f" {fold(matched)} "
    return (not has_typed_marks, not is_whole_words)


def _shown(row: asyncpg.Record) -> UnitFound:
    return UnitFound(**{name: row[name] for name in UnitFound.__dataclass_fields__})


def unknown_unit(code: str) -> Refusal:
    return Refusal("unknown_unit", f"Không có đơn vị mang mã {code}.")
