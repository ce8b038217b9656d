"""Where on the sheet of each design has which text its room, and in which sizes may it stand?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from certificates.fitting import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The room of one text: its width, and the sizes in which it may be set, the best first.

    `typefaces` are taken in order by whether they have all letters.
    """

    width_mm: float
    typefaces: tuple[str, ...]
    steps: tuple[Step, ...]
    leading: float = 1.3
    space_mm: float = 0.0  # above it
    is_centred: bool = True


def _steps(*sizes: float | tuple[float, int]) -> tuple[Step, ...]:
    return tuple(Step(*size) if isinstance(size, tuple) else Step(size) for size in sizes)


_SERIF = ("serif", "sans")
_SERIF_BOLD = ("serif-bold", "sans-bold")
_SERIF_ITALIC = ("serif-italic", "sans")
_SANS = ("sans", "serif")
_SANS_SEMIBOLD = ("sans-semibold", "serif-bold")
_SANS_BOLD = ("sans-bold", "serif-bold")

_HEADER = {
    "superior": Place(width_mm=112, typefaces=_SERIF, steps=_steps(11.5, (11, 2), (9.5, 3))),
    "issuer": Place(
        width_mm=112, typefaces=_SERIF_BOLD, steps=_steps(11.5, (11.5, 2), (10.5, 3), (9, 4))
    ),
}
_SIGNING = {
    "dated": Place(width_mm=104, typefaces=_SERIF_ITALIC, steps=_steps(12.5, 11, 9.5)),
    "authority": Place(
        width_mm=104, typefaces=_SERIF_BOLD, steps=_steps(12.5, (11.5, 2), (9.5, 3))
    ),
    "signer_title": Place(
        width_mm=104, typefaces=_SERIF_BOLD, steps=_steps(12.5, (11.5, 2), (9.5, 3))
    ),
    "signer_name": Place(width_mm=104, typefaces=_SERIF_BOLD, steps=_steps(13, 11.5, (10, 2))),
}
_CHECKING = {
    "number": Place(
        width_mm=76, typefaces=_SERIF, steps=_steps(11, 9.5, (8.5, 2)), is_centred=False
    ),
    "url": Place(
        width_mm=76,
        typefaces=_SERIF,
        steps=_steps((8.5, 3), (7.5, 4), (6.5, 6)),
        is_centred=False,
    ),
}

PLACES: dict[str, dict[str, Place]] = {
    "trang-trong": {
        **_HEADER,
        "title": Place(
            width_mm=235, typefaces=_SERIF_BOLD, steps=_steps(42, 36, 30, (24, 2)), leading=1.25
        ),
        "lead": Place(
            width_mm=235, typefaces=_SERIF_ITALIC, steps=_steps(15, 13), leading=1.4, space_mm=2.5
        ),
        "name": Place(
            width_mm=236,
            typefaces=_SERIF_BOLD,
            steps=_steps(36, 33, 30, 27, 24.5, (24, 2), (21, 2), (18, 3), (15, 4)),
            leading=1.32,
            space_mm=1,
        ),
        "unit": Place(width_mm=224, typefaces=_SERIF, steps=_steps(15, 13.5, (13.5, 2), (11.5, 3))),
        "statement": Place(
            width_mm=224, typefaces=_SERIF, steps=_steps(15, 13.5, (13.5, 2), (12, 4)), space_mm=3.5
        ),
        "contest": Place(
            width_mm=228,
            typefaces=_SERIF_BOLD,
            steps=_steps(18, 16.5, (16.5, 2), (14.5, 3), (12, 4)),
            space_mm=0.6,
        ),
        "result": Place(
            width_mm=228,
            typefaces=_SERIF_BOLD,
            steps=_steps(17, 15, (14, 2), (12, 3)),
            space_mm=1.6,
        ),
        **_SIGNING,
        **_CHECKING,
    },
    "hien-dai": {
        "superior": Place(width_mm=104, typefaces=_SANS, steps=_steps(10.5, (10, 2), (9, 3))),
        "issuer": Place(
            width_mm=104,
            typefaces=_SANS_SEMIBOLD,
            steps=_steps(10.5, (10.5, 2), (9.5, 3), (8.5, 4)),
        ),
        "title": Place(
            width_mm=236, typefaces=_SANS_BOLD, steps=_steps(38, 32, 26, (22, 2)), leading=1.25
        ),
        "lead": Place(
            width_mm=236, typefaces=_SANS, steps=_steps(13.5, 12), leading=1.5, space_mm=2.5
        ),
        "name": Place(
            width_mm=236,
            typefaces=_SERIF_BOLD,
            steps=_steps(40, 36, 32, 28, 25, (25, 2), (21, 2), (18, 3), (15, 4)),
            leading=1.32,
        ),
        "unit": Place(
            width_mm=228, typefaces=_SANS, steps=_steps(13.5, 12.5, (12.5, 2), (11, 3)), leading=1.4
        ),
        "statement": Place(
            width_mm=228,
            typefaces=_SANS,
            steps=_steps(13.5, 12.5, (12.5, 2), (11, 4)),
            leading=1.4,
            space_mm=4,
        ),
        "contest": Place(
            width_mm=232,
            typefaces=_SANS_SEMIBOLD,
            steps=_steps(16.5, 15, (15, 2), (13, 3), (11.5, 4)),
            leading=1.35,
            space_mm=0.6,
        ),
        "result": Place(
            width_mm=232,
            typefaces=_SANS_BOLD,
            steps=_steps(15.5, 14, (13, 2), (11.5, 3)),
            leading=1.4,
            space_mm=2,
        ),
        "dated": Place(width_mm=98, typefaces=_SERIF_ITALIC, steps=_steps(12, 10.5, 9)),
        "authority": Place(
            width_mm=98, typefaces=_SANS_SEMIBOLD, steps=_steps(11, (10, 2), (9, 3))
        ),
        "signer_title": Place(
            width_mm=98, typefaces=_SANS_SEMIBOLD, steps=_steps(11, (10, 2), (9, 3))
        ),
        "signer_name": Place(width_mm=98, typefaces=_SANS_BOLD, steps=_steps(12, 10.5, (9.5, 2))),
        "number": Place(width_mm=76, typefaces=_SANS_SEMIBOLD, steps=_steps(10, 9, (8, 2))),
        "url": Place(
            width_mm=76, typefaces=_SANS, steps=_steps((8, 3), (7, 4), (6, 6)), leading=1.35
        ),
    },
}
PLACES["hien-dai"] = {
    name: replace(place, is_centred=False) for name, place in PLACES["hien-dai"].items()
}
PLACES["tap-the"] = {
    **PLACES["trang-trong"],
    "name": Place(
        width_mm=240,
        typefaces=_SERIF_BOLD,
        steps=_steps(34, 31, 28, 25, (26, 2), (23, 2), (20, 3), (16, 4), (13, 5)),
        leading=1.32,
        space_mm=0.8,
    ),
}
ORDER = (
    "superior",
    "issuer",
    "title",
    "lead",
    "name",
    "unit",
    "statement",
    "contest",
    "result",
    "number",
    "url",
    "dated",
    "authority",
    "signer_title",
    "signer_name",
)
# The texts that share the sheet's middle, and its height in mm.
MIDDLE = ("title", "lead", "name", "unit", "statement", "contest", "result")
MIDDLE_HEIGHTS_MM = {"trang-trong": 92.0, "hien-dai": 91.0, "tap-the": 92.0}
EMBLEM_MM = 23.0  # of that height, where an emblem stands above the title
# What differs from one certificate of a batch to the next.
PERSONAL = ("number", "name", "unit", "result", "url")
