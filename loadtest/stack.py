"""How does a measurement get a whole platform of its own, on loopback, and leave nothing behind?

Embedded servers in a temporary LOCAL_DIR, the demonstration province, web and worker as real
processes. Everything started here is ended here, by its own number.
"""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.local import Addresses, LocalStack, end_with_parent
from loadtest.prepared import copy_prepared, run_command
from loadtest.report import PROJECT, say

HOST = "127.0.0.1"
SLUG = "tim-hieu-chuyen-doi-so"
READY_SECONDS = 120
STOP_SECONDS = 25
ENTRY = ("-m", "web")
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Person:
    """A signed-up person of the crowd, with the cookie header that signs them in."""

    phone: str
    cookie: str


@dataclass
class Program:
    """One of the platform's own processes, which can be ended and started again."""

    name: str
    command: str  # of `python -m web`
    folder: Path
    environment: Mapping[str, str]
    listener: socket.socket | None = None
    entry: Sequence[str] = ENTRY  # a harness may start the platform through a module of its own
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        fds = () if self.listener is None else (self.listener.fileno(),)
        handed_over = [word for fd in fds for word in ("--fd", str(fd))]
        self.process = start_process(
            self.folder, self.environment, self.name, [*self.entry, self.command, *handed_over], fds
        )

    @property
    def is_serving(self) -> bool:
        """Whether it answers on the shared socket, of which uvicorn makes a copy when it is ready.

        An answer there would not tell: it may be a neighbour's.
        """
        assert self.listener is not None
        wanted = os.fstat(self.listener.fileno()).st_ino
        held = 0
        for link in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                held += link.stat().st_ino == wanted
        return held > 1

    def wait_serving(self) -> None:
        assert self.process is not None
        give_up_at = time.monotonic() + READY_SECONDS
        while time.monotonic() < give_up_at and self.process.poll() is None:
            if self.is_serving:
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} is not ready:\n{_tail(self.folder, self.name)}")

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is written any more."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None:
            stop_process(self.process)


@dataclass(frozen=True)
class Stack:
    """A running platform: where it is, and its parts."""

    folder: Path
    environment: Mapping[str, str]
    port: int
    addresses: Addresses
    past_attempts: int
    crowd: Sequence[Person]
    servers: LocalStack
    web: Sequence[Program]
    workers: Sequence[Program]

    @property
    def database_url(self) -> str:
        return self.addresses.database_url

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pids(self) -> Mapping[str, Sequence[int]]:
        """The process numbers of each part at this moment."""
        servers = self.servers.pids
        return {
            "web": [program.pid for program in self.web],
            "worker": [program.pid for program in self.workers],
            "postgres": [servers["postgresql"]],
            "valkey": [servers["valkey"]],
        }


@contextlib.contextmanager
def running_stack(
    *,
    past_attempts: int,
    people: int,
    web_processes: int = 1,
    worker_processes: int = 1,
    settings: Mapping[str, str] = NO_SETTINGS,
    web_entry: Sequence[str] = ENTRY,
    on_folder: Callable[[Path], AbstractContextManager[None]] = lambda _folder: nullcontext(),
) -> Iterator[Stack]:
    """A ready platform with `past_attempts` in its demonstration data and a crowd of `people`.

    The web processes share one listening socket, as `python -m web run` has it. `settings` are
    environment variables on top of the usual ones; `on_folder` may lay something under LOCAL_DIR
    for as long as the stack runs.
    """
    with contextlib.ExitStack() as ending:
        # Beside the system's temporary files, readable on the way in: root's servers run as nobody.
        folder = Path(tempfile.mkdtemp(prefix="hieu-so-bench-"))
        folder.chmod(0o755)
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        ending.enter_context(on_folder(folder))
        servers = LocalStack(folder)
        ending.callback(servers.stop)
        listener = ending.enter_context(socket.create_server((HOST, 0), backlog=4096))
        port = listener.getsockname()[1]
        environment = {**_environment(folder, port), **settings}
        copy_prepared(folder, past_attempts, _environment(folder, port))
        addresses = servers.start()
        crowd = _make_crowd(environment, folder / "crowd.csv", people)
        web = [
            Program(f"web{number}", "serve", folder, environment, listener, web_entry)
            for number in range(1, web_processes + 1)
        ]
        workers = [
            Program(f"worker{number}", "work", folder, environment)
            for number in range(1, worker_processes + 1)
        ]
        for program in (*web, *workers):
            ending.callback(program.stop)
            program.start()
        stack = Stack(
            folder, environment, port, addresses, past_attempts, crowd, servers, web, workers
        )
        for program in web:
            program.wait_serving()
        said = ", ".join(f"{part} {' '.join(map(str, pid))}" for part, pid in stack.pids.items())
        say(f"stack on port {port}: {said}")
        yield stack


def start_process(
    folder: Path,
    environment: Mapping[str, str],
    name: str,
    arguments: Sequence[str],
    fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """A Python process that ends with us, its words in `folder`/`name`.log."""
    end_with_us: Any = end_with_parent(signal.SIGTERM)
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=fds,
            preexec_fn=end_with_us,  # noqa: PLW1509 — it must not outlive us
        )


def stop_process(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_ready(folder: Path, name: str, process: subprocess.Popen[bytes], address: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with (
            contextlib.suppress(OSError, urllib.error.URLError),
            direct.open(address, timeout=5) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{name} is not ready at {address}:\n{_tail(folder, name)}")


def _tail(folder: Path, name: str) -> str:
    return (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-3000:]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _environment(folder: Path, port: int) -> dict[str, str]:
    """Ours alone: empty values also keep a `.env` file of the tree from leading elsewhere."""
    return {
        **os.environ,
        "LOCAL_DIR": str(folder),
        "DEMO": "1",
        "HOST": HOST,
        "PORT": str(port),
        "PUBLIC_URL": "",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "SECRET_KEY": "",
        "CERTIFICATE_DIR": "",
        "LOG_LEVEL": "warning",
    }


def _make_crowd(environment: Mapping[str, str], file: Path, people: int) -> list[Person]:
    run_command(environment, "seed", "--crowd", str(people), "--out", str(file))
    with file.open(encoding="utf-8", newline="") as rows:
        crowd = [Person(row["phone"], row["cookie"]) for row in csv.DictReader(rows)]
    if len(crowd) < people:
        raise RuntimeError(f"asked for a crowd of {people}, got {len(crowd)}")
    return crowd
