"""What does a look at the whole platform find, whatever part of it is away?

For `/readyz`, `/metrics` and the operations page. Every part is asked with a time limit and alone,
so that one that hangs leaves the others' answers standing.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from certificates.store import is_usable, store_of
from core import clock, db
from core.log import logger
from core.pulse import GONE_SECONDS, Card
from core.queue import QueueState, queue_state
from core.settings import Settings
from quiz.operations import PlatformNow, is_writable, platform_now

PROBE_SECONDS = 2
# Prometheus may ask every process of a machine; the database is asked once in this while.
SCRAPE_SECONDS = 4.0
# A bucket is asked over the network: how well it is may be known a little late.
STORE_SECONDS = 30.0
# The event loop of a process that keeps people waiting this long is as good as stuck.
STUCK_SECONDS = 5.0

Found = TypeVar("Found")


@dataclass(frozen=True)
class Sight:
    """What was found; None is what did not answer."""

    now: PlatformNow | None
    database_ms: int | None
    queue: QueueState | None
    cards: Sequence[Card]
    is_valkey_up: bool
    disk_free_bytes: int
    disk_bytes: int
    looked_at: float = field(default_factory=time.monotonic)

    @property
    def living(self) -> list[Card]:
        return [card for card in self.cards if _age(card["seen_at"]) < GONE_SECONDS]

    @property
    def swept_seconds(self) -> float | None:
        """Since when no worker has done a job."""
        swept = [card["swept_at"] for card in self.cards if card["swept_at"]]
        return _age(max(swept)) if swept else None


async def look(state: Any) -> Sight:
    """Look at everything; `state` is the application's."""
    began = time.monotonic()
    (now, database_ms), queue, found = await asyncio.gather(
        _timed(platform_now(), began), queue_state(), state.pulse.everybody()
    )
    cards, is_valkey_up = found
    free, total = _disk(state.settings.local_path)
    return Sight(now, database_ms, queue, cards, is_valkey_up, free, total)


def _disk(folder: Path) -> tuple[int, int]:
    """Free and total bytes of the disk that the folder is, or would be, on."""
    standing = next(each for each in (folder, *folder.parents) if each.is_dir())
    usage = shutil.disk_usage(standing)
    return usage.free, usage.total


async def _timed(asked: Awaitable[Found], began: float) -> tuple[Found | None, int | None]:
    answer = await within(asked)
    return answer, None if answer is None else round((time.monotonic() - began) * 1000)


async def within(asked: Awaitable[Found], seconds: float = PROBE_SECONDS) -> Found | None:
    """The answer, or None when it fails or does not come in time."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except Exception:  # noqa: BLE001 — whatever the fault is, the answer is "away"
        return None


async def readiness(state: Any) -> dict[str, Any]:
    """Whether this process should get visitors, and what that stands on.

    A stuck loop, the queue, the worker and the store of papers are only told of: people still answer and hand in
    without these, and a process that is slow with work must not leave it all to the others.
    """
    writable, migrated, found = await asyncio.gather(
        within(is_writable()), within(db.is_migrated()), state.pulse.everybody()
    )
    cards, is_valkey_up = found
    swept = [card["swept_at"] for card in cards if card["swept_at"]]
    decisive = {
        "database": bool(writable),
        "migrations": bool(migrated),
        "committers": state.attempts.is_writing,
        "staying": not state.is_leaving,
    }
    return {
        "ready": all(decisive.values()),
        **decisive,
        "papers": await state.papers.is_usable(),
        "queue": is_valkey_up,
        "loop": state.pulse.lag_seconds < STUCK_SECONDS,
        "loop_lag_ms": round(state.pulse.lag_seconds * 1000),
        "worker_swept_seconds_ago": round(_age(max(swept))) if swept else None,
    }


class Papers:
    """Whether papers of certificates can be kept and handed out; asked once in a while."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._answer: asyncio.Task[bool] | None = None
        self._asked_at = 0.0

    async def is_usable(self) -> bool:
        """What is known by now: nobody waits for a store that does not answer."""
        if self._answer is None or (
            self._answer.done() and time.monotonic() - self._asked_at > STORE_SECONDS
        ):
            self._asked_at = time.monotonic()
            self._answer = asyncio.create_task(self._ask())
        await asyncio.wait([self._answer], timeout=PROBE_SECONDS)
        return self._answer.done() and self._answer.result()

    async def _ask(self) -> bool:
        usable = await is_usable(store_of(self._settings))
        if not usable:
            logger.error(
                "papers_unusable",
                bucket=self._settings.certificate_bucket,
                endpoint=self._settings.certificate_bucket_endpoint,
                folder=self._settings.certificate_dir,
            )
        return usable


class Scrape:
    """What `/metrics` tells of the database and the queue, asked once for scrapes close together."""

    def __init__(self) -> None:
        self._sight: Sight | None = None

    async def families(self, state: Any) -> list[Metric]:
        sight = self._sight
        if sight is None or time.monotonic() - sight.looked_at > SCRAPE_SECONDS:
            sight = self._sight = await look(state)
        return list(platform_families(sight))


def platform_families(sight: Sight) -> Iterator[Metric]:
    """What is no single process's: the database, the queue, the worker's last sweep."""
    now, queue = sight.now, sight.queue
    yield _gauge("database_up", "1 while PostgreSQL answers", float(now is not None))
    yield _gauge("queue_up", "1 while Valkey answers", float(queue is not None))
    yield _gauge("disk_free_bytes", "of the disk with LOCAL_DIR", sight.disk_free_bytes)
    yield _gauge("processes_alive", "web and worker processes", len(sight.living))
    if sight.swept_seconds is not None:
        yield _gauge("worker_swept_seconds", "since a worker did a job", sight.swept_seconds)
    if queue is not None:
        yield _gauge("queue_jobs", "jobs not done", queue.length)
        yield _gauge("queue_oldest_seconds", "since the oldest was due", queue.oldest_seconds)
    if now is not None:
        yield _gauge("database_writable", "0 on a replica or in recovery", float(now.is_writable))
        yield _gauge("attempts_inside", "open attempts, counted to 10,000", now.inside)
        yield _gauge("attempts_unscored", "closed, counted to 10,000", now.unscored)
        yield _gauge("attempts_unscorable", "closed, put aside with a fault", now.unscorable)
        yield _gauge("scoring_lag_seconds", "age of the oldest unscored", now.scoring_lag_seconds)
        yield _gauge("attempts_overdue", "past their time, not closed", now.overdue)
        yield _gauge("postgres_connections", "of this database", now.connections)
        yield _gauge("postgres_connections_limit", "of the server", now.most_connections)
        yield _counter("postgres_commits", "transactions", now.commits)
        yield _counter("postgres_rollbacks", "transactions", now.rollbacks)
        yield _counter("postgres_deadlocks", "found by PostgreSQL", now.deadlocks)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(name, about, value)


def _age(instant: float) -> float:
    return max(0.0, clock.now().timestamp() - instant)
