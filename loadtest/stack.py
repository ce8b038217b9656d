"""How does a measurement get a whole platform of its own, on loopback, and leave nothing behind?

Embedded servers in a temporary LOCAL_DIR, the demonstration province, one web and one worker
process as real processes. Everything started here is ended here, by its own number.
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.local import LocalStack, end_with_parent
from loadtest.cpu import children
from loadtest.report import PROJECT, say

HOST = "127.0.0.1"
SLUG = "tim-hieu-chuyen-doi-so"
READY_SECONDS = 60
STOP_SECONDS = 25
SEED_SECONDS = 600


@dataclass(frozen=True)
class Person:
    """A signed-up person of the crowd, with the cookie header that signs them in."""

    phone: str
    cookie: str


@dataclass(frozen=True)
class Stack:
    """A running platform: where it is, and the process numbers of its parts."""

    folder: Path
    environment: Mapping[str, str]
    port: int
    database_url: str
    pids: Mapping[str, int]  # web, worker, postgres, valkey
    past_attempts: int
    crowd: Sequence[Person]


@contextlib.contextmanager
def running_stack(*, past_attempts: int, people: int) -> Iterator[Stack]:
    """A ready platform with `past_attempts` in its demonstration data and a crowd of `people`."""
    # Beside the system's temporary files, readable on the way in: root's servers run as nobody.
    folder = Path(tempfile.mkdtemp(prefix="hieu-so-bench-"))
    folder.chmod(0o755)
    servers = LocalStack(folder)
    started: list[subprocess.Popen[bytes]] = []
    try:
        addresses = servers.start()
        (port,) = free_ports(1)
        environment = _environment(folder, port)
        _run(environment, "migrate")
        _run(environment, "seed", "--attempts", str(past_attempts))
        crowd = _make_crowd(environment, folder / "crowd.csv", people)
        web = start_process(folder, environment, "web", ["-m", "web", "serve"])
        started.append(web)
        worker = start_process(folder, environment, "worker", ["-m", "web", "work"])
        started.append(worker)
        wait_ready(folder, "web", web, f"http://{HOST}:{port}/readyz")
        ours = {name: pid for pid, name in children(os.getpid()).items()}
        pids = {
            "web": web.pid,
            "worker": worker.pid,
            "postgres": _named(ours, "postgres"),
            "valkey": _named(ours, "valkey"),
        }
        say(f"stack on port {port}: " + ", ".join(f"{part} {pid}" for part, pid in pids.items()))
        yield Stack(folder, environment, port, addresses.database_url, pids, past_attempts, crowd)
    finally:
        for process in reversed(started):
            stop_process(process)
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


def start_process(
    folder: Path, environment: Mapping[str, str], name: str, arguments: Sequence[str]
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
    tail = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-3000:]
    raise RuntimeError(f"{name} is not ready at {address}:\n{tail}")


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
        "LOG_LEVEL": "warning",
    }


def _run(environment: Mapping[str, str], *arguments: str) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "web", *arguments],
        cwd=PROJECT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=SEED_SECONDS,
    )
    if done.returncode:
        words = (done.stderr or done.stdout)[-3000:]
        raise RuntimeError(f"python -m web {' '.join(arguments)} failed:\n{words}")
    say(f"{' '.join(arguments)}: {time.monotonic() - started:.1f} s")


def _make_crowd(environment: Mapping[str, str], file: Path, people: int) -> list[Person]:
    _run(environment, "seed", "--crowd", str(people), "--out", str(file))
    with file.open(encoding="utf-8", newline="") as rows:
        crowd = [Person(row["phone"], row["cookie"]) for row in csv.DictReader(rows)]
    if len(crowd) < people:
        raise RuntimeError(f"asked for a crowd of {people}, got {len(crowd)}")
    return crowd


def _named(ours: Mapping[str, int], start: str) -> int:
    return next(pid for name, pid in ours.items() if name.startswith(start))
