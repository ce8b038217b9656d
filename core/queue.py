"""How does a verb ring the worker's doorbell, without ever depending on it?

A job means "go and look at the table". Ringing never blocks and never fails its caller: when
Valkey is away the ring is dropped and counted, and the worker's sweep finds the row.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgpack
from arq.connections import ArqRedis, RedisSettings, create_pool

from core import clock
from core.log import logger
from core.metrics import DOORBELLS

# A burst of commits rings once: the job looks at the whole table anyway.
GATHER_SECONDS = 0.1
CONNECT_SECONDS = 2

Ring = tuple[str, tuple[int | str, ...]]


def redis_settings(url: str) -> RedisSettings:
    chosen = RedisSettings.from_dsn(url)
    chosen.conn_timeout = CONNECT_SECONDS
    chosen.conn_retries = 0
    return chosen


def serialize(job: dict[str, Any]) -> bytes:
    return msgpack.packb(job, default=str)  # type: ignore[no-any-return]  # msgpack has no types


def deserialize(data: bytes) -> dict[str, Any]:
    return msgpack.unpackb(data)  # type: ignore[no-any-return]  # msgpack has no types


@dataclass(frozen=True)
class QueueState:
    """How many jobs are not done, and for how long the oldest of them has been due."""

    length: int
    oldest_seconds: float


class Doorbell:
    """Sends rings in the background, the same ring once a gathering."""

    def __init__(self, url: str) -> None:
        self._settings = redis_settings(url)
        self._waiting: dict[Ring, None] = {}
        self._arrival = asyncio.Event()
        self._redis: ArqRedis | None = None
        self._sender = asyncio.create_task(self._run(), name="doorbell")

    def ring(self, job_name: str, *ids: int | str) -> None:
        self._waiting[job_name, ids] = None
        self._arrival.set()

    async def close(self) -> None:
        if self._waiting:
            await asyncio.wait([asyncio.create_task(self._send_all())], timeout=CONNECT_SECONDS)
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        await self._disconnect()

    async def state(self) -> QueueState | None:
        """What waits for a worker; None while Valkey is away."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                redis = await self._connect()
                name = redis.default_queue_name
                length = int(await redis.zcard(name))
                # arq orders jobs by the millisecond at which each is due
                due = [score for _, score in await redis.zrange(name, 0, 0, withscores=True)]
                seconds = clock.now().timestamp() - due[0] / 1000 if due else 0.0
                return QueueState(length, max(0.0, seconds))
        except Exception as error:  # noqa: BLE001 — whatever Valkey's fault is, the caller's page must show
            logger.warning("queue_not_read", reason=type(error).__name__)
            await self._disconnect()
            return None

    async def _run(self) -> None:
        while True:
            await self._arrival.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._arrival.clear()
            await self._send_all()

    async def _send_all(self) -> None:
        rings, self._waiting = self._waiting, {}
        for job_name, ids in rings:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    redis = await self._connect()
                    await redis.enqueue_job(job_name, *ids)
                DOORBELLS.labels(job_name, "rung").inc()
            except Exception as error:  # noqa: BLE001 — whatever Valkey's fault is, the sweep finds the row
                DOORBELLS.labels(job_name, "lost").inc()
                logger.warning("doorbell_lost", job=job_name, reason=type(error).__name__)
                await self._disconnect()

    async def _connect(self) -> ArqRedis:
        if self._redis is None:
            self._redis = await create_pool(
                self._settings, job_serializer=serialize, job_deserializer=deserialize
            )
        return self._redis

    async def _disconnect(self) -> None:
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.aclose(close_connection_pool=True)


_doorbell: Doorbell | None = None


def open_queue(url: str) -> None:
    global _doorbell  # noqa: PLW0603 — one doorbell a process
    _doorbell = Doorbell(url)


async def close_queue() -> None:
    global _doorbell  # noqa: PLW0603 — one doorbell a process
    if _doorbell is not None:
        await _doorbell.close()
    _doorbell = None


def enqueue(job_name: str, *ids: int | str) -> None:
    """Ring for a job by its name; call it after the commit (`core.db.after_commit`)."""
    if _doorbell is None:
        DOORBELLS.labels(job_name, "lost").inc()
    else:
        _doorbell.ring(job_name, *ids)


async def queue_state() -> QueueState | None:
    return None if _doorbell is None else await _doorbell.state()


async def queue_length() -> int | None:
    """How many jobs wait for a worker; None while Valkey is away."""
    state = await queue_state()
    return state.length if state else None
