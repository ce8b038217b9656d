"""Which letters do the bytes of a text file from outside stand for?"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from core.errors import Refusal

# 5,000 questions of 1,000 letters.
TEXT_LIMIT_BYTES = 5_000_000
# Ten lines a question and as many between them; more than one whole cell of Excel.
LINE_LIMIT = 150_000
LONGEST_LINE = 200_000
_MEGABYTE = 1_000_000
_SAMPLE_BYTES = 4_000
# A cut or mistyped letter among many good ones; another alphabet has hardly any good ones.
_GOOD_TO_BAD = 10

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BROKEN = "\N{REPLACEMENT CHARACTER}"
_NO_TEXT = "Không đọc được chữ trong tệp. Hãy lưu lại tệp với bảng mã UTF-8 rồi gửi lại."


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text with plain line breaks, and what was guessed or broken on the way."""

    text: str
    losses: tuple[str, ...] = ()


def decode(content: bytes) -> Decoded:
    """Read bytes as UTF-8, UTF-16, UTF-32 or windows-1258 (older Vietnamese Windows and Excel).

    Refuses "bad_file" (nothing in it, more than 5 MB, no text at all) and "file_bomb" (more lines
    or longer ones than questions have).
    """
    if len(content) > TEXT_LIMIT_BYTES:
        raise Refusal(
            "bad_file",
            f"Tệp văn bản lớn hơn {TEXT_LIMIT_BYTES // _MEGABYTE} MB. Hãy chia thành nhiều tệp.",
        )
    decoded = _decoded(content)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip("\ufeff\0 \n\t"):
        raise Refusal("bad_file", "Tệp rỗng. Hãy chọn lại tệp có câu hỏi.")
    if text.count("\n") > LINE_LIMIT or max(map(len, text.split("\n"))) > LONGEST_LINE:
        raise Refusal(
            "file_bomb",
            "Tệp có quá nhiều dòng hoặc có dòng quá dài, không giống một tệp câu hỏi.",
        )
    return Decoded(text, decoded.losses)


def encoding_of(content: bytes) -> str:
    """The encoding told by a mark at the beginning or by where the zeros are; else UTF-8."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    sample = content[:_SAMPLE_BYTES]
    if b"\0" in sample:
        # Spaces and Latin letters have their zero byte behind them, or before them.
        return "utf-16-le" if sample[1::2].count(0) >= sample[::2].count(0) else "utf-16-be"
    return "utf-8"


def _decoded(content: bytes) -> Decoded:
    encoding = encoding_of(content)
    try:
        return Decoded(content.decode(encoding))
    except UnicodeDecodeError as fault:
        if encoding != "utf-8":
            raise Refusal("bad_file", _NO_TEXT) from fault
    lenient = content.decode("utf-8", "replace")
    bad_count = lenient.count(_BROKEN)
    good_count = sum(letter > "\x7f" for letter in lenient) - bad_count
    if good_count > _GOOD_TO_BAD * bad_count:
        return Decoded(lenient, (f"Tệp có {bad_count} chữ bị hỏng, hiện thành “{_BROKEN}”.",))
    try:
        text = content.decode("cp1258")
    except UnicodeDecodeError as fault:
        raise Refusal("bad_file", _NO_TEXT) from fault
    return Decoded(
        text,
        (
            "Tệp không dùng bảng mã UTF-8; đã đọc theo bảng mã Windows-1258. Hãy xem kỹ dấu tiếng "
            "Việt trong từng câu.",
        ),
    )
