"""Plays the crowd of a rehearsal: `python -m loadtest.rehearse`, started by the worker that runs it.

It speaks only HTTP, to the address that it is told, as the people that it is given. The plan comes
as JSON on standard input; once a second a line of JSON says how far it is, and the last line what
it saw. The first answer that turns somebody away (a waiting room, 429, 503) stops it at once: then
real people would be turned away too. It asks once a second for what is turned away before anybody
is kept from beginning.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.client import Answer, Client, get
from loadtest.player import Book, Player, StepFailed
from loadtest.stack import Person

# The consent that the door asks for of whoever has not given it.
AGREES = b"dong_y_du_le=1"
TELL_SECONDS = 1.0
TURNING_AWAY = (429, 503)
WAITING_ROOM = "/cho"
MOST_FAILURES_TOLD = 20


@dataclass(frozen=True)
class Orders:
    """What the worker wants to be played."""

    host: str
    port: int
    slug: str
    cookies: Sequence[str]
    starts_per_second: float
    answering_seconds: float


class TurnedAway(Exception):
    """The platform protects those who are inside: the rehearsal has shown enough."""


class Guest(Player):
    """A player who sees when the doors are being shut, and thinks before each answer."""

    async def attend(self, answering_seconds: float) -> None:
        await self.contest_page()
        await self.start(AGREES)
        await self.paper()
        pause = answering_seconds / self._positions
        for _ in range(self._positions):
            await asyncio.sleep(pause)
            await self.save(1)
        await self.submit()
        await self.result()

    async def _ask(self, step: str, request: bytes, expected: int) -> Answer:
        started = time.perf_counter()
        answer = await self.client.send(request)
        self._book.seconds[step].append(time.perf_counter() - started)
        if answer.status in TURNING_AWAY or answer.header(b"location").partition("?")[0].endswith(
            WAITING_ROOM
        ):
            raise TurnedAway
        if answer.status != expected:
            raise StepFailed(f"{step}: {answer.status}")
        return answer


class Crowd:
    """Everybody who comes, and what they were told."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._book = Book()
        self._guests: list[Guest] = []
        self._handed_in = 0
        self._turned_away = asyncio.Event()

    async def play(self) -> dict[str, Any]:
        telling = asyncio.create_task(self._tell())
        coming = asyncio.create_task(self._come())
        watching = asyncio.create_task(self._watch())
        away = asyncio.create_task(self._turned_away.wait())
        await asyncio.wait([coming, away], return_when=asyncio.FIRST_COMPLETED)
        tasks = (coming, away, watching, telling)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return self._seen()

    async def _come(self) -> None:
        """Arrivals do not wait for each other: a slow platform meets as many as a fast one."""
        async with asyncio.TaskGroup() as guests:
            begun = time.monotonic()
            for number, cookie in enumerate(self._orders.cookies):
                due = begun + number / self._orders.starts_per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                guests.create_task(self._attend(cookie))

    async def _attend(self, cookie: str) -> None:
        orders = self._orders
        client = Client(orders.host, orders.port)
        guest = Guest(
            orders.port, Person("", cookie), self._book, host=orders.host, slug=orders.slug
        )
        guest.client = client
        self._guests.append(guest)
        try:
            await guest.attend(orders.answering_seconds)
            self._handed_in += 1
        except TurnedAway:
            self._turned_away.set()
        except (StepFailed, OSError, ValueError, LookupError) as failure:
            self._book.failures.append(f"{type(failure).__name__}: {failure}")
        finally:
            client.close()

    async def _watch(self) -> None:
        """Whether the platform still has time for what it lets go of first: somebody's rank."""
        orders = self._orders
        client = Client(orders.host, orders.port)
        rank = get(
            f"/cuoc-thi/{orders.slug}/vi-tri",
            orders.port,
            cookie=orders.cookies[0],
            host=orders.host,
        )
        while not self._turned_away.is_set():
            with contextlib.suppress(OSError, ValueError):  # a guest tells of it
                if (await client.send(rank)).status in TURNING_AWAY:
                    self._turned_away.set()
            await asyncio.sleep(TELL_SECONDS)

    async def _tell(self) -> None:
        while True:
            say({"progress": self._counts()})
            await asyncio.sleep(TELL_SECONDS)

    def _counts(self) -> dict[str, int]:
        seconds = self._book.seconds
        return {
            "started": sum(guest.attempt_id is not None for guest in self._guests),
            "saves": len(seconds["save"]),
            "handed_in": self._handed_in,
            "failures": len(self._book.failures),
        }

    def _seen(self) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            **self._counts(),
            "is_turned_away": self._turned_away.is_set(),
            "seconds": {step: list(each) for step, each in self._book.seconds.items()},
            "failure_lines": self._book.failures[:MOST_FAILURES_TOLD],
            "acknowledged": {
                str(guest.attempt_id): [
                    guest.acknowledged.saved_seq,
                    guest.acknowledged.receipt,
                ]
                for guest in self._guests
                if guest.attempt_id is not None
            },
            "cpu_seconds": used.ru_utime + used.ru_stime,
        }


def say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection a guest
    orders = Orders(**json.load(sys.stdin))
    started = time.monotonic()
    seen = asyncio.run(Crowd(orders).play())
    say({"seen": seen | {"duration_seconds": time.monotonic() - started}})


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
