"""What if whole machines vanish in the middle of a rush: one with web processes, one with a worker?

Seven machines on one switch: two with web processes, two with workers, one with PostgreSQL,
PgBouncer and Valkey, nginx before them, and the people. A cable is pulled, so that nobody is told
anything; or everything on a machine is killed at once. The machine comes back with what it held.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from loadtest.client import NO_ANSWER
from loadtest.faults import broken
from loadtest.faults.broken import entry
from loadtest.faults.ledger import read_clock, reckon, wait_scored
from loadtest.faults.load import Load
from loadtest.faults.network import Host, network
from loadtest.faults.trial import GIVE_UP_SECONDS, Seen, weigh
from loadtest.pooler import find_pgbouncer, running_pgbouncer
from loadtest.proxy import find_nginx, running_proxy
from loadtest.report import Figures, Outcome, say
from loadtest.stack import Person, Program, Stack, free_ports, running_stack, wait_ready

NAMES = ("proxy", "web1", "web2", "work1", "work2", "database", "people")
# The paper's script gives a request up after twelve seconds (web/static/play.js).
PATIENCE_SECONDS = 12.0
CARELESS = "a web machine that answers before the commit is killed"


@dataclass(frozen=True)
class Size:
    people: int
    rounds: int
    away_seconds: float
    between: float
    past_attempts: int


FULL = Size(people=100, rounds=6, away_seconds=8.0, between=4.0, past_attempts=2000)
SMALL = Size(people=12, rounds=1, away_seconds=1.0, between=0.5, past_attempts=20)


@dataclass(frozen=True)
class Machine:
    """A host, and what of ours runs on it."""

    host: Host
    program: Program

    def start(self) -> None:
        with self.host.as_ours():
            self.program.start()

    def vanish(self, *, by_cable: bool) -> None:
        if by_cable and self.host.namespace:
            self.host.pull_cable()
        else:
            self.program.kill()

    def come_back(self, *, by_cable: bool) -> None:
        if by_cable and self.host.namespace:
            self.host.plug_cable()
        else:
            self.start()


@dataclass(frozen=True)
class Machines:
    hosts: dict[str, Host]
    stack: Stack  # servers and crowd; its database is reached from its own machine
    web: Sequence[Machine]
    workers: Sequence[Machine]
    port: int  # nginx's


def skipped() -> str | None:
    missing = [
        name
        for name, found in (("nginx", find_nginx()), ("pgbouncer", find_pgbouncer()))
        if not found
    ]
    return f"{' and '.join(missing)} not installed" if missing else None


def run(*, small: bool) -> Outcome:
    if reason := skipped():
        return Outcome({"skipped": reason})
    size = SMALL if small else FULL
    with _machines(size) as machines:
        crowd = machines.stack.crowd
        seen = _rush(machines, crowd[: size.people], size)
        say(f"as it is: {seen.figures}")
        for machine in machines.web:
            machine.program.stop()
            machine.program.entry = entry(broken.reply_before_commit)
            machine.start()
        control = _rush(machines, crowd[size.people :], size, careless=True)
        say(f"careless ({CARELESS}): {control.figures}")
    caught = control.caught
    figures = {
        **seen.figures,
        "machines": len(machines.hosts),
        "by_cable": bool(machines.hosts["web1"].namespace),
        "control": CARELESS,
        "control_caught": bool(caught),
        "control_found": caught[:1],
    }
    blind = [] if caught else [f"the control ({CARELESS}) was not caught"]
    return Outcome(figures, [*seen.faults, *blind])


def _rush(
    machines: Machines, people: Sequence[Person], size: Size, *, careless: bool = False
) -> Seen:
    database = machines.hosts["database"]
    url = machines.stack.database_url
    with database.as_ours():
        since = asyncio.run(read_clock(url))
    _wait_serving(machines)
    load = Load(
        machines.port, people, host=machines.hosts["proxy"].address, patience=PATIENCE_SECONDS
    )
    with machines.hosts["people"].as_ours():
        load.__enter__()  # its thread stays on the machine on which it was made
    try:
        own = (
            _kill_all_at_once(machines, load, size)
            if careless
            else _take_turns(machines, load, size)
        )
    finally:
        load.finish()
    with database.as_ours():
        scored = asyncio.run(wait_scored(url))
        reckoning = asyncio.run(reckon(url, load.journal, since))
    # Whoever was being answered by the machine that vanished hears nothing, and asks again.
    journal = load.journal
    silent = [each for each in journal.unexplained if each.endswith(NO_ANSWER)]
    journal.unexplained = [each for each in journal.unexplained if each not in silent]
    return weigh(journal, reckoning, scored, {"unanswered": len(silent), **own})


def _take_turns(machines: Machines, load: Load, size: Size) -> Figures:
    """Each time another web machine and another worker machine, by cable and by killing."""
    meanwhile = 0
    for number in range(size.rounds):
        load.wait(size.between)
        by_cable = number % 2 == 0
        gone = [machines.web[number // 2 % 2], machines.workers[number // 2 % 2]]
        began, before = time.monotonic(), load.journal.acknowledged
        for machine in gone:
            machine.vanish(by_cable=by_cable)
        mark = load.journal.mark(began)
        load.wait_recovered(mark, GIVE_UP_SECONDS)
        load.wait(size.away_seconds)
        meanwhile += load.journal.acknowledged - before
        for machine in gone:
            machine.come_back(by_cable=by_cable)
        _wait_serving(machines)  # the next to vanish has a neighbour again
    load.wait(size.between)
    return {"vanished": 2 * size.rounds, "acknowledged_meanwhile": meanwhile}


def _kill_all_at_once(machines: Machines, load: Load, size: Size) -> Figures:
    """Nobody is left who could save the same answers again at once."""
    for number in range(3):
        load.wait(size.between)
        for machine in machines.web:
            machine.program.kill()
        for machine in machines.web:
            machine.start()
        load.wait_recovered(load.journal.mark(), GIVE_UP_SECONDS)
        say(f"killed both web machines, {number + 1} of 3")
    return {}


@contextlib.contextmanager
def _machines(size: Size) -> Iterator[Machines]:
    with contextlib.ExitStack() as ending:
        hosts = ending.enter_context(network(NAMES))
        database = hosts["database"]
        pooler_port, web_port, proxy_port = free_ports(3)
        with database.as_ours():
            stack = ending.enter_context(
                running_stack(
                    past_attempts=size.past_attempts,
                    people=2 * size.people,
                    web_processes=0,
                    worker_processes=0,
                )
            )
            asyncio.run(_open_valkey(stack.addresses.redis_url, database.address))
            through, _ = ending.enter_context(
                running_pgbouncer(
                    stack.folder, stack.database_url, host=database.address, port=pooler_port
                )
            )
        web = [
            Machine(hosts[name], _program(stack, hosts, name, "serve", through, web_port))
            for name in ("web1", "web2")
        ]
        workers = [
            Machine(hosts[name], _program(stack, hosts, name, "work", through, web_port))
            for name in ("work1", "work2")
        ]
        for machine in (*web, *workers):
            ending.callback(machine.program.stop)
            machine.start()
        folder = stack.folder / "proxy"
        folder.mkdir()
        with hosts["proxy"].as_ours():
            ending.enter_context(
                running_proxy(
                    folder,
                    [f"{machine.host.address}:{web_port}" for machine in web],
                    host=hosts["proxy"].address,
                    port=proxy_port,
                )
            )
        yield Machines(hosts, stack, web, workers, proxy_port)


def _program(
    stack: Stack, hosts: dict[str, Host], name: str, command: str, database_url: str, port: int
) -> Program:
    """As on a server: no embedded pair, everything by its address."""
    secret = (stack.folder / "secret_key").read_text(encoding="ascii").strip()
    environment = {
        **stack.environment,
        "DATABASE_URL": database_url,
        "PGBOUNCER": "1",
        "REDIS_URL": stack.addresses.redis_url.replace("127.0.0.1", hosts["database"].address),
        "SECRET_KEY": secret,
        "DEMO": "0",
        "HOST": hosts[name].address,
        "PORT": str(port),
        "TRUSTED_PROXIES": hosts["proxy"].address,
    }
    return Program(name, command, stack.folder, environment)


async def _open_valkey(url: str, address: str) -> None:
    """The embedded one listens on loopback alone; its password is the same for all."""
    async with Redis.from_url(url) as redis:
        await redis.config_set("bind", f"127.0.0.1 {address}")


def _wait_serving(machines: Machines) -> None:
    for machine in machines.web:
        program, address = machine.program, machine.host.address
        assert program.process is not None
        with machine.host.as_ours():
            page = f"http://{address}:{program.environment['PORT']}/"
            wait_ready(program.folder, program.name, program.process, page)
