"""How fast does the waiting line move, and what may a person in it be told?

Everybody who wants to begin while the platform is crowded gets the next number; numbers up to
`served` may begin. There is one line for the whole platform and not one a contest: what is scarce
are the machines that all contests share. How fast `served` moves is found out, not set: faster in
proportion to what is left of the processors, slower when nearly nothing is, and half as fast each
second when answers come late. A number that is served stays served: whoever looked away loses
nothing.

It opens and steers by what is left and not only by what people feel, because whoever is let in works
for many minutes: by the time anything is slow, too many are inside, and they cannot be sent away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from web.load_level import BUSY, FULL, HEAVY, STARTS_AT

# Starts a second, of the whole platform.
SLOWEST, FIRST, FASTEST = 1.0, 20.0, 5000.0
# Where the line opens it moves at this part of what the doors let in when they became crowded: to
# begin is about a third of what an attempt costs, and the rest is still to come.
OPENING_SHARE = 0.3
# It opens when people feel it, or before that, when so many more have begun than have handed in while
# this share of the processors was used. Fewer are no flood: a few dozen who never pause keep the
# processors as full. While less is used that number is forgotten, over so many seconds: a single
# beat with a pause in it is no relief.
NOTHING_LEFT, MORE_INSIDE, FORGOTTEN_OVER_SECONDS = 0.95, 1000, 4.0
# The share of the processors that the line aims at. With all of them used the rate falls by so much a
# second, and with as much less used as that is more it grows by so much (powers of e: to 0.78 times,
# by 1.1 times), up to four times as fast with much less used.
AIM = 0.93
SLOWER, FASTER, MOST_STEPS_UP = 0.25, 0.1, 4.0
FULL_KEEPS = 0.5  # of the rate, each second in which answers come late
# It grows only while this part of it is taken: what nobody uses tells nothing.
TAKEN = 0.7
# While nobody feels anything it is never slower than this part of those who hand in: the processors
# may be full of something else, of refusals for one, and as many inside as before are no more than
# before. With less than all of them the refusals crowded those out who take part.
OF_LEAVES = 1.0
# Not everybody comes when served: as many more numbers are served, by the share that came lately.
# Where all have gone home their numbers must pass faster than new ones are issued; and none passes
# while those called already have to wait at the doors for longer than anybody stands there.
FEWEST_SHOW, SHOWS_OVER_SECONDS, ALL_TAKEN = 0.04, 3.0, 0.95
DOOR_SECONDS = 1.0
# Numbers may be served before they are issued, for so long: whoever comes then need not wait.
AHEAD_SECONDS = 1.0
LONGEST_STEP_SECONDS = 2.0
# The line closes when nobody has waited and nothing has pressed for so long.
CLOSES_AFTER_SECONDS = 10.0
PACE_OVER_SECONDS, LEAVES_OVER_SECONDS = 10.0, 10.0
# How soon a page asks again: often near its turn, more seldom far from it. Those far off must not
# stay away long: with two minutes the line served numbers whose holders did not look, and stood
# while the platform had nothing to do.
SOONEST_SECONDS, LATEST_SECONDS = 3, 30
LONGEST_TOLD_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Line:
    """The one line: `epoch` tells it from a line that was lost, instants are in seconds."""

    epoch: int = 0
    issued: int = 0
    served: float = 0.0
    rate: float = FIRST  # starts a second that the doors let through
    shows: float = 1.0  # of those served, the share that comes
    pace: float = FIRST  # numbers a second that it has served lately
    is_open: bool = False
    crowding: float = 0.0  # how many more have begun than handed in since nothing was left
    leaving: float = 0.0  # how many hand in a second, over a while
    calm_from: float = 0.0
    at: float = 0.0

    @property
    def now_serving(self) -> int:
        return math.floor(self.served)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number stands, in figures that may be shown."""

    number: int
    ahead: int
    seconds: int
    retry_after: int

    @property
    def is_served(self) -> bool:
        return self.retry_after == 0


@dataclass(frozen=True, slots=True)
class Figures:
    """How the whole platform does."""

    worst: float = 0.0  # pressure of the most pressed process
    used: float = 0.0  # share of its processors that is in use, where most is
    starts_per_s: float = 0.0
    leaves_per_s: float = 0.0  # of those who hand in
    door_seconds: float = 0.0  # until whoever knocks now comes through, where that is longest


def advance(line: Line, seen: Figures, at: float) -> Line:
    """The line at the instant `at`, when these are the figures."""
    passed = min(max(at - line.at, 0.0), LONGEST_STEP_SECONDS)
    leaving = _towards(line.leaving, seen.leaves_per_s, passed / LEAVES_OVER_SECONDS)
    line = replace(line, leaving=leaving)
    if not line.is_open:
        return _closed(line, seen, passed, at)
    shows = _shows(line, seen, passed)
    rate = next_rate(line.rate, replace(seen, leaves_per_s=leaving), passed)
    speed = 0.0 if seen.door_seconds > DOOR_SECONDS else rate / shows
    served = min(line.served + speed * passed, max(line.served, line.issued + rate * AHEAD_SECONDS))
    moved = (served - line.served) / passed if passed else line.pace
    is_waited_for = served < line.issued
    is_calm = not is_waited_for and seen.worst < STARTS_AT[BUSY]
    calm_from = line.calm_from if is_calm else at
    return replace(
        line,
        served=served,
        rate=rate,
        shows=shows,
        # Where nobody waits it serves only who comes, which tells nothing of how fast it can.
        pace=_towards(
            line.pace, moved if is_waited_for else rate / shows, passed / PACE_OVER_SECONDS
        ),
        is_open=not (is_calm and at - calm_from >= CLOSES_AFTER_SECONDS),
        calm_from=calm_from,
        at=at,
    )


def next_rate(rate: float, seen: Figures, passed: float) -> float:
    """The rate after `passed` seconds of this."""
    if seen.worst >= STARTS_AT[FULL]:
        return max(rate * math.pow(FULL_KEEPS, passed), SLOWEST)
    slowest = SLOWEST
    left = (AIM - seen.used) / (1 - AIM)
    if seen.worst < STARTS_AT[BUSY]:
        slowest = max(slowest, seen.leaves_per_s * OF_LEAVES)
    else:
        left = -1.0
    if seen.starts_per_s < rate * TAKEN:
        left = min(left, 0.0)
    change = max(left, -1.0) * SLOWER if left < 0 else min(left, MOST_STEPS_UP) * FASTER
    return min(max(rate * math.exp(change * passed), slowest), FASTEST)


def place_of(line: Line, number: int) -> Place:
    """Who stands before this number and for how long, by the pace that was really gone lately."""
    if number <= line.served:
        return Place(number, 0, 0, 0)
    ahead = number - line.now_serving - 1
    seconds = min(math.ceil((number - line.served) / max(line.pace, SLOWEST)), LONGEST_TOLD_SECONDS)
    return Place(number, ahead, seconds, ask_again(seconds, number))


def ask_again(seconds: float, number: int) -> int:
    """After how many seconds to ask again; neighbours in the line do not ask at the same instant."""
    base = min(max(seconds / 3, SOONEST_SECONDS), LATEST_SECONDS)
    return round(base * (1 + number % 5 / 10))


def _closed(line: Line, seen: Figures, passed: float, at: float) -> Line:
    """Everybody is served, until it is too much."""
    if seen.used >= NOTHING_LEFT:
        crowding = max(line.crowding + (seen.starts_per_s - seen.leaves_per_s) * passed, 0.0)
    else:
        crowding = _towards(line.crowding, 0.0, passed / FORGOTTEN_OVER_SECONDS)
    closed = replace(line, served=float(line.issued), crowding=crowding, at=at)
    if seen.worst < STARTS_AT[HEAVY] and crowding < MORE_INSIDE:
        return closed
    rate = max(seen.starts_per_s * OPENING_SHARE, SLOWEST) if seen.starts_per_s else line.rate
    return replace(
        closed, is_open=True, rate=rate, pace=rate, shows=1.0, crowding=0.0, calm_from=at
    )


def _shows(line: Line, seen: Figures, passed: float) -> float:
    """Where the doors are full, whoever is served comes soon enough."""
    is_full = seen.door_seconds > DOOR_SECONDS or seen.starts_per_s >= line.rate * ALL_TAKEN
    if is_full or line.served >= line.issued:
        found = 1.0
    else:
        found = max(seen.starts_per_s * line.shows / line.rate, FEWEST_SHOW)
    return _towards(line.shows, found, passed / SHOWS_OVER_SECONDS)


def _towards(value: float, target: float, share: float) -> float:
    return value + (target - value) * min(share, 1.0)
