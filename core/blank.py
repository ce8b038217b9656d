"""How are many sheets of one page made fast: the page drawn once, each sheet's own lines set in?

A `Blank` is an archive PDF whose slots (the lines in the families `slot-…`, the link, the QR code)
were cut out. Everything else, the tag tree too, stays byte for byte as WeasyPrint drew it; a sheet
adds its lines, shaped and placed the same way, the part of each font that they need, its title and
its metadata. The plain way, `core.archive_page`, stays what it is compared with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from io import BytesIO
from urllib.parse import quote

import pikepdf
from isal import isal_zlib

from core.archive_page import PRODUCER, metadata
from core.qr_code import QrCode
from core.typefaces import Glyph, Typeface, typeface

# What stands in a slot of the page that a blank is cut from.
PLACEHOLDER = "0"
PLACEHOLDER_LINK = "https://slot.invalid/"
# The QR code of that page: smaller than any real one (21 modules).
PLACEHOLDER_QR = QrCode(7, b"\xff" * 7)

_LINE = re.compile(
    rb"BT\n1 0 0 -1 (?P<x>\S+) (?P<y>\S+) Tm\n/(?P<font>\w+) (?P<size>\S+) Tf\n\[[^\]]*\] TJ\nET"
)
_PANGO_UNITS = 1024  # in a pixel
_CMAP_PART = 100  # entries that one section of a CMap may have


@dataclass(frozen=True, slots=True)
class Slot:
    """One line to set: in which typeface, how large, and whether about the middle of its room."""

    typeface: str
    points: float
    is_centred: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one sheet has that others have not; the lines belong to the blank's slots, in order."""

    lines: tuple[str, ...]
    link: str
    qr: QrCode
    title: str


@dataclass(frozen=True, slots=True)
class _Place:
    slot: Slot
    font: str  # its name on the page
    size: float
    x: float  # of the line's middle, or of its start
    y: float


@dataclass(frozen=True, slots=True)
class _FontObjects:
    """The numbers of a slot font's objects, and the parts of them that stay."""

    face: Typeface
    type0: int
    cid: int
    descriptor: int
    file: int
    to_unicode: int
    descriptor_rest: bytes


class NotABlankError(Exception):
    """The page does not have the slots that were announced."""


class Blank:
    """A page ready to be filled; made from an archive PDF with placeholders in its slots."""

    def __init__(self, drawn: bytes, slots: Sequence[Slot], made_on: date) -> None:
        with pikepdf.open(BytesIO(drawn)) as pdf:
            self._made_on = made_on
            self._read_page(pdf, slots)
            self._read_own_objects(pdf)
            self._keep_the_rest(pdf)

    def fill(self, sheet: Sheet) -> bytes:
        """One sheet as a PDF; the same sheet gives the same bytes."""
        shaped = [
            typeface(place.slot.typeface).shape(line)
            for place, line in zip(self._places, sheet.lines, strict=True)
        ]
        own = {self._page_content: self._content(shaped)}
        for name, font in self._fonts.items():
            glyphs = {
                glyph.id: glyph.text
                for place, run in zip(self._places, shaped, strict=True)
                if place.font == name
                for glyph in run
            }
            own.update(_font_objects(font, glyphs))
        own[self._picture] = _picture(sheet.qr)
        link = _address(sheet.link)
        own |= {number: rest.replace(b"@", link) for number, rest in self._links.items()}
        own[self._info] = (
            f"<</Title {_string(sheet.title).decode()}/Producer ({PRODUCER})"
            f"/CreationDate (D:{self._made_on:%Y%m%d}000000+07'00')"
            f"/ModDate (D:{self._made_on:%Y%m%d}000000+07'00')>>"
        ).encode()
        own[self._metadata] = _stream(
            b"/Type/Metadata/Subtype/XML", metadata(sheet.title, self._made_on)
        )
        return self._assemble(own)

    def _read_page(self, pdf: pikepdf.Pdf, slots: Sequence[Slot]) -> None:
        page = pdf.pages[0]
        fonts = {name[1:]: font for name, font in page.Resources.Font.items()}
        slot_fonts = {
            name: font for name, font in fonts.items() if b"slot-" in bytes(font.BaseFont)
        }
        content = page.Contents.read_bytes()
        pieces: list[bytes] = []
        places: list[_Place] = []
        end = 0
        for found in _LINE.finditer(content):
            name = found["font"].decode()
            if name not in slot_fonts:
                continue
            slot = slots[len(places)] if len(places) < len(slots) else None
            if slot is None or f"slot-{slot.typeface}" not in str(fonts[name].BaseFont):
                raise NotABlankError(name)
            size = float(found["size"])
            face = typeface(slot.typeface)
            middle = _width(face.shape(PLACEHOLDER), face, size) / 2
            x = float(found["x"]) + (middle if slot.is_centred else 0)
            places.append(_Place(slot, name, size, x, float(found["y"])))
            pieces.append(content[end : found.start()])
            end = found.end()
        if len(places) != len(slots):
            raise NotABlankError(len(places))
        self._places, self._pieces = places, [*pieces, content[end:]]
        self._page_content = page.Contents.objgen[0]
        self._fonts = {
            name: _font_numbers(font, next(p.slot.typeface for p in places if p.font == name))
            for name, font in slot_fonts.items()
        }

    def _read_own_objects(self, pdf: pikepdf.Pdf) -> None:
        pictures = [
            picture.objgen[0]
            for picture in pdf.pages[0].Resources.XObject.values()
            if picture.get("/Width") == PLACEHOLDER_QR.side
        ]
        self._links = {
            annotation.objgen[0]: annotation.unparse(resolved=True).replace(
                b"(" + PLACEHOLDER_LINK.encode() + b")", b"@"
            )
            for annotation in pdf.pages[0].get("/Annots", [])
        }
        if len(pictures) != 1 or not all(b"@" in rest for rest in self._links.values()):
            raise NotABlankError(pictures)
        self._picture = pictures[0]
        self._info = pdf.trailer.Info.objgen[0]
        self._metadata = pdf.Root.Metadata.objgen[0]

    def _keep_the_rest(self, pdf: pikepdf.Pdf) -> None:
        """Everything but the slots' objects, written once, and where each of them is."""
        own = {self._page_content, self._picture, self._info, self._metadata, *self._links}
        for font in self._fonts.values():
            own |= {font.type0, font.cid, font.descriptor, font.file, font.to_unicode}
        head = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        self._count = len(pdf.objects) + 1
        entries: dict[int, tuple[int, int, int]] = {0: (0, 0, 0)}
        packed: list[tuple[int, bytes]] = []
        for number, thing in enumerate(pdf.objects, start=1):
            if number in own or not isinstance(thing, pikepdf.Object):
                continue
            if not isinstance(thing, pikepdf.Stream):
                packed.append((number, thing.unparse(resolved=True)))
                continue
            if thing.get("/Type") in {pikepdf.Name.ObjStm, pikepdf.Name.XRef}:
                entries[number] = (0, 0, 0)
                continue
            entries[number] = (1, len(head), 0)
            head += b"%d 0 obj\n" % number
            raw = thing.read_raw_bytes()
            head += _stream_head(thing, raw)
            head += raw + b"\nendstream\nendobj\n"
        box = self._count
        self._count += 2  # the box of objects, and the table of all
        entries[box] = (1, len(head), 0)
        entries.update({number: (2, box, place) for place, (number, _) in enumerate(packed)})
        head += b"%d 0 obj\n%b\nendobj\n" % (box, _box(packed))
        self._head = bytes(head)
        self._entries = [entries.get(number, (0, 0, 0)) for number in range(self._count)]
        self._root = pdf.trailer.Root.objgen[0]

    def _content(self, shaped: Sequence[Sequence[Glyph]]) -> bytes:
        parts = [self._pieces[0]]
        for place, run, piece in zip(self._places, shaped, self._pieces[1:], strict=True):
            x = place.x
            if place.slot.is_centred:
                x -= _width(run, typeface(place.slot.typeface), place.size) / 2
            parts.append(
                f"BT\n1 0 0 -1 {x:.6f} {place.y:.6f} Tm\n/{place.font} {place.size:.6f} Tf\n"
                f"{_shown(run, typeface(place.slot.typeface), place.size)}\nET".encode()
            )
            parts.append(piece)
        return _stream(b"", b"".join(parts))

    def _assemble(self, own: dict[int, bytes]) -> bytes:
        parts = [self._head]
        entries = self._entries.copy()
        offset = len(self._head)
        for number, content in own.items():
            entries[number] = (1, offset, 0)
            parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, content))
            offset += len(parts[-1])
        table = self._count - 1
        entries[table] = (1, offset, 0)
        body = b"".join(
            kind.to_bytes(1, "big") + first.to_bytes(3, "big") + second.to_bytes(2, "big")
            for kind, first, second in entries
        )
        identity = sha256(b"".join(parts[1:])).hexdigest()[:32].encode()
        listed = _stream(
            b"/Type/XRef/Size %d/Root %d 0 R/Info %d 0 R/W[1 3 2]/ID[<%b><%b>]"
            % (self._count, self._root, self._info, identity, identity),
            body,
        )
        parts.append(b"%d 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, listed, offset))
        return b"".join(parts)


def _font_numbers(font: pikepdf.Object, face: str) -> _FontObjects:
    cid = font.DescendantFonts[0]
    descriptor = cid.FontDescriptor
    rest = pikepdf.Dictionary(
        {
            key: value
            for key, value in descriptor.items()
            if key not in {"/FontFile2", "/FontName", "/FontFamily"}
        }
    )
    return _FontObjects(
        typeface(face),
        font.objgen[0],
        cid.objgen[0],
        descriptor.objgen[0],
        descriptor.FontFile2.objgen[0],
        font.ToUnicode.objgen[0],
        rest.unparse()[:-2],
    )


def _font_objects(font: _FontObjects, glyphs: dict[int, str]) -> dict[int, bytes]:
    """The part of a font that some glyphs need, as the five objects that a PDF wants."""
    chosen = sorted(glyphs)
    content = font.face.part(frozenset(chosen))
    tag = "".join(chr(65 + byte % 26) for byte in sha256(repr(chosen).encode()).digest()[:6])
    name = f"/{tag}+{font.face.name}".encode()
    widths = b"".join(b"%d[%d]" % (glyph, font.face.advance(glyph)) for glyph in chosen)
    return {
        font.type0: b"<</Type/Font/Subtype/Type0/BaseFont%b/Encoding/Identity-H"
        b"/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>" % (name, font.cid, font.to_unicode),
        font.cid: b"<</Type/Font/Subtype/CIDFontType2/BaseFont%b/CIDToGIDMap/Identity"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        b"/FontDescriptor %d 0 R/W[%b]>>" % (name, font.descriptor, widths),
        font.descriptor: b"%b/FontName%b/FontFile2 %d 0 R>>"
        % (font.descriptor_rest, name, font.file),
        font.file: _stream(b"/Length1 %d" % len(content), content),
        font.to_unicode: _stream(b"", _to_unicode(glyphs)),
    }


def _to_unicode(glyphs: dict[int, str]) -> bytes:
    entries = [
        f"<{glyph:04x}> <{text.encode('utf-16-be').hex()}>" for glyph, text in glyphs.items()
    ]
    sections = [
        "\n".join((f"{len(part)} beginbfchar", *part, "endbfchar"))
        for start in range(0, len(entries), _CMAP_PART)
        if (part := entries[start : start + _CMAP_PART])
    ]
    return _CMAP.format(sections="\n".join(sections)).encode()


_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
{sections}
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def _shown(run: Iterable[Glyph], face: Typeface, size: float) -> str:
    """The operators that show glyphs, each where it was placed; a raised one gets its own."""
    parts = ["["]
    for glyph in run:
        code = f"<{glyph.id:04x}>"
        if glyph.x_offset:
            parts.append(f"{-glyph.x_offset} ")
        if glyph.y_offset:
            rise = glyph.y_offset * size / 1000
            parts.append(f"] TJ\n{rise:.4f} Ts\n[{code}] TJ\n0 Ts\n[")
        else:
            parts.append(code)
        if surplus := _surplus(face.advance(glyph.id), glyph, size):
            parts.append(f"{surplus} ")
    return "".join((*parts, "] TJ")).replace("><", "")


def _width(run: Iterable[Glyph], face: Typeface, size: float) -> float:
    return sum(_advance(face.advance(glyph.id), glyph, size) for glyph in run) / _PANGO_UNITS


def _surplus(usual: int, glyph: Glyph, size: float) -> int:
    """How much too wide a glyph's own advance is, in thousandths of the size."""
    placed = _advance(usual, glyph, size) / _PANGO_UNITS / size * 1000
    return int(usual + glyph.x_offset - placed)  # cut as WeasyPrint cuts it


def _advance(usual: int, glyph: Glyph, size: float) -> int:
    """In Pango's units, rounded as Pango rounds: the advance and what kerning changes, each alone."""
    unit = size * _PANGO_UNITS / 1000
    return round(usual * unit) + round((glyph.advance - usual) * unit)


def _picture(qr: QrCode) -> bytes:
    return (
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray"
        b"/BitsPerComponent 1/Interpolate false/Length %d>>\nstream\n%b\nendstream"
        % (qr.side, qr.side, len(qr.rows), qr.rows)
    )


def _string(text: str) -> bytes:
    return b"<" + (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode() + b">"


def _address(link: str) -> bytes:
    """An address in ASCII, as a link's action wants it."""
    plain = quote(link, safe=":/?#[]@!$&'()*+,;=%")
    return b"(" + re.sub(r"([()\\])", r"\\\1", plain).encode() + b")"


def _stream(head: bytes, content: bytes) -> bytes:
    packed = isal_zlib.compress(content, 3)
    return b"<<%b/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (
        head,
        len(packed),
        packed,
    )


def _stream_head(stream: pikepdf.Object, raw: bytes) -> bytes:
    head = pikepdf.Dictionary(
        {key: value for key, value in stream.stream_dict.items() if key != "/Length"}
    )
    return head.unparse()[:-2] + b"/Length %d>>\nstream\n" % len(raw)


def _box(packed: Sequence[tuple[int, bytes]]) -> bytes:
    """Many objects in one compressed stream."""
    offset = 0
    places = []
    for number, content in packed:
        places.append(f"{number} {offset}")
        offset += len(content) + 1
    first = (" ".join(places) + "\n").encode()
    body = first + b"\n".join(content for _, content in packed)
    return _stream(b"/Type/ObjStm/N %d/First %d" % (len(packed), len(first)), body)
