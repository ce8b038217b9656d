"""What is a frozen pool: the questions and blueprint that a round's papers are drawn from?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
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
