"""Is every acknowledgement that a client holds in the database?

One way to reconcile for the benchmarks' players, the crowd's ledgers and the faults: a save's
sequence number and answers, the prediction, the receipt and the score that was shown. One
difference fails a run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from loadtest.crowd.ledger import read_lines

POINT = 1000  # a score is shown in points, and kept in thousandths
BATCH = 5000
_KEPT = (
    "SELECT a.id, a.state, a.saved_seq, a.answers, a.prediction, a.receipt, s.points "
    "FROM attempt a LEFT JOIN score s ON s.attempt_id = a.id WHERE a.id = ANY($1::uuid[])"
)


@dataclass
class Acknowledged:
    """What the server told a person to be kept."""

    saved_seq: int = 0
    answers: dict[str, list[int]] = field(default_factory=dict)
    prediction: int | None = None
    receipt: str | None = None
    score: float | None = None
    is_submitted: bool = False
    is_in_doubt: bool = False  # a request failed: the server may have kept more than it said


@dataclass
class Held:
    """What the people of a run hold, by attempt, and how many acknowledgements that were."""

    by_attempt: dict[UUID, Acknowledged] = field(default_factory=dict)
    cookies: dict[UUID, str] = field(default_factory=dict)
    count: int = 0
    most_inside: int = 0  # attempts that were open at once
    a_second: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def busiest(self, kind: str, *, seconds: int = 10) -> float:
        """The most acknowledgements of a kind a second, over so many seconds."""
        counts = self.a_second[kind]
        return max(
            (sum(counts[at + step] for step in range(seconds)) / seconds for at in counts),
            default=0.0,
        )


def read_ledgers(folder: Path) -> Held:
    """The crowd's ledgers: of each attempt the last state that was acknowledged."""
    held = Held()
    moves: list[tuple[float, int]] = []
    for line in read_lines(folder):
        attempt, kind = UUID(line["attempt"]), line["kind"]
        known = held.by_attempt.get(attempt)
        if kind == "doubt":
            held.by_attempt[attempt] = known = known or Acknowledged()
            known.is_in_doubt = True
            continue
        if kind == "start":
            held.cookies[attempt] = line["cookie"]
            moves += [(line["at"], 1)] if known is None else []
        if kind == "submit":
            moves.append((line["at"], -1))
        held.count += 1
        held.a_second[kind][int(line["at"])] += 1
        held.by_attempt[attempt] = _acknowledged(line, known)
    held.most_inside = _most_inside(moves)
    return held


async def reconcile(database_url: str, held: Mapping[UUID, Acknowledged]) -> list[str]:
    """Look up every acknowledgement; one sentence for each attempt that differs."""
    connection = await asyncpg.connect(database_url)
    try:
        differences = []
        for some in _batches(held):
            rows = await connection.fetch(_KEPT, some)
            kept = {row["id"]: dict(row) for row in rows}
            differences += [
                f"attempt {attempt_id}: {found}"
                for attempt_id in some
                if (found := difference(held[attempt_id], kept.get(attempt_id)))
            ]
        return differences
    finally:
        await connection.close()


def difference(told: Acknowledged, row: Mapping[str, Any] | None) -> str:
    """What a person was told and the database does not have; "" when all of it is there.

    After a request without an answer the database may be ahead of what was told, never behind: an
    answer may have changed since, and none may be gone.
    """
    if row is None:
        return "is not in the database"
    kept = {**row, "answers": orjson.loads(row["answers"])}
    if told.is_in_doubt and not told.is_submitted and row["saved_seq"] > told.saved_seq:
        gone = told.answers.keys() - kept["answers"].keys()
        return f"answers to {sorted(gone)} were acknowledged and are gone" if gone else ""
    wanted = _wanted(told)
    return "; ".join(
        f"{name} was acknowledged as {value!r} and is {kept[name]!r}"
        for name, value in wanted.items()
        if kept[name] != value
    )


def _wanted(told: Acknowledged) -> dict[str, object]:
    wanted: dict[str, object] = {"saved_seq": told.saved_seq, "answers": told.answers}
    if told.is_submitted or told.receipt is not None:
        wanted["state"] = "submitted"
    if told.receipt is not None:
        wanted["receipt"] = told.receipt
    if told.prediction is not None:
        wanted["prediction"] = told.prediction
    if told.score is not None:
        wanted["points"] = round(told.score * POINT)
    return wanted


def _acknowledged(line: Mapping[str, Any], known: Acknowledged | None) -> Acknowledged:
    return Acknowledged(
        saved_seq=line["seq"],
        answers=line["answers"],
        prediction=line["prediction"],
        receipt=line["receipt"],
        score=line["score"],
        is_submitted=line["kind"] == "submit" or (known is not None and known.is_submitted),
    )


def _most_inside(moves: Iterable[tuple[float, int]]) -> int:
    inside = most = 0
    for _at, step in sorted(moves, key=itemgetter(0)):
        inside += step
        most = max(most, inside)
    return most


def _batches(held: Mapping[UUID, Acknowledged]) -> Iterator[tuple[UUID, ...]]:
    ids = list(held)
    for start in range(0, len(ids), BATCH):
        yield tuple(ids[start : start + BATCH])
