"""How does a picture from outside become a small one to print, and nothing but its pixels?

Called only in a process that may be killed: a picture can unpack to gigabytes.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import Refusal

PIXEL_LIMIT = 25_000_000
_COLOURS = 24  # a seal, a signature and an emblem have few; more would weigh on every certificate
_NO_PICTURE = "Tệp không phải hình PNG, JPEG, WebP hoặc đã hỏng."


def small_png(content: bytes, side_limit: int) -> bytes:
    """The picture with its transparency, at most so many pixels a side; refuses "bad_image"."""
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as opened:
            if opened.width * opened.height > PIXEL_LIMIT or getattr(opened, "n_frames", 1) > 1:
                raise Refusal("bad_image", "Hình lớn quá hoặc là hình động. Hãy chọn hình khác.")
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as fault:
        raise Refusal("bad_image", _NO_PICTURE) from fault
    except Image.DecompressionBombError as fault:
        raise Refusal("bad_image", "Hình lớn quá. Hãy thu nhỏ rồi gửi lại.") from fault
    picture.thumbnail((side_limit, side_limit))
    few = picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).convert("RGBA")
    out = BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()
