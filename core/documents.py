"""How are spreadsheets from outside read without harm, and ours written so that none is done?

XLSX is read here with expat, part by part under limits, and not by a library: calamine reserves
what a file claims (`uniqueCount="4294967296"` aborts the whole process), openpyxl takes twice our
second for 5,000 rows and reads far more of the file than the values that we want.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any, NoReturn
from xml.parsers import expat

import xlsxwriter

from core.clock import local
from core.errors import Refusal
from core.text import clean_lines
from core.text import number as number_shown

MEGABYTE = 1_000_000
# A question bank of 5,000 rows is 1–2 MB; what a person uploads stays far below these.
FILE_LIMIT_BYTES = 10 * MEGABYTE
UNPACKED_LIMIT_BYTES = 64 * MEGABYTE
ENTRY_LIMIT = 1_000
# The parts that we open; with the values in them the whole reading stays under 64 MB.
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
_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
# What a spreadsheet or CSV reader may take for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
# Number formats that Excel does not write out (ECMA-376, 18.8.30).
_BUILT_IN_FORMATS = {
    **{str(each): "day" for each in (14, 15, 16, 17, 22, *range(27, 37), *range(50, 59))},
    **{str(each): "time" for each in (18, 19, 20, 21, 45, 47)},
    "46": "elapsed",
}
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
            return _Parts(archive, row_limit, column_limit).rows()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        _refuse_broken()


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
    widths = dict(enumerate(len(name) for name in header))
    for column, name in enumerate(header):
        sheet.write_string(0, column, safe_cell(name), formats["head"])
    for row_number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            _write_cell(sheet, row_number, column, value, formats)
            widths[column] = max(widths.get(column, 0), len(str(value)))
    for column, width in widths.items():
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


def _refuse_broken() -> NoReturn:
    _refuse("Tệp bị hỏng, không đọc được. " + _SAVE_AS_XLSX)


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
    """The few parts of a spreadsheet that hold values."""

    def __init__(self, archive: zipfile.ZipFile, row_limit: int, column_limit: int) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self._row_limit = row_limit
        self._column_limit = column_limit
        self._left_bytes = PARTS_LIMIT_BYTES
        # A cell, its value and their ends are four tags, and a row has few besides.
        self._tag_limit = 5 * (row_limit + 1) * column_limit

    def rows(self) -> list[SheetRow]:
        self._refuse_macros()
        book_name = self._target("", "officeDocument")
        relations = self._relations(book_name)
        book = _BookReader()
        self._read(book_name, book)
        if book.first_sheet not in relations:
            _refuse("Tệp không có trang tính nào. " + _SAVE_AS_XLSX)
        texts, styles = _TextReader(), _StyleReader()
        for kind, name in relations.values():
            if kind == "sharedStrings" and name in self._names:
                self._read(name, texts)
            elif kind == "styles" and name in self._names:
                self._read(name, styles)
        sheet = _SheetReader(
            texts.found,
            styles.formats(),
            date(1904, 1, 1) if book.has_dates_from_1904 else date(1899, 12, 30),
            self._row_limit,
            self._column_limit,
        )
        self._read(relations[book.first_sheet][1], sheet)
        return sheet.checked_rows()

    def _refuse_macros(self) -> None:
        if "mimetype" in self._names:  # OpenDocument
            _refuse("Đây không phải tệp .xlsx mà là tệp OpenDocument. " + _SAVE_AS_XLSX)
        if "[Content_Types].xml" not in self._names:
            _refuse("Đây là tệp nén, không phải tệp Excel .xlsx. " + _SAVE_AS_XLSX)
        listing = _Listing("Override", "Default")
        self._read("[Content_Types].xml", listing)
        types = [found.get("ContentType", "") for found in listing.found]
        if any("macroEnabled" in each or "vbaProject" in each for each in types):
            _refuse("Tệp có macro hoặc ở dạng .xlsm, .xlsb. " + _SAVE_AS_XLSX)
        if not any("spreadsheetml" in each for each in types):
            _refuse("Tệp này không phải bảng tính Excel. " + _SAVE_AS_XLSX)

    def _relations(self, name: str) -> dict[str, tuple[str, str]]:
        """Relation id → (last word of its type, name of the part)."""
        folder, base = posixpath.split(name)
        listing = _Listing("Relationship")
        self._read(posixpath.join(folder, "_rels", f"{base}.rels"), listing)
        return {
            found.get("Id", ""): (
                found.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, found.get("Target", ""))).lstrip(
                    "/"
                ),
            )
            for found in listing.found
        }

    def _target(self, name: str, kind: str) -> str:
        for found, target in self._relations(name).values():
            if found == kind:
                return target
        _refuse("Tệp này không phải bảng tính Excel. " + _SAVE_AS_XLSX)

    def _read(self, name: str, reader: _XmlReader) -> None:
        if name not in self._names:
            _refuse("Tệp thiếu phần bên trong, có thể đã hỏng. " + _SAVE_AS_XLSX)
        left_tags = self._tag_limit
        # The directory may lie about sizes, so what comes out is counted, too. Tags are counted in
        # the raw bytes: a call of Python for each of four million elements would take seconds.
        with self._archive.open(name) as part:
            while chunk := part.read(CHUNK_BYTES):
                self._left_bytes -= len(chunk)
                left_tags -= chunk.count(b"<")
                if self._left_bytes < 0:
                    _refuse_unpacked_size(self._row_limit)
                if left_tags < 0:
                    _refuse(
                        "Bảng tính có quá nhiều ô. Hãy chép riêng phần dữ liệu sang một tệp .xlsx "
                        "mới rồi gửi lại.",
                        "file_bomb",
                    )
                reader.feed(chunk)
        reader.feed(b"", is_last=True)


class _XmlReader:
    """Reads one part as a stream; a DTD, the door to entities, is refused."""

    def __init__(self) -> None:
        self.texts: list[str] = []  # of the innermost element that `keeps_text` was set for
        self.keeps_text = False
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, chunk: bytes, *, is_last: bool = False) -> None:
        try:
            self._parser.Parse(chunk, is_last)
        except (expat.ExpatError, LookupError, ValueError):  # the latter two: unknown encodings
            _refuse_broken()

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; its name comes without a namespace prefix."""

    def closed(self, name: str) -> None:
        """An element ends."""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" not in name:  # a root without a prefix: nor have the elements that we look for
            self._parser.StartElementHandler = self.opened
            self._parser.EndElementHandler = self.closed
        self.opened(name.rpartition(":")[2], attributes)

    def _end(self, name: str) -> None:
        self.closed(name.rpartition(":")[2])

    def _characters(self, text: str) -> None:
        if self.keeps_text:
            self.texts.append(text)

    def _refuse_doctype(self, *_: object) -> NoReturn:
        _refuse("Tệp chứa khai báo XML bị cấm (DOCTYPE). " + _SAVE_AS_XLSX)


class _Listing(_XmlReader):
    """The attributes of all elements of some names."""

    def __init__(self, *wanted: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self._wanted = wanted

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name in self._wanted:
            self.found.append(attributes)


class _BookReader(_XmlReader):
    """Which sheet is the first that people see, and from when days are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.first_sheet = ""  # a relation id
        self.has_dates_from_1904 = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.has_dates_from_1904 = attributes.get("date1904") in ("1", "true")
        elif (
            name == "sheet"
            and not self.first_sheet
            and attributes.get("state", "visible") == "visible"
        ):
            ids = [value for key, value in attributes.items() if key.endswith(":id")]
            self.first_sheet = ids[0] if ids else ""


class _TextReader(_XmlReader):
    """The shared texts, cleaned; phonetic guides are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_phonetic = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 — the reader's signature
        if name == "si":
            self.texts = []
        elif name == "rPh":
            self._is_phonetic = True
        elif name == "t":
            self.keeps_text = not self._is_phonetic

    def closed(self, name: str) -> None:
        if name == "t":
            self.keeps_text = False
        elif name == "rPh":
            self._is_phonetic = False
        elif name == "si":
            self.found.append(_clean("".join(self.texts)))


class _StyleReader(_XmlReader):
    """What the number formats of cells say about time."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[str, str] = {}
        self._format_ids: list[str] = []
        self._section = ""

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("cellXfs", "cellStyleXfs"):
            self._section = name
        elif name == "numFmt":
            self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "xf" and self._section == "cellXfs":
            self._format_ids.append(attributes.get("numFmtId", "0"))

    def formats(self) -> list[str]:
        """For each cell style: "day", "time", "elapsed", or "" for plain numbers."""
        return [
            _BUILT_IN_FORMATS.get(each) or _time_format(self._codes.get(each, ""))
            for each in self._format_ids
        ]


class _SheetReader(_XmlReader):
    """The cells as text; refuses formulas, merged cells among the data, and too many rows."""

    def __init__(
        self,
        texts: Sequence[str],
        formats: Sequence[str],
        first_day: date,
        row_limit: int,
        column_limit: int,
    ) -> None:
        super().__init__()
        self._shared_texts = texts
        self._formats = formats
        self._first_day = first_day
        self._row_limit = row_limit
        self._column_limit = column_limit
        self._row = self._column = self._width = 0
        self._kind = self._style = ""
        self._is_phonetic = False
        self._rows: dict[int, list[str]] = {}
        self._formulas: list[str] = []
        self._errors: list[str] = []
        self._merged: list[str] = []

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("v", "t"):
            self.keeps_text = not self._is_phonetic
        elif name == "c":
            self._open_cell(attributes)
        elif name == "row":
            self._row = _whole(attributes.get("r", self._row + 1))
            self._column = 0
        elif name == "f":
            self._formulas.append(self._address)
        elif name == "rPh":
            self._is_phonetic = True
        elif name == "mergeCell":
            self._merged.append(attributes.get("ref", ""))

    def closed(self, name: str) -> None:
        if name in ("v", "t"):
            self.keeps_text = False
        elif name == "c":
            self._close_cell()
        elif name == "rPh":
            self._is_phonetic = False

    def checked_rows(self) -> list[SheetRow]:
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
        return [
            SheetRow(number, (*cells, *[""] * (self._width - len(cells))))
            for number, cells in sorted(self._rows.items())
        ]

    @property
    def _address(self) -> str:
        return f"{column_letter(self._column - 1)}{self._row}"

    def _open_cell(self, attributes: dict[str, str]) -> None:
        address = attributes.get("r")
        if address is None:
            self._column += 1
        else:
            self._column, self._row = _cell_position(address)
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "")
        self.texts = []

    def _close_cell(self) -> None:
        if not self.texts:
            return
        if self._kind == "e":
            self._errors.append(self._address)
            return
        text = self._value("".join(self.texts))
        if not text:
            return
        if self._row > self._row_limit + 1:
            _refuse(
                f"Bảng tính có dữ liệu ở dòng {number_shown(self._row)}, trong khi mỗi tệp chỉ nhận "
                f"{number_shown(self._row_limit)} dòng dưới dòng tiêu đề. Hãy xóa phần thừa hoặc "
                "chia thành nhiều tệp.",
                "too_many_rows",
            )
        if self._column > self._column_limit:
            _refuse(
                f"Ô {self._address} nằm ngoài {self._column_limit} cột đầu. Hãy xóa các cột thừa "
                "rồi gửi lại."
            )
        cells = self._rows.setdefault(self._row, [])
        cells.extend([""] * (self._column - len(cells)))
        cells[self._column - 1] = text
        self._width = max(self._width, self._column)

    def _value(self, text: str) -> str:
        """The cell's value the way a person sees it."""
        if self._kind == "s":
            index = _whole(text)
            if index >= len(self._shared_texts):
                _refuse_broken()
            return self._shared_texts[index]
        if self._kind in ("str", "inlineStr"):
            return _clean(text)
        if self._kind == "b":
            return "TRUE" if text.strip() == "1" else "FALSE"
        try:
            if self._kind == "d":
                return _instant_shown(datetime.fromisoformat(text.strip()))
            style = _whole(self._style or "0")
            kind = self._formats[style] if style < len(self._formats) else ""
            return _number_shown(float(text), kind, self._first_day)
        except (ValueError, OverflowError):
            _refuse(f"Ô {self._address} có giá trị không đọc được. Hãy gõ lại ô này rồi gửi lại.")

    def _is_among_data(self, reference: str) -> bool:
        column, row = _cell_position(reference.partition(":")[0])
        return row <= max(self._rows, default=0) and column <= self._width


def _whole(text: str | int) -> int:
    """A row number, an index: nothing else may stand there."""
    if isinstance(text, str) and not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        _refuse_broken()
    return int(text)


def _cell_position(address: str) -> tuple[int, int]:
    """B7 → (2, 7)"""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        _refuse_broken()
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return column, int(match[2])


def _listed(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:SHOWN_ADDRESSES])
    hidden_count = len(addresses) - SHOWN_ADDRESSES
    return f"{shown} và {number_shown(hidden_count)} ô khác" if hidden_count > 0 else shown


def _clean(text: str) -> str:
    if "_x" in text:
        text = _ESCAPED.sub(_unescaped, text)
    is_clean = unicodedata.is_normalized("NFC", text) and not _UNCLEAN.search(text)
    text = text if is_clean else clean_lines(text)
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


def _unescaped(match: re.Match[str]) -> str:
    """Excel writes what XML cannot hold as _x000D_; PostgreSQL could not hold most of it either."""
    letter = chr(int(match[1], 16))
    return letter if letter in "\n\r\t" or letter.isprintable() else " "


def _time_format(code: str) -> str:
    if re.search(r"\[[hms]+\]", code, re.IGNORECASE):
        return "elapsed"
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|[\\_*].', "", code).lower()
    if re.search("[dy]", bare):
        return "day"
    return "time" if re.search("[hs]", bare) else ""


def _number_shown(number: float, kind: str, first_day: date) -> str:
    """Days and fractions of days, for cells whose format says so; else at most fifteen digits."""
    minutes = round(number * 24 * 60)
    if kind == "day":
        midnight = datetime(first_day.year, first_day.month, first_day.day)  # noqa: DTZ001 — Excel knows no zones
        return _instant_shown(midnight + timedelta(minutes=minutes))
    if kind:
        hours = minutes // 60 if kind == "elapsed" else minutes // 60 % 24
        return f"{hours:02d}:{minutes % 60:02d}"
    return str(int(number)) if number.is_integer() else f"{number:.15g}"


def _instant_shown(instant: datetime) -> str:
    has_time = (instant.hour, instant.minute) != (0, 0)
    return instant.strftime("%d/%m/%Y %H:%M" if has_time else "%d/%m/%Y")


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
