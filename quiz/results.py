"""How do closed attempts become scores, standings and counters, each exactly once?

An attempt that cannot be scored stops its whole batch: the batch is scored in halves, down to the
one that still fails alone, and that one is put aside (quiz.unscorable).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core import db
from core.db import Connection
from core.groupcommit import is_outage
from core.metrics import SCORED
from core.queue import enqueue
from quiz.frozen import marker_of
from quiz.marking import Marker
from quiz.standings import (
    ROUND_LOCK,
    Closed,
    RoundRules,
    Standing,
    StandingId,
    closed_of,
    count_buckets,
    find_excluded,
    find_standings,
    fold,
    rules_of_rounds,
    write_standings,
)
from quiz.unscorable import DATA_FAULTS, put_aside

BATCH = 2_000
# Before looking again: a batch of two costs as much as one of twenty.
GATHER_SECONDS = 0.1
SLICE_SECONDS = 60.0  # of one job, which must end before the worker's limit; the sweep goes on

# By the numbers in which they were closed: whoever handed in first has a score first.
_NEXT = "FROM unscored WHERE fault IS NULL AND round_id <> ALL($2::bigint[]) ORDER BY id LIMIT $1"
_CLAIM = f"""
SELECT id, attempt_id, round_id FROM (
    SELECT id, attempt_id, round_id, pg_try_advisory_xact_lock_shared({ROUND_LOCK}) AS is_mine
    {_NEXT} FOR UPDATE SKIP LOCKED
) waiting WHERE is_mine
"""  # noqa: S608 — the lock's key and the condition are our constants
_OTHER_ROUNDS = f"SELECT DISTINCT round_id FROM (SELECT round_id {_NEXT}) waiting"  # noqa: S608 — the condition is our constant
# Apart from the claim: by their ids alone PostgreSQL cannot think of reading the whole table.
_ATTEMPTS = """
SELECT a.id, a.participant_id, a.round_id, a.division_id, a.unit_id, a.pool_id, a.seed,
       a.drawing_version, a.answers, a.prediction, a.started_at, a.closed_at
FROM attempt a WHERE a.id = ANY($1::uuid[])
"""


async def score_waiting(*, limit: int = BATCH) -> int:
    """Score a batch of closed attempts or put them aside; returns how many were dealt with.

    Any number of workers may call it. The claim, the scores, the standings and every counter are
    one transaction: a batch that dies leaves nothing behind and is found again. Attempts of a round
    that somebody holds (quiz.standings.hold_round) are left for later.
    """
    claimed: list[Any] = []
    try:
        async with db.pool().acquire() as connection, connection.transaction():
            claimed += await _claim(connection, limit)
            if claimed:
                await _score_claimed(connection, [row["attempt_id"] for row in claimed])
                await connection.execute(
                    "DELETE FROM unscored WHERE id = ANY($1::bigint[])",
                    [row["id"] for row in claimed],
                )
    except DATA_FAULTS as error:
        if not claimed or is_outage(error):
            raise
        return await _find_culprits(claimed, error)
    SCORED.inc(len(claimed))
    return len(claimed)


async def _find_culprits(claimed: Sequence[Any], error: Exception) -> int:
    """Each half is a batch of its own, with its own claim: nothing is held over from the failure."""
    if len(claimed) == 1:
        await put_aside(claimed[0]["id"], claimed[0]["round_id"], error)
        return 1
    half = len(claimed) // 2
    return await score_waiting(limit=half) + await score_waiting(limit=len(claimed) - half)


class Scorer:
    """What one process does about attempts that wait: one batch is marked while one is written.

    However often the doorbell rings, no more than `lanes` batches are under way at a time.
    """

    def __init__(self, *, lanes: int = 2, batch: int = BATCH) -> None:
        self._lanes = lanes
        self._batch = batch
        self._busy_count = 0
        self._is_rung = False

    async def score_all(self) -> int:
        """Score whatever waits, for SLICE_SECONDS at most; returns how many this call scored.

        A call that finds every lane busy leaves its ring to them, so that nothing which was handed
        in after a lane's last look at the table waits for the sweep.
        """
        self._is_rung = True
        if self._busy_count >= self._lanes:
            return 0
        self._busy_count += 1
        total, until = 0, time.monotonic() + SLICE_SECONDS
        try:
            while self._is_rung and time.monotonic() < until:
                self._is_rung = False
                total += await self._score_until(until)
        finally:
            self._busy_count -= 1
        return total

    async def _score_until(self, until: float) -> int:
        total = 0
        while time.monotonic() < until and (scored := await score_waiting(limit=self._batch)):
            total += scored
            if scored == self._batch:
                enqueue("score_attempts")  # more waits: for another lane, here or elsewhere
            elif self._busy_count > 1:
                break  # another lane looks on
            else:
                await asyncio.sleep(GATHER_SECONDS)
        return total


SCORER = Scorer()


async def _claim(connection: Connection, limit: int) -> list[Any]:
    held_by_others: list[int] = []
    while not (rows := await connection.fetch(_CLAIM, limit, held_by_others)):
        others = await connection.fetch(_OTHER_ROUNDS, limit, held_by_others)
        if not others:
            break
        held_by_others += [row["round_id"] for row in others]
    return rows  # type: ignore[no-any-return]  # a list of records


async def _score_claimed(connection: Connection, attempt_ids: Sequence[UUID]) -> None:
    rows = await connection.fetch(_ATTEMPTS, attempt_ids)
    # Read after the claim, which holds the rounds: nobody corrects a question meanwhile.
    rules = await rules_of_rounds(connection, {row["round_id"] for row in rows})
    markers = await _markers(connection, rows, rules)
    # In a thread: other jobs go on, and another batch is written while this one is marked.
    closed = await asyncio.to_thread(_score, rows, markers)
    await _write_scores(connection, closed, rules)
    await _update_standings(connection, closed, rules)


async def _markers(
    connection: Connection, rows: Sequence[Any], rules: Mapping[int, RoundRules]
) -> dict[tuple[int, int], Marker]:
    """One for each round and pool."""
    return {
        (round_id, pool_id): await marker_of(
            connection, pool_id, round_id, rules[round_id].scoring_version
        )
        for round_id, pool_id in {(row["round_id"], row["pool_id"]) for row in rows}
    }


def _score(rows: Sequence[Any], markers: Mapping[tuple[int, int], Marker]) -> list[Closed]:
    closed = []
    for row in rows:
        marker = markers[row["round_id"], row["pool_id"]]
        duration = row["closed_at"] - row["started_at"]
        closed.append(
            closed_of(
                row,
                attempt_id=row["id"],
                duration_ms=round(duration.total_seconds() * 1000),
                scored=marker.mark(row["seed"], row["drawing_version"], row["answers"]),
            )
        )
    return closed


async def _write_scores(
    connection: Connection, closed: Sequence[Closed], rules: Mapping[int, RoundRules]
) -> None:
    await connection.execute(
        "INSERT INTO score (attempt_id, points, correct_count, question_count, duration_ms, "
        "scoring_version, scored_at) SELECT *, clock_timestamp() "
        "FROM unnest($1::uuid[], $2::int[], $3::smallint[], $4::smallint[], $5::int[], $6::int[])",
        [each.attempt_id for each in closed],
        [each.scored.points for each in closed],
        [each.scored.correct_count for each in closed],
        [each.scored.question_count for each in closed],
        [each.duration_ms for each in closed],
        [rules[each.round_id].scoring_version for each in closed],
    )


async def _update_standings(
    connection: Connection, closed: Sequence[Closed], rules: Mapping[int, RoundRules]
) -> None:
    # Whoever holds the participant's row decides which of their attempts counts; in id order, so
    # that two workers never wait for each other.
    await connection.execute(
        "SELECT id FROM participant WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE",
        sorted({each.participant_id for each in closed}),
    )
    touched = {(each.round_id, each.participant_id) for each in closed}
    before = await find_standings(connection, touched)
    excluded = await find_excluded(connection, touched - before.keys())
    after = fold(before, closed, rules, excluded)
    await write_standings(connection, after.values())
    await count_buckets(connection, before, after)
    await _count_participation(connection, closed, before)
    await count_tally(connection, Counter(map(tally_of, closed)))


TallyId = tuple[int, int, int]  # round, division, how many right


def tally_of(closed: Closed) -> TallyId:
    return closed.round_id, closed.division_id, closed.scored.correct_count


async def count_tally(connection: Connection, change: Mapping[TallyId, int]) -> None:
    """Add to the numbers of attempts with so many right, or take off."""
    changed = sorted((which, by) for which, by in change.items() if by)
    if not changed:
        return
    await connection.execute(
        "INSERT INTO score_tally (round_id, division_id, correct_count, attempt_count) "
        "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::int[]) "
        "ON CONFLICT (round_id, division_id, correct_count) DO UPDATE SET "
        "attempt_count = score_tally.attempt_count + excluded.attempt_count",
        *(list(column) for column in zip(*(which for which, _ in changed), strict=True)),
        [by for _, by in changed],
    )


async def _count_participation(
    connection: Connection, closed: Sequence[Closed], before: Mapping[StandingId, Standing]
) -> None:
    people: Counter[tuple[int, int, int, datetime]] = Counter()
    attempts: Counter[tuple[int, int, int, datetime]] = Counter()
    known = set(before)
    for each in sorted(closed, key=lambda each: each.closed_at):
        hour = each.closed_at.replace(minute=0, second=0, microsecond=0)
        which = (each.round_id, each.unit_id, each.division_id, hour)
        attempts[which] += 1
        if (each.round_id, each.participant_id) not in known:
            known.add((each.round_id, each.participant_id))
            people[which] += 1
    counted = sorted(attempts)
    await connection.execute(
        "INSERT INTO participation (round_id, unit_id, division_id, hour_at, people_count, "
        "attempt_count) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], "
        "$4::timestamptz[], $5::int[], $6::int[]) "
        "ON CONFLICT (round_id, unit_id, division_id, hour_at) DO UPDATE SET "
        "people_count = participation.people_count + excluded.people_count, "
        "attempt_count = participation.attempt_count + excluded.attempt_count",
        *(list(column) for column in zip(*counted, strict=True)),
        [people[which] for which in counted],
        [attempts[which] for which in counted],
    )
