"""Which lines of a question paper belong to which question?

Lines are taken in order. A question begins at its number; where papers have none, at the option A
that follows a complete list of options. What cannot be placed is kept as stray, never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.text import clean
from quiz.exchange.docx_lines import (
    MOST_LABELS,
    Label,
    Start,
    article_of,
    bullet_of,
    difficulty_of,
    entries_of,
    explained_entry,
    fields_of,
    first_label,
    is_article,
    is_bare_url,
    is_capitals,
    is_end,
    is_key_head,
    joined,
    label_of,
    letters_of,
    next_label,
    start_of,
    topic_of_heading,
    trailing_key,
)
from quiz.exchange.docx_styles import PLAIN, Look
from quiz.exchange.docx_tables import KeyEntry, KeyTable, Piece, QuestionRow, pieces_of
from quiz.exchange.docx_text import Block, Line, Picture, Spot

LOOK_AHEAD_PIECES = 30  # a stem with statements and pictures before its options
FEWEST_OPTIONS = 2
MOST_CELL_LINES = 20
LIST_ENTRIES = 3  # so many keys on a line are a list, whatever stands above


@dataclass(slots=True)
class Option:
    """An option: its letter's place (None without letter), the letter's look, signs, its lines."""

    place: int | None
    is_upper: bool
    letter_look: Look | None
    sign: str
    lines: list[Line]
    label: str = ""  # as written


@dataclass(slots=True)
class Draft:
    """A question as its lines give it, before anybody decides what they mean."""

    number: int | None
    is_strong: bool = True
    stem: list[Line] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    fields: dict[str, list[Line]] = field(default_factory=dict)
    tail: list[Line] = field(default_factory=list)  # behind the options, of unknown use
    last_field: str = ""
    topic: str = ""
    difficulty: str = ""
    pictures: list[Picture] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ticked: list[int] = field(default_factory=list)
    tail_start: int = 0  # where the tail begins among what is written
    statement_number: int = 0  # of the last numbered statement in the stem

    @property
    def is_complete(self) -> bool:
        return len(self.options) >= FEWEST_OPTIONS or bool(self.keys)

    def keep(self, line: Line) -> None:
        """Note where a line stands, its words, and what came with it."""
        self.spots.append(line.spot)
        self.written.append(clean(line.text))
        for picture in line.pictures:
            self.pictures.append(picture)
        self.losses += line.losses
        self.links += line.links


@dataclass(slots=True)
class Stray:
    """Lines that belong to no question, and why."""

    lines: list[Line]
    sentence: str


@dataclass(slots=True)
class Sorted:
    """A document taken apart."""

    drafts: list[Draft] = field(default_factory=list)
    key_lists: list[list[KeyEntry]] = field(default_factory=list)
    troubles: list[KeyTable] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    preamble: list[Line] = field(default_factory=list)


def sort_lines(blocks: Sequence[Block]) -> Sorted:
    """Take a document apart into questions, lists of keys, and the rest."""
    pieces: list[Piece] = []
    for block in blocks:
        pieces += [block] if isinstance(block, Line) else pieces_of(block)
    return _Sorter(pieces).sort()


class _Sorter:
    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._starts = [start_of(each) if isinstance(each, Line) else None for each in pieces]
        self._labels = [label_of(each) if isinstance(each, Line) else None for each in pieces]
        self._sorted = Sorted()
        self._current: Draft | None = None
        self._topic = self._difficulty = ""
        self._is_prefix = False  # "Chủ đề: …" stands above its questions
        self._is_in_keys = False
        self._numbers: set[int] = set()
        self._is_weak, self._has_lettered = self._weigh_numbers()

    def sort(self) -> Sorted:
        for place, piece in enumerate(self._pieces):
            if isinstance(piece, QuestionRow):
                self._close()
                self._take_row(piece)
            elif isinstance(piece, KeyTable):
                self._take_keys(piece)
            else:
                self._take(place, piece)
        self._close()
        return self._sorted

    def _weigh_numbers(self) -> tuple[bool, bool]:
        """Do plain numbers ("5.") begin questions here, and do their options have letters?"""
        strong = lettered = 0
        for place, start in enumerate(self._starts):
            piece = self._pieces[place]
            if start is None or not isinstance(piece, Line) or entries_of(piece.text):
                continue
            if start.is_strong:
                strong += 1
            elif self._has_options_ahead(place):
                lettered += 1
        return lettered > 2 * strong or strong == 0, lettered > 0

    def _has_options_ahead(self, place: int) -> bool:
        piece = self._pieces[place]
        own = self._starts[place]
        if isinstance(piece, Line) and first_label(piece.text, 0) is not None:
            return True
        for ahead in range(place + 1, min(place + LOOK_AHEAD_PIECES, len(self._pieces))):
            label = self._labels[ahead]
            if label is not None and label.place == 0:
                return True
            following, start = self._pieces[ahead], self._starts[ahead]
            if not isinstance(following, Line) or (start and not _is_statement(start, own)):
                return False
            if first_label(following.text, 0) is not None:
                return True
        return False

    def _take(self, place: int, line: Line) -> None:
        if self._is_in_keys and self._take_key_line(line):
            return
        start = self._starts[place]
        if self._take_list(place, line, start):
            return
        if start is not None and self._begins(place, start):
            self._begin(place, line, start)
            return
        if start is not None and self._current is not None and not self._current.options:
            self._current.statement_number = start.number
        if self._take_heading(place, line):
            return
        label = self._labels[place]
        if label is not None and self._take_options(place, line, label):
            return
        if found := fields_of(line):
            self._take_fields(line, found)
        else:
            self._take_text(place, line)

    def _begins(self, place: int, start: Start) -> bool:
        current = self._current
        if start.is_strong:
            return True
        line = self._pieces[place]
        if isinstance(line, Line) and line.numbering and line.numbering.form == "bullet":
            return False
        listed = 0 if current is None or current.is_complete else current.statement_number
        if listed and start.number == listed + 1:
            return False
        is_next = current is None or start.number == (current.number or 0) + 1
        is_done = current is None or current.is_complete
        if self._is_weak and not self._has_lettered:
            return is_next
        if self._is_weak:
            return (is_next or is_done) and (
                self._has_options_ahead(place) or (is_next and is_done and current is not None)
            )
        return is_next and is_done and self._has_options_ahead(place)

    def _begin(self, place: int, line: Line, start: Start) -> None:
        self._close()
        self._is_in_keys = False
        draft = self._open(start.number, is_strong=start.is_strong)
        for note in start.notes:
            draft.difficulty = difficulty_of(note, is_alone=True) or draft.difficulty
        draft.keep(line)
        self._add_stem(place, line.cut(start.offset))

    def _open(self, number: int | None, *, is_strong: bool) -> Draft:
        draft = Draft(number, is_strong, topic=self._topic, difficulty=self._difficulty)
        self._current = draft
        if number is not None:
            self._numbers.add(number)
        return draft

    def _add_stem(self, place: int, line: Line) -> None:
        """Text of a stem; options may follow on the same line, and a key at its end."""
        draft = self._current
        assert draft is not None
        if key := trailing_key(line.text):
            draft.keys.append(key[0])
            line = line.cut(0, key[1])
        label = first_label(line.text, 0)
        if label is not None and not self._awaits(place, 0):
            following = next_label(line.text, label.offset, 1, label)
            if following is not None or self._awaits(place, 1):
                start = label.start
                if line.text[:start].strip():
                    draft.stem.append(line.cut(0, start))
                self._split_options(place, line, label)
                return
        if line.text.strip():
            draft.stem.append(line)

    def _awaits(self, place: int, letter: int) -> bool:
        """Does an option with this letter begin a line before the next question?"""
        for ahead in range(place + 1, min(place + LOOK_AHEAD_PIECES, len(self._pieces))):
            label = self._labels[ahead]
            if label is not None and label.place == letter:
                return True
            if label is not None and label.place == 0:
                return False
            start = self._starts[ahead]
            if start is not None and (start.is_strong or self._is_weak):
                return False
        return False

    def _take_options(self, place: int, line: Line, label: Label) -> bool:
        """Take a line that begins with a letter as options; False when it is none here."""
        if label.place == 0 and not self._leads_on(place, line, label):
            return False
        draft = self._current
        if draft is None:
            if label.place or not self._sorted.preamble:
                return False
            draft = self._open(None, is_strong=False)
            last = self._sorted.preamble.pop()
            draft.keep(last)
            draft.stem.append(last)
        fitting = self._fitted(draft, label, is_automatic=line.numbering is not None)
        if fitting is None:
            return False
        draft = fitting
        if draft.tail and draft.options:
            draft.options[-1].lines += draft.tail
            draft.tail = []
        draft.keep(line)
        self._split_options(place, line, label)
        return True

    def _fitted(self, draft: Draft, label: Label, *, is_automatic: bool) -> Draft | None:
        """The question that an option belongs to; None when it is no option there."""
        before = draft.options[-1] if draft.options else None
        if before is None or before.place is None:
            fits = label.place == 0 or is_automatic or self._is_first(draft, label)
            return draft if fits else None
        if before.is_upper and not label.is_upper:
            return None
        if label.place > 0:
            return draft if self._continues(draft, before.place, label) else None
        is_other_list = label.is_upper and not before.is_upper
        if is_other_list or len(draft.options) < FEWEST_OPTIONS:
            self._unmake_options(draft)
            return draft
        return self._split_off(draft)

    def _leads_on(self, place: int, line: Line, label: Label) -> bool:
        """An A without a B after it is a heading or a sentence."""
        if next_label(line.text, label.offset, 1, label) is not None:
            return True
        return self._awaits(place, 1)

    def _is_first(self, draft: Draft, label: Label) -> bool:
        """Options that begin with B: the letter A got lost."""
        if not draft.stem or label.place != 1 or draft.keys:
            return False
        draft.faults.append(
            ("option_a", "không thấy phương án A; hãy xem lại nội dung câu và các phương án.")
        )
        return True

    def _continues(self, draft: Draft, before: int, label: Label) -> bool:
        if label.place == before + 1:
            return True
        taken = {option.place for option in draft.options}
        if label.place < before and label.place not in taken:
            return True  # set in columns; sorted in the end
        letter = chr(ord("A") + label.place)
        field_name = f"option_{chr(ord('a') + min(len(draft.options), MOST_LABELS - 1))}"
        if label.place == before:
            draft.faults.append((field_name, f"có hai phương án cùng mang chữ {letter}."))
            return True
        if before < label.place <= before + 2:
            missing = chr(ord("A") + before + 1)
            draft.faults.append(
                (field_name, f"không thấy phương án {missing} trước phương án {letter}.")
            )
            return True
        return False

    def _unmake_options(self, draft: Draft) -> None:
        """What looked like options were statements of the stem."""
        for option in draft.options:
            first, *rest = option.lines
            looks = [PLAIN] * len(option.label) + list(first.looks)
            draft.stem += [replace(first, text=option.label + first.text, looks=looks), *rest]
        draft.stem += draft.tail
        draft.options, draft.tail, draft.faults = [], [], []

    def _split_off(self, draft: Draft) -> Draft:
        """Another A after a full list: a question without a number; its stem stands before it."""
        stem, draft.tail = draft.tail, []
        if stem:
            del draft.written[draft.tail_start :], draft.spots[draft.tail_start :]
        self._close()
        fresh = self._open(None, is_strong=False)
        for line in stem:
            fresh.keep(line)
        fresh.stem = stem
        return fresh

    def _split_options(self, place: int, line: Line, label: Label) -> None:
        draft = self._current
        assert draft is not None
        if key := trailing_key(line.text):
            draft.keys.append(key[0])
            line = line.cut(0, key[1])
        most = self._next_line_letter(place, label)
        while True:
            following = None
            if label.place + 1 < most:
                following = next_label(line.text, label.offset, label.place + 1, label)
            if following is None and label.place + 1 in {
                most,
                *(each.place for each in draft.options),
            }:
                following = self._beside(line, label)
            end = len(line.text) if following is None else following.start
            look = line.looks[label.letter_at] if label.letter_at < len(line.looks) else None
            body = line.cut(label.offset, end)
            letter = line.text[label.start : label.offset]
            draft.options.append(
                Option(label.place, label.is_upper, look, label.mark, [body], letter)
            )
            if following is None:
                return
            label = following

    def _beside(self, line: Line, label: Label) -> Label | None:
        """The letter after next on the same line, set in columns: "A …   C …" above "B …   D …"."""
        for place in range(label.place + 2, MOST_LABELS):
            found = next_label(line.text, label.offset, place, label)
            if found and re.search(r"\t\s*$|\s{2,}$", line.text[: found.start]):
                return found
        return None

    def _next_line_letter(self, place: int, label: Label) -> int:
        """The place of the letter that begins the next line of options; letters before it may share
        this line.
        """
        for ahead in range(place + 1, min(place + LOOK_AHEAD_PIECES, len(self._pieces))):
            start = self._starts[ahead]
            if start is not None and (start.is_strong or self._is_weak):
                break
            found = self._labels[ahead]
            if found is None or found.is_upper != label.is_upper:
                continue
            return found.place if found.place > label.place else MOST_LABELS
        return MOST_LABELS

    def _take_fields(self, line: Line, found: Sequence[tuple[str, Line]]) -> None:
        draft = self._current
        names = {name for name, _ in found}
        if names <= {"topic", "difficulty"} and (draft is None or self._is_prefix):
            self._close()
            self._is_prefix = True
            for name, value in found:
                if name == "topic":
                    self._topic = clean(value.text)
                else:
                    self._difficulty = difficulty_of(value.text)
            return
        if draft is None:
            self._sorted.preamble.append(line)
            return
        self._settle_tail(draft)
        draft.keep(line)
        for name, value in found:
            if name == "answer":
                if value.text.strip():
                    draft.keys.append(value.text)
            else:
                draft.fields.setdefault(name, []).append(value)
            draft.last_field = name

    def _take_heading(self, place: int, line: Line) -> bool:
        draft = self._current
        if draft is not None and not draft.is_complete:
            return False
        label = self._labels[place]
        following = self._labels[place + 1] if place + 1 < len(self._pieces) else None
        if following is not None and following.place == 0:
            return False  # a stem that looks like a heading
        topic = topic_of_heading(line)
        if topic is None and label is None and draft is not None and is_capitals(line.text):
            is_before = any(start is not None for start in self._starts[place + 1 : place + 3])
            topic = clean(line.text) if is_before and not fields_of(line) else None
        if topic is None or (label is not None and draft is not None and line.outline is None):
            return False
        self._close()
        if topic:
            self._topic = topic
        elif not self._sorted.drafts:
            self._sorted.preamble.append(line)
        return True

    def _take_text(self, place: int, line: Line) -> None:
        draft = self._current
        if is_end(line.text) and not line.pictures and not line.losses:
            return
        if draft is None:
            self._take_outside(line)
            return
        draft.keep(line)
        text = line.text.strip()
        if not text:
            return
        if draft.last_field == "answer" and not draft.keys and letters_of(text)[0]:
            draft.keys.append(text)
        elif draft.is_complete and is_bare_url(text):
            draft.fields.setdefault("link_url", []).append(line)
        elif draft.is_complete and is_article(text) and article_of(text)[0]:
            draft.fields.setdefault("source", []).append(line)
            draft.last_field = "source"
        elif draft.options and not draft.keys and is_key_head(text):
            draft.last_field = "answer"
        elif not draft.options and not draft.last_field:
            self._add_stem(place, line)
        else:
            if not draft.tail:
                draft.tail_start = len(draft.written) - 1
            draft.tail.append(line)

    def _take_outside(self, line: Line) -> None:
        if self._sorted.drafts:
            self._sorted.strays.append(
                Stray([line], "Đoạn này không thuộc câu hỏi nào nên không được đưa vào.")
            )
        else:
            self._sorted.preamble.append(line)

    def _take_list(self, place: int, line: Line, start: Start | None) -> bool:
        """A line of keys, or the heading above some."""
        text = line.text
        if is_key_head(text) and self._keys_follow(place):
            self._close()
            self._is_in_keys = True
            self._sorted.key_lists.append([])
            return True
        inner = next((value.text for name, value in fields_of(line) if name == "answer"), text)
        entries = entries_of(inner)
        if not entries or not self._sorted_numbers():
            return False
        is_known = all(number in self._numbers for number, _ in entries)
        is_own = self._current is not None and not self._current.options and start is not None
        is_list = len(entries) >= LIST_ENTRIES or (
            is_known and not is_own and (start is not None or len(entries) > 1)
        )
        if is_list:
            self._close()
            self._is_in_keys = True
            self._keep_entries(entries, line.spot)
        return is_list

    def _sorted_numbers(self) -> bool:
        return bool(self._sorted.drafts) or self._current is not None

    def _keys_follow(self, place: int) -> bool:
        for piece in self._pieces[place + 1 : place + 4]:
            if isinstance(piece, KeyTable):
                return True
            if isinstance(piece, Line):
                if entries_of(piece.text) or explained_entry(piece.text):
                    return True
                if label_of(piece) is not None:
                    return False
        return False

    def _take_key_line(self, line: Line) -> bool:
        """A line within a list of keys; False when the list is over."""
        if entries := entries_of(line.text):
            self._keep_entries(entries, line.spot)
            return True
        explained = explained_entry(line.text)
        if explained and explained[0] in self._numbers:
            number, value, rest = explained
            self._list().append(KeyEntry(number, value, line.spot, clean(rest)))
            return True
        if is_end(line.text) or (is_key_head(line.text) and not line.pictures):
            return True
        if topic_of_heading(line) is not None and not start_of(line):
            if self._list():
                self._sorted.key_lists.append([])
            return True
        if start_of(line) or self._labels_question(line):
            self._is_in_keys = False
            return False
        self._sorted.strays.append(
            Stray([line], "Đoạn này đứng trong phần đáp án nhưng không đọc được thành đáp án.")
        )
        return True

    def _labels_question(self, line: Line) -> bool:
        return label_of(line) is not None

    def _list(self) -> list[KeyEntry]:
        if not self._sorted.key_lists:
            self._sorted.key_lists.append([])
        return self._sorted.key_lists[-1]

    def _keep_entries(self, entries: Sequence[tuple[int, str]], spot: Spot) -> None:
        self._list().extend(KeyEntry(number, value, spot) for number, value in entries)

    def _take_keys(self, table: KeyTable) -> None:
        self._close()
        self._is_in_keys = True
        if table.trouble:
            self._sorted.troubles.append(table)
        else:
            self._list().extend(table.entries)

    def _take_row(self, row: QuestionRow) -> None:
        number_lines = row.lines.get("number", [])
        digits = re.search(r"\d{1,4}", joined(number_lines))
        draft = self._open(int(digits[0]) if digits else None, is_strong=True)
        place = len(self._pieces)  # nothing follows within the row
        for line in row.lines.get("text", ()):
            start = start_of(line) if not draft.stem else None
            if start is not None and (start.is_strong or draft.number is None):
                draft.number = start.number
                line = line.cut(start.offset)  # noqa: PLW2901 — the same line without its number
            self._take_cell_line(draft, place, line)
        for letter, lines in row.options:
            self._take_cell_option(draft, letter, lines)
        _limit_options(draft)
        draft.ticked = [place for place in row.ticked if place < len(draft.options)]
        if row.says:
            draft.keys.append(row.says)
        for name, lines in row.lines.items():
            if name == "answer":
                draft.keys += [joined(lines)] if joined(lines) else []
            elif name not in {"text", "number"}:
                draft.fields[name] = list(lines)
            for line in lines:
                draft.pictures += line.pictures
                draft.losses += line.losses
        draft.written, draft.spots = list(row.written), list(row.spots)
        if draft.number is not None:
            self._numbers.add(draft.number)
        self._close()

    def _take_cell_line(self, draft: Draft, place: int, line: Line) -> None:
        label = label_of(line)
        expected = len(draft.options)
        if label is not None and label.place == expected:
            self._split_options(place, line, label)
        elif found := fields_of(line):
            self._take_fields(line, found)
        elif draft.options:
            draft.options[-1].lines.append(line)
        else:
            self._add_stem(place, line)

    def _take_cell_option(self, draft: Draft, letter: int | None, lines: list[Line]) -> None:
        label = label_of(lines[0])
        if label is not None and (letter is None or label.place == letter):
            if letter is None:
                self._split_options(len(self._pieces), lines[0], label)
                draft.options[-1].lines += lines[1:]
                return
            look = lines[0].looks[label.letter_at]
            body = [lines[0].cut(label.offset), *lines[1:]]
            draft.options.append(Option(label.place, label.is_upper, look, label.mark, body))
        else:
            body = [lines[0].cut(bullet_of(lines[0])), *lines[1:]]
            draft.options.append(Option(letter, True, None, "", body))

    def _close(self) -> None:
        draft, self._current = self._current, None
        if draft is None:
            return
        self._settle_tail(draft)
        if not draft.options:
            _find_bare_options(draft)
        _sort_options(draft)
        self._sorted.drafts.append(draft)

    def _settle_tail(self, draft: Draft) -> None:
        tail, draft.tail = draft.tail, []
        if not tail:
            return
        last = draft.last_field
        if last in {"explanation", "source", "answer", "article", "link_url"}:
            target = last if last in {"explanation", "source"} else "explanation"
            draft.fields.setdefault(target, []).extend(tail)
        elif not last and draft.options and _goes_on(tail[0].text):
            draft.options[-1].lines += tail
        else:
            self._sorted.strays.append(
                Stray(
                    tail,
                    f"Đoạn này đứng sau các phương án của {_name(draft)} nhưng không rõ thuộc về "
                    "đâu. Hãy thêm vào câu nếu cần.",
                )
            )


def _is_statement(start: Start, question: Start | None) -> bool:
    """Does a number belong to a list inside a question, being written in another way?"""
    return (
        question is not None
        and not start.is_strong
        and not question.is_strong
        and start.end != question.end
    )


def _name(draft: Draft) -> str:
    return f"câu {draft.number}" if draft.number is not None else "câu phía trước"


def _limit_options(draft: Draft) -> None:
    if len(draft.options) > MOST_CELL_LINES:
        draft.options = draft.options[:MOST_CELL_LINES]
        draft.faults.append(
            ("option_h", f"có hơn {MOST_CELL_LINES} phương án, phần sau không được đưa vào.")
        )


def _sort_options(draft: Draft) -> None:
    """Options in the order of their letters, where each letter stands once."""
    places = [-1 if option.place is None else option.place for option in draft.options]
    if sorted(places) == list(range(len(places))) and not draft.ticked:
        draft.options = [draft.options[places.index(place)] for place in range(len(places))]


def _goes_on(text: str) -> bool:
    first = text.strip()[:1]
    return first.islower() or first in "-+•–(,;"


def _find_bare_options(draft: Draft) -> None:
    """Options without letters: a list, or the lines behind a stem that ends in ? or a colon."""
    lines = draft.stem
    first = next(
        (place for place, line in enumerate(lines) if place and _is_listed(line)), len(lines)
    )
    listed = lines[first:]
    if len(listed) < FEWEST_OPTIONS or not all(_is_listed(line) for line in listed):
        ends = [
            place
            for place, line in enumerate(lines)
            if line.text.rstrip(" *_").endswith(("?", ":", "…", "..."))
        ]
        first = ends[-1] + 1 if ends else 1
        listed = lines[first:]
        if not ends and len(lines) not in {4, 5}:  # a stem and three or four options
            return
    if not FEWEST_OPTIONS <= len(listed) <= MOST_LABELS or not first:
        return
    draft.stem = lines[:first]
    draft.options = [Option(None, True, None, "", [_unlisted(line)]) for line in listed]


def _is_listed(line: Line) -> bool:
    start = start_of(line)
    return (
        line.numbering is not None
        or bool(bullet_of(line))
        or (start is not None and not start.is_strong)
    )


def _unlisted(line: Line) -> Line:
    offset = bullet_of(line)
    start = start_of(line)
    if not offset and start is not None and not start.is_strong:
        offset = start.offset
    return line.cut(offset)
