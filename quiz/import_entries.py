"""What stands in a file of questions on its way into a bank, and what is wrong with it still?"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from core.text import clean, clean_lines, fold
from quiz.exchange.item import Item, ItemFault, Miss
from quiz.pools import PoolOption
from quiz.question_drafts import (
    LONGEST_CODE,
    LONGEST_NAME,
    MOST_OPTIONS,
    QuestionDraft,
    cleaned,
    faults_of,
)
from quiz.question_sheet import pinned

_TRUE_FALSE = {"dung", "sai"}
_OPTION_LINE = re.compile(r"\s*\*?([A-Ha-h])\s*[.)/:]\s*(.+)")
_NUMBER = re.compile(r"[0-9]+")
# What the answer form changes together: a doubt about one of these ends when any of them changes.
_ANSWER_FIELDS = ("answer", "kind", "options")
# Stands where a code or a topic will be made, so that nobody is blamed for leaving it to us.
_LATER = "x"


@dataclass(frozen=True, slots=True)
class Alike:
    """A question that says nearly the same: where it stands, its words, and how near in percent."""

    where: str
    text: str
    percent: int


@dataclass(frozen=True, slots=True)
class Defaults:
    """What questions get that say nothing themselves."""

    topic: str = ""
    difficulty: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A question of a file, or a part of it that became none.

    The draft's topic is a name as people write it, and its code is empty where one will be made.
    `doubts` are what the reader was not sure of: they hold a question back until somebody has
    changed the field or said that it is right. `taken_as` is the code under which the bank has it.
    """

    id: int
    place: str
    written: str
    draft: QuestionDraft
    miss: str = ""  # why nothing was understood here; without words the entry is a question
    doubts: Mapping[str, str] = field(default_factory=dict)
    losses: tuple[str, ...] = ()
    alike: tuple[Alike, ...] = ()
    image_digest: str = ""
    tags: tuple[str, ...] = ()
    is_chosen: bool = True
    taken_as: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether somebody wants it in the bank and it is not there yet."""
        return self.is_chosen and not self.miss and not self.taken_as

    @property
    def name(self) -> str:
        return f"câu {self.id}"


@dataclass(frozen=True, slots=True)
class Retyped:
    """An entry as a person sent it back from the page; days are None where none was given."""

    draft: QuestionDraft
    is_chosen: bool
    is_right: bool  # looked at: the reader's doubts are unfounded


def from_file(items: Iterable[Item], misses: Iterable[Miss], defaults: Defaults) -> list[Entry]:
    """The entries of a file in its order, each miss before the first item that stands after it."""
    found = [_from_item(item, defaults) for item in items]
    lost = [_from_miss(miss, defaults) for miss in misses]
    entries: list[Entry] = []
    for entry in found:
        while lost and _line(lost[0].place) < _line(entry.place):
            entries.append(lost.pop(0))
        entries.append(entry)
    entries += lost
    return [replace(entry, id=place) for place, entry in enumerate(entries, start=1)]


def retyped(entry: Entry, typed: Retyped) -> Entry:
    """The entry with what a person made of it; doubts about what was changed are over."""
    draft = cleaned(replace(typed.draft, options=_options(entry, typed)))
    draft = replace(draft, image_id=entry.draft.image_id, kind=_kind_after(entry.draft, draft))
    if typed.is_right:
        doubts: Mapping[str, str] = {}
    else:
        changed = _changed_fields(entry.draft, draft)
        doubts = {
            name: sentence for name, sentence in entry.doubts.items() if _group(name) not in changed
        }
        if "" in doubts and changed:
            doubts = {name: sentence for name, sentence in doubts.items() if name}
    return replace(entry, draft=draft, doubts=doubts, is_chosen=typed.is_chosen)


def as_question(entry: Entry) -> Entry:
    """A part that was not understood as the beginning of a question that a person finishes."""
    text: list[str] = []
    options: list[str] = []
    for line in entry.written.splitlines():
        match = _OPTION_LINE.fullmatch(line)
        if match:
            options.append(match[2])
        elif not options:
            text.append(line)
    draft = replace(
        entry.draft,
        text=clean_lines("\n".join(text)),
        options=tuple(PoolOption(clean(each), is_correct=False) for each in options[:MOST_OPTIONS]),
    )
    return replace(entry, draft=draft, miss="", is_chosen=True)


def own_faults(entry: Entry) -> dict[str, str]:
    """What is wrong with its words whatever the reader thought of them, by field."""
    draft = entry.draft
    faults = faults_of(replace(draft, code=draft.code or _LATER, topic=draft.topic and _LATER))
    if len(draft.topic) > LONGEST_NAME:
        faults["topic"] = f"Tên chủ đề dài quá {LONGEST_NAME} ký tự."
    return faults


def faults_in(
    entries: Sequence[Entry], *, twins: Mapping[str, Collection[str]]
) -> dict[int, dict[str, str]]:
    """Entry id → what keeps it from the bank, by field; only of those that somebody wants there.

    `twins` are the bank's codes by folded words. A code that the bank has is no fault: the entry
    becomes that question's next version.
    """
    faults: dict[int, dict[str, str]] = {}
    codes: dict[str, Entry] = {}
    texts: dict[str, Entry] = {}
    for entry in entries:
        if not entry.is_waiting:
            continue
        draft, own = entry.draft, {**own_faults(entry), **entry.doubts}
        first = codes.setdefault(draft.code, entry)
        if draft.code and first is not entry:
            own.setdefault("code", f"Mã này đã dùng ở {first.name} của tệp.")
        if draft.image_id is None and (key := fold(draft.text)):
            first = texts.setdefault(key, entry)
            others = sorted(set(twins.get(key, ())) - {draft.code})
            if first is not entry:
                own.setdefault("text", f"Trùng với {first.name} của tệp.")
            elif others:
                own.setdefault("text", f"Trùng với câu {others[0]} đã có trong ngân hàng.")
        if own:
            faults[entry.id] = own
    return faults


def option_texts(draft: QuestionDraft) -> list[str]:
    return [each.text for each in draft.options]


def entry_from(kept: Mapping[str, Any]) -> Entry:
    """Read back what `core.db.json_text` made of an entry."""
    draft = dict(kept["draft"])
    draft["options"] = tuple(PoolOption(**each) for each in draft["options"])
    for name in ("valid_from", "valid_to"):
        draft[name] = date.fromisoformat(draft[name]) if draft[name] else None
    return Entry(
        **{
            **kept,
            "draft": QuestionDraft(**draft),
            "losses": tuple(kept["losses"]),
            "tags": tuple(kept["tags"]),
            "alike": tuple(Alike(**each) for each in kept["alike"]),
        }
    )


def _from_item(item: Item, defaults: Defaults) -> Entry:
    options = item.options[
        : len(string.ascii_uppercase)
    ]  # the bank takes eight; people see letters
    texts = [each.text for each in options]
    draft = cleaned(
        QuestionDraft(
            code=item.code[:LONGEST_CODE],
            topic=item.topic or defaults.topic,
            difficulty=item.difficulty or defaults.difficulty,
            kind=_kind_of(item),
            text=item.text,
            options=tuple(
                PoolOption(each.text, each.is_correct, each.is_pinned or is_pinned)
                for each, is_pinned in zip(options, pinned(texts), strict=True)
            ),
            explanation=item.explanation,
            source=item.source,
            article=item.article,
            image_alt=item.image.alt if item.image else "",
            link_url=item.link_url,
            valid_from=item.valid_from,
            valid_to=item.valid_to,
        )
    )
    return Entry(
        id=item.number,
        place=item.place,
        written=item.written,
        draft=draft,
        doubts=_doubts(item.faults),
        losses=tuple(item.losses),
        tags=tuple(item.tags),
    )


def _from_miss(miss: Miss, defaults: Defaults) -> Entry:
    draft = QuestionDraft("", defaults.topic, defaults.difficulty, "single", "", ())
    return Entry(id=0, place=miss.place, written=miss.written, draft=draft, miss=miss.sentence)


def _doubts(faults: Iterable[ItemFault]) -> dict[str, str]:
    found: dict[str, str] = {}
    for fault in faults:
        found.setdefault(fault.field, fault.sentence)
    return found


def _kind_of(item: Item) -> str:
    """As the file says or the options show; where nobody is right yet, one is the likely number."""
    right_count = sum(each.is_correct for each in item.options)
    if {fold(each.text) for each in item.options} == _TRUE_FALSE:
        return item.kind or "true_false"
    if item.kind and right_count:
        return item.kind
    return "multiple" if right_count > 1 else "single"


def _kind_after(before: QuestionDraft, after: QuestionDraft) -> str:
    """The kind follows the right answers, unless somebody chose another kind."""
    rights = [each.text for each in after.options if each.is_correct]
    were = [each.text for each in before.options if each.is_correct]
    if after.kind != before.kind or after.kind == "true_false" or rights == were or not rights:
        return after.kind
    return "multiple" if len(rights) > 1 else "single"


def _options(entry: Entry, typed: Retyped) -> tuple[PoolOption, ...]:
    """What a person emptied is gone; what the file left empty stays until somebody says it may go."""
    before = option_texts(entry.draft)
    kept = [
        option
        for place, option in enumerate(typed.draft.options)
        if clean(option.text) or (place < len(before) and not before[place] and not typed.is_right)
    ]
    pins = {each.text for each in entry.draft.options if each.is_pinned}
    texts = [clean(each.text) for each in kept]
    return tuple(
        PoolOption(text, each.is_correct, is_pinned or text in pins)
        for text, each, is_pinned in zip(texts, kept, pinned(texts), strict=True)
    )


def _changed_fields(before: QuestionDraft, after: QuestionDraft) -> set[str]:
    changed = {
        name
        for name in ("code", "topic", "difficulty", "kind", "text", "options", "explanation",
                     "source", "article", "image_alt", "link_url", "valid_from", "valid_to")
        if getattr(before, name) != getattr(after, name)
    }  # fmt: skip
    return changed | set(_ANSWER_FIELDS) if changed & set(_ANSWER_FIELDS) else changed


def _group(name: str) -> str:
    return "options" if name.startswith("option_") else name


def _line(place: str) -> float:
    """Where in its file a place is, by the first number that it names: đoạn 12–17, ô B7."""
    match = _NUMBER.search(place)
    return int(match[0]) if match else float("inf")
