"""How much processor time did each part of the stack use between two moments?"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat after the command's name (proc(5) numbers them from 1, the state is 3).
_PARENT, _USER, _SYSTEM, _CHILD_USER, _CHILD_SYSTEM = 1, 11, 12, 13, 14


@dataclass(frozen=True)
class Used:
    """CPU seconds by part, over `seconds` of wall time."""

    seconds: float
    by_part: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.by_part.values())

    def scaled_to(self, seconds: float) -> Used:
        factor = seconds / self.seconds
        return Used(seconds, {part: used * factor for part, used in self.by_part.items()})

    def without(self, idle: Used) -> Used:
        """What the load cost beyond what the same time costs at rest."""
        rest = idle.scaled_to(self.seconds)
        return Used(
            self.seconds, {part: used - rest.by_part[part] for part, used in self.by_part.items()}
        )


class Meter:
    """Reads user and system time of processes, of their living children and of those that ended.

    A child that ends between the two looks at one reading may be missed or counted twice; readings
    are taken before and after the load, when PostgreSQL's backends stay as they are.
    """

    def __init__(self, parts: Mapping[str, Sequence[int]]) -> None:
        self._parts = parts
        self._at = 0.0
        self._before: Mapping[str, float] = {}
        self.start()

    def start(self) -> None:
        self._at, self._before = time.monotonic(), self._read()

    def stop(self) -> Used:
        after, at = self._read(), time.monotonic()
        return Used(at - self._at, {part: after[part] - self._before[part] for part in after})

    def _read(self) -> dict[str, float]:
        return {part: sum(map(_tree_seconds, pids)) for part, pids in self._parts.items()}


def yardstick_ms() -> float:
    """CPU time of a fixed piece of work: tells a run on a busy or slow machine from a quiet one.

    Neighbours on the same core make every CPU second do less; figures in milliseconds compare only
    between runs whose yardsticks agree, and a large program suffers more than this small one. The
    best seen on the two-core machine of the first runs was 1.6 ms.
    """
    taken = []
    for _ in range(21):
        started = time.process_time()
        sorted(range(20_000), key=lambda number: -number)
        taken.append(time.process_time() - started)
    return statistics.median(taken) * 1000


def children(parent: int) -> dict[int, str]:
    """The living children of a process: number and command name."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (read := _stat(int(folder.name))) is not None:
            name, fields = read
            if int(fields[_PARENT]) == parent:
                found[int(folder.name)] = name
    return found


def _tree_seconds(pid: int) -> float:
    own = _stat(pid)
    if own is None:
        raise RuntimeError(f"process {pid} has ended during the measurement")
    ticks = _sum(own[1], (_USER, _SYSTEM, _CHILD_USER, _CHILD_SYSTEM))
    for child in children(pid):
        if (read := _stat(child)) is not None:
            ticks += _sum(read[1], (_USER, _SYSTEM, _CHILD_USER, _CHILD_SYSTEM))
    return ticks / _TICKS_PER_SECOND


def _sum(fields: Sequence[str], places: Sequence[int]) -> int:
    return sum(int(fields[place]) for place in places)


def _stat(pid: int) -> tuple[str, list[str]] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may itself hold spaces and parentheses.
    before, _, after = text.rpartition(")")
    return before.partition("(")[2], after.split()
