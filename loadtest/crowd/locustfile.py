"""The crowd as Locust runs it: `locust -f loadtest/crowd/locustfile.py`, set by CROWD_… variables.

`loadtest.load` sets them; they are for its ears only: CROWD_FILE (phone,cookie), CROWD_FOLDER
(where the ledger and the tally go), CROWD_PROFILE, CROWD_PEOPLE, CROWD_SECONDS, CROWD_SLUG, and CROWD_GENERATOR of CROWD_GENERATORS, because each generator plays its own people.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import gevent
from locust import FastHttpUser, LoadTestShape, events, task
from locust.runners import LocalRunner, MasterRunner

from loadtest.crowd.ledger import Ledger
from loadtest.crowd.person import Clock, Person
from loadtest.crowd.profiles import PROFILES, Timeline
from loadtest.crowd.tally import CPU_WINDOW_SECONDS, Tally
from loadtest.crowd.wire import Wire, open_pool

FOLDER = Path(os.environ["CROWD_FOLDER"])
GENERATOR, GENERATORS = int(os.environ["CROWD_GENERATOR"]), int(os.environ["CROWD_GENERATORS"])
SLUG = os.environ["CROWD_SLUG"]
PROFILE = PROFILES[os.environ["CROWD_PROFILE"]].over(float(os.environ["CROWD_SECONDS"]))
TIMELINE = Timeline(PROFILE, int(os.environ["CROWD_PEOPLE"]))


def own_people() -> Iterator[str]:
    """The cookies of the people that this generator plays."""
    with Path(os.environ["CROWD_FILE"]).open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if number % GENERATORS == GENERATOR:
                yield row["cookie"]


class Run:
    """What the people of one generator process share."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.people = own_people()
        self.pool = open_pool()
        self.clock = Clock(TIMELINE.ends_at)
        self.gone = 0
        self._wire: Wire | None = None
        self._ledger: Ledger | None = None

    def begin(self) -> None:
        self.clock = Clock(TIMELINE.ends_at)
        self.tally.start()
        gevent.spawn(self._watch_cpu)

    def person(self, user: FastHttpUser) -> Person | None:
        cookie = next(self.people, None)
        if cookie is None:
            return None
        if self._wire is None or self._ledger is None:
            assert user.host is not None
            event = user.environment.events.request
            self._wire = Wire(user.host.rstrip("/"), self.pool, event, self.tally)
            self._ledger = Ledger(FOLDER, GENERATOR)
        return Person(
            cookie=cookie,
            slug=SLUG,
            profile=PROFILE,
            clock=self.clock,
            wire=self._wire,
            ledger=self._ledger,
            tally=self.tally,
            dice=Random(cookie),
        )

    def _watch_cpu(self) -> None:
        while True:
            gevent.sleep(CPU_WINDOW_SECONDS)
            self.tally.look_at_cpu()


RUN = Run()


class Citizen(FastHttpUser):
    """One of the crowd. Its task ends with the run: Locust would send another in its place."""

    client_pool = RUN.pool

    @task
    def live(self) -> None:
        gevent.sleep(Random().random())
        person = RUN.person(self)
        if person is not None:
            person.live()
        RUN.gone += 1
        gevent.sleep(TIMELINE.ends_at * 2)


class Arrivals(LoadTestShape):
    """Asked once a second how many have come by now; ends when the last has gone."""

    def tick(self) -> tuple[int, float] | None:
        elapsed = self.get_run_time()
        all_gone = isinstance(self.runner, LocalRunner) and RUN.gone >= TIMELINE.people
        if elapsed > TIMELINE.ends_at + 1 or all_gone:
            return None
        come = max(1, TIMELINE.arrived(elapsed + 1))
        return come, max(1.0, float(come - self.get_current_user_count()))


@events.test_start.add_listener
def _begin(environment: Any, **_others: Any) -> None:
    if not isinstance(environment.runner, MasterRunner):
        RUN.begin()


@events.test_stop.add_listener
def _end(environment: Any, **_others: Any) -> None:
    if not isinstance(environment.runner, MasterRunner):
        RUN.tally.write(FOLDER, GENERATOR)
