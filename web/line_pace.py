"""How fast does the waiting line move, and what may a person in it be told?

Everybody who wants to begin while the platform is crowded gets the next number; numbers up to
`served` may begin. There is one line for the whole platform and not one a contest: what is scarce
are the machines that all contests share. How fast `served` moves is found out, not set: faster in
proportion to what is left of the processors, slower when nearly nothing is, and half as fast each
second when answers come late. A number that is served stays served: whoever looked away loses
nothing.

It steers by what is left and not by what people feel, because whoever is let in works for many
minutes: by the time anything is slow, too many are inside, and they cannot be sent away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from web.load_level import BUSY, FULL, HEAVY, STARTS_AT

# Starts a second, of the whole platform.
SLOWEST, FIRST, FASTEST = 1.0, 20.0, 5000.0
# Where the line opens it moves at this part of what the doors let in when they became crowded.
OPENING_SHARE = 0.7
# The share of the processors that the line aims at. From there to all of them, or as far below, the
# rate changes by up to so much a second, down and up (powers of e: 0.6 and 1.16 times).
AIM = 0.93
SLOWER, FASTER = 0.5, 0.15
FULL_KEEPS = 0.5  # of the rate, each second in which answers come late
# Numbers may be served before they are issued, for so long: whoever comes then need not wait.
AHEAD_SECONDS = 1.0
LONGEST_STEP_SECONDS = 2.0
# The line closes when nobody has waited and nothing has pressed for so long.
CLOSES_AFTER_SECONDS = 10.0
PACE_OVER_SECONDS = 10.0
# How soon a page asks again: often near its turn, seldom far from it.
SOONEST_SECONDS, LATEST_SECONDS = 3, 120
LONGEST_TOLD_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Line:
    """The one line: `epoch` tells it from a line that was lost, instants are in seconds."""

    epoch: int = 0
    issued: int = 0
    served: float = 0.0
    rate: float = FIRST  # numbers a second that it is set to serve
    pace: float = FIRST  # numbers a second that it has served lately
    is_open: bool = False
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


def advance(line: Line, *, worst: float, used: float, starts_per_s: float, at: float) -> Line:
    """The line at the instant `at`, when the most pressed process tells a pressure of `worst` and
    the fullest one that this share of its processors is `used`.
    """
    passed = min(max(at - line.at, 0.0), LONGEST_STEP_SECONDS)
    if not line.is_open:
        closed = replace(line, served=float(line.issued), at=at)
        return _opened(closed, starts_per_s) if worst >= STARTS_AT[HEAVY] else closed
    rate = next_rate(line.rate, worst, used, passed)
    served = min(line.served + rate * passed, max(line.served, line.issued + rate * AHEAD_SECONDS))
    moved = (served - line.served) / passed if passed else line.pace
    is_waited_for = served < line.issued
    is_calm = not is_waited_for and worst < STARTS_AT[BUSY]
    calm_from = line.calm_from if is_calm else at
    return replace(
        line,
        served=served,
        rate=rate,
        # Where nobody waits it serves only who comes, which tells nothing of how fast it can.
        pace=_towards(line.pace, moved if is_waited_for else rate, passed / PACE_OVER_SECONDS),
        is_open=not (is_calm and at - calm_from >= CLOSES_AFTER_SECONDS),
        calm_from=calm_from,
        at=at,
    )


def next_rate(rate: float, worst: float, used: float, passed: float) -> float:
    """The rate after `passed` seconds under this pressure and with this share of processors used."""
    if worst >= STARTS_AT[FULL]:
        return max(rate * FULL_KEEPS**passed, SLOWEST)
    left = -1.0 if worst >= STARTS_AT[BUSY] else (AIM - used) / (1 - AIM)
    change = max(left, -1.0) * SLOWER if left < 0 else min(left, 1.0) * FASTER
    return min(max(rate * math.exp(change * passed), SLOWEST), FASTEST)


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


def _opened(line: Line, starts_per_s: float) -> Line:
    rate = max(starts_per_s * OPENING_SHARE, SLOWEST) if starts_per_s else line.rate
    return replace(line, is_open=True, rate=rate, pace=rate, calm_from=line.at)


def _towards(value: float, target: float, share: float) -> float:
    return value + (target - value) * min(share, 1.0)
