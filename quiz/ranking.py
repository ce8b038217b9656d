"""In which order do a contest's rules put the counted attempts?

Comparators are data: names in the order in which they weigh. A standing's rank key is the
concatenation of its comparators as eight-byte big-endian numbers, the smaller the better, so the
database ranks any rules by one index, and two people share a rank exactly when every comparator is
equal. A recorded draw adds its place as the last number of the keys that it parted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

_WIDTH = 8
_LARGEST = 2 ** (8 * _WIDTH) - 1


class Counted(NamedTuple):
    """What ranks one attempt: points in thousandths, duration in milliseconds."""

    points: int
    duration_ms: int
    closed_at: datetime
    prediction: int | None = None


def _prediction_gap(counted: Counted, actual: int | None) -> int:
    if actual is None:
        return 0  # provisional boards ignore the prediction: the true number is not frozen yet
    return _LARGEST if counted.prediction is None else abs(counted.prediction - actual)


COMPARATORS: Mapping[str, Callable[[Counted, int | None], int]] = {
    "points": lambda counted, _: _LARGEST - counted.points,
    "prediction_gap": _prediction_gap,
    "duration": lambda counted, _: counted.duration_ms,
    "closed_at": lambda counted, _: int(counted.closed_at.timestamp() * 1000),
}
DEFAULT_COMPARATORS = ("points", "prediction_gap", "duration", "closed_at")


def rank_key(
    comparators: Sequence[str],
    counted: Counted,
    actual: int | None,
    draw_order: int | None = None,
) -> bytes:
    """The sortable key of one attempt; `actual` is the frozen true number, None while it is not.

    `draw_order` is the place among equals that a draw gave, None where nothing was drawn.
    """
    key = b"".join(_number(COMPARATORS[name](counted, actual)) for name in comparators)
    return key if draw_order is None else with_draw(key, draw_order)


def with_draw(key: bytes, draw_order: int) -> bytes:
    """The key of somebody whose place among equals was drawn."""
    return key + _number(draw_order)


def tied_key(key: bytes) -> bytes:
    """A drawn key as it was before the draw."""
    return key[:-_WIDTH]


def _number(value: int) -> bytes:
    capped: int = min(value, _LARGEST)
    return capped.to_bytes(_WIDTH, "big")


def bucket(key: bytes) -> bytes:
    """The part of a key that its first comparator made: what `standing_bucket` counts by."""
    return key[:_WIDTH]


def replaces(counting: str, new: tuple[bytes, datetime], old: tuple[bytes, datetime]) -> bool:
    """Whether a new attempt (rank key, when handed in) counts instead of the one that counts now."""
    new_key, new_closed_at = new
    old_key, old_closed_at = old
    if counting == "best":
        return (new_key, new_closed_at) < (old_key, old_closed_at)
    if counting == "last":
        return new_closed_at > old_closed_at
    return new_closed_at < old_closed_at
