"""Which paper does a seed give?

Algorithm 1. For every blueprint line the candidates are ordered by SHA-256(seed ‖ question id) and
the first ones are taken; the taken questions are ordered by the last 16 bytes of the same digest.
Options are ordered by consecutive four-byte pieces of SHA-256(seed ‖ "options" ‖ question id);
pinned options and true/false keep their places. Ids are eight bytes, big-endian; the seed is the
sixteen bytes whose hexadecimal form the attempt stores. Anyone who has the frozen pool and the seed
can draw the paper again, in any language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from quiz.pools import Pool, PoolQuestion

VERSION = 1


@dataclass(frozen=True, slots=True)
class PaperQuestion:
    """One question of a paper: where each shown option stands in the pool's question."""

    question: PoolQuestion
    option_order: tuple[int, ...]


Paper = tuple[PaperQuestion, ...]


def draw(pool: Pool, seed: str, *, version: int = VERSION) -> Paper:
    """The paper of a seed: a pure function, the same on every machine and every day."""
    if version != VERSION:
        msg = f"drawing algorithm {version} is not known"
        raise ValueError(msg)
    key = bytes.fromhex(seed)
    chosen: list[tuple[bytes, int]] = []
    for line, candidates in zip(pool.lines, pool.ids_by_line, strict=True):
        ranked = [(sha256(key + id_bytes).digest(), number) for number, id_bytes in candidates]
        chosen += sorted(ranked)[: line.question_count]
    chosen.sort(key=lambda pair: pair[0][16:])
    return tuple(
        PaperQuestion(pool.by_id[question_id], option_order(pool.by_id[question_id], key))
        for _, question_id in chosen
    )


def holds(pool: Pool, question_id: int) -> Callable[[str], bool]:
    """Tells whether the paper of a seed has this question, without drawing the whole paper.

    Only its own blueprint line is looked at: a fifth of the work where most papers do not have it.
    """
    own_bytes = question_id.to_bytes(8, "big")
    places = [
        (line.question_count, [id_bytes for _, id_bytes in candidates if id_bytes != own_bytes])
        for line, candidates in zip(pool.lines, pool.ids_by_line, strict=True)
        if any(number == question_id for number, _ in candidates)
    ]

    def is_held(seed: str) -> bool:
        key = bytes.fromhex(seed)
        own = sha256(key + own_bytes).digest()
        return any(
            sum(sha256(key + each).digest() < own for each in others) < count
            for count, others in places
        )

    return is_held


def option_order(question: PoolQuestion, key: bytes) -> tuple[int, ...]:
    """The pool positions of a question's options in the order in which they are shown."""
    count = len(question.options)
    if question.kind == "true_false":
        return tuple(range(count))
    pieces = sha256(key + b"options" + question.id.to_bytes(8, "big")).digest()
    free = [place for place in range(count) if not question.options[place].is_pinned]
    shuffled = iter(sorted(free, key=lambda place: pieces[4 * place : 4 * place + 4]))
    return tuple(
        place if question.options[place].is_pinned else next(shuffled) for place in range(count)
    )


def shown_correct(paper_question: PaperQuestion) -> Sequence[int]:
    """The shown positions (1-based) of the right options; never leaves the server before review."""
    return [
        shown
        for shown, place in enumerate(paper_question.option_order, start=1)
        if paper_question.question.options[place].is_correct
    ]
