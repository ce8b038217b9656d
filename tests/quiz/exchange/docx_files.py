"""Word documents as organisers make them: questions written in many habits, by python-docx and XML."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

import docx
from docx.enum.text import WD_COLOR_INDEX
from docx.oxml import parse_xml
from docx.shared import RGBColor
from docx.text.paragraph import Paragraph

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)


@dataclass(frozen=True)
class Asked:
    """A question as its author means it."""

    text: str
    options: tuple[str, ...]
    right: tuple[int, ...]


@dataclass(frozen=True)
class Habit:
    """How an author writes questions down."""

    number: str = "Câu {n}."  # "auto:Câu %1." leaves the number to Word
    layout: str = "lines"  # tabs, spaces, two, breaks, grid, columns, auto
    label: str = "{L}."
    mark: str = "bold"
    is_stem_bold: bool = False
    are_letters_bold: bool = False
    is_decomposed: bool = False


@dataclass(frozen=True)
class Piece:
    text: str
    look: str = ""  # words out of bold, underline, red, highlight, shade, italic


@cache
def bank() -> tuple[Asked, ...]:
    """Real questions with three to five options, none like another."""
    read = json.loads(Path("web/demo/questions.json").read_text(encoding="utf-8"))
    return tuple(
        Asked(
            each["text"],
            tuple(option["text"] for option in each["options"]),
            tuple(place for place, option in enumerate(each["options"]) if option["correct"]),
        )
        for each in read
        if each["kind"] != "true_false"
    )


def singles(count: int, start: int = 0) -> list[Asked]:
    """Questions with one right answer, which goes round all letters."""
    found = [each for each in bank() if len(each.right) == 1 and len(each.options) == 4]
    return [_turned(each, place) for place, each in enumerate(found[start : start + count])]


def _turned(asked: Asked, place: int) -> Asked:
    """Put the right answer at another place, unless an option speaks of the others."""
    if any("trên" in option or "đều" in option for option in asked.options):
        return asked
    wrong = [text for at, text in enumerate(asked.options) if at not in asked.right]
    target = (place * 7 + place // 3) % len(asked.options)
    options = [*wrong[:target], asked.options[asked.right[0]], *wrong[target:]]
    return Asked(asked.text, tuple(options), (target,))


class Paper:
    """A document in the making."""

    def __init__(self) -> None:
        self.document = docx.Document()
        self._list_count = 900

    def content(self) -> bytes:
        output = BytesIO()
        self.document.save(output)
        return output.getvalue()

    def line(self, *pieces: Piece | str, style: str | None = None) -> Paragraph:
        paragraph = self.document.add_paragraph(style=style)
        fill(paragraph, pieces)
        return paragraph

    def listed(
        self, list_id: int, level: int, *pieces: Piece | str, mark_look: str = ""
    ) -> Paragraph:
        """A paragraph with an automatic number."""
        paragraph = self.line(*pieces)
        properties = paragraph._p.get_or_add_pPr()
        bold = "<w:rPr><w:b/></w:rPr>" if "bold" in mark_look else ""
        properties.append(
            parse_xml(
                f'<w:numPr {NAMESPACES}><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
            )
        )
        if bold:
            properties.append(parse_xml(bold.replace("<w:rPr>", f"<w:rPr {NAMESPACES}>")))
        return paragraph

    def new_list(self, *levels: tuple[str, str]) -> int:
        """A list with these (form, text) levels: ("decimal", "Câu %1.")."""
        self._list_count += 1
        xml = "".join(
            f'<w:lvl w:ilvl="{place}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
            f'<w:lvlText w:val="{text}"/></w:lvl>'
            for place, (form, text) in enumerate(levels)
        )
        numbering = self.document.part.numbering_part.element
        abstract = parse_xml(
            f'<w:abstractNum {NAMESPACES} w:abstractNumId="{self._list_count}">{xml}</w:abstractNum>'
        )
        numbering.insert(0, abstract)
        numbering.append(
            parse_xml(
                f'<w:num {NAMESPACES} w:numId="{self._list_count}">'
                f'<w:abstractNumId w:val="{self._list_count}"/></w:num>'
            )
        )
        return self._list_count

    def same_list_restarted(self, list_id: int, level: int = 0) -> int:
        """What Word makes of "restart at A": another number of the same list."""
        self._list_count += 1
        self.document.part.numbering_part.element.append(
            parse_xml(
                f'<w:num {NAMESPACES} w:numId="{self._list_count}"><w:abstractNumId w:val="{list_id}"/>'
                f'<w:lvlOverride w:ilvl="{level}"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
            )
        )
        return self._list_count

    def xml(self, body: str) -> Any:
        """Raw WordprocessingML at the end of the body."""
        element = parse_xml(body.replace(">", f" {NAMESPACES}>", 1))
        body_element = self.document.element.body
        body_element.insert(len(body_element) - 1, element)
        return element

    def table(self, rows: Iterable[Sequence[Piece | str]]) -> Any:
        filled = list(rows)
        table = self.document.add_table(rows=0, cols=max(len(row) for row in filled))
        for row in filled:
            cells = table.add_row().cells
            for cell, piece in zip(cells, row, strict=False):
                for number, line in enumerate(
                    (piece if isinstance(piece, str) else piece.text).split("\n")
                ):
                    paragraph = cell.paragraphs[0] if number == 0 else cell.add_paragraph()
                    fill(paragraph, [Piece(line, "" if isinstance(piece, str) else piece.look)])
        return table


def fill(paragraph: Paragraph, pieces: Sequence[Piece | str]) -> None:
    for piece in pieces:
        text, look = (piece, "") if isinstance(piece, str) else (piece.text, piece.look)
        run = paragraph.add_run(text)
        run.bold = True if "bold" in look else None
        run.italic = True if "italic" in look else None
        run.underline = True if "underline" in look else None
        if "red" in look:
            run.font.color.rgb = RGBColor(255, 0, 0)
        if "blue" in look:
            run.font.color.rgb = RGBColor(0, 0, 255)
        if "highlight" in look:
            run.font.highlight_color = WD_COLOR_INDEX.YELLOW
        if "shade" in look:
            run._r.get_or_add_rPr().append(
                parse_xml(f'<w:shd {NAMESPACES} w:val="clear" w:color="auto" w:fill="FFFF00"/>')
            )


LOOKS = ("bold", "underline", "red", "highlight", "shade")
LETTER_LOOKS = ("letter:bold", "letter:underline", "letter:red", "letter:highlight")
SIGNS = {"star before": ("*", ""), "tick before": ("✓ ", ""), "star after": ("", " *"),
         "tick after": ("", " ✓"), "cross after": ("", " (x)"), "right after": ("", " (Đ)"),
         "word after": ("", " (đúng)")}  # fmt: skip
KEY_LINES = ("Đáp án: {k}", "ĐA: {k}", "Đáp án đúng là {k}", "Đáp án: {k}.", "=> Chọn {k}", "Đáp án {k}",
             "đáp án : {k}", "Trả lời: {k}", "Đ/A: {k}")  # fmt: skip
KEY_LISTS = ("line", "lines", "across", "down", "cells", "pairs")
MARKS = (*LOOKS, *LETTER_LOOKS, *SIGNS, *KEY_LINES, *KEY_LISTS)


def write_paper(questions: Sequence[Asked], habit: Habit, title: str = "") -> bytes:
    """A paper in one habit, with its key wherever the habit wants it."""
    paper = Paper()
    if title:
        paper.line(Piece(title, "bold"))
    write_questions(paper, questions, habit)
    return paper.content()


def write_questions(
    paper: Paper, questions: Sequence[Asked], habit: Habit, first_number: int = 1
) -> None:
    lists = _Lists(paper, habit)
    for number, asked in enumerate(questions, first_number):
        _write_question(paper, asked, number, habit, lists)
    if habit.mark in KEY_LISTS:
        keys = [letters(asked.right) for asked in questions]
        write_keys(paper, keys, habit.mark, first_number)


def letters(places: Sequence[int]) -> str:
    return ", ".join("ABCDEFGH"[place] for place in places)


class _Lists:
    def __init__(self, paper: Paper, habit: Habit) -> None:
        self.numbers = 0
        if habit.number.startswith("auto:"):
            self.numbers = paper.new_list(("decimal", habit.number.removeprefix("auto:")))
        form = "upperLetter" if "{L}" in habit.label else "lowerLetter"
        shape = habit.label.replace("{L}", "%1").replace("{l}", "%1")
        self.letters = paper.new_list((form, shape)) if habit.layout == "auto" else 0


def _write_question(paper: Paper, asked: Asked, number: int, habit: Habit, lists: _Lists) -> None:
    def said(text: str) -> str:
        return unicodedata.normalize("NFD", text) if habit.is_decomposed else text

    look = "bold" if habit.is_stem_bold else ""
    if lists.numbers:
        stem = paper.listed(lists.numbers, 0, Piece(said(asked.text), look))
    else:
        stem = paper.line(
            Piece(said(habit.number.format(n=number)), look), Piece(said(f" {asked.text}"), look)
        )
    options = [
        _option(said(text), place, place in asked.right, habit)
        for place, text in enumerate(asked.options)
    ]
    _lay_out(paper, stem, options, habit.layout, lists)
    if habit.mark in KEY_LINES:
        paper.line(said(habit.mark.format(k=letters(asked.right))))


SEPARATORS = {"tabs": "\t", "spaces": "     "}


def _lay_out(
    paper: Paper, stem: Paragraph, options: Sequence[list[Piece]], layout: str, lists: _Lists
) -> None:
    if layout in SEPARATORS:
        paper.line(*_between(options, SEPARATORS[layout]))
    elif layout == "two":
        for start in range(0, len(options), 2):
            paper.line(*_between(options[start : start + 2], "\t\t"))
    elif layout == "breaks":
        fill(stem, ["\n", *_between(options, "\n")])
    elif layout in {"grid", "columns"}:
        _grid(paper, options, 2 if layout == "grid" else len(options))
    elif layout == "auto":
        list_id = paper.same_list_restarted(lists.letters)
        for option in options:
            paper.listed(list_id, 0, *option[1:])
    else:
        for option in options:
            paper.line(*option)


def _option(text: str, place: int, is_right: bool, habit: Habit) -> list[Piece]:
    label = habit.label.format(L="ABCDEFGH"[place], l="abcdefgh"[place]) + " "
    before, after = SIGNS.get(habit.mark, ("", "")) if is_right else ("", "")
    look = habit.mark if is_right and habit.mark in LOOKS else ""
    letter_look = look
    if is_right and habit.mark in LETTER_LOOKS:
        letter_look = habit.mark.removeprefix("letter:")
    if habit.are_letters_bold:
        letter_look += " bold"
    return [Piece(before + label, letter_look), Piece(text + after, look)]


def _between(options: Sequence[Sequence[Piece]], separator: str) -> list[Piece]:
    pieces: list[Piece] = []
    for option in options:
        pieces += [*([Piece(separator)] if pieces else []), *option]
    return pieces


def _grid(paper: Paper, options: Sequence[Sequence[Piece]], width: int) -> None:
    table = paper.document.add_table(rows=0, cols=width)
    for start in range(0, len(options), width):
        cells = table.add_row().cells
        for cell, option in zip(cells, options[start : start + width], strict=False):
            fill(cell.paragraphs[0], option)


def write_keys(paper: Paper, keys: Sequence[str], form: str, first: int = 1) -> None:
    """The list of keys at the end of a paper."""
    paper.line(Piece("ĐÁP ÁN" if form in {"line", "lines"} else "BẢNG ĐÁP ÁN", "bold"))
    numbered = [(str(number), key) for number, key in enumerate(keys, first)]
    tens = [numbered[start : start + 10] for start in range(0, len(numbered), 10)]
    half = (len(numbered) + 1) // 2
    if form == "line":
        for part in tens:
            paper.line("  ".join(f"{number}.{key}" for number, key in part))
    elif form == "lines":
        for number, key in numbered:
            paper.line(f"Câu {number}: {key}")
    elif form == "across":
        for part in tens:
            numbers, values = zip(*part, strict=True)
            paper.table([["Câu", *numbers], ["Đáp án", *values]])
    elif form == "cells":
        paper.table([[f"{number}-{key}" for number, key in part] for part in tens])
    elif form == "pairs":
        rows = zip_longest(numbered[:half], numbered[half:], fillvalue=("", ""))
        paper.table([["Câu", "Đáp án"] * 2, *([*left, *right] for left, right in rows)])
    else:
        paper.table([["Câu", "Đáp án"], *numbered])
