"""What does a blueprint look like as a table of topics and difficulties, beside what the bank has?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.db import pool
from quiz.blueprints import Expectation, expect
from quiz.contests import ContestShown, RoundShown
from quiz.pools import PoolLine
from quiz.questions import DIFFICULTIES, available_counts, topics_of

# Statistics keep facilities in hundredths.
_FACILITIES = """
SELECT t.code AS topic, v.difficulty, avg((s.content->>'facility')::float8) / 100 AS facility
FROM question_statistic s
JOIN question_version v ON v.id = s.question_version_id
JOIN topic t ON t.id = v.topic_id
WHERE t.bank_id = $1 AND jsonb_typeof(s.content->'facility') = 'number'
GROUP BY t.code, v.difficulty
"""


@dataclass(frozen=True)
class GridCell:
    difficulty: str
    wanted_count: int
    available_count: int  # approved and in force on every day of the round

    @property
    def is_short(self) -> bool:
        return self.wanted_count > self.available_count


@dataclass(frozen=True)
class GridRow:
    topic: str
    topic_name: str
    cells: tuple[GridCell, ...]


@dataclass(frozen=True)
class Grid:
    """One round's blueprint, for all divisions or for one that has its own paper."""

    rows: tuple[GridRow, ...]
    question_count: int
    expectation: Expectation | None


async def grid_of(contest: ContestShown, each: RoundShown, division_id: int | None) -> Grid:
    since, through = each.days
    available = await available_counts(contest.bank_id, on=since, through=through)
    lines = await lines_of(each.id, division_id)
    wanted = {(line.topic, line.difficulty): line.question_count for line in lines}
    topics = await topics_of(contest.bank_id)
    rows = tuple(_row(topic, name, wanted, available) for topic, name in topics.items())
    return Grid(
        rows=tuple(row for row in rows if any(_is_of_use(cell) for cell in row.cells)),
        question_count=sum(wanted.values()),
        expectation=expect(lines, await facilities(contest.bank_id)),
    )


async def lines_of(round_id: int, division_id: int | None) -> list[PoolLine]:
    rows = await pool().fetch(
        "SELECT t.code AS topic, b.difficulty, b.question_count FROM blueprint_line b "
        "JOIN topic t ON t.id = b.topic_id "
        "WHERE b.round_id = $1 AND b.division_id IS NOT DISTINCT FROM $2 "
        "ORDER BY t.code, b.difficulty",
        round_id,
        division_id,
    )
    return [PoolLine(**row) for row in rows]


async def facilities(bank_id: int) -> dict[tuple[str, str], float]:
    """The mean facility by topic and difficulty of what earlier contests asked of this bank."""
    rows = await pool().fetch(_FACILITIES, bank_id)
    return {(row["topic"], row["difficulty"]): row["facility"] for row in rows}


def _row(
    topic: str,
    name: str,
    wanted: Mapping[tuple[str, str], int],
    available: Mapping[tuple[str, str], int],
) -> GridRow:
    return GridRow(
        topic,
        name,
        tuple(
            GridCell(each, wanted.get((topic, each), 0), available.get((topic, each), 0))
            for each in DIFFICULTIES
        ),
    )


def _is_of_use(cell: GridCell) -> bool:
    return bool(cell.wanted_count or cell.available_count)
