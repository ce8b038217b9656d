from __future__ import annotations

from core import db
from quiz import attempts, jobs, results
from tests.quiz.arena import Arena, build_arena

# People who are inside, as many as two batches and a bit, and whose time is over.
_LAID = """
WITH person AS (
    INSERT INTO person (full_name, name_key, sort_key, birth_year, unit_id, division_code, created_at)
    SELECT 'Lò Thị Mai', 'lo thi mai', 'mai', 1990, $4, '', now() FROM generate_series(1, $5)
    RETURNING id
), participant AS (
    INSERT INTO participant (contest_id, person_id, division_id, unit_id, shown_name, entered_at)
    SELECT $1, id, $3, $4, 'Lò Thị M.', now() FROM person RETURNING id
)
INSERT INTO attempt (id, participant_id, round_id, number, division_id, unit_id, pool_id, seed,
                     drawing_version, rules_version, state, opening, answers, saved_seq,
                     started_at, deadline_at)
SELECT gen_random_uuid(), id, $2, 1, $3, $4, (SELECT id FROM pool WHERE round_id = $2),
       md5(id::text), 2, 1, 'open', 1, '{"1": [2], "2": [3]}', 1,
       now() - interval '30 minutes', now() - interval '10 minutes'
FROM participant
"""


async def lay_expired(arena: Arena, count: int) -> None:
    await db.pool().execute(
        _LAID, arena.contest_id, arena.round_id, arena.division_id, arena.unit_id, count
    )


async def test_however_many_were_inside_at_the_end_one_run_closes_and_scores_them(
    clean: None,
) -> None:
    count = 2 * results.BATCH + 100
    arena = await build_arena(people=0)
    await lay_expired(arena, count)
    assert await jobs.close_expired_attempts({}) == count
    assert await jobs.score_attempts({}) == count
    closed = (
        "SELECT count(*) FROM attempt a JOIN score s ON s.attempt_id = a.id WHERE state = 'expired'"
    )
    assert await db.pool().fetchval(closed) == count
    assert await db.pool().fetchval("SELECT count(DISTINCT receipt) FROM attempt") == count
    assert await db.pool().fetchval("SELECT sum(people_count) FROM participation") == count


async def test_closing_goes_in_bounded_transactions(clean: None) -> None:
    arena = await build_arena(people=0)
    await lay_expired(arena, 25)
    await db.pool().execute(
        "UPDATE attempt SET deadline_at = deadline_at - participant_id % 3 * interval '1 minute'"
    )
    assert [await attempts.close_expired(limit=10) for _ in range(2)] == [25, 0]
    transactions = "SELECT count(DISTINCT xmin::text) FROM attempt WHERE state = 'expired'"
    assert await db.pool().fetchval(transactions) == 3
