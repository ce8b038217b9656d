"""Pictures from outside become small ones: ink comes off its paper, colours stay, hostile ones go."""

from __future__ import annotations

import io
from random import Random

import pytest
from PIL import Image

from core.errors import Refusal
from core.small_picture import Room, colour_picture, ink_picture
from tests.core import pictures

ROOM = Room(220, 220, 4_200)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def written(picture: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photographed_seal_comes_off_its_paper(kind: str) -> None:
    made = opened(ink_picture(pictures.seal(kind=kind), ROOM))
    assert made.size == (220, 220)
    shares = made.getchannel("A").get_flattened_data()
    assert made.getpixel((2, 2))[3] == 0  # type: ignore[index]  # of four channels
    assert 0.5 < sum(share == 0 for share in shares) / len(shares) < 0.9
    red, green, blue, share = made.getpixel((110, 110))  # type: ignore[misc]  # the same
    assert share == 255
    assert red > 2 * green
    assert red > 2 * blue


def test_a_signature_over_a_seal_keeps_both_inks() -> None:
    made = opened(ink_picture(pictures.signature_over_seal(), ROOM))
    inks = {colour[:3] for _, colour in made.getcolors(100_000) if colour[3]}
    assert len(inks) == 2
    assert {max(range(3), key=ink.__getitem__) for ink in inks} == {0, 2}


def test_a_picture_with_its_own_transparency_keeps_it() -> None:
    drawn = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
    drawn.paste((30, 60, 160, 255), (100, 100, 500, 200))
    made = opened(ink_picture(written(drawn), ROOM))
    *ink, share = made.getpixel((110, 50))  # type: ignore[misc]  # of four channels
    assert ink == pytest.approx((30, 60, 160), abs=2)
    assert share == 255
    assert made.getpixel((110, 150))[3] == 0  # type: ignore[index]  # of four channels


def test_what_is_no_ink_on_paper_stays_a_picture() -> None:
    drawn = Image.new("RGB", (400, 400), (20, 60, 40))
    drawn.paste((240, 200, 40), (150, 150, 250, 250))
    made = opened(ink_picture(written(drawn), ROOM)).convert("RGBA")
    assert made.getchannel("A").getextrema() == (255, 255)


def test_the_paper_of_an_emblem_becomes_white_as_the_sheet() -> None:
    content = colour_picture(pictures.emblem(), Room(196, 165, 5_200))
    made = opened(content).convert("RGB")
    assert len(content) <= 5_200
    assert made.size == (165, 165)
    assert min(made.getpixel((3, 3))) >= 250  # type: ignore[arg-type, type-var]  # of three channels


@pytest.mark.parametrize("make", [ink_picture, colour_picture])
def test_noise_alone_becomes_small_too(make: object) -> None:
    assert callable(make)
    noise = Image.frombytes("RGB", (300, 300), Random(3).randbytes(300 * 300 * 3))
    assert len(make(written(noise), ROOM)) <= ROOM.most_bytes


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg onload=x>", "không phải hình"),
        (pictures.seal()[:3_000], "không phải hình"),
        (written(Image.new("1", (6_000, 6_000))), "lớn quá"),
        (written(Image.new("RGB", (300, 300), (250, 250, 246))), "nét mực"),
    ],
    ids=["no picture", "cut short", "too many pixels", "blank paper"],
)
def test_what_cannot_be_printed_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(Refusal, match="bad_image") as refused:
        ink_picture(content, ROOM)
    assert said in refused.value.sentence


def test_a_moving_picture_is_refused() -> None:
    out = io.BytesIO()
    first, second = (Image.new("RGB", (50, 50), colour) for colour in ("red", "blue"))
    first.save(out, "WEBP", save_all=True, append_images=[second])
    with pytest.raises(Refusal, match="bad_image"):
        ink_picture(out.getvalue(), ROOM)
