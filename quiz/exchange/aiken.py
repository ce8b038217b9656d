"""What does an Aiken file say?

The format: docs.moodle.org/en/Aiken_format, a line of question, lines "A. …" or "A) …", a line
"ANSWER: A". Read leniently: questions of several lines, small letters, blank lines anywhere, a
starred option, "Đáp án: B", several letters, and "Câu 12." before the question.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.errors import Refusal
from core.text import clean, clean_lines, fold
from quiz.exchange.bank_tags import guess_pins
from quiz.exchange.choices import NONE_RIGHT
from quiz.exchange.decoding import decode
from quiz.exchange.item import Item, ItemFault, ItemOption, Miss, Understood

_HEAD = re.compile(r"\s*([^:.：]{2,30})[:.：]")
_ANSWER = re.compile(r"answer|key|dap an(?: dung)?|tra loi")
_OPTION = re.compile(r"\s*(\*?)\s*([A-Ja-j])\s*[.)]\s*(.*)")
_NUMBERED = re.compile(r"^\s*câu(?: hỏi)?\s*(?:số\s*)?\d+\s*[.:)\-–]\s*", re.IGNORECASE)
_EXPLANATION = re.compile(r"\s*(?:giải thích|feedback)\s*:\s*(.*)", re.IGNORECASE)

QUESTION_LIMIT = 5_000
NO_ANSWER = "Không thấy dòng ANSWER sau các phương án. Hãy ghi thêm, như ANSWER: B."
NO_OPTIONS = "Đoạn này không có phương án A, B nào, nên không đọc được thành câu hỏi."
STRAY_ANSWER = "Dòng đáp án này không đứng sau câu hỏi nào."


@dataclass(slots=True)
class _Draft:
    """A question on its way in, and where it stands."""

    first_line: int
    last_line: int = 0
    lines: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    starred: set[int] = field(default_factory=set)
    answer: str | None = None
    explanation: str = ""

    @property
    def place(self) -> str:
        return (
            f"dòng {self.first_line}"
            if self.last_line <= self.first_line
            else f"dòng {self.first_line}–{self.last_line}"
        )


def read_aiken(content: bytes) -> Understood:
    decoded = decode(content)
    items: list[Item] = []
    misses: list[Miss] = []
    for draft in _drafts(decoded.text):
        if len(items) + len(misses) >= QUESTION_LIMIT:
            raise Refusal("too_many_rows", "Mỗi tệp chỉ nhận 5.000 câu. Hãy chia thành nhiều tệp.")
        if draft.options:
            items.append(_item(draft, len(items) + 1))
        else:
            sentence = NO_OPTIONS if draft.text else STRAY_ANSWER
            misses.append(Miss(draft.place, "\n".join(draft.lines), sentence))
    return Understood("aiken", items, misses, decoded.losses)


def is_answer_line(line: str) -> bool:
    return _answer(line) is not None


def _drafts(text: str) -> Iterator[_Draft]:
    draft = _Draft(1)
    was_blank = False
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip().lstrip("\ufeff")
        if not bare:
            was_blank = True
            continue
        explanation = _EXPLANATION.match(bare)
        is_new = (
            _begins_question(draft, bare, was_blank=was_blank)
            and not (draft.answer is not None and explanation)
        )  # fmt: skip
        if is_new and draft.lines:
            yield draft
        if is_new or not draft.lines:
            draft = _Draft(number)
        was_blank = False
        draft.lines.append(bare)
        draft.last_line = number
        if draft.answer is not None and explanation:
            draft.explanation = explanation[1]
        else:
            _take(draft, bare)
    if draft.lines:
        yield draft


def _begins_question(draft: _Draft, line: str, *, was_blank: bool) -> bool:
    if draft.answer is not None:
        return True
    if _answer(line) is not None:
        return False
    if draft.options:
        return _option(draft, line) is None and (was_blank or bool(_NUMBERED.match(line)))
    return bool(draft.text) and bool(_NUMBERED.match(line))


def _take(draft: _Draft, line: str) -> None:
    answer = _answer(line)
    if answer is not None:
        draft.answer = answer
    elif option := _option(draft, line):
        if option[1]:
            draft.starred.add(len(draft.options))
        draft.options.append(option[3])
    elif draft.options:
        draft.options[-1] += f" {line}"
    else:
        draft.text.append(_NUMBERED.sub("", line) if not draft.text else line)


def _option(draft: _Draft, line: str) -> re.Match[str] | None:
    """An option counts only in its turn: "a) và b)" inside a text is none."""
    match = _OPTION.match(line)
    if match is None or not draft.text:
        return None
    expected = string.ascii_uppercase[len(draft.options)]
    return match if match[2].upper() == expected else None


def _answer(line: str) -> str | None:
    """What stands behind "ANSWER:" or its like; None where no such words begin the line."""
    found = _HEAD.match(line)
    return line[found.end() :].strip() if found and _ANSWER.fullmatch(fold(found[1])) else None


def _item(draft: _Draft, number: int) -> Item:
    letters = string.ascii_uppercase[: len(draft.options)]
    faults: tuple[ItemFault, ...] = ()
    rights = set(draft.starred)
    if draft.answer is not None:
        said = re.sub(r"\b(?:va|and)\b", " ", fold(draft.answer)).upper().replace(" ", "")
        rights = {letters.find(letter) for letter in said}
        if not rights or -1 in rights:
            rights.discard(-1)
            faults = (ItemFault("answer", _wrong_letters(draft.answer, letters)),)
    elif not rights:
        faults = (ItemFault("answer", NO_ANSWER),)
    if not rights and not faults:
        faults = (ItemFault("answer", NONE_RIGHT),)
    options = tuple(
        ItemOption(clean(text), place in rights) for place, text in enumerate(draft.options)
    )
    pins = guess_pins(options)
    return Item(
        number,
        clean_lines("\n".join(draft.text)),
        tuple(replace(each, is_pinned=pin) for each, pin in zip(options, pins, strict=True)),
        place=draft.place,
        written="\n".join(draft.lines),
        kind="multiple" if len(rights) > 1 else "single",
        explanation=clean_lines(draft.explanation),
        faults=faults,
    )


def _wrong_letters(answer: str, letters: str) -> str:
    return (
        f"Đáp án ghi “{clean(answer)}”, trong khi câu có các phương án {', '.join(letters)}. Hãy "
        "chọn đáp án đúng."
    )
