"""Is this process well, and how do the others hear of it?

Every few seconds a process leaves a card: who it is, since when, how its event loop keeps up, what
went wrong lately. The card goes to the process's place among those of its machine (a file, which
needs neither PostgreSQL nor Valkey) and to Valkey, for those on other machines.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from redis.asyncio import Redis

from core import clock
from core.figures import Place, memory_bytes, read_all
from core.log import logger
from core.metrics import CPU, LOOP_LAG, MEMORY
from core.notes import FAULTS, STATEMENTS

BEAT_SECONDS = 5
# Without a card for this long a process counts as gone …
GONE_SECONDS = 20
# … and its last words are kept so long.
KEPT_SECONDS = 3600
PROBE_SECONDS = 2
_TICK_SECONDS = 0.2
_BEATS_REMEMBERED = 3
_CARDS = "hieuso:processes"
_CODE = ("core", "people", "quiz", "certificates", "campaigns", "web")
_MEGABYTE = 1024 * 1024

Card = Mapping[str, Any]


class Pulse:
    """The heartbeat of one process; `also` is done with every beat, after the card."""

    def __init__(
        self,
        kind: str,
        *,
        folder: Path,
        redis_url: str,
        also: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.place = Place(figures_folder(folder), kind)
        self.swept_at: float | None = None
        self.did_at: datetime | None = None  # when what is done with every beat was last done
        self._folder = folder
        self._kind, self._also = kind, also
        self._began_at = clock.now().timestamp()
        self._redis: Any = Redis.from_url(  # its async answers are typed as both kinds
            redis_url, socket_timeout=PROBE_SECONDS, socket_connect_timeout=PROBE_SECONDS
        )
        self._lag = 0.0
        self._lags: deque[float] = deque(maxlen=_BEATS_REMEMBERED)
        self._cpu_seconds = 0.0
        self._keepers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._keepers = [
            asyncio.create_task(self._watch_loop(), name="event loop lag"),
            asyncio.create_task(self._beat(), name="pulse"),
        ]

    async def close(self) -> None:
        """Write the last figures and take the card away: this process ends on purpose."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._count()
        self.place.write()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PROBE_SECONDS):
                await self._redis.hdel(_CARDS, _name())
        self.place.close()
        with contextlib.suppress(Exception):
            await self._redis.aclose()

    @property
    def lag_seconds(self) -> float:
        """The longest that the event loop kept anybody waiting in the last beats."""
        return max(self._lag, *self._lags, 0.0)

    def swept(self) -> None:
        """The worker has done a job: it looks at the tables."""
        self.swept_at = clock.now().timestamp()

    def write(self) -> None:
        """Bring what others can read of this process up to date now."""
        self._count()
        self.place.write(self.card())

    def card(self) -> Card:
        return {
            "kind": self._kind,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "began_at": self._began_at,
            "seen_at": clock.now().timestamp(),
            "edition": code_edition(),
            "lag_seconds": self.lag_seconds,
            "memory_mb": memory_bytes() // _MEGABYTE,
            "swept_at": self.swept_at,
            "faults": FAULTS.shown(),
            "statements": STATEMENTS.shown(),
        }

    async def everybody(self) -> tuple[list[Card], bool]:
        """The cards of all processes, and whether Valkey told of other machines."""
        self.write()
        found = {_name_of(card): card for card in self._cards_here()}
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                kept = await self._redis.hgetall(_CARDS)
        except Exception as error:  # noqa: BLE001 — whatever Valkey's fault is, this machine's cards are there
            logger.warning("cards_not_read", reason=type(error).__name__)
            return list(found.values()), False
        for text in kept.values():
            card = orjson.loads(text)
            known = found.get(_name_of(card))
            if known is None or known["seen_at"] < card["seen_at"]:
                found[_name_of(card)] = card
        return list(found.values()), True

    def _cards_here(self) -> Sequence[Card]:
        return [each.card for each in read_all(figures_folder(self._folder)) if each.card]

    def _count(self) -> None:
        used = time.process_time()
        CPU.labels(self.place.name).inc(used - self._cpu_seconds)
        self._cpu_seconds = used
        MEMORY.labels(self.place.name).set(memory_bytes())
        LOOP_LAG.set(self.lag_seconds)

    async def _watch_loop(self) -> None:
        while True:
            asleep_at = time.monotonic()
            await asyncio.sleep(_TICK_SECONDS)
            self._lag = max(self._lag, time.monotonic() - asleep_at - _TICK_SECONDS)

    async def _beat(self) -> None:
        while True:
            self.write()
            self._lags.append(self._lag)
            self._lag = 0.0
            await self._publish()
            if self._also is not None:
                try:
                    async with asyncio.timeout(BEAT_SECONDS):
                        await self._also()
                    self.did_at = clock.now()
                except Exception as error:  # noqa: BLE001 — while PostgreSQL is away the heart goes on
                    logger.warning("beat_incomplete", reason=type(error).__name__)
            await asyncio.sleep(BEAT_SECONDS)

    async def _publish(self) -> None:
        with contextlib.suppress(Exception):  # Valkey is away: the file tells those on this machine
            async with asyncio.timeout(PROBE_SECONDS):
                await self._redis.hset(_CARDS, _name(), orjson.dumps(self.card()))
                for name, text in (await self._redis.hgetall(_CARDS)).items():
                    if clock.now().timestamp() - orjson.loads(text)["seen_at"] > KEPT_SECONDS:
                        await self._redis.hdel(_CARDS, name)


def figures_folder(local_folder: Path) -> Path:
    return local_folder / "figures"


@cache
def code_edition() -> str:
    """Eight digits that differ between two states of the code, so that an upgrade can be seen."""
    digest = hashlib.sha256()
    top = Path(__file__).parent.parent
    for package in _CODE:
        for file in sorted((top / package).rglob("*")):
            if file.suffix in {".py", ".html", ".js", ".css"} and "vendor" not in file.parts:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _name_of(card: Card) -> str:
    return f"{card['host']}:{card['pid']}"
