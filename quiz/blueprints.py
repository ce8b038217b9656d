"""Can a bank fill the papers that a blueprint asks for?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quiz.pools import PoolLine


@dataclass(frozen=True)
class Shortage:
    """A topic and difficulty of which a paper needs more questions than there are."""

    topic: str
    difficulty: str
    needed_count: int
    available_count: int


def check(lines: Sequence[PoolLine], available: Mapping[tuple[str, str], int]) -> list[Shortage]:
    """The shortages, in the order of the lines; lines of one topic and difficulty add up."""
    needed: Counter[tuple[str, str]] = Counter()
    for line in lines:
        needed[line.topic, line.difficulty] += line.question_count
    return [
        Shortage(topic, difficulty, needed_count, available.get((topic, difficulty), 0))
        for (topic, difficulty), needed_count in needed.items()
        if needed_count > available.get((topic, difficulty), 0)
    ]


def question_count(lines: Sequence[PoolLine]) -> int:
    """How many questions each paper has."""
    return sum(line.question_count for line in lines)


# What share of people answers a question right that nobody has answered yet.
USUAL_FACILITY = {"easy": 0.8, "medium": 0.6, "hard": 0.4}


@dataclass(frozen=True)
class Expectation:
    """How hard a paper will be: the share of its questions that people are expected to get right.

    `measured_count` of the questions rest on earlier contests, the others on `USUAL_FACILITY`.
    """

    share: float
    question_count: int
    measured_count: int


def expect(
    lines: Sequence[PoolLine], facilities: Mapping[tuple[str, str], float]
) -> Expectation | None:
    """The expected share of right answers, `facilities` by topic and difficulty; None if empty."""
    total = question_count(lines)
    if not total:
        return None
    right = sum(
        line.question_count
        * facilities.get((line.topic, line.difficulty), USUAL_FACILITY[line.difficulty])
        for line in lines
    )
    measured = sum(
        line.question_count for line in lines if (line.topic, line.difficulty) in facilities
    )
    return Expectation(right / total, total, measured)
