"""How long does it take to mend a wrong key for a hundred thousand attempts? (QL5)

The attempts are laid straight into the tables of the open round and scored by the code that scores
everybody; then one key is proposed, previewed, approved and done. Everything is measured inside one
process that speaks to the stack's PostgreSQL, with the stack's own worker idling beside it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from core import db
from loadtest.report import Figures, Outcome, say, sync_ms
from loadtest.stack import SLUG, Stack
from quiz import drawing, rescoring, results, scoring
from quiz.corrections import Correction, right_places
from quiz.frozen import get_pool
from quiz.pools import Pool

FULL, SMALL = 100_000, 300
GOAL_SECONDS = 60.0  # QL5, a rescoring
BATCH = 5_000
SAMPLE = 500
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Stage:
    """Where the attempts are laid: the round that is open, and what its papers are drawn from."""

    contest_id: int
    round_id: int
    division_id: int
    unit_id: int
    pool_id: int
    pool: Pool


def people_needed(*, small: bool) -> int:  # noqa: ARG001 — every bench answers this
    """Nobody signs in here, but a crowd has at least one."""
    return 1


def bench_rescoring(stack: Stack, *, small: bool) -> Outcome:
    return asyncio.run(_measure(stack, SMALL if small else FULL))


async def _measure(stack: Stack, count: int) -> Outcome:
    floor_ms = sync_ms(stack.folder)
    await db.open_database(stack.database_url)
    try:
        stage = await _stage()
        for start in range(0, count, BATCH):
            await lay_attempts(stage, min(BATCH, count - start))
        scored = time.monotonic()
        while await results.score_waiting():
            pass
        await _until(
            "SELECT NOT EXISTS (SELECT FROM attempt WHERE state <> 'open' AND NOT is_scored)"
        )
        score_seconds = time.monotonic() - scored
        say(f"{count} attempts scored in {score_seconds:.1f} s")
        return await _mend(stage, count, score_seconds, floor_ms)
    finally:
        await db.close_database()


async def _mend(stage: Stage, count: int, score_seconds: float, floor_ms: float) -> Outcome:
    question = await _most_asked(stage)
    wrong = (right_places(stage.pool.by_id[question])[0] + 1) % 2
    correction_id = await rescoring.propose_correction(
        stage.round_id, question, "rekey", (wrong,), "Đo tốc độ chấm lại", by=None
    )
    began = time.monotonic()
    await rescoring.preview_correction(correction_id)
    await _until("SELECT preview IS NOT NULL FROM correction WHERE id = $1", correction_id)
    preview_seconds = time.monotonic() - began
    await rescoring.approve_correction(correction_id, by=None)
    began = time.monotonic()
    await rescoring.rescore_round(correction_id)
    await _until("SELECT state = 'applied' FROM correction WHERE id = $1", correction_id)
    seconds = time.monotonic() - began
    (shown,) = await rescoring.corrections_of(stage.round_id)
    outcome = dict(shown.outcome or {})
    faults = await _faults(stage, {question: Correction("rekey", (wrong,))})
    if shown.outcome != shown.preview:
        faults.append("the outcome differs from the preview")
    say(f"{outcome['had_count']} of {outcome['attempt_count']} attempts had the question")
    figures: Figures = {
        "attempts": count,
        "seconds": round(seconds, 2),
        "per_s": round(count / seconds),
        "goal_seconds": GOAL_SECONDS,
        "preview_seconds": round(preview_seconds, 2),
        "score_seconds": round(score_seconds, 2),
        "had_count": outcome["had_count"],
        "changed_count": outcome["gained_count"] + outcome["lost_count"],
        "errors": 0,
        "lost": len(faults),
        "sync_ms": floor_ms,
    }
    return Outcome(figures, faults)


async def _stage() -> Stage:
    row = await db.pool().fetchrow(
        "SELECT r.contest_id, r.id AS round_id, p.id AS pool_id, "
        "coalesce(p.division_id, (SELECT min(id) FROM division d WHERE d.contest_id = c.id)) "
        "AS division_id, (SELECT max(id) FROM unit) AS unit_id "
        "FROM contest c JOIN round r ON r.contest_id = c.id JOIN pool p ON p.round_id = r.id "
        "WHERE c.slug = $1 AND clock_timestamp() BETWEEN r.opens_at AND r.closes_at "
        "ORDER BY p.id LIMIT 1",
        SLUG,
    )
    if row is None:
        msg = f"no round of {SLUG} is open"
        raise LookupError(msg)
    return Stage(**row, pool=await get_pool(db.pool(), row["pool_id"]))


async def lay_attempts(stage: Stage, count: int) -> None:
    """People who each handed in one attempt within the last hour, guessing every answer."""
    person_ids = await db.pool().fetch(
        "INSERT INTO person (full_name, name_key, sort_key, birth_year, unit_id, division_code, "
        "created_at) SELECT 'Lò Thị Mai', 'lo thi mai', 'mai', 1990, $1, '', now() "
        "FROM generate_series(1, $2) RETURNING id",
        stage.unit_id,
        count,
    )
    participants = await db.pool().fetch(
        "INSERT INTO participant (contest_id, person_id, division_id, unit_id, shown_name, "
        "entered_at) SELECT $1, id, $2, $3, 'Lò Thị M.', now() FROM unnest($4::bigint[]) AS p (id) "
        "RETURNING id",
        stage.contest_id,
        stage.division_id,
        stage.unit_id,
        [row["id"] for row in person_ids],
    )
    dice = random.Random(participants[0]["id"])
    at = db.database_clock().now()
    rows = []
    for row in participants:
        closed_at = at - timedelta(milliseconds=dice.randrange(1, 3_600_000))
        taken = timedelta(milliseconds=dice.randrange(60_000, 1_200_000))
        rows.append(
            (uuid4(), row["id"], f"{dice.getrandbits(128):032x}", _guesses(stage, dice),
             closed_at - taken, closed_at, f"B{row['id']}")
        )  # fmt: skip
    await db.pool().execute(
        "INSERT INTO attempt (id, participant_id, round_id, number, division_id, unit_id, pool_id, "
        "seed, drawing_version, rules_version, state, opening, answers, saved_seq, started_at, "
        "deadline_at, closed_at, receipt, is_scored) "
        "SELECT b.id, b.participant_id, $1, 1, $2, $3, $4, b.seed, 1, 1, 'submitted', 1, "
        "b.answers, 1, b.started_at, b.closed_at, b.closed_at, b.receipt, false "
        "FROM unnest($5::uuid[], $6::bigint[], $7::text[], $8::jsonb[], $9::timestamptz[], "
        "$10::timestamptz[], $11::text[]) "
        "AS b (id, participant_id, seed, answers, started_at, closed_at, receipt)",
        stage.round_id,
        stage.division_id,
        stage.unit_id,
        stage.pool_id,
        *(list(column) for column in zip(*rows, strict=True)),
    )


def _guesses(stage: Stage, dice: random.Random) -> dict[str, list[int]]:
    return {
        str(position): [dice.randrange(1, 5)]
        for position in range(1, stage.pool.question_count + 1)
    }


async def _sampled(stage: Stage) -> Sequence[Any]:
    return await db.pool().fetch(
        "SELECT a.id, a.seed, a.answers, s.points, s.correct_count, s.question_count "
        "FROM attempt a JOIN score s ON s.attempt_id = a.id "
        "WHERE a.round_id = $1 AND a.pool_id = $2 ORDER BY a.id LIMIT $3",
        stage.round_id,
        stage.pool_id,
        SAMPLE,
    )


async def _most_asked(stage: Stage) -> int:
    """The question that most papers have: the dearest one to mend."""
    asked: Counter[int] = Counter()
    for row in await _sampled(stage):
        asked.update(each.question.id for each in drawing.draw(stage.pool, row["seed"]))
    return asked.most_common(1)[0][0]


async def _faults(stage: Stage, overlay: dict[int, Correction]) -> list[str]:
    """Sampled attempts whose score is not what the mended key gives."""
    wrong: list[UUID] = []
    for row in await _sampled(stage):
        right = scoring.score(drawing.draw(stage.pool, row["seed"]), row["answers"], overlay)
        if (right.points, right.correct_count, right.question_count) != tuple(row)[3:]:
            wrong.append(row["id"])
    return [f"attempt {each} has another score than the mended key gives" for each in wrong]


async def _until(question: str, *arguments: object) -> None:
    """The stack's worker may have taken the job first."""
    while not await db.pool().fetchval(question, *arguments):  # noqa: ASYNC110 — the fact is in the database
        await asyncio.sleep(POLL_SECONDS)
