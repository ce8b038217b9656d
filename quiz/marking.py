"""What does an attempt get, straight from its seed? The same as scoring its drawn paper, sooner.

A paper that nobody looks at need not be made: where one chosen option decides, the number that
arranges the options already says where the right ones were shown. Every other question is arranged
and scored as quiz.drawing and quiz.scoring do it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quiz.corrections import NOTHING, Overlay, corrected
from quiz.drawing import VERSION, PaperQuestion, arranged, arrangement, dealt, draw
from quiz.pools import Pool, PoolQuestion
from quiz.scoring import POINT, Scored, corrected_points, score

_MOST_ORDERS = 120  # of five options; beyond that a table would be larger than its use


class Marker:
    """Marks attempts at the papers of one pool, by the key that holds with `overlay`."""

    def __init__(self, pool: Pool, overlay: Overlay = NOTHING) -> None:
        self._pool = pool
        self._overlay = overlay
        self._right_shown = [self._places_of_right(question) for question in pool.candidates]

    def mark(self, seed: str, version: int, answers: Mapping[str, Sequence[int]]) -> Scored:
        """Score answers, {"1": [shown option positions], …}, of the paper that the seed gives."""
        if version != VERSION:  # papers of before are not dealt by numbers
            return score(draw(self._pool, seed, version=version), answers, self._overlay)
        points = correct = dropped = position = 0
        dealt_questions = dealt(self._pool, bytes.fromhex(seed))
        for position, (place, number) in enumerate(dealt_questions, start=1):
            chosen = answers.get(str(position), ())
            right = self._right_shown[place]
            if right and len(chosen) <= 1:
                is_right = chosen and chosen[0] in right[number % len(right)]
                earned: int | None = POINT if is_right else 0
            else:
                earned = self._points(self._pool.candidates[place], number, chosen)
            if earned is None:
                dropped += 1
            else:
                points += earned
                correct += earned == POINT
        return Scored(points, correct, position - dropped)

    def _points(self, question: PoolQuestion, number: int, chosen: Sequence[int]) -> int | None:
        shown = PaperQuestion(question, arranged(question, number))
        return corrected_points(shown, chosen, self._overlay.get(question.id))

    def _places_of_right(self, question: PoolQuestion) -> Sequence[frozenset[int]]:
        """By the index of the arrangement: where the right options are shown, from 1.

        Empty where one place does not decide, or where there are too many arrangements.
        """
        correction = self._overlay.get(question.id)
        kept, order_count = question.mixing
        if (
            question.kind == "multiple"
            or order_count > _MOST_ORDERS
            or (correction is not None and correction.kind != "rekey")
        ):
            return ()
        right = corrected(question, correction).right_places
        return [
            frozenset(
                shown
                for shown, place in enumerate(arrangement(kept, index), start=1)
                if place in right
            )
            for index in range(order_count)
        ]
