"""What of a spreadsheet from outside may openpyxl open?

It has no limits of its own: one claim of a file may cost it minutes or gigabytes.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import IO, Any, NoReturn
from xml.parsers import expat

from openpyxl.xml.constants import SHEET_MAIN_NS

from core.errors import Refusal

UNPACKED_LIMIT_BYTES = 64_000_000
# Deflate reaches 1,032; real spreadsheets stay under 50, very repetitive ones under 200.
RATIO_LIMIT = 250
SMALL_ENTRY_BYTES = 1_000_000
CHUNK_BYTES = 65_536
# What openpyxl opens, all parts together. 5,000 questions of 17 different texts each have 340,000
# elements and take it 2–3 s.
PARTS_LIMIT_BYTES = 12_000_000
ELEMENT_LIMIT = 400_000
# What it holds at once: a row, a shared text, or all that stands before or after them.
PIECE_LIMIT_BYTES = 1_000_000
PIECE_ELEMENT_LIMIT = 20_000
# In one part; fonts inside texts above all. Each takes 20–40 µs, one of a cell 3–6.
FORMAT_ELEMENT_LIMIT = 30_000

SAVE_AS_XLSX = (
    "Hãy mở bằng Excel, chọn Lưu thành (Save As) loại “Excel Workbook (*.xlsx)” rồi gửi lại."
)

_CELL, _FORMULA, _MERGED, _ROW, _TEXT = (
    f"{SHEET_MAIN_NS}}}{name}" for name in ("c", "f", "mergeCell", "row", "si")
)
_DATA = {_CELL, _ROW, _TEXT, *(f"{SHEET_MAIN_NS}}}{name}" for name in ("v", "is", "t", "r"))}
_PIECE_DEPTHS = {_ROW: 3, _TEXT: 2}  # in worksheet, sheetData; in sst


def refuse(sentence: str, code: str = "bad_file") -> NoReturn:
    raise Refusal(code, sentence)


def refuse_bomb() -> NoReturn:
    refuse(
        "Tệp giải nén ra quá lớn, hoặc có quá nhiều ô và định dạng. Hãy chép riêng phần dữ liệu "
        "sang một tệp .xlsx mới rồi gửi lại.",
        "file_bomb",
    )


class CheckedArchive(zipfile.ZipFile):
    """Lets openpyxl open only what was unpacked under limits and looked through."""

    def __init__(self, content: bytes) -> None:
        super().__init__(BytesIO(content))
        self.parts: dict[str, bytes] = {}
        self.inspected: dict[str, _Inspection] = {}
        self._left_bytes = PARTS_LIMIT_BYTES
        self._left_elements = ELEMENT_LIMIT
        self._left_tags = 2 * ELEMENT_LIMIT

    def check_directory(self) -> None:
        entries = self.infolist()
        if any(entry.flag_bits & 0x1 for entry in entries):
            refuse("Tệp đang đặt mật khẩu. Hãy bỏ mật khẩu rồi gửi lại.")
        is_bomb = sum(entry.file_size for entry in entries) > UNPACKED_LIMIT_BYTES or any(
            entry.file_size > max(SMALL_ENTRY_BYTES, RATIO_LIMIT * entry.compress_size)
            for entry in entries
        )
        if is_bomb:
            refuse_bomb()
        if "mimetype" in self.NameToInfo:  # OpenDocument
            refuse("Đây không phải tệp .xlsx mà là tệp OpenDocument. " + SAVE_AS_XLSX)
        if "[Content_Types].xml" not in self.NameToInfo:
            refuse("Đây là tệp nén, không phải tệp Excel .xlsx. " + SAVE_AS_XLSX)

    def open(self, name: Any, *_: Any, **__: Any) -> IO[bytes]:
        if name not in self.parts:
            self.parts[name] = self._unpacked(name)
        return BytesIO(self.parts[name])

    def _unpacked(self, name: str) -> bytes:
        unpacked = BytesIO()
        # The directory may lie about sizes, so what comes out is counted, too.
        with super().open(name) as part:
            while chunk := part.read(CHUNK_BYTES):
                self._left_bytes -= len(chunk)
                self._left_tags -= chunk.count(b"<")  # at once, where expat would take a second
                if self._left_bytes < 0 or self._left_tags < 0:
                    refuse_bomb()
                unpacked.write(chunk)
        xml = unpacked.getvalue()
        self.inspected[name] = _Inspection(xml, self._left_elements)
        self._left_elements -= self.inspected[name].element_count
        return xml


class _Inspection:
    """What a part holds, as told by expat, which openpyxl reads with, too; refuses too much."""

    def __init__(self, xml: bytes, element_limit: int) -> None:
        self.formulas: list[str] = []
        self.merged: list[str] = []
        self.element_count = 0
        self._element_limit = element_limit
        self._depth = self._piece_count = self._piece_start = self._format_count = 0
        self._address = "?"
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        self._parser.Parse(xml, True)
        self._end_piece()

    def _refuse_doctype(self, *_: object) -> NoReturn:
        refuse("Tệp chứa khai báo XML bị cấm (DOCTYPE). " + SAVE_AS_XLSX)

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._piece_count += 1
        if name == _CELL:
            self._address = attributes.get("r", "?")
        elif name == _FORMULA:
            self.formulas.append(self._address)
        elif name not in _DATA:
            self._format_count += 1
            if name == _MERGED:
                self.merged.append(attributes["ref"])

    def _close(self, name: str) -> None:
        if _PIECE_DEPTHS.get(name) == self._depth:
            self._end_piece()
        self._depth -= 1

    def _end_piece(self) -> None:
        position = self._parser.CurrentByteIndex
        self.element_count += self._piece_count
        if (
            position - self._piece_start > PIECE_LIMIT_BYTES
            or self._piece_count > PIECE_ELEMENT_LIMIT
            or self._format_count > FORMAT_ELEMENT_LIMIT
            or self.element_count > self._element_limit
        ):
            refuse_bomb()
        self._piece_start = position
        self._piece_count = 0
