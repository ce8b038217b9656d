"""How does a page that is the same for everybody but for a few words get packed only once?

Deflate is a row of blocks: what stands between the holes is packed beforehand, each piece for itself,
and what fills a hole goes in between as it is (RFC 1951, 3.2.4), with the checksum of the whole at
the end (RFC 1952).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from struct import pack

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_END = b"\x01\x00\x00\xff\xff"  # the last block, empty
_HOLE = re.compile(r"@@(\w+)@@")


class PackedPage:
    """A page whose holes are written `@@name@@`."""

    def __init__(self, html: str) -> None:
        pieces = _HOLE.split(html)
        self._texts = [piece.encode() for piece in pieces[::2]]
        self._packed = [_deflated(text) for text in self._texts]
        self._names = pieces[1::2]

    def filled(self, words: Mapping[str, str]) -> bytes:
        """The page in gzip; the words must be safe in HTML, and fewer than 64 kB each."""
        parts = [_HEAD, self._packed[0]]
        checksum, size = zlib.crc32(self._texts[0]), len(self._texts[0])
        for name, text, packed in zip(self._names, self._texts[1:], self._packed[1:], strict=True):
            word = words[name].encode()
            parts += (pack("<BHH", 0, len(word), len(word) ^ 0xFFFF), word, packed)
            checksum = zlib.crc32(text, zlib.crc32(word, checksum))
            size += len(word) + len(text)
        return b"".join([*parts, _END, pack("<II", checksum, size & 0xFFFFFFFF)])


def _deflated(text: bytes) -> bytes:
    packing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packing.compress(text) + packing.flush(zlib.Z_FULL_FLUSH)
