"""Which contests are public, without asking the database on every request?

What organisers publish reaches people within `SECONDS`; windows are judged by the clock, not by
this cache, so a round opens and closes on the second.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from core.errors import Refusal
from core.log import logger
from quiz.contests import PUBLIC_STATES, ContestShown, open_to_entry
from quiz.notices import NoticeShown, current_notices
from quiz.platform_switches import PlatformSwitches, platform_switches

SECONDS = 2.0


class ContestCache:
    """The public contests of this process, read again when they are older than `SECONDS`."""

    def __init__(self) -> None:
        self._contests: Sequence[ContestShown] = ()
        # With the shadow of a rehearsal, which has an address and stands on no list.
        self._by_address: Sequence[ContestShown] = ()
        self._notices: Mapping[int, Sequence[NoticeShown]] = {}
        # By round: what a save's answer tells of the notices, ready to be sent.
        self._told: Mapping[int, orjson.Fragment] = {}
        self._switches = PlatformSwitches()
        # For the hot path: what the last reading has found, whatever its age.
        self.is_lite = False
        self._stale_at = 0.0
        self._lock = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def all(self) -> Sequence[ContestShown]:
        await self._read_if_stale()
        return self._contests

    async def by_slug(self, slug: str) -> ContestShown:
        await self._read_if_stale()
        return _found([each for each in self._by_address if each.slug == slug])

    async def by_id(self, contest_id: int) -> ContestShown:
        await self._read_if_stale()
        return _found([each for each in self._by_address if each.id == contest_id])

    async def notices(self, contest_id: int) -> Sequence[NoticeShown]:
        """The lines that people inside this contest see now."""
        await self._read_if_stale()
        return self._notices.get(contest_id, ())

    async def switches(self) -> PlatformSwitches:
        """What staff has switched for the whole platform."""
        await self._read_if_stale()
        return self._switches

    @property
    def remembered(self) -> tuple[Sequence[ContestShown], PlatformSwitches]:
        """What the last reading has found, for who must not wait for the next."""
        return self._contests, self._switches

    def told(self, round_id: int) -> orjson.Fragment | None:
        """The notices for a save's answer, from memory alone; None when there are none.

        A save waits for no reading: it sets one off and tells what the one before has found.
        """
        if time.monotonic() >= self._stale_at and self._reading is None:
            self._reading = asyncio.create_task(self._read_aside())
        return self._told.get(round_id)

    def forget(self) -> None:
        self._stale_at = 0.0

    async def _read_if_stale(self) -> None:
        if time.monotonic() >= self._stale_at:
            async with self._lock:
                if time.monotonic() >= self._stale_at:
                    await self._read()

    async def _read(self) -> None:
        contests, notices = await open_to_entry(), defaultdict[int, list[NoticeShown]](list)
        for notice in await current_notices():
            notices[notice.contest_id].append(notice)
        self._switches = await platform_switches()
        self.is_lite = self._switches.is_lite
        self._by_address = _as_switched(contests, self._switches)
        self._contests = [each for each in self._by_address if each.state in PUBLIC_STATES]
        self._notices = dict(notices)
        self._told = {
            each.id: orjson.Fragment(orjson.dumps(notices_json(notices[contest.id])))
            for contest in contests
            if contest.id in notices
            for each in contest.rounds
        }
        self._stale_at = time.monotonic() + SECONDS

    async def _read_aside(self) -> None:
        try:
            await self._read_if_stale()
        except Exception as error:  # noqa: BLE001 — while PostgreSQL is away saves are answered all the same
            logger.warning("contests_not_read", reason=type(error).__name__)
        finally:
            self._reading = None


def _as_switched(
    contests: Sequence[ContestShown], switches: PlatformSwitches
) -> Sequence[ContestShown]:
    """With the platform's starts stopped every contest's are: its pages and its door say so."""
    stopped_at = switches.starts_stopped_at
    if stopped_at is None:
        return contests
    return [
        replace(contest, start_stopped_at=contest.start_stopped_at or stopped_at)
        for contest in contests
    ]


def notices_json(notices: Sequence[NoticeShown]) -> list[dict[str, object]]:
    """What play.js shows."""
    return [{"id": each.id, "body": each.body} for each in notices]


def _found(contests: list[ContestShown]) -> ContestShown:
    if not contests:
        raise Refusal("not_found", "Không tìm thấy cuộc thi này.")
    return contests[0]
