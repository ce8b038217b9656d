"""What if a process dies without a word: a web process, PostgreSQL, the worker, Valkey?"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from loadtest.cpu import children
from loadtest.faults import broken
from loadtest.faults.ledger import wait_scored
from loadtest.faults.load import Load
from loadtest.faults.trial import (
    GIVE_UP_SECONDS,
    NOTICED_SECONDS,
    ONE_WEB_PROCESS,
    Fault,
    Needs,
    Seen,
    slowest_ms,
    start_carelessly,
    tell,
)
from loadtest.report import Figures
from loadtest.stack import Person, Stack

WEB_GOAL_MS, POSTGRES_GOAL_MS, SCORED_GOAL_SECONDS = 2000, 5000, 30  # QR2
# The longer PostgreSQL has run, the more of its log it must go through again.
UNDISTURBED_SECONDS = 60
LAST_RING_SECONDS = 0.5  # a ring for the last who handed in goes out by then (core.queue)
WORTH_A_KILL = 20  # acknowledgements since the last one


@dataclass(frozen=True)
class Size:
    """So many kills and acknowledgements, but no longer than this."""

    kills: int
    acknowledged: int
    seconds: float
    between: float  # seconds from one kill to the next, at the least


FULL = Size(kills=24, acknowledged=200_000, seconds=190, between=2.0)
SMALL = Size(kills=2, acknowledged=50, seconds=8, between=0.3)


def _size(*, small: bool) -> Size:
    return SMALL if small else FULL


def _go_on(load: Load, size: Size, kills: int, began: float) -> bool:
    enough = kills >= size.kills and load.journal.acknowledged >= size.acknowledged
    return not enough and time.monotonic() - began < size.seconds


def kill_web(
    stack: Stack, people: Sequence[Person], small: bool, *, always_all: bool = False
) -> Seen:
    size = _size(small=small)

    def story(stack: Stack, load: Load) -> Figures:
        began, kills, all_at_once = time.monotonic(), 0, []
        load.wait(size.between)
        while _go_on(load, size, kills, began):
            load.wait_acknowledged(WORTH_A_KILL)
            is_everything = always_all or kills % 4 > 1
            fallen = stack.web if is_everything else [stack.web[kills % len(stack.web)]]
            killed_at = time.monotonic()
            for program in fallen:
                program.kill()
            mark = load.journal.mark(killed_at)
            load.wait(NOTICED_SECONDS)
            for program in fallen:
                program.start()
            load.wait_recovered(mark, GIVE_UP_SECONDS)
            if is_everything:  # a start of Python is in it, so it is told apart
                load.journal.marks.remove(mark)
                all_at_once.append(mark)
            for program in fallen:  # the next to fall has a neighbour again
                program.wait_serving()
            kills += len(fallen)
            load.wait(size.between * (1 + random.random()))
        return {"kills": kills, "all_at_once_recovered_ms": slowest_ms(all_at_once)}

    return _within(tell(stack, people, story), WEB_GOAL_MS)


def kill_web_carelessly(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    start_carelessly(stack, stack.web, broken.reply_before_commit)
    return kill_web(stack, people, small, always_all=True)


def kill_postgres(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    size = _size(small=small)

    def story(stack: Stack, load: Load) -> Figures:
        began, kills, backends = time.monotonic(), 0, 0
        load.wait(size.between)
        while _go_on(load, size, kills, began):
            load.wait_acknowledged(WORTH_A_KILL)
            killed_at = time.monotonic()
            if kills % 4 == 3:
                backends += _kill_backend(stack)
            else:
                _kill_server(stack, "postgresql")
            mark = load.journal.mark(killed_at)
            load.wait_recovered(mark, GIVE_UP_SECONDS)
            kills += 1
            load.wait(size.between * (0.5 + random.random()))
        figures: Figures = {"kills": kills, "of_backends": backends}
        if not small:
            load.wait(UNDISTURBED_SECONDS)
            killed_at = time.monotonic()
            _kill_server(stack, "postgresql")
            mark = load.journal.mark(killed_at)
            load.wait_recovered(mark, GIVE_UP_SECONDS)
            figures |= {"kills": kills + 1, "after_a_minute_recovered_ms": slowest_ms([mark])}
        return figures

    return _within(tell(stack, people, story), POSTGRES_GOAL_MS)


def kill_postgres_carelessly(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    """Commits are answered before they are on disk; what PostgreSQL has in memory dies with it."""
    asyncio.run(_stop_waiting_for_the_disk(stack.database_url))
    return kill_postgres(stack, people, small)


def kill_worker(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    size = _size(small=small)

    def story(stack: Stack, load: Load) -> Figures:
        began, kills, in_the_middle = time.monotonic(), 0, 0
        while _go_on(load, size, kills, began):
            for worker in stack.workers:
                worker.kill()
            load.wait(size.between * (0.5 + random.random()))
            for worker in stack.workers:
                worker.start()
            in_the_middle += asyncio.run(_wait_scoring(stack.database_url))
            kills += len(stack.workers)
        for worker in stack.workers:
            worker.kill()
            worker.start()
        return {"kills": kills + len(stack.workers), "in_the_middle": in_the_middle}

    seen = tell(stack, people, story)
    scored = seen.figures["scored_after_s"]
    seen.figures["recovered_ms"] = None if scored is None else round(scored * 1000)
    if not seen.figures["in_the_middle"]:
        seen.complaints.append("no worker was killed in the middle of scoring")
    return seen


def kill_worker_carelessly(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    start_carelessly(stack, stack.workers, broken.scoring_without_transaction)
    return kill_worker(stack, people, small)


def wipe_valkey(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    rounds, away_seconds = (1, 1.0) if small else (5, 6.0)

    def story(stack: Stack, load: Load) -> Figures:
        without, scored = 0, []
        for number in range(rounds):
            load.wait(away_seconds / 2)
            killed_at, before = time.monotonic(), load.journal.acknowledged
            _kill_server(stack, "valkey", revive=False)
            load.journal.mark(killed_at)
            load.wait(away_seconds)
            without += load.journal.acknowledged - before
            if number == rounds - 1:
                load.finish()  # nobody rings any more: what waits, the sweep must find
                time.sleep(LAST_RING_SECONDS)
            _wipe_valkey(stack)
            stack.servers.revive()
            scored.append(asyncio.run(wait_scored(stack.database_url)))
        waited = None if None in scored else round(max(each or 0.0 for each in scored), 1)
        return {"kills": rounds, "acknowledged_without": without, "scored_after_return_s": waited}

    seen = tell(stack, people, story)
    if not seen.figures["acknowledged_without"]:
        seen.complaints.append("nothing was saved while Valkey was away")
    if seen.figures["scored_after_return_s"] is None:
        seen.complaints.append(f"scoring did not resume within {SCORED_GOAL_SECONDS} s")
    return seen


def wipe_valkey_carelessly(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    start_carelessly(stack, stack.workers, broken.scoring_without_sweep)
    return wipe_valkey(stack, people, small)


def _within(seen: Seen, goal_ms: int) -> Seen:
    took = seen.figures["recovered_ms"]
    seen.figures["goal_ms"] = goal_ms
    if took is None:
        seen.complaints.append("no save was kept any more after a kill")
    return seen


def _kill_server(stack: Stack, name: str, *, revive: bool = True) -> None:
    os.kill(stack.servers.pids[name], signal.SIGKILL)
    if revive:
        time.sleep(NOTICED_SECONDS)
        while stack.servers.revive() is None:
            time.sleep(0.05)


def _kill_backend(stack: Stack) -> int:
    """SIGKILL a process that serves connections: PostgreSQL then ends all others and recovers."""
    serving = [
        pid
        for pid, _ in children(stack.servers.pids["postgresql"]).items()
        if b" 127.0.0.1(" in _command_line(pid)
    ]
    if not serving:
        return 0
    os.kill(random.choice(serving), signal.SIGKILL)
    time.sleep(NOTICED_SECONDS)
    return 1


def _command_line(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 — not a file of anybody's
            return file.read()
    except OSError:
        return b""


def _wipe_valkey(stack: Stack) -> None:
    for found in (stack.folder / "valkey").iterdir():
        if found.is_dir():
            shutil.rmtree(found)
        elif found.name != "valkey.conf":
            found.unlink()


async def _stop_waiting_for_the_disk(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        # Of the database: the server's command line has the setting, which no file overrules.
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        # Nothing is written by the way either, so that a short run shows it too.
        await connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        await connection.execute("ALTER SYSTEM SET wal_writer_flush_after = '1GB'")
        await connection.execute("SELECT pg_reload_conf()")
        # A session reads its settings when it begins.
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def _wait_scoring(database_url: str) -> int:
    """Wait until a worker scores; 1 when something else still waits at that moment."""
    connection = await asyncpg.connect(database_url)
    try:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            row = await connection.fetchrow(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted) "
                "AS is_scoring, EXISTS (SELECT FROM unscored) AS has_more"
            )
            if row is not None and row["is_scoring"] and row["has_more"]:
                return 1
            await asyncio.sleep(0.002)
    finally:
        await connection.close()
    return 0


WEB = Fault(kill_web, kill_web_carelessly, "reply before commit", 64, 8)
POSTGRES = Fault(
    kill_postgres, kill_postgres_carelessly, "synchronous_commit off", 64, 8, ONE_WEB_PROCESS
)
WORKER = Fault(
    kill_worker, kill_worker_carelessly, "claim, scores and counters committed apart", 64, 8,
    needs=Needs(worker_processes=2),
)  # fmt: skip
VALKEY = Fault(
    wipe_valkey, wipe_valkey_carelessly, "scoring rung by the queue alone, without the sweep", 64, 8
)
