"""What is the woven band around a certificate, as a drawing of our own?

Rhombs and triangles of a highland weave, computed from the paper's size so that a band ends where
it began: with whole rhombs. Lengths are millimetres; a drawing is SVG, its colours are the design's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

PAPER_WIDTH, PAPER_HEIGHT = 297.0, 210.0
_STEP = 6.0  # about the length of one rhomb with its gap


@cache
def frame(primary: str, accent: str) -> str:
    """A band all around the sheet, with a nest of rhombs in each corner."""
    edge, band = 7.0, 7.0
    inner = edge + band
    across = (edge + band, edge + band / 2, PAPER_WIDTH - 2 * inner)
    down = (edge + band / 2, inner, PAPER_HEIGHT - 2 * inner)
    weave = [
        *_row(across[0], across[1], across[2], band * 0.62),
        *_row(across[0], PAPER_HEIGHT - across[1], across[2], band * 0.62),
        *_column(down[0], down[1], down[2], band * 0.62),
        *_column(PAPER_WIDTH - down[0], down[1], down[2], band * 0.62),
    ]
    middle = edge + band / 2
    corners = [
        (x, y) for x in (middle, PAPER_WIDTH - middle) for y in (middle, PAPER_HEIGHT - middle)
    ]
    return _drawing(
        PAPER_WIDTH,
        PAPER_HEIGHT,
        [
            _rectangle(edge, 0.9, primary),
            _rectangle(inner, 0.25, accent),
            _rectangle(inner + 1.2, 0.25, primary),
            *_weave(weave, primary, accent),
            *(_corner(x, y, band, primary, accent) for x, y in corners),
        ],
    )


@cache
def strip(primary: str, accent: str, ground: str) -> str:
    """A woven ribbon down the left side of the sheet, on a ground of its own."""
    width = 20.0
    weave = [*_column(width / 2, 6, PAPER_HEIGHT - 12, 9.0, 10.0)]
    edges = [
        *_column(2.6, 3, PAPER_HEIGHT - 6, 1.8, 3.0),
        *_column(width - 2.6, 3, PAPER_HEIGHT - 6, 1.8, 3.0),
    ]
    return _drawing(
        PAPER_WIDTH,
        PAPER_HEIGHT,
        [
            f'<path d="M0 0h{width:g}v{PAPER_HEIGHT:g}h-{width:g}z" fill="{ground}"/>',
            *_weave(weave, primary, accent),
            f'<path d="{_path(_rhomb(x, y, w, h) for x, y, w, h in edges)}" fill="{accent}"/>',
            f'<path d="M{width + 1.4:g} 0h0.5v{PAPER_HEIGHT:g}h-0.5z" fill="{accent}"/>',
        ],
    )


@cache
def bands(primary: str, accent: str) -> str:
    """Two broad bands, above and below, between fine lines."""
    height, edge = 7.0, 6.5
    parts: list[str] = []
    weave: list[tuple[float, float, float, float]] = []
    for top in (edge, PAPER_HEIGHT - edge - height):
        weave += _row(10, top + height / 2, PAPER_WIDTH - 20, height * 0.74, 7.0)
        for line, thickness, colour in (
            (top, 0.9, primary),
            (top + height, 0.9, primary),
            (top - 1.2, 0.25, accent),
            (top + height + 1.2, 0.25, accent),
        ):
            parts.append(
                f'<path d="M10 {line:g}H{PAPER_WIDTH - 10:g}" stroke="{colour}" '
                f'stroke-width="{thickness:g}" fill="none"/>'
            )
    return _drawing(PAPER_WIDTH, PAPER_HEIGHT, [*parts, *_weave(weave, primary, accent)])


def _row(
    left: float, middle: float, length: float, height: float, step: float = _STEP
) -> Iterator[tuple[float, float, float, float]]:
    """Centre, width and height of the rhombs that fill a line from left to right."""
    count = round(length / step)
    width = length / count
    for number in range(count):
        yield left + (number + 0.5) * width, middle, width, height


def _column(
    middle: float, top: float, length: float, width: float, step: float = _STEP
) -> Iterator[tuple[float, float, float, float]]:
    count = round(length / step)
    height = length / count
    for number in range(count):
        yield middle, top + (number + 0.5) * height, width, height


def _weave(
    rhombs: Iterable[tuple[float, float, float, float]], primary: str, accent: str
) -> Iterator[str]:
    placed = list(rhombs)
    outer = _path(_rhomb(x, y, w, h) + _rhomb(x, y, w * 0.66, h * 0.66) for x, y, w, h in placed)
    inner = _path(_rhomb(x, y, w * 0.36, h * 0.36) for x, y, w, h in placed)
    yield f'<path d="{outer}" fill="{primary}" fill-rule="evenodd"/>'
    yield f'<path d="{inner}" fill="{accent}"/>'


def _corner(x: float, y: float, size: float, primary: str, accent: str) -> str:
    outer = _rhomb(x, y, size * 0.92, size * 0.92) + _rhomb(x, y, size * 0.7, size * 0.7)
    inner = _rhomb(x, y, size * 0.5, size * 0.5) + _rhomb(x, y, size * 0.24, size * 0.24)
    return (
        f'<path d="{outer}" fill="{primary}" fill-rule="evenodd"/>'
        f'<path d="{inner}" fill="{accent}" fill-rule="evenodd"/>'
    )


def _rhomb(x: float, y: float, width: float, height: float) -> str:
    half_width, half_height = width / 2, height / 2
    return (
        f"M{x:.2f} {y - half_height:.2f}l{half_width:.2f} {half_height:.2f}"
        f"l-{half_width:.2f} {half_height:.2f}l-{half_width:.2f} -{half_height:.2f}z"
    )


def _path(parts: Iterable[str]) -> str:
    return "".join(parts)


def _rectangle(inset: float, thickness: float, colour: str) -> str:
    return (
        f'<rect x="{inset:g}" y="{inset:g}" width="{PAPER_WIDTH - 2 * inset:g}" '
        f'height="{PAPER_HEIGHT - 2 * inset:g}" fill="none" stroke="{colour}" '
        f'stroke-width="{thickness:g}"/>'
    )


def _drawing(width: float, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}mm" height="{height:g}mm">{"".join(parts)}</svg>'
    )
