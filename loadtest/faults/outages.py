"""What if PostgreSQL is away for a minute, says nothing for a while, or has no room left to write?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import asyncpg

from core.errors import Refusal
from loadtest.cpu import children
from loadtest.faults import broken
from loadtest.faults.load import WAITED_TOO_LONG_SECONDS, Load
from loadtest.faults.trial import GIVE_UP_SECONDS, Fault, Needs, Seen, start_carelessly, tell
from loadtest.report import Figures
from loadtest.stack import Person, Stack

# A demonstration province with its log takes a quarter of it; the rest is filled on purpose.
DISK_MEGABYTES = 512
SEGMENTS = 40  # more than PostgreSQL keeps for later use


def be_away(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    refusing, silent = (3.0, 1.0) if small else (60.0, 45.0)

    def story(stack: Stack, load: Load) -> Figures:
        load.wait(1)
        _refuse(stack, load, refusing)
        load.wait(3)
        _fall_silent(stack, load, silent)
        load.wait(2)
        return {"refusing_s": refusing, "silent_s": silent}

    return _answered_in_time(tell(stack, people, story))


def be_away_carelessly(stack: Stack, people: Sequence[Person], _small: bool) -> Seen:
    return _careless(stack, people, lambda load: _refuse(stack, load, 1.0, _fell(stack)))


def fill_disk(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    full = 2.0 if small else 45.0

    def story(stack: Stack, load: Load) -> Figures:
        load.wait(1)
        failed = _fill(stack, load, full)
        load.wait(2)
        return {"full_s": full, "writes_failed": failed}

    seen = _answered_in_time(tell(stack, people, story))
    if not seen.figures["writes_failed"]:
        seen.complaints.append("the disk was never full")
    return seen


def fill_disk_carelessly(stack: Stack, people: Sequence[Person], _small: bool) -> Seen:
    return _careless(stack, people, lambda load: _fill(stack, load, 1.0, _fell(stack)))


def _careless(stack: Stack, people: Sequence[Person], breaking: Callable[[Load], object]) -> Seen:
    """Web processes that answered before the commit die with what they have not written."""
    start_carelessly(stack, stack.web, broken.reply_before_commit)

    def story(stack: Stack, load: Load) -> Figures:
        load.wait_acknowledged(len(people))
        breaking(load)
        for program in stack.web:
            program.start()
        for program in stack.web:
            program.wait_serving()
        load.wait(1)
        return {}

    return tell(stack, people, story)


def _fell(stack: Stack) -> Callable[[], None]:
    def fell() -> None:
        for program in stack.web:
            program.kill()

    return fell


def _refuse(
    stack: Stack, load: Load, seconds: float, meanwhile: Callable[[], None] | None = None
) -> None:
    """PostgreSQL is stopped, as for an upgrade or when its machine goes: nobody listens."""
    os.kill(stack.servers.pids["postgresql"], signal.SIGINT)
    load.wait(seconds)
    if meanwhile is not None:
        meanwhile()
    while stack.servers.revive() is None:
        time.sleep(0.05)
    if meanwhile is None:
        load.wait_recovered(load.journal.mark(), GIVE_UP_SECONDS)


def _fall_silent(stack: Stack, load: Load, seconds: float) -> None:
    """Connections stay open and nothing comes back, as when the network swallows packets."""
    server = stack.servers.pids["postgresql"]
    stopped = [server, *children(server)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    load.wait(seconds)
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    load.wait_recovered(load.journal.mark(), GIVE_UP_SECONDS)


def _fill(
    stack: Stack, load: Load, seconds: float, meanwhile: Callable[[], None] | None = None
) -> int:
    """Take all the room there is, have PostgreSQL ask for more, and give the room back."""
    data = stack.folder / "postgresql"
    filler = data / "filler"
    _take_all_room(filler)
    failed = asyncio.run(_want_segments(stack.database_url))
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at:
        _try_to_revive(stack)
        load.wait(0.5)
    if meanwhile is not None:
        meanwhile()
    filler.unlink()
    mark = load.journal.mark()
    while mark.recovered_at is None and time.monotonic() < mark.at + GIVE_UP_SECONDS:
        _try_to_revive(stack)
        if meanwhile is not None:
            break
        load.wait(0.2)
    if meanwhile is not None:
        load.journal.marks.clear()
    return failed


def _take_all_room(filler: Path) -> None:
    taken = 0
    with filler.open("wb") as file:
        for piece in (2**20, 2**12):  # PostgreSQL takes from the same room meanwhile
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), taken, piece)
                    taken += piece


def _try_to_revive(stack: Stack) -> None:
    with contextlib.suppress(Refusal):  # still no room to start in: the supervisor tries on, too
        stack.servers.revive()


async def _want_segments(database_url: str) -> int:
    """Begin new segments of the log until there is no room for one; 1 when it came to that."""
    connection = await asyncpg.connect(database_url)
    try:
        for _ in range(SEGMENTS):
            await connection.execute("CREATE TABLE room AS SELECT repeat('x', 1000) AS x")
            await connection.execute("DROP TABLE room")
            await connection.execute("SELECT pg_switch_wal()")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return 1
    finally:
        connection.terminate()
    return 0


def _answered_in_time(seen: Seen) -> Seen:
    longest = seen.figures["longest_answer_ms"]
    if longest > WAITED_TOO_LONG_SECONDS * 1000:
        seen.complaints.append(f"somebody waited {longest} ms for an answer to a save")
    if seen.figures["recovered_ms"] is None:
        seen.complaints.append("no save was kept any more afterwards")
    return seen


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """PostgreSQL's folder on a file system of its own, in memory, for as long as the run takes."""
    data = folder / "postgresql"
    data.mkdir()
    _mount(data)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=False)


def no_small_disk() -> str | None:
    """Why this machine lets nobody make a small disk, if it does not."""
    if os.geteuid() != 0:
        return "a small disk of its own needs root"
    with tempfile.TemporaryDirectory() as probe:
        try:
            _mount(Path(probe))
        except (OSError, subprocess.CalledProcessError) as error:
            return f"mount is not allowed here: {error}"
        subprocess.run(["umount", probe], check=False)
    return None


def _mount(folder: Path) -> None:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "hieu-so-faults", str(folder)],
        check=True,
        capture_output=True,
    )


AWAY = Fault(be_away, be_away_carelessly, "reply before commit", 64, 8)
DISK = Fault(
    fill_disk, fill_disk_carelessly, "reply before commit", 64, 8,
    needs=Needs(folder=small_disk), skipped=no_small_disk,
)  # fmt: skip
