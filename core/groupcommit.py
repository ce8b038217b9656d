"""How do many concurrent writers share one statement and one commit?

Callers hand in a row and wait. While one batch is being written the next one gathers, and where
there is a crowd it gathers a moment longer: a lone caller waits for nobody, a crowd shares one
statement and one fsync. A caller gets its answer only after the
commit that holds its row. The flusher keeps one connection to itself: borrowing one a batch costs
as much as the statement.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import asyncpg

from core.db import Connection
from core.errors import Refusal
from core.log import logger
from core.metrics import GROUP_COMMIT_BATCH, GROUP_COMMIT_WAIT, ROWS_WAITING

Row = TypeVar("Row")
Result = TypeVar("Result")

# While PostgreSQL is away we try again this often; it is back within a second after a crash.
FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 0.5
ACQUIRE_SECONDS = 5
# A PostgreSQL that says nothing for so long (its machine hangs, the network swallows packets) is
# away like one that refuses: no batch takes a hundredth of this.
SILENCE_SECONDS = 10
SHORTEST_TRY_SECONDS = 1
# On a fast disk a batch is written before a second row has come. Nobody sees three milliseconds,
# and with 64 people at once they halve what a save costs the database.
CROWD_GATHERS_SECONDS = 0.003


class Pool(Protocol):
    def acquire(self, *, timeout: float | None = None) -> Any: ...

    async def release(self, connection: Any) -> None: ...


@dataclass(slots=True)
class _Waiting(Generic[Row, Result]):
    row: Row
    key: Hashable
    arrived: float
    answer: asyncio.Future[Result] = field(repr=False)


class GroupCommitter(Generic[Row, Result]):
    """Writes the rows of all callers of this process in batches.

    `write(connection, rows)` is given no transaction: each of its statements commits by itself,
    and a write that needs several together opens one. It gets rows whose keys differ and returns one result a row, in order;
    an exception object among the results fails that caller alone. When the statement itself fails,
    the batch is written again row by row, so one bad row fails only its own caller. `write` must
    be repeatable: after a lost connection a batch that was committed is written once more.
    """

    def __init__(
        self,
        name: str,
        pool: Pool,
        write: Callable[[Connection, Sequence[Row]], Awaitable[Sequence[Result | Exception]]],
        *,
        key: Callable[[Row], Hashable],
        after_commit: Callable[[Sequence[Row]], None] | None = None,
        queue_limit: int = 20_000,
        batch_limit: int = 500,
        longest_wait_seconds: float = 30.0,
    ) -> None:
        self._name = name
        self._pool = pool
        self._write = write
        self._key = key
        self._after_commit = after_commit
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._longest_wait_seconds = longest_wait_seconds
        self._queue: deque[_Waiting[Row, Result]] = deque()
        self._arrival = asyncio.Event()
        self._closing = False
        self._oldest_in_hand: float | None = None
        self._longest_wait = 0.0
        self._connection: Connection | None = None
        self._flusher = asyncio.create_task(self._run(), name=f"group commit {name}")
        self._batch_metric = GROUP_COMMIT_BATCH.labels(name)
        self._wait_metric = GROUP_COMMIT_WAIT.labels(name)
        ROWS_WAITING.labels(name).set_function(lambda: len(self._queue))

    @property
    def is_writing(self) -> bool:
        """Whether somebody writes what is handed in."""
        return not self._flusher.done()

    async def submit(self, row: Row) -> Result:
        """Return once `row` is durable; raise what went wrong with it, or a refusal when full."""
        return await self.put(row)

    def put(self, row: Row) -> asyncio.Future[Result]:
        """`submit` for a caller that is no task: the answer comes later, a refusal at once."""
        if self._closing:
            raise _refuse_busy("restarting")
        if len(self._queue) >= self._queue_limit:
            raise _refuse_busy("overloaded")
        waiting: _Waiting[Row, Result] = _Waiting(
            row, self._key(row), time.monotonic(), asyncio.get_running_loop().create_future()
        )
        self._queue.append(waiting)
        self._arrival.set()
        return waiting.answer

    async def close(self) -> None:
        """Take no more rows, write what waits, stop."""
        self._closing = True
        self._arrival.set()
        await self._flusher
        await self._let_go()

    def longest_wait(self) -> float:
        """For how many seconds anybody has waited since the last time this was asked."""
        waiting = [self._oldest_in_hand, self._queue[0].arrived if self._queue else None]
        oldest = min((each for each in waiting if each is not None), default=None)
        found, self._longest_wait = self._longest_wait, 0.0
        return found if oldest is None else max(found, time.monotonic() - oldest)

    async def _run(self) -> None:
        while True:
            await self._arrival.wait()
            batch = self._take_batch()
            if not batch:
                if self._closing:
                    return
                self._arrival.clear()
                continue
            self._oldest_in_hand = batch[0].arrived
            try:
                await self._write_batch(batch)
            except Exception as error:  # noqa: BLE001 — whatever it is, its callers must hear of it
                logger.exception("group_commit_failed", committer=self._name)
                for waiting in batch:
                    _fail(waiting, error)
            self._longest_wait = max(self._longest_wait, time.monotonic() - batch[0].arrived)
            self._oldest_in_hand = None
            if len(batch) > 1 and not self._closing:
                await asyncio.sleep(CROWD_GATHERS_SECONDS)

    def _take_batch(self) -> list[_Waiting[Row, Result]]:
        """The oldest rows, at most one a key: a second one waits for the first to be durable."""
        batch: list[_Waiting[Row, Result]] = []
        taken: set[Hashable] = set()
        later: list[_Waiting[Row, Result]] = []
        latest_arrival = time.monotonic() - self._longest_wait_seconds
        while self._queue and len(batch) < self._batch_limit:
            waiting = self._queue.popleft()
            if (
                waiting.answer.done()
            ):  # its caller has left, or was refused while PostgreSQL was away
                continue
            if waiting.arrived < latest_arrival:
                _fail(waiting, _refuse_busy("waited_too_long"))
            elif waiting.key in taken:
                later.append(waiting)
            else:
                taken.add(waiting.key)
                batch.append(waiting)
        self._queue.extendleft(reversed(later))
        return batch

    async def _write_batch(self, batch: list[_Waiting[Row, Result]]) -> None:
        try:
            results = await self._write_once(batch)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TypeError) as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            logger.warning("group_commit_split", committer=self._name, reason=type(error).__name__)
            for waiting in batch:
                await self._write_batch([waiting])
            return
        if results is None:
            return
        finished = time.monotonic()
        self._batch_metric.observe(len(batch))
        self._wait_metric.observe(finished - min(waiting.arrived for waiting in batch))
        for waiting, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                _fail(waiting, result)
            elif not waiting.answer.done():
                waiting.answer.set_result(result)
        if self._after_commit is not None:
            self._after_commit([waiting.row for waiting in batch])

    async def _write_once(
        self, batch: list[_Waiting[Row, Result]]
    ) -> Sequence[Result | Exception] | None:
        """The results of a batch that is durable; keeps trying while PostgreSQL is away.

        None when everybody in the batch has waited too long and has been told so.
        """
        rows = [waiting.row for waiting in batch]
        retry_seconds = FIRST_RETRY_SECONDS
        while True:
            left = batch[0].arrived + self._longest_wait_seconds - time.monotonic()
            try:
                async with asyncio.timeout(min(SILENCE_SECONDS, max(left, SHORTEST_TRY_SECONDS))):
                    if self._connection is None:
                        self._connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
                    return await self._write(self._connection, rows)
            except Exception as error:
                if not is_outage(error):
                    raise
                await self._let_go(is_broken=True)
                self._refuse_overdue(batch)
                if all(waiting.answer.done() for waiting in batch):
                    return None
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(retry_seconds * 2, LONGEST_RETRY_SECONDS)

    def _refuse_overdue(self, batch: list[_Waiting[Row, Result]]) -> None:
        """While PostgreSQL is away nobody waits longer than was promised, those behind neither."""
        latest_arrival = time.monotonic() - self._longest_wait_seconds
        for waiting in (*batch, *self._queue):
            if waiting.arrived < latest_arrival:
                _fail(waiting, _refuse_busy("database_away"))

    async def _let_go(self, *, is_broken: bool = False) -> None:
        """Give the connection back; a broken one is closed first, whatever state it is in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                if is_broken:
                    connection.terminate()
                await self._pool.release(connection)


def is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL is away for now, as against refusing these rows."""
    if isinstance(error, asyncpg.InterfaceError):
        # A connection that died while it was ours to keep ("closed", "released back to the pool");
        # its other kind is a value that does not fit its column, which is a ValueError too.
        return not isinstance(error, ValueError)
    return isinstance(
        error,
        (
            OSError,
            TimeoutError,
            asyncpg.PostgresConnectionError,
            # the server's good-bye came while a statement was on its way
            asyncpg.InternalClientError,
            asyncpg.CannotConnectNowError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
            asyncpg.TooManyConnectionsError,
            asyncpg.ReadOnlySQLTransactionError,
            asyncpg.DiskFullError,
        ),
    )


def _fail(waiting: _Waiting[Any, Any], error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)


def _refuse_busy(reason: str) -> Refusal:
    return Refusal(
        "busy",
        "Đang có rất nhiều người làm bài. Câu trả lời vẫn còn trên máy của bạn và sẽ tự gửi lại.",
        retry_after_seconds=2,
        reason=reason,
    )
