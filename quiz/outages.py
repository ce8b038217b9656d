"""When was the platform away, and which rounds were open meanwhile?

While any web process lives and PostgreSQL takes writes, the present stretch of service grows by the
second. After a silence the next beat begins a new stretch, so an outage is the gap between two; it
takes no clock but PostgreSQL's, and nobody has to be there to notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import db

# A stretch is written this often at most, however many processes beat …
WRITE_SECONDS = 4
# … and a silence that is longer than a restart was felt by people.
SHORTEST_OUTAGE_SECONDS = 30
SHOWN_FOR = timedelta(days=2)

# Two that come back at once begin two stretches; there is no gap between these.
_BEAT = """
WITH last AS (SELECT id, seen_at, clock_timestamp() - seen_at AS silence FROM service_span
              ORDER BY id DESC LIMIT 1),
grown AS (
    UPDATE service_span s SET seen_at = clock_timestamp() FROM last
    WHERE s.id = last.id AND last.silence BETWEEN $1::interval AND $2::interval
)
INSERT INTO service_span (began_at, seen_at)
SELECT at, at FROM (SELECT clock_timestamp() AS at) now
WHERE NOT EXISTS (SELECT FROM last WHERE silence <= $2::interval)
"""
_OUTAGES = """
WITH gap AS (
    SELECT lag(seen_at) OVER (ORDER BY id) AS began_at, began_at AS ended_at
    FROM service_span WHERE seen_at > $1
)
SELECT g.began_at, g.ended_at, c.slug AS contest_slug, c.name AS contest_name,
       r.number AS round_number, r.name AS round_name, r.closes_at,
       EXISTS (SELECT FROM extension e WHERE e.round_id = r.id AND e.unit_id IS NULL
               AND e.participant_id IS NULL AND e.created_at > g.ended_at) AS is_extended
FROM gap g
JOIN round r ON r.opens_at < g.ended_at AND r.closes_at > g.began_at AND r.result <> 'final'
JOIN contest c ON c.id = r.contest_id AND c.state = ANY('{approved,final}')
WHERE g.ended_at - g.began_at > $2::interval
ORDER BY g.ended_at DESC, r.id LIMIT 20
"""


@dataclass(frozen=True)
class Outage:
    """A silence during a round; `is_extended`: everybody has been granted time since."""

    began_at: datetime
    ended_at: datetime
    contest_slug: str
    contest_name: str
    round_number: int
    round_name: str
    closes_at: datetime
    is_extended: bool

    @property
    def minutes(self) -> int:
        """What would make up for it: whole minutes, never too few."""
        return -(-(self.ended_at - self.began_at) // timedelta(minutes=1))


async def beat() -> None:
    """Say that the platform can write; any number of processes may, as often as they like."""
    await db.pool().execute(
        _BEAT, timedelta(seconds=WRITE_SECONDS), timedelta(seconds=SHORTEST_OUTAGE_SECONDS)
    )


async def recent_outages(at: datetime) -> list[Outage]:
    """Those of the last days that touched a round without a final result, the newest first."""
    rows = await db.pool().fetch(
        _OUTAGES, at - SHOWN_FOR, timedelta(seconds=SHORTEST_OUTAGE_SECONDS)
    )
    return [Outage(**row) for row in rows]
