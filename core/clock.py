"""What time is it, for the ledger and for people in Việt Nam?

Deadlines are decided by PostgreSQL's clock. A request is stamped on arrival with this process's
monotonic clock, and `DatabaseClock` turns that stamp into an instant on PostgreSQL's clock, so a
request that arrived in time counts however long it then waits in our queues.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

_frozen_at: datetime | None = None


def now() -> datetime:
    """The present instant in UTC; the one place that tests freeze."""
    return _frozen_at or datetime.now(UTC)


def freeze(instant: datetime | None) -> None:
    """Stop the clock at an instant (tests only); None lets it run again."""
    global _frozen_at  # noqa: PLW0603 — one process-wide clock is the point of this module
    _frozen_at = instant


def local(instant: datetime) -> datetime:
    return instant.astimezone(VIETNAM)


def local_day(instant: datetime) -> date:
    return local(instant).date()


class DatabaseClock:
    """Keeps the offset between this process's monotonic clock and PostgreSQL's clock.

    Each sample's error is at most half its round trip; the best of the last few samples is used,
    so one slow answer does not shift anybody's deadline.
    """

    KEPT_SAMPLES = 12

    def __init__(self, read_database_time: Callable[[], Awaitable[datetime]]) -> None:
        self._read = read_database_time
        self._samples: deque[tuple[float, float]] = deque(maxlen=self.KEPT_SAMPLES)
        self._offset = 0.0  # of the best sample; every request asks for it

    async def sample(self) -> None:
        before = time.monotonic()
        database_now = await self._read()
        after = time.monotonic()
        offset = database_now.timestamp() - (before + after) / 2
        self._samples.append((after - before, offset))
        self._offset = min(self._samples)[1]

    @property
    def is_set(self) -> bool:
        return bool(self._samples)

    def instant(self, monotonic_seconds: float) -> datetime:
        """The instant on PostgreSQL's clock that a monotonic stamp of this process stands for."""
        if not self._samples:
            msg = "the database clock has no sample yet"
            raise RuntimeError(msg)
        return datetime.fromtimestamp(monotonic_seconds + self._offset, UTC)

    def now(self) -> datetime:
        return self.instant(time.monotonic())


def ceil_to_second(duration: timedelta) -> int:
    return -(-duration // timedelta(seconds=1))
