"""How are questions printed: one paper with its key, or several versions of it?

The look is the one of an office: A4, Times New Roman 13, the margins of Nghị định 30/2020/NĐ-CP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any

import docx
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from PIL import Image

from core.text import clean, clean_lines, fold
from quiz.drawing import option_order
from quiz.exchange.item import Item, ItemImage, Written
from quiz.pools import PoolOption, PoolQuestion

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
KEYS_A_ROW = 10
WIDEST_IMAGE = Cm(12)

_FONT, _SIZE = "Times New Roman", Pt(13)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# What python-docx puts into a document as it is.
_PRINTED_MEDIA = {"image/png", "image/jpeg"}


def write_docx(
    items: Sequence[Item], *, title: str, with_key: bool, watermark: str = ""
) -> Written:
    """Print questions as a paper, numbered in their order; the key stands at the end if wanted.

    `watermark` ("Bản của … xuất lúc …") is shown on every page. Losses tell what a paper does not
    show. Pictures take tens of milliseconds each: call it in a thread.
    """
    paper = _Paper(watermark)
    paper.title(title)
    for number, item in enumerate(items, start=1):
        paper.question(number, item, range(len(item.options)))
    if with_key:
        paper.document.add_page_break()
        paper.title("ĐÁP ÁN")
        paper.key_bands([_key(item, range(len(item.options))) for item in items])
    return _written(paper, items, title)


def write_versions(
    items: Sequence[Item], *, title: str, codes: Sequence[str], seed: str, watermark: str = ""
) -> Written:
    """Print several versions of a paper into one document, and one table of keys for all.

    A version is a pure function of seed and code: with K the first 16 bytes of
    SHA-256("seed|code"), questions are ordered by SHA-256(K ‖ number as eight bytes, big-endian)
    and options as `quiz.drawing` orders them; pinned options and true/false keep their places.
    """
    paper = _Paper(watermark)
    keys: dict[str, list[str]] = {}
    for place, code in enumerate(codes):
        if place:
            paper.next_version()
        paper.title(title)
        paper.centred(f"Mã đề: {code}", is_bold=True)
        version = _version(items, seed, code)
        for number, (item, order) in enumerate(version, start=1):
            paper.question(number, item, order)
        keys[code] = [_key(item, order) for item, order in version]
    paper.next_version()
    paper.title("ĐÁP ÁN CÁC MÃ ĐỀ")
    paper.key_columns(keys, len(items))
    return _written(paper, items, title)


def _version(items: Sequence[Item], seed: str, code: str) -> list[tuple[Item, tuple[int, ...]]]:
    key = sha256(f"{seed}|{code}".encode()).digest()[:16]
    questions = [(_pool_question(number, item), item) for number, item in enumerate(items, 1)]
    questions.sort(key=lambda pair: sha256(key + pair[0].id.to_bytes(8, "big")).digest())
    return [(item, option_order(question, key)) for question, item in questions]


def _pool_question(number: int, item: Item) -> PoolQuestion:
    options = tuple(PoolOption(each.text, each.is_correct, each.is_pinned) for each in item.options)
    return PoolQuestion(number, number, item.topic, item.difficulty, item.kind, item.text, options)


def _key(item: Item, order: Sequence[int]) -> str:
    """The letters of the right options in the order shown; a dash where there is none."""
    right = [_LETTERS[shown] for shown, place in enumerate(order) if item.options[place].is_correct]
    return ", ".join(right) or "–"


def _written(paper: _Paper, items: Sequence[Item], title: str) -> Written:
    losses = list(paper.losses)
    if any(item.explanation or item.source or item.topic or item.link_url for item in items):
        losses.append(
            "Đề in không ghi chủ đề, mức độ, giải thích, căn cứ và đường dẫn của câu hỏi. Hãy xuất "
            "XLSX nếu cần."
        )
    output = BytesIO()
    paper.document.save(output)
    name = fold(title).replace(" ", "-")[:80] or "de-thi"
    return Written(output.getvalue(), f"{name}.docx", MEDIA_TYPE, tuple(losses))


@dataclass
class _Paper:
    """A document in the making."""

    watermark: str
    document: Any = field(default_factory=docx.Document)
    losses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        normal = self.document.styles["Normal"]
        normal.font.name, normal.font.size = _FONT, _SIZE
        fonts = normal.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:eastAsia", "w:cs"):
            fonts.set(qn(script), _FONT)
        normal.paragraph_format.space_after = Pt(3)
        section = self.document.sections[0]
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.top_margin = section.bottom_margin = section.right_margin = Cm(2)
        section.left_margin = Cm(3)
        self.document.core_properties.author = ""
        self.document.core_properties.comments = ""
        for part in (section.header, section.footer):
            paragraph = part.paragraphs[0]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            if self.watermark:
                run = paragraph.add_run(clean(self.watermark))
                run.italic, run.font.size = True, Pt(10)
        page = section.footer.add_paragraph()
        page.alignment = WD_ALIGN_PARAGRAPH.CENTER
        page.add_run("Trang ")
        _add_page_number(page.add_run())

    def centred(self, text: str, *, is_bold: bool = False) -> None:
        paragraph = self.document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.add_run(clean(text)).bold = is_bold

    def title(self, text: str) -> None:
        self.centred(text, is_bold=True)

    def next_version(self) -> None:
        """Go on on a new page, whose number is 1 again."""
        section = self.document.add_section(WD_SECTION.NEW_PAGE)
        numbers = OxmlElement("w:pgNumType")
        numbers.set(qn("w:start"), "1")
        section._sectPr.append(numbers)  # noqa: SLF001 — python-docx has no words for page numbers

    def question(self, number: int, item: Item, order: Sequence[int]) -> None:
        stem = self.document.add_paragraph()
        stem.paragraph_format.space_before = Pt(6)
        stem.add_run(f"Câu {number}. ").bold = True
        stem.add_run(clean_lines(item.text))
        paragraphs = [stem]
        if item.image is not None and (picture := self._picture(number, item.image)):
            paragraphs.append(picture)
        for shown, place in enumerate(order):
            text = clean(item.options[place].text)
            option = self.document.add_paragraph(f"{_LETTERS[shown]}. {text}")
            option.paragraph_format.left_indent = Cm(0.75)
            paragraphs.append(option)
        for paragraph in paragraphs[:-1]:
            paragraph.paragraph_format.keep_with_next = True  # a question stays on its page

    def key_bands(self, keys: Sequence[str]) -> None:
        """Numbers above letters, ten to a row."""
        for start in range(0, len(keys), KEYS_A_ROW):
            part = keys[start : start + KEYS_A_ROW]
            numbers = [str(number) for number in range(start + 1, start + len(part) + 1)]
            self._table([["Câu", *numbers], ["Đáp án", *part]])
            self.document.add_paragraph()

    def key_columns(self, keys: dict[str, list[str]], count: int) -> None:
        """A row for each number, a column for each version."""
        rows = [[str(at + 1), *(column[at] for column in keys.values())] for at in range(count)]
        self._table([["Câu", *(f"Mã đề {code}" for code in keys)], *rows])

    def _table(self, rows: Sequence[Sequence[str]]) -> None:
        table = self.document.add_table(rows=len(rows), cols=len(rows[0]))
        table.style = "Table Grid"
        for row, texts in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.paragraphs[0].add_run(text).font.size = Pt(12)

    def _picture(self, number: int, image: ItemImage) -> Any:
        content = image.content
        try:
            if image.media_type not in _PRINTED_MEDIA:
                content = _as_png(content)
            paragraph = self.document.add_paragraph()
            shape = paragraph.add_run().add_picture(BytesIO(content))
        except Exception:  # noqa: BLE001 — decoders raise whatever broken bytes lead them to
            self.losses.append(f"Câu {number}: hình bị hỏng hoặc không in được.")
            return None
        if shape.width > WIDEST_IMAGE:
            shape.width, shape.height = WIDEST_IMAGE, int(shape.height * WIDEST_IMAGE / shape.width)
        shape._inline.docPr.set("descr", clean(image.alt))  # noqa: SLF001 — python-docx has no words for it
        return paragraph


def _as_png(content: bytes) -> bytes:
    output = BytesIO()
    with Image.open(BytesIO(content), formats=("WEBP", "PNG", "JPEG")) as found:
        found.convert("RGBA").save(output, "PNG")
    return output.getvalue()


def _add_page_number(run: Any) -> None:
    """A field that Word fills with the page's number."""
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        element = OxmlElement("w:instrText" if text else "w:fldChar")
        if text:
            element.text = text
        else:
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)  # noqa: SLF001 — python-docx has no words for fields
