"""The fast way prints what the plain way prints, for whoever has a hard name, and for an archive."""

from __future__ import annotations

import io
import socket
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import msgpack
import pikepdf
import pytest
import zxingcpp
from defusedxml import ElementTree
from PIL import Image, ImageChops

from certificates.designs import BUILT_IN, DesignContent
from certificates.drawing import _drawer, answer, draw, draw_plainly
from certificates.drawing_request import request
from certificates.face import Face
from certificates.signature_mark import LEADING, MARGIN, POINTS, WIDTH
from certificates.typesetting import MIDDLE, compose, page
from core.errors import Refusal
from tests.certificates.faces import HARD_NAMES, LONG_UNITS, a_face
from tests.core.pictures import emblem, seal, signature

BASES = tuple(BUILT_IN)
PT_PER_PX = 0.75
DARKER = 24  # of 255: what antialiasing of the same line, drawn twice, may differ by
ONE_GLYPH = 100  # pixels of one that fell on the other side of a quarter of a pixel


def hard_face(place: int) -> tuple[Face, DesignContent]:
    unit = LONG_UNITS[place % len(LONG_UNITS)]
    face = a_face(
        printed_name=HARD_NAMES[place], unit_name=unit, number=f"{place:05d}/2026/GCN-BTC"
    )
    return face, BUILT_IN[BASES[place % len(BASES)]]


def picture(pdf: bytes, folder: Path, name: str, dpi: int = 96) -> Image.Image:
    path = folder / f"{name}.pdf"
    path.write_bytes(pdf)
    subprocess.run(
        ["pdftoppm", "-r", str(dpi), "-png", "-singlefile", path, path.with_suffix("")], check=True
    )
    return Image.open(path.with_suffix(".png")).convert("L")


def words(pdf: bytes) -> str:
    told = subprocess.run(
        ["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True
    )
    return " ".join(told.stdout.decode().split())


def shown_name(face: Face, design: DesignContent) -> str:
    name = " ".join(face.printed_name.split())
    return unicodedata.normalize("NFC", name.upper() if design.name_case == "upper" else name)


def squeezed(text: str) -> str:
    return "".join(text.split())


# Every name's picture was compared when the designs were made; these are the ones that differ most.
@pytest.mark.parametrize("place", [0, 4, 9, 10, 16, 18, 20])
def test_a_hard_name_is_printed_the_same_both_ways_and_can_be_read_out(
    place: int, tmp_path: Path
) -> None:
    face, design = hard_face(place)
    fast, plain = draw(face, design, {}), draw_plainly(face, design, {})
    difference = ImageChops.difference(
        picture(fast, tmp_path, "fast"), picture(plain, tmp_path, "plain")
    )
    # WeasyPrint places a mark that no letter has of its own (Ư̆) some hundredths beside its place.
    is_raised = any(unicodedata.combining(letter) for letter in shown_name(face, design))
    assert sum(difference.histogram()[DARKER:]) <= (ONE_GLYPH if is_raised else 0)
    text = words(fast)
    assert squeezed(shown_name(face, design)) in squeezed(text)
    assert squeezed(face.check_url) in squeezed(text)
    assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize("place", range(len(HARD_NAMES)))
def test_no_text_leaves_its_room_or_touches_another(place: int) -> None:
    face, design = hard_face(place)
    long = replace(
        face,
        contest_title=face.contest_title + " – " + face.contest_title,
        statement="đã tích cực hưởng ứng, vận động cán bộ, công chức tham gia và đạt kết quả cao tại",
        issuer=face.issuer + " VÀ CHUYỂN ĐỔI SỐ TRÊN ĐỊA BÀN TỈNH LAI CHÂU",
    )
    for each in (face, long) if place % 5 == 0 else (long,):
        boxes = [*text_boxes(compose_page(each, design)), ("the signature's mark", mark_box())]
        for text, (left, top, right, bottom) in boxes:
            assert left >= 8 / 25.4 * 96, text
            assert right <= (297 - 8) / 25.4 * 96, text
            assert top >= 8 / 25.4 * 96, text
            assert bottom <= (210 - 8) / 25.4 * 96, text
        for index, (text, one) in enumerate(boxes):
            for other_text, other in boxes[index + 1 :]:
                overlap = (
                    min(one[2], other[2]) - max(one[0], other[0]),
                    min(one[3], other[3]) - max(one[1], other[1]),
                )
                assert min(overlap) <= 0.5, (text, other_text)


def mark_box() -> tuple[float, float, float, float]:
    """Where a signed paper says who signed, in three lines."""
    left = 297 / 25.4 * 96 - (MARGIN + WIDTH) / PT_PER_PX
    top = MARGIN / PT_PER_PX
    return left, top, left + WIDTH / PT_PER_PX, top + 3 * POINTS * LEADING / PT_PER_PX


def compose_page(face: Face, design: DesignContent) -> str:
    return page(compose(face, design), {}, "data:image/png;base64,")


def text_boxes(html: str) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Each line with the ink's room: from the highest stacked mark to the lowest dot below."""
    found = []

    def walk(box: object) -> None:
        box = getattr(box, "_box", box)
        text = getattr(box, "text", None)
        if text and text.strip():
            size = box.style["font_size"]  # type: ignore[attr-defined]  # a weasyprint box
            x, y = box.position_x, box.position_y + box.baseline  # type: ignore[attr-defined]  # the same
            rise = (
                1.02
                if any(len(unicodedata.normalize("NFD", c)) > 2 and c.isupper() for c in text)
                else 0.8
            )
            found.append((text, (x, y - rise * size, x + box.width, y + 0.27 * size)))  # type: ignore[attr-defined]  # the same
        for child in getattr(box, "children", ()):
            walk(child)

    walk(_drawer().layout(html).pages[0]._page_box)
    return found


def test_a_name_grows_smaller_before_it_takes_a_second_line() -> None:
    design = BUILT_IN["trang-trong"]
    sizes = [
        (block.points, len(block.lines))
        for name in (
            "Lò Thị Mai",
            "Nguyễn Thị Hoàng Phương Thảo Vy",
            HARD_NAMES[15],
            HARD_NAMES[16],
        )
        if (block := compose(a_face(printed_name=name), design).blocks["name"])
    ]
    assert sizes[0] == (36, 1)
    assert sizes == sorted(sizes, key=lambda size: (-size[0], size[1]))
    assert sizes[1][1] == 1 < sizes[3][1]


def test_the_same_face_gives_the_same_bytes() -> None:
    face, design = hard_face(3)
    assert draw(face, design, {}) == draw(face, design, {})


@pytest.mark.parametrize("base", BASES)
def test_a_certificate_is_small_whole_and_for_an_archive(base: str, tmp_path: Path) -> None:
    content = draw(a_face(), BUILT_IN[base], {})
    assert len(content) <= 60_000
    path = tmp_path / "paper.pdf"
    path.write_bytes(content)
    checked = subprocess.run(["qpdf", "--check", path], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout
    with pikepdf.open(io.BytesIO(content)) as pdf:
        root = pdf.Root
        assert str(root.Lang) == "vi"
        assert root.MarkInfo.Marked
        assert root.ViewerPreferences.DisplayDocTitle
        assert root.OutputIntents[0].S == "/GTS_PDFA1"
        assert len(root.OutputIntents[0].DestOutputProfile.read_bytes()) > 1000
        assert pdf.trailer.ID[0] == pdf.trailer.ID[1]
        metadata = root.Metadata.read_bytes().decode()
        assert ElementTree.fromstring(metadata) is not None
        assert 'pdfaid:part="3" pdfaid:conformance="U"' in metadata
        assert 'pdfuaid:part="1"' in metadata
        assert "Giấy chứng nhận số 00123/2026/GCN-BTC".casefold() in metadata.casefold()
        assert str(pdf.docinfo.Title) in metadata
        fonts = pdf.pages[0].Resources.Font
        assert len(fonts) >= 4
        for font in fonts.values():
            assert "/ToUnicode" in font
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
            assert str(font.BaseFont)[7] == "+"
        links = [annotation.A.URI for annotation in pdf.pages[0].Annots]
        assert {bytes(link).decode("ascii") for link in links} == {a_face().check_url}
        check_tags(pdf)


def check_tags(pdf: pikepdf.Pdf) -> None:
    """Every marked piece of the page belongs to one element, and every picture has its words."""
    seen: list[int] = []
    kinds: list[str] = []

    def walk(element: pikepdf.Object) -> None:
        kind = str(element.S)
        kinds.append(kind)
        if kind == "/Figure":
            assert str(element.Alt)
        kids = element.get("/K", [])
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, int):
                seen.append(kid)
            elif isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
                walk(kid)

    walk(pdf.Root.StructTreeRoot.K[0])
    marked = [
        int(operands[1].MCID)
        for operands, operator in pikepdf.parse_content_stream(pdf.pages[0])
        if str(operator) == "BDC"
    ]
    assert sorted(seen) == sorted(marked)
    assert {"/H1", "/P", "/Figure", "/Link"} <= set(kinds)


def test_a_telephone_reads_the_code_from_the_printed_picture(tmp_path: Path) -> None:
    face = a_face()
    shown = picture(draw(face, BUILT_IN["hien-dai"], {}), tmp_path, "paper", dpi=150)
    read = zxingcpp.read_barcode(shown)
    assert read is not None
    assert read.text == face.qr


@pytest.mark.parametrize("base", BASES)
def test_the_code_stands_on_the_side_that_the_office_chose(base: str, tmp_path: Path) -> None:
    for side in ("left", "right"):
        made = draw(a_face(), replace(BUILT_IN[base], qr_side=side), {})
        shown = picture(made, tmp_path, side, dpi=150)
        read = zxingcpp.read_barcode(shown)
        assert read is not None
        assert (read.position.top_left.x > shown.width / 2) == (side == "right")


HOSTILE = (
    "<script>alert(1)</script>",
    '<img src="http://127.0.0.1:{port}/a.png">',
    "</style><link rel=stylesheet href=http://127.0.0.1:{port}/a.css>",
    '"><a href="file:///etc/passwd">x</a>',
    "}} @import url(http://127.0.0.1:{port}/b.css); {{",
    "{{ 7654 * 1234 }}{% include '/etc/passwd' %}",
    "url(file:///etc/passwd)",
    "\u202egnohk\u202c \u200b\u200d\ufeffLò\u0301",
    "Mai 🎉👩‍👩‍👧 Thị",
    "مرحبا Mai שלום",
    "] TJ ET Q (/slot-serif) Tj",
    "0 0 0 0",
    "slot-serif https://slot.invalid/ @",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_printed_as_they_are_and_nothing_is_fetched(text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        hostile = text.format(port=listener.getsockname()[1]) if "{port}" in text else text
        face = a_face(
            printed_name=hostile, unit_name=hostile, statement=hostile, signer_name=hostile
        )
        design = replace(BUILT_IN["hien-dai"], lead=hostile[:60])
        for way in ("fast", "plain"):
            content = answer(request(face, design, {}, way))
            told = words(content)
            assert "root:" not in told
            assert str(7654 * 1234) not in told  # longer than a port, which may have any digits
            printed = compose(face, design).blocks["name"].lines
            assert squeezed("".join(printed)) in squeezed(told)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_text_too_long_to_read_is_refused_and_never_cut() -> None:
    for changes in (
        {"printed_name": "Nguyễn " * 1_500},
        {"printed_name": "N" * 10_000},
        {"unit_name": "Ủy ban " * 1_500},
        {"contest_title": "W" * 10_000},
        {"qr": "x" * 10_000},
    ):
        with pytest.raises(Refusal, match="does_not_fit"):
            draw(a_face(**changes), BUILT_IN["trang-trong"], {})


def test_a_name_without_a_letter_that_can_be_printed_is_refused() -> None:
    with pytest.raises(Refusal, match="cannot_print"):
        draw(a_face(printed_name="🎉🎉"), BUILT_IN["trang-trong"], {})


def test_images_stand_in_their_places(tmp_path: Path) -> None:
    shown = io.BytesIO()
    Image.new("RGBA", (300, 300), (200, 0, 0, 255)).save(shown, "PNG")
    images = {name: ("image/png", shown.getvalue()) for name in ("emblem", "seal", "signature")}
    for base in BASES:
        design = replace(BUILT_IN[base], emblem="a" * 64, emblem_place="middle")
        fast, plain = draw(a_face(), design, images), draw_plainly(a_face(), design, images)
        one, other = picture(fast, tmp_path, "fast"), picture(plain, tmp_path, "plain")
        assert sum(ImageChops.difference(one, other).histogram()[DARKER:]) <= ONE_GLYPH
        assert len(fast) <= 60_000


@pytest.mark.parametrize("base", BASES)
def test_three_photographs_and_the_longest_names_weigh_little(base: str) -> None:
    sent = {"emblem": emblem(), "seal": seal(), "signature": signature()}
    images = {}
    for place, content in sent.items():
        small = answer(msgpack.packb({"picture": content, "place": place}))
        kind = "jpeg" if small.startswith(b"\xff\xd8") else "png"
        images[place] = (f"image/{kind}", small)
    for name in sorted(HARD_NAMES, key=len)[-3:]:
        unit = LONG_UNITS[2]
        face = a_face(printed_name=name, unit_name="" if base == "tap-the" else unit)
        assert len(draw(face, BUILT_IN[base], images)) <= 60_000


def test_the_middle_of_the_sheet_has_an_order() -> None:
    blocks = compose(a_face(), BUILT_IN["trang-trong"]).blocks
    assert [name for name in blocks if name in MIDDLE] == list(MIDDLE)
