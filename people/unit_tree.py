"""What does the tree of units look like, from where somebody's role reaches down?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from core.db import pool
from people.units import find_units, headcounts

# More than a province has; what a search matches beyond this is no search.
MOST_FOUND = 500


@dataclass
class UnitNode:
    """A unit with its people and everything beneath it; `merged_from` names its predecessors."""

    id: int
    code: str
    name: str
    headcount: int | None
    person_count: int
    valid_from: date | None
    merged_from: Sequence[str]
    children: list[UnitNode] = field(default_factory=list)


async def unit_tree(paths: Sequence[str], *, on: date, text: str = "") -> list[UnitNode]:
    """The units of that day beneath `paths`; with `text` only those found and what leads to them."""
    rows = await pool().fetch(
        """
        SELECT u.id, u.parent_id, u.path, u.code, u.name, u.valid_from,
               (SELECT count(*)::int FROM person p
                WHERE p.unit_id = u.id AND p.erased_at IS NULL) AS person_count,
               ARRAY(SELECT former.name FROM unit_succession s
                     JOIN unit former ON former.id = s.predecessor_id
                     WHERE s.successor_id = u.id ORDER BY former.sort_key) AS merged_from
        FROM unit u
        WHERE EXISTS (SELECT FROM unnest($1::text[]) top WHERE u.path LIKE top || '%')
          AND (u.valid_from IS NULL OR u.valid_from <= $2)
          AND (u.valid_to IS NULL OR u.valid_to >= $2)
        ORDER BY u.sort_key, u.code
        """,
        list(paths),
        on,
    )
    if text:
        found = await find_units(text, limit=MOST_FOUND, on=on)
        wanted = {int(step) for each in found for step in each.path.strip("/").split("/")}
        rows = [row for row in rows if row["id"] in wanted]
    counted = await headcounts([row["id"] for row in rows], on=on)
    nodes = {
        row["id"]: UnitNode(
            id=row["id"],
            code=row["code"],
            name=row["name"],
            headcount=counted.get(row["id"]),
            person_count=row["person_count"],
            valid_from=row["valid_from"],
            merged_from=row["merged_from"],
        )
        for row in rows
    }
    tops: list[UnitNode] = []
    for row in rows:
        siblings = nodes[row["parent_id"]].children if row["parent_id"] in nodes else tops
        siblings.append(nodes[row["id"]])
    return tops


@dataclass(frozen=True)
class EndedUnit:
    """A unit of the past and who took over from it."""

    code: str
    name: str
    ended_on: date
    person_count: int
    successors: Sequence[str]


async def ended_units(paths: Sequence[str], *, on: date) -> list[EndedUnit]:
    """The units beneath `paths` whose last day is past, the latest first."""
    rows = await pool().fetch(
        """
        SELECT u.code, u.name, u.valid_to AS ended_on,
               (SELECT count(*)::int FROM person p
                WHERE p.unit_id = u.id AND p.erased_at IS NULL) AS person_count,
               ARRAY(SELECT later.name FROM unit_succession s
                     JOIN unit later ON later.id = s.successor_id
                     WHERE s.predecessor_id = u.id ORDER BY later.sort_key) AS successors
        FROM unit u
        WHERE EXISTS (SELECT FROM unnest($1::text[]) top WHERE u.path LIKE top || '%')
          AND u.valid_to < $2
        ORDER BY u.valid_to DESC, u.sort_key, u.code LIMIT $3
        """,
        list(paths),
        on,
        MOST_FOUND,
    )
    return [EndedUnit(**row) for row in rows]


def size(nodes: Sequence[UnitNode]) -> int:
    return sum(1 + size(node.children) for node in nodes)
