"""How fast does the worker score what a whole province has handed in? (QL5, QL8)

The attempts appear in the tables at once, as after the last minute of a round; the doorbell rings,
and the stack's own worker does the rest: scores, standings, buckets, tallies, participation. It is
done again with attempts that were never handed in, which have to be closed first, and with ten times
as many scored attempts in the same round. The ceiling is one SQL statement that marks the same answers against a key that is the same for everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from core import db
from core.queue import close_queue, enqueue, open_queue
from loadtest.bench.laying import (
    Stage,
    differences,
    find_stage,
    lay_attempts,
    lay_scored,
    lay_waiting,
    wrong_scores,
)
from loadtest.cpu import Meter, Used, yardstick_ms
from loadtest.report import Figures, Outcome, say, sync_ms
from loadtest.stack import Program, Stack

FULL, SMALL = 100_000, 300
GOAL_SECONDS = 10.0  # QL5
GOAL_SCALE = 1.3  # QL8: at ten times the data
TIMES = 10
POLL_SECONDS = 0.1
GIVE_UP_SECONDS = 300.0
START_SECONDS = 5.0  # of a worker

_WAITS = (
    "SELECT EXISTS (SELECT FROM unscored) "
    "OR EXISTS (SELECT FROM attempt WHERE state = 'open' "
    "AND deadline_at < now() - interval '1 minute')"
)
_CEILING = """
CREATE TABLE bench_ceiling AS
SELECT a.id, a.participant_id, count(*) FILTER (WHERE given.value = '[1]'::jsonb) AS correct_count
FROM unscored u JOIN attempt a ON a.id = u.attempt_id, jsonb_each(a.answers) given
GROUP BY a.id
"""


@dataclass(frozen=True)
class Done:
    """One batch of attempts, from the moment at which they were there to the last commit."""

    seconds: float
    used: Used


def people_needed(*, small: bool) -> int:  # noqa: ARG001 — every bench answers this
    """Nobody signs in here, but a crowd has at least one."""
    return 1


def bench_scoring(stack: Stack, *, small: bool) -> Outcome:
    return asyncio.run(_measure(stack, SMALL if small else FULL))


async def _measure(stack: Stack, count: int) -> Outcome:
    await db.open_database(stack.database_url)
    open_queue(stack.addresses.redis_url)
    try:
        stage = await find_stage()
        await _until_scored(since=time.monotonic())
        floor_ms = sync_ms(stack.folder)
        await lay_scored(stage, count)
        ceiling = await _lay_below_ceiling(stage, count)
        once = await _score(stack, count)
        await lay_waiting(stage, count, is_open=True)
        expired = await _score(stack, count, are_open=True)
        async with _second_worker(stack) as second:
            await lay_waiting(stage, count)
            two = await _score(stack, count, second)
        await lay_scored(stage, (TIMES - 4) * count)
        await lay_waiting(stage, count)
        many = await _score(stack, count)
        faults = await wrong_scores(stage) + await differences()
    finally:
        await close_queue()
        await db.close_database()
    return Outcome(_figures(count, once, expired, two, many, ceiling) | {
        "errors": 0,
        "lost": len(faults),
        "sync_ms": floor_ms,
    }, faults)  # fmt: skip


def _figures(
    count: int, once: Done, expired: Done, two: Done, many: Done, ceiling: float
) -> Figures:
    return {
        "attempts": count,
        **_speed(once, count),
        "goal_seconds": GOAL_SECONDS,
        "ceiling_seconds": round(ceiling, 2),
        "expired_seconds": round(expired.seconds, 2),
        "two_workers": _speed(two, count),
        "at_10x": _speed(many, count),
        "scale_ratio": round(many.used.total / once.used.total, 2),
        "goal_scale": GOAL_SCALE,
        "yardstick_ms": round(yardstick_ms(), 2),
    }


def _speed(done: Done, count: int) -> Mapping[str, float]:
    """With CPU milliseconds an attempt."""
    used = done.used
    return {
        "seconds": round(done.seconds, 2),
        "per_s": round(count / done.seconds),
        "cpu_ms_per_attempt": round(used.total / count * 1000, 4),
        **{f"{part}_ms": round(used.by_part[part] / count * 1000, 4)
           for part in ("worker", "postgres")},
    }  # fmt: skip


@contextlib.asynccontextmanager
async def _second_worker(stack: Stack) -> AsyncIterator[Program]:
    """Beside the stack's own, as where one core is not to be all that scoring has."""
    program = Program("worker_beside", "work", stack.folder, stack.environment)
    program.start()
    try:
        await asyncio.sleep(START_SECONDS)
        yield program
    finally:
        program.stop()


async def _score(stack: Stack, count: int, *more_workers: Program, are_open: bool = False) -> Done:
    """Let the workers score what has just been laid, after closing those that are open."""
    workers = [*stack.pids["worker"], *(program.pid for program in more_workers)]
    meter = Meter({"worker": workers, "postgres": stack.pids["postgres"]})
    began = time.monotonic()
    enqueue("close_expired_attempts" if are_open else "score_attempts")
    await _until_scored(since=began)
    done = Done(time.monotonic() - began, meter.stop())
    say(f"{count} attempts {'closed and ' * are_open}scored in {done.seconds:.1f} s")
    return done


async def _until_scored(*, since: float) -> None:
    while await db.pool().fetchval(_WAITS):
        if time.monotonic() - since > GIVE_UP_SECONDS:
            msg = f"attempts still wait for their scores after {GIVE_UP_SECONDS:.0f} s"
            raise TimeoutError(msg)
        await asyncio.sleep(POLL_SECONDS)


async def _lay_below_ceiling(stage: Stage, count: int) -> float:
    """Lay attempts that wait; the seconds of one statement over them before anybody sees them."""
    async with db.pool().acquire() as connection, connection.transaction():
        await lay_attempts(connection, stage, count)
        began = time.monotonic()
        await connection.execute(_CEILING)
        seconds = time.monotonic() - began
        await connection.execute("DROP TABLE bench_ceiling")
        return seconds
