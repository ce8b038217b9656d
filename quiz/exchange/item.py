"""What is a question on its way between a file and the bank, in whatever format the file is?

Readers give `Understood`, writers take `Item`s and give `Written`; neither knows the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ItemOption:
    """One option; `feedback` is what some formats tell whoever chose it."""

    text: str
    is_correct: bool = False
    is_pinned: bool = False
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class ItemImage:
    """A picture as it lay in the file; checked by `quiz.images` before the bank takes it."""

    content: bytes
    media_type: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class ItemFault:
    """What is wrong with one field of an item, in a sentence that says what to do.

    Fields are those of `quiz.question_drafts.faults_of` ("text", "option_b", "answer", …), or ""
    for the item as a whole.
    """

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Item:
    """A question as a file has it. Text is NFC without markup; what a format lacks stays empty.

    `place` says where it stands in the file ("đoạn 12–17", "dòng 40", "ô B7"); `written` is the
    file's own words there, to lay beside what was understood. `difficulty` and `kind` are the
    bank's words (easy, medium, hard; single, multiple, true_false) or "" where the file is silent.
    `losses` say what of this item the bank cannot hold.
    """

    number: int  # from 1, in the order of the file
    text: str
    options: tuple[ItemOption, ...]
    place: str = ""
    written: str = ""
    code: str = ""
    topic: str = ""  # as written: a name, a code or a category path "A/B"
    difficulty: str = ""
    kind: str = ""
    explanation: str = ""
    source: str = ""
    article: str = ""
    link_url: str = ""
    tags: tuple[str, ...] = ()
    image: ItemImage | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    faults: tuple[ItemFault, ...] = ()
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Miss:
    """A part of a file that became no item, in place: nothing is dropped in silence."""

    place: str
    written: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Understood:
    """A whole file. `losses` concern the file as a whole; each item carries its own."""

    file_format: str  # docx, gift, aiken, moodle_xml, qti, xlsx, csv
    items: Sequence[Item]
    misses: Sequence[Miss] = ()
    losses: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A file to hand out. `losses` say what its format could not hold, a sentence each."""

    content: bytes
    file_name: str
    media_type: str
    losses: Sequence[str] = ()
