"""How much happens in each round, without a query on the way of those who take part?

Each web process counts in memory and adds its counts to `round_minute` every few seconds. A
process that is killed loses the counts of those seconds; they are for watching, not for results.
"""

from __future__ import annotations

from core import db
from core.metrics import Tally

WRITE_SECONDS = 3

START, SAVE, SUBMIT, REFUSAL = range(4)


class Activity:
    """The counts of one process since they were last written, by round."""

    def __init__(self) -> None:
        self._counts: dict[int, list[int]] = {}
        self.totals = [0, 0, 0, 0]  # since the process began

    def count(self, round_id: int, kind: int) -> None:
        counts = self._counts.get(round_id)
        if counts is None:
            counts = self._counts[round_id] = [0, 0, 0, 0]
        counts[kind] += 1
        self.totals[kind] += 1

    async def write(self) -> int:
        """Add what was counted to the present minute; returns how many rounds had something.

        While PostgreSQL is away the counts are kept for the next time.
        """
        if not self._counts:
            return 0
        taken, self._counts = self._counts, {}
        # In one order for all processes, so that two of them never wait for each other.
        round_ids = sorted(taken)
        try:
            await db.pool().execute(
                "INSERT INTO round_minute AS m (round_id, minute_at, start_count, save_count, "
                "submit_count, refusal_count) "
                "SELECT b.round_id, date_trunc('minute', clock_timestamp()), b.starts, b.saves, "
                "b.submits, b.refusals "
                "FROM unnest($1::bigint[], $2::int[], $3::int[], $4::int[], $5::int[]) "
                "  AS b (round_id, starts, saves, submits, refusals) "
                "ON CONFLICT (round_id, minute_at) DO UPDATE SET "
                "start_count = m.start_count + excluded.start_count, "
                "save_count = m.save_count + excluded.save_count, "
                "submit_count = m.submit_count + excluded.submit_count, "
                "refusal_count = m.refusal_count + excluded.refusal_count",
                round_ids,
                *([taken[round_id][kind] for round_id in round_ids] for kind in range(4)),
            )
        except Exception:
            self._put_back(taken)
            raise
        return len(round_ids)

    def _put_back(self, taken: dict[int, list[int]]) -> None:
        for round_id, counts in taken.items():
            newer = self._counts.get(round_id, [0, 0, 0, 0])
            self._counts[round_id] = [a + b for a, b in zip(counts, newer, strict=True)]


# One process, one tally, as with the figures for Prometheus.
ACTIVITY = Activity()
Tally(
    "attempt_events_total",
    "starts, saves, hand-ins and refusals of this process",
    "event",
    lambda: dict(zip(("start", "save", "submit", "refusal"), ACTIVITY.totals, strict=True)),
)
