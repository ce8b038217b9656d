"""Which public figures does a round have: people and attempts by division and hour, and scores?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import db

# Fewer people than this are not told apart in public (features.md S10).
SMALLEST_GROUP = 5


@dataclass(frozen=True)
class DivisionFigures:
    division_id: int
    name: str
    people_count: int
    attempt_count: int


@dataclass(frozen=True)
class HourFigures:
    hour_at: datetime
    people_count: int
    attempt_count: int


@dataclass(frozen=True)
class ScoreFigures:
    correct_count: int
    attempt_count: int


@dataclass(frozen=True)
class RoundFigures:
    """Everything that the public statistics page of a round shows."""

    people_count: int
    attempt_count: int
    all_correct_count: int  # attempts
    divisions: Sequence[DivisionFigures]
    hours: Sequence[HourFigures]
    scores: Sequence[ScoreFigures]


async def round_figures(round_id: int, question_count: int) -> RoundFigures:
    connection = db.reading_pool()
    divisions = [
        DivisionFigures(**row)
        for row in await connection.fetch(
            "SELECT n.division_id, d.name, sum(n.people_count)::int AS people_count, "
            "sum(n.attempt_count)::int AS attempt_count FROM participation n "
            "JOIN division d ON d.id = n.division_id WHERE n.round_id = $1 "
            "GROUP BY n.division_id, d.name, d.position ORDER BY d.position",
            round_id,
        )
    ]
    hours = [
        HourFigures(**row)
        for row in await connection.fetch(
            "SELECT hour_at, sum(people_count)::int AS people_count, "
            "sum(attempt_count)::int AS attempt_count FROM participation "
            "WHERE round_id = $1 GROUP BY hour_at ORDER BY hour_at",
            round_id,
        )
    ]
    scores = [
        ScoreFigures(**row)
        for row in await connection.fetch(
            "SELECT correct_count, sum(attempt_count)::int AS attempt_count FROM score_tally "
            "WHERE round_id = $1 GROUP BY correct_count ORDER BY correct_count",
            round_id,
        )
    ]
    return RoundFigures(
        people_count=sum(division.people_count for division in divisions),
        attempt_count=sum(division.attempt_count for division in divisions),
        all_correct_count=sum(
            score.attempt_count for score in scores if score.correct_count == question_count
        ),
        divisions=divisions,
        hours=hours,
        scores=scores,
    )


def is_small(people_count: int) -> bool:
    return 0 < people_count < SMALLEST_GROUP
