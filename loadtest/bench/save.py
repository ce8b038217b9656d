"""How many durable saves a second go through the real route, beside the bare ceiling? (QL1)"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import orjson

from loadtest.bench import ceilings
from loadtest.bench.bare import Bare, running_ceiling
from loadtest.client import Client, post_head, with_form
from loadtest.cpu import Meter, Used, yardstick_ms
from loadtest.player import Book, Player, Seats
from loadtest.report import Figures, Outcome, latencies_ms, say, sync_ms, table
from loadtest.stack import HOST, Stack

GOAL_RATIO = 0.6  # QL1
POSITIONS = 5  # questions that the saves go round; every paper has as many


@dataclass(frozen=True)
class Size:
    open_attempts: int
    connections: int
    turns: int
    turn_seconds: float
    warm_up_seconds: float


FULL = Size(
    open_attempts=1024, connections=64, turns=15, turn_seconds=1.5,
    warm_up_seconds=3.0,
)  # fmt: skip
SMALL = Size(
    open_attempts=16, connections=4, turns=3, turn_seconds=0.4,
    warm_up_seconds=0.2,
)  # fmt: skip


@dataclass
class OpenAttempt:
    """An attempt on one of the two servers, and what that server acknowledged of it."""

    attempt_id: UUID
    head: bytes
    saved_seq: int = 0
    answers: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class Side:
    """One of the two that are compared: the platform or the ceiling."""

    name: str
    table: str
    port: int
    meter: Meter
    attempts: Sequence[OpenAttempt]
    rates: list[float] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    saves: int = 0
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    generator_shares: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def all_cpu_ms(self) -> float:
        return self.cpu_ms("web") + self.cpu_ms("postgres")

    def cpu_ms(self, part: str) -> float:
        return sum(each.by_part[part] for each in self.used) / max(1, self.saves) * 1000


def people_needed(*, small: bool) -> int:
    return (SMALL if small else FULL).open_attempts


def bench_save(stack: Stack, *, small: bool) -> Outcome:
    size = SMALL if small else FULL
    floor_ms = sync_ms(stack.folder)
    opened = asyncio.run(_open_attempts(stack, size))
    with running_ceiling(stack) as bare:
        sides = _sides(stack, opened, bare)
        started = time.monotonic()
        lost = asyncio.run(_compare(stack, size, sides))
        seconds = time.monotonic() - started
    return _report(sides, lost, size, floor_ms, seconds)


async def _open_attempts(stack: Stack, size: Size) -> list[Player]:
    """Everybody starts and opens the paper over HTTP; the ceiling gets a copy of the rows."""
    book = Book()
    seats = Seats(HOST, stack.port, size.connections)
    players = [Player(stack.port, person, book) for person in stack.crowd]

    async def begin(player: Player) -> None:
        await player.start()
        await player.paper()

    opened = await seats.each(players, begin, book)
    seats.close()
    if book.failures:
        raise RuntimeError(f"{len(book.failures)} could not start: {book.failures[0]}")
    connection = await asyncpg.connect(stack.database_url)
    # LIKE leaves the fill factor out, on which cheap updates in place depend.
    stored = await connection.fetchval(
        "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = 'attempt'::regclass"
    )
    await connection.execute(f"CREATE TABLE {ceilings.TABLE} (LIKE attempt INCLUDING ALL)")
    if stored:
        await connection.execute(f"ALTER TABLE {ceilings.TABLE} SET ({stored})")
    await connection.execute(f"INSERT INTO {ceilings.TABLE} SELECT * FROM attempt")  # noqa: S608 — a constant of ours
    await connection.execute(f"ANALYZE {ceilings.TABLE}")
    await connection.execute("ANALYZE attempt")
    await connection.close()
    return opened


def _sides(stack: Stack, opened: Sequence[Player], bare: Bare) -> tuple[Side, Side]:
    def side(name: str, held_in: str, at: int, web: Sequence[int]) -> Side:
        meter = Meter({"web": web, "postgres": stack.pids["postgres"]})
        attempts = [
            OpenAttempt(
                player.attempt_id,
                post_head(
                    f"/bai-thi/{player.attempt_id}/luu",
                    at,
                    accept="application/json",
                    cookie=player.cookie,
                ),
            )
            for player in opened
            if player.attempt_id is not None
        ]
        return Side(name, held_in, at, meter, attempts)

    return (
        side("platform", "attempt", stack.port, stack.pids["web"]),
        side("ceiling", ceilings.TABLE, bare.port, [bare.pid]),
    )


async def _compare(stack: Stack, size: Size, sides: tuple[Side, Side]) -> list[str]:
    """The two in turn, so that whatever the machine does meanwhile meets both."""
    for side in sides:
        await _run(side, size, size.warm_up_seconds)
        side.rates.clear()
        side.used.clear()
        side.seconds.clear()
        side.generator_shares.clear()
        side.saves = 0
    for _ in range(size.turns):
        for side in sides:
            await _run(side, size, size.turn_seconds)
    lost = []
    for side in sides:
        lost += await _reconcile(stack.database_url, side)
    return lost


async def _run(side: Side, size: Size, seconds: float) -> None:
    clients = [Client(HOST, side.port) for _ in range(size.connections)]
    before = len(side.seconds)
    generator = time.process_time()
    side.meter.start()
    end_at = time.perf_counter() + seconds
    await asyncio.gather(
        *(
            _keep_saving(client, side, side.attempts[place :: size.connections], end_at)
            for place, client in enumerate(clients)
        )
    )
    used = side.meter.stop()
    done = len(side.seconds) - before
    side.saves += done
    side.used.append(used)
    side.rates.append(done / used.seconds)
    side.generator_shares.append((time.process_time() - generator) / used.seconds)
    for client in clients:
        client.close()


async def _keep_saving(
    client: Client, side: Side, attempts: Sequence[OpenAttempt], end_at: float
) -> None:
    """One save after another, each of another attempt; stops at the first failure."""
    for attempt in itertools.cycle(attempts):
        started = time.perf_counter()
        if started >= end_at:
            return
        seq = attempt.saved_seq + 1
        position = seq % POSITIONS + 1
        option = seq // POSITIONS % 2 + 1
        form = b"seq=%d&q%d=%d&lan=1" % (seq, position, option)
        try:
            answer = await client.send(with_form(attempt.head, form))
        except (OSError, ValueError) as failure:
            side.failures.append(f"{side.name}: {type(failure).__name__}: {failure}")
            return
        side.seconds.append(time.perf_counter() - started)
        if answer.status != 200 or orjson.loads(answer.body)["saved_seq"] != seq:
            side.failures.append(f"{side.name}: {answer.status} {answer.body[:200]!r}")
            return
        attempt.saved_seq = seq
        attempt.answers[str(position)] = [option]


async def _reconcile(database_url: str, side: Side) -> list[str]:
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        f"SELECT id, saved_seq, answers FROM {side.table} WHERE id = ANY($1::uuid[])",  # noqa: S608 — one of two names of ours
        [attempt.attempt_id for attempt in side.attempts],
    )
    await connection.close()
    kept = {row["id"]: (row["saved_seq"], orjson.loads(row["answers"])) for row in rows}
    return [
        f"{side.name}: attempt {attempt.attempt_id} was acknowledged up to {attempt.saved_seq}, "
        f"the database has {kept.get(attempt.attempt_id)}"
        for attempt in side.attempts
        if kept.get(attempt.attempt_id) != (attempt.saved_seq, attempt.answers)
    ]


def _report(
    sides: tuple[Side, Side], lost: Sequence[str], size: Size, floor_ms: float, seconds: float
) -> Outcome:
    platform, ceiling = sides
    say(
        table(
            ["", "saves/s (median)", "lowest", "highest", "web CPU ms", "postgres CPU ms",
             "p50 ms", "p95 ms", "p99 ms", "max ms", "generator CPU"],
            [
                [side.name, round(side.rate), round(min(side.rates)), round(max(side.rates)),
                 f"{side.cpu_ms('web'):.3f}", f"{side.cpu_ms('postgres'):.3f}",
                 *latencies_ms(side.seconds).values(),
                 f"{statistics.median(side.generator_shares):.0%}"]
                for side in sides
            ],
        )
    )  # fmt: skip
    say(f"the ceiling holds: {ceilings.HOLDS}")
    say(f"the ceiling does not hold: {ceilings.LACKS}")
    say(
        f"{size.connections} connections, {size.open_attempts} open attempts, {size.turns} turns of "
        f"{size.turn_seconds} s each in turn; disk: a durable write takes {floor_ms} ms"
    )
    failures = platform.failures + ceiling.failures
    figures: Figures = {
        "rate": round(platform.rate),
        "ceiling": round(ceiling.rate),
        "ratio": round(platform.rate / ceiling.rate, 3) if ceiling.rate else 0.0,
        "goal_ratio": GOAL_RATIO,
        # The same in CPU time a save, which neighbours on the machine disturb less.
        "cpu_ratio": round(ceiling.all_cpu_ms / platform.all_cpu_ms, 3)
        if platform.all_cpu_ms
        else 0.0,
        **latencies_ms(platform.seconds),
        "ceiling_p99_ms": latencies_ms(ceiling.seconds)["p99_ms"],
        "web_ms": round(platform.cpu_ms("web"), 3),
        "postgres_ms": round(platform.cpu_ms("postgres"), 3),
        "ceiling_web_ms": round(ceiling.cpu_ms("web"), 3),
        "ceiling_postgres_ms": round(ceiling.cpu_ms("postgres"), 3),
        "generator_cpu_share": round(statistics.median(platform.generator_shares), 3),
        "saves": platform.saves,
        "open_attempts": size.open_attempts,
        "connections": size.connections,
        "errors": len(failures),
        "lost": len(lost),
        "sync_ms": floor_ms,
        "yardstick_ms": round(yardstick_ms(), 2),
        "seconds": round(seconds, 1),
    }
    return Outcome(figures, [*lost, *failures])
