"""Which letters are there to print with, how wide is a text, and which part of a font does it need?

Only what prints imports this (fonts and HarfBuzz take 40 MB): the web process never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import fontpkg
import uharfbuzz as hb

# Latin with every Vietnamese letter, the languages of the highlands (ƀ, ĕ, ŏ, ŭ), and the marks,
# signs and punctuation of an office's papers.
LETTERS = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x180, 0x180),
    (0x1A0, 0x1A1),
    (0x1AF, 0x1B0),
    (0x1CD, 0x1DC),
    (0x243, 0x243),
    (0x2BC, 0x2BC),
    (0x300, 0x304),
    (0x306, 0x309),
    (0x30C, 0x30C),
    (0x31B, 0x31B),
    (0x323, 0x323),
    (0x1E00, 0x1EFF),
    (0x2010, 0x2027),
    (0x2030, 0x203A),
    (0x20AB, 0x20AB),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2212, 0x2212),
)
CONDENSED = 87.5  # of a serif's usual width in %: near Times New Roman's, which offices prescribe
# A PDF shows glyphs by number, already placed.
_NEEDLESS_TABLES = tuple(
    int.from_bytes(tag, "big")
    for tag in (b"GSUB", b"GPOS", b"GDEF", b"STAT", b"gasp", b"name", b"cmap")
)


@dataclass(frozen=True, slots=True)
class Glyph:
    """One shape of a shaped text, in thousandths of the type size; `text` is what it stands for."""

    id: int
    text: str
    advance: int
    x_offset: int
    y_offset: int


@dataclass(frozen=True, slots=True)
class _Source:
    family: str
    file: str
    axes: tuple[tuple[str, float], ...] = ()


_SERIF = ("noto-serif", "NotoSerif[wdth,wght].ttf")
_SERIF_ITALIC = ("noto-serif", "NotoSerif-Italic[wdth,wght].ttf")
_SOURCES = {
    "serif": _Source(*_SERIF, (("wdth", CONDENSED), ("wght", 400))),
    "serif-italic": _Source(*_SERIF_ITALIC, (("wdth", CONDENSED), ("wght", 400))),
    "serif-bold": _Source(*_SERIF, (("wdth", CONDENSED), ("wght", 700))),
    "sans": _Source("be-vietnam-pro", "BeVietnamPro-Regular.ttf"),
    "sans-semibold": _Source("be-vietnam-pro", "BeVietnamPro-SemiBold.ttf"),
    "sans-bold": _Source("be-vietnam-pro", "BeVietnamPro-Bold.ttf"),
}
NAMES = tuple(_SOURCES)


class Typeface:
    """One style of one family, cut down to `LETTERS`."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.content = content
        self._face = hb.Face(content)
        self._font = hb.Font(self._face)
        self._font.scale = (1000, 1000)
        self._ready = hb.subset_preprocess(self._face)
        self._letters = frozenset(self._face.unicodes)
        self.shape = lru_cache(maxsize=2048)(self._shape)
        self.width = lru_cache(maxsize=8192)(self._width)

    def covers(self, text: str) -> bool:
        return self._letters.issuperset(map(ord, text))

    def _width(self, text: str) -> int:
        """In thousandths of the type size."""
        return sum(glyph.advance for glyph in self._shape(text))

    def glyph_id(self, letter: str) -> int:
        return int(self._font.get_nominal_glyph(ord(letter)) or 0)

    def advance(self, glyph_id: int) -> int:
        return int(self._font.get_glyph_h_advance(glyph_id))

    def part(self, glyph_ids: frozenset[int]) -> bytes:
        """The font with nothing but these glyphs, each under its number."""
        wanted = hb.SubsetInput()
        wanted.glyph_set.update(glyph_ids)
        wanted.flags = (
            hb.SubsetFlags.RETAIN_GIDS
            | hb.SubsetFlags.NO_HINTING
            | hb.SubsetFlags.NO_LAYOUT_CLOSURE
        )
        wanted.drop_table_tag_set.update(_NEEDLESS_TABLES)
        return bytes(hb.subset(self._ready, wanted).blob.data)

    def _shape(self, text: str) -> tuple[Glyph, ...]:
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.language = "vi"
        buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS
        hb.shape(self._font, buffer)
        infos = buffer.glyph_infos
        ends = dict(pairwise([*sorted({info.cluster for info in infos}), len(text)]))
        return tuple(
            Glyph(
                info.codepoint,
                text[info.cluster : ends[info.cluster]],
                place.x_advance,
                place.x_offset,
                place.y_offset,
            )
            for info, place in zip(infos, buffer.glyph_positions, strict=True)
        )


@cache
def typeface(name: str) -> Typeface:
    source = _SOURCES[name]
    path = next(
        font.path for font in fontpkg.family(source.family).files if font.path.name == source.file
    )
    face = hb.Face(hb.Blob.from_file_path(str(path)))
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(
        {letter for first, last in LETTERS for letter in range(first, last + 1)}
    )
    wanted.flags = hb.SubsetFlags.NO_HINTING
    for axis, value in source.axes:
        wanted.pin_axis_location(face, axis, value)
    return Typeface(name, bytes(hb.subset(face, wanted).blob.data))
