"""Which attempt counts for whom, with which rank key, and how many share a bucket?

Whoever writes standings of a round holds the participants' rows (scoring) or the whole round
(`hold_round`: correcting, freezing, drawing), so that no two ever decide about the same person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.db import Connection
from quiz.ranking import Counted, bucket, rank_key, replaces
from quiz.scoring import Scored

StandingId = tuple[int, int]  # round, participant
# Scoring shares this lock with itself; who changes what scoring rests on takes it alone. Not the
# round's row: a lock there would be written at every batch and would stop attempts from starting.
ROUND_LOCK = "hashtextextended('results of a round', round_id)"


@dataclass(frozen=True, slots=True)
class RoundRules:
    """What scores and ranks a round's attempts."""

    counting: str
    comparators: Sequence[str]
    prediction_actual: int | None
    scoring_version: int = 1


class Closed(NamedTuple):
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

    def key(self, rules: RoundRules, draw_order: int | None = None) -> bytes:
        return rank_key(rules.comparators, self._counted, rules.prediction_actual, draw_order)

    def choice_key(self, rules: RoundRules) -> bytes:
        """What picks among a person's own attempts: the guess never does, frozen or not."""
        return rank_key(rules.comparators, self._counted, None)

    @property
    def _counted(self) -> Counted:
        return Counted(self.scored.points, self.duration_ms, self.closed_at, self.prediction)


class Standing(NamedTuple):
    """The attempt that counts for a participant; `rank_key` as quiz.ranking makes it."""

    closed: Closed
    rank_key: bytes
    attempt_count: int
    is_ranked: bool = True
    draw_order: int | None = None


def closed_of(
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


def fold(
    before: Mapping[StandingId, Standing],
    closed: Iterable[Closed],
    rules: Mapping[int, RoundRules],
    excluded: frozenset[StandingId] = frozenset(),
) -> dict[StandingId, Standing]:
    """The standings that the closed attempts touch, after them; pure, in any order.

    `excluded` are new ones that stay out of the ranking.
    """
    after: dict[StandingId, Standing] = {}
    for each in closed:
        which = (each.round_id, each.participant_id)
        own_rules = rules[each.round_id]
        old = after.get(which) or before.get(which)
        if old is None:
            is_ranked = which not in excluded
            after[which] = Standing(each, each.key(own_rules), 1, is_ranked)
            continue
        if counts_instead(own_rules, each, old.closed):
            old = old._replace(closed=each, rank_key=each.key(own_rules), draw_order=None)
        after[which] = old._replace(attempt_count=old.attempt_count + 1)
    return after


def counts_instead(rules: RoundRules, new: Closed, old: Closed) -> bool:
    """Whether the new attempt counts for its participant, and the old one no longer."""
    return replaces(
        rules.counting,
        (new.choice_key(rules), new.closed_at),
        (old.choice_key(rules), old.closed_at),
    )


async def hold_round(connection: Connection, round_id: int) -> None:
    """Until the transaction ends nobody else scores, corrects or ranks in this round."""
    await connection.execute(
        f"SELECT pg_advisory_xact_lock({ROUND_LOCK}) FROM (SELECT $1::bigint AS round_id) r",  # noqa: S608 — our constant
        round_id,
    )


async def rules_of_rounds(
    connection: Connection, round_ids: Iterable[int]
) -> dict[int, RoundRules]:
    """`connection` speaks jsonb (core.db.pool() or one of its connections)."""
    rows = await connection.fetch(
        "SELECT r.id, r.counting, r.prediction_actual, r.scoring_version, c.comparators "
        "FROM round r JOIN contest c ON c.id = r.contest_id WHERE r.id = ANY($1::bigint[])",
        list(round_ids),
    )
    return {
        row["id"]: RoundRules(
            row["counting"], row["comparators"], row["prediction_actual"], row["scoring_version"]
        )
        for row in rows
    }


async def find_standings(
    connection: Connection, which: Iterable[StandingId]
) -> dict[StandingId, Standing]:
    rows = await connection.fetch(
        "SELECT s.* FROM standing s JOIN unnest($1::bigint[], $2::bigint[]) AS b (round_id, "
        "participant_id) USING (round_id, participant_id)",
        *zip(*set(which), strict=True),
    )
    return {(row["round_id"], row["participant_id"]): _standing(row) for row in rows}


def _standing(row: Mapping[str, Any]) -> Standing:
    return Standing(
        closed_of(
            row,
            attempt_id=row["attempt_id"],
            duration_ms=row["duration_ms"],
            scored=Scored(row["points"], row["correct_count"], row["question_count"]),
        ),
        row["rank_key"],
        row["attempt_count"],
        row["is_ranked"],
        row["draw_order"],
    )


async def find_excluded(
    connection: Connection, which: Iterable[StandingId]
) -> frozenset[StandingId]:
    """Those of them who are disqualified now, for the round or for the whole contest."""
    asked = set(which)
    if not asked:
        return frozenset()
    rows = await connection.fetch(
        "SELECT b.round_id, b.participant_id FROM unnest($1::bigint[], $2::bigint[]) "
        "AS b (round_id, participant_id) JOIN disqualification d "
        "ON d.participant_id = b.participant_id AND d.lifted_at IS NULL "
        "AND coalesce(d.round_id, b.round_id) = b.round_id",
        *zip(*asked, strict=True),
    )
    return frozenset((row["round_id"], row["participant_id"]) for row in rows)


async def write_standings(connection: Connection, standings: Iterable[Standing]) -> None:
    written = list(standings)
    await connection.execute(
        "INSERT INTO standing (round_id, participant_id, division_id, unit_id, attempt_id, "
        "attempt_count, points, correct_count, question_count, duration_ms, prediction, closed_at, "
        "rank_key, bucket, is_ranked, draw_order) "
        "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::uuid[], "
        "$6::int[], $7::int[], $8::smallint[], $9::smallint[], $10::int[], $11::bigint[], "
        "$12::timestamptz[], $13::bytea[], $14::bytea[], $15::bool[], $16::int[]) "
        "ON CONFLICT (round_id, participant_id) DO UPDATE SET attempt_id = excluded.attempt_id, "
        "attempt_count = excluded.attempt_count, points = excluded.points, "
        "correct_count = excluded.correct_count, question_count = excluded.question_count, "
        "duration_ms = excluded.duration_ms, prediction = excluded.prediction, "
        "closed_at = excluded.closed_at, rank_key = excluded.rank_key, bucket = excluded.bucket, "
        "is_ranked = excluded.is_ranked, draw_order = excluded.draw_order",
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
        [each.is_ranked for each in written],
        [each.draw_order for each in written],
    )


async def count_buckets(
    connection: Connection,
    before: Mapping[StandingId, Standing],
    after: Mapping[StandingId, Standing],
) -> None:
    """Move the counts of ranked people from the buckets of `before` to those of `after`."""
    change: Counter[tuple[int, int, bytes]] = Counter()
    for which, standing in after.items():
        change[_bucket_of(standing)] += standing.is_ranked
        if which in before:
            change[_bucket_of(before[which])] -= before[which].is_ranked
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


async def count_buckets_again(connection: Connection, round_id: int) -> None:
    await connection.execute("DELETE FROM standing_bucket WHERE round_id = $1", round_id)
    await connection.execute(
        "INSERT INTO standing_bucket (round_id, division_id, bucket, people_count) "
        "SELECT round_id, division_id, bucket, count(*) FROM standing "
        "WHERE round_id = $1 AND is_ranked GROUP BY round_id, division_id, bucket",
        round_id,
    )
