"""What happened to one generator process's people, for the figures after the run?"""

from __future__ import annotations

import json
import time
from array import array
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

PATTERN = "tally-*.json"
MOST_SAMPLES = 20
QUICK_REFUSAL_SECONDS = 0.1
CPU_WINDOW_SECONDS = 5.0
LOOK_SECONDS = 0.1


class Tally:
    """Counts, the time of every request by step, and what this process itself cost."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.seconds: dict[str, array[float]] = defaultdict(lambda: array("f"))
        self.errors: list[str] = []
        self.lags: array[float] = array("f")
        self._began = self._looked = time.monotonic()
        self._cpu_began = self._cpu_looked = time.process_time()
        self._busiest = 0.0

    def start(self) -> None:
        """Begin counting this process's own CPU: the crowd is about to come."""
        self._began = self._looked = time.monotonic()
        self._cpu_began = self._cpu_looked = time.process_time()

    def took(self, step: str, seconds: float) -> None:
        self.seconds[step].append(seconds)

    def error(self, step: str, what: str) -> None:
        """An answer that nobody may get: it fails the run."""
        self.counts["errors"] += 1
        if len(self.errors) < MOST_SAMPLES:
            self.errors.append(f"{step}: {what}")

    def refused(
        self, step: str, seconds: float, retry_after: float | None, *, inside: bool
    ) -> None:
        """503, 429 or the waiting room: honest when it is quick and says when to come again."""
        self.counts["refused"] += 1
        self.counts["refused_inside"] += inside
        self.counts["refused_slowly"] += seconds > QUICK_REFUSAL_SECONDS
        if retry_after is None:
            self.error(step, "refused without Retry-After")

    def look_at_itself(self, lag_seconds: float) -> None:
        """Note how late this process came round, and every few seconds how busy it was.

        What a request took holds that lag twice at most: the generator's, not the platform's.
        """
        self.lags.append(lag_seconds)
        at, used = time.monotonic(), time.process_time()
        if at - self._looked >= CPU_WINDOW_SECONDS:
            self._busiest = max(self._busiest, (used - self._cpu_looked) / (at - self._looked))
            self._looked, self._cpu_looked = at, used

    def write(self, folder: Path, generator: int) -> None:
        seconds = max(time.monotonic() - self._began, 0.001)
        cpu_seconds = time.process_time() - self._cpu_began
        found: dict[str, Any] = {
            "counts": dict(self.counts),
            "errors": self.errors,
            "cpu_share": cpu_seconds / seconds,
            "lags": [round(each, 4) for each in self.lags],
            "busiest_cpu_share": max(self._busiest, cpu_seconds / seconds),
            "seconds": {
                step: [round(each, 5) for each in times] for step, times in self.seconds.items()
            },
        }
        (folder / f"tally-{generator}.json").write_text(json.dumps(found), encoding="utf-8")
