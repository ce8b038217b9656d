"""How do a province's departments and schools come in from a spreadsheet?"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.clock import local_day, now
from core.db import Connection, transaction
from core.documents import SheetRow, column_letter, read_sheet, write_sheet
from core.errors import Refusal
from core.text import clean, fold
from people.audit import record
from people.unit_writing import (
    NewUnit,
    check_unit,
    place_units,
    revise_unit,
    write_aliases,
    write_headcount,
)

COLUMNS = (
    "Mã",
    "Tên đơn vị",
    "Loại",
    "Thuộc (mã)",
    "Khối",
    "Số người",
    "Ngày tính số người",
    "Tên khác",
)
KIND_WORDS = {
    "Sở, ban, ngành": "department",
    "Cơ quan": "agency",
    "Trường": "school",
    "Xã, phường": "commune",
}
_KINDS = {
    fold(word): kind for words, kind in KIND_WORDS.items() for word in (words, words.split(",")[0])
}
# Where a fault that `check_unit` names stands in the sheet.
_COLUMN_OF_FIELD = {"ma": 0, "ten": 1, "loai": 2, "khoi": 4, "ten_khac": 7}
_CODE, _NAME, _KIND, _PARENT, _BLOCK, _HEADCOUNT, _COUNTED_ON, _ALIASES = range(len(COLUMNS))


@dataclass(frozen=True)
class CellFault:
    """What is wrong with one cell, by the address that Excel shows."""

    row: int
    column: str
    sentence: str


@dataclass(frozen=True)
class UnitReport:
    """What an import did, or why it did nothing."""

    added_count: int
    updated_count: int
    faults: tuple[CellFault, ...]

    @property
    def is_imported(self) -> bool:
        return not self.faults


@dataclass(frozen=True)
class _Line:
    row: int
    unit: NewUnit
    headcount: int | None
    counted_on: date


class _Faults(list[CellFault]):
    def add(self, row: int, column: int, sentence: str) -> None:
        self.append(CellFault(row, column_letter(column), sentence))


async def import_units(content: bytes, *, by: int | None) -> UnitReport:
    """Add or update the units of an XLSX file, all of them or none.

    A code that is there gets the sheet's name, kind, block, other names and headcount, but keeps
    its place in the tree. Rows may stand in any order; faults are told cell by cell. A file that
    is no spreadsheet is refused.
    """
    rows = await asyncio.to_thread(read_sheet, content)
    faults = _Faults()
    lines = _read_lines(rows, faults)
    async with transaction() as connection:
        present = await _present_units(connection, lines)
        levels = _order(lines, present, faults)
        if faults:
            return UnitReport(0, 0, tuple(sorted(faults, key=lambda f: (f.row, f.column))))
        added_count = 0
        for level in levels:
            added_count += await _write_level(connection, level)
        report = UnitReport(added_count, len(lines) - added_count, ())
        await record(
            connection,
            by=by,
            action="import_units",
            subject="units",
            detail={"added": report.added_count, "updated": report.updated_count},
        )
    return report


def template() -> bytes:
    """Return the empty sheet with two examples and notes."""
    return write_sheet(
        "Đơn vị",
        COLUMNS,
        [
            ("SKHCN", "Sở Khoa học và Công nghệ", "Sở, ban, ngành", "T12", "Khối sở, ban, ngành", 96,
             date(2026, 1, 1), "Sở KH&CN; Sở Thông tin và Truyền thông"),
            ("THCS-MT", "Trường THCS Mường Tè", "Trường", "X03445", "Khối trường học", 41,
             date(2026, 1, 1), ""),
        ],
        notes=(
            "Hai dòng dưới tiêu đề là ví dụ: hãy xóa trước khi nhập.",
            "Mã: chữ không dấu, số, dấu chấm, gạch; không trùng nhau.",
            f"Loại: {'; '.join(KIND_WORDS)}.",
            "Thuộc (mã): mã của đơn vị cấp trên, đã có trong hệ thống hoặc trong tệp này.",
            "Số người và ngày tính số người có thể để trống; ngày viết dạng 01/01/2026.",
            "Tên khác: tên cũ, tên viết tắt, cách nhau bằng dấu chấm phẩy.",
        ),
    )  # fmt: skip


def _read_lines(rows: Sequence[SheetRow], faults: _Faults) -> list[_Line]:
    if not rows:
        faults.add(1, 0, "Tệp không có dòng nào.")
        return []
    header, *body = rows
    for column, name in enumerate(COLUMNS):
        if fold(_cell(header, column)) != fold(name):
            faults.add(header.number, column, f"Tiêu đề cột phải là “{name}”.")
    if faults:
        return []
    if not body:
        faults.add(header.number + 1, 0, "Tệp chưa có đơn vị nào dưới dòng tiêu đề.")
    lines: list[_Line] = []
    seen: dict[str, int] = {}
    for row in body:
        line = _read_line(row, faults)
        if line.unit.code in seen:
            faults.add(row.number, _CODE, f"Mã đã có ở dòng {seen[line.unit.code]}.")
        seen[line.unit.code] = row.number
        lines.append(line)
    return lines


def _read_line(row: SheetRow, faults: _Faults) -> _Line:
    unit = NewUnit(
        code=_cell(row, _CODE),
        name=_cell(row, _NAME),
        kind=_KINDS.get(fold(_cell(row, _KIND)), ""),
        parent_code=_cell(row, _PARENT) or None,
        block=_cell(row, _BLOCK),
        aliases=tuple(filter(None, (clean(name) for name in _cell(row, _ALIASES).split(";")))),
    )
    try:
        check_unit(unit)
    except Refusal as refusal:
        for field, sentence in refusal.fields.items():
            words = f" Hãy dùng: {'; '.join(KIND_WORDS)}." if field == "loai" else ""
            faults.add(row.number, _COLUMN_OF_FIELD[field], sentence + words)
    if unit.parent_code is None:
        faults.add(row.number, _PARENT, "Hãy nhập mã của đơn vị cấp trên.")
    return _Line(
        row=row.number,
        unit=unit,
        headcount=_headcount(row, faults),
        counted_on=_counted_on(row, faults),
    )


def _headcount(row: SheetRow, faults: _Faults) -> int | None:
    typed = _cell(row, _HEADCOUNT)
    if not typed:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.?[0-9]{3})*|[0-9]{1,9}", typed):
        faults.add(row.number, _HEADCOUNT, "Số người phải là số nguyên, ví dụ 120.")
        return None
    return int(typed.replace(".", ""))


def _counted_on(row: SheetRow, faults: _Faults) -> date:
    typed = _cell(row, _COUNTED_ON)
    if typed:
        try:
            return datetime.strptime(typed, "%d/%m/%Y").date()  # noqa: DTZ007 — a day has no zone
        except ValueError:
            faults.add(row.number, _COUNTED_ON, "Ngày phải viết dạng ngày/tháng/năm: 01/01/2026.")
    return local_day(now())


async def _present_units(connection: Connection, lines: Sequence[_Line]) -> dict[str, str | None]:
    """Of all codes that the sheet names, those that are in the tree, each with its parent's."""
    codes = {code for line in lines for code in (line.unit.code, line.unit.parent_code) if code}
    rows = await connection.fetch(
        "SELECT u.code, parent.code AS parent_code FROM unit u "
        "LEFT JOIN unit parent ON parent.id = u.parent_id WHERE u.code = ANY($1)",
        sorted(codes),
    )
    return {row["code"]: row["parent_code"] for row in rows}


def _order(
    lines: Sequence[_Line], present: dict[str, str | None], faults: _Faults
) -> list[list[_Line]]:
    """Sort the lines into levels, each of which finds its parents in the tree or a level before."""
    for line in lines:
        kept = present.get(line.unit.code)
        if line.unit.code in present and kept != line.unit.parent_code:
            sentence = (
                f"Đơn vị này đang thuộc {kept or 'cấp cao nhất'}. Nhập từ tệp không chuyển đơn vị "
                "sang cấp trên khác."
            )
            faults.add(line.row, _PARENT, sentence)
    levels: list[list[_Line]] = []
    placed, waiting = set(present), list(lines)
    while ready := [line for line in waiting if line.unit.parent_code in placed]:
        levels.append(ready)
        ready_codes = {line.unit.code for line in ready}
        waiting = [line for line in waiting if line.unit.code not in ready_codes]
        placed |= ready_codes
    for line in waiting:
        if line.unit.parent_code:
            sentence = (
                f"Chưa có đơn vị mang mã {line.unit.parent_code}, hoặc các đơn vị trong tệp thuộc "
                "lẫn nhau thành vòng."
            )
            faults.add(line.row, _PARENT, sentence)
    return levels


async def _write_level(connection: Connection, level: Sequence[_Line]) -> int:
    added = await place_units(connection, [line.unit for line in level])
    for line in level:
        unit_id = added.get(line.unit.code)
        if unit_id is None:
            unit_id = await revise_unit(connection, line.unit)
            await write_aliases(connection, unit_id, line.unit.aliases)
        if line.headcount is not None:
            await write_headcount(connection, unit_id, line.headcount, line.counted_on)
    return len(added)


def _cell(row: SheetRow, column: int) -> str:
    return clean(row.cells[column]) if column < len(row.cells) else ""
