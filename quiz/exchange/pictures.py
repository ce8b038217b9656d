"""How do pictures lie in question files: in base64, of what type, with which words?"""

from __future__ import annotations

import binascii

from quiz.exchange.item import ItemImage

# Far above what the bank takes (300 kB); below it a person is told to make the picture smaller.
PICTURE_LIMIT_BYTES = 5_000_000

LOST_PICTURES = "Câu có nhiều hình; chỉ giữ hình đầu tiên."
LOST_OPTION_PICTURE = "Hình trong phương án {letters} không chuyển được."
LOST_OUTSIDE = "Hình không có trong tệp, không tải từ nơi khác về: {address}"
BROKEN_PICTURE = "Hình trong tệp bị hỏng hoặc quá lớn. Hãy thêm lại hình."

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/svg+xml": "svg",
}
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


def picture(content: bytes, alt: str) -> ItemImage | None:
    """The picture with the type that its bytes tell; None when they are none, or far too many."""
    media_type = next((kind for start, kind in _STARTS if content.startswith(start)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        media_type = "image/webp"
    if b"<svg" in content[:1000]:
        media_type = "image/svg+xml"
    if media_type is None or len(content) > PICTURE_LIMIT_BYTES:
        return None
    return ItemImage(content, media_type, alt)


def picture_from_base64(text: str, alt: str) -> ItemImage | None:
    if len(text) > 2 * PICTURE_LIMIT_BYTES:  # four letters for three bytes, and line breaks
        return None
    try:
        return picture(binascii.a2b_base64(text), alt)
    except ValueError:
        return None


def base64_from(image: ItemImage) -> str:
    return binascii.b2a_base64(image.content, newline=False).decode("ascii")


def file_name_of(image: ItemImage, stem: str) -> str:
    return f"{stem}.{EXTENSIONS.get(image.media_type, 'bin')}"
