"""How is the whole platform at this moment, told by queries that stay cheap in the worst hour?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import db
from quiz.monitor import Minute

MINUTES_SHOWN = 10
# Counting stops here: whether ten thousand or a million wait, the light is red.
MOST_COUNTED = 10_000

_NOW = """
SELECT clock_timestamp() AS at,
       NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS is_writable,
       (SELECT count(*)::int FROM (SELECT FROM attempt WHERE state = 'open' LIMIT $1) x) AS inside,
       (SELECT count(*)::int FROM (SELECT FROM unscored WHERE fault IS NULL LIMIT $1) x) AS unscored,
       (SELECT closed_at FROM unscored WHERE fault IS NULL ORDER BY id LIMIT 1) AS oldest,
       (SELECT count(*)::int FROM unscored WHERE fault IS NOT NULL) AS unscorable,
       (SELECT count(*)::int FROM attempt WHERE state = 'open'
            AND deadline_at < clock_timestamp() - interval '2 minutes') AS overdue,
       s.numbackends AS connections, s.xact_commit AS commits, s.xact_rollback AS rollbacks,
       s.deadlocks, current_setting('max_connections')::int AS most_connections
FROM pg_stat_database s WHERE s.datname = current_database()
"""
_MINUTES = """
SELECT minute_at, sum(start_count)::int AS start_count, sum(save_count)::int AS save_count,
       sum(submit_count)::int AS submit_count, sum(refusal_count)::int AS refusal_count
FROM round_minute
WHERE round_id IN (SELECT id FROM round WHERE opens_at < $1 AND closes_at > $2::timestamptz - interval '1 hour')
  AND minute_at >= $2
GROUP BY minute_at
"""


@dataclass(frozen=True)
class PlatformNow:
    """Counts are exact up to `MOST_COUNTED`; `connections` are those of this database."""

    at: datetime
    is_writable: bool
    inside: int
    unscored: int
    unscorable: int  # put aside (quiz.unscorable)
    oldest: datetime | None  # when the attempt that has waited longest for a score was closed
    overdue: int  # attempts that should have been closed by now
    connections: int
    most_connections: int
    commits: int
    rollbacks: int
    deadlocks: int

    @property
    def scoring_lag_seconds(self) -> float:
        return max(0.0, (self.at - self.oldest).total_seconds()) if self.oldest else 0.0


async def platform_now() -> PlatformNow:
    row = await db.pool().fetchrow(_NOW, MOST_COUNTED)
    assert row is not None
    return PlatformNow(**row)


async def last_minutes(at: datetime) -> Sequence[Minute]:
    """The last minutes of all running rounds together, the newest first."""
    first = at.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES_SHOWN - 1)
    rows = await db.pool().fetch(_MINUTES, at, first)
    known = {row["minute_at"]: Minute(**row) for row in rows}
    each = (first + timedelta(minutes=number) for number in reversed(range(MINUTES_SHOWN)))
    return [known.get(minute, Minute(minute)) for minute in each]


async def is_writable() -> bool:
    """Whether PostgreSQL takes writes: a replica or a server in recovery does not."""
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # one column of one row
        "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'"
    )
