"""What of an Office file from outside, a zip of XML, may be opened at all?

zipfile and the libraries above it have no limits of their own: one claim of a file may cost them
minutes or gigabytes.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, NoReturn

from core.errors import Refusal

MEGABYTE = 1_000_000
# What a person uploads stays far below: a bank of 5,000 rows is 1–2 MB, 500 pages of text 1 MB.
FILE_LIMIT_BYTES = 10 * MEGABYTE
ENTRY_LIMIT = 1_000
UNPACKED_LIMIT_BYTES = 64 * MEGABYTE
# Deflate reaches 1,032; real files stay under 50, very repetitive ones under 200.
RATIO_LIMIT = 250
SMALL_ENTRY_BYTES = MEGABYTE
CHUNK_BYTES = 65_536

_ZIP_START = b"PK\x03\x04"
DIRECTORY_MARK = b"PK\x01\x02"  # begins each entry of a zip directory
_OLE_START = bytes.fromhex("d0cf11e0a1b11ae1")  # .xls, .doc, and whatever has a password
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class OfficeKind:
    """A kind of Office file: its words for people, and how much of it is read."""

    program: str  # Excel
    extension: str  # .xlsx
    old: str  # tệp Excel kiểu cũ (.xls)
    save_as: str  # what to do to get the right kind
    contents: str  # what too large a file holds too much of
    excerpt: str  # what to copy into a new file
    other_package: str  # what another kind of package is not
    parts_limit_bytes: int  # of XML, all opened parts together
    element_limit: int


def refuse(sentence: str, code: str = "bad_file") -> NoReturn:
    raise Refusal(code, sentence)


def refuse_bomb(kind: OfficeKind) -> NoReturn:
    refuse(
        f"Tệp giải nén ra quá lớn, hoặc có quá nhiều {kind.contents}. Hãy chép riêng "
        f"{kind.excerpt} sang một tệp {kind.extension} mới rồi gửi lại.",
        "file_bomb",
    )


def refuse_other_formats(content: bytes, kind: OfficeKind) -> None:
    """Refuse what its first bytes tell to be no such file, without opening it."""
    if not content:
        refuse(f"Tệp rỗng. Hãy chọn lại tệp {kind.extension} có dữ liệu.")
    if len(content) > FILE_LIMIT_BYTES:
        refuse(
            f"Tệp lớn hơn {FILE_LIMIT_BYTES // MEGABYTE} MB. Hãy bỏ hình ảnh và định dạng thừa, "
            "hoặc chia thành nhiều tệp."
        )
    if content.startswith(_OLE_START):
        if _ENCRYPTED in content:
            refuse(
                f"Tệp đang đặt mật khẩu. Hãy bỏ mật khẩu trong {kind.program} rồi gửi lại.",
            )
        refuse(f"Đây là {kind.old}. {kind.save_as}")
    if not content.startswith(_ZIP_START):
        refuse(
            f"Đây không phải tệp {kind.program} {kind.extension}, dù tên tệp có thể ghi như vậy. "
            + kind.save_as
        )
    # Counted in the raw bytes: reading a directory of a hundred thousand entries is itself the harm.
    if content.count(DIRECTORY_MARK) > ENTRY_LIMIT:
        refuse(
            f"Tệp có cấu trúc lạ, không giống {kind.other_package}. Hãy chép dữ liệu sang một tệp "
            f"{kind.extension} mới rồi gửi lại.",
            "file_bomb",
        )


class OfficeArchive(zipfile.ZipFile):
    """Hands out only what was unpacked under limits and looked through."""

    def __init__(self, content: bytes, kind: OfficeKind) -> None:
        super().__init__(BytesIO(content))
        self.kind = kind
        self.parts: dict[str, bytes] = {}
        self.left_elements = kind.element_limit
        self._left_bytes = kind.parts_limit_bytes
        self._left_tags = 2 * kind.element_limit

    def check_entries(self) -> None:
        """Refuse passwords and entries that claim to unpack to more than real ones do."""
        entries = self.infolist()
        if any(entry.flag_bits & 0x1 for entry in entries):
            refuse("Tệp đang đặt mật khẩu. Hãy bỏ mật khẩu rồi gửi lại.")
        is_bomb = sum(entry.file_size for entry in entries) > UNPACKED_LIMIT_BYTES or any(
            entry.file_size > max(SMALL_ENTRY_BYTES, RATIO_LIMIT * entry.compress_size)
            for entry in entries
        )
        if is_bomb:
            refuse_bomb(self.kind)

    def check_directory(self) -> None:
        self.check_entries()
        kind = self.kind
        if "mimetype" in self.NameToInfo:  # OpenDocument
            refuse(f"Đây không phải tệp {kind.extension} mà là tệp OpenDocument. {kind.save_as}")
        if "[Content_Types].xml" not in self.NameToInfo:
            refuse(
                f"Đây là tệp nén, không phải tệp {kind.program} {kind.extension}. {kind.save_as}"
            )

    def open(self, name: Any, *_: Any, **__: Any) -> IO[bytes]:
        if name not in self.parts:
            self.parts[name] = self._unpacked(name)
        return BytesIO(self.parts[name])

    def picture(self, name: str, limit_bytes: int) -> bytes | None:
        """The bytes of a part that is no XML; None when they are more than the limit."""
        unpacked = BytesIO()
        with super().open(name) as part:
            while chunk := part.read(CHUNK_BYTES):
                if unpacked.tell() + len(chunk) > limit_bytes:
                    return None
                unpacked.write(chunk)
        return unpacked.getvalue()

    def inspect(self, name: str, xml: bytes) -> int:
        """Refuse a part that would do harm; return how many elements it has."""
        raise NotImplementedError

    def refuse_doctype(self, *_: object) -> NoReturn:
        refuse("Tệp chứa khai báo XML bị cấm (DOCTYPE). " + self.kind.save_as)

    def _unpacked(self, name: str) -> bytes:
        unpacked = BytesIO()
        # The directory may lie about sizes, so what comes out is counted, too.
        with super().open(name) as part:
            while chunk := part.read(CHUNK_BYTES):
                self._left_bytes -= len(chunk)
                self._left_tags -= chunk.count(b"<")  # at once, where expat would take a second
                if self._left_bytes < 0 or self._left_tags < 0:
                    refuse_bomb(self.kind)
                unpacked.write(chunk)
        xml = unpacked.getvalue()
        self.left_elements -= self.inspect(name, xml)
        return xml
