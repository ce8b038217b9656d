"""How are spreadsheets from outside read without harm, and ours written so that none is done?

openpyxl reads them, through an archive that hands out only parts that were checked: it has no
limits of its own, and one claim of a file may cost it minutes or gigabytes.
"""

from __future__ import annotations

import math
import re
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import pairwise
from typing import IO, Any, NoReturn

import xlsxwriter
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils import coordinate_to_tuple, get_column_letter

from core.clock import local
from core.errors import Refusal
from core.text import clean_lines
from core.text import number as number_shown

MEGABYTE = 1_000_000
# A question bank of 5,000 rows is 1–2 MB; what a person uploads stays far below these.
FILE_LIMIT_BYTES = 10 * MEGABYTE
UNPACKED_LIMIT_BYTES = 64 * MEGABYTE
ENTRY_LIMIT = 1_000
# Deflate reaches 1,032; real spreadsheets stay under 50, very repetitive ones under 200.
RATIO_LIMIT = 250
SMALL_ENTRY_BYTES = MEGABYTE
CHUNK_BYTES = 65_536
# What openpyxl opens, all parts together. 5,000 questions of 17 different texts each have 680,000
# tags and take it 2–3 s.
PARTS_LIMIT_BYTES = 12 * MEGABYTE
TAG_LIMIT = 800_000
# What it holds in memory at once: a row, a shared text, or all that stands before or after them.
PIECE_LIMIT_BYTES = MEGABYTE
PIECE_TAG_LIMIT = 20_000
# Formatting in one part, fonts inside texts above all: 20–40 µs a tag, where a cell's takes 2–4.
FORMAT_TAG_LIMIT = 50_000
CELL_LIMIT = 1_000_000  # with the empty ones that openpyxl fills in
SHOWN_ADDRESSES = 5

# Excel's own limits.
LAST_ROW = 1_048_576
CELL_TEXT_LIMIT = 32_767
SHEET_NAME_LIMIT = 31

_ZIP_START = b"PK\x03\x04"
_DIRECTORY_MARK = b"PK\x01\x02"  # begins each entry of a zip directory
_OLE_START = bytes.fromhex("d0cf11e0a1b11ae1")  # .xls, and whatever has a password
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# Tags are looked for in the bytes of a part, which is why it must be UTF-8. No pattern can scan
# the same bytes twice: their repetitions stop at the next "<" and never give back.
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)""")
_PREFIX = rb"(?:[^\s<>/:]++:)?"
_PIECE = re.compile(rb"<" + _PREFIX + rb"(?:row|si)[\s/>]")
_FORMAT_TAG = re.compile(rb"<(?!/?" + _PREFIX + rb"(?:row|c|v|is|si|t|r)[\s/>])")
_FORMULA = re.compile(rb"<" + _PREFIX + rb"f[\s/>]")
_FORMULA_CELL = re.compile(rb"<" + _PREFIX + rb"c(\s[^<>]*+)>\s*+<" + _PREFIX + rb"f[\s/>]")
_CELL_ADDRESS = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3}[0-9]{1,7})["']""")
_MERGED = re.compile(rb"<" + _PREFIX + rb"mergeCell(\s[^<>]*+)>")
_AREA = re.compile(rb"""\sref\s*=\s*["']([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})["']""")
# What a spreadsheet or CSV reader may take for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Excel writes control characters, which XML cannot hold, as _x000D_.
_ESCAPED = re.compile("_x00([01][0-9A-Fa-f])_")
_SAVE_AS_XLSX = (
    "Hãy mở bằng Excel, chọn Lưu thành (Save As) loại “Excel Workbook (*.xlsx)” rồi gửi lại."
)

# It warns of each oddity in a stranger's file; Python would keep every such text for good.
warnings.filterwarnings("ignore", module="openpyxl")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that holds something: its number as Excel shows it, and its cells from column A on."""

    number: int
    cells: tuple[str, ...]


def column_letter(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA: the letter over `SheetRow.cells[index]`."""
    return get_column_letter(index + 1)


def read_sheet(content: bytes, *, row_limit: int = 5000, column_limit: int = 60) -> list[SheetRow]:
    """Read the first visible sheet of an XLSX file: one header row and up to `row_limit` rows.

    Cells come as text: dates as dd/mm/yyyy, whole numbers without ".0", NFC, no stray spaces.
    Refuses "bad_file" (no XLSX, macros, password, merged cells, formulas), "too_many_rows" and
    "file_bomb", each with a sentence that says what to do. A full file takes 2–3 s: call it in a
    thread.
    """
    _refuse_other_formats(content)
    try:
        with _CheckedArchive(content) as archive:
            archive.check_directory()
            sheet, xml = _open_first_sheet(content, archive)
            return _read_rows(sheet, xml, row_limit, column_limit)
    except Refusal:
        raise
    except Exception as fault:
        # A rotten file leads zipfile and openpyxl into nearly every exception there is.
        raise Refusal("bad_file", "Tệp bị hỏng, không đọc được. " + _SAVE_AS_XLSX) from fault


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


def _refuse_bomb() -> NoReturn:
    _refuse(
        "Tệp giải nén ra quá lớn, hoặc có quá nhiều ô và định dạng. Hãy chép riêng phần dữ liệu "
        "sang một tệp .xlsx mới rồi gửi lại.",
        "file_bomb",
    )


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


class _CheckedArchive(zipfile.ZipFile):
    """Lets openpyxl open only what was unpacked under limits and looked through."""

    def __init__(self, content: bytes) -> None:
        super().__init__(BytesIO(content))
        self.parts: dict[str, bytes] = {}
        self._left_bytes = PARTS_LIMIT_BYTES
        self._left_tags = TAG_LIMIT

    def check_directory(self) -> None:
        entries = self.infolist()
        if any(entry.flag_bits & 0x1 for entry in entries):
            _refuse("Tệp đang đặt mật khẩu. Hãy bỏ mật khẩu rồi gửi lại.")
        is_bomb = sum(entry.file_size for entry in entries) > UNPACKED_LIMIT_BYTES or any(
            entry.file_size > max(SMALL_ENTRY_BYTES, RATIO_LIMIT * entry.compress_size)
            for entry in entries
        )
        if is_bomb:
            _refuse_bomb()
        if "mimetype" in self.NameToInfo:  # OpenDocument
            _refuse("Đây không phải tệp .xlsx mà là tệp OpenDocument. " + _SAVE_AS_XLSX)
        if "[Content_Types].xml" not in self.NameToInfo:
            _refuse("Đây là tệp nén, không phải tệp Excel .xlsx. " + _SAVE_AS_XLSX)

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
                self._left_tags -= chunk.count(b"<")
                if self._left_bytes < 0 or self._left_tags < 0:
                    _refuse_bomb()
                unpacked.write(chunk)
        xml = unpacked.getvalue()
        _check_xml(xml)
        return xml


def _check_xml(xml: bytes) -> None:
    encoding = _ENCODING.match(xml)
    if b"\0" in xml or (encoding and encoding[1].lower() != b"utf-8"):  # NUL: UTF-16
        _refuse("Tệp không dùng bảng mã UTF-8. " + _SAVE_AS_XLSX)
    if b"<!DOCTYPE" in xml:  # the door to entities
        _refuse("Tệp chứa khai báo XML bị cấm (DOCTYPE). " + _SAVE_AS_XLSX)
    if sum(1 for _ in _FORMAT_TAG.finditer(xml)) > FORMAT_TAG_LIMIT:
        _refuse_bomb()
    starts = [0, *(match.start() for match in _PIECE.finditer(xml)), len(xml)]
    for start, end in pairwise(starts):
        is_long = end - start > PIECE_LIMIT_BYTES
        if is_long or xml.count(b"<", start, end) > PIECE_TAG_LIMIT:
            _refuse_bomb()


def _open_first_sheet(content: bytes, archive: _CheckedArchive) -> tuple[Any, bytes]:
    """The first sheet that people see, as openpyxl's and as it stands in the file."""
    reader = ExcelReader(BytesIO(content), read_only=True, keep_links=False, data_only=True)
    reader.archive = archive
    reader.read_manifest()
    package = reader.package
    types = [each.ContentType or "" for each in (*package.Default, *package.Override)]
    if any("macroEnabled" in each or "vbaProject" in each for each in types):
        _refuse("Tệp có macro hoặc ở dạng .xlsm, .xlsb. " + _SAVE_AS_XLSX)
    if not any("spreadsheetml" in each for each in types):
        _refuse("Tệp này không phải bảng tính Excel. " + _SAVE_AS_XLSX)
    reader.read_workbook()
    name = next(
        (
            relation.target
            for sheet, relation in reader.parser.find_sheets()
            if sheet.state == "visible" and relation.Type.endswith("/worksheet")
        ),
        None,
    )
    if name is None:
        _refuse("Tệp không có trang tính nào. " + _SAVE_AS_XLSX)
    xml = archive.read(name)
    _refuse_formulas(xml)
    reader.valid_files = [name]  # it would open every sheet, chart and picture that it knows of
    reader.read_strings()
    apply_stylesheet(archive, reader.wb)
    # It reads a sheet once only to learn its size, which may be missing or a lie: this one has none.
    archive.parts[name] = b"<worksheet/>"
    reader.read_worksheets()
    archive.parts[name] = xml
    return reader.wb.worksheets[0], xml


def _refuse_formulas(xml: bytes) -> None:
    """Before openpyxl sees them: it would write out a shared formula for each of its cells."""
    if not _FORMULA.search(xml):
        return
    found = (_CELL_ADDRESS.search(match[1]) for match in _FORMULA_CELL.finditer(xml))
    addresses = [match[1].decode() for match in found if match] or ["không rõ"]
    _refuse(
        f"Ô {_listed(addresses)} chứa công thức. Hãy chép cả bảng, dán lại bằng “Dán giá trị” "
        "(Paste Special → Values) rồi gửi lại."
    )


def _read_rows(sheet: Any, xml: bytes, row_limit: int, column_limit: int) -> list[SheetRow]:
    found: list[tuple[int, list[str]]] = []
    errors: list[str] = []
    width = cell_count = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cell_count += len(row)
        if number > LAST_ROW or cell_count > CELL_LIMIT:
            _refuse_bomb()
        cells: list[str] = []
        for column, cell in enumerate(row):
            if cell.value is None:
                continue
            if cell.data_type == "e" or (isinstance(cell.value, float) and math.isinf(cell.value)):
                errors.append(f"{column_letter(column)}{number}")
            elif text := _shown(cell.value):
                _refuse_outside(number, column, row_limit, column_limit)
                cells += [""] * (column - len(cells)) + [text]
        if cells:
            found.append((number, cells))
            width = max(width, len(cells))
    if errors:
        _refuse(f"Ô {_listed(errors)} đang báo lỗi (như #N/A, #REF!). Hãy sửa lại ô rồi gửi lại.")
    _refuse_merged(xml, last_row=found[-1][0] if found else 0, width=width)
    return [SheetRow(number, (*cells, *[""] * (width - len(cells)))) for number, cells in found]


def _refuse_outside(number: int, column: int, row_limit: int, column_limit: int) -> None:
    if number > row_limit + 1:
        _refuse(
            f"Bảng tính có dữ liệu ở dòng {number_shown(number)}, trong khi mỗi tệp chỉ nhận "
            f"{number_shown(row_limit)} dòng dưới dòng tiêu đề. Hãy xóa phần thừa hoặc chia thành "
            "nhiều tệp.",
            "too_many_rows",
        )
    if column >= column_limit:
        _refuse(
            f"Ô {column_letter(column)}{number} nằm ngoài {column_limit} cột đầu. Hãy xóa các cột "
            "thừa rồi gửi lại."
        )


def _refuse_merged(xml: bytes, *, last_row: int, width: int) -> None:
    """From the bytes, since openpyxl does not tell merged cells when it only reads."""
    merged = []
    for match in _MERGED.finditer(xml):
        area = _AREA.search(match[1])
        if area:
            row, column = coordinate_to_tuple(area[1].decode().partition(":")[0])
            if row <= last_row and column <= width:
                merged.append(area[1].decode())
    if merged:
        _refuse(
            f"Ô {_listed(merged)} đang bị gộp. Hãy bỏ gộp ô (Merge & Center), ghi đủ nội dung vào "
            "từng ô rồi gửi lại."
        )


def _listed(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:SHOWN_ADDRESSES])
    hidden_count = len(addresses) - SHOWN_ADDRESSES
    return f"{shown} và {number_shown(hidden_count)} ô khác" if hidden_count > 0 else shown


def _shown(value: object) -> str:
    """A cell's value the way a person sees it."""
    match value:
        case str():
            return _clean(value)
        case float():  # at most fifteen digits, as in Excel
            return str(int(value)) if value.is_integer() else f"{value:.15g}"
        case date():
            has_time = isinstance(value, datetime) and (value.hour, value.minute) != (0, 0)
            return value.strftime("%d/%m/%Y %H:%M" if has_time else "%d/%m/%Y")
        case time():
            return value.strftime("%H:%M")
        case timedelta():
            minutes = round(value.total_seconds() / 60)
            return f"{minutes // 60:02d}:{minutes % 60:02d}"
        case _:
            return str(value).upper()  # True is shown as TRUE


def _clean(text: str) -> str:
    text = clean_lines(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text))
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


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
