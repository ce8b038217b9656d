"""How do the bank's own fields travel in formats that know only tags?

As tags "Name: value", which people can read and type, too: "Mức độ: dễ", "Loại: đúng sai",
"Văn bản: …", "Điều: …", "Liên kết: https://…", "Hiệu lực từ: 05/10/2026", "Hiệu lực đến: …",
"Chủ đề: …" (QTI only), "Giữ chỗ: A, D" or "Giữ chỗ: không" for options that stay in their places.
Without a tag such options are guessed by their words (`quiz.question_sheet.pinned`).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from core.text import clean, date_shown, fold
from quiz.exchange.choices import says_true_false
from quiz.exchange.item import Item, ItemOption
from quiz.question_sheet import day_from, difficulty_from, kind_from, pinned
from quiz.questions import DIFFICULTIES, KINDS

NAMES = {
    "difficulty": "Mức độ",
    "kind": "Loại",
    "source": "Văn bản",
    "article": "Điều",
    "link_url": "Liên kết",
    "valid_from": "Hiệu lực từ",
    "valid_to": "Hiệu lực đến",
    "topic": "Chủ đề",
    "pinned": "Giữ chỗ",
}
_ALWAYS = ("difficulty", "source", "article", "link_url", "valid_from", "valid_to")
_FIELDS = {fold(name): field for field, name in NAMES.items()}
_NONE_PINNED = "không"


def tags_of(
    item: Item, *, fields: Sequence[str] = (), guessed_pins: Sequence[bool] | None = None
) -> list[str]:
    """The item's own tags and one for each field that formats lack and that says something.

    `fields` are lacking besides; `guessed_pins` are what the reader of this file will guess, None
    when the format itself tells.
    """
    tags = list(item.tags)
    # Programs have no true-false question with words of one's own.
    is_special = item.kind == "true_false" and not says_true_false(item.options)
    for field in (*_ALWAYS, *(("kind",) if is_special else ()), *fields):
        value = getattr(item, field)
        if value:
            tags.append(f"{NAMES[field]}: {_shown(field, value)}")
    pins = [option.is_pinned for option in item.options]
    if guessed_pins is not None and list(guessed_pins) != pins:
        letters = [x for x, pin in zip(string.ascii_uppercase, pins, strict=False) if pin]
        tags.append(f"{NAMES['pinned']}: {', '.join(letters) or _NONE_PINNED}")
    return tags


def with_tags(item: Item, tags: Iterable[str], *, default_pins: Sequence[bool] | None) -> Item:
    """The item with what its tags say; options are pinned by tag, by default, or by guess."""
    values: dict[str, Any] = {}
    plain: list[str] = []
    for tag in map(clean, tags):
        name, colon, value = tag.partition(":")
        field = _FIELDS.get(fold(name)) if colon else None
        read = _read(field, clean(value)) if field else None
        if field and read:
            values.setdefault(field, read)
        elif tag and tag not in plain:
            plain.append(tag)
    if "pinned" in values:
        letters = set(re.findall(r"\b[A-Z]\b", values.pop("pinned")))
        pins = [letter in letters for letter in string.ascii_uppercase[: len(item.options)]]
    elif default_pins is not None:
        pins = list(default_pins)
    else:
        pins = list(guess_pins(item.options))
    options = tuple(
        replace(option, is_pinned=pin) for option, pin in zip(item.options, pins, strict=True)
    )
    return replace(item, tags=(*item.tags, *plain), options=options, **values)


def guess_pins(options: Sequence[ItemOption]) -> tuple[bool, ...]:
    return pinned([option.text for option in options])


def _shown(field: str, value: Any) -> str:
    names: Mapping[str, Mapping[str, str]] = {"difficulty": DIFFICULTIES, "kind": KINDS}
    if isinstance(value, date):
        return date_shown(value)
    return names[field].get(value, value) if field in names else str(value)


def _read(field: str, value: str) -> Any:
    """What a tag's value means; None when it means nothing, and the tag stays a tag."""
    match field:
        case "difficulty":
            return difficulty_from(value)
        case "kind":
            return kind_from(value)
        case "valid_from" | "valid_to":
            return day_from(value)
        case _:
            return value
