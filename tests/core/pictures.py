"""Seals, signatures and emblems as offices send them: photographed with a telephone, on paper."""

from __future__ import annotations

import io
import math
from functools import cache
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Size = tuple[int, int]
RED, BLUE = (0.85, 0.17, 0.18), (0.1, 0.18, 0.6)  # how much of the paper's light ink gives back


def grain(size: Size, strength: float) -> Image.Image:
    """Grey noise about 128."""
    noise = Image.frombytes("L", size, Random(7).randbytes(size[0] * size[1]))
    return noise.point(lambda value: 128 + (value - 128) * strength)


@cache
def seal(width: int = 900, kind: str = "JPEG") -> bytes:
    ink = Image.new("L", (width, width), 0)
    pen, middle = ImageDraw.Draw(ink), width / 2
    for share, thick in ((0.46, 0.015), (0.43, 0.005), (0.25, 0.006)):
        r = share * width
        pen.ellipse(
            (middle - r, middle - r, middle + r, middle + r), outline=255, width=int(thick * width)
        )
    for place in range(40):
        turn = place * math.tau / 40
        x = middle + 0.35 * width * math.cos(turn)
        y = middle + 0.35 * width * math.sin(turn)
        pen.rectangle(
            (x - width / 60, y - width / 34, x + width / 60, y + width / 34), outline=255, width=9
        )
    pen.ellipse(
        (middle - width / 8, middle - width / 8, middle + width / 8, middle + width / 8), fill=255
    )
    worn = ImageChops.multiply(ink, grain(ink.size, 0.6).point(lambda value: min(255, value + 90)))
    return photographed([(worn, RED)], kind)


@cache
def signature(width: int = 1400) -> bytes:
    return photographed([(_stroke((width, int(width * 0.43))), BLUE)], "JPEG")


@cache
def signature_over_seal(width: int = 900) -> bytes:
    size = (width, width)
    ring = Image.new("L", size, 0)
    ImageDraw.Draw(ring).ellipse((60, 60, width - 60, width - 60), outline=255, width=40)
    return photographed([(ring, RED), (_stroke(size), BLUE)], "JPEG")


@cache
def emblem(width: int = 820) -> bytes:
    """Colours on nearly white paper, with a telephone's noise."""
    drawn = Image.new("RGB", (width, width), "#fdfdfb")
    pen, middle = ImageDraw.Draw(drawn), width / 2
    for r in range(int(middle - 10), 0, -1):
        share = r / middle
        colour = (int(200 - 60 * share), int(160 - 120 * share), int(30 + 60 * share))
        pen.ellipse((middle - r, middle - r, middle + r, middle + r), fill=colour)
    for place in range(24):
        turn, r = place * math.tau / 24, width * 0.4
        ends = [(middle + r * math.cos(a), middle + r * math.sin(a)) for a in (turn, turn + 0.13)]
        pen.polygon([(middle, middle), *ends], fill=(250, 210 - place * 3, 60 + place * 5))
    noise = grain(drawn.size, 0.25)
    noisy = [ImageChops.add(part, noise, 1, -128) for part in drawn.split()]
    out = io.BytesIO()
    Image.merge("RGB", noisy).save(out, "PNG")
    return out.getvalue()


def photographed(inks: list[tuple[Image.Image, tuple[float, float, float]]], kind: str) -> bytes:
    """Ink on yellowish paper, lit from one side."""
    size = inks[0][0].size
    light = Image.linear_gradient("L").resize(size).point(lambda value: 200 + value * 40 // 255)
    paper = ImageChops.add(light, grain(size, 0.2), 1, -128)
    seen = Image.merge("RGB", [paper.point(lambda v, s=s: v * s) for s in (1, 0.98, 0.93)])
    for ink, shares in inks:
        wet = Image.merge("RGB", [paper.point(lambda v, s=s: v * s) for s in shares])
        seen.paste(wet, mask=ink.filter(ImageFilter.GaussianBlur(1.5)))
    out = io.BytesIO()
    seen.save(out, kind, quality=93)
    return out.getvalue()


def _stroke(size: Size) -> Image.Image:
    ink = Image.new("L", size, 0)
    pen, (width, height) = ImageDraw.Draw(ink), size
    points = [
        (
            width * (0.08 + 0.8 * t + 0.07 * math.sin(4.5 * t * math.tau)),
            height * (0.5 + 0.3 * math.sin(5 * t * math.tau) * (1 - t / 2)),
        )
        for t in (place / 600 for place in range(601))
    ]
    pen.line(points, fill=255, width=max(6, width // 180))
    return ink
