"""How do closed attempts become scores, standings and counters, each exactly once?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core import db
from core.db import Connection
from core.metrics import SCORED
from quiz import scoring
from quiz.frozen import paper_of
from quiz.ranking import Counted, bucket, rank_key, replaces
from quiz.scoring import Scored

BATCH = 500


@dataclass(frozen=True, slots=True)
class RoundRules:
    """What ranks a round's attempts."""

    counting: str
    comparators: Sequence[str]
    prediction_actual: int | None


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed attempt with its score."""

    attempt_id: UUID
    participant_id: int
    round_id: int
    division_id: int
    unit_id: int
    prediction: int | None
    closed_at: datetime
    duration_ms: int
    scored: Scored

    def key(self, rules: RoundRules) -> bytes:
        counted = Counted(self.scored.points, self.duration_ms, self.closed_at, self.prediction)
        return rank_key(rules.comparators, counted, rules.prediction_actual)


@dataclass(frozen=True, slots=True)
class Standing:
    """The attempt that counts for a participant; `rank_key` as quiz.ranking makes it."""

    closed: Closed
    rank_key: bytes
    attempt_count: int


StandingId = tuple[int, int]  # round, participant


async def score_waiting(*, limit: int = BATCH) -> int:
    """Score a batch of closed attempts; returns how many. Any number of workers may call it.

    The claim, the scores, the standings and every counter are one transaction: a batch that dies
    leaves nothing behind and is found again.
    """
    async with db.pool().acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "SELECT id, participant_id, round_id, division_id, unit_id, pool_id, seed, "
            "drawing_version, answers, prediction, started_at, closed_at "
            "FROM attempt WHERE state <> 'open' AND NOT is_scored "
            "ORDER BY closed_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED",
            limit,
        )
        if not rows:
            return 0
        closed = [await _score(connection, row) for row in rows]
        await _write_scores(connection, closed)
        await _update_standings(connection, closed)
    SCORED.inc(len(closed))
    return len(closed)


async def _score(connection: Connection, row: Any) -> Closed:
    paper = await paper_of(connection, row["pool_id"], row["seed"], row["drawing_version"])
    duration = row["closed_at"] - row["started_at"]
    return _closed(
        row,
        attempt_id=row["id"],
        duration_ms=round(duration.total_seconds() * 1000),
        scored=scoring.score(paper, row["answers"]),
    )


def _closed(
    row: Mapping[str, Any], *, attempt_id: UUID, duration_ms: int, scored: Scored
) -> Closed:
    return Closed(
        attempt_id=attempt_id,
        participant_id=row["participant_id"],
        round_id=row["round_id"],
        division_id=row["division_id"],
        unit_id=row["unit_id"],
        prediction=row["prediction"],
        closed_at=row["closed_at"],
        duration_ms=duration_ms,
        scored=scored,
    )


async def _write_scores(connection: Connection, closed: Sequence[Closed]) -> None:
    ids = [each.attempt_id for each in closed]
    await connection.execute(
        "INSERT INTO score (attempt_id, points, correct_count, question_count, duration_ms, "
        "scored_at) SELECT *, clock_timestamp() "
        "FROM unnest($1::uuid[], $2::int[], $3::smallint[], $4::smallint[], $5::int[])",
        ids,
        [each.scored.points for each in closed],
        [each.scored.correct_count for each in closed],
        [each.scored.question_count for each in closed],
        [each.duration_ms for each in closed],
    )
    await connection.execute("UPDATE attempt SET is_scored = true WHERE id = ANY($1::uuid[])", ids)


async def _update_standings(connection: Connection, closed: Sequence[Closed]) -> None:
    # Whoever holds the participant's row decides which of their attempts counts; in id order, so
    # that two workers never wait for each other.
    await connection.execute(
        "SELECT id FROM participant WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE",
        sorted({each.participant_id for each in closed}),
    )
    rules = await rules_of_rounds(connection, {each.round_id for each in closed})
    before = await _standings(connection, closed)
    after = fold(before, closed, rules)
    await _write_standings(connection, after.values())
    await _count_buckets(connection, before, after)
    await _count_participation(connection, closed, before)
    await _count_tally(connection, closed)


def fold(
    before: Mapping[StandingId, Standing],
    closed: Iterable[Closed],
    rules: Mapping[int, RoundRules],
) -> dict[StandingId, Standing]:
    """The standings that the closed attempts touch, after them; pure, in any order."""
    after: dict[StandingId, Standing] = {}
    for each in closed:
        which = (each.round_id, each.participant_id)
        new = Standing(each, each.key(rules[each.round_id]), 1)
        old = after.get(which) or before.get(which)
        if old is None:
            after[which] = new
            continue
        counts = replaces(
            rules[each.round_id].counting,
            (new.rank_key, new.closed.closed_at),
            (old.rank_key, old.closed.closed_at),
        )
        after[which] = replace(new if counts else old, attempt_count=old.attempt_count + 1)
    return after


async def rules_of_rounds(
    connection: Connection, round_ids: Iterable[int]
) -> dict[int, RoundRules]:
    rows = await connection.fetch(
        "SELECT r.id, r.counting, r.prediction_actual, c.comparators "
        "FROM round r JOIN contest c ON c.id = r.contest_id WHERE r.id = ANY($1::bigint[])",
        list(round_ids),
    )
    return {
        row["id"]: RoundRules(row["counting"], row["comparators"], row["prediction_actual"])
        for row in rows
    }


async def _standings(
    connection: Connection, closed: Sequence[Closed]
) -> dict[StandingId, Standing]:
    rows = await connection.fetch(
        "SELECT s.* FROM standing s JOIN unnest($1::bigint[], $2::bigint[]) AS b (round_id, "
        "participant_id) USING (round_id, participant_id)",
        *zip(*{(each.round_id, each.participant_id) for each in closed}, strict=True),
    )
    return {(row["round_id"], row["participant_id"]): _standing(row) for row in rows}


def _standing(row: Mapping[str, Any]) -> Standing:
    return Standing(
        _closed(
            row,
            attempt_id=row["attempt_id"],
            duration_ms=row["duration_ms"],
            scored=Scored(row["points"], row["correct_count"], row["question_count"]),
        ),
        row["rank_key"],
        row["attempt_count"],
    )


async def _write_standings(connection: Connection, standings: Iterable[Standing]) -> None:
    written = list(standings)
    await connection.execute(
        "INSERT INTO standing (round_id, participant_id, division_id, unit_id, attempt_id, "
        "attempt_count, points, correct_count, question_count, duration_ms, prediction, closed_at, "
        "rank_key, bucket) "
        "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::uuid[], "
        "$6::int[], $7::int[], $8::smallint[], $9::smallint[], $10::int[], $11::bigint[], "
        "$12::timestamptz[], $13::bytea[], $14::bytea[]) "
        "ON CONFLICT (round_id, participant_id) DO UPDATE SET attempt_id = excluded.attempt_id, "
        "attempt_count = excluded.attempt_count, points = excluded.points, "
        "correct_count = excluded.correct_count, question_count = excluded.question_count, "
        "duration_ms = excluded.duration_ms, prediction = excluded.prediction, "
        "closed_at = excluded.closed_at, rank_key = excluded.rank_key, bucket = excluded.bucket",
        [each.closed.round_id for each in written],
        [each.closed.participant_id for each in written],
        [each.closed.division_id for each in written],
        [each.closed.unit_id for each in written],
        [each.closed.attempt_id for each in written],
        [each.attempt_count for each in written],
        [each.closed.scored.points for each in written],
        [each.closed.scored.correct_count for each in written],
        [each.closed.scored.question_count for each in written],
        [each.closed.duration_ms for each in written],
        [each.closed.prediction for each in written],
        [each.closed.closed_at for each in written],
        [each.rank_key for each in written],
        [bucket(each.rank_key) for each in written],
    )


async def _count_buckets(
    connection: Connection,
    before: Mapping[StandingId, Standing],
    after: Mapping[StandingId, Standing],
) -> None:
    change: Counter[tuple[int, int, bytes]] = Counter()
    for which, standing in after.items():
        change[_bucket_of(standing)] += 1
        if which in before:
            change[_bucket_of(before[which])] -= 1
    changed = sorted((which, by) for which, by in change.items() if by)
    if not changed:
        return
    await connection.execute(
        "INSERT INTO standing_bucket (round_id, division_id, bucket, people_count) "
        "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::int[]) "
        "ON CONFLICT (round_id, division_id, bucket) DO UPDATE SET "
        "people_count = standing_bucket.people_count + excluded.people_count",
        [which[0] for which, _ in changed],
        [which[1] for which, _ in changed],
        [which[2] for which, _ in changed],
        [by for _, by in changed],
    )


def _bucket_of(standing: Standing) -> tuple[int, int, bytes]:
    return standing.closed.round_id, standing.closed.division_id, bucket(standing.rank_key)


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


async def _count_tally(connection: Connection, closed: Sequence[Closed]) -> None:
    tally = Counter((each.round_id, each.division_id, each.scored.correct_count) for each in closed)
    counted = sorted(tally)
    await connection.execute(
        "INSERT INTO score_tally (round_id, division_id, correct_count, attempt_count) "
        "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::int[]) "
        "ON CONFLICT (round_id, division_id, correct_count) DO UPDATE SET "
        "attempt_count = score_tally.attempt_count + excluded.attempt_count",
        *(list(column) for column in zip(*counted, strict=True)),
        [tally[which] for which in counted],
    )
