"""Pictures: only the pixels of real ones are kept."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from core import db
from core.errors import Refusal
from quiz.images import get_image, keep_image


def picture(kind: str, size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    output = BytesIO()
    Image.new("RGB", size, (10, 120, 200)).save(output, kind, **options)
    return output.getvalue()


async def kept(image_id: int) -> tuple[str, bytes]:
    digest = await db.pool().fetchval("SELECT digest FROM image WHERE id = $1", image_id)
    return await get_image(digest)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_is_kept_and_given_back(clean: None, kind: str) -> None:
    media_type, content = await kept(
        await keep_image(picture(kind), f"image/{kind.lower()}", "Biểu tượng VNeID")
    )
    assert media_type == f"image/{kind.lower()}"
    assert Image.open(BytesIO(content)).size == (40, 30)


async def test_the_same_picture_is_kept_once(clean: None) -> None:
    first = await keep_image(picture("PNG"), "image/png", "Biểu tượng")
    assert await keep_image(picture("PNG"), "image/png", "Lời khác") == first


async def test_place_and_camera_are_left_behind_and_the_picture_stands_upright(
    clean: None,
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif[0x010F] = "Máy ảnh"
    photo = picture("JPEG", exif=exif.tobytes(), comment=b"bi mat")
    _, content = await kept(await keep_image(photo, "image/jpeg", "Ảnh"))
    found = Image.open(BytesIO(content))
    assert found.size == (30, 40)
    assert not found.getexif()
    assert b"bi mat" not in content


async def test_what_hides_behind_the_picture_is_left_behind(clean: None) -> None:
    photo = picture("PNG") + b"<script>alert(1)</script>"
    _, content = await kept(await keep_image(photo, "image/png", "Ảnh"))
    assert b"script" not in content


async def test_transparent_pictures_with_a_palette_stay_transparent(clean: None) -> None:
    output = BytesIO()
    Image.new("P", (8, 8), 0).save(output, "PNG", transparency=0)
    _, content = await kept(await keep_image(output.getvalue(), "image/png", "Trong suốt"))
    pixel = Image.open(BytesIO(content)).convert("RGBA").getpixel((0, 0))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0


async def test_the_type_is_what_the_bytes_say(clean: None) -> None:
    media_type, _ = await kept(await keep_image(picture("JPEG"), "image/png", "Ảnh"))
    assert media_type == "image/jpeg"


def bomb() -> bytes:
    """A small PNG that claims to be 50,000 pixels wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def moving() -> bytes:
    output = BytesIO()
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 250)]
    frames[0].save(output, "WEBP", save_all=True, append_images=frames[1:])
    return output.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type", "words"),
    [
        (b"<svg onload='alert(1)'/>", "image/svg+xml", "Chỉ nhận"),
        (b"<svg onload='alert(1)'/>", "image/png", "không phải hình"),
        (picture("GIF"), "image/png", "không phải hình"),
        (picture("PNG")[:60], "image/png", "hỏng"),
        (picture("JPEG")[:200], "image/jpeg", "hỏng"),
        (bytes(300_001), "image/png", "300 kB"),
        (picture("PNG", (2001, 10)), "image/png", "2.000"),
        (bomb(), "image/png", "2.000"),
        (moving(), "image/webp", "hình động"),
        (b"", "image/png", "không phải hình"),
    ],
    ids=["svg", "svg as png", "gif as png", "cut png", "cut jpeg", "heavy", "wide", "bomb", "moving",
         "empty"],
)  # fmt: skip
async def test_anything_else_is_refused(
    clean: None, content: bytes, media_type: str, words: str
) -> None:
    with pytest.raises(Refusal, match=words) as refusal:
        await keep_image(content, media_type, "Ảnh")
    assert refusal.value.code == "bad_image"
    assert await db.pool().fetchval("SELECT count(*) FROM image") == 0


async def test_a_picture_needs_words(clean: None) -> None:
    with pytest.raises(Refusal, match="mô tả hình"):
        await keep_image(picture("PNG"), "image/png", "  ")


async def test_an_unknown_picture_is_not_found(clean: None) -> None:
    with pytest.raises(Refusal) as refusal:
        await get_image("0" * 64)
    assert refusal.value.code == "not_found"
