"""How do closed attempts become scores, standings and counters, each exactly once?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core import db
from core.db import Connection
from core.metrics import SCORED
from quiz import scoring
from quiz.frozen import overlay_of, paper_of
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

BATCH = 500


async def score_waiting(*, limit: int = BATCH) -> int:
    """Score a batch of closed attempts; returns how many. Any number of workers may call it.

    The claim, the scores, the standings and every counter are one transaction: a batch that dies
    leaves nothing behind and is found again. Attempts of a round that somebody holds
    (quiz.standings.hold_round) are left for later.
    """
    async with db.pool().acquire() as connection, connection.transaction():
        rows = await _claim(connection, limit)
        if not rows:
            return 0
        # Read after the claim, which holds the rounds: nobody corrects a question meanwhile.
        rules = await rules_of_rounds(connection, {row["round_id"] for row in rows})
        closed = [await _score(connection, row, rules[row["round_id"]]) for row in rows]
        await _write_scores(connection, closed, rules)
        await _update_standings(connection, closed, rules)
    SCORED.inc(len(closed))
    return len(closed)


async def _claim(connection: Connection, limit: int) -> list[Any]:
    held_by_others: set[int] = set()
    while rows := await connection.fetch(
        "SELECT id, participant_id, round_id, division_id, unit_id, pool_id, seed, "  # noqa: S608 — the lock's key is our constant
        "drawing_version, answers, prediction, started_at, closed_at, "
        f"pg_try_advisory_xact_lock_shared({ROUND_LOCK}) AS is_mine "
        "FROM attempt WHERE state <> 'open' AND NOT is_scored AND round_id <> ALL($2::bigint[]) "
        "ORDER BY closed_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED",
        limit,
        list(held_by_others),
    ):
        mine = [row for row in rows if row["is_mine"]]
        if mine:
            return mine
        held_by_others |= {row["round_id"] for row in rows}
    return []


async def _score(connection: Connection, row: Any, rules: RoundRules) -> Closed:
    paper = await paper_of(connection, row["pool_id"], row["seed"], row["drawing_version"])
    overlay = await overlay_of(connection, row["round_id"], rules.scoring_version)
    duration = row["closed_at"] - row["started_at"]
    return closed_of(
        row,
        attempt_id=row["id"],
        duration_ms=round(duration.total_seconds() * 1000),
        scored=scoring.score(paper, row["answers"], overlay),
    )


async def _write_scores(
    connection: Connection, closed: Sequence[Closed], rules: Mapping[int, RoundRules]
) -> None:
    ids = [each.attempt_id for each in closed]
    await connection.execute(
        "INSERT INTO score (attempt_id, points, correct_count, question_count, duration_ms, "
        "scoring_version, scored_at) SELECT *, clock_timestamp() "
        "FROM unnest($1::uuid[], $2::int[], $3::smallint[], $4::smallint[], $5::int[], $6::int[])",
        ids,
        [each.scored.points for each in closed],
        [each.scored.correct_count for each in closed],
        [each.scored.question_count for each in closed],
        [each.duration_ms for each in closed],
        [rules[each.round_id].scoring_version for each in closed],
    )
    await connection.execute("UPDATE attempt SET is_scored = true WHERE id = ANY($1::uuid[])", ids)


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
