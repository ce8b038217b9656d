"""What is a frozen pool: the questions and blueprint that a round's papers are drawn from?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import factorial
from struct import Struct
from typing import Any

import orjson


@dataclass(frozen=True)
class PoolOption:
    text: str
    is_correct: bool
    is_pinned: bool = False  # stays where the author put it ("tất cả các phương án trên")


@dataclass(frozen=True)
class PoolQuestion:
    id: int  # of the question version
    question_id: int
    topic: str
    difficulty: str
    kind: str  # single, multiple, true_false
    text: str
    options: tuple[PoolOption, ...]
    explanation: str = ""
    source: str = ""
    image_digest: str | None = None
    image_alt: str = ""
    link: str = ""  # the real procedure that the explanation leads to

    def __hash__(self) -> int:
        """Two fields tell questions apart; hashing all of them cost a third of a paper's page."""
        return hash((self.id, self.text))

    @cached_property
    def mixing(self) -> tuple[tuple[bool, ...], int]:
        """For each option whether it stands where the author put it; how many orders that leaves."""
        kept = tuple(option.is_pinned or self.kind == "true_false" for option in self.options)
        return kept, factorial(kept.count(False))

    @cached_property
    def right_places(self) -> frozenset[int]:
        """Where the right options stand, from 0."""
        return frozenset(place for place, option in enumerate(self.options) if option.is_correct)


@dataclass(frozen=True)
class PoolLine:
    topic: str
    difficulty: str
    question_count: int


@dataclass(frozen=True)
class Pool:
    questions: tuple[PoolQuestion, ...]
    lines: tuple[PoolLine, ...]

    @cached_property
    def by_id(self) -> Mapping[int, PoolQuestion]:
        return {question.id: question for question in self.questions}

    @cached_property
    def question_count(self) -> int:
        return sum(line.question_count for line in self.lines)

    @cached_property
    def ids_by_line(self) -> tuple[tuple[tuple[int, bytes], ...], ...]:
        """For each blueprint line the candidates, each with the bytes that drawing hashes."""
        return tuple(
            tuple(
                (question.id, question.id.to_bytes(8, "big"))
                for question in self.questions
                if (question.topic, question.difficulty) == (line.topic, line.difficulty)
            )
            for line in self.lines
        )

    @cached_property
    def candidates(self) -> tuple[PoolQuestion, ...]:
        """The questions of each blueprint line by id, line after line."""
        return tuple(self.by_id[number] for each in self.ids_by_line for number, _ in sorted(each))

    @cached_property
    def spans(self) -> tuple[tuple[int, int, int, int], ...]:
        """For each line: where its candidates begin and end, its first number, how many it has."""
        counts = [line.question_count for line in self.lines]
        ends = accumulate(map(len, self.ids_by_line), initial=0)
        firsts = accumulate(counts, initial=0)
        return tuple(
            (start, stop, first, count)
            for (start, stop), first, count in zip(pairwise(ends), firsts, counts, strict=False)
        )

    @cached_property
    def stream(self) -> Struct:
        """As many numbers as drawing needs: three for each question of a paper."""
        return Struct(f">{3 * self.question_count}I")


def to_json(pool: Pool) -> dict[str, Any]:
    return asdict(pool)


def from_json(content: Mapping[str, Any]) -> Pool:
    return Pool(
        questions=tuple(
            PoolQuestion(
                **{
                    **question,
                    "options": tuple(PoolOption(**option) for option in question["options"]),
                }
            )
            for question in content["questions"]
        ),
        lines=tuple(PoolLine(**line) for line in content["lines"]),
    )


def digest(pool: Pool) -> str:
    """SHA-256 over the pool's canonical JSON: keys sorted, no spaces."""
    return hashlib.sha256(orjson.dumps(to_json(pool), option=orjson.OPT_SORT_KEYS)).hexdigest()
