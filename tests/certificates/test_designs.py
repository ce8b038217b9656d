"""A design says only what cannot break the paper, in colours that everybody can read."""

from __future__ import annotations

from datetime import date

import pytest

from certificates.designs import BUILT_IN, PALETTES, parse, stored
from certificates.examples import EXAMPLES, example_face
from certificates.typesetting import compose
from core.errors import Refusal


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", PALETTES)
def test_what_is_read_stands_out_from_white_paper(name: str) -> None:
    palette = PALETTES[name]
    for colour in (palette.primary, palette.accent_ink, palette.ground):
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5


@pytest.mark.parametrize("base", BUILT_IN)
def test_a_design_is_stored_and_read_again(base: str) -> None:
    assert parse(stored(BUILT_IN[base])) == BUILT_IN[base]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"base": "../../etc/passwd"}, "base"),
        ({"base": "hien-dai", "palette": "red; background: url(x)"}, "palette"),
        ({"base": "hien-dai", "qr_side": "top"}, "qr_side"),
        ({"base": "hien-dai", "lead": "x" * 61}, "lead"),
        ({"base": "hien-dai", "seal": "file:///etc/passwd"}, "seal"),
    ],
)
def test_what_is_not_offered_is_refused_beside_its_field(typed: dict[str, str], field: str) -> None:
    with pytest.raises(Refusal, match="bad_design") as refused:
        parse(typed)
    assert field in refused.value.fields


@pytest.mark.parametrize("base", BUILT_IN)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_fits_every_finished_design(base: str, example: str) -> None:
    made = compose(example_face(base, example, date(2026, 11, 22)), BUILT_IN[base])
    name = made.blocks["name"]
    assert (len(name.lines), name.points) >= (1, 22)
    assert (len(name.lines) > 1) <= (example == "dai")
