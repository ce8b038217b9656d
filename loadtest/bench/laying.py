"""How do a hundred thousand attempts, or a million, come into the tables within seconds?

Set-based SQL in the round that is open: people, participants and attempts, either waiting for a
score or with score, standing and every counter as quiz.results would have left them.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import db
from loadtest.stack import SLUG
from quiz.corrections import NOTHING, Overlay
from quiz.drawing import VERSION, draw
from quiz.frozen import get_pool
from quiz.pools import Pool
from quiz.scoring import score

ANSWER_SHEETS = 500  # different sets of answers; the seeds make the papers different anyway
MOST_OPTIONS = 4
WAITING, SCORED = "W", "S"  # how the receipts of laid attempts begin
SAMPLE = 500
HOURS = 20  # over which the laid attempts were handed in, up to now


@dataclass(frozen=True)
class Stage:
    """Where attempts are laid: an open round, its divisions with their papers, and some units."""

    contest_id: int
    round_id: int
    division_ids: Sequence[int]
    division_codes: Sequence[str]
    pool_ids: Sequence[int]  # one a division, in the same order
    unit_ids: Sequence[int]
    pool: Pool  # of the first division

    @property
    def pool_id(self) -> int:
        return self.pool_ids[0]


async def find_stage() -> Stage:
    rows = await db.pool().fetch(
        "SELECT r.contest_id, r.id AS round_id, d.id AS division_id, d.code, p.id AS pool_id "
        "FROM contest c JOIN round r ON r.contest_id = c.id JOIN division d ON d.contest_id = c.id "
        "JOIN pool p ON p.round_id = r.id AND coalesce(p.division_id, d.id) = d.id "
        "WHERE c.slug = $1 AND clock_timestamp() BETWEEN r.opens_at AND r.closes_at "
        "ORDER BY d.position, p.id",
        SLUG,
    )
    if not rows:
        msg = f"no round of {SLUG} is open"
        raise LookupError(msg)
    units = await db.pool().fetch("SELECT id FROM unit ORDER BY id")
    return Stage(
        rows[0]["contest_id"],
        rows[0]["round_id"],
        [row["division_id"] for row in rows],
        [row["code"] for row in rows],
        [row["pool_id"] for row in rows],
        [row["id"] for row in units],
        await get_pool(db.pool(), rows[0]["pool_id"]),
    )


async def lay_waiting(stage: Stage, count: int, *, is_open: bool = False) -> None:
    """So many people who each handed in one attempt, every answer guessed, none scored yet.

    They become visible all at once. `is_open`: they never handed it in, and their time is over.
    """
    async with db.pool().acquire() as connection, connection.transaction():
        await lay_attempts(connection, stage, count, is_open=is_open)


async def lay_scored(stage: Stage, count: int) -> None:
    """So many people with one scored attempt each; points are thrown, not marked."""
    async with db.pool().acquire() as connection, connection.transaction():
        await lay_attempts(connection, stage, count, is_scored=True)
        for statement in _SCORED:
            await connection.execute(statement)
    await db.pool().execute(
        "VACUUM ANALYZE person, participant, attempt, score, standing, standing_bucket, "
        "participation, score_tally"
    )


async def lay_attempts(
    connection: Any, stage: Stage, count: int, *, is_scored: bool = False, is_open: bool = False
) -> None:
    """Within the transaction of `connection`; receipts tell who was laid to be scored (WAITING).

    Open ones are past their deadline and past the grace before they are closed.
    """
    await connection.execute(
        _THROWN,
        count,
        list(stage.division_ids),
        list(stage.pool_ids),
        list(stage.unit_ids),
        stage.round_id,
        stage.pool.question_count,
        secrets.token_hex(8),
    )
    await connection.execute("ANALYZE laid")
    await connection.execute(_PEOPLE)
    await connection.execute(_PARTICIPANTS, stage.contest_id)
    receipts = SCORED if is_scored else WAITING
    await connection.execute(_ATTEMPTS, receipts, _answer_sheets(stage), VERSION)
    if is_open or is_scored:
        await connection.execute(_NOT_WAITING)
    if is_open:
        await connection.execute(_OPEN_AGAIN)


def _answer_sheets(stage: Stage) -> list[dict[str, list[int]]]:
    dice = random.Random(stage.round_id)
    positions = [str(position) for position in range(1, stage.pool.question_count + 1)]
    return [
        {position: [dice.randint(1, MOST_OPTIONS)] for position in positions}
        for _ in range(ANSWER_SHEETS)
    ]


# What is thrown for each attempt. Most people know two thirds of the answers; a few know all.
_THROWN = f"""
CREATE TEMP TABLE laid ON COMMIT DROP AS
SELECT n, gen_random_uuid() AS attempt_id,
       nextval(pg_get_serial_sequence('person', 'id')) AS person_id,
       nextval(pg_get_serial_sequence('participant', 'id')) AS participant_id,
       ($2::bigint[])[1 + n % cardinality($2)] AS division_id,
       ($3::bigint[])[1 + n % cardinality($3)] AS pool_id,
       ($4::bigint[])[1 + floor(random() * cardinality($4))::int] AS unit_id,
       $5::bigint AS round_id,
       md5($7 || n) AS seed,
       least($6::int, round($6::int * (0.3 + 0.5 * (random() + random()))))::int AS correct_count,
       $6::int AS question_count,
       60000 + floor(random() * 1140000)::int AS duration_ms,
       date_trunc('milliseconds', now() - random() * {HOURS} * interval '1 hour') AS closed_at
FROM generate_series(0, $1::int - 1) AS n
"""  # noqa: S608 — only our own number is put in
_PEOPLE = """
INSERT INTO person (id, full_name, name_key, sort_key, birth_year, unit_id, division_code, created_at)
SELECT person_id, 'Lò Thị Mai', 'lo thi mai', 'mai', 1990, unit_id, '', now() FROM laid
"""
_PARTICIPANTS = """
INSERT INTO participant (id, contest_id, person_id, division_id, unit_id, shown_name, entered_at)
SELECT participant_id, $1, person_id, division_id, unit_id, 'Lò Thị M.', now() FROM laid
"""
_ATTEMPTS = """
INSERT INTO attempt (id, participant_id, round_id, number, division_id, unit_id, pool_id, seed,
                     drawing_version, rules_version, state, opening, answers, saved_seq,
                     started_at, deadline_at, closed_at, receipt)
SELECT attempt_id, participant_id, round_id, 1, division_id, unit_id, pool_id, seed,
       $3::smallint, 1, 'submitted', 1, ($2::jsonb[])[1 + n % cardinality($2)], 1,
       closed_at - duration_ms * interval '1 millisecond', closed_at, closed_at,
       $1 || participant_id
FROM laid ORDER BY closed_at
"""
_NOT_WAITING = "DELETE FROM unscored u USING laid l WHERE u.attempt_id = l.attempt_id"
_OPEN_AGAIN = """
UPDATE attempt a SET state = 'open', closed_at = NULL, receipt = NULL,
                     started_at = a.started_at - interval '2 minutes',
                     deadline_at = a.deadline_at - interval '2 minutes'
FROM laid l WHERE a.id = l.attempt_id
"""
# The rank key of the demonstration's comparators, as quiz.ranking makes it: 2^64 − 1 − points is
# −1 − points in two's complement, and no prediction has been frozen.
_SCORED = (
    """
    INSERT INTO score (attempt_id, points, correct_count, question_count, duration_ms,
                       scoring_version, scored_at)
    SELECT attempt_id, correct_count * 1000, correct_count, question_count, duration_ms, 1, now()
    FROM laid
    """,
    """
    INSERT INTO standing (round_id, participant_id, division_id, unit_id, attempt_id,
                          attempt_count, points, correct_count, question_count, duration_ms,
                          closed_at, rank_key, bucket, is_ranked)
    SELECT round_id, participant_id, division_id, unit_id, attempt_id, 1, correct_count * 1000,
           correct_count, question_count, duration_ms, closed_at,
           int8send(-1 - correct_count * 1000) || int8send(0) || int8send(duration_ms)
               || int8send((extract(epoch FROM closed_at) * 1000)::bigint),
           int8send(-1 - correct_count * 1000), true
    FROM laid
    """,
    """
    INSERT INTO standing_bucket AS kept (round_id, division_id, bucket, people_count)
    SELECT round_id, division_id, int8send(-1 - correct_count * 1000), count(*)
    FROM laid GROUP BY 1, 2, 3
    ON CONFLICT (round_id, division_id, bucket) DO UPDATE
        SET people_count = kept.people_count + excluded.people_count
    """,
    """
    INSERT INTO score_tally AS kept (round_id, division_id, correct_count, attempt_count)
    SELECT round_id, division_id, correct_count, count(*) FROM laid GROUP BY 1, 2, 3
    ON CONFLICT (round_id, division_id, correct_count) DO UPDATE
        SET attempt_count = kept.attempt_count + excluded.attempt_count
    """,
    """
    INSERT INTO participation AS kept (round_id, unit_id, division_id, hour_at, people_count,
                                       attempt_count)
    SELECT round_id, unit_id, division_id, date_trunc('hour', closed_at), count(*), count(*)
    FROM laid GROUP BY 1, 2, 3, 4
    ON CONFLICT (round_id, unit_id, division_id, hour_at) DO UPDATE
        SET people_count = kept.people_count + excluded.people_count,
            attempt_count = kept.attempt_count + excluded.attempt_count
    """,
)

# What is kept, and what a count of the facts gives.
_KEPT_AND_COUNTED = {
    "participation": (
        "SELECT round_id, unit_id, division_id, sum(people_count), sum(attempt_count) "
        "FROM participation GROUP BY 1, 2, 3",
        "SELECT round_id, unit_id, division_id, count(DISTINCT participant_id), count(*) "
        "FROM score s JOIN attempt a ON a.id = s.attempt_id GROUP BY 1, 2, 3",
    ),
    "score_tally": (
        "SELECT round_id, division_id, correct_count, attempt_count "
        "FROM score_tally WHERE attempt_count <> 0",
        "SELECT a.round_id, a.division_id, s.correct_count, count(*) "
        "FROM score s JOIN attempt a ON a.id = s.attempt_id GROUP BY 1, 2, 3",
    ),
    "standing_bucket": (
        "SELECT round_id, division_id, bucket, people_count "
        "FROM standing_bucket WHERE people_count <> 0",
        "SELECT round_id, division_id, bucket, count(*) "
        "FROM standing WHERE is_ranked GROUP BY 1, 2, 3",
    ),
    "standing": (
        "SELECT round_id, participant_id, attempt_count::bigint FROM standing",
        "SELECT a.round_id, a.participant_id, count(*) "
        "FROM score s JOIN attempt a ON a.id = s.attempt_id GROUP BY 1, 2",
    ),
    "score": (
        "SELECT attempt_id FROM score",
        "SELECT id FROM attempt WHERE state <> 'open'",
    ),
}


async def differences() -> list[str]:
    """Which counters are not what a count of the facts gives?"""
    found = []
    for name, (kept, counted) in _KEPT_AND_COUNTED.items():
        count = await db.pool().fetchval(
            f"SELECT count(*) FROM (({kept} EXCEPT {counted}) "  # noqa: S608 — our own queries
            f"UNION ALL ({counted} EXCEPT {kept})) d"
        )
        if count:
            found.append(f"{name}: {count} rows differ from a rebuild")
    return found


async def sampled(stage: Stage) -> Sequence[Any]:
    """Some of those who were laid to be scored, with their scores."""
    return await db.pool().fetch(
        "SELECT a.id, a.pool_id, a.seed, a.answers, s.points, s.correct_count, s.question_count "
        "FROM attempt a JOIN score s ON s.attempt_id = a.id "
        "WHERE a.round_id = $1 AND starts_with(a.receipt, $2) ORDER BY a.id LIMIT $3",
        stage.round_id,
        WAITING,
        SAMPLE,
    )


async def wrong_scores(stage: Stage, overlay: Overlay = NOTHING) -> list[str]:
    """Sampled attempts whose score is not what quiz.scoring gives their paper and answers."""
    faults = []
    for row in await sampled(stage):
        paper = draw(await get_pool(db.pool(), row["pool_id"]), row["seed"])
        right = score(paper, row["answers"], overlay)
        if (right.points, right.correct_count, right.question_count) != tuple(row)[4:]:
            faults.append(f"attempt {row['id']} has another score than its answers give")
    return faults
