"""What does one person do over HTTP, from the contest's page to the score?

Every step checks its answer and keeps what the server acknowledged, for `reconcile` to look up.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from loadtest import reconciliation
from loadtest.client import LOOPBACK, Answer, Client, get, post_head, with_form
from loadtest.reconciliation import Acknowledged
from loadtest.stack import SLUG, Person

PREDICTED = 12_345
ATTEMPT_COOKIE = "bai_thi"
FIRST_POLL_SECONDS = 0.25
# The result page asks every two seconds; a bench that waits less also pays for more questions.
POLL_SECONDS = 1.0
MOST_POLLS = 60
_ANSWER_FIELD = re.compile(r'name="q(\d+)"')
_OPENING = re.compile(r'name="lan" value="(\d+)"')


class StepFailed(Exception):
    """A step that the server did not answer as interfaces.md says."""


class AskedToWait(StepFailed):
    """The waiting room: `ticket` is the cookie with the number, "" when none was given anew."""

    def __init__(self, ticket: str) -> None:
        super().__init__("start: asked to wait")
        self.ticket = ticket


@dataclass
class Book:
    """What happened in a run: time of each request by step, and what failed."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)

    @property
    def all_seconds(self) -> list[float]:
        return [each for step in self.seconds.values() for each in step]


class Player:
    """One person at one attempt; the steps in the order in which they stand here."""

    client: Client  # the seat's, while this person sits on it

    def __init__(
        self, port: int, person: Person, book: Book, *, host: str = LOOPBACK, slug: str = SLUG
    ) -> None:
        self._host = host
        self._port = port
        self._contest = f"/cuoc-thi/{slug}"
        self._person = person
        self._book = book
        self._cookie = ""
        self._opening = ""
        self._positions = 20
        self._save_head = b""
        self.attempt_id: UUID | None = None
        self.acknowledged = Acknowledged()

    async def play(self, saves: int) -> None:
        await self.contest_page()
        await self.start()
        await self.paper()
        await self.save(saves)
        await self.submit()
        await self.result()

    async def contest_page(self) -> None:
        await self._ask("contest page", self._get(self._contest, self._person.cookie), 200)

    async def start(self, form: bytes = b"", *, ticket: str = "") -> None:
        cookie = f"{self._person.cookie}; {ticket}" if ticket else self._person.cookie
        head = self._post_head(f"{self._contest}/vao-thi", cookie)
        answer = await self._ask("start", with_form(head, form), 303)
        where = answer.header(b"location")
        if where.partition("?")[0].endswith("/cho"):
            raise AskedToWait(answer.header(b"set-cookie").partition(";")[0])
        try:
            self.attempt_id = UUID(where.rpartition("/")[2])
        except ValueError:
            raise StepFailed(f"start: leads to {where!r}") from None
        self._cookie = answer.cookie(ATTEMPT_COOKIE)
        self._save_head = self._post_head(
            f"{self._path}/luu", self._cookie, accept="application/json"
        )

    async def paper(self) -> None:
        answer = await self._ask("paper", self._get(self._path, self._cookie), 200)
        page = _text(answer)
        opening = _OPENING.search(page)
        positions = {int(found) for found in _ANSWER_FIELD.findall(page)}
        if opening is None or not positions:
            raise StepFailed("paper: no questions or no opening on it")
        self._opening = opening[1]
        self._positions = max(positions)

    async def save(self, times: int) -> None:
        """One answer each, as a person gives them: the position and the option turn."""
        for _ in range(times):
            seq = self.acknowledged.saved_seq + 1
            position = (seq - 1) % self._positions + 1
            option = (seq + position) % 2 + 1
            form = f"seq={seq}&q{position}={option}&lan={self._opening}".encode()
            answer = await self._ask("save", with_form(self._save_head, form), 200)
            told = read_json(answer)
            if told["saved_seq"] != seq:
                raise StepFailed(f"save: {seq} answered with {told['saved_seq']}")
            self.acknowledged.saved_seq = seq
            self.acknowledged.answers[str(position)] = [option]

    async def submit(self) -> None:
        head = self._post_head(f"{self._path}/nop", self._cookie)
        seq = self.acknowledged.saved_seq + 1
        form = f"seq={seq}&lan={self._opening}&du_doan={PREDICTED}".encode()
        await self._ask("submit", with_form(head, form), 303)
        self.acknowledged.saved_seq = seq
        self.acknowledged.prediction = PREDICTED
        self.acknowledged.is_submitted = True

    async def result(self) -> None:
        """Ask until the score is there."""
        wanted = self._get(f"{self._path}/ket-qua", self._cookie, accept="application/json")
        for poll in range(MOST_POLLS):
            told = read_json(await self._ask("result", wanted, 200))
            self.acknowledged.receipt = told["receipt"]
            if told["score"] is not None:
                self.acknowledged.score = told["score"]
                return
            await asyncio.sleep(POLL_SECONDS if poll else FIRST_POLL_SECONDS)
        raise StepFailed(f"result: no score after {MOST_POLLS} questions")

    async def result_page(self) -> None:
        await self._ask("result page", self._get(f"{self._path}/ket-qua", self._cookie), 200)

    @property
    def _path(self) -> str:
        return f"/bai-thi/{self.attempt_id}"

    @property
    def cookie(self) -> str:
        """The attempt's own."""
        return self._cookie

    def _get(self, path: str, cookie: str, *, accept: str = "text/html") -> bytes:
        return get(path, self._port, accept=accept, cookie=cookie, host=self._host)

    def _post_head(self, path: str, cookie: str, *, accept: str = "text/html") -> bytes:
        return post_head(path, self._port, accept=accept, cookie=cookie, host=self._host)

    async def _ask(self, step: str, request: bytes, expected: int) -> Answer:
        started = time.perf_counter()
        answer = await self.client.send(request)
        self._book.seconds[step].append(time.perf_counter() - started)
        if answer.status != expected:
            raise StepFailed(f"{step}: {answer.status} {_text(answer)[:300]!r}")
        return answer


class Seats:
    """So many connections; on each, one person acts after another, as behind a reverse proxy."""

    def __init__(self, host: str, port: int, count: int) -> None:
        self._clients = [Client(host, port) for _ in range(count)]

    async def each(
        self, players: Sequence[Player], act: Callable[[Player], Awaitable[None]], book: Book
    ) -> list[Player]:
        """Let everybody act, as many at a time as there are seats.

        Returns those who came through; the others' reasons are in the book.
        """
        waiting = iter(players)
        through: list[Player] = []

        async def serve(client: Client) -> None:
            for player in waiting:
                player.client = client
                try:
                    await act(player)
                    through.append(player)
                except (StepFailed, OSError, ValueError, LookupError) as failure:
                    player.acknowledged.is_in_doubt = True
                    book.failures.append(f"{type(failure).__name__}: {failure}")

        await asyncio.gather(*(serve(client) for client in self._clients))
        return through

    def close(self) -> None:
        for client in self._clients:
            client.close()


async def reconcile(database_url: str, players: Iterable[Player]) -> list[str]:
    """Look up every acknowledgement in the database; one sentence for each that is not there."""
    held = {each.attempt_id: each.acknowledged for each in players if each.attempt_id is not None}
    return await reconciliation.reconcile(database_url, held)


def read_json(answer: Answer) -> dict[str, Any]:
    return dict(orjson.loads(answer.body))


def _text(answer: Answer) -> str:
    packed = b"content-encoding: gzip" in answer.head.lower()
    return (gzip.decompress(answer.body) if packed else answer.body).decode(errors="replace")
