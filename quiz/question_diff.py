"""What changed between two versions of a question, word by word?"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from quiz.pools import PoolOption
from quiz.question_drafts import QuestionDraft

_PIECES = re.compile(r"\w+|\s+|[^\w\s]")
# Below this an option is another option, not the same one in other words.
_ALIKE = 0.5
TEXT_FIELDS = ("text", "explanation", "source", "article", "link_url", "image_alt")
FACT_FIELDS = ("topic", "difficulty", "kind", "image_id", "valid_from", "valid_to")


@dataclass(frozen=True)
class Part:
    """A stretch of text that stayed, was added or was removed."""

    kind: str  # same, added, removed
    text: str


@dataclass(frozen=True)
class FieldChange:
    """A field that differs; facts (a date, a topic) are replaced as a whole, as text."""

    field: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class OptionChange:
    """An option of either version; letters are empty on the side that lacks it."""

    letter_before: str
    letter_after: str
    parts: tuple[Part, ...]
    was_correct: bool
    is_correct: bool
    was_pinned: bool
    is_pinned: bool

    @property
    def is_changed(self) -> bool:
        return (
            self.letter_before != self.letter_after
            or self.was_correct != self.is_correct
            or self.was_pinned != self.is_pinned
            or any(part.kind != "same" for part in self.parts)
        )


@dataclass(frozen=True)
class Difference:
    fields: tuple[FieldChange, ...]
    options: tuple[OptionChange, ...]  # all of them, when any differs

    def __bool__(self) -> bool:
        return bool(self.fields or self.options)


def compare(before: QuestionDraft, after: QuestionDraft) -> Difference:
    """Fields that differ, and the options side by side with their letters of both versions."""
    fields = [
        FieldChange(name, words_diff(getattr(before, name), getattr(after, name)))
        for name in TEXT_FIELDS
        if getattr(before, name) != getattr(after, name)
    ]
    fields += [
        FieldChange(name, replaced(_shown(before, name), _shown(after, name)))
        for name in FACT_FIELDS
        if getattr(before, name) != getattr(after, name)
    ]
    options = options_diff(before.options, after.options)
    changed = any(option.is_changed for option in options)
    return Difference(tuple(fields), options if changed else ())


def words_diff(before: str, after: str) -> tuple[Part, ...]:
    """Whole words that stayed, went and came; joining the same and the added gives `after`."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    parts: list[Part] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            parts.append(Part("same", "".join(old[old_start:old_end])))
            continue
        parts += replaced("".join(old[old_start:old_end]), "".join(new[new_start:new_end]))
    return tuple(parts)


def replaced(before: str, after: str) -> tuple[Part, ...]:
    return tuple(Part(kind, text) for kind, text in (("removed", before), ("added", after)) if text)


def options_diff(
    before: Sequence[PoolOption], after: Sequence[PoolOption]
) -> tuple[OptionChange, ...]:
    """Options of both versions, each with the one that it became: the new order, then the removed."""
    partners = _partners([each.text for each in before], [each.text for each in after])
    kept = [
        _option_change(before, partners.get(place), after, place) for place in range(len(after))
    ]
    gone = [place for place in range(len(before)) if place not in partners.values()]
    return (*kept, *(_option_change(before, place, after, None) for place in gone))


def _option_change(
    before: Sequence[PoolOption], old: int | None, after: Sequence[PoolOption], new: int | None
) -> OptionChange:
    was = before[old] if old is not None else None
    now = after[new] if new is not None else None
    return OptionChange(
        letter_before=string.ascii_uppercase[old] if old is not None else "",
        letter_after=string.ascii_uppercase[new] if new is not None else "",
        parts=words_diff(was.text if was else "", now.text if now else ""),
        was_correct=was is not None and was.is_correct,
        is_correct=now is not None and now.is_correct,
        was_pinned=was is not None and was.is_pinned,
        is_pinned=now is not None and now.is_pinned,
    )


def _partners(old: Sequence[str], new: Sequence[str]) -> Mapping[int, int]:
    """New place → old place: the same text first, then the most alike, then those left in place."""
    found: dict[int, int] = {}
    alike = sorted(
        (-_likeness(was, now), abs(old_place - new_place), new_place, old_place)
        for new_place, now in enumerate(new)
        for old_place, was in enumerate(old)
    )
    for likeness, _, new_place, old_place in alike:
        if -likeness >= _ALIKE and new_place not in found and old_place not in found.values():
            found[new_place] = old_place
    for place in range(min(len(old), len(new))):
        if place not in found and place not in found.values():
            found[place] = place
    return found


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(
        None, _PIECES.findall(one), _PIECES.findall(other), autojunk=False
    ).ratio()


def _shown(draft: QuestionDraft, name: str) -> str:
    value = getattr(draft, name)
    return "" if value is None else str(value)
