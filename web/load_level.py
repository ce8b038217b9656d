"""How hard does this process find its work, told by what people would feel?

A few times a second it looks at three things: how late the event loop comes round, how long a save
waits for its commit, and how long a request stays inside (those inside divided by those answered a
second: Little's law). The worst of them against its limit is the pressure; 1 is where people begin
to feel it. Everything else reads one whole number, `Load.shed`. Beside them stands `Load.used`, the
share of the processors in use: the line before the doors moves by what is left of them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.metrics import LOAD_LEVEL, LOAD_PRESSURE, LOAD_USED
from web.processors import Processors

CALM, BUSY, HEAVY, FULL = range(4)
# Pressure at which each level begins. A refusal can be no quicker than the event loop comes round,
# so the doors must narrow well before the loop is 100 ms late.
STARTS_AT = (0.0, 1.0, 2.0, 5.0)
LAG_LIMIT_SECONDS = 0.04
WAIT_LIMIT_SECONDS = 0.12
STAY_LIMIT_SECONDS = 0.2
# Fewer than these inside at once are no crowd (an attempt is priced with 64, QL1): whatever is slow
# then, refusing others mends nothing.
CROWD = 128
TICK_SECONDS = 0.2
# The median of a second: one slow export or one long sweep of the collector is not overload.
SAMPLES = 5
# A level is left when the pressure has stayed this far under its beginning for so long.
RELIEF = 0.7
HOLD_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look found; `at` is seconds on a clock that only goes forward."""

    at: float
    lag_seconds: float = 0.0
    wait_seconds: float = 0.0
    in_flight: int = 0
    answered_per_s: float = 0.0
    used: float = 0.0  # share of the processors, between 0 and 1


def pressure_of(sample: Sample) -> float:
    """The worst signal against its limit; nothing while there is no crowd."""
    if sample.in_flight < CROWD:
        return 0.0
    stay = sample.in_flight / max(sample.answered_per_s, 1.0)
    return max(
        sample.lag_seconds / LAG_LIMIT_SECONDS,
        sample.wait_seconds / WAIT_LIMIT_SECONDS,
        stay / STAY_LIMIT_SECONDS,
    )


def smoothed(samples: Sequence[Sample]) -> float:
    return statistics.median(pressure_of(sample) for sample in samples) if samples else 0.0


def level_at(pressure: float) -> int:
    return max(level for level, start in enumerate(STARTS_AT) if pressure >= start)


class Load:
    """The load of one process. The edge counts, the keeper looks, everybody else reads."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.answered = 0
        self.refused = 0
        self.pressure = 0.0
        self.used = 0.0
        self.level = CALM
        # What to refuse by: the level, or at least HEAVY while staff have switched lite mode on or
        # newcomers wait in line: boards do not take what keeps them out.
        self.shed = CALM
        self.is_lite = False
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._relieved_at: float | None = None

    def note(self, sample: Sample) -> None:
        """Judge anew: up at once, down one level a time and only after a while of relief."""
        self._samples.append(sample)
        self.pressure = smoothed(self._samples)
        self.used = statistics.fmean(each.used for each in self._samples)
        found = level_at(self.pressure)
        if found > self.level:
            self._change(found)
        elif self.level > CALM and self.pressure < STARTS_AT[self.level] * RELIEF:
            if self._relieved_at is None:
                self._relieved_at = sample.at
            elif sample.at - self._relieved_at >= HOLD_SECONDS:
                self._change(self.level - 1)
        else:
            self._relieved_at = None
        LOAD_PRESSURE.set(self.pressure)
        LOAD_USED.set(self.used)

    def set_lite(self, is_lite: bool) -> None:
        self.is_lite = is_lite
        self._change(self.level)

    def _change(self, level: int) -> None:
        self.level = level
        self.shed = max(level, HEAVY) if self.is_lite else level
        self._relieved_at = None
        LOAD_LEVEL.set(level)


async def keep_load(
    load: Load, *, longest_wait: Callable[[], float], is_lite: Callable[[], bool]
) -> None:
    """Look at the process for as long as it serves."""
    answered, at, processors = 0, time.monotonic(), Processors()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        came = time.monotonic()
        # What was refused has not been served: it must not make the rest look quick.
        served = load.answered - load.refused
        load.note(
            Sample(
                at=came,
                lag_seconds=came - at - TICK_SECONDS,
                wait_seconds=longest_wait(),
                in_flight=load.in_flight,
                answered_per_s=(served - answered) / (came - at),
                used=processors.used(),
            )
        )
        answered, at = served, time.monotonic()
        if is_lite() != load.is_lite:
            load.set_lite(is_lite())
