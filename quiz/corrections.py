"""What becomes of a question whose key was wrong? Frozen pools never change: this is laid on top.

`rekey`: other options are right. `full_marks`: everybody who had the question gets its point, an
empty answer too. `drop`: the question is taken out for those who had it, so that their points and
their number of questions are counted without it. The newest applied correction of a question is
the one that holds; giving a question its first key again is a `rekey` like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from quiz.pools import PoolQuestion

Kind = Literal["rekey", "full_marks", "drop"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Correction:
    """`right_options` are places in the pool's question, from 0; only a rekey has them."""

    kind: str
    right_options: tuple[int, ...] = ()
    reason: str = ""


Overlay = Mapping[int, Correction]  # by question version
NOTHING: Overlay = {}


def corrected(question: PoolQuestion, correction: Correction | None) -> PoolQuestion:
    """The question with the key that holds now."""
    if correction is None or correction.kind != "rekey":
        return question
    return replace(
        question,
        options=tuple(
            replace(option, is_correct=place in correction.right_options)
            for place, option in enumerate(question.options)
        ),
    )


Fault = tuple[str, str]  # code, sentence


def find_fault(question: PoolQuestion, asked: Correction, now: Correction | None) -> Fault | None:
    """Why this correction cannot be made, None when it can; `now` is the one that holds already."""
    if asked.kind not in KINDS:
        return "unknown_kind", "Hãy chọn cách điều chỉnh."
    if asked.kind == "rekey":
        return _find_key_fault(question, set(asked.right_options), now)
    if now is not None and now.kind == asked.kind:
        return "no_change", "Câu hỏi này đã được điều chỉnh đúng như vậy."
    return None


def _find_key_fault(
    question: PoolQuestion, right: set[int], now: Correction | None
) -> Fault | None:
    if not right:
        return "no_right_option", "Hãy chọn ít nhất một phương án đúng."
    if not right <= set(range(len(question.options))):
        return "unknown_option", "Câu hỏi này không có phương án đó."
    if len(right) == len(question.options):
        return "all_right", "Mọi phương án đều đúng: hãy chọn “Cho mọi người trọn điểm câu này”."
    has_key = now is None or now.kind == "rekey"
    if has_key and right == corrected(question, now).right_places:
        return "no_change", "Đáp án bạn chọn trùng với đáp án đang dùng."
    return None
