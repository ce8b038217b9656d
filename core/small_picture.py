"""How does a picture from outside become a small one to print, and nothing but its pixels?

Whoever sends a seal or a signature mostly has a photograph of it on paper. Its ink is lifted off the
paper, so that it may lie over a line of print, and what is left weighs a tenth: a few thousand bytes
that every certificate of an office carries. Called only in a process that may be killed: a picture
can unpack to gigabytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import product

from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

from core.errors import Refusal

PIXEL_LIMIT = 25_000_000
_NO_PICTURE = "Tệp không phải hình PNG, JPEG, WebP hoặc đã hỏng."
_NO_INK = "Không thấy nét mực nào trên hình. Hãy chụp rõ hơn, trên giấy trắng."
# From the best to the smallest; the last ones are for pictures that are nothing but noise.
_SHRINKINGS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3)
_COLOURS = (32, 24, 16)
_QUALITIES = (85, 75, 65, 55, 45)
_INK_LEVELS = (8, 6, 4)
_PAPER_GRID = 16  # light falls unevenly on paper, but changes slowly
_FAINTEST, _FULL_SHARE = 40, 0.55  # of 255 darker than the paper; of the darkest ink
_PAPER_LIGHT, _NEARLY_WHITE = 140, 225  # a darker border is no paper
_GRAIN = 6  # how much lighter and darker nearly white paper is from place to place
_FULL_INK = 0.8  # of the darkest: no edge, where ink and paper mix
_TWO_INKS_APART = 110  # a blue signature over a red seal, and not a thicker stroke
_COLOUR_BLOCK = 4  # pixels: where one ink ends and the other begins need not be finer
_MOST = 255


@dataclass(frozen=True, slots=True)
class Room:
    """How many pixels and bytes a picture may take."""

    width: int
    height: int
    most_bytes: int


def colour_picture(content: bytes, room: Room) -> bytes:
    """A PNG of few colours, or failing that a JPEG, on white; refuses "bad_image"."""
    return _smallest(_colour_ways(_opened(content, room), room), room)


def ink_picture(content: bytes, room: Room) -> bytes:
    """A PNG of the ink alone, the paper transparent; refuses "bad_image", also without any ink.

    A picture that has its own transparency keeps it; one that is not ink on light paper is treated
    as `colour_picture` does.
    """
    picture = _opened(content, room)
    if _is_opaque(picture) and _paper_of(picture) is None:
        return _smallest(_colour_ways(picture, room), room)
    return _smallest(_ink_ways(picture, room), room)


def _opened(content: bytes, room: Room) -> Image.Image:
    """The picture as large as it may be, with its transparency."""
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as opened:
            if opened.width * opened.height > PIXEL_LIMIT or getattr(opened, "n_frames", 1) > 1:
                raise Refusal("bad_image", "Hình lớn quá hoặc là hình động. Hãy chọn hình khác.")
            return _fitted(ImageOps.exif_transpose(opened).convert("RGBA"), room, 1.0)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as fault:
        raise Refusal("bad_image", _NO_PICTURE) from fault
    except Image.DecompressionBombError as fault:
        raise Refusal("bad_image", "Hình lớn quá. Hãy thu nhỏ rồi gửi lại.") from fault


def _smallest(ways: Iterator[tuple[bytes, int]], room: Room) -> bytes:
    """The first way that is light enough, else the last."""
    last = b""
    for made, weight in ways:
        last = made
        if weight <= room.most_bytes:
            break
    return last


def _fitted(picture: Image.Image, room: Room, shrinking: float) -> Image.Image:
    fitted = picture.copy()
    size = (max(1, int(room.width * shrinking)), max(1, int(room.height * shrinking)))
    fitted.thumbnail(size, Image.Resampling.LANCZOS)
    return fitted


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


# A picture in colours


def _on_white(picture: Image.Image) -> Image.Image:
    """Without its transparency; paper that is nearly white becomes white, as the sheet is."""
    sheet = Image.new("RGBA", picture.size, "#ffffff")
    seen = Image.alpha_composite(sheet, picture).convert("RGB")
    paper = _paper_of(picture)
    if paper is None or paper < _NEARLY_WHITE:
        return seen
    return seen.point(lambda value: min(_MOST, value * _MOST / (paper - _GRAIN)))


def _colour_ways(picture: Image.Image, room: Room) -> Iterator[tuple[bytes, int]]:
    seen = _on_white(picture)
    for shrinking in _SHRINKINGS:
        fitted = _fitted(seen, room, shrinking)
        for count in _COLOURS:
            few = fitted.quantize(count, kmeans=1, dither=Image.Dither.NONE).convert("RGB")
            made = _png(few)
            yield made, len(made)
        for quality in _QUALITIES:
            out = BytesIO()
            fitted.save(out, "JPEG", quality=quality, optimize=True)
            yield out.getvalue(), out.tell()


# Ink on paper


def _is_opaque(picture: Image.Image) -> bool:
    return picture.getchannel("A").getextrema()[0] == _MOST


def _paper_of(picture: Image.Image) -> int | None:
    """How light the border is, on which a photographed seal lies; None when that is no paper."""
    side = 32
    small = picture.convert("L").resize((side, side), Image.Resampling.BOX).tobytes()
    edge = sorted(
        small[side * y + x] for x, y in product(range(side), repeat=2) if {x, y} & {0, side - 1}
    )
    light = edge[len(edge) // 2]
    return light if light >= _PAPER_LIGHT else None


def _ink_ways(picture: Image.Image, room: Room) -> Iterator[tuple[bytes, int]]:
    for shrinking in _SHRINKINGS:
        fitted = _fitted(picture, room, shrinking)
        is_opaque = _is_opaque(picture)
        strength = _darker_than_paper(fitted) if is_opaque else fitted.getchannel("A")
        if not strength.getbbox():
            raise Refusal("bad_image", _NO_INK)
        colours = _ink_colours(fitted.convert("RGB"), strength)
        for levels, smooth in product(_INK_LEVELS, (False, True)):
            calm = strength.filter(ImageFilter.MedianFilter(3)) if smooth else strength
            mask = calm.point(_stepped(levels))
            made = colours.copy()
            made.putalpha(mask)
            # A PDF holds colours and transparency apart.
            yield _png(made), len(_png(colours)) + len(_png(mask))


def _stepped(levels: int) -> Callable[[int], float]:
    return lambda value: round(value * (levels - 1) / _MOST) * _MOST // (levels - 1)


def _darker_than_paper(picture: Image.Image) -> Image.Image:
    """How much ink lies where, from 0 to 255; the paper may be yellow and unevenly lit."""
    seen = picture.convert("RGB")
    grid = seen.filter(ImageFilter.MaxFilter(5)).resize((_PAPER_GRID,) * 2, Image.Resampling.BOX)
    smooth = grid.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(2))
    paper = smooth.resize(seen.size, Image.Resampling.BICUBIC)
    ink = Image.new("L", seen.size, 0)
    for here, blank in zip(seen.split(), paper.split(), strict=True):
        shares = (
            _MOST - min(_MOST, _MOST * value // max(light, 1))
            for value, light in zip(here.tobytes(), blank.tobytes(), strict=True)
        )
        ink = ImageChops.lighter(ink, Image.frombytes("L", seen.size, bytes(shares)))
    darkest = max(ink.tobytes())
    full = _FAINTEST + (max(darkest, 2 * _FAINTEST) - _FAINTEST) * _FULL_SHARE
    return ink.point(
        lambda value: max(0, min(_MOST, (value - _FAINTEST) * _MOST / (full - _FAINTEST)))
    )


def _ink_colours(seen: Image.Image, strength: Image.Image) -> Image.Image:
    """The ink's colour all over; where there are two inks, each about where it lies."""
    found = _strongest_colours(seen, strength)
    colours = Image.new("RGB", seen.size, found[0])
    if len(found) == 1:
        return colours
    second = _nearer_to(seen, found[1], found[0])
    inked = strength.point(lambda value: _MOST * (value > 0))
    blocks = (-(-seen.width // _COLOUR_BLOCK), -(-seen.height // _COLOUR_BLOCK))
    part = ImageChops.multiply(second, inked).resize(blocks, Image.Resampling.BOX)
    whole = inked.resize(blocks, Image.Resampling.BOX).point(lambda value: value / 2)
    is_second = ImageChops.subtract(part, whole).point(lambda value: _MOST * (value > 0))
    colours.paste(found[1], mask=is_second.resize(seen.size, Image.Resampling.NEAREST))
    return colours


def _strongest_colours(seen: Image.Image, strength: Image.Image) -> Sequence[tuple[int, int, int]]:
    """One or two, of the pixels that are nothing but ink, the commoner first."""
    pixels, shares = seen.tobytes(), strength.tobytes()
    least = _FULL_INK * max(shares)
    inked = b"".join(
        pixels[3 * place : 3 * place + 3] for place, share in enumerate(shares) if share >= least
    )
    line = Image.frombytes("RGB", (len(inked) // 3, 1), inked)
    few = line.quantize(2, kmeans=4, dither=Image.Dither.NONE).convert("RGB").getcolors() or []
    found: list[tuple[int, int, int]] = [colour for _, colour in sorted(few, reverse=True)]  # type: ignore[misc]  # of three channels
    if len(found) > 1 and math.dist(found[0], found[1]) < _TWO_INKS_APART:
        return found[:1]
    return found


def _nearer_to(
    seen: Image.Image, one: tuple[int, int, int], other: tuple[int, int, int]
) -> Image.Image:
    palette = Image.new("P", (1, 1))
    palette.putpalette([*other, *one])
    return seen.quantize(palette=palette, dither=Image.Dither.NONE).point(
        lambda value: _MOST * (value == 1), "L"
    )
