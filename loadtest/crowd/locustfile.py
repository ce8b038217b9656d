"""The crowd as Locust runs it: `locust -f loadtest/crowd/locustfile.py --plan plan.json`.

`loadtest.load` writes the plan: profile, people, seconds, slug, crowd (a file of phone,cookie),
and folder (where the ledger and the tally go). Each of several generators has its own `--generator`.
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import gevent
from locust import FastHttpUser, LoadTestShape, argument_parser, events, task
from locust.runners import LocalRunner, MasterRunner

from loadtest.crowd.ledger import Ledger
from loadtest.crowd.person import Clock, Person
from loadtest.crowd.profiles import PROFILES, Timeline
from loadtest.crowd.tally import LOOK_SECONDS, Tally
from loadtest.crowd.wire import Wire, open_pool

# A worker asks for these once for each of a hundred options, every second in which people come, and
# each time Locust builds its whole parser anew: a third of what a generator cost.
argument_parser.default_args_dict = cache(argument_parser.default_args_dict)


@dataclass(frozen=True)
class Plan:
    """What this process has been asked to play."""

    timeline: Timeline
    slug: str
    crowd: Path
    folder: Path
    generator: int

    def people(self) -> Iterator[str]:
        """The cookies of those that this generator plays: between all of them, each once."""
        with self.crowd.open(encoding="utf-8", newline="") as file:
            cookies = [row["cookie"] for row in csv.DictReader(file)]
        while (number := self._take_number()) < len(cookies):
            yield cookies[number]

    def _take_number(self) -> int:
        """How many have come before; Locust may send more people to one generator than to another."""
        with (self.folder / "come").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            number = file.seek(0, os.SEEK_END)
            file.write(b".")
        return number


def read_plan(path: Path, generator: int) -> Plan:
    said = json.loads(path.read_text(encoding="utf-8"))
    return Plan(
        timeline=Timeline(PROFILES[said["profile"]].over(said["seconds"]), said["people"]),
        slug=said["slug"],
        crowd=Path(said["crowd"]),
        folder=Path(said["folder"]),
        generator=generator,
    )


class Run:
    """What the people of one generator process share."""

    def __init__(self, plan: Plan, host: str, request_event: Any) -> None:
        self.plan = plan
        self.gone = 0
        self._tally = Tally()
        self._wire = Wire(host.rstrip("/"), Citizen.client_pool, request_event, self._tally)
        self._ledger = Ledger(plan.folder, plan.generator)
        self._people = plan.people()
        self._clock = Clock(plan.timeline.ends_at)

    def begin(self) -> None:
        self._clock = Clock(self.plan.timeline.ends_at)
        self._tally.start()
        gevent.spawn(self._watch_itself)

    def end(self) -> None:
        self._tally.write(self.plan.folder, self.plan.generator)

    def person(self) -> Person | None:
        """The next of the crowd; None when all have come."""
        cookie = next(self._people, None)
        if cookie is None:
            return None
        return Person(
            cookie=cookie,
            slug=self.plan.slug,
            profile=self.plan.timeline.profile,
            clock=self._clock,
            wire=self._wire,
            ledger=self._ledger,
            tally=self._tally,
            dice=Random(cookie),
        )

    def _watch_itself(self) -> None:
        while True:
            slept_at = time.monotonic()
            gevent.sleep(LOOK_SECONDS)
            self._tally.look_at_itself(time.monotonic() - slept_at - LOOK_SECONDS)


class Citizen(FastHttpUser):
    """One of the crowd. Its task ends with the run: Locust would send another in its place."""

    client_pool = open_pool()
    run_of_all: Run

    @task
    def live(self) -> None:
        gevent.sleep(Random().random())  # Locust sends everybody of a second at once
        person = self.run_of_all.person()
        if person is not None:
            person.live()
        self.run_of_all.gone += 1
        gevent.sleep(self.run_of_all.plan.timeline.ends_at * 2)


class Arrivals(LoadTestShape):
    """Asked once a second how many have come by now; ends when the last has gone."""

    timeline: Timeline

    def tick(self) -> tuple[int, float] | None:
        elapsed, timeline = self.get_run_time(), self.timeline
        is_alone = isinstance(self.runner, LocalRunner)
        all_gone = is_alone and Citizen.run_of_all.gone >= timeline.people
        if elapsed > timeline.ends_at + 1 or all_gone:
            return None
        come = max(1, timeline.arrived(elapsed + 1))
        return come, max(1.0, float(come - self.get_current_user_count()))


@events.init_command_line_parser.add_listener
def _arguments(parser: ArgumentParser) -> None:
    # A word, not a Path: a master sends its options to the workers.
    parser.add_argument("--plan", required=True, include_in_web_ui=False)
    parser.add_argument("--generator", type=int, default=0, include_in_web_ui=False)


@events.init.add_listener
def _prepare(environment: Any, **_others: Any) -> None:
    options = environment.parsed_options
    plan = read_plan(Path(options.plan), options.generator)
    Arrivals.timeline = plan.timeline
    if isinstance(environment.runner, MasterRunner):
        return  # it only counts
    run = Citizen.run_of_all = Run(plan, environment.host or "", environment.events.request)
    environment.events.test_start.add_listener(lambda **_others: run.begin())
    environment.events.test_stop.add_listener(lambda **_others: run.end())
