"""Who is in time? Saves around a deadline, from clocks that are wrong and over nets that dawdle.

What decides is when a request came in at our server. Each answer carries that moment by the clock
on the wall, which on one machine is PostgreSQL's clock too; it is written outside the platform
(loadtest.faults.broken.observe_arrivals), which itself never looks at that clock for a deadline.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import asyncpg

from loadtest.client import Answer, Client
from loadtest.faults import broken
from loadtest.faults.ledger import Reckoning
from loadtest.faults.trial import ONE_WEB_PROCESS, Fault, Seen, start_carelessly
from loadtest.player import Book, Player, StepFailed, read_json
from loadtest.reconciliation import Acknowledged, reconcile
from loadtest.stack import HOST, Person, Stack

# The offset between the two clocks is known to half a round trip, here well below this.
EQUAL_SECONDS = 0.005
BEFORE_SECONDS, AFTER_SECONDS = 1.0, 0.7
LONGEST_DELAY_SECONDS = 0.5
WORST_CLOCK_SECONDS = 600
DELAYED_SHARE = 0.3
# Rows are held for a while around the deadline, so that saves in time are written after it.
HELD_FROM_SECONDS, HELD_UNTIL_SECONDS = -0.25, 0.25
PAUSE_SECONDS = 0.02
OPTIONS = 2


@dataclass(frozen=True)
class Size:
    saves: int
    seconds: float
    at_once: int  # people of one deadline; whoever has missed one is not let in again so soon


FULL = Size(saves=10_000, seconds=200, at_once=64)
SMALL = Size(saves=100, seconds=10, at_once=8)


@dataclass
class Verdicts:
    accepted: int = 0
    late: int = 0
    undecided: int = 0  # so near that the two clocks' difference could explain either answer
    delayed: int = 0
    wrong: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    kept: dict[UUID, Acknowledged] = field(default_factory=dict)

    @property
    def saves(self) -> int:
        return self.accepted + self.late

    def judge(self, is_accepted: bool, arrived: float, deadline: float) -> None:
        self.accepted += is_accepted
        self.late += not is_accepted
        if abs(arrived - deadline) <= EQUAL_SECONDS:
            self.undecided += 1
        elif is_accepted != (arrived <= deadline):
            said = "kept" if is_accepted else "refused"
            self.wrong.append(f"{said}, having come {(arrived - deadline) * 1000:+.0f} ms after")


class Dawdler(Client):
    """Sends a request in two parts, as a phone with one bar does."""

    async def send_slowly(self, request: bytes, seconds: float) -> Answer:
        wire = self._wire
        if wire is None or wire.transport is None:
            wire = await self._connect()
        assert wire.transport is not None
        cut = random.randrange(1, len(request))
        wire.transport.write(request[:cut])
        await asyncio.sleep(seconds)
        return await self.send(request[cut:])


class Skewed(Player):
    """Saves around the deadline; a clock of its own says when."""

    client: Dawdler

    def save_request(self, seq: int, position: int, option: int, clock: float) -> bytes:
        date = format_datetime(datetime.fromtimestamp(time.time() + clock, UTC), usegmt=True)
        head = self._save_head + f"Date: {date}\r\n".encode()
        form = f"seq={seq}&q{position}={option}&lan={self._opening}".encode()
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(form), form)


def save_around_deadlines(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    verdicts = asyncio.run(_waves(stack, people, SMALL if small else FULL))
    lost = asyncio.run(reconcile(stack.database_url, verdicts.kept))
    figures = {
        "lost": len(lost),
        "duplicates": 0,  # a save has no row of its own
        "recovered_ms": None,  # nothing died
        "acknowledged": verdicts.accepted,
        "saves": verdicts.saves,
        "late": verdicts.late,
        "wrong": len(verdicts.wrong),
        "undecided": verdicts.undecided,
        "delayed": verdicts.delayed,
        "clocks_off_by_s": WORST_CLOCK_SECONDS,
    }
    complaints = verdicts.failures[:5]
    if not (verdicts.accepted and verdicts.late):
        complaints.append("the saves did not straddle a deadline")
    return Seen(figures, Reckoning(lost=lost), complaints, verdicts.wrong[:5])


def judge_carelessly(stack: Stack, people: Sequence[Person], small: bool) -> Seen:
    start_carelessly(stack, stack.web, broken.deadline_in_python)
    return save_around_deadlines(stack, people, small)


async def _waves(stack: Stack, people: Sequence[Person], size: Size) -> Verdicts:
    """Deadline after deadline, each for people of its own, until there are enough saves."""
    verdicts = Verdicts()
    clients = [Dawdler(HOST, stack.port) for _ in range(size.at_once)]
    give_up_at = time.monotonic() + size.seconds
    for first in range(0, len(people) - size.at_once + 1, size.at_once):
        if verdicts.saves >= size.saves or time.monotonic() > give_up_at:
            break
        wave = people[first : first + size.at_once]
        players = [Skewed(stack.port, person, Book()) for person in wave]
        for player, client in zip(players, clients, strict=True):
            player.client = client
        opened = await asyncio.gather(*(_open(player, verdicts) for player in players))
        ids = [each.attempt_id for each in players if each.attempt_id is not None]
        deadline = await _set_deadline(stack.database_url, ids)
        holding = asyncio.create_task(_hold(stack.database_url, ids[::4], deadline))
        await asyncio.gather(
            *(
                _keep_saving(player, verdicts, deadline)
                for player, is_open in zip(players, opened, strict=True)
                if is_open
            )
        )
        await holding
    for client in clients:
        client.close()
    return verdicts


async def _open(player: Skewed, verdicts: Verdicts) -> bool:
    try:
        await player.start()
        await player.paper()
    except (StepFailed, OSError, ValueError) as failure:
        verdicts.failures.append(f"{type(failure).__name__}: {failure}")
        return False
    return True


async def _set_deadline(database_url: str, ids: Sequence[UUID]) -> float:
    """A moment soon for all of them, as an organiser's change would set it."""
    connection = await asyncpg.connect(database_url)
    try:
        at: datetime = await connection.fetchval("SELECT clock_timestamp()")
        at += timedelta(seconds=BEFORE_SECONDS + 0.1)
        await connection.execute(
            "UPDATE attempt SET deadline_at = $2 WHERE id = ANY($1::uuid[])", list(ids), at
        )
    finally:
        await connection.close()
    return at.timestamp()


async def _hold(database_url: str, ids: Sequence[UUID], deadline: float) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await asyncio.sleep(deadline + HELD_FROM_SECONDS - time.time())
        async with connection.transaction():
            await connection.execute(
                "SELECT FROM attempt WHERE id = ANY($1::uuid[]) FOR UPDATE", list(ids)
            )
            await asyncio.sleep(deadline + HELD_UNTIL_SECONDS - time.time())
    finally:
        await connection.close()


async def _keep_saving(player: Skewed, verdicts: Verdicts, deadline: float) -> None:
    assert player.attempt_id is not None
    clock = random.uniform(-WORST_CLOCK_SECONDS, WORST_CLOCK_SECONDS)
    kept = verdicts.kept[player.attempt_id] = Acknowledged()
    await asyncio.sleep(random.random() * 0.1)
    seq = 0
    while time.time() < deadline + AFTER_SECONDS:
        seq += 1
        position, option = seq % 20 + 1, seq % OPTIONS + 1
        request = player.save_request(seq, position, option, clock)
        try:
            if random.random() < DELAYED_SHARE:
                verdicts.delayed += 1
                delay = random.random() * LONGEST_DELAY_SECONDS
                answer = await player.client.send_slowly(request, delay)
            else:
                answer = await player.client.send(request)
        except (OSError, ValueError) as failure:
            verdicts.failures.append(f"{type(failure).__name__}: {failure}")
            return
        if answer.status not in {200, 409}:
            verdicts.failures.append(f"save: {answer.status} {answer.body[:200]!r}")
            return
        arrived = float(answer.header(b"x-request-id").rpartition(broken.ARRIVED)[2])
        verdicts.judge(answer.status == 200, arrived, deadline)
        if answer.status == 200:
            kept.saved_seq = read_json(answer)["saved_seq"]
            kept.answers[str(position)] = [option]
        await asyncio.sleep(PAUSE_SECONDS)


DEADLINE = Fault(
    save_around_deadlines, judge_carelessly, "deadline checked in Python before the write",
    20 * FULL.at_once, 4 * SMALL.at_once, ONE_WEB_PROCESS,
)  # fmt: skip
