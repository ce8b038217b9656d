"""What does each person hold from the server, so that it can be looked up afterwards?

One JSONL file a generator process. Each line is the whole state of one attempt after one
acknowledgement, written and flushed before the person goes on:

`{"at", "kind", "attempt", "seq", "answers", "prediction", "receipt", "score", "in_doubt"}`

`kind`: start, found (an attempt that was begun before this run), save, submit, score, or doubt (a
request was sent and not answered: the server may hold more than it said). `cookie` stands in the line of a start, so that the attempt can be opened
again; the file is for its owner alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATTERN = "ledger-*.jsonl"


@dataclass
class Held:
    """All that the server has acknowledged about one attempt."""

    attempt: str = ""
    cookie: str = ""
    seq: int = 0
    answers: dict[str, list[int]] = field(default_factory=dict)
    prediction: int | None = None
    receipt: str | None = None
    score: float | None = None
    in_doubt: bool = False


class Ledger:
    """Appends to one file."""

    def __init__(self, folder: Path, generator: int) -> None:
        path = folder / f"ledger-{generator}.jsonl"
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w")

    def write(self, kind: str, held: Held) -> None:
        line: dict[str, Any] = {
            "at": round(time.time(), 3),
            "kind": kind,
            "attempt": held.attempt,
            "seq": held.seq,
            "answers": held.answers,
            "prediction": held.prediction,
            "receipt": held.receipt,
            "score": held.score,
            "in_doubt": held.in_doubt,
        }
        if kind == "start":
            line["cookie"] = held.cookie
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


def read_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Every line of every generator; a last line cut short by a kill was never acted upon."""
    for path in sorted(folder.glob(PATTERN)):
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)
