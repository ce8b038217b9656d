"""What stands in a Word document, line by line, as a person sees it?

Tracked insertions are taken, deletions are not; comments, headers, footers, hidden text and tables
of contents are left out. A line is a paragraph or what a soft line break makes of one. Paragraphs
are counted as Word's word count does: those that hold something, tables aside.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from posixpath import dirname, join, normpath
from typing import Protocol, Union

from lxml import etree

from core.errors import Refusal
from core.text import clean
from core.word_archive import open_word, rotten
from quiz.exchange.docx_styles import (
    PLAIN,
    WORD,
    Look,
    Numbering,
    Numbers,
    Styles,
    fill_of,
    numbering_of,
    run_properties,
    value_of,
    word,
)

# A photograph out of a telephone; `quiz.images` says how small it must be in the end.
PICTURE_LIMIT_BYTES = 5_000_000
PICTURES_LIMIT_BYTES = 20_000_000
TABLE_DEPTH_LIMIT = 5
RUN_LIMIT = 40

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_PLACED = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_COMPATIBLE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_VML = "{urn:schemas-microsoft-com:vml}"

_PASSED_THROUGH = {
    WORD + name
    for name in ("ins", "moveTo", "smartTag", "customXml", "sdt", "sdtContent", "fldSimple", "dir",
                 "bdo")
}  # fmt: skip
_SPACES = str.maketrans({"\u00a0": " ", "\u2007": " ", "\u202f": " ", "\u3000": " ", "\u2003": " ",
                         "\u2002": " ", "\u2009": " ", "\u00d0": "Đ", "\u0189": "Đ", "\u00f0": "đ",
                         "\u2011": "-", "\uff0e": ".", "\uff09": ")", "\uff08": "(", "\uff1a": ":"})  # fmt: skip
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad\x00-\x08\x0e-\x1f]")
_LONG_RUN = re.compile(r"([^\w\n])\1{40,}|_{41,}")
_SUPERSCRIPTS = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
_RAISED = re.compile(r"[0-9+\-n]+")
# Signs of Wingdings and Symbol, whose codes mean other letters elsewhere.
_SIGNS = {
    "wingdings": {0xFC: "✓", 0xFE: "☑", 0xFB: "✗", 0xFD: "☒", 0xA8: "☐", 0x6F: "☐", 0x71: "☐",
                  0x78: "☒", 0xE0: "→", 0xE8: "→", 0xF0: "→", 0xAB: "★", 0xA7: "•", 0x6C: "•"},
    "wingdings 2": {0x50: "✓", 0x52: "☑", 0x4F: "✗", 0x51: "☒", 0x53: "☒", 0xA3: "☐"},
    "symbol": {0xD6: "√", 0xB7: "•", 0xAE: "→", 0xDE: "→", 0xB3: "≥", 0xA3: "≤", 0xB9: "≠",
               0x2A: "*"},
}  # fmt: skip
_TCVN3 = re.compile(r"\.Vn|VNI-", re.IGNORECASE)
_PICTURE_STARTS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
_PICTURE_KINDS = {"wmf": "WMF", "emf": "EMF", "gif": "GIF", "bmp": "BMP", "tif": "TIFF",
                  "tiff": "TIFF", "svg": "SVG"}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Where a line stands: a paragraph of the text, or a row of a table (counted from 1)."""

    paragraph: int
    table: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the text; no content where it is not of a kind that can be shown."""

    content: bytes
    media_type: str
    alt: str
    loss: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What stands on a line: its characters and how each of them looks, one look a character.

    An automatic number is part of the text, as it is for the eye; `numbering` tells it from a
    typed one.
    """

    text: str
    looks: Sequence[Look]
    spot: Spot
    numbering: Numbering | None = None
    outline: int | None = None
    pictures: tuple[Picture, ...] = ()
    losses: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    def cut(self, start: int, end: int | None = None) -> Line:
        """A piece of the text with its looks; pictures and losses stay with the whole line."""
        return replace(
            self,
            text=self.text[start:end],
            looks=self.looks[start:end],
            numbering=None,
            pictures=(),
            losses=(),
            links=(),
        )

    def is_empty(self) -> bool:
        return not (self.text.strip() or self.pictures or self.losses)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `is_continued` when it is the lower part of one that spans rows."""

    column: int
    blocks: Sequence[Block]
    is_continued: bool = False

    def lines(self) -> Iterator[Line]:
        return lines_of(self.blocks)

    @property
    def text(self) -> str:
        return clean(" ".join(line.text for line in self.lines()))


@dataclass(frozen=True, slots=True)
class Table:
    number: int
    rows: Sequence[Sequence[Cell]]


Block = Union[Line, Table]  # noqa: UP007 — Cell names it before it exists


@dataclass(frozen=True, slots=True)
class WordText:
    """A document's lines and tables in order; `losses` concern all of it."""

    blocks: Sequence[Block]
    losses: Sequence[str]


def lines_of(blocks: Sequence[Block]) -> Iterator[Line]:
    """The lines of blocks, tables read row by row."""
    for block in blocks:
        if isinstance(block, Line):
            yield block
        else:
            for row in block.rows:
                for cell in row:
                    yield from cell.lines()


def read_word(content: bytes) -> WordText:
    """Read the text of a DOCX; refuses hostile, rotten and other files as `open_word` does.

    Text in the fonts of TCVN3 and VNI is refused, too ("bad_file"): its letters are others.
    """
    with open_word(content) as archive:
        try:
            return _Reader(archive.tree, archive.picture).read()
        except Refusal:
            raise
        except Exception as fault:
            # A rotten file leads zipfile, expat and lxml into many exceptions.
            raise rotten() from fault


@dataclass(slots=True)
class _Paragraph:
    """A paragraph on its way: characters with looks, and what is no character."""

    style: str
    text: list[str] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)

    def add(self, text: str, look: Look) -> None:
        self.text.append(text)
        self.looks += [look] * len(text)


class _Reader:
    def __init__(self, tree: _TreeOf, picture: _PictureOf) -> None:
        self._tree = tree
        self._picture = picture
        self._left_picture_bytes = PICTURES_LIMIT_BYTES
        self._main = self._find_main()
        self._links: dict[str, tuple[str, bool]] = self._relations(self._main)
        folder = dirname(self._main)
        self._styles = Styles(tree(join(folder, "styles.xml")))
        self._numbers = Numbers(tree(join(folder, "numbering.xml")))
        self._notes = self._read_notes(folder)
        self._paragraph_count = self._table_count = self._table_depth = 0
        self._comment_count = self._hidden_count = self._deep_count = 0
        self._letter_count = self._strange_count = 0
        self._spot = Spot(0)
        self._kept: _Paragraph | None = None  # its mark was deleted: the next one goes on

    def read(self) -> WordText:
        document = self._tree(self._main)
        body = word(document, "body")
        if body is None:
            raise rotten()
        blocks = list(self._blocks(body))
        if self._strange_count * 2 > self._letter_count:
            raise Refusal(
                "bad_file",
                "Văn bản dùng phông chữ kiểu cũ (.VnTime hoặc VNI), không phải Unicode. Hãy chuyển "
                "sang Unicode bằng công cụ của UniKey (Ctrl+Shift+F6) rồi gửi lại.",
            )
        losses = []
        if self._comment_count:
            losses.append(
                f"Tệp có {self._comment_count} ghi chú bên lề (comment); các ghi chú này không "
                "được đưa vào."
            )
        if self._hidden_count:
            losses.append(f"Tệp có chữ ẩn ở {self._hidden_count} chỗ; chữ ẩn không được đưa vào.")
        if self._deep_count:
            losses.append(
                f"Tệp có bảng lồng quá {TABLE_DEPTH_LIMIT} cấp; phần lồng sâu hơn không được đưa vào."
            )
        return WordText(blocks, losses)

    def _find_main(self) -> str:
        for _, target, kind in self._all_relations("_rels/.rels"):
            if kind.endswith("/officeDocument"):
                return target.lstrip("/")
        return "word/document.xml"

    def _relations(self, part: str) -> dict[str, tuple[str, bool]]:
        """Id → where it leads, and whether that is outside the file."""
        folder, name = part.rpartition("/")[::2]
        found = {}
        for identity, target, kind in self._all_relations(f"{folder}/_rels/{name}.rels"):
            is_outside = kind.endswith("!")
            inside = target.lstrip("/") if target.startswith("/") else join(folder, target)
            found[identity] = (target if is_outside else normpath(inside), is_outside)
        return found

    def _all_relations(self, part: str) -> Iterator[tuple[str, str, str]]:
        tree = self._tree(part)
        for each in () if tree is None else tree:
            outside = "!" if each.get("TargetMode") == "External" else ""
            yield each.get("Id", ""), each.get("Target", ""), each.get("Type", "") + outside

    def _read_notes(self, folder: str) -> dict[tuple[str, str], str]:
        notes = {}
        for kind in ("footnote", "endnote"):
            tree = self._tree(join(folder, kind + "s.xml"))
            for note in () if tree is None else tree:
                text = "".join(str(each.text or "") for each in note.iter(WORD + "t"))
                notes[kind, value_of(note, "id")] = clean(unicodedata.normalize("NFC", text))
        return notes

    def _blocks(self, parent: etree._Element) -> Iterator[Block]:
        for element in parent:
            if element.tag == WORD + "p":
                yield from self._lines(element)
            elif element.tag == WORD + "tbl":
                yield from self._table(element)
            elif element.tag == WORD + "sdt":
                gallery = word(element, "sdtPr", "docPartObj", "docPartGallery")
                inside = word(element, "sdtContent")
                if inside is not None and "Contents" not in value_of(gallery):
                    yield from self._blocks(inside)
            elif element.tag in _PASSED_THROUGH:
                yield from self._blocks(element)

    def _table(self, table: etree._Element) -> Iterator[Block]:
        if self._table_depth >= TABLE_DEPTH_LIMIT:
            self._deep_count += 1
            return
        outer = self._spot
        if not self._table_depth:
            self._table_count += 1
        number = self._table_count
        self._table_depth += 1
        rows: list[list[Cell]] = []
        for row in table.iter(WORD + "tr"):
            if _table_of(row) is not table or word(row, "trPr", "del") is not None:
                continue
            if self._table_depth == 1:
                self._spot = Spot(self._paragraph_count, number, len(rows) + 1)
            rows.append(self._cells(row))
        self._table_depth -= 1
        self._spot = outer
        yield Table(number, rows)

    def _cells(self, row: etree._Element) -> list[Cell]:
        cells = []
        before = value_of(word(row, "trPr", "gridBefore"))
        column = int(before) if before.isdecimal() else 0
        for cell in row.iter(WORD + "tc"):
            if _row_of(cell) is not row:
                continue
            properties = word(cell, "tcPr")
            span = value_of(word(properties, "gridSpan"))
            merge = word(properties, "vMerge")
            fill = fill_of(word(properties, "shd"))
            blocks = [_shaded(block, fill) for block in self._blocks(cell)]
            cells.append(
                Cell(column, blocks, merge is not None and value_of(merge) in {"", "continue"})
            )
            column += int(span) if span.isdecimal() and len(span) < 3 else 1  # noqa: PLR2004 — 63 columns at most
        return cells

    def _lines(self, element: etree._Element) -> Iterator[Block]:
        properties = word(element, "pPr")
        style = value_of(word(properties, "pStyle"))
        if self._styles.is_contents(style):
            return
        paragraph = self._kept or _Paragraph(style)
        self._kept = None
        self._walk(element, paragraph, is_link=False)
        mark = word(properties, "rPr")
        if word(mark, "del") is not None:
            self._kept = paragraph
            return
        look = self._styles.look(style, run_properties(mark))
        numbering = (
            self._number(properties, style) if paragraph.text or paragraph.pictures else None
        )
        if numbering:
            label = numbering.text + " "
            paragraph.text.insert(0, label)
            paragraph.looks[:0] = [look] * len(label)
        if not self._table_depth and (paragraph.text or paragraph.pictures or paragraph.losses):
            self._paragraph_count += 1
            self._spot = Spot(self._paragraph_count)
        fill = fill_of(word(properties, "shd"))
        outline_said = value_of(word(properties, "outlineLvl"))
        outline = int(outline_said) if outline_said.isdecimal() else self._styles.outline(style)
        for line in self._split(paragraph, numbering, outline):
            yield _shaded(line, fill)
        for box in paragraph.boxes:
            yield from self._blocks(box)

    def _split(
        self, paragraph: _Paragraph, numbering: Numbering | None, outline: int | None
    ) -> Iterator[Line]:
        """The lines of a paragraph, in NFC and with one kind of space, each character with its look."""
        text, looks = _composed("".join(paragraph.text), paragraph.looks)
        start = 0
        for number, piece in enumerate(text.split("\n")):
            line = Line(
                piece,
                looks[start : start + len(piece)],
                self._spot,
                numbering if number == 0 else None,
                outline,
                tuple(paragraph.pictures) if number == 0 else (),
                tuple(paragraph.losses) if number == 0 else (),
                tuple(paragraph.links) if number == 0 else (),
            )
            start += len(piece) + 1
            if not line.is_empty():
                yield line

    def _number(self, properties: etree._Element | None, style: str) -> Numbering | None:
        list_id, level = numbering_of(properties)
        if list_id is None:
            list_id, of_style = self._styles.numbering(style)
            level = of_style if level is None else level
        return None if list_id in {None, "0"} else self._numbers.next(str(list_id), level or 0)

    def _walk(self, parent: etree._Element, paragraph: _Paragraph, *, is_link: bool) -> None:
        for element in parent:
            tag = element.tag
            if tag == WORD + "r":
                self._run(element, paragraph, is_link)
            elif tag == WORD + "hyperlink":
                target, is_outside = self._links.get(element.get(_RELATION + "id", ""), ("", False))
                if is_outside and target.startswith(("http://", "https://")):
                    paragraph.links.append(target)
                self._walk(element, paragraph, is_link=True)
            elif tag in _PASSED_THROUGH:
                self._walk(element, paragraph, is_link=is_link)
            elif tag in {_MATH + "oMath", _MATH + "oMathPara"}:
                paragraph.add(_formula(element), PLAIN)
                paragraph.losses.append(
                    "Công thức toán được chuyển thành chữ thường; hãy xem lại cách viết."
                )

    def _run(self, run: etree._Element, paragraph: _Paragraph, is_link: bool) -> None:
        said = run_properties(word(run, "rPr"))
        vertical = said.pop("vertical", "")
        look = self._styles.look(paragraph.style, said)
        if is_link:
            look = replace(look, underline=False, colour="")
        for element in run:
            name = str(element.tag).removeprefix(WORD)
            if name == "t":
                self._add(str(element.text or ""), look, vertical, paragraph)
            elif text := _typed(name, element):
                paragraph.add(text, look)
            elif name in {"footnoteReference", "endnoteReference"}:
                key = (name.removesuffix("Reference"), value_of(element, "id"))
                note = self._notes.get(key, "")
                paragraph.losses.append(f"Chú thích cuối trang “{note}” không được đưa vào.")
            elif name == "commentReference":
                self._comment_count += 1
            else:
                self._drawing(element, paragraph)

    def _add(self, text: str, look: Look, vertical: str, paragraph: _Paragraph) -> None:
        if look.is_hidden:
            self._hidden_count += 1
            return
        if look.font.lower() in _SIGNS:
            text = "".join(_sign(ord(letter) & 0xFF, look.font) for letter in text)
        elif _RAISED.fullmatch(text) and vertical:
            text = text.translate(_SUPERSCRIPTS if vertical == "superscript" else _SUBSCRIPTS)
        self._letter_count += len(text)
        if look.font and _TCVN3.match(look.font):
            self._strange_count += len(text)
        paragraph.add(text.replace("\n", " ").replace("\r", " "), look)

    def _drawing(self, element: etree._Element, paragraph: _Paragraph) -> None:
        """A picture, a shape with text in it, or what cannot be taken along."""
        if element.tag == _COMPATIBLE + "AlternateContent":
            choices = [each for each in element if len(each)]
            for each in choices[:1]:
                for inner in each:
                    self._drawing(inner, paragraph)
            return
        if element.tag not in {WORD + "drawing", WORD + "pict", WORD + "object"}:
            return
        boxes = [
            box
            for box in element.iter(WORD + "txbxContent")
            if not any(True for _ in box.iterancestors(_COMPATIBLE + "Fallback"))
        ]
        paragraph.boxes += boxes
        described = next(element.iter(_PLACED + "docPr"), None)
        alt = "" if described is None else described.get("descr") or described.get("title") or ""
        found = [(each.get(_RELATION + "embed", ""), alt) for each in element.iter(_DRAWN + "blip")]
        for shape in element.iter(_VML + "imagedata"):
            holder = shape.getparent()
            said = "" if holder is None else holder.get("alt", "")
            found.append((shape.get(_RELATION + "id", ""), said))
        paragraph.pictures += [self._find_picture(identity, said) for identity, said in found]
        if element.tag == WORD + "object":
            paragraph.losses.append("Đối tượng nhúng (công thức, bảng tính) không được đưa vào.")
        elif not found and not boxes:
            paragraph.losses.append("Hình vẽ bằng Word (shape, biểu đồ) không được đưa vào.")

    def _find_picture(self, identity: str, alt: str) -> Picture:
        alt = clean(alt)
        target, is_outside = self._links.get(identity, ("", True))
        if is_outside:
            return Picture(b"", "", alt, "Hình nằm ngoài tệp (liên kết) không được đưa vào.")
        try:
            content = self._picture(target, min(PICTURE_LIMIT_BYTES, self._left_picture_bytes))
        except KeyError:
            return Picture(b"", "", alt, "Hình bị thiếu trong tệp nên không được đưa vào.")
        if content is None:
            return Picture(b"", "", alt, "Hình quá lớn nên không được đưa vào. Hãy thu nhỏ hình.")
        self._left_picture_bytes -= len(content)
        for start, media_type in _PICTURE_STARTS.items():
            if content.startswith(start):
                return Picture(content, media_type, alt)
        kind = _PICTURE_KINDS.get(target.rpartition(".")[2].lower(), "loại này")
        return Picture(
            b"", "", alt,
            f"Hình {kind} không được đưa vào. Hãy lưu hình thành PNG hoặc JPEG rồi thêm lại.",
        )  # fmt: skip


class _TreeOf(Protocol):
    def __call__(self, name: str) -> etree._Element | None: ...


class _PictureOf(Protocol):
    def __call__(self, name: str, limit_bytes: int) -> bytes | None: ...


def _table_of(row: etree._Element) -> etree._Element | None:
    return next(row.iterancestors(WORD + "tbl"), None)


def _row_of(cell: etree._Element) -> etree._Element | None:
    return next(cell.iterancestors(WORD + "tr"), None)


def _shaded(block: Block, fill: str) -> Block:
    if not fill or not isinstance(block, Line):
        return block
    looks = [look if look.highlight else replace(look, highlight=fill) for look in block.looks]
    return replace(block, looks=looks)


def _composed(text: str, looks: Sequence[Look]) -> tuple[str, Sequence[Look]]:
    """NFC with plain spaces and nothing invisible; a composed letter looks like its base."""
    if _INVISIBLE.search(text):
        kept = [place for place, letter in enumerate(text) if not _INVISIBLE.match(letter)]
        text, looks = "".join(text[place] for place in kept), [looks[place] for place in kept]
    text = text.translate(_SPACES)
    if _LONG_RUN.search(text):
        # Rows of dots to write on, blanks to push text aside: fewer say the same.
        runs = [(found.start() + RUN_LIMIT, found.end()) for found in _LONG_RUN.finditer(text)]
        dropped = {place for start, end in runs for place in range(start, end)}
        kept = [place for place in range(len(text)) if place not in dropped]
        text, looks = "".join(text[place] for place in kept), [looks[place] for place in kept]
    if unicodedata.is_normalized("NFC", text):
        return text, looks
    composed: list[str] = []
    fitting: list[Look] = []
    place = 0
    for _, group in groupby(_clusters(text), key=lambda pair: pair[0]):
        cluster = "".join(letter for _, letter in group)
        letters = unicodedata.normalize("NFC", cluster)
        composed.append(letters)
        fitting += [looks[place]] * len(letters)
        place += len(cluster)
    return "".join(composed), fitting


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    number = 0
    for letter in text:
        if not unicodedata.combining(letter):
            number += 1
        yield number, letter


def _typed(name: str, element: etree._Element) -> str:
    """What an element of a run other than w:t puts on paper; "" for nothing."""
    if name == "br":
        return "\n" if value_of(element, "type") in {"", "textWrapping"} else ""
    if name == "sym":
        code = value_of(element, "char")
        is_code = re.fullmatch(r"[0-9A-Fa-f]{1,4}", code)
        return _sign(int(code, 16) & 0xFF, value_of(element, "font")) if is_code else ""
    if name == "fldChar":
        box = word(element, "ffData", "checkBox")
        return "" if box is None else "☒" if _is_checked(box) else "☐"
    return {"tab": "\t", "ptab": "\t", "cr": "\n", "noBreakHyphen": "-"}.get(name, "")


def _sign(code: int, font: str) -> str:
    return _SIGNS.get(font.lower(), {}).get(code, "")


def _is_checked(box: etree._Element) -> bool:
    said = word(box, "checked")
    said = word(box, "default") if said is None else said
    return said is not None and value_of(said) not in {"0", "false", "off"}


def _formula(element: etree._Element) -> str:
    """A formula on one line: fractions with a stroke, powers with ^, indices with _."""
    name = str(element.tag).removeprefix(_MATH)
    if name == "t":
        return str(element.text or "")

    def part(wanted: str) -> str:
        found = element.find(_MATH + wanted)
        return "" if found is None else _formula(found)

    written = {
        "f": lambda: f"{_grouped(part('num'))}/{_grouped(part('den'))}",
        "sSup": lambda: f"{part('e')}^{_grouped(part('sup'))}",
        "sSub": lambda: f"{part('e')}_{_grouped(part('sub'))}",
        "rad": lambda: f"√{part('deg')}{_grouped(part('e'))}",
        "d": lambda: f"({', '.join(map(_formula, element.iterfind(_MATH + 'e')))})",
    }.get(name)
    return written() if written else "".join(_formula(child) for child in element)


def _grouped(text: str) -> str:
    return text if re.fullmatch(r"\w*", text) else f"({text})"
