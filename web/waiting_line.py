"""How do all web processes of all hosts keep one waiting line?

Valkey holds it and nothing depends on it: every process remembers the line that it saw last and
lays it down again when Valkey has lost it. While Valkey is away nobody gets a number and each
process lets people in at its own measured rate: a fault narrows the door, it never locks it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.clock import now
from core.log import logger
from core.metrics import LINE_ISSUED, LINE_RATE, LINE_SERVED
from web.gathering import Gathering
from web.line_pace import DOOR_SECONDS, Figures, Line, advance, next_rate
from web.load_level import BUSY, HEAVY, STARTS_AT, Load
from web.tokens import Ticket

BEAT_SECONDS = 0.5
VALKEY_SECONDS = 3.0  # nobody at the door waits longer; a late event loop is not Valkey's fault
# No place is kept further off: whoever goes home leaves it empty. And so late one may knock again.
FARTHEST_PLACE_SECONDS, PLACE_KEPT_SECONDS = 8.0, 60.0
# While a line is open, questions about those at the door gather for so long: a crowd that comes evenly
# would otherwise cost a statement each. Whoever is refused waits for it.
GATHER_SECONDS = 0.01
AWAY_SECONDS = 5.0  # so long it is not asked again by people; the beat keeps asking
KEPT_SECONDS = 24 * 3600  # who has which number, and which numbers have been used

_LINE, _PROCESSES, _NUMBERS, _SPENT = "cho:hang", "cho:may", "cho:so", "cho:da-dung"

# Puts a lost line back as this process remembers it, tells this process's figures, and returns the
# line, the instant, the worst pressure, the most used processors, starts and leaves a second, the
# longest wait at a door, the number of processes.
_BEAT = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
    redis.call('HSET', KEYS[1], unpack(ARGV, 7))
elseif epoch == ARGV[8] then
    for place = 9, 11, 2 do
        local kept = tonumber(redis.call('HGET', KEYS[1], ARGV[place]))
        if tonumber(ARGV[place + 1]) > kept then
            redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
        end
    end
end
redis.call('HSET', KEYS[2], ARGV[1], table.concat(ARGV, ' ', 2, 6) .. ' ' .. now)
local worst, used, starts, leaves, door, count = 0, 0, 0, 0, 0, 0
local told = redis.call('HGETALL', KEYS[2])
for place = 1, #told, 2 do
    local pressure, busy, begun, left, wait, at =
        string.match(told[place + 1], '(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)')
    if not at or now - at > 3 then
        redis.call('HDEL', KEYS[2], told[place])
    else
        worst = math.max(worst, tonumber(pressure))
        used = math.max(used, tonumber(busy))
        starts = starts + begun
        leaves = leaves + left
        door = math.max(door, tonumber(wait))
        count = count + 1
    end
end
local sums = {tostring(worst), tostring(used), tostring(starts), tostring(leaves), tostring(door), count}
return {redis.call('HGETALL', KEYS[1]), tostring(now), unpack(sums)}
"""
# Whoever saw the line as it still is moves it; the others saw an old one and change nothing.
_ADVANCE = """
if redis.call('HGET', KEYS[1], 'at') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
"""
# The same session gets the same number; nobody gets one of a line that Valkey has just lost.
_TAKE = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {} end
local numbers = {}
for place = 3, #ARGV do
    local number = redis.call('HGET', KEYS[2], ARGV[place])
    if not number then
        number = redis.call('HINCRBY', KEYS[1], 'issued', 1)
        redis.call('HSET', KEYS[2], ARGV[place], number)
    end
    numbers[place - 2] = tonumber(number)
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return numbers
"""
_SPEND = """
for place = 2, #ARGV, 2 do
    redis.call('SADD', KEYS[1], ARGV[place])
    redis.call('HDEL', KEYS[2], ARGV[place + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a beat learned of the whole platform."""

    line: Line
    at: float
    figures: Figures
    processes: int


class WaitingLine:
    """This process's view of the line; `line` is at most a beat old."""

    def __init__(self, url: str, load: Load) -> None:
        # A connection for the beat and one for each question. redis-py's pool looks at a connection
        # for a turn of the loop each time it gives one away, behind a lock: with a crowd the beat
        # stood in that line for five seconds, and everybody at the door with it.
        beats, takes, looks, spends = self._connections = [_connection(url) for _ in range(4)]
        self._beat_script = beats.register_script(_BEAT)
        self._advance_script = beats.register_script(_ADVANCE)
        self._take_script = takes.register_script(_TAKE)
        self._looks = looks
        self._spend_script = spends.register_script(_SPEND)
        self._load = load
        self._name = secrets.token_hex(4)
        self._away_until = 0.0
        # While Valkey is away: how many may begin here now, and how many more each second.
        self._own_room = 0.0
        self._own_rate = 0.0
        self._processes = 1
        self._next_at = 0.0  # when the door lets the next one through
        # When it lets those through who shall knock again, by their numbers.
        self._kept_places: dict[int, float] = {}
        self._beaten_at = time.monotonic()
        self._counted = (0, 0)
        self._numbers: Gathering[str, int | None] = Gathering(
            "numbers", self._take, otherwise=None, gather_seconds=GATHER_SECONDS
        )
        self._used: Gathering[Ticket, bool] = Gathering(
            "used tickets", self._are_used, otherwise=False, gather_seconds=GATHER_SECONDS
        )
        self._spent: Gathering[tuple[Ticket, str], None] = Gathering(
            "spent tickets", self._spend, otherwise=None, gather_seconds=GATHER_SECONDS
        )
        # Counted by the door: everybody whom it lets in, and everybody who hands in.
        self.starts = 0
        self.leaves = 0
        self.line = Line(epoch=int(now().timestamp() * 1000))
        self.is_open = False

    async def keep(self) -> None:
        """Beat for as long as the process serves."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self.beat()
            except Exception:  # noqa: BLE001 — a mistake of ours must not stop the line for good
                logger.exception("waiting_line_failed")

    async def beat(self) -> None:
        """Tell the others how it goes here, hear how it goes there, move the line if it is due."""
        at = time.monotonic()
        passed, self._beaten_at = at - self._beaten_at, at
        counted = (self.starts, self.leaves)
        starts, leaves = (
            (told - before) / max(passed, BEAT_SECONDS / 2)
            for told, before in zip(counted, self._counted, strict=True)
        )
        self._counted = counted
        door = max(self._next_at - at, 0.0)
        own = Figures(self._load.pressure, self._load.used, starts, leaves, door)
        seen = await self._asked(self._exchange(own), is_beat=True)
        if seen is None:
            self._go_on_alone(passed, own)
            return
        self._processes, self._own_rate = seen.processes, 0.0
        self._adopt(seen.line)
        if seen.at - seen.line.at >= BEAT_SECONDS * 0.8:
            moved = advance(seen.line, seen.figures, seen.at)
            written = self._advance_script(
                keys=[_LINE], args=[repr(seen.line.at), *_but_issued(moved)]
            )
            if await self._asked(written):
                self._adopt(moved)

    def take(self, session: str) -> Awaitable[int | None]:
        """The number of this session, the one that it holds already or the next; None when there is none to be had now."""
        return self._numbers.of(_who(session))

    async def admits(self, ticket: Ticket) -> bool:
        """Whether this ticket's turn has come, and it has not been used."""
        if ticket.epoch != self.line.epoch:
            # Of a line that Valkey and every process have lost: before all others, at our own pace.
            return ticket.epoch < self.line.epoch and self.admits_without_number()
        if ticket.number > self.line.served:
            return self._is_away and self.admits_without_number()
        return not await self._used.of(ticket)

    async def comes_through(self, number: int) -> float:
        """Through the door at this process's rate: after how many seconds to knock again; 0 when through.

        Many look up at once and find that their turn has come. Without this they would all begin
        at once, and what is measured then would slow the line long after they have begun. Whoever
        shall knock again has a place that is kept, so hardly anybody knocks more than twice.
        """
        at = time.monotonic()
        place = self._kept_places.pop(number, 0.0)
        if not place:
            place = max(self._next_at, at)
            if place - at > FARTHEST_PLACE_SECONDS:
                return place - at
            self._next_at = place + self._processes / self.line.rate
        if place - at > DOOR_SECONDS:
            self._keep_place(number, place, at)
            return place - at
        self._load.in_flight -= 1  # whoever stands here is no work
        try:
            await asyncio.sleep(place - at)
        finally:
            self._load.in_flight += 1
        return 0.0

    def _keep_place(self, number: int, place: float, at: float) -> None:
        self._kept_places[number] = place
        while (first := next(iter(self._kept_places.items())))[1] < at - PLACE_KEPT_SECONDS:
            del self._kept_places[first[0]]

    def is_waiting(self, ticket: Ticket) -> bool:
        """Whether this ticket holds a place whose turn has not come."""
        if ticket.epoch == self.line.epoch:
            return ticket.number > self.line.served
        return ticket.epoch < self.line.epoch

    async def spend(self, ticket: Ticket, session: str) -> None:
        """The ticket has begun an attempt; the next one needs another."""
        await self._spent.of((ticket, _who(session)))

    def admits_without_number(self) -> bool:
        """Let one in at this process's own rate."""
        if self._own_room < 1:
            return False
        self._own_room -= 1
        return True

    async def close(self) -> None:
        for each in self._connections:
            await each.aclose()

    @property
    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _of(self, name: str) -> str:
        return f"{name}:{self.line.epoch}"

    def _adopt(self, line: Line) -> None:
        self.line, self.is_open = line, line.is_open
        self._fill_own_room(line.rate / self._processes, BEAT_SECONDS)
        LINE_ISSUED.set(line.issued)
        LINE_SERVED.set(line.now_serving)
        LINE_RATE.set(line.rate if line.is_open else 0)

    async def _exchange(self, own: Figures) -> _Seen:
        told, at, *figures, processes = await self._beat_script(
            keys=[_LINE, _PROCESSES], args=[self._name, *astuple(own), *_all(self.line)]
        )
        pairs = dict(zip(told[::2], told[1::2], strict=True))
        return _Seen(_line(pairs), float(at), Figures(*map(float, figures)), int(processes))

    async def _take(self, sessions: Sequence[str]) -> Sequence[int | None]:
        taken = await self._asked(
            self._take_script(
                keys=[_LINE, self._of(_NUMBERS)], args=[self.line.epoch, KEPT_SECONDS, *sessions]
            )
        )
        return taken or [None] * len(sessions)

    async def _are_used(self, tickets: Sequence[Ticket]) -> Sequence[bool]:
        """Whether they have begun an attempt; while nobody knows they have not."""
        found = await self._asked(
            cast(
                "Awaitable[list[int]]",
                self._looks.smismember(self._of(_SPENT), [str(each.number) for each in tickets]),
            )
        )
        epoch = self.line.epoch
        return [
            bool(is_used) and each.epoch == epoch
            for each, is_used in zip(tickets, found or [0] * len(tickets), strict=True)
        ]

    async def _spend(self, spent: Sequence[tuple[Ticket, str]]) -> Sequence[None]:
        by_epoch: dict[int, list[str | int]] = {}
        for ticket, who in spent:
            by_epoch.setdefault(ticket.epoch, []).extend((ticket.number, who))
        for epoch, numbers in by_epoch.items():
            written = self._spend_script(
                keys=[f"{_SPENT}:{epoch}", f"{_NUMBERS}:{epoch}"], args=[KEPT_SECONDS, *numbers]
            )
            await self._asked(written)
        return [None] * len(spent)

    def _go_on_alone(self, passed: float, own: Figures) -> None:
        """The own share of the last common rate, then as the own load allows."""
        if not self.is_open and own.worst >= STARTS_AT[HEAVY]:
            self.is_open, self._own_rate = True, own.starts_per_s
        share = self._own_rate or self.line.rate / self._processes
        self._own_rate = next_rate(share, own, passed)
        if own.worst < STARTS_AT[BUSY] and self.line.served >= self.line.issued:
            self.is_open = False
        self._fill_own_room(self._own_rate, passed)

    def _fill_own_room(self, rate: float, passed: float) -> None:
        self._own_room = min(self._own_room + rate * passed, max(rate, 1.0))

    async def _asked(self, answer: Awaitable[Answer], *, is_beat: bool = False) -> Answer | None:
        """Valkey's answer; None while it is away, at once when that is known."""
        if self._is_away and not is_beat:
            if asyncio.iscoroutine(answer):
                answer.close()
            return None
        try:
            async with asyncio.timeout(VALKEY_SECONDS):
                found = await answer
        except (RedisError, OSError, TimeoutError) as error:
            if not self._is_away:
                logger.warning("waiting_line_away", reason=type(error).__name__)
            self._away_until = time.monotonic() + AWAY_SECONDS
            return None
        self._away_until = 0.0
        return found


def _connection(url: str) -> Redis:
    client: Redis = Redis.from_url(
        url,
        decode_responses=True,
        single_connection_client=True,
        socket_timeout=VALKEY_SECONDS,
        socket_connect_timeout=VALKEY_SECONDS,
    )
    return client


def _all(line: Line) -> list[str | int]:
    """Names and values for HSET, `epoch`, `issued` and `served` first: the beat counts on it."""
    return [part for name in _NAMES for part in (name, _told(line, name))]


def _but_issued(line: Line) -> list[str | int]:
    """What moving the line writes; numbers may have been issued in the meantime."""
    return [part for name in _NAMES if name != "issued" for part in (name, _told(line, name))]


_NAMES = [each.name for each in fields(Line)]


def _told(line: Line, name: str) -> str | int:
    value = getattr(line, name)
    return int(value) if isinstance(value, int) else repr(value)


def _line(pairs: dict[str, str]) -> Line:
    whole = {"epoch", "issued", "is_open"}
    values = {name: (int if name in whole else float)(pairs[name]) for name in _NAMES}
    found = Line(**values)  # type: ignore[arg-type]  # the names above are its fields, each with its own kind
    return replace(found, is_open=bool(found.is_open))


def _who(session: str) -> str:
    """A session's name in Valkey; the token itself is nobody else's to read."""
    return hashlib.sha256(session.encode(errors="replace")).hexdigest()[:32]
