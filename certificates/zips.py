"""How are ZIP files made that nobody holds as a whole, and strangers' read without trusting a word?

Pure: files come and go as the caller hands them in.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO

from core.errors import Refusal

MOST_FILES = 20_000
LARGEST_FILE_BYTES = 5_000_000  # a certificate of ours has some 50 kB, signed some 70
LARGEST_UNPACKED_BYTES = 2_000_000_000
# zipfile reads the whole directory at once: 20,000 files with long names take some 3 MB.
_LARGEST_READ_BYTES = 4_000_000
# Of others zipfile unpacks as much as it likes at a time.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_IS_ENCRYPTED = 1


class Parcel:
    """The PDF files of a ZIP file, in the order of its directory."""

    def __init__(self, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
        self._archive, self._entries = archive, entries

    def __len__(self) -> int:
        return len(self._entries)

    def name(self, place: int) -> str:
        return PurePosixPath(self._entries[place].filename).name.replace("\0", "")[:100]

    def size(self, place: int) -> int:
        """As declared; what comes out is never more."""
        return self._entries[place].file_size

    def read(self, place: int) -> bytes:
        """One file; refuses "bad_file" with what is wrong with it."""
        entry = self._entries[place]
        if entry.file_size > LARGEST_FILE_BYTES:
            raise Refusal("bad_file", f"Tệp lớn hơn {LARGEST_FILE_BYTES // 1_000_000} MB.")
        if entry.flag_bits & _IS_ENCRYPTED or entry.compress_type not in _METHODS:
            raise Refusal("bad_file", "Tệp nén có mật khẩu hoặc dùng cách nén lạ.")
        try:
            with self._archive.open(entry) as part:
                return part.read(LARGEST_FILE_BYTES)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as fault:
            raise Refusal("bad_file", "Tệp bị hỏng trong gói nén.") from fault


def open_parcel(file: BinaryIO) -> Parcel:
    """Look into a ZIP file; refuses "bad_zip" as a whole what is none, holds no PDF or too much."""
    try:
        archive = zipfile.ZipFile(_Frugal(file))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, OverflowError) as fault:
        raise Refusal(
            "bad_zip",
            "Không mở được tệp nén. Hãy nén các tệp PDF thành một tệp .zip không mật khẩu.",
        ) from fault
    entries = [each for each in archive.infolist() if _is_paper(each)]
    if not entries:
        raise Refusal("bad_zip", "Trong tệp nén không có tệp PDF nào.")
    unpacked = sum(min(each.file_size, LARGEST_FILE_BYTES) for each in entries)
    if len(entries) > MOST_FILES or unpacked > LARGEST_UNPACKED_BYTES:
        raise Refusal("bad_zip", "Tệp nén chứa quá nhiều dữ liệu. Hãy chia thành nhiều tệp .zip.")
    return Parcel(archive, entries)


def _is_paper(entry: zipfile.ZipInfo) -> bool:
    """Whether it is a PDF file by its name; what macOS adds to each file is none."""
    name = PurePosixPath(entry.filename).name.lower()
    return not entry.is_dir() and name.endswith(".pdf") and not name.startswith("._")


class _Frugal(io.RawIOBase):
    """A file of which nobody reads much at once, whatever size a directory claims to have."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = _LARGEST_READ_BYTES + 1
        content = self._file.read(min(size, _LARGEST_READ_BYTES + 1))
        if len(content) > _LARGEST_READ_BYTES:
            msg = "more than a directory of ours would hold"
            raise zipfile.BadZipFile(msg)
        return content


class Passing(io.RawIOBase):
    """A file that forgets what was taken from it; zipfile writes to it without ever going back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        added = bytes(content)  # type: ignore[call-overload]  # zipfile writes bytes
        self._waiting += added
        return len(added)

    def taken(self) -> bytes:
        content = bytes(self._waiting)
        self._waiting.clear()
        return content
