"""Which pictures may stand in questions, and how are they kept?"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageOps

from core.db import pool, transaction
from core.errors import Refusal

# A phone on 3G waits some two seconds for it.
SIZE_LIMIT_BYTES = 300_000
# Sharp on any phone and projector; decoded it takes at most 16 MB.
SIDE_LIMIT_PIXELS = 2_000
# What a camera makes; decoded it takes some 100 MB for a moment.
PIXEL_LIMIT = 25_000_000
# What a picture that is too large for a phone is made into, until it fits.
SMALLER_SIDES_PIXELS = (1_600, 1_000, 600)
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}

_NO_PICTURE = "Tệp không phải hình PNG, JPEG, WebP hoặc đã hỏng."


async def keep_image(content: bytes, media_type: str, alt: str) -> int:
    """Keep a picture once, whoever sends it again, and return its id.

    It is decoded and encoded anew, so nothing but its pixels stays (no place, no camera, no script
    behind the last pixel). Refuses other types, more than 300 kB, more than 2,000 pixels a side,
    animations, and a picture without words for those who cannot see it.
    """
    if not alt.strip():
        sentence = "Hãy mô tả hình bằng lời cho người không nhìn thấy hình."
        raise Refusal("missing_alt", sentence, fields={"image_alt": sentence})
    if media_type not in MEDIA_TYPES.values():
        raise _refuse("Chỉ nhận hình PNG, JPEG hoặc WebP.")
    if len(content) > SIZE_LIMIT_BYTES:
        raise _refuse("Hình lớn hơn 300 kB. Hãy thu nhỏ hình rồi gửi lại.")
    # Decoding takes tens of milliseconds, too long for the event loop.
    image_id, _ = await _keep(*await asyncio.to_thread(_encode_anew, content))
    return image_id


async def keep_fitting_image(content: bytes) -> tuple[int, str]:
    """Keep a picture that lay in a file of questions, made smaller where it must be.

    Returns its id and digest; its words come later, from whoever looks at the question. Refuses
    what is no picture, moves, or has more than 25 million pixels.
    """
    return await _keep(*await asyncio.to_thread(_encode_fitting, content))


async def digest_of(image_id: int) -> str | None:
    """Under which address a picture that was kept before is shown."""
    digest: str | None = await pool().fetchval("SELECT digest FROM image WHERE id = $1", image_id)
    return digest


async def get_image(digest: str) -> tuple[str, bytes]:
    """The media type and the bytes; they never change under a digest, so caches may keep them."""
    row = await pool().fetchrow("SELECT media_type, content FROM image WHERE digest = $1", digest)
    if row is None:
        raise Refusal("not_found", "Không tìm thấy hình này.")
    return row["media_type"], row["content"]


async def get_images(digests: Collection[str]) -> dict[str, tuple[str, bytes]]:
    """Media types and bytes by digest."""
    rows = await pool().fetch(
        "SELECT digest, media_type, content FROM image WHERE digest = ANY($1::text[])",
        list(digests),
    )
    return {row["digest"]: (row["media_type"], row["content"]) for row in rows}


async def _keep(kind: str, content: bytes) -> tuple[int, str]:
    digest = sha256(content).hexdigest()
    async with transaction() as connection:
        await connection.execute(
            "INSERT INTO image (digest, media_type, content) VALUES ($1, $2, $3) "
            "ON CONFLICT (digest) DO NOTHING",
            digest,
            kind,
            content,
        )
        image_id: int = await connection.fetchval("SELECT id FROM image WHERE digest = $1", digest)
    return image_id, digest


def _encode_fitting(content: bytes) -> tuple[str, bytes]:
    try:
        with Image.open(BytesIO(content), formats=tuple(MEDIA_TYPES)) as found:
            width, height = found.size
            if width * height > PIXEL_LIMIT:
                raise _refuse("Hình có quá nhiều điểm ảnh. Hãy thu nhỏ hình.")
            fits = len(content) <= SIZE_LIMIT_BYTES and max(found.size) <= SIDE_LIMIT_PIXELS
            if not fits and getattr(found, "n_frames", 1) == 1:
                return _shrunk(ImageOps.exif_transpose(found))
    except Refusal:
        raise
    except Exception as error:  # decoders raise whatever broken bytes lead them to
        raise _refuse(_NO_PICTURE) from error
    return _encode_anew(content)


def _shrunk(image: Image.Image) -> tuple[str, bytes]:
    for side in SMALLER_SIDES_PIXELS:
        small = image.convert("RGBA")
        small.thumbnail((side, side))
        small.info.clear()
        output = BytesIO()
        small.save(output, format="WEBP", quality=80)
        if output.tell() <= SIZE_LIMIT_BYTES:
            return MEDIA_TYPES["WEBP"], output.getvalue()
    raise _refuse("Hình lớn hơn 300 kB. Hãy thu nhỏ hình rồi gửi lại.")


def _encode_anew(content: bytes) -> tuple[str, bytes]:
    try:
        with Image.open(BytesIO(content), formats=tuple(MEDIA_TYPES)) as found:
            if max(found.size) > SIDE_LIMIT_PIXELS:
                raise _refuse_sides()
            if getattr(found, "n_frames", 1) > 1:
                raise _refuse("Không nhận hình động. Hãy chọn một hình tĩnh.")
            kind = found.format or ""
            upright = ImageOps.exif_transpose(found)
            # A new image takes the pixels along and leaves every other thing behind.
            bare = Image.new(upright.mode, upright.size)
            if upright.mode == "P":
                bare = upright.convert("RGBA")
                bare.info.clear()
            else:
                bare.paste(upright)
    except Refusal:
        raise
    except Image.DecompressionBombError as error:
        raise _refuse_sides() from error
    except Exception as error:  # decoders raise whatever broken bytes lead them to
        raise _refuse(_NO_PICTURE) from error
    output = BytesIO()
    bare.save(output, format=kind, **({"quality": 88} if kind != "PNG" else {"optimize": True}))
    return MEDIA_TYPES[kind], output.getvalue()


def _refuse_sides() -> Refusal:
    return _refuse("Hình dài hơn 2.000 điểm ảnh một cạnh. Hãy thu nhỏ hình rồi gửi lại.")


def _refuse(sentence: str) -> Refusal:
    return Refusal("bad_image", sentence, fields={"image": sentence})
