"""How does one command keep the whole platform running on one machine?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, replace
from types import FrameType

from core import db
from core.errors import Refusal
from core.local import LocalStack, end_with_parent
from core.settings import Settings, require_secret
from web.__main__ import environment, prepare
from web.demo import province

STOP_SECONDS = 25
READY_SECONDS = 60
# A program that ends sooner than this is started again more slowly each time.
SHORT_LIFE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 10.0
REVIVE_PAUSE_SECONDS = 1.0


@dataclass
class Child:
    """One of our programs, started again whenever it ends by itself."""

    name: str
    command: list[str]
    fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_seconds: float = 0.5
    start_at: float = 0.0
    spare: Spare | None = None


@dataclass
class Spare:
    """A web process that has loaded everything and waits for one to fall.

    Of the seconds until people are served again, nearly all are Python loading its modules.
    """

    command: list[str]
    fds: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0

    def keep(self, ready: Settings, children: list[Child]) -> None:
        """Make one once all is quiet, so that it takes nothing from a start."""
        is_there = self.process is not None and self.process.poll() is None
        if is_there or time.monotonic() - self.started_at < SHORT_LIFE_SECONDS:
            return
        if all(_has_settled(child) for child in children):
            self.started_at = time.monotonic()
            self.process = _launch(self.command, self.fds, ready, stdin=subprocess.PIPE)

    def take(self) -> subprocess.Popen[bytes] | None:
        """It serves from now on; None when there is none."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return None
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has just fallen, too: seen at the next look
            process.stdin.write(b"\n")
            process.stdin.close()
        return process


def run_everything(chosen: Settings) -> int:
    """Start servers (unless given), migrate, seed, web and worker; stop all of it on a signal."""
    stopping = _catch_signals()
    stack = LocalStack(chosen.local_path) if chosen.is_embedded else None
    children: list[Child] = []
    listener: socket.socket | None = None
    try:
        listener = _listen(chosen.host, chosen.port)
        ready = _with_servers(chosen, stack)
        prepare(ready)
        if ready.is_demo:
            _seed_once(ready)
        children, spare = _programs(ready, listener)
        for child in children:
            _start(child, ready)
        _say_when_ready(ready, stopping)
        _keep_alive(children, spare, stack, ready, stopping)
    finally:
        _stop(children)
        if listener is not None:
            listener.close()
        if stack is not None:
            stack.stop()
    return 0


def _with_servers(chosen: Settings, stack: LocalStack | None) -> Settings:
    if stack is None:
        require_secret(chosen)
        return chosen
    addresses = stack.start()
    return replace(
        chosen,
        database_url=addresses.database_url,
        redis_url=addresses.redis_url,
        secret_key=require_secret(chosen),
        demo=chosen.is_demo,
    )


def _listen(host: str, port: int) -> socket.socket:
    """The one listening socket that every web process shares, so none of them loses a caller."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Refusal(
            "port_taken",
            f"Không mở được cổng {host}:{port} ({error.strerror}). Hãy đặt PORT khác hoặc dừng "
            f"chương trình đang dùng cổng này. / Cannot listen on {host}:{port}: set another PORT.",
        ) from None
    listener.listen(4096)
    listener.set_inheritable(True)
    return listener


def _programs(ready: Settings, listener: socket.socket) -> tuple[list[Child], Spare]:
    python = [sys.executable, "-m", "web"]
    fd = listener.fileno()
    serve = [*python, "serve", "--fd", str(fd)]
    spare = Spare([*serve, "--when-asked"], (fd,))
    web = [
        Child(f"web {number}", serve, (fd,), spare=spare)
        for number in range(1, max(1, ready.web_processes) + 1)
    ]
    return [*web, Child("worker", [*python, "work"])], spare


def _start(child: Child, ready: Settings) -> None:
    taken = child.spare.take() if child.spare is not None else None
    child.process = taken or _launch(child.command, child.fds, ready)
    child.started_at = time.monotonic()


def _launch(
    command: list[str], fds: tuple[int, ...], ready: Settings, *, stdin: int | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 — our own program
        command,
        env=environment(ready),
        stdin=stdin,
        pass_fds=fds,
        start_new_session=True,  # Ctrl-C reaches only us; we stop the others in order
        preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509 — they must not outlive us
    )


def _has_settled(child: Child) -> bool:
    is_running = child.process is not None and child.process.poll() is None
    return is_running and time.monotonic() - child.started_at > SHORT_LIFE_SECONDS


def _keep_alive(
    children: list[Child],
    spare: Spare,
    stack: LocalStack | None,
    ready: Settings,
    stopping: list[int],
) -> None:
    while not stopping:
        spare.keep(ready, children)
        time.sleep(0.2)
        if stack is not None:
            _revive(stack)
        for child in children:
            if child.process is not None and child.process.poll() is not None:
                _plan_restart(child)
            if child.process is None and time.monotonic() >= child.start_at:
                _start(child, ready)


def _revive(stack: LocalStack) -> None:
    """A server that cannot start (its disk is full) is tried again; web and worker go on meanwhile."""
    try:
        revived = stack.revive()
    except Refusal as refusal:
        print(refusal.sentence, file=sys.stderr)
        time.sleep(REVIVE_PAUSE_SECONDS)
        return
    if revived:
        print(f"{revived} ended by itself; started again", file=sys.stderr)


def _plan_restart(child: Child) -> None:
    assert child.process is not None
    print(f"{child.name} ended with {child.process.returncode}; starting again", file=sys.stderr)
    lived = time.monotonic() - child.started_at
    child.pause_seconds = (
        0.1 if lived > SHORT_LIFE_SECONDS else min(child.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
    )
    child.process = None
    child.start_at = time.monotonic() + child.pause_seconds


def _stop(children: list[Child]) -> None:
    waiting = {each.spare.process for each in children if each.spare is not None}
    running = [
        process
        for process in (*(each.process for each in children), *waiting)
        if process is not None
    ]
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
    give_up_at = time.monotonic() + STOP_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, give_up_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _catch_signals() -> list[int]:
    """A list that holds the number of the signal that asked us to stop."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        if received:
            os._exit(1)  # asked twice: now
        received.append(number)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return received


def _say_when_ready(ready: Settings, stopping: list[int]) -> None:
    host = "127.0.0.1" if ready.host in {"0.0.0.0", "::"} else ready.host  # noqa: S104 — compared, not bound
    address = f"http://{host}:{ready.port}"
    give_up_at = time.monotonic() + READY_SECONDS
    while not stopping and time.monotonic() < give_up_at:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(address + "/", timeout=5),  # noqa: S310 — our own http address
        ):
            print(f"ready {address}", flush=True)
            return
        time.sleep(0.1)


def _seed_once(ready: Settings) -> None:
    async def fill() -> None:
        await db.open_database(ready.database_url)
        try:
            await province.fill_once(ready)
        finally:
            await db.close_database()

    asyncio.run(fill())
