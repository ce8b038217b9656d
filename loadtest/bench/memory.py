"""How much memory does the whole stack take, at rest and after a rush? (QL8)

Proportional set size, of /proc/<pid>/smaps_rollup: a page that several processes share, such as
PostgreSQL's buffers or a library, counts once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.cpu import children
from loadtest.player import Book, Player, Seats, reconcile
from loadtest.report import Figures, Outcome, rounded, say, table
from loadtest.stack import HOST, Stack

GOAL_MB = 500.0  # QL8, of the whole idle stack
SAVES = 20


@dataclass(frozen=True)
class Size:
    at_once: int
    people: int
    idle_seconds: float


FULL = Size(at_once=64, people=1024, idle_seconds=15.0)
SMALL = Size(at_once=4, people=8, idle_seconds=0.5)


def people_needed(*, small: bool) -> int:
    return (SMALL if small else FULL).people


def bench_memory(stack: Stack, *, small: bool) -> Outcome:
    size = SMALL if small else FULL
    started = time.monotonic()
    time.sleep(size.idle_seconds)  # start-up has ended, and the first of the worker's sweeps
    idle = _held(stack.pids)
    book, lost = asyncio.run(_rush(stack, size))
    after = _held(stack.pids)
    say(
        table(
            ["PSS, MB", *idle, "all"],
            [
                [name, *(f"{part:.0f}" for part in held.values()), f"{sum(held.values()):.0f}"]
                for name, held in (("idle", idle), ("after the rush", after))
            ],
        )
    )
    figures: Figures = {
        "idle_mb": round(sum(idle.values()), 1),
        "after_rush_mb": round(sum(after.values()), 1),
        "goal_mb": GOAL_MB,
        "idle_parts_mb": rounded(idle, 1),
        "after_rush_parts_mb": rounded(after, 1),
        "people": size.people,
        "past_attempts": stack.past_attempts,
        "errors": len(book.failures),
        "lost": len(lost),
        "seconds": round(time.monotonic() - started, 1),
    }
    return Outcome(figures, [*lost, *book.failures])


async def _rush(stack: Stack, size: Size) -> tuple[Book, list[str]]:
    """Whole attempts, many at once."""
    book = Book()
    seats = Seats(HOST, stack.port, size.at_once)
    players = [Player(stack.port, person, book) for person in stack.crowd]
    await seats.each(players, lambda player: player.play(SAVES), book)
    seats.close()
    return book, await reconcile(stack.database_url, players)


def _held(parts: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Megabytes by part, of its processes and all that they have started."""
    return {part: sum(_tree_mb(pid) for pid in pids) for part, pids in parts.items()}


def _tree_mb(pid: int) -> float:
    return _pss_mb(pid) + sum(_tree_mb(child) for child in children(pid))


def _pss_mb(pid: int) -> float:
    """0 for a process that has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) / 1024
