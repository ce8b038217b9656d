"""Does the database hold what people were told, once each, and do its counters add up?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from loadtest.faults.load import Journal
from loadtest.player import reconcile

SCORED_SECONDS = 30  # QR2

# Each counts rows that are there twice, or that nobody asked for.
DUPLICATES = {
    "attempts with the same number": """
        SELECT count(*) FROM (SELECT FROM attempt GROUP BY participant_id, round_id, number
                              HAVING count(*) > 1) x""",
    "attempts open beside another": """
        SELECT count(*) FROM (SELECT FROM attempt WHERE state = 'open'
                              GROUP BY participant_id, round_id HAVING count(*) > 1) x""",
    "receipts given twice": """
        SELECT count(*) FROM (SELECT FROM attempt WHERE receipt IS NOT NULL
                              GROUP BY receipt HAVING count(*) > 1) x""",
    "scores of one attempt": """
        SELECT count(*) FROM (SELECT FROM score GROUP BY attempt_id HAVING count(*) > 1) x""",
    "standings of one participant": """
        SELECT count(*) FROM (SELECT FROM standing GROUP BY round_id, participant_id
                              HAVING count(*) > 1) x""",
}
# Each counts where a counter differs from a count of the facts.
COUNTERS = {
    "scores missing or of open attempts": """
        SELECT count(*) FROM attempt a FULL JOIN score s ON s.attempt_id = a.id
        LEFT JOIN unscored u ON u.attempt_id = a.id
        WHERE (a.state <> 'open' AND u.id IS NULL) IS DISTINCT FROM (s.attempt_id IS NOT NULL)""",
    "standings' numbers of attempts": """
        SELECT count(*) FROM (SELECT a.round_id, a.participant_id, count(*) AS counted
                              FROM score s JOIN attempt a ON a.id = s.attempt_id GROUP BY 1, 2) a
        FULL JOIN standing s USING (round_id, participant_id)
        WHERE s.attempt_count IS DISTINCT FROM a.counted""",
    "tallies of scores": """
        SELECT count(*) FROM (SELECT a.round_id, a.division_id, s.correct_count, count(*) AS counted
                              FROM score s JOIN attempt a ON a.id = s.attempt_id
                              GROUP BY 1, 2, 3) c
        FULL JOIN (SELECT * FROM score_tally WHERE attempt_count <> 0) t
            USING (round_id, division_id, correct_count)
        WHERE t.attempt_count IS DISTINCT FROM c.counted""",
    "participation by the hour": """
        SELECT count(*) FROM (SELECT round_id, unit_id, division_id,
                                     date_trunc('hour', closed_at) AS hour_at, count(*) AS counted
                              FROM score s JOIN attempt a ON a.id = s.attempt_id
                              GROUP BY 1, 2, 3, 4) c
        FULL JOIN participation p USING (round_id, unit_id, division_id, hour_at)
        WHERE p.attempt_count IS DISTINCT FROM c.counted""",
    "people by round": """
        SELECT count(*) FROM (SELECT round_id, count(*) AS counted FROM standing GROUP BY 1) c
        FULL JOIN (SELECT round_id, sum(people_count) AS kept FROM participation GROUP BY 1) p
            USING (round_id)
        WHERE p.kept IS DISTINCT FROM c.counted""",
    "buckets of the board": """
        SELECT count(*) FROM (SELECT round_id, division_id, bucket, count(*) AS counted
                              FROM standing WHERE is_ranked GROUP BY 1, 2, 3) c
        FULL JOIN (SELECT * FROM standing_bucket WHERE people_count <> 0) b
            USING (round_id, division_id, bucket)
        WHERE b.people_count IS DISTINCT FROM c.counted""",
}
UNASKED = """
    SELECT count(*) FROM attempt WHERE started_at >= $1 AND id <> ALL($2::uuid[])"""
WAITING = "SELECT count(*) FROM unscored"


@dataclass
class Reckoning:
    """What a look at the database found; every sentence is a fault."""

    lost: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # an attempt that is gone answers 404
    duplicates: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.failed, *self.duplicates, *self.miscounted]


async def read_clock(database_url: str) -> datetime:
    """PostgreSQL's, at the beginning of a run: what starts later belongs to the run."""
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetchval("SELECT clock_timestamp()")  # type: ignore[no-any-return]  # one column of one row
    finally:
        await connection.close()


async def wait_scored(database_url: str, *, seconds: float = SCORED_SECONDS) -> float | None:
    """Seconds until nothing handed in waits for its score; None when something still does."""
    began = time.monotonic()
    connection = await asyncpg.connect(database_url)
    try:
        while await connection.fetchval(WAITING):
            if time.monotonic() - began > seconds:
                return None
            await asyncio.sleep(0.05)
    finally:
        await connection.close()
    return time.monotonic() - began


async def reckon(database_url: str, journal: Journal, since: datetime) -> Reckoning:
    """Everything acknowledged, looked up; everything kept, counted again."""
    found = Reckoning(lost=await reconcile(database_url, journal.players))
    found.failed = journal.book.failures
    connection = await asyncpg.connect(database_url)
    try:
        known = [each.attempt_id for each in journal.players if each.attempt_id is not None]
        unasked = await connection.fetchval(UNASKED, since, known)
        found.duplicates += _sentences({"attempts that nobody knows of": unasked})
        found.duplicates += _sentences(await _counted(connection, DUPLICATES))
        found.miscounted += _sentences(await _counted(connection, COUNTERS))
        waiting = await connection.fetchval(WAITING)
        found.miscounted += _sentences({"handed in and never scored": waiting})
    finally:
        await connection.close()
    return found


async def _counted(
    connection: asyncpg.Connection[asyncpg.Record], questions: dict[str, str]
) -> dict[str, int]:
    return {what: await connection.fetchval(sql) for what, sql in questions.items()}


def _sentences(counts: dict[str, int]) -> Iterable[str]:
    return [f"{what}: {count}" for what, count in counts.items() if count]
