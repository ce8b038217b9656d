"""What went wrong lately in this process, or took long, in few words and without personal data?

A note is a kind of event with how often and when it last happened. Faults are told by their type
and place in the code, statements by their first words; neither messages nor values are kept,
because they may name people.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any

from core import clock
from core.metrics import ERRORS, SLOW_STATEMENTS

MOST_KINDS = 30
SLOW_STATEMENT_SECONDS = 0.5
LONGEST_WORDS = 160


@dataclass
class Note:
    """One kind of event; `last_at` in seconds since 1970, as it travels as JSON."""

    words: str
    count: int = 0
    last_at: float = 0.0
    request_id: str = ""
    route: str = ""
    longest_seconds: float = 0.0


class Notes:
    """The kinds that came last; the one that has been quiet longest makes room."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[tuple[str, str], Note] = OrderedDict()

    def add(
        self, words: str, *, route: str = "", request_id: str = "", seconds: float = 0.0
    ) -> None:
        key = (words[:LONGEST_WORDS], route)
        note = self._kinds.pop(key, None) or Note(key[0], route=route)
        self._kinds[key] = note
        note.count += 1
        note.last_at = clock.now().timestamp()
        note.request_id = request_id
        note.longest_seconds = max(note.longest_seconds, seconds)
        if len(self._kinds) > MOST_KINDS:
            self._kinds.popitem(last=False)

    def shown(self) -> list[dict[str, Any]]:
        """The newest first, ready for JSON."""
        return [asdict(note) for note in reversed(self._kinds.values())]

    def clear(self) -> None:
        self._kinds.clear()


FAULTS = Notes()
STATEMENTS = Notes()


def note_fault(
    event: str, error: BaseException | None, *, route: str = "", request_id: str = ""
) -> None:
    """Keep that something failed: its name, the kind of fault and where in our code."""
    ERRORS.inc()
    words = event if error is None else f"{event}: {type(error).__name__}{_place(error)}"
    FAULTS.add(words, route=route, request_id=request_id)


def note_statement(statement: str, seconds: float, *, request_id: str = "") -> None:
    """Keep that a statement was slow, by its first words; parameters never come here."""
    SLOW_STATEMENTS.inc()
    STATEMENTS.add(" ".join(statement.split()), request_id=request_id, seconds=seconds)


def _place(error: BaseException) -> str:
    """The innermost line that the fault passed through, as " (file.py:12)"."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    name = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f" ({name}:{trace.tb_lineno})"
