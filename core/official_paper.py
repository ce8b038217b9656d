"""How is an administrative document laid out, as DOCX to go on with and as PDF to sign?

The form is that of Nghị định 30/2020/NĐ-CP, Annex I: A4, margins 20/20/30/15 mm, Times New Roman,
national title and motto at the right, the issuing body at the left, number and symbol, place and
date in italics, the kind of document in capitals, its subject, the text in 14 points with a first
line of 10 mm, recipients at the left below and the signature at the right; the page number stands
in the middle of the top margin from page 2 on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from core.pdf import SERIF

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
NATION = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO = "Độc lập - Tự do - Hạnh phúc"
MARGINS_MM = {"top": 20, "bottom": 20, "left": 30, "right": 15}
FIRST_LINE_MM = 10
BODY_POINTS, TABLE_POINTS = 14, 12
_WIDTH_MM = 210 - MARGINS_MM["left"] - MARGINS_MM["right"]
_FONT = "Times New Roman"
_OPEN = "\N{NO-BREAK SPACE}" * 6  # a place to be filled in by hand


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the text; a heading is bold."""

    text: str
    is_heading: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a header row; `shares` of the width add up to 1, `centred` columns by place."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    shares: Sequence[float]
    centred: Sequence[int] = ()


@dataclass(frozen=True)
class Signer:
    """Who signs: "TM. BAN TỔ CHỨC", "TRƯỞNG BAN"; the name may still be empty."""

    title: str
    name: str = ""
    on_behalf: str = ""


@dataclass(frozen=True)
class OfficialPaper:
    """One document. Without a number or a day their places stay open, to be filled in by hand."""

    authority: str
    kind: str  # BIÊN BẢN, DANH SÁCH
    subject: str
    blocks: Sequence[Paragraph | Table]
    signers: Sequence[Signer]
    parent_authority: str = ""
    symbol: str = ""  # BB-BTC
    number: int | None = None
    place: str = ""
    on: date | None = None
    recipients: Sequence[str] = ()
    footer: str = ""  # a digest, who printed it
    is_landscape: bool = False


def number_line(paper: OfficialPaper) -> str:
    """Say "Số: 05/BB-BTC": numbers under ten get a nought (Annex I, II.3)."""
    shown = _OPEN if paper.number is None else f"{paper.number:02d}"
    return f"Số: {shown}/{paper.symbol}"


def date_line(paper: OfficialPaper) -> str:
    """Say "Lai Châu, ngày 06 tháng 3 năm 2026": a nought before days under 10, months 1 and 2."""
    if paper.on is None:
        return f"{paper.place}, ngày{_OPEN}tháng{_OPEN}năm{_OPEN}"
    month = f"{paper.on.month:02d}" if paper.on.month <= 2 else str(paper.on.month)  # noqa: PLR2004 — the decree's own rule
    return f"{paper.place}, ngày {paper.on.day:02d} tháng {month} năm {paper.on.year}"


def to_docx(paper: OfficialPaper) -> bytes:
    document = Document()
    _page(document, paper)
    _letterhead(document, paper)
    _line(document, paper.kind.upper(), size=BODY_POINTS, is_bold=True, before=14)
    _line(document, paper.subject, size=BODY_POINTS, is_bold=True, after=10)
    for block in paper.blocks:
        if isinstance(block, Paragraph):
            _paragraph(document, block)
        else:
            _table(document, block, paper)
    _signatures(document, paper)
    output = BytesIO()
    document.save(output)
    return output.getvalue()


def to_html(paper: OfficialPaper) -> str:
    """The page that `core.pdf.html_to_pdf` draws."""
    return (
        f'<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        f"<title>{escape(paper.kind)}: {escape(paper.subject)}</title><style>{_css(paper)}</style>"
        f"</head><body>{_letterhead_html(paper)}<h1>{escape(paper.kind.upper())}</h1>"
        f'<p class="subject">{escape(paper.subject)}</p>{"".join(map(_block_html, paper.blocks))}'
        f"{_signatures_html(paper)}</body></html>"
    )


def _page(document: Any, paper: OfficialPaper) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    if paper.is_landscape:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
    for side, size in MARGINS_MM.items():
        setattr(section, f"{side}_margin", Mm(size))
    section.header_distance = Mm(10)
    section.different_first_page_header_footer = True
    style = document.styles["Normal"]
    style.font.name, style.font.size = _FONT, Pt(BODY_POINTS)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
    style.element.rPr.rFonts.set(qn("w:cs"), _FONT)
    number = section.header.paragraphs[0]
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _field(number.add_run(), "PAGE")
    for footer in (section.footer, section.first_page_footer):
        footer.paragraphs[0].add_run(paper.footer).font.size = Pt(9)
    document.core_properties.title = f"{paper.kind}: {paper.subject}"
    document.core_properties.language = "vi-VN"
    document.core_properties.author = paper.authority


def _field(run: Any, code: str) -> None:
    """A field that Word fills in, such as the page number."""
    for kind, text in (("begin", None), (None, code), ("end", None)):
        element = OxmlElement("w:instrText" if text else "w:fldChar")
        if text:
            element.text = text
        else:
            element.set(qn("w:fldCharType"), kind or "")
        run._r.append(element)  # noqa: SLF001 — python-docx has no fields


def _letterhead(document: Any, paper: OfficialPaper) -> None:
    table = document.add_table(rows=2, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    left, right = table.rows[0].cells
    _cell(left, paper.parent_authority.upper(), size=12)
    _cell(left, paper.authority.upper(), size=12, is_bold=True)
    _cell(right, NATION, size=12, is_bold=True)
    _underlined(_cell(right, MOTTO, size=13, is_bold=True))
    left, right = table.rows[1].cells
    if paper.symbol:
        _cell(left, number_line(paper), size=13)
    _cell(right, date_line(paper), size=13, is_italic=True)
    _widths(table, (0.42, 0.58), paper)


def _underlined(paragraph: Any) -> None:
    """The rule under the motto, as wide as its text."""
    paragraph.runs[0].font.underline = True


def _cell(
    cell: Any,
    text: str,
    *,
    size: float,
    is_bold: bool = False,
    is_italic: bool = False,
    alignment: Any = WD_ALIGN_PARAGRAPH.CENTER,
) -> Any:
    """Add a line to a cell; a new cell's own empty paragraph is used first."""
    first = cell.paragraphs[0]
    paragraph = cell.add_paragraph() if first.runs else first
    paragraph.alignment = alignment
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(text)
    run.font.size, run.bold, run.italic = Pt(size), is_bold, is_italic
    return paragraph


def _line(
    document: Any, text: str, *, size: float, is_bold: bool, before: float = 0, after: float = 0
) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_before = Pt(before)
    paragraph.paragraph_format.space_after = Pt(after)
    run = paragraph.add_run(text)
    run.font.size, run.bold = Pt(size), is_bold


def _paragraph(document: Any, block: Paragraph) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    shape = paragraph.paragraph_format
    shape.first_line_indent, shape.space_after, shape.line_spacing = Mm(FIRST_LINE_MM), Pt(6), 1.15
    shape.keep_with_next = block.is_heading
    paragraph.add_run(block.text).bold = block.is_heading


def _table(document: Any, block: Table, paper: OfficialPaper) -> None:
    table = document.add_table(rows=1, cols=len(block.header))
    table.style, table.alignment = "Table Grid", WD_TABLE_ALIGNMENT.CENTER
    for cell, name in zip(table.rows[0].cells, block.header, strict=True):
        _cell(cell, name, size=TABLE_POINTS, is_bold=True)
    header = table.rows[0]._tr.get_or_add_trPr()  # noqa: SLF001 — python-docx cannot repeat a header row
    header.append(OxmlElement("w:tblHeader"))
    for row in block.rows:
        cells = table.add_row().cells
        for place, (cell, text) in enumerate(zip(cells, row, strict=True)):
            side = WD_ALIGN_PARAGRAPH.CENTER if place in block.centred else WD_ALIGN_PARAGRAPH.LEFT
            _cell(cell, text, size=TABLE_POINTS, alignment=side)
    _widths(table, block.shares, paper)
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _widths(table: Any, shares: Sequence[float], paper: OfficialPaper) -> None:
    table.autofit = False
    whole = _WIDTH_MM + (297 - 210 if paper.is_landscape else 0)
    for row in table.rows:
        for cell, share in zip(row.cells, shares, strict=True):
            cell.width = Mm(whole * share)


def _signatures(document: Any, paper: OfficialPaper) -> None:
    columns = [None, *paper.signers] if len(paper.signers) == 1 else list(paper.signers)
    table = document.add_table(rows=1, cols=len(columns))
    _widths(table, [1 / len(columns)] * len(columns), paper)
    for cell, signer in zip(table.rows[0].cells, columns, strict=True):
        if signer is None:
            _recipients(cell, paper)
            continue
        if signer.on_behalf:
            _cell(cell, signer.on_behalf.upper(), size=13, is_bold=True)
        _cell(cell, signer.title.upper(), size=13, is_bold=True)
        for _ in range(4):
            _cell(cell, " ", size=13)
        _cell(cell, signer.name, size=BODY_POINTS, is_bold=True)
    if len(paper.signers) > 1:
        _recipients(document.add_table(rows=1, cols=1).rows[0].cells[0], paper)


def _recipients(cell: Any, paper: OfficialPaper) -> None:
    if not paper.recipients:
        return
    left = WD_ALIGN_PARAGRAPH.LEFT
    _cell(cell, "Nơi nhận:", size=12, is_bold=True, is_italic=True, alignment=left)
    for line in paper.recipients:
        _cell(cell, f"- {line}", size=11, alignment=left)


def _css(paper: OfficialPaper) -> str:
    size = "A4 landscape" if paper.is_landscape else "A4"
    margins = " ".join(f"{MARGINS_MM[side]}mm" for side in ("top", "right", "bottom", "left"))
    footer = escape(paper.footer).replace("\\", "").replace("'", "’")
    return f"""
@page {{ size: {size}; margin: {margins};
  @top-center {{ content: counter(page); font: 13pt {SERIF} }}
  @bottom-left {{ content: '{footer}'; font: 8pt {SERIF}; color: #333 }} }}
@page :first {{ @top-center {{ content: none }} }}
body {{ font: 14pt/1.3 {SERIF}; text-align: justify; margin: 0 }}
p {{ margin: 0 0 6pt; text-indent: {FIRST_LINE_MM}mm }}
h1, h2, .subject, .head p, .sign p {{ text-indent: 0; text-align: center; margin: 0 }}
h1 {{ font-size: 14pt; margin-top: 16pt }} .subject {{ font-weight: bold; margin-bottom: 12pt }}
h2 {{ font-size: 14pt; text-align: left; text-indent: {FIRST_LINE_MM}mm; margin: 8pt 0 4pt; break-after: avoid }}
.head, .sign {{ width: 100%; border-collapse: collapse }} .head td, .sign td {{ vertical-align: top }}
.head td:first-child {{ width: 42% }} .head .small {{ font-size: 12pt }} .head .mid {{ font-size: 13pt }}
.motto {{ text-decoration: underline; text-underline-offset: 3pt }} .sign {{ margin-top: 14pt; break-inside: avoid }}
.sign .name {{ margin-top: 56pt; font-weight: bold }} .to p {{ text-align: left; font-size: 11pt }} .to .first {{ font-size: 12pt }}
.list {{ width: 100%; border-collapse: collapse; font-size: 12pt; text-align: left; margin: 4pt 0 10pt }}
.list th, .list td {{ border: .6pt solid #000; padding: 3pt 5pt; overflow-wrap: anywhere }} .list th {{ text-align: center }}
.list .c {{ text-align: center }} .list tr {{ break-inside: avoid }} thead {{ display: table-header-group }}
"""


def _letterhead_html(paper: OfficialPaper) -> str:
    symbol = f'<p class="mid">{escape(number_line(paper))}</p>' if paper.symbol else ""
    return (
        '<table class="head"><tr><td>'
        f'<p class="small">{escape(paper.parent_authority.upper())}</p>'
        f'<p class="small"><b>{escape(paper.authority.upper())}</b></p></td>'
        f'<td><p class="small"><b>{NATION}</b></p><p class="mid"><b class="motto">{MOTTO}</b></p>'
        f'</td></tr><tr><td>{symbol}</td><td><p class="mid"><i>{escape(date_line(paper))}</i></p>'
        "</td></tr></table>"
    )


def _block_html(block: Paragraph | Table) -> str:
    if isinstance(block, Paragraph):
        tag = "h2" if block.is_heading else "p"
        return f"<{tag}>{escape(block.text)}</{tag}>"
    columns = "".join(f'<col style="width: {100 * share:.1f}%">' for share in block.shares)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in block.header)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"c" if place in block.centred else "l"}">{escape(text)}</td>'
            for place, text in enumerate(row)
        )
        + "</tr>"
        for row in block.rows
    )
    return (
        f'<table class="list">{columns}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _signatures_html(paper: OfficialPaper) -> str:
    lines = "".join(f"<p>- {escape(line)}</p>" for line in paper.recipients)
    to = (
        f'<div class="to"><p class="first"><b><i>Nơi nhận:</i></b></p>{lines}</div>'
        if lines
        else ""
    )
    signed = "".join(
        "<td>"
        + (f"<p><b>{escape(each.on_behalf.upper())}</b></p>" if each.on_behalf else "")
        + f'<p><b>{escape(each.title.upper())}</b></p><p class="name">{escape(each.name)}</p></td>'
        for each in paper.signers
    )
    if len(paper.signers) > 1:
        return f'<table class="sign"><tr>{signed}</tr></table>{to}'
    return f'<table class="sign"><tr><td>{to}</td>{signed}</tr></table>'
