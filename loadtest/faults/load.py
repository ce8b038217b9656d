"""What do people do while something breaks: go on, ask again, and remember what they were told?

Everybody takes one attempt after another, without a pause unless one is asked for. A request that
fails is sent again with the same sequence number, as the browser's script does, so a failure is no
error here: what counts is that everything acknowledged is in the database afterwards. The crowd
lives on a thread of its own, because processes must be started from the main thread: they end with
the thread that made them (core.local.end_with_parent).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from loadtest.client import ANSWER_SECONDS, Answer, Client
from loadtest.player import AskedToWait, Book, Player, StepFailed, read_json
from loadtest.reconciliation import Acknowledged
from loadtest.stack import HOST, Person

SAVES = 20  # as many as a paper has questions, so that each save stays visible in the answers
# The pauses of web/static/play.js: half fixed, half random, and never sooner than Retry-After.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
WAITED_TOO_LONG_SECONDS = 33  # a save is written or refused within 30 s (quiz.attempts)
FINISH_SECONDS = 90
AWAY = frozenset({429, 503})
STEPS_OF_WRITING = frozenset({"save", "submit"})


@dataclass
class Mark:
    """When something was broken, since when it surely is, and the first save after that."""

    at: float
    broken_at: float
    recovered_at: float | None = None

    @property
    def recovered_ms(self) -> float:
        return ((self.recovered_at or float("inf")) - self.at) * 1000


@dataclass
class Journal:
    """What everybody was told in a run."""

    asks_again: bool = True  # otherwise every failed request ends its attempt and fails the run
    book: Book = field(default_factory=Book)
    players: list[Persistent] = field(default_factory=list)
    acknowledged: int = 0  # saves and submissions
    cut_off: int = 0  # requests whose connection broke
    asked_to_wait: int = 0  # before the door
    refused: int = 0  # with a sentence and Retry-After
    longest_answer: float = 0.0  # seconds until a save or submission was answered, or refused
    longest_wait: float = 0.0  # seconds until it was acknowledged, with every further try
    unexplained: list[str] = field(default_factory=list)  # refused without sentence or Retry-After
    marks: list[Mark] = field(default_factory=list)

    def mark(self, at: float | None = None) -> Mark:
        """What began `at` has happened by now; only what is sent from now on tells of recovery."""
        now = time.monotonic()
        made = Mark(now if at is None else at, now)
        self.marks.append(made)
        return made

    def note_acknowledged(self, step: str, first_sent: float, sent: float) -> None:
        at = time.monotonic()
        self.acknowledged += 1
        self.longest_wait = max(self.longest_wait, at - first_sent)
        if step != "save":
            return
        for mark in self.marks[-3:]:
            if mark.recovered_at is None and sent >= mark.broken_at:
                mark.recovered_at = at

    def note_refused(self, step: str, answer: Answer) -> float:
        """The Retry-After; an answer without one, or without words, is a fault of its own."""
        self.refused += 1
        told = answer.header(b"retry-after")
        if answer.status not in AWAY or not told.isdigit() or len(answer.body) < 20:
            self.unexplained.append(f"{step}: {answer.status} {answer.body[:120]!r}")
            return 0.0
        return float(told)


class Persistent(Player):
    """A player who asks again until there is an answer."""

    def __init__(self, port: int, person: Person, journal: Journal) -> None:
        super().__init__(port, person, journal.book)
        self._journal = journal

    async def ask_receipt(self) -> None:
        wanted = self._get(f"{self._path}/ket-qua", self._cookie, accept="application/json")
        self.acknowledged.receipt = read_json(await self._ask("receipt", wanted, 200))["receipt"]

    async def _ask(self, step: str, request: bytes, expected: int) -> Answer:
        journal = self._journal
        first_sent = time.monotonic()
        tries = 0
        while True:
            sent = time.monotonic()
            wait = 0.0
            try:
                answer = await self.client.send(request)
            except OSError as failure:  # TimeoutError is one
                self.client.close()
                journal.cut_off += 1
                if not journal.asks_again:
                    self.acknowledged.is_in_doubt = True
                    raise StepFailed(f"{step}: {failure}") from None
                if isinstance(failure, TimeoutError) and step in STEPS_OF_WRITING:
                    journal.unexplained.append(f"{step}: {failure}")
            else:
                if step in STEPS_OF_WRITING:
                    journal.longest_answer = max(journal.longest_answer, time.monotonic() - sent)
                if answer.status == expected:
                    if step in STEPS_OF_WRITING:
                        journal.note_acknowledged(step, first_sent, sent)
                    self._book.seconds[step].append(time.monotonic() - first_sent)
                    return answer
                if not journal.asks_again or (answer.status < 500 and answer.status not in AWAY):
                    raise StepFailed(f"{step}: {answer.status} {answer.body[:200]!r}")
                wait = journal.note_refused(step, answer)
            tries += 1
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tries - 1))
            pause *= 0.5 + random.random() / 2
            await asyncio.sleep(max(pause, wait * (1 + random.random() * 0.3)))


class Load:
    """A crowd at work behind the main thread's back, from `with` to its end."""

    def __init__(
        self,
        port: int,
        people: Sequence[Person],
        *,
        host: str = HOST,
        patience: float = ANSWER_SECONDS,
        asks_again: bool = True,
        pause: float = 0.0,
    ) -> None:
        self.journal = Journal(asks_again)
        self._pause = pause
        self._host = host
        self._port = port
        self._patience = patience
        self._people = people
        self._is_over = False
        self._thread = ThreadPoolExecutor(1, "crowd")
        self._done: Future[None] | None = None

    def __enter__(self) -> Self:
        self._done = self._thread.submit(asyncio.run, self._everybody())
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Nobody begins anything more; whoever waits for an answer gets it first. May run twice."""
        self._is_over = True
        assert self._done is not None
        self._done.result(FINISH_SECONDS)
        self._thread.shutdown()

    def wait(self, seconds: float) -> None:
        """Let the crowd work; a crowd that has broken down is not waited for."""
        assert self._done is not None
        end_at = time.monotonic() + seconds
        while time.monotonic() < end_at and not self._done.done():
            time.sleep(0.02)

    def wait_acknowledged(self, more: int) -> None:
        """Nothing is learnt from breaking something before anybody relies on it."""
        enough, end_at = self.journal.acknowledged + more, time.monotonic() + FINISH_SECONDS
        while self.journal.acknowledged < enough and time.monotonic() < end_at:
            self.wait(0.02)

    def wait_recovered(self, mark: Mark, seconds: float) -> None:
        end_at = time.monotonic() + seconds
        while mark.recovered_at is None and time.monotonic() < end_at:
            self.wait(0.02)

    async def _everybody(self) -> None:
        await asyncio.gather(*(self._live(person) for person in self._people))

    async def _live(self, person: Person) -> None:
        client = Client(self._host, self._port, patience=self._patience)
        held: dict[UUID, Acknowledged] = {}
        while not self._is_over:
            player = Persistent(self._port, person, self.journal)
            player.client = client
            self.journal.players.append(player)
            try:
                await self._attempt(player, held)
            except AskedToWait:
                pass  # the run is over
            except (StepFailed, ValueError, LookupError) as failure:
                self.journal.book.failures.append(f"{type(failure).__name__}: {failure}")
                client.close()
                await asyncio.sleep(0.2)
        client.close()

    async def _start_in_turn(self, player: Persistent) -> None:
        """After a breakdown a line may have formed before the door."""
        ticket = ""
        while True:
            try:
                await player.start(ticket=ticket)
            except AskedToWait as asked:
                if self._is_over:
                    raise
                ticket = asked.ticket or ticket
                self.journal.asked_to_wait += 1
                await asyncio.sleep(1 + random.random())
            else:
                return

    async def _attempt(self, player: Persistent, held: dict[UUID, Acknowledged]) -> None:
        """`held` is what this person was told of each attempt: a start may resume one."""
        if not self.journal.asks_again:  # whoever watches every request asks for a page, too
            await player.contest_page()
        await self._start_in_turn(player)
        assert player.attempt_id is not None
        player.acknowledged = held.setdefault(player.attempt_id, player.acknowledged)
        await player.paper()
        while player.acknowledged.saved_seq < SAVES:
            if self._is_over:
                return
            await player.save(1)
            await asyncio.sleep(self._pause)
        await player.submit()
        await player.ask_receipt()
