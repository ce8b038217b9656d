"""Which server answers a page that may be some seconds old: the replica, or PostgreSQL itself?

The replica answers while it keeps up. How far it is behind is measured from here, with both
servers' places in the log: that needs no rights, holds when nobody writes, and shows a replica
that hears nothing any more. Whatever goes wrong there, the primary is asked instead.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import asyncpg

from core.log import logger
from core.metrics import READS

SAMPLE_SECONDS = 1.0
# Boards and statistics say "as of"; beyond this people would see their own board stand still.
LONGEST_LAG_SECONDS = 5.0
# A replica that hangs must not hold a page up for longer than the primary would need.
ANSWER_SECONDS = 2.0

_OWN_PLACE = "SELECT pg_current_wal_lsn() - '0/0'"
_REPLAYED = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0' END"  # a replica that was made a primary of its own follows nobody


class Reader(Protocol):
    """What both a pool and `ReadingPool` can do."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...

    async def fetchrow(self, query: str, *args: Any) -> Any: ...

    async def fetchval(self, query: str, *args: Any) -> Any: ...


class ReadingPool:
    """Reads from the replica while it is no more than `LONGEST_LAG_SECONDS` behind."""

    def __init__(
        self,
        primary: asyncpg.Pool[asyncpg.Record],
        replica: asyncpg.Pool[asyncpg.Record],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._clock = clock
        # Where the primary was, and when; what the replica has reached is forgotten but the newest.
        self._places: deque[tuple[float, int]] = deque(maxlen=120)
        self._reached_at: float | None = None
        self._keeper = asyncio.create_task(self._keep(), name="replica")

    @property
    def is_fresh(self) -> bool:
        """Whether the replica holds what the primary held `LONGEST_LAG_SECONDS` ago."""
        if self._reached_at is None:
            return False
        # While the primary is away nothing is written, so nothing grows older than its last place.
        latest = self._places[-1][0] if self._places else self._reached_at
        return latest - self._reached_at <= LONGEST_LAG_SECONDS

    async def close(self) -> None:
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        self._replica.terminate()

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        return await self._ask("fetch", query, args)  # type: ignore[no-any-return]  # of the method named

    async def fetchrow(self, query: str, *args: Any) -> Any:
        return await self._ask("fetchrow", query, args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        return await self._ask("fetchval", query, args)

    async def sample(self) -> None:
        """Look where both servers are."""
        try:
            place = await _within_time(self._primary.fetchval(_OWN_PLACE))
            self._places.append((self._clock(), int(place)))
        except Exception as error:  # noqa: BLE001 — whatever the primary's fault is, its readers will hear of it
            logger.warning("primary_not_sampled", reason=type(error).__name__)
        replayed = await _within_time(self._replica.fetchval(_REPLAYED))
        if replayed is None:
            self._reached_at = None
            return
        while self._places and self._places[0][1] <= int(replayed):
            self._reached_at = self._places[0][0]
            if len(self._places) == 1:
                break
            self._places.popleft()

    async def _keep(self) -> None:
        while True:
            try:
                await self.sample()
            except Exception as error:  # noqa: BLE001 — whatever the replica's fault is, the primary answers
                self._give_up(error)
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _ask(self, method: str, query: str, args: tuple[Any, ...]) -> Any:
        if self.is_fresh:
            try:
                answer = await _within_time(getattr(self._replica, method)(query, *args))
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self._give_up(error)
            else:
                READS.labels("replica").inc()
                return answer
        READS.labels("primary").inc()
        return await getattr(self._primary, method)(query, *args)

    def _give_up(self, error: Exception) -> None:
        """Until it has been reached again."""
        if self._reached_at is not None:
            logger.warning("replica_left", reason=type(error).__name__)
        self._reached_at = None


async def _within_time(asked: Coroutine[Any, Any, Any]) -> Any:
    """The answer, or TimeoutError: a query whose server has gone silent is left behind, since
    asyncpg waits for that server's word even to give a query up.
    """
    task = asyncio.ensure_future(asked)
    await asyncio.wait({task}, timeout=ANSWER_SECONDS)
    if not task.done():
        task.cancel()
        raise TimeoutError
    return task.result()
