"""Which paper does a seed give?

The seed is the sixteen bytes whose hexadecimal form the attempt stores. Anyone who has the frozen
pool and the seed can draw the paper again, in any language.

Algorithm 2, for new attempts. SHAKE-128(seed) is read as numbers of four bytes, big-endian, three
for each question of the paper. With the first third questions are taken, blueprint line after line:
of a line's candidates that are left, in the order of their ids, the one with the index (number mod
how many are left). The second third orders them, one number each: the smallest is shown first. With
the last third, one number for each question as shown, n options that are not pinned stand in the
arrangement with the index (number mod n!), where the arrangements of ascending places are in
lexicographic order. Pinned options and true/false keep their places.

Algorithm 1, which attempts of before still have, asks for a digest a candidate: twenty times the
work. For every line the candidates are ordered by SHA-256(seed ‖ question id), ids being eight
bytes, big-endian, and the first ones are taken; the taken questions are ordered by the last 16 bytes of the same digest. Options are
ordered by consecutive four-byte pieces of SHA-256(seed ‖ "options" ‖ question id).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256, shake_128
from math import factorial
from typing import NamedTuple

from quiz.pools import Pool, PoolQuestion

VERSION = 2
_TWO = 2


class PaperQuestion(NamedTuple):
    """One question of a paper: where each shown option stands in the pool's question."""

    question: PoolQuestion
    option_order: tuple[int, ...]


Paper = tuple[PaperQuestion, ...]


def draw(pool: Pool, seed: str, *, version: int = VERSION) -> Paper:
    """The paper of a seed: a pure function, the same on every machine and every day."""
    algorithm = _ALGORITHMS.get(version)
    if algorithm is None:
        msg = f"drawing algorithm {version} is not known"
        raise ValueError(msg)
    return algorithm(pool, bytes.fromhex(seed))


def _draw_1(pool: Pool, key: bytes) -> Paper:
    chosen: list[tuple[bytes, int]] = []
    for line, candidates in zip(pool.lines, pool.ids_by_line, strict=True):
        ranked = [(sha256(key + id_bytes).digest(), number) for number, id_bytes in candidates]
        chosen += sorted(ranked)[: line.question_count]
    chosen.sort(key=lambda pair: pair[0][16:])
    return tuple(
        PaperQuestion(pool.by_id[question_id], option_order(pool.by_id[question_id], key))
        for _, question_id in chosen
    )


def _draw_2(pool: Pool, key: bytes) -> Paper:
    return tuple(
        PaperQuestion(pool.candidates[place], arranged(pool.candidates[place], number))
        for place, number in dealt(pool, key)
    )


def dealt(pool: Pool, key: bytes) -> list[tuple[int, int]]:
    """What algorithm 2 shows, in order: places in pool.candidates, each with its options' number."""
    numbers, count = _numbers(pool, key), pool.question_count
    shown = sorted(zip(numbers[count : 2 * count], _taken(pool, numbers), strict=False))
    return list(zip([place for _, place in shown], numbers[2 * count :], strict=False))


_ALGORITHMS: dict[int, Callable[[Pool, bytes], Paper]] = {1: _draw_1, 2: _draw_2}


def _numbers(pool: Pool, key: bytes) -> tuple[int, ...]:
    stream = pool.stream
    return stream.unpack(shake_128(key).digest(stream.size))


def _taken(pool: Pool, numbers: Sequence[int]) -> list[int]:
    """The places of the taken questions in pool.candidates, line after line."""
    taken: list[int] = []
    for start, stop, first, count in pool.spans:
        length = stop - start
        if count == 1 <= length:
            taken.append(start + numbers[first] % length)
        elif count == _TWO <= length:  # as most lines ask for one or two: no list of all
            one, other = numbers[first] % length, numbers[first + 1] % (length - 1)
            taken += (start + one, start + other + (other >= one))
        else:
            left = list(range(start, stop))
            taken += [
                left.pop(number % len(left)) for number in numbers[first : first + count] if left
            ]
    return taken


def arranged(question: PoolQuestion, number: int) -> tuple[int, ...]:
    """The order of a question's options that a number of algorithm 2 gives."""
    kept, order_count = question.mixing
    return arrangement(kept, number % order_count)


@lru_cache(maxsize=50_000)
def arrangement(kept: tuple[bool, ...], index: int) -> tuple[int, ...]:
    """The index-th arrangement of the places that are not kept, around those that are."""
    left = [place for place, is_kept in enumerate(kept) if not is_kept]
    dealt = []
    for remaining in range(len(left), 0, -1):
        step, index = divmod(index, factorial(remaining - 1))
        dealt.append(left.pop(step))
    free = iter(dealt)
    return tuple(place if is_kept else next(free) for place, is_kept in enumerate(kept))


def holds(pool: Pool, question_id: int, *, version: int = VERSION) -> Callable[[str], bool]:
    """Tells whether the paper of a seed has this question, without drawing the whole paper."""
    return _holds_1(pool, question_id) if version == 1 else _holds_2(pool, question_id)


def _holds_1(pool: Pool, question_id: int) -> Callable[[str], bool]:
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


def _holds_2(pool: Pool, question_id: int) -> Callable[[str], bool]:
    places = {place for place, question in enumerate(pool.candidates) if question.id == question_id}

    def is_held(seed: str) -> bool:
        return not places.isdisjoint(_taken(pool, _numbers(pool, bytes.fromhex(seed))))

    return is_held


def option_order(question: PoolQuestion, key: bytes) -> tuple[int, ...]:
    """The pool positions of a question's options in the order in which algorithm 1 shows them."""
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
