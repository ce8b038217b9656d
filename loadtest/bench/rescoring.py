"""How long does it take to mend a wrong key for a hundred thousand attempts? (QL5)

The attempts are laid straight into the tables of the open round and scored by the code that scores
everybody; then one key is proposed, previewed, approved and done. Everything is measured inside one
process that speaks to the stack's PostgreSQL, with the stack's own worker idling beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from core import db
from loadtest.bench.laying import (
    Stage,
    differences,
    find_stage,
    lay_waiting,
    sampled,
    wrong_scores,
)
from loadtest.report import Figures, Outcome, say, sync_ms
from loadtest.stack import Stack
from quiz import rescoring, results
from quiz.corrections import Correction
from quiz.drawing import draw

FULL, SMALL = 100_000, 300
GOAL_SECONDS = 60.0  # QL5, a rescoring
POLL_SECONDS = 0.1


def people_needed(*, small: bool) -> int:  # noqa: ARG001 — every bench answers this
    """Nobody signs in here, but a crowd has at least one."""
    return 1


def bench_rescoring(stack: Stack, *, small: bool) -> Outcome:
    return asyncio.run(_measure(stack, SMALL if small else FULL))


async def _measure(stack: Stack, count: int) -> Outcome:
    floor_ms = sync_ms(stack.folder)
    await db.open_database(stack.database_url)
    try:
        stage = await find_stage()
        await lay_waiting(stage, count)
        scored = time.monotonic()
        while await results.score_waiting():
            pass
        await _until("SELECT NOT EXISTS (SELECT FROM unscored)")
        score_seconds = time.monotonic() - scored
        say(f"{count} attempts scored in {score_seconds:.1f} s")
        return await _mend(stage, count, score_seconds, floor_ms)
    finally:
        await db.close_database()


async def _mend(stage: Stage, count: int, score_seconds: float, floor_ms: float) -> Outcome:
    question = await _most_asked(stage)
    wrong = (min(stage.pool.by_id[question].right_places) + 1) % 2
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
    mended = {question: Correction("rekey", (wrong,))}
    faults = await wrong_scores(stage, mended) + await differences()
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


async def _most_asked(stage: Stage) -> int:
    """The question that most papers have: the dearest one to mend."""
    asked: Counter[int] = Counter()
    for row in await sampled(stage):
        if row["pool_id"] == stage.pool_id:
            asked.update(each.question.id for each in draw(stage.pool, row["seed"]))
    return asked.most_common(1)[0][0]


async def _until(question: str, *arguments: object) -> None:
    """The stack's worker may have taken the job first."""
    while not await db.pool().fetchval(question, *arguments):  # noqa: ASYNC110 — the fact is in the database
        await asyncio.sleep(POLL_SECONDS)
