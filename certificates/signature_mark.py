"""How does a digital signature show on the page: who signed, and when, as NĐ 30/2020 (Annex I) wants?

pyHanko sets text by making a font anew for every paper, which takes a second. Here the few letters
of the mark are cut out of a font once a process; what a paper gets is finished bytes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import ResourceType
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.stamp import BaseStamp, BaseStampStyle

FONT = "Be Vietnam Pro"
POINTS = 7.5
LEADING = 1.35
WIDTH, HEIGHT = 210.0, 34.0  # points
MARGIN = 46.0  # points: inside every design's frame, above the national motto
LETTERS = "0123456789 -:+"  # of the time, whatever else the mark says
_UNITS = 1000  # glyph space, PDF 32000-1, 9.2.4
_INK = b"0.62 0.12 0.13 rg"  # red, as the annex has it for what agencies sign


@dataclass(frozen=True)
class MarkFont:
    """A font of the mark's letters alone, and what PDF must know of it."""

    packed: bytes  # the TrueType file, deflated
    size: int  # before that
    glyphs: dict[str, int]
    widths: dict[int, int]
    box: tuple[int, int, int, int]
    ascent: int
    descent: int


class MarkStyle(BaseStampStyle):
    """The mark as pyHanko asks for it; `lines` is a parameter of each signature."""

    def create_stamp(
        self, writer: BasePdfFileWriter, box: BoxConstraints, text_params: dict[str, Any]
    ) -> Mark:
        return Mark(writer, self, box, lines=text_params["lines"])


class Mark(BaseStamp):
    """One mark on one paper."""

    def __init__(
        self,
        writer: BasePdfFileWriter,
        style: MarkStyle,
        box: BoxConstraints,
        *,
        lines: tuple[str, ...],
    ) -> None:
        super().__init__(writer, style, box)
        self._lines = lines

    def render(self) -> bytes:
        font = mark_font("".join(sorted(set("".join(self._lines) + LETTERS))))
        self.set_resource(ResourceType.FONT, pdf_name("/MF"), self._embedded(font))
        longest = max(sum(font.widths[font.glyphs[c]] for c in line) for line in self._lines)
        size = min(POINTS, (self.box.width - 4) * _UNITS / longest)
        top = self.box.height - size * 1.2
        drawn = b" T* ".join(
            b"<%s> Tj" % "".join(f"{font.glyphs[c]:04x}" for c in line).encode()
            for line in self._lines
        )
        head = f"BT /MF {size:.2f} Tf {size * LEADING:.2f} TL 2 {top:.2f} Td "
        return b"q " + _INK + b" " + head.encode() + drawn + b" ET Q"

    def _embedded(self, font: MarkFont) -> generic.IndirectObject:
        writer = self.writer
        assert writer is not None  # a stamp is made for one
        file = generic.StreamObject(
            {
                pdf_name("/Length1"): _number(font.size),
                pdf_name("/Filter"): pdf_name("/FlateDecode"),
            },
            encoded_data=font.packed,
        )
        name = pdf_name("/HSMARK+BeVietnamPro-Regular")
        descriptor = _dictionary(
            Type=pdf_name("/FontDescriptor"),
            FontName=name,
            Flags=_number(4),
            FontBBox=_numbers(font.box),
            ItalicAngle=_number(0),
            Ascent=_number(font.ascent),
            Descent=_number(font.descent),
            CapHeight=_number(font.ascent),
            StemV=_number(80),
            FontFile2=writer.add_object(file),
        )
        last = max(font.widths)
        widths = [font.widths.get(glyph, 0) for glyph in range(last + 1)]
        descendant = _dictionary(
            Type=pdf_name("/Font"),
            Subtype=pdf_name("/CIDFontType2"),
            BaseFont=name,
            CIDSystemInfo=_dictionary(
                Registry=generic.pdf_string("Adobe"),
                Ordering=generic.pdf_string("Identity"),
                Supplement=_number(0),
            ),
            FontDescriptor=writer.add_object(descriptor),
            W=generic.ArrayObject([_number(0), _numbers(widths)]),
            CIDToGIDMap=pdf_name("/Identity"),
        )
        return writer.add_object(
            _dictionary(
                Type=pdf_name("/Font"),
                Subtype=pdf_name("/Type0"),
                BaseFont=name,
                Encoding=pdf_name("/Identity-H"),
                DescendantFonts=generic.ArrayObject([writer.add_object(descendant)]),
                ToUnicode=writer.add_object(generic.StreamObject(stream_data=_to_unicode(font))),
            )
        )


@cache
def mark_font(letters: str) -> MarkFont:
    """The letters cut out of Be Vietnam Pro; those that it lacks show as its empty box."""
    # These take half a second to import, and only a process that signs needs them.
    import fontpkg  # noqa: PLC0415 — see above
    from fontTools.subset import Options, Subsetter  # noqa: PLC0415 — see above
    from fontTools.ttLib import TTFont  # noqa: PLC0415 — see above

    [path] = [
        each.path
        for each in fontpkg.family("be-vietnam-pro").files
        if each.style == "normal" and each.weight == 400  # noqa: PLR2004 — CSS's "normal"
    ]
    font = TTFont(path)
    subsetter = Subsetter(Options(layout_features=[], hinting=False, notdef_outline=True))
    subsetter.populate(text=letters)
    subsetter.subset(font)
    written = BytesIO()
    font.save(written)
    scale = _UNITS / font["head"].unitsPerEm
    chosen = font.getBestCmap()
    head, lines = font["head"], font["hhea"]
    return MarkFont(
        zlib.compress(written.getvalue(), 9),
        len(written.getvalue()),
        {letter: font.getGlyphID(chosen.get(ord(letter), ".notdef")) for letter in letters},
        {
            font.getGlyphID(name): round(width * scale)
            for name, (width, _) in font["hmtx"].metrics.items()
        },
        tuple(round(each * scale) for each in (head.xMin, head.yMin, head.xMax, head.yMax)),
        round(lines.ascent * scale),
        round(lines.descent * scale),
    )


def _to_unicode(font: MarkFont) -> bytes:
    """So that what the mark says can be read out and copied."""
    lines = [
        f"<{glyph:04x}> <{letter.encode('utf-16-be').hex()}>"
        for letter, glyph in font.glyphs.items()
    ]
    blocks = [lines[place : place + 100] for place in range(0, len(lines), 100)]
    return "\n".join(
        [
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
            "1 begincodespacerange <0000> <ffff> endcodespacerange",
            *(f"{len(block)} beginbfchar\n{chr(10).join(block)}\nendbfchar" for block in blocks),
            "endcmap CMapName currentdict /CMap defineresource pop end end",
        ]
    ).encode()


def _dictionary(**entries: Any) -> generic.DictionaryObject:
    named = {pdf_name(f"/{name}"): each for name, each in entries.items()}
    return generic.DictionaryObject(named)  # type: ignore[no-untyped-call]  # pyHanko's own


def _numbers(values: Any) -> generic.ArrayObject:
    return generic.ArrayObject([_number(each) for each in values])


def _number(value: int) -> generic.NumberObject:
    return generic.NumberObject(value)  # type: ignore[no-untyped-call]  # pyHanko's own
