"""Which quiz jobs does the worker run? Each looks at the tables and may run twice."""

from __future__ import annotations

from typing import Any

from core import clock
from quiz import (
    attempts,
    extensions,
    finalising,
    leaderboard,
    question_statistics,
    rescoring,
    results,
    suspicions,
)

Context = dict[str, Any]


async def score_attempts(_context: Context) -> int:
    """Score whatever waits, batch after batch."""
    return await results.SCORER.score_all()


async def close_expired_attempts(_context: Context) -> int:
    await extensions.settle_recent()
    return await attempts.close_expired()


async def take_board_snapshots(_context: Context) -> int:
    return await leaderboard.take_snapshots(at=clock.now())


async def mark_provisional_results(_context: Context) -> int:
    return await finalising.mark_provisional()


async def compute_statistics(_context: Context, round_id: int | None = None) -> int:
    """Figures of questions: of the round that somebody asked for, else of one that is due."""
    if round_id is None:
        return await question_statistics.compute_due()
    return await question_statistics.compute(round_id)


async def rescore_waiting(_context: Context) -> int:
    """Previews of proposed corrections, and approved ones."""
    return await rescoring.rescore_waiting()


async def look_for_suspicions(
    _context: Context, round_id: int | None = None, since_us: int = 0
) -> int:
    """In what was handed in lately, or through the whole round that somebody asked for."""
    if round_id is None:
        return await suspicions.look_at_running_rounds()
    return await suspicions.look_again(round_id, since_us)
