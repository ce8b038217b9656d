"""Is a question, as somebody wrote it, fit to be kept?"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from core.text import clean, clean_lines
from quiz.pools import PoolOption
from quiz.questions import DIFFICULTIES, KINDS

FEWEST_OPTIONS, MOST_OPTIONS = 2, 8
LONGEST_CODE = 60
LONGEST_TEXT = 2_000  # characters; a phone shows some 400 on a screen
LONGEST_OPTION = 500
LONGEST_NAME = 255
LONGEST_LINK = 1_000


@dataclass(frozen=True)
class QuestionDraft:
    """A question as somebody wrote it; topic is a code of the bank, source a document's name."""

    code: str
    topic: str
    difficulty: str
    kind: str
    text: str
    options: tuple[PoolOption, ...]
    explanation: str = ""
    source: str = ""
    article: str = ""
    image_id: int | None = None
    image_alt: str = ""
    link_url: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


def cleaned(draft: QuestionDraft) -> QuestionDraft:
    return QuestionDraft(
        code=clean(draft.code),
        topic=clean(draft.topic),
        difficulty=draft.difficulty,
        kind=draft.kind,
        text=clean_lines(draft.text),
        options=tuple(
            PoolOption(clean(each.text), each.is_correct, each.is_pinned) for each in draft.options
        ),
        explanation=clean_lines(draft.explanation),
        source=clean(draft.source),
        article=clean(draft.article),
        image_id=draft.image_id,
        image_alt=clean(draft.image_alt),
        link_url=draft.link_url.strip(),
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
    )


def faults_of(draft: QuestionDraft) -> dict[str, str]:
    """What is wrong with a cleaned draft: field → sentence; options are option_a, option_b …"""
    faults: dict[str, str] = {}
    for field, longest, name in (
        ("code", LONGEST_CODE, "mã câu hỏi"),
        ("topic", LONGEST_CODE, "chủ đề"),
        ("text", LONGEST_TEXT, "nội dung câu hỏi"),
    ):
        value = getattr(draft, field)
        if not value:
            faults[field] = f"Thiếu {name}."
        elif len(value) > longest:
            faults[field] = f"{name.capitalize()} dài quá {longest} ký tự."
    return faults | _detail_faults(draft) | _option_faults(draft)


def is_link(address: str) -> bool:
    """Whether people may be sent there: https, a host with a dot, nothing that hides another host."""
    if len(address) > LONGEST_LINK or re.search(r'[\s"<>\\]', address):
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:  # a broken IPv6 host
        return False
    return parts.scheme == "https" and "." in host.strip(".") and parts.username is None


def option_field(index: int) -> str:
    return f"option_{string.ascii_lowercase[index]}"


def _detail_faults(draft: QuestionDraft) -> dict[str, str]:
    faults: dict[str, str] = {}
    for field in ("source", "article"):
        if len(getattr(draft, field)) > LONGEST_NAME:
            faults[field] = f"Tên văn bản hoặc điều khoản dài quá {LONGEST_NAME} ký tự."
    if draft.difficulty not in DIFFICULTIES:
        faults["difficulty"] = f"Mức độ phải là một trong: {', '.join(DIFFICULTIES.values())}."
    if draft.kind not in KINDS:
        faults["kind"] = f"Loại câu hỏi phải là một trong: {', '.join(KINDS.values())}."
    if draft.image_id is not None and not draft.image_alt:
        faults["image_alt"] = "Hãy mô tả hình bằng lời cho người không nhìn thấy hình."
    if draft.link_url and not is_link(draft.link_url):
        faults["link_url"] = "Liên kết phải là một địa chỉ đầy đủ, bắt đầu bằng https://."
    if draft.valid_from and draft.valid_to and draft.valid_to < draft.valid_from:
        faults["valid_to"] = "Ngày hết hiệu lực phải sau ngày có hiệu lực."
    return faults


def _option_faults(draft: QuestionDraft) -> dict[str, str]:
    faults: dict[str, str] = {}
    count = len(draft.options)
    if count < FEWEST_OPTIONS:
        faults[option_field(count)] = "Cần ít nhất hai phương án."
    elif draft.kind == "true_false" and count > FEWEST_OPTIONS:
        faults[option_field(FEWEST_OPTIONS)] = "Câu đúng sai chỉ có hai phương án."
    elif count > MOST_OPTIONS:
        faults[option_field(MOST_OPTIONS)] = f"Nhiều nhất {MOST_OPTIONS} phương án."
    seen: dict[str, str] = {}
    letters = string.ascii_uppercase
    for index, (letter, option) in enumerate(zip(letters, draft.options, strict=False)):
        twin = seen.setdefault(_option_key(option.text), letter)
        if not option.text:
            faults[option_field(index)] = "Phương án này để trống."
        elif len(option.text) > LONGEST_OPTION:
            faults[option_field(index)] = f"Phương án dài quá {LONGEST_OPTION} ký tự."
        elif twin != letter:
            faults[option_field(index)] = f"Phương án này trùng với phương án {twin}."
    answer_fault = _answer_fault(draft)
    return faults | ({"answer": answer_fault} if answer_fault else {})


def _answer_fault(draft: QuestionDraft) -> str:
    correct_count = sum(option.is_correct for option in draft.options)
    if draft.kind != "multiple":
        return "" if correct_count == 1 else "Phải có đúng một đáp án đúng."
    if correct_count < 2:  # noqa: PLR2004 — "several" begins at two
        return "Câu nhiều đáp án phải có ít nhất hai đáp án đúng."
    if correct_count == len(draft.options):
        return "Câu nhiều đáp án phải có ít nhất một phương án sai."
    return ""


def _option_key(text: str) -> str:
    """Less than core.text.fold takes away: 5 and 5%, má and mà are different options."""
    return re.sub(r"[\s.;,]+", "", text.casefold())
