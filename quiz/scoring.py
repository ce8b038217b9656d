"""How many points does an attempt get?

A question is worth one point, kept as 1,000 thousandths. Single choice and true/false: the whole
point or nothing. Several choices: right options chosen minus wrong options chosen, over the number
of right options, never below nothing (the rule that Moodle calls "multiple answers" with equal
fractions and a penalty for wrong ones). A question counts as correct only with the whole point.
What the organisers corrected afterwards (quiz.corrections) is laid over the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quiz.corrections import NOTHING, Correction, Overlay, corrected
from quiz.drawing import Paper, PaperQuestion

VERSION = 1
POINT = 1000


@dataclass(frozen=True, slots=True)
class Scored:
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
        mended = corrected(paper_question.question, correction)
        return question_points(replace(paper_question, question=mended), chosen)
    return POINT if correction.kind == "full_marks" else None


def question_points(paper_question: PaperQuestion, chosen: Sequence[int]) -> int:
    """Thousandths of a point by the key in the question."""
    options = paper_question.question.options
    order = paper_question.option_order
    places = {order[shown - 1] for shown in chosen if 1 <= shown <= len(order)}
    if paper_question.question.kind != "multiple":
        return POINT if len(places) == 1 and options[places.pop()].is_correct else 0
    right_count = sum(option.is_correct for option in options)
    hits = sum(options[place].is_correct for place in places)
    return max(0, POINT * (2 * hits - len(places)) // right_count)
