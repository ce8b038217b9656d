"""What picture does a person share: of the contest, and of themselves only what they chose?

1200 × 630 pixels, as social networks show a link. Called only in the process that draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from certificates.designs import INK, PALETTES
from certificates.fitting import POINT_MM, Step, fit
from core.errors import Refusal
from core.text import clean
from core.typefaces import typeface

SIZE = (1200, 630)
_LEFT, _WIDTH = 150, 970
_STRIP = 84
# Field, typeface, sizes in pixels with their lines, whether in the main colour, space above.
_TEXTS = (
    ("title", "sans-bold", (Step(64), Step(52)), True, 0),
    ("name", "serif-bold", (Step(68), Step(56), Step(46), Step(40, 2)), True, 18),
    ("contest", "sans-semibold", (Step(40), Step(36, 2), Step(30, 3), Step(24, 4)), False, 22),
    ("result", "sans-bold", (Step(40), Step(34), Step(28, 2)), False, 18),
    ("foot", "sans", (Step(26), Step(22, 2)), False, 30),
)
_LEADING = 1.35


def share_picture(texts: Mapping[str, str]) -> bytes:
    """A PNG of those of title, name, contest, result and foot that are there."""
    colours = PALETTES["cham"]
    picture = Image.new("RGB", SIZE, "#ffffff")
    pen = ImageDraw.Draw(picture)
    _strip(pen, colours.ground, colours.accent)
    blocks = []
    for name, face, steps, is_main, space in _TEXTS:
        text = clean(texts.get(name, ""))
        if not text:
            continue
        chosen = face if typeface(face).covers(text) else "serif-bold"
        # The arithmetic is of points and millimetres; here a point is a pixel.
        found = fit(text, _WIDTH * POINT_MM, steps, typeface(chosen).width)
        if found is None:
            raise Refusal("does_not_fit", "Chữ dài quá, không vừa ảnh chia sẻ.")
        colour = {True: colours.primary, False: INK}[is_main]
        blocks.append((chosen, *found, colours.accent_ink if name == "result" else colour, space))
    height = sum(space + len(lines) * size * _LEADING for _, size, lines, _, space in blocks)
    top = (SIZE[1] - height) / 2
    for face, size, lines, colour, space in blocks:
        top += space
        for line in lines:
            pen.text((_LEFT, top), line, fill=colour, font=_font(face, round(size)))
            top += size * _LEADING
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _strip(pen: ImageDraw.ImageDraw, ground: str, accent: str) -> None:
    """The woven ribbon of the modern design."""
    pen.rectangle((0, 0, _STRIP, SIZE[1]), fill=ground)
    step, middle = 63, _STRIP / 2
    for place in range(SIZE[1] // step):
        y = (place + 0.5) * step
        for share, colour in ((0.9, "#ffffff"), (0.62, ground), (0.36, accent)):
            across, down = 24 * share, step / 2 * share
            corners = [
                (middle, y - down),
                (middle + across, y),
                (middle, y + down),
                (middle - across, y),
            ]
            pen.polygon(corners, fill=colour)


@lru_cache(maxsize=32)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(BytesIO(typeface(face).content), size)
