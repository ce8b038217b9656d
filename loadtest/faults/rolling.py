"""Can web processes be replaced one after another, behind the shipped nginx, and nobody notices?"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.faults.load import Load
from loadtest.faults.trial import Fault, Needs, Seen, tell
from loadtest.proxy import NGINX, find_nginx, running_proxy
from loadtest.report import PROJECT, Figures
from loadtest.stack import HOST, Person, Program, Stack, free_ports, wait_ready

UNIT = PROJECT / "deploy" / "systemd" / "hieu-so-web@.service"


@dataclass(frozen=True)
class Size:
    processes: int
    requests: int
    rounds: int  # each replaces every process once
    seconds: float
    pause: float  # on a machine that has nothing left, a start of Python takes half a minute


FULL = Size(processes=3, requests=50_000, rounds=2, seconds=170, pause=0.1)
SMALL = Size(processes=2, requests=300, rounds=1, seconds=60, pause=0.0)


def roll(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    """SIGTERM one after another; each is back before the next one goes."""
    return _roll(stack, people, SMALL if small else FULL, Program.stop, is_careless=False)


def roll_carelessly(stack: Stack, people: Sequence[Person], _small: bool) -> Seen:
    """SIGKILL, before a proxy that does not try another process."""
    return _roll(stack, people, SMALL, Program.kill, is_careless=True)


def _roll(
    stack: Stack,
    people: Sequence[Person],
    size: Size,
    end: Callable[[Program], None],
    *,
    is_careless: bool,
) -> Seen:
    *own_ports, port = free_ports(size.processes + 1)
    behind = {"TRUSTED_PROXIES": HOST, "DRAIN_SECONDS": shipped_drain_seconds()}
    programs = [
        Program(
            f"rolling{own}", "serve", stack.folder,
            {**stack.environment, **behind, "PORT": str(own)},
        )
        for own in own_ports
    ]  # fmt: skip
    addresses = [f"{HOST}:{own}" for own in own_ports]
    folder = stack.folder / f"proxy-{port}"
    folder.mkdir()
    try:
        for program in programs:
            program.start()
        for program, address in zip(programs, addresses, strict=True):
            _wait(stack, program, address)
        with running_proxy(folder, addresses, port=port) as nginx:
            if is_careless:
                _try_no_other(folder, nginx)
            story = _story(size, programs, addresses, end)
            load = Load(port, people, asks_again=False, pause=size.pause)
            seen = tell(stack, people, story, load)
    finally:
        for program in programs:
            if program.process is not None:
                program.kill()
    return seen


def shipped_drain_seconds() -> str:
    """For how long a web process under deploy/systemd serves on after it was told to stop."""
    found = re.search(r"^Environment=DRAIN_SECONDS=(\d+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{UNIT} has no DRAIN_SECONDS any more")
    return found[1]


def _story(
    size: Size,
    programs: Sequence[Program],
    addresses: Sequence[str],
    end: Callable[[Program], None],
) -> Callable[[Stack, Load], Figures]:
    def story(stack: Stack, load: Load) -> Figures:
        began, restarts = time.monotonic(), 0
        book = load.journal.book
        load.wait(0.5)
        while (
            restarts < size.rounds * len(programs) or len(book.all_seconds) < size.requests
        ) and time.monotonic() - began < size.seconds:
            program = programs[restarts % len(programs)]
            end(program)
            program.start()
            _wait(stack, program, addresses[restarts % len(programs)])
            restarts += 1
            load.wait(0.5)
        return {"requests": len(book.all_seconds), "restarts": restarts}

    return story


def _wait(stack: Stack, program: Program, address: str) -> None:
    assert program.process is not None
    wait_ready(stack.folder, program.name, program.process, f"http://{address}/readyz")


def _try_no_other(folder: Path, nginx: int) -> None:
    """A proxy that hands a dead process's refusal on to the visitor."""
    locations = (NGINX / "hieu-so" / "site.conf").read_text(encoding="utf-8")
    careless = [
        "proxy_next_upstream off;" if line.strip().startswith("proxy_next_upstream ") else line
        for line in locations.splitlines()
    ]
    (folder / "site.conf").write_text("\n".join(careless), encoding="utf-8")
    file = folder / "nginx.conf"
    shipped = file.read_text(encoding="utf-8")
    file.write_text(
        shipped.replace(f"{NGINX}/hieu-so/site.conf", f"{folder}/site.conf"), encoding="utf-8"
    )
    os.kill(nginx, signal.SIGHUP)
    time.sleep(0.5)  # its old workers serve what they have begun, its new ones the rest


def no_nginx() -> str | None:
    return None if find_nginx() else "nginx is missing: apt-get install nginx-light"


ROLLING = Fault(
    roll, roll_carelessly, "SIGKILL, before a proxy that does not try another process", 64, 8,
    needs=Needs(web_processes=1), skipped=no_nginx,
)  # fmt: skip
