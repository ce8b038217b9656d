"""Which options are right when a file gives each a share of the point?

Here a question of several answers is worth right minus wrong over the number of right options
(`quiz.scoring`); in Moodle's words: each right one 100/n %, each wrong one −100/n %. Other shares
keep who is right and lose how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quiz.exchange.item import ItemFault, ItemOption
from quiz.question_sheet import TRUE_FALSE

FULL = 100.0
# Moodle rounds to five digits, people to none.
_TOLERANCE = 1.0

ONLY_ONE_RIGHT = "Câu nhiều đáp án chỉ có một phương án đúng; đã nhập thành câu một đáp án."
OTHER_SHARES = (
    "Tỉ lệ điểm riêng của từng phương án không giữ được; ở đây tính số phương án đúng trừ số "
    "phương án sai, chia cho tổng số phương án đúng."
)
PARTLY_RIGHT = "Phương án chỉ được một phần điểm được nhập thành phương án sai."
FEEDBACK_LOST = "Lời nhận xét riêng cho từng phương án không đưa được vào ngân hàng."
NONE_RIGHT = "Không có phương án nào được đánh dấu đúng. Hãy chọn đáp án đúng."
SEVERAL_RIGHT = (
    "Câu một đáp án có nhiều phương án được trọn điểm. Hãy giữ một đáp án đúng, hoặc đổi thành câu "
    "nhiều đáp án."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The kind and who is right, with what is wrong or lost on the way."""

    kind: str
    rights: tuple[bool, ...]
    faults: tuple[ItemFault, ...] = ()
    losses: tuple[str, ...] = ()


def judge(shares: Sequence[float], *, is_single: bool) -> Judged:
    """Judge by percentages of the point, in the options' order."""
    if is_single:
        return _judge_single(shares)
    rights = tuple(share > 0 for share in shares)
    right_count = sum(rights)
    if right_count == 0:
        return Judged("multiple", rights, (ItemFault("answer", NONE_RIGHT),))
    if right_count == 1:
        return Judged("single", rights, (), (ONLY_ONE_RIGHT,))
    each = FULL / right_count
    is_ours = all(abs(abs(share) - each) <= _TOLERANCE for share in shares)
    return Judged("multiple", rights, (), () if is_ours else (OTHER_SHARES,))


def _judge_single(shares: Sequence[float]) -> Judged:
    full = [share > FULL - _TOLERANCE for share in shares]
    best = max(shares, default=0)
    if not any(full) and best > 0:  # the best of partly right ones
        full = [share == best for share in shares]
    losses = (PARTLY_RIGHT,) if any(0 < s < FULL - _TOLERANCE for s in shares) else ()
    faults: tuple[ItemFault, ...] = ()
    if not any(full):
        faults = (ItemFault("answer", NONE_RIGHT),)
    elif sum(full) > 1:
        faults = (ItemFault("answer", SEVERAL_RIGHT),)
    return Judged("single", tuple(full), faults, losses)


def share_of(options: Sequence[ItemOption], option: ItemOption, *, is_single: bool) -> float:
    """The percentage that makes another program score as we do."""
    if is_single:
        return FULL if option.is_correct else 0.0
    right_count = sum(each.is_correct for each in options) or 1
    return FULL / right_count if option.is_correct else -FULL / right_count


def is_single(kind: str, options: Sequence[ItemOption]) -> bool:
    """Whether one choice is asked for; where the kind is unknown, by the number of right ones."""
    if kind:
        return kind != "multiple"
    return sum(option.is_correct for option in options) <= 1


def says_true_false(options: Sequence[ItemOption]) -> bool:
    """Whether the options are the very two that programs put under a true-false question."""
    return tuple(option.text for option in options) == TRUE_FALSE


def feedback_losses(options: Sequence[ItemOption]) -> tuple[str, ...]:
    return (FEEDBACK_LOST,) if any(option.feedback for option in options) else ()
