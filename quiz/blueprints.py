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
