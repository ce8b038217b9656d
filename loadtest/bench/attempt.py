"""What does a whole attempt cost in CPU, in every process, with many people at once? (QL1)

`attempt` lets people play freely; `steps` lets the same crowd take each step together, so that the
cost of an attempt falls apart into its steps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from loadtest.cpu import Meter, Used, yardstick_ms
from loadtest.player import Book, Player, Seats, reconcile
from loadtest.report import Figures, Outcome, latencies_ms, rounded, say, sync_ms, table
from loadtest.stack import HOST, Person, Stack

SAVES = 20
PARTS = ("web", "worker", "postgres", "valkey")
GOAL_MS = 8.0  # QL1
SHORTEST_IDLE_SECONDS, LONGEST_IDLE_SECONDS = 2.0, 60.0
SCORED_SECONDS = 60


@dataclass(frozen=True)
class Size:
    at_once: int
    warm_up: int
    attempts: int


FULL = Size(at_once=64, warm_up=128, attempts=1024)
SMALL = Size(at_once=4, warm_up=4, attempts=8)


def people_needed(*, small: bool) -> int:
    """Each attempt is another person's first: entering and a new standing cost most."""
    size = SMALL if small else FULL
    return size.warm_up + size.attempts


@dataclass(frozen=True)
class Measured:
    busy: Used
    idle: Used
    generator_seconds: float
    yardstick_ms: float
    book: Book
    finished: Sequence[Player]
    lost: Sequence[str]

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.book.failures]


def bench_attempt(stack: Stack, *, small: bool) -> Outcome:
    size = SMALL if small else FULL
    floor_ms = sync_ms(stack.folder)
    measured = asyncio.run(_measure(stack, size))
    return _report(measured, stack, size, floor_ms)


async def _measure(stack: Stack, size: Size) -> Measured:
    warm_up = time.monotonic()
    await _play(stack, size, stack.crowd[: size.warm_up], Book())
    pace = size.warm_up / (time.monotonic() - warm_up)
    meter = Meter(stack.pids)
    await asyncio.sleep(min(max(size.attempts / pace, SHORTEST_IDLE_SECONDS), LONGEST_IDLE_SECONDS))
    idle = meter.stop()
    book = Book()
    before_ms = yardstick_ms()
    generator = time.process_time()
    meter.start()
    players, finished = await _play(stack, size, stack.crowd[size.warm_up :], book)
    busy = meter.stop()
    generator = time.process_time() - generator
    yardstick = (before_ms + yardstick_ms()) / 2
    lost = await reconcile(stack.database_url, players)
    return Measured(busy, idle, generator, yardstick, book, finished, lost)


async def _play(
    stack: Stack, size: Size, people: Sequence[Person], book: Book
) -> tuple[list[Player], list[Player]]:
    """Everybody, and those who came to their score."""
    seats = Seats(HOST, stack.port, size.at_once)
    players = [Player(stack.port, person, book) for person in people]
    finished = await seats.each(players, lambda player: player.play(SAVES), book)
    seats.close()
    return players, finished


def _report(measured: Measured, stack: Stack, size: Size, floor_ms: float) -> Outcome:
    count = max(1, len(measured.finished))
    net = measured.busy.without(measured.idle)
    each_ms = {part: used / count * 1000 for part, used in net.by_part.items()}
    idle_ms = {
        part: used / count * 1000
        for part, used in measured.idle.scaled_to(measured.busy.seconds).by_part.items()
    }
    say(
        table(
            ["CPU, ms an attempt", *PARTS, "all"],
            [
                ["loaded", *_cells({p: each_ms[p] + idle_ms[p] for p in PARTS})],
                ["idle, same length", *_cells(idle_ms)],
                ["difference", *_cells(each_ms)],
            ],
        )
    )
    say(_latency_table(measured.book))
    say(
        f"{size.at_once} people at once on {stack.past_attempts} past attempts; disk: a durable "
        f"write takes {floor_ms} ms, the CPU yardstick {measured.yardstick_ms:.2f} ms; "
        "load and generator share the machine's processors"
    )
    figures: Figures = {
        "cpu_ms_per_attempt": round(sum(each_ms.values()), 3),
        **{f"{part}_ms": round(each_ms[part], 3) for part in PARTS},
        "saves_per_attempt": SAVES,
        "goal_ms": GOAL_MS,
        "attempts": len(measured.finished),
        "people_at_once": size.at_once,
        "past_attempts": stack.past_attempts,
        "errors": len(measured.book.failures),
        **latencies_ms(measured.book.all_seconds),
        "attempts_per_s": round(len(measured.finished) / measured.busy.seconds, 1),
        "lost": len(measured.lost),
        "idle_ms": rounded(idle_ms),
        "generator_cpu_share": round(measured.generator_seconds / measured.busy.seconds, 3),
        "sync_ms": floor_ms,
        "yardstick_ms": round(measured.yardstick_ms, 2),
        "seconds": round(measured.busy.seconds, 1),
    }
    return Outcome(figures, measured.faults)


def _cells(by_part: dict[str, float]) -> list[str]:
    return [f"{by_part[part]:.3f}" for part in PARTS] + [f"{sum(by_part.values()):.3f}"]


def _latency_table(book: Book) -> str:
    return table(
        ["request", "times", "p50 ms", "p95 ms", "p99 ms", "max ms"],
        [
            [step, len(seconds), *latencies_ms(seconds).values()]
            for step, seconds in book.seconds.items()
        ],
    )


@dataclass(frozen=True)
class Step:
    name: str
    act: Callable[[Player], Awaitable[None]]
    per_attempt: int = 1


STEPS = [
    Step("contest page", lambda player: player.contest_page()),
    Step("start", lambda player: player.start()),
    Step("paper", lambda player: player.paper()),
    Step("save", lambda player: player.save(SAVES), SAVES),
    Step("submit and scoring", lambda player: player.submit()),
    Step("result as JSON", lambda player: player.result()),
    Step("result page", lambda player: player.result_page()),
]


def bench_steps(stack: Stack, *, small: bool) -> Outcome:
    return asyncio.run(_measure_steps(stack, SMALL if small else FULL))


async def _measure_steps(stack: Stack, size: Size) -> Outcome:
    await _walk(stack, size, stack.crowd[: size.warm_up], Book())
    meter = Meter(stack.pids)
    await asyncio.sleep(SHORTEST_IDLE_SECONDS * (1 if size is SMALL else 5))
    idle = meter.stop()
    book = Book()
    started = time.monotonic()
    players, used = await _walk(stack, size, stack.crowd[size.warm_up :], book)
    seconds = time.monotonic() - started
    yardstick = yardstick_ms()
    lost = await reconcile(stack.database_url, players)
    count = len(players)
    each_ms = {
        name: {part: cost / count * 1000 for part, cost in each.without(idle).by_part.items()}
        for name, each in used.items()
    }
    say(
        table(
            ["CPU, ms an attempt", "times", *PARTS, "all"],
            [[step.name, step.per_attempt, *_cells(each_ms[step.name])] for step in STEPS],
        )
    )
    say(_latency_table(book))
    figures: Figures = {
        "steps": {
            name: rounded({**parts, "all": sum(parts.values())}) for name, parts in each_ms.items()
        },
        "saves_per_attempt": SAVES,
        "yardstick_ms": round(yardstick, 2),
        "attempts": count,
        "errors": len(book.failures),
        "lost": len(lost),
        "seconds": round(seconds, 1),
    }
    return Outcome(figures, [*lost, *book.failures])


async def _walk(
    stack: Stack, size: Size, people: Sequence[Person], book: Book
) -> tuple[list[Player], dict[str, Used]]:
    """Everybody takes the first step, then everybody the second, …"""
    seats = Seats(HOST, stack.port, size.at_once)
    players = [Player(stack.port, person, book) for person in people]
    used = {}
    meter = Meter(stack.pids)
    for step in STEPS:
        meter.start()
        await seats.each(players, step.act, book)
        if step.name.startswith("submit"):
            await _wait_scored(stack)
        used[step.name] = meter.stop()
    seats.close()
    return players, used


async def _wait_scored(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.database_url)
    try:
        async with asyncio.timeout(SCORED_SECONDS):
            while await connection.fetchval(  # noqa: ASYNC110 — the fact is in the database
                "SELECT EXISTS (SELECT FROM unscored)"
            ):
                await asyncio.sleep(0.2)
    finally:
        await connection.close()
