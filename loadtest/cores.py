"""How do platform and generator share one machine, so that it is the platform that is full?

Half of the processors each. Otherwise a crowd that is three times too many takes from the platform
the very processor time whose use is being measured.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from loadtest.cpu import children


def share_out(platform: Iterable[int]) -> int:
    """Pin those processes, with their children, to the first half, and us to the other.

    Returns how many processors the platform has now; 0 where there is only one for both.
    """
    all_of_them = sorted(os.sched_getaffinity(0))
    half = len(all_of_them) // 2
    if half == 0:
        return 0
    for pid in platform:
        for each in (pid, *children(pid)):
            _pin(each, all_of_them[:half])
    os.sched_setaffinity(0, all_of_them[half:])
    return half


def _pin(pid: int, processors: list[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), processors)
