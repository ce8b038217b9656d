"""How does a round run at this moment, told from counters and small indexes?

Nothing here counts the attempts of a round: who is inside comes from the partial index of open
attempts (attempt_deadline), what waits for a score from the table of these (unscored),
people from `participation`, and the minutes from `round_minute`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core import db
from people.units import SELECTABLE_KINDS

MINUTES_SHOWN = 30
MOST_SILENT_UNITS = 300

INSIDE = """
SELECT count(*) FILTER (WHERE deadline_at >= $2)::int AS inside,
       count(*) FILTER (WHERE deadline_at < $2)::int AS overdue
FROM attempt WHERE state = 'open' AND round_id = $1
"""
WAITING = """
SELECT count(*) FILTER (WHERE fault IS NULL)::int AS count,
       min(closed_at) FILTER (WHERE fault IS NULL) AS oldest,
       count(*) FILTER (WHERE fault IS NOT NULL)::int AS aside_count
FROM unscored WHERE round_id = $1
"""


@dataclass(frozen=True)
class Minute:
    """What happened in one minute; a minute without a row had nothing."""

    minute_at: datetime
    start_count: int = 0
    save_count: int = 0
    submit_count: int = 0
    refusal_count: int = 0


@dataclass(frozen=True)
class RoundNow:
    """`overdue_count` attempts have run out of time and wait to be closed."""

    inside_count: int
    overdue_count: int
    unscored_count: int
    unscorable_count: int  # put aside (quiz.unscorable)
    oldest_unscored_at: datetime | None
    minutes: Sequence[Minute]  # the oldest first, the last one still running


@dataclass(frozen=True)
class SilentUnit:
    """A unit from which nobody has a scored attempt in the round."""

    name: str
    headcount: int | None


async def round_now(round_id: int, *, at: datetime) -> RoundNow:
    connection = db.pool()
    [inside] = await connection.fetch(INSIDE, round_id, at)
    [waiting] = await connection.fetch(WAITING, round_id)
    first = at.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES_SHOWN - 1)
    rows = await connection.fetch(
        "SELECT minute_at, start_count, save_count, submit_count, refusal_count "
        "FROM round_minute WHERE round_id = $1 AND minute_at >= $2",
        round_id,
        first,
    )
    return RoundNow(
        inside_count=inside["inside"],
        overdue_count=inside["overdue"],
        unscored_count=waiting["count"],
        unscorable_count=waiting["aside_count"],
        oldest_unscored_at=waiting["oldest"],
        minutes=filled(first, [Minute(**row) for row in rows]),
    )


def filled(first: datetime, known: Sequence[Minute]) -> list[Minute]:
    """`MINUTES_SHOWN` minutes in a row, those without a row as nothing; pure."""
    by_minute = {each.minute_at: each for each in known}
    each_minute = (first + timedelta(minutes=number) for number in range(MINUTES_SHOWN))
    return [by_minute.get(minute, Minute(minute)) for minute in each_minute]


async def silent_units(round_id: int, unit_path: str, *, on: date) -> list[SilentUnit]:
    """Units of a contest without anybody, themselves and beneath, in the Vietnamese order."""
    rows = await db.pool().fetch(
        "WITH taking AS MATERIALIZED (SELECT DISTINCT u.path FROM participation n "
        "  JOIN unit u ON u.id = n.unit_id WHERE n.round_id = $1 AND n.people_count > 0) "
        "SELECT u.name, (SELECT h.people_count FROM headcount h WHERE h.unit_id = u.id "
        "  AND h.counted_on <= $3 ORDER BY h.counted_on DESC LIMIT 1) AS headcount "
        "FROM unit u WHERE starts_with(u.path, $2) AND u.kind = ANY($4::text[]) "
        "AND (u.valid_from IS NULL OR u.valid_from <= $3) "
        "AND (u.valid_to IS NULL OR u.valid_to >= $3) "
        "AND NOT EXISTS (SELECT FROM taking WHERE starts_with(taking.path, u.path)) "
        "ORDER BY u.sort_key, u.code LIMIT $5",
        round_id,
        unit_path,
        on,
        list(SELECTABLE_KINDS),
        MOST_SILENT_UNITS,
    )
    return [SilentUnit(**row) for row in rows]
