from __future__ import annotations

import re
import zlib
from datetime import date
from io import BytesIO

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refusal
from core.official_paper import (
    MOTTO,
    NATION,
    OfficialPaper,
    Paragraph,
    Signer,
    Table,
    date_line,
    number_line,
    to_docx,
    to_html,
)
from core.pdf import html_to_pdf

HARD = "Nguyễn Văn Ế & <b>Ở</b> \\0027 'Ẵ"


def paper(**changes: object) -> OfficialPaper:
    return OfficialPaper(
        **{
            "authority": "Ban Tổ chức",
            "parent_authority": "UBND tỉnh Lai Châu",
            "kind": "Biên bản",
            "subject": "Xác nhận kết quả",
            "symbol": "BB-BTC",
            "number": 5,
            "place": "Lai Châu",
            "on": date(2026, 2, 6),
            "blocks": [
                Paragraph("I. Diễn biến", is_heading=True),
                Paragraph(HARD),
                Table(("TT", "Họ và tên"), [("1", HARD)], (0.2, 0.8), centred=(0,)),
            ],
            "signers": [Signer("Trưởng ban", "Lò Thị Mai", "TM. Ban Tổ chức")],
            "recipients": ("Như trên;", "Lưu: VT."),
            "footer": "Mã kiểm tra: 'a\\b'",
            **changes,
        }  # type: ignore[arg-type]  # the fields of a dictionary have no types
    )


def words(content: bytes) -> str:
    """All text of a DOCX, tables too, in the order of the document."""
    body = Document(BytesIO(content)).element.body
    return "\n".join(node.text or "" for node in body.iter() if node.tag.endswith("}t"))


def test_numbers_and_days_get_the_noughts_that_the_decree_asks_for() -> None:
    assert number_line(paper()) == "Số: 05/BB-BTC"
    assert number_line(paper(number=123)) == "Số: 123/BB-BTC"
    assert date_line(paper()) == "Lai Châu, ngày 06 tháng 02 năm 2026"
    assert date_line(paper(on=date(2026, 3, 16))) == "Lai Châu, ngày 16 tháng 3 năm 2026"
    assert date_line(paper(on=None)).split() == ["Lai", "Châu,", "ngày", "tháng", "năm"]


def test_the_word_file_has_the_parts_in_their_order() -> None:
    found = words(to_docx(paper()))
    order = [
        "UBND TỈNH LAI CHÂU", "BAN TỔ CHỨC", NATION, MOTTO, "Số: 05/BB-BTC", "ngày 06 tháng 02",
        "BIÊN BẢN", "Xác nhận kết quả", "I. Diễn biến", HARD, "Họ và tên", "Nơi nhận:",
        "TM. BAN TỔ CHỨC", "TRƯỞNG BAN", "Lò Thị Mai",
    ]  # fmt: skip
    places = [found.index(part) for part in order]
    assert places == sorted(places)


def test_the_word_file_has_the_decree_s_page() -> None:
    document = Document(BytesIO(to_docx(paper())))
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert (round(section.left_margin.mm), round(section.right_margin.mm)) == (30, 15)
    assert document.styles["Normal"].font.name == "Times New Roman"
    assert section.different_first_page_header_footer
    assert "PAGE" in section.header._element.xml


def test_html_escapes_whatever_people_wrote() -> None:
    html = to_html(paper(subject="<script>alert(1)</script>"))
    assert "<script>" not in html
    assert "&lt;b&gt;Ở&lt;/b&gt;" in html
    assert "'a\\b'" not in html  # a quote in the footer must not end the string of the style


async def test_the_pdf_is_drawn_with_our_font_alone() -> None:
    content = await html_to_pdf(to_html(paper()))
    assert content.startswith(b"%PDF")
    objects = b"".join(
        zlib.decompress(packed)
        for packed in re.findall(rb"FlateDecode.*?stream\n(.*?)\nendstream", content, re.DOTALL)
    )
    fonts = set(re.findall(rb"/BaseFont /[A-Z]+\+([A-Za-z-]+)", objects))
    assert {font.partition(b"-Serif")[0] for font in fonts} == {b"Noto"}


async def test_nothing_outside_the_page_is_opened(tmp_path: object) -> None:
    """Pictures by file: and http: addresses are left out, and the page is drawn all the same."""
    html = (
        '<img src="file:///etc/passwd"><img src="http://127.0.0.1:9/x.png">'
        '<link rel="stylesheet" href="file:///etc/hosts"><p>còn lại</p>'
    )
    plain = await html_to_pdf("<p>còn lại</p>")
    assert len(await html_to_pdf(html)) < len(plain) + 2_000


async def test_what_cannot_be_drawn_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.pdf.LIMIT_SECONDS", 0.01)
    with pytest.raises(Refusal, match="Chưa tạo được tệp PDF"):
        await html_to_pdf("<p>x</p>")


@settings(max_examples=20)  # each writes a whole document
@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=80))
def test_any_text_can_be_written(text: str) -> None:
    assert text in words(to_docx(paper(blocks=[Paragraph(text)])))
