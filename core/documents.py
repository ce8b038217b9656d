"""How are spreadsheets from outside read without harm, and ours written so that none is done?

Values are read by calamine, which the field uses where openpyxl is too slow: 5,000 rows take
some 0.05 s instead of seconds. It trusts its input (a cell in XFD1048576 makes it reserve
gigabytes), so it never sees a foreign file: every part that matters is first streamed through
expat under limits, and calamine reads a copy that holds those parts only.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any, NoReturn
from xml.parsers import expat

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

from core.clock import local
from core.errors import Refusal
from core.text import clean_lines
from core.text import number as number_shown

MEGABYTE = 1_000_000
# A question bank of 5,000 rows is 1–2 MB; what a person uploads stays far below these.
FILE_LIMIT_BYTES = 10 * MEGABYTE
UNPACKED_LIMIT_BYTES = 64 * MEGABYTE
ENTRY_LIMIT = 1_000
# The parts that we open; with the copy and the values it keeps the whole reading under 64 MB.
PARTS_LIMIT_BYTES = 12 * MEGABYTE
# Deflate reaches 1,032; real spreadsheets stay under 50, very repetitive ones under 200.
RATIO_LIMIT = 250
SMALL_ENTRY_BYTES = MEGABYTE
CHUNK_BYTES = 65_536
SHOWN_ADDRESSES = 5

# Excel's own limits.
CELL_TEXT_LIMIT = 32_767
SHEET_NAME_LIMIT = 31

_ZIP_START = b"PK\x03\x04"
_DIRECTORY_MARK = b"PK\x01\x02"  # begins each entry of a zip directory
_OLE_START = bytes.fromhex("d0cf11e0a1b11ae1")  # .xls, and whatever has a password
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SHEET_ELEMENTS = ("row", "c", "v", "is", "f", "mergeCell")
_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
# What a spreadsheet or CSV reader may take for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Letters that core.text.clean_lines would change; most cells have none, and it is slow.
_UNCLEAN = re.compile(
    "^ | $|  |[^\\S ]|[\u00d0\u0189\u00f0\u0256\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]"
)
_SAVE_AS_XLSX = (
    "Hãy mở bằng Excel, chọn Lưu thành (Save As) loại “Excel Workbook (*.xlsx)” rồi gửi lại."
)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that holds something: its number as Excel shows it, and its cells from column A on."""

    number: int
    cells: tuple[str, ...]


def column_letter(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA: the letter over `SheetRow.cells[index]`."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def read_sheet(content: bytes, *, row_limit: int = 5000, column_limit: int = 60) -> list[SheetRow]:
    """Read the first visible sheet of an XLSX file: one header row and up to `row_limit` rows.

    Cells come as text: dates as dd/mm/yyyy, whole numbers without ".0", NFC, no stray spaces.
    Refuses "bad_file" (no XLSX, macros, password, merged cells, formulas), "too_many_rows" and
    "file_bomb", each with a sentence that says what to do. Takes up to a second: call it in a
    thread.
    """
    _refuse_other_formats(content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _check_directory(archive, row_limit)
            parts = _Parts(archive, row_limit, column_limit)
            copy = parts.checked_copy()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, expat.ExpatError):
        _refuse("Tệp bị hỏng, không đọc được. " + _SAVE_AS_XLSX)
    return [
        SheetRow(number, cells) for number, cells in enumerate(_values(copy), start=1) if any(cells)
    ]


def write_sheet(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    notes: Sequence[str] = (),
) -> bytes:
    """Write an XLSX file; `title` names the sheet, `notes` fill a second one, a line each.

    Text stays text, so telephone numbers keep their zero; no cell starts like a formula. Rows may
    hold text, numbers, dates, instants (shown in Việt Nam's time) and None.
    """
    output = BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True})
    formats = {
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
        "text": book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"}),
        "number": book.add_format({"valign": "top"}),
        "date": book.add_format({"num_format": "dd/mm/yyyy", "valign": "top"}),
        "instant": book.add_format({"num_format": "hh:mm dd/mm/yyyy", "valign": "top"}),
    }
    sheet = book.add_worksheet(_sheet_name(title))
    sheet.freeze_panes(1, 0)
    widths = [len(name) for name in header]
    for column, name in enumerate(header):
        sheet.write_string(0, column, safe_cell(name), formats["head"])
    for row_number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            _write_cell(sheet, row_number, column, value, formats)
            widths[column] = max(widths[column], len(str(value)))
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(max(width + 2, 10), 60))
    if notes:
        explanations = book.add_worksheet("Ghi chú")
        explanations.set_column(0, 0, 110)
        for row_number, note in enumerate(notes):
            explanations.write_string(row_number, 0, safe_cell(note), formats["text"])
    book.close()
    return output.getvalue()


def safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before = + - @ and tab.

    For CSV too. `read_sheet` takes the apostrophe off again.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _refuse(sentence: str, code: str = "bad_file") -> NoReturn:
    raise Refusal(code, sentence)


def _refuse_other_formats(content: bytes) -> None:
    if not content:
        _refuse("Tệp rỗng. Hãy chọn lại tệp .xlsx có dữ liệu.")
    if len(content) > FILE_LIMIT_BYTES:
        _refuse(
            f"Tệp lớn hơn {FILE_LIMIT_BYTES // MEGABYTE} MB. Hãy bỏ hình ảnh và định dạng thừa, "
            "hoặc chia thành nhiều tệp."
        )
    if content.startswith(_OLE_START):
        if _ENCRYPTED in content:
            _refuse("Tệp đang đặt mật khẩu. Hãy bỏ mật khẩu trong Excel rồi gửi lại.")
        _refuse("Đây là tệp Excel kiểu cũ (.xls). " + _SAVE_AS_XLSX)
    if not content.startswith(_ZIP_START):
        _refuse("Đây không phải tệp Excel .xlsx, dù tên tệp có thể ghi như vậy. " + _SAVE_AS_XLSX)
    # Counted in the raw bytes: reading a directory of a hundred thousand entries is itself the harm.
    if content.count(_DIRECTORY_MARK) > ENTRY_LIMIT:
        _refuse(
            f"Tệp nén hơn {number_shown(ENTRY_LIMIT)} phần bên trong, không giống một bảng tính. "
            + _SAVE_AS_XLSX,
            "file_bomb",
        )


def _check_directory(archive: zipfile.ZipFile, row_limit: int) -> None:
    entries = archive.infolist()
    if any(entry.flag_bits & 0x1 for entry in entries):
        _refuse("Tệp đang đặt mật khẩu. Hãy bỏ mật khẩu rồi gửi lại.")
    is_bomb = sum(entry.file_size for entry in entries) > UNPACKED_LIMIT_BYTES or any(
        entry.file_size > max(SMALL_ENTRY_BYTES, RATIO_LIMIT * entry.compress_size)
        for entry in entries
    )
    if is_bomb:
        _refuse_unpacked_size(row_limit)


def _refuse_unpacked_size(row_limit: int) -> NoReturn:
    _refuse(
        "Tệp giải nén ra quá lớn so với một bảng tính thường. Hãy chép riêng phần dữ liệu (không "
        f"quá {number_shown(row_limit)} dòng) sang một tệp .xlsx mới rồi gửi lại.",
        "file_bomb",
    )


class _Parts:
    """The few parts of a spreadsheet that hold values, read under limits."""

    def __init__(self, archive: zipfile.ZipFile, row_limit: int, column_limit: int) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self._row_limit = row_limit
        self._column_limit = column_limit
        self._left_bytes = PARTS_LIMIT_BYTES
        # A cell, its value and their ends are four tags, and a row has few besides.
        self._tag_limit = 5 * (row_limit + 1) * column_limit

    def checked_copy(self) -> BytesIO:
        """A spreadsheet of our own making around the sheet, its texts and its number formats."""
        self._refuse_macros()
        book_name = self._target("", "officeDocument")
        relations = self._relations(book_name)
        sheet_relation, has_dates_from_1904 = self._first_sheet(book_name)
        if sheet_relation not in relations:
            _refuse("Tệp không có trang tính nào. " + _SAVE_AS_XLSX)
        guard = _SheetGuard(self._row_limit, self._column_limit)
        sheet = self._read(relations[sheet_relation][1], guard)
        guard.check()
        copy = BytesIO()
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as fresh:
            fresh.writestr("[Content_Types].xml", _CONTENT_TYPES)
            fresh.writestr("_rels/.rels", _PACKAGE_RELATIONS)
            fresh.writestr("xl/workbook.xml", _WORKBOOK.format(int(has_dates_from_1904)))
            fresh.writestr("xl/_rels/workbook.xml.rels", _BOOK_RELATIONS)
            fresh.writestr("xl/worksheets/sheet1.xml", sheet)
            for kind in ("sharedStrings", "styles"):
                for found, name in relations.values():
                    if found == kind and name in self._names:
                        fresh.writestr(f"xl/{kind}.xml", self._read(name, _Guard()))
                        break
        copy.seek(0)
        return copy

    def _refuse_macros(self) -> None:
        if "mimetype" in self._names:  # OpenDocument
            _refuse("Đây không phải tệp .xlsx mà là tệp OpenDocument. " + _SAVE_AS_XLSX)
        if "[Content_Types].xml" not in self._names:
            _refuse("Đây là tệp nén, không phải tệp Excel .xlsx. " + _SAVE_AS_XLSX)
        types = self._read("[Content_Types].xml", _Guard())
        has_macros = b"macroEnabled" in types or any("vbaProject" in name for name in self._names)
        if has_macros or b"sheet.binary" in types:
            _refuse("Tệp có macro hoặc ở dạng .xlsm, .xlsb. " + _SAVE_AS_XLSX)
        if b"spreadsheetml" not in types:
            _refuse("Tệp này không phải bảng tính Excel. " + _SAVE_AS_XLSX)

    def _relations(self, name: str) -> dict[str, tuple[str, str]]:
        """Relation id → (last word of its type, name of the part)."""
        folder, base = posixpath.split(name)
        listing = posixpath.join(folder, "_rels", f"{base}.rels")
        guard = _Guard(wanted=("Relationship",))
        self._read(listing, guard)
        return {
            found.get("Id", ""): (
                found.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, found.get("Target", ""))).lstrip(
                    "/"
                ),
            )
            for _, found in guard.found
        }

    def _target(self, name: str, kind: str) -> str:
        for found, target in self._relations(name).values():
            if found == kind:
                return target
        _refuse("Tệp này không phải bảng tính Excel. " + _SAVE_AS_XLSX)

    def _first_sheet(self, book_name: str) -> tuple[str, bool]:
        guard = _Guard(wanted=("sheet", "workbookPr"))
        self._read(book_name, guard)
        sheets = [found for name, found in guard.found if name == "sheet"]
        visible = [found for found in sheets if found.get("state", "visible") == "visible"]
        has_dates_from_1904 = any(
            found.get("date1904") in ("1", "true") for name, found in guard.found if name != "sheet"
        )
        relation = next(
            (
                value
                for found in visible[:1]
                for name, value in found.items()
                if name.rpartition(":")[2] == "id"
            ),
            "",
        )
        return relation, has_dates_from_1904

    def _read(self, name: str, guard: _Guard) -> bytes:
        """A part's bytes, having passed the guard; stops reading where a limit is reached."""
        if name not in self._names:
            _refuse("Tệp thiếu phần bên trong, có thể đã hỏng. " + _SAVE_AS_XLSX)
        guard.tag_limit = self._tag_limit
        chunks = []
        # The directory may lie about sizes, so what comes out is counted, too.
        with self._archive.open(name) as part:
            while chunk := part.read(CHUNK_BYTES):
                self._left_bytes -= len(chunk)
                if self._left_bytes < 0:
                    _refuse_unpacked_size(self._row_limit)
                guard.feed(chunk)
                chunks.append(chunk)
        guard.feed(b"", is_last=True)
        return b"".join(chunks)


class _Guard:
    """Refuses XML that carries a DTD (the door to entities) or too many elements."""

    def __init__(self, *, wanted: tuple[str, ...] = ()) -> None:
        self.found: list[tuple[str, dict[str, str]]] = []
        self.tag_limit = 0
        self._wanted = wanted
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        if wanted:  # texts and styles have 100,000 elements that nobody looks at
            self._parser.StartElementHandler = self._start

    def feed(self, chunk: bytes, *, is_last: bool = False) -> None:
        # Counted in the raw bytes: a call of Python for each of four million elements takes seconds.
        self.tag_limit -= chunk.count(b"<")
        if self.tag_limit < 0:
            _refuse(
                "Bảng tính có quá nhiều ô. Hãy chép riêng phần dữ liệu sang một tệp .xlsx mới.",
                "file_bomb",
            )
        self._parser.Parse(chunk, is_last)

    def note(self, name: str, attributes: dict[str, str]) -> None:
        if name in self._wanted:
            self.found.append((name, attributes))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.note(name.rpartition(":")[2] if ":" in name else name, attributes)

    def _refuse_doctype(self, *_: object) -> NoReturn:
        _refuse("Tệp chứa khai báo XML bị cấm (DOCTYPE). " + _SAVE_AS_XLSX)


class _SheetGuard(_Guard):
    """Also refuses a sheet with formulas, merged cells among the data, or too many rows."""

    def __init__(self, row_limit: int, column_limit: int) -> None:
        super().__init__(wanted=_SHEET_ELEMENTS)
        self._row_limit = row_limit
        self._column_limit = column_limit
        self._row = self._column = 0
        self._filled_rows = self._filled_columns = 0
        self._formulas: list[str] = []
        self._errors: list[str] = []
        self._merged: list[str] = []

    def note(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._enter_cell(attributes.get("r"))
            if attributes.get("t") == "e":
                self._errors.append(self._address)
        elif name in ("v", "is"):
            self._fill_cell()
        elif name == "f":
            self._formulas.append(self._address)
        elif name == "row":
            self._row = _position(attributes.get("r"), self._row + 1)
            self._column = 0
        elif name == "mergeCell":
            self._merged.append(attributes.get("ref", ""))

    @property
    def _address(self) -> str:
        return f"{column_letter(self._column - 1)}{self._row}"

    def check(self) -> None:
        if self._formulas:
            _refuse(
                f"Ô {_listed(self._formulas)} chứa công thức. Hãy chép cả bảng, dán lại bằng "
                "“Dán giá trị” (Paste Special → Values) rồi gửi lại."
            )
        if self._errors:
            _refuse(
                f"Ô {_listed(self._errors)} đang báo lỗi (như #N/A, #REF!). Hãy sửa lại ô rồi gửi lại."
            )
        merged = [reference for reference in self._merged if self._is_among_data(reference)]
        if merged:
            _refuse(
                f"Ô {_listed(merged)} đang bị gộp. Hãy bỏ gộp ô (Merge & Center), ghi đủ nội dung "
                "vào từng ô rồi gửi lại."
            )

    def _enter_cell(self, address: str | None) -> None:
        if address is None:
            self._column += 1
            return
        self._column, self._row = _cell_position(address)

    def _fill_cell(self) -> None:
        if self._row > self._row_limit + 1:
            _refuse(
                f"Bảng tính có dữ liệu ở dòng {number_shown(self._row)}, trong khi mỗi tệp chỉ nhận "
                f"{number_shown(self._row_limit)} dòng dưới dòng tiêu đề. Hãy xóa phần thừa hoặc "
                "chia thành nhiều tệp.",
                "too_many_rows",
            )
        if self._column > self._column_limit:
            _refuse(
                f"Ô {self._address} nằm ngoài {self._column_limit} cột "
                "đầu. Hãy xóa các cột thừa rồi gửi lại."
            )
        self._filled_rows = max(self._filled_rows, self._row)
        self._filled_columns = max(self._filled_columns, self._column)

    def _is_among_data(self, reference: str) -> bool:
        column, row = _cell_position(reference.partition(":")[0])
        return row <= self._filled_rows and column <= self._filled_columns


def _cell_position(address: str) -> tuple[int, int]:
    """B7 → (2, 7)"""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        _refuse("Bảng tính có ô mang địa chỉ sai, tệp có thể đã hỏng. " + _SAVE_AS_XLSX)
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return column, int(match[2])


def _position(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,7}", text) else otherwise


def _listed(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:SHOWN_ADDRESSES])
    hidden_count = len(addresses) - SHOWN_ADDRESSES
    return f"{shown} và {number_shown(hidden_count)} ô khác" if hidden_count > 0 else shown


def _values(copy: BytesIO) -> Iterator[tuple[str, ...]]:
    try:
        with CalamineWorkbook.from_filelike(copy) as book:
            rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except CalamineError:
        _refuse("Bảng tính bị hỏng, không đọc được. " + _SAVE_AS_XLSX)
    for row in rows:
        yield tuple(_text(value) for value in row)


def _text(value: object) -> str:
    """A cell's value the way a person sees it."""
    if isinstance(value, str):
        is_clean = unicodedata.is_normalized("NFC", value) and not _UNCLEAN.search(value)
        text = value if is_clean else clean_lines(value)
        return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        # Excel keeps and shows fifteen digits.
        return str(int(value)) if float(value).is_integer() else f"{value:.15g}"
    return _time_text(value)


def _time_text(value: object) -> str:
    match value:
        case datetime():  # a date of its own must come after: every datetime is a date
            nearest = value + timedelta(milliseconds=500)
            is_day = (nearest.hour, nearest.minute) == (0, 0)
            return nearest.strftime("%d/%m/%Y" if is_day else "%d/%m/%Y %H:%M")
        case date():
            return value.strftime("%d/%m/%Y")
        case time():
            return value.strftime("%H:%M")
        case timedelta():
            minutes = round(value.total_seconds() / 60)
            return f"{minutes // 60}:{minutes % 60:02d}"
    return ""


def _sheet_name(title: str) -> str:
    allowed = re.sub(r"[\[\]:*?/\\]", " ", title).strip(" '")
    return allowed[:SHEET_NAME_LIMIT].strip(" '") or "Bảng"


def _write_cell(sheet: Any, row: int, column: int, value: object, formats: dict[str, Any]) -> None:
    match value:
        case None | "":
            pass
        case bool():
            sheet.write_string(row, column, "có" if value else "không", formats["text"])
        case int() | float():
            sheet.write_number(row, column, value, formats["number"])
        case datetime():
            shown = local(value).replace(tzinfo=None) if value.tzinfo else value
            sheet.write_datetime(row, column, shown, formats["instant"])
        case date():
            sheet.write_datetime(row, column, value, formats["date"])
        case _:
            text = safe_cell(str(value))[:CELL_TEXT_LIMIT]
            sheet.write_string(row, column, text, formats["text"])


_OFFICE = "http://schemas.openxmlformats.org"
_RELATION = f"{_OFFICE}/officeDocument/2006/relationships"
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_CONTENT_TYPES = (
    f'<Types xmlns="{_OFFICE}/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_MAIN_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_MAIN_TYPE}.worksheet+xml"/>'
    "</Types>"
)
_PACKAGE_RELATIONS = (
    f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)
_WORKBOOK = (
    f'<workbook xmlns="{_OFFICE}/spreadsheetml/2006/main" xmlns:r="{_RELATION}">'
    '<workbookPr date1904="{}"/>'
    '<sheets><sheet name="1" sheetId="1" r:id="r1"/></sheets></workbook>'
)
_BOOK_RELATIONS = (
    f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_RELATION}/sharedStrings" Target="sharedStrings.xml"/>'
    f'<Relationship Id="r3" Type="{_RELATION}/styles" Target="styles.xml"/>'
    "</Relationships>"
)
