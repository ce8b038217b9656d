"""How are spreadsheets from outside read without harm, and ours written so that none is done?

openpyxl reads them, through `core.sheet_archive`, which hands out only parts that were checked.
"""

from __future__ import annotations

import csv
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils import coordinate_to_tuple, get_column_letter

from core.clock import local
from core.errors import Refusal
from core.office_archive import refuse, refuse_bomb, refuse_other_formats
from core.sheet_archive import SPREADSHEET, CheckedArchive
from core.text import clean_lines
from core.text import number as number_shown

CELL_LIMIT = 1_000_000  # with the empty ones that openpyxl fills in
SHOWN_ADDRESSES = 5

# Excel's own limits.
LAST_ROW = 1_048_576
CELL_TEXT_LIMIT = 32_767
SHEET_NAME_LIMIT = 31

# What a spreadsheet or CSV reader may take for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Excel writes control characters, which XML cannot hold, as _x000D_.
_ESCAPED = re.compile("_x00([01][0-9A-Fa-f])_")

# openpyxl warns of each oddity in a stranger's file; Python would keep every such text for good.
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
    refuse_other_formats(content, SPREADSHEET)
    try:
        with CheckedArchive(content) as archive:
            archive.check_directory()
            sheet, merged = _open_first_sheet(content, archive)
            return _read_rows(sheet, merged, row_limit, column_limit)
    except Refusal:
        raise
    except Exception as fault:
        # A rotten file leads zipfile and openpyxl into nearly every exception there is.
        raise Refusal("bad_file", "Tệp bị hỏng, không đọc được. " + SPREADSHEET.save_as) from fault


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


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Write a CSV file that Excel opens rightly: UTF-8 with a byte order mark, CRLF, no formula."""
    output = StringIO()
    writer = csv.writer(output)
    for row in (header, *rows):
        writer.writerow([safe_cell(_csv_text(value)) for value in row])
    return output.getvalue().encode("utf-8-sig")


def safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before = + - @ and tab.

    For CSV too. `read_sheet` takes the apostrophe off again.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_text(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo:
        value = local(value)
    return "" if value is None else _shown(value)


def _open_first_sheet(content: bytes, archive: CheckedArchive) -> tuple[Any, list[str]]:
    """The first sheet that people see, and its merged areas: openpyxl does not tell these."""
    reader = ExcelReader(BytesIO(content), read_only=True, keep_links=False, data_only=True)
    reader.archive = archive
    reader.read_manifest()
    package = reader.package
    types = [each.ContentType or "" for each in (*package.Default, *package.Override)]
    if any("macroEnabled" in each or "vbaProject" in each for each in types):
        refuse("Tệp có macro hoặc ở dạng .xlsm, .xlsb. " + SPREADSHEET.save_as)
    if not any("spreadsheetml" in each for each in types):
        refuse("Tệp này không phải bảng tính Excel. " + SPREADSHEET.save_as)
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
        refuse("Tệp không có trang tính nào. " + SPREADSHEET.save_as)
    xml = archive.read(name)
    inspected = archive.inspected[name]
    if inspected.formulas:
        refuse(
            f"Ô {_listed(inspected.formulas)} chứa công thức. Hãy chép cả bảng, dán lại bằng “Dán "
            "giá trị” (Paste Special → Values) rồi gửi lại."
        )
    reader.valid_files = [name]  # it would open every sheet, chart and picture that it knows of
    reader.read_strings()
    apply_stylesheet(archive, reader.wb)
    # It reads a sheet once only to learn its size, which may be missing or a lie: this one has none.
    archive.parts[name] = b"<worksheet/>"
    reader.read_worksheets()
    archive.parts[name] = xml
    return reader.wb.worksheets[0], inspected.merged


def _read_rows(
    sheet: Any, merged: Sequence[str], row_limit: int, column_limit: int
) -> list[SheetRow]:
    found: list[tuple[int, list[str]]] = []
    errors: list[str] = []
    width = cell_count = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cell_count += len(row)
        if number > LAST_ROW or cell_count > CELL_LIMIT:
            refuse_bomb(SPREADSHEET)
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
        refuse(f"Ô {_listed(errors)} đang báo lỗi (như #N/A, #REF!). Hãy sửa lại ô rồi gửi lại.")
    last_row = found[-1][0] if found else 0
    if among_data := [area for area in merged if _starts_within(area, last_row, width)]:
        refuse(
            f"Ô {_listed(among_data)} đang bị gộp. Hãy bỏ gộp ô (Merge & Center), ghi đủ nội dung "
            "vào từng ô rồi gửi lại."
        )
    return [SheetRow(number, (*cells, *[""] * (width - len(cells)))) for number, cells in found]


def _refuse_outside(number: int, column: int, row_limit: int, column_limit: int) -> None:
    if number > row_limit + 1:
        refuse(
            f"Bảng tính có dữ liệu ở dòng {number_shown(number)}, trong khi mỗi tệp chỉ nhận "
            f"{number_shown(row_limit)} dòng dưới dòng tiêu đề. Hãy xóa phần thừa hoặc chia thành "
            "nhiều tệp.",
            "too_many_rows",
        )
    if column >= column_limit:
        refuse(
            f"Ô {column_letter(column)}{number} nằm ngoài {column_limit} cột đầu. Hãy xóa các cột "
            "thừa rồi gửi lại."
        )


def _starts_within(area: str, last_row: int, width: int) -> bool:
    row, column = coordinate_to_tuple(area.partition(":")[0])
    return row <= last_row and column <= width


def _listed(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:SHOWN_ADDRESSES])
    hidden_count = len(addresses) - SHOWN_ADDRESSES
    return f"{shown} và {number_shown(hidden_count)} ô khác" if hidden_count > 0 else shown


def _shown(value: object) -> str:
    """A cell's value the way a person sees it."""
    match value:
        case str():
            return cell_text(value)
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


def cell_text(text: str) -> str:
    """A cell's text without what only guards or encodes it: the apostrophe of `safe_cell`, _x000D_."""
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
