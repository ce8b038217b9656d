"""How does a run's outcome become figures, one JSON line, and an exit code?"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a bench found; any fault fails the run, whatever its figures are."""

    figures: Figures
    faults: Sequence[str] = field(default=())


def say(line: str = "") -> None:
    print(line, flush=True)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; 0 for nothing."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


def latencies_ms(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
    return {name: round(percentile(ordered, share) * 1000, 1) for name, share in shares.items()}


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def commit() -> str:
    """The commit that was measured, with "+" when the tree has changes on top of it."""
    try:
        found = _git("rev-parse", "--short", "HEAD")
        return f"{found}+" if _git("status", "--porcelain", "--untracked-files=no") else found
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def sync_ms(folder: Path, *, times: int = 50) -> float:
    """Median of a small append made durable: the floor under every commit on this disk."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(times):
            started = time.perf_counter()
            file.write(b"x" * 8192)
            file.flush()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return round(sorted(taken)[times // 2] * 1000, 2)


def publish(name: str, outcome: Outcome, *, small: bool, kind: str = "bench") -> None:
    """Print the last line and keep it in LOCAL_DIR/bench.jsonl, or another `kind`'s own file."""
    figures = {kind: name, **outcome.figures, "commit": commit()}
    if small:
        figures["small"] = True  # proves that it works; its figures mean nothing
    if outcome.faults:
        figures["faults"] = list(outcome.faults)[:5]
    line = json.dumps(figures, ensure_ascii=False)
    kept = PROJECT / os.environ.get("LOCAL_DIR", ".local") / f"{kind}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    say(line)


def rounded(values: Mapping[str, float], digits: int = 3) -> dict[str, float]:
    return {name: round(value, digits) for name, value in values.items()}


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(PROJECT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()
