"""What does an open door cost: begin an attempt and open its paper, beside the bare ceiling? (QL2)"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from loadtest.bench import ceilings
from loadtest.bench.bare import Bare, running_ceiling
from loadtest.client import Client, get, post_head, with_form
from loadtest.cpu import Meter, Used, yardstick_ms
from loadtest.player import Book, Player, Seats
from loadtest.report import Figures, Outcome, latencies_ms, say, sync_ms, table
from loadtest.stack import HOST, Stack


@dataclass(frozen=True)
class Size:
    at_once: int
    warm_up: int
    turns: int
    a_turn: int


FULL = Size(at_once=64, warm_up=128, turns=8, a_turn=128)
SMALL = Size(at_once=4, warm_up=4, turns=2, a_turn=8)
STEPS = ("start", "paper")


def people_needed(*, small: bool) -> int:
    """Nobody can begin twice."""
    size = SMALL if small else FULL
    return size.warm_up + size.turns * size.a_turn


@dataclass
class Side:
    """The platform or the ceiling: CPU of each step by turn, and how many went through a second."""

    name: str
    meter: Meter
    used: dict[str, list[Used]] = field(default_factory=lambda: {step: [] for step in STEPS})
    rates: list[float] = field(default_factory=list)
    people: int = 0

    def cpu_ms(self, step: str, part: str) -> float:
        used = sum(each.by_part[part] for each in self.used[step])
        return used / max(1, self.people) * 1000

    @property
    def all_cpu_ms(self) -> float:
        return sum(self.cpu_ms(step, part) for step in STEPS for part in ("web", "postgres"))


def bench_start(stack: Stack, *, small: bool) -> Outcome:
    size = SMALL if small else FULL
    floor_ms = sync_ms(stack.folder)
    asyncio.run(_lay_tables(stack.database_url))
    with running_ceiling(stack) as bare:
        return asyncio.run(_measure(stack, size, bare, floor_ms))


async def _lay_tables(database_url: str) -> None:
    """Copies for the ceiling. LIKE leaves the fill factor out, on which cheap updates depend."""
    connection = await asyncpg.connect(database_url)
    for copy, table_name in (
        (ceilings.STARTED_TABLE, "attempt"),
        (ceilings.ENTERED_TABLE, "participant"),
    ):
        options = await connection.fetchval(
            "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = $1::regclass",
            table_name,
        )
        await connection.execute(f"CREATE TABLE {copy} (LIKE {table_name} INCLUDING ALL)")
        if options:
            await connection.execute(f"ALTER TABLE {copy} SET ({options})")
    await connection.close()


async def _measure(stack: Stack, size: Size, bare: Bare, floor_ms: float) -> Outcome:
    postgres = stack.pids["postgres"]
    platform = Side("platform", Meter({"web": stack.pids["web"], "postgres": postgres}))
    ceiling = Side("ceiling", Meter({"web": [bare.pid], "postgres": postgres}))
    book = Book()
    people = [Player(stack.port, person, book) for person in stack.crowd]
    numbers = itertools.count(1)
    await _begin(stack, size, platform, people[: size.warm_up], Book())
    await _bare_begin(size, ceiling, bare, [next(numbers) for _ in range(size.warm_up)])
    for side in (platform, ceiling):
        side.used, side.rates, side.people = {step: [] for step in STEPS}, [], 0
    started = time.monotonic()
    for turn in range(size.turns):
        first = size.warm_up + turn * size.a_turn
        await _begin(stack, size, platform, people[first : first + size.a_turn], book)
        await _bare_begin(size, ceiling, bare, [next(numbers) for _ in range(size.a_turn)])
    seconds = time.monotonic() - started
    lost = await _not_there(stack.database_url, people)
    return _report(stack, size, (platform, ceiling), book, lost, (floor_ms, seconds))


async def _begin(
    stack: Stack, size: Size, side: Side, people: Sequence[Player], book: Book
) -> None:
    seats = Seats(HOST, stack.port, size.at_once)
    try:
        await _take_steps(
            side,
            len(people),
            {
                "start": lambda: seats.each(people, lambda player: player.start(), book),
                "paper": lambda: seats.each(people, lambda player: player.paper(), book),
            },
        )
    finally:
        seats.close()


async def _bare_begin(size: Size, side: Side, bare: Bare, people: Sequence[int]) -> None:
    clients = [Client(HOST, bare.port) for _ in range(size.at_once)]
    papers: list[str] = []

    async def start(client: Client, waiting: Sequence[int]) -> None:
        for person in waiting:
            head = post_head(f"/vao-thi/{person}", bare.port)
            papers.append((await client.send(with_form(head, b""))).header(b"location"))

    async def paper(client: Client, waiting: Sequence[str]) -> None:
        for path in waiting:
            answer = await client.send(get(path, bare.port))
            if answer.status != 200:
                raise RuntimeError(f"the ceiling answered {answer.status}")

    def shared(act: Callable[..., Awaitable[None]], waiting: Sequence[object]) -> Awaitable[object]:
        return asyncio.gather(
            *(act(client, waiting[place :: size.at_once]) for place, client in enumerate(clients))
        )

    await _take_steps(
        side,
        len(people),
        {"start": lambda: shared(start, people), "paper": lambda: shared(paper, papers)},
    )
    for client in clients:
        client.close()


async def _take_steps(
    side: Side, count: int, steps: dict[str, Callable[[], Awaitable[object]]]
) -> None:
    """Everybody takes the first step, then everybody the second."""
    began = time.monotonic()
    for step, act in steps.items():
        side.meter.start()
        await act()
        side.used[step].append(side.meter.stop())
    side.rates.append(count / (time.monotonic() - began))
    side.people += count


async def _not_there(database_url: str, people: Sequence[Player]) -> list[str]:
    """Attempts that the server said were begun and the database does not have open."""
    told = [player.attempt_id for player in people if player.attempt_id is not None]
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT id FROM attempt WHERE id = ANY($1::uuid[]) AND opening >= 1", told
    )
    await connection.close()
    kept = {row["id"] for row in rows}
    return [f"attempt {each} is not in the database" for each in told if each not in kept]


def _report(
    stack: Stack,
    size: Size,
    sides: tuple[Side, Side],
    book: Book,
    lost: Sequence[str],
    taken: tuple[float, float],
) -> Outcome:
    platform, ceiling = sides
    rates = {side.name: statistics.median(side.rates) for side in sides}
    say(
        table(
            ["CPU, ms a person", "start web", "start postgres", "paper web", "paper postgres",
             "all", "people a second"],
            [
                [side.name,
                 *(f"{side.cpu_ms(step, part):.3f}" for step in STEPS for part in ("web", "postgres")),
                 f"{side.all_cpu_ms:.3f}", round(rates[side.name])]
                for side in sides
            ],
        )
    )  # fmt: skip
    figures: Figures = {
        "cpu_ms_per_start": round(platform.all_cpu_ms, 3),
        "ceiling_ms": round(ceiling.all_cpu_ms, 3),
        "start_web_ms": round(platform.cpu_ms("start", "web"), 3),
        "start_postgres_ms": round(platform.cpu_ms("start", "postgres"), 3),
        "paper_web_ms": round(platform.cpu_ms("paper", "web"), 3),
        "paper_postgres_ms": round(platform.cpu_ms("paper", "postgres"), 3),
        "rate": round(rates["platform"]),
        "ceiling": round(rates["ceiling"]),
        "cpu_ratio": round(ceiling.all_cpu_ms / platform.all_cpu_ms, 3)
        if platform.all_cpu_ms
        else 0.0,
        **latencies_ms(book.all_seconds),
        "people": platform.people,
        "people_at_once": size.at_once,
        "past_attempts": stack.past_attempts,
        "errors": len(book.failures),
        "lost": len(lost),
        "sync_ms": taken[0],
        "yardstick_ms": round(yardstick_ms(), 2),
        "seconds": round(taken[1], 1),
    }
    return Outcome(figures, [*lost, *book.failures])
