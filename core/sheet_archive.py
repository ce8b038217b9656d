"""What of a spreadsheet from outside may openpyxl open?"""

from __future__ import annotations

from xml.parsers import expat

from openpyxl.xml.constants import SHEET_MAIN_NS

from core.office_archive import OfficeArchive, OfficeKind, refuse_bomb

# What openpyxl holds at once: a row, a shared text, or all that stands before or after them.
PIECE_LIMIT_BYTES = 1_000_000
PIECE_ELEMENT_LIMIT = 20_000
# In one part; fonts inside texts above all. Each takes 20–40 µs, one of a cell 3–6.
FORMAT_ELEMENT_LIMIT = 30_000

SPREADSHEET = OfficeKind(
    program="Excel",
    extension=".xlsx",
    old="tệp Excel kiểu cũ (.xls)",
    save_as="Hãy mở bằng Excel, chọn Lưu thành (Save As) loại “Excel Workbook (*.xlsx)” rồi gửi "
    "lại.",
    contents="ô và định dạng",
    excerpt="phần dữ liệu",
    other_package="một bảng tính",
    # 5,000 questions of 17 different texts each have 340,000 elements and take openpyxl 2–3 s.
    parts_limit_bytes=12_000_000,
    element_limit=400_000,
)

_CELL, _FORMULA, _MERGED, _ROW, _TEXT = (
    f"{SHEET_MAIN_NS}}}{name}" for name in ("c", "f", "mergeCell", "row", "si")
)
_DATA = {_CELL, _ROW, _TEXT, *(f"{SHEET_MAIN_NS}}}{name}" for name in ("v", "is", "t", "r"))}
_PIECE_DEPTHS = {_ROW: 3, _TEXT: 2}  # in worksheet, sheetData; in sst


class CheckedArchive(OfficeArchive):
    """Lets openpyxl open only what was unpacked under limits and looked through."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content, SPREADSHEET)
        self.inspected: dict[str, _Inspection] = {}

    def inspect(self, name: str, xml: bytes) -> int:
        self.inspected[name] = _Inspection(xml, self)
        return self.inspected[name].element_count


class _Inspection:
    """What a part holds, as told by expat, which openpyxl reads with, too; refuses too much."""

    def __init__(self, xml: bytes, archive: OfficeArchive) -> None:
        self.formulas: list[str] = []
        self.merged: list[str] = []
        self.element_count = 0
        self._element_limit = archive.left_elements
        self._depth = self._piece_count = self._piece_start = self._format_count = 0
        self._address = "?"
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.StartDoctypeDeclHandler = archive.refuse_doctype
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        self._parser.Parse(xml, True)
        self._end_piece()

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
            refuse_bomb(SPREADSHEET)
        self._piece_start = position
        self._piece_count = 0
