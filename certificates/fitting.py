"""How large can a text be printed in its place, and where do its lines break?

Pure: widths come from a function. A text steps down in size, then goes onto more lines, evenly
filled; it is never cut and never leaves its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

POINT_MM = 25.4 / 72

# Behind a space, which then goes; behind a hyphen or a stroke; before what follows an address.
_PIECES = re.compile(r"[^\s/?&#-]*[/-]|[?&#]?[^\s/?&#-]+|\s+")
# A hyphen at the end of an address's line reads like one that only divides, and is left out by
# whoever types it or takes the text out of the PDF.
_ADDRESS_PIECES = re.compile(r"[^/?&#]*/|[?&#]?[^/?&#]+")

Width = Callable[[str], int]  # of a text, in thousandths of its size


@dataclass(frozen=True, slots=True)
class Step:
    """One way to set a text: a size in points, on at most so many lines."""

    points: float
    lines: int = 1


def fit(
    text: str, width_mm: float, steps: Sequence[Step], width: Width
) -> tuple[float, list[str]] | None:
    """The first step that holds the text, as size and lines; None when none of them does."""
    for step in steps:
        room = width_mm / POINT_MM / step.points * 1000
        if width(text) <= room:
            return step.points, [text]
        for pattern in (_ADDRESS_PIECES, _PIECES) if "://" in text else (_PIECES,):
            pieces = pattern.findall(text)
            if step.lines > 1 and (lines := _broken(pieces, step.lines, room, width)):
                return step.points, lines
    return None


def _broken(pieces: Sequence[str], line_limit: int, room: float, width: Width) -> list[str] | None:
    # A long one would be measured for seconds only to find that it does not fit.
    if sum(map(width, pieces)) > room * line_limit:
        return None
    lines = _greedy(pieces, room, width)
    if lines is None or len(lines) > line_limit:
        return None
    # The narrowest room in which there are no more lines fills them evenly.
    low, high = room / 4, room
    while high - low > room / 200:
        middle = (low + high) / 2
        tighter = _greedy(pieces, middle, width)
        if tighter is not None and len(tighter) <= len(lines):
            lines, high = tighter, middle
        else:
            low = middle
    return lines


def _greedy(pieces: Sequence[str], room: float, width: Width) -> list[str] | None:
    lines: list[str] = []
    line = ""
    for piece in pieces:
        longer = line + piece
        if width(longer.rstrip()) <= room:
            line = longer
        elif width(piece.strip()) > room or not line.strip():
            return None
        else:
            lines.append(line.strip())
            line = piece.lstrip()
    return [*lines, line.strip()] if line.strip() else lines
