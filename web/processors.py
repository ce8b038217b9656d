"""How much of the processors that this process may use is in use, by whomever?

A process answers on one processor, so its own share of one counts; and PostgreSQL or a neighbour may
keep the processors busy, so theirs counts too. The fuller of the two is what is left to nobody.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_STAT = Path("/proc/stat")
# Columns of a processor's line after its name (proc(5)).
_IDLE, _IOWAIT, _GUEST = 3, 4, 8


class Processors:
    """Looks at what was used since it last looked."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._own = time.process_time()
        self._busy, self._all = _ticks()

    def used(self) -> float:
        """Between 0 and 1."""
        at, own = time.monotonic(), time.process_time()
        busy, all_ticks = _ticks()
        shares = (
            _share(own - self._own, at - self._at),
            _share(busy - self._busy, all_ticks - self._all),
        )
        self._at, self._own, self._busy, self._all = at, own, busy, all_ticks
        return max(shares)


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


def _ticks() -> tuple[int, int]:
    """Ticks that our processors were busy, and all of theirs; nothing where the system tells none."""
    try:
        lines = _STAT.read_bytes().splitlines()
    except OSError:
        return 0, 0
    ours = {b"cpu%d" % number for number in os.sched_getaffinity(0)}
    busy = whole = 0
    for line in lines:
        name, *columns = line.split()
        if name in ours:
            ticks = [int(each) for each in columns[:_GUEST]]  # a guest's are in the user's already
            whole += sum(ticks)
            busy += sum(ticks) - ticks[_IDLE] - ticks[_IOWAIT]
    return busy, whole
