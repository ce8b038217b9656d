"""How do a question's words and the difference of two versions look to templates?"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import date
from typing import Any

from core.text import date_shown
from quiz.question_diff import Difference, FieldChange, OptionChange
from quiz.question_drafts import QuestionDraft
from quiz.questions import DIFFICULTIES, KINDS

FIELD_NAMES = {
    "text": "Câu hỏi",
    "explanation": "Giải thích",
    "source": "Văn bản căn cứ",
    "article": "Điều khoản",
    "link_url": "Liên kết tới thủ tục",
    "image_alt": "Mô tả hình",
    "topic": "Chủ đề",
    "difficulty": "Mức độ",
    "kind": "Loại",
    "image_id": "Hình",
    "valid_from": "Hiệu lực từ",
    "valid_to": "Hiệu lực đến",
}


def options_shown(words: QuestionDraft) -> list[dict[str, Any]]:
    return [
        {
            "letter": letter,
            "text": option.text,
            "is_correct": option.is_correct,
            "is_pinned": option.is_pinned,
        }
        for letter, option in zip(string.ascii_uppercase, words.options, strict=False)
    ]


def difference_shown(found: Difference, topics: Mapping[str, str]) -> dict[str, Any]:
    """What manage/_difference.html wants; facts in people's words, topics by name."""
    return {
        "fields": [
            {
                "label": FIELD_NAMES[change.field],
                "parts": [
                    {"kind": part.kind, "text": _fact(change, part.text, topics)}
                    for part in change.parts
                ],
            }
            for change in found.fields
        ],
        "options": [
            {
                "letter": option.letter_after or option.letter_before,
                "was": option.letter_before if option.letter_after else None,
                "parts": [{"kind": part.kind, "text": part.text} for part in option.parts],
                "notes": _notes(option),
            }
            for option in found.options
        ],
    }


def _notes(option: OptionChange) -> list[str]:
    notes = []
    if not option.letter_before:
        notes.append("phương án mới")
    if not option.letter_after:
        notes.append("đã bỏ phương án này")
    elif option.is_correct:
        notes.append("đáp án đúng" if option.was_correct else "nay là đáp án đúng")
    elif option.was_correct:
        notes.append("nay không còn là đáp án đúng")
    if option.is_pinned != option.was_pinned and option.letter_before and option.letter_after:
        notes.append("nay giữ nguyên vị trí" if option.is_pinned else "nay được xáo trộn")
    return notes


def _fact(change: FieldChange, text: str, topics: Mapping[str, str]) -> str:
    if change.field == "topic":
        return topics.get(text, text)
    if change.field == "difficulty":
        return DIFFICULTIES.get(text, text)
    if change.field == "kind":
        return KINDS.get(text, text)
    if change.field in {"valid_from", "valid_to"}:
        return date_shown(date.fromisoformat(text))
    if change.field == "image_id":
        return f"hình số {text}"
    return text
