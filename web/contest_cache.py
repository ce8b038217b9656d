"""Which contests are public, without asking the database on every request?

What organisers publish reaches people within `SECONDS`; windows are judged by the clock, not by
this cache, so a round opens and closes on the second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from core.errors import Refusal
from quiz.contests import ContestShown, public_contests

SECONDS = 2.0


class ContestCache:
    """The public contests of this process, read again when they are older than `SECONDS`."""

    def __init__(self) -> None:
        self._contests: Sequence[ContestShown] = ()
        self._stale_at = 0.0
        self._lock = asyncio.Lock()

    async def all(self) -> Sequence[ContestShown]:
        if time.monotonic() >= self._stale_at:
            async with self._lock:
                if time.monotonic() >= self._stale_at:
                    self._contests = await public_contests()
                    self._stale_at = time.monotonic() + SECONDS
        return self._contests

    async def by_slug(self, slug: str) -> ContestShown:
        return _found([contest for contest in await self.all() if contest.slug == slug])

    async def by_id(self, contest_id: int) -> ContestShown:
        return _found([contest for contest in await self.all() if contest.id == contest_id])

    def forget(self) -> None:
        self._stale_at = 0.0


def _found(contests: list[ContestShown]) -> ContestShown:
    if not contests:
        raise Refusal("not_found", "Không tìm thấy cuộc thi này.")
    return contests[0]
