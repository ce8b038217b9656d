"""What does an attempt get, straight from its seed? The same as scoring its drawn paper, sooner.

A paper that nobody looks at need not be made: the number that arranges a question's options already
says where the right ones were shown. A question with too many arrangements for a table is arranged
and scored as quiz.drawing and quiz.scoring do it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from quiz.corrections import NOTHING, Overlay, corrected
from quiz.drawing import VERSION, PaperQuestion, arranged, arrangement, dealt, draw
from quiz.pools import Pool, PoolQuestion
from quiz.scoring import POINT, Scored, corrected_points, rule_points, score

_MOST_ORDERS = 120  # of five options; beyond that a table would be larger than its use


class _Table(NamedTuple):
    """Of one question: which options it shows, and by the arrangement's index which are right."""

    kind: str
    shown: frozenset[int]
    right: Sequence[frozenset[int]]


class Marker:
    """Marks attempts at the papers of one pool, by the key that holds with `overlay`."""

    def __init__(self, pool: Pool, overlay: Overlay = NOTHING) -> None:
        self._pool = pool
        self._overlay = overlay
        self._positions = [str(position) for position in range(1, pool.question_count + 1)]
        self._tables = [self._table(question) for question in pool.candidates]

    def mark(self, seed: str, version: int, answers: Mapping[str, Sequence[int]]) -> Scored:
        """Score answers, {"1": [shown option positions], …}, of the paper that the seed gives."""
        if version != VERSION:  # papers of before are not dealt by numbers
            return score(draw(self._pool, seed, version=version), answers, self._overlay)
        points = correct = dropped = 0
        tables, paper = self._tables, dealt(self._pool, bytes.fromhex(seed))
        for position, (place, number) in zip(self._positions, paper, strict=False):
            chosen, table = answers.get(position, ()), tables[place]
            if table is None:
                earned = self._points(self._pool.candidates[place], number, chosen)
                if earned is None:
                    dropped += 1
                    continue
            elif not chosen:
                continue
            else:
                kind, shown, rights = table
                right = rights[number % len(rights)]
                if len(chosen) == 1 and kind != "multiple":
                    earned = POINT if chosen[0] in right else 0
                else:
                    earned = rule_points(kind, shown.intersection(chosen), right)
            points += earned
            correct += earned == POINT
        return Scored(points, correct, len(paper) - dropped)

    def _points(self, question: PoolQuestion, number: int, chosen: Sequence[int]) -> int | None:
        shown = PaperQuestion(question, arranged(question, number))
        return corrected_points(shown, chosen, self._overlay.get(question.id))

    def _table(self, question: PoolQuestion) -> _Table | None:
        """None where the answer does not decide, or where there are too many arrangements."""
        correction = self._overlay.get(question.id)
        kept, order_count = question.mixing
        if order_count > _MOST_ORDERS or (correction is not None and correction.kind != "rekey"):
            return None
        key = corrected(question, correction).right_places
        return _Table(
            question.kind,
            frozenset(range(1, len(kept) + 1)),
            [_shown_right(arrangement(kept, index), key) for index in range(order_count)],
        )


@lru_cache(maxsize=50_000)
def _shown_right(order: tuple[int, ...], key: frozenset[int]) -> frozenset[int]:
    return frozenset(shown for shown, place in enumerate(order, start=1) if place in key)
