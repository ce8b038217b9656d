"""What does a QR code look like, as a picture of one bit a module?"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from math import isqrt

import zxingcpp

from core.errors import Refusal

# Trying all eight masks for the evenest takes eight times as long as all the rest, and a signed
# payload is as even as dice under any; readers take each.
MASK = 3
_AS_DIGITS = bytes([ord("0")]) + bytes([ord("1")]) * 255  # a module is 0 (dark) or 255


@dataclass(frozen=True, slots=True)
class QrCode:
    """Rows from the top, each padded to whole bytes; a 1 is white. The quiet zone is not in it."""

    side: int
    rows: bytes

    @property
    def row_bytes(self) -> int:
        return (self.side + 7) // 8

    def png(self) -> bytes:
        width = self.row_bytes
        lines = b"".join(
            b"\x00" + self.rows[start : start + width] for start in range(0, len(self.rows), width)
        )
        header = struct.pack(">IIBBBBB", self.side, self.side, 1, 0, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )


def qr_code(text: str) -> QrCode:
    """The code that holds a text, readable with 15 % of it damaged.

    Refuses "does_not_fit" beyond some 2,300 letters.
    """
    try:
        made = zxingcpp.create_barcode(
            text, zxingcpp.BarcodeFormat.QRCode, ec_level="M", data_mask=MASK
        )
    except ValueError as fault:
        raise Refusal("does_not_fit", "Nội dung mã QR dài quá.") from fault
    picture = bytes(made.to_image(scale=1, add_quiet_zones=False))  # type: ignore[call-overload]  # a buffer, which its stub hides
    side = isqrt(len(picture))
    modules = picture.translate(_AS_DIGITS)
    row_bytes = (side + 7) // 8
    padding = b"1" * (row_bytes * 8 - side)
    rows = b"".join(
        int(modules[start : start + side] + padding, 2).to_bytes(row_bytes, "big")
        for start in range(0, side * side, side)
    )
    return QrCode(side, rows)
