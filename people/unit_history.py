"""What has become of one unit: its counts, its names, who took over, and where its people went?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core.db import pool, transaction
from core.errors import Refusal
from core.text import clean, fold
from people.audit import record
from people.unit_writing import LONGEST_NAME, write_aliases
from people.units import unknown_unit


@dataclass(frozen=True)
class HeadcountShown:
    """How many people the unit had on a day, and who says so."""

    counted_on: date
    people_count: int
    source: str


@dataclass(frozen=True)
class UnitShown:
    """One unit with its past: predecessors and successors as (code, name)."""

    id: int
    code: str
    name: str
    path: str
    valid_from: date | None
    valid_to: date | None
    parent_name: str | None
    aliases: Sequence[str]
    predecessors: Sequence[tuple[str, str]]
    successors: Sequence[tuple[str, str]]
    person_count: int
    headcounts: Sequence[HeadcountShown]


async def get_unit_shown(code: str) -> UnitShown:
    row = await pool().fetchrow(
        """
        SELECT u.id, u.code, u.name, u.path, u.valid_from, u.valid_to, parent.name AS parent_name,
               ARRAY(SELECT a.name FROM unit_alias a WHERE a.unit_id = u.id ORDER BY a.id)
                   AS aliases,
               (SELECT jsonb_agg(jsonb_build_array(o.code, o.name) ORDER BY o.sort_key)
                FROM unit_succession s JOIN unit o ON o.id = s.predecessor_id
                WHERE s.successor_id = u.id) AS predecessors,
               (SELECT jsonb_agg(jsonb_build_array(o.code, o.name) ORDER BY o.sort_key)
                FROM unit_succession s JOIN unit o ON o.id = s.successor_id
                WHERE s.predecessor_id = u.id) AS successors,
               (SELECT count(*)::int FROM person p WHERE p.unit_id = u.id
                AND p.erased_at IS NULL AND p.merged_into_id IS NULL) AS person_count
        FROM unit u LEFT JOIN unit parent ON parent.id = u.parent_id
        WHERE u.code = $1
        """,
        code,
    )
    if row is None:
        raise unknown_unit(code)
    counts = await pool().fetch(
        "SELECT counted_on, people_count, source FROM headcount WHERE unit_id = $1 "
        "ORDER BY counted_on DESC",
        row["id"],
    )
    found = dict(row)
    for side in ("predecessors", "successors"):
        found[side] = tuple((each[0], each[1]) for each in found[side] or ())
    return UnitShown(**found, headcounts=tuple(HeadcountShown(**each) for each in counts))


async def add_alias(unit_id: int, name: str, *, by: int) -> None:
    """Let people find the unit by one more name; a name that is there changes nothing."""
    if not fold(name) or len(clean(name)) > LONGEST_NAME:
        sentence = f"Tên khác có từ 1 đến {LONGEST_NAME} ký tự."
        raise Refusal("bad_unit", sentence, fields={"ten_khac": sentence})
    async with transaction() as connection:
        await write_aliases(connection, unit_id, [name])
        await record(
            connection,
            by=by,
            action="add_unit_alias",
            subject=f"unit:{unit_id}",
            detail={"name": clean(name)},
        )


async def move_persons(from_unit_id: int, to_code: str, *, by: int) -> int:
    """Let everybody of an ended unit belong to one of its successors; return how many moved.

    What was played stays with the unit of that day: entries and attempts have a copy of their own.
    """
    async with transaction() as connection:
        to_id = await connection.fetchval(
            "SELECT u.id FROM unit_succession s JOIN unit u ON u.id = s.successor_id "
            "WHERE s.predecessor_id = $1 AND u.code = $2",
            from_unit_id,
            to_code,
        )
        if to_id is None:
            sentence = "Hãy chọn một trong các đơn vị kế thừa."
            raise Refusal("unknown_unit", sentence, fields={"den": sentence})
        moved = await connection.fetch(
            "UPDATE person SET unit_id = $2 WHERE unit_id = $1 RETURNING id", from_unit_id, to_id
        )
        await record(
            connection,
            by=by,
            action="move_persons",
            subject=f"unit:{from_unit_id}",
            detail={"to": to_id, "people": len(moved)},
        )
    return len(moved)
