"""How many times a CPU second is each page given that a crowd sees, and in how many bytes? (QL8)

Beside them a bare Starlette hello in the same run. Pages that stay the same for everybody come from
memory; the result page is one person's, made anew each time.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtest.bench.bare import running_ceiling
from loadtest.client import Answer, Client, get
from loadtest.cpu import Meter, yardstick_ms
from loadtest.player import Book, Player, Seats
from loadtest.report import Figures, Outcome, latencies_ms, say, table
from loadtest.stack import HOST, SLUG, Stack

PAGES = {
    "home": "/",
    "contest": f"/cuoc-thi/{SLUG}",
    "rules": f"/cuoc-thi/{SLUG}/the-le",
    "board": f"/cuoc-thi/{SLUG}/bang-xep-hang",
    "statistics": f"/cuoc-thi/{SLUG}/thong-ke",
    "results": f"/cuoc-thi/{SLUG}/ket-qua",
    "sign_up": "/dang-ky",
    "sign_in": "/dang-nhap",
}
OK = 200


@dataclass(frozen=True)
class Size:
    at_once: int
    turns: int
    turn_seconds: float


FULL = Size(at_once=16, turns=3, turn_seconds=1.0)
SMALL = Size(at_once=2, turns=1, turn_seconds=0.15)


@dataclass
class Target:
    """One page: how to ask for it, and what its answers cost."""

    name: str
    request: bytes
    port: int
    meter: Meter
    cpu_seconds: float = 0.0
    seconds: list[float] = field(default_factory=list)
    last: Answer | None = None
    failures: list[str] = field(default_factory=list)

    @property
    def per_cpu_s(self) -> float:
        return len(self.seconds) / self.cpu_seconds if self.cpu_seconds else 0.0

    @property
    def body(self) -> bytes:
        return self.last.body if self.last is not None else b""

    @property
    def plain(self) -> bytes:
        packed = self.last is not None and self.last.header(b"content-encoding") == "gzip"
        return gzip.decompress(self.body) if packed else self.body


def people_needed(*, small: bool) -> int:
    """One, who has handed in."""
    del small
    return 1


def bench_page(stack: Stack, *, small: bool) -> Outcome:
    size = SMALL if small else FULL
    with running_ceiling(stack) as bare:
        pids = {"web": stack.pids["web"], "postgres": stack.pids["postgres"]}
        player, book = asyncio.run(_hand_in(stack))
        asked = {name: get(path, stack.port) for name, path in PAGES.items()}
        result = f"/bai-thi/{player.attempt_id}/ket-qua"
        asked["own_result"] = get(result, stack.port, cookie=player.cookie)
        targets = [
            Target(name, request, stack.port, Meter(pids)) for name, request in asked.items()
        ]
        hello = Target("hello", get("/hello", bare.port), bare.port, Meter({"web": [bare.pid]}))
        started = time.monotonic()
        asyncio.run(_measure([hello, *targets], size))
        seconds = time.monotonic() - started
    return _report(hello, targets, stack, book, seconds)


async def _hand_in(stack: Stack) -> tuple[Player, Book]:
    book = Book()
    seats = Seats(HOST, stack.port, 1)
    player = Player(stack.port, stack.crowd[0], book)
    await seats.each([player], lambda each: each.play(2), book)
    seats.close()
    return player, book


async def _measure(targets: Sequence[Target], size: Size) -> None:
    """One after another, several times over, so that whatever the machine does meets them all."""
    for target in targets:
        await _ask(target, size, 0.1)
        target.cpu_seconds = 0.0
        target.seconds.clear()
    for _ in range(size.turns):
        for target in targets:
            await _ask(target, size, size.turn_seconds)


async def _ask(target: Target, size: Size, seconds: float) -> None:
    clients = [Client(HOST, target.port) for _ in range(size.at_once)]
    target.meter.start()
    end_at = time.perf_counter() + seconds
    await asyncio.gather(*(_keep_asking(client, target, end_at) for client in clients))
    target.cpu_seconds += target.meter.stop().total
    for client in clients:
        client.close()


async def _keep_asking(client: Client, target: Target, end_at: float) -> None:
    while (started := time.perf_counter()) < end_at:
        try:
            target.last = await client.send(target.request)
        except (OSError, ValueError) as failure:
            target.failures.append(f"{target.name}: {type(failure).__name__}: {failure}")
            return
        if target.last.status != OK:
            target.failures.append(f"{target.name}: {target.last.status}")
            return
        target.seconds.append(time.perf_counter() - started)


def _report(
    hello: Target, targets: Sequence[Target], stack: Stack, book: Book, seconds: float
) -> Outcome:
    say(
        table(
            ["page", "a CPU second", "of a hello", "CPU ms", "bytes packed", "bytes plain", "p50 ms"],
            [
                [each.name, round(each.per_cpu_s), f"{each.per_cpu_s / hello.per_cpu_s:.0%}",
                 f"{1000 / each.per_cpu_s:.3f}", len(each.body), len(each.plain),
                 latencies_ms(each.seconds)["p50_ms"]]
                for each in (hello, *targets) if each.per_cpu_s and hello.per_cpu_s
            ],
        )
    )  # fmt: skip
    failures = [*book.failures, *(each for target in (hello, *targets) for each in target.failures)]
    figures: Figures = {
        "pages": {
            each.name: {
                "per_cpu_s": round(each.per_cpu_s),
                "bytes": len(each.plain),
                "gzip_bytes": len(each.body),
            }
            for each in targets
        },
        "cpu_ms_a_page": round(
            sum(1000 / each.per_cpu_s for each in targets if each.per_cpu_s) / len(targets), 4
        ),
        "hello_per_cpu_s": round(hello.per_cpu_s),
        **latencies_ms(sorted(one for each in targets for one in each.seconds)),
        "requests": sum(len(each.seconds) for each in targets),
        "past_attempts": stack.past_attempts,
        "errors": len(failures),
        "lost": 0,
        "yardstick_ms": round(yardstick_ms(), 2),
        "seconds": round(seconds, 1),
    }
    return Outcome(figures, failures)
