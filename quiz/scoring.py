"""How many points does an attempt get?

A question is worth one point, kept as 1,000 thousandths. Single choice and true/false: the whole
point or nothing. Several choices: right options chosen minus wrong options chosen, over the number
of right options, never below nothing (the rule that Moodle calls "multiple answers" with equal
fractions and a penalty for wrong ones). A question counts as correct only with the whole point.
What the organisers corrected afterwards (quiz.corrections) is laid over the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from quiz.corrections import NOTHING, Correction, Overlay
from quiz.drawing import Paper, PaperQuestion

VERSION = 1
POINT = 1000


class Scored(NamedTuple):
    """A tuple, as all that scoring makes for every attempt: a dataclass takes three times as long."""

    points: int  # thousandths
    correct_count: int
    question_count: int


def score(paper: Paper, answers: Mapping[str, Sequence[int]], overlay: Overlay = NOTHING) -> Scored:
    """Score answers, {"1": [shown option positions], …}, against the paper that was shown."""
    points = correct = dropped = 0
    for position, paper_question in enumerate(paper, start=1):
        correction = overlay.get(paper_question.question.id) if overlay else None
        earned = corrected_points(paper_question, answers.get(str(position), ()), correction)
        if earned is None:
            dropped += 1
            continue
        points += earned
        correct += earned == POINT
    return Scored(points, correct, len(paper) - dropped)


def corrected_points(
    paper_question: PaperQuestion, chosen: Sequence[int], correction: Correction | None
) -> int | None:
    """Thousandths of a point by the key that holds now; None when the question was taken out."""
    if correction is None:
        return question_points(paper_question, chosen)
    if correction.kind == "rekey":
        return _points(paper_question, chosen, frozenset(correction.right_options))
    return POINT if correction.kind == "full_marks" else None


def question_points(paper_question: PaperQuestion, chosen: Sequence[int]) -> int:
    """Thousandths of a point by the key in the question."""
    return _points(paper_question, chosen, paper_question.question.right_places)


def _points(paper_question: PaperQuestion, chosen: Sequence[int], right: frozenset[int]) -> int:
    question, order = paper_question
    places = {order[shown - 1] for shown in chosen if 1 <= shown <= len(order)}
    return rule_points(question.kind, places, right)


def rule_points(kind: str, chosen: AbstractSet[int], right: AbstractSet[int]) -> int:
    """Thousandths of a point by the rule alone; both sets number a question's options alike."""
    if kind != "multiple":
        return POINT if len(chosen) == 1 and chosen <= right else 0
    hits = len(chosen & right)
    return max(0, POINT * (2 * hits - len(chosen)) // len(right))
