"""How do the officials of units come in from a spreadsheet, before any of them has signed in?

A person who is brought in has agreed to nothing: whoever holds the telephone signs in by code,
reads what is asked and decides. Rows that are right come in although others are wrong; the same
file may be sent again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.clock import local_day, now
from core.db import Connection, pool, transaction
from core.documents import SheetRow, column_letter, read_sheet, write_sheet
from core.errors import Refusal
from core.text import clean, fold, number, phone_e164
from people.accounts import DIVISIONS, birth_year_of, is_likely_birth_year, name_fault
from people.audit import record
from people.codes import lock_phone
from people.persons import make_person
from people.unit_lookup import UnitIndex, UnitNamed, unit_index
from people.units import SELECTABLE_KINDS

# Field → the column's name in the template; a file may have them in any order, and others beside.
COLUMNS = {
    "name": "Họ và tên",
    "phone": "Số điện thoại",
    "birth_year": "Năm sinh",
    "unit": "Đơn vị",
    "job_title": "Chức vụ",
    "division": "Bảng dự thi",
}
REQUIRED = ("name", "phone", "birth_year", "unit")
OTHER_NAMES = {
    "ho ten": "name", "dien thoai": "phone", "sdt": "phone", "so dt": "phone",
    "don vi cong tac": "unit", "ma don vi": "unit", "bang": "division", "nam sinh duong lich":
    "birth_year",
}  # fmt: skip
DEFAULT_DIVISION = "can-bo"
LONGEST_JOB_TITLE = 120
# Each row locks its number until the transaction ends; PostgreSQL has room for some thousands.
ROWS_A_TRANSACTION = 200
ROW_LIMIT = 5_000
_FIELDS = {fold(name): key for key, name in COLUMNS.items()} | OTHER_NAMES
_DIVISIONS = {fold(word): code for code, label in DIVISIONS for word in (code, label)} | {
    fold(label.split(",")[0]): code for code, label in DIVISIONS
}
_DATE = re.compile(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4})(?: 00:00)?")


@dataclass(frozen=True)
class CellFault:
    """One wrong cell: where it is, what was typed there, and what to do about it."""

    row: int
    column: str
    column_name: str
    typed: str
    sentence: str


@dataclass(frozen=True)
class Difference:
    """What the file says otherwise than the person's record, which was left as it is."""

    row: int
    full_name: str
    what: str
    kept: str
    typed: str


@dataclass(frozen=True)
class OfficialsReport:
    """What an import did, or would do; `refused` is a sheet of the wrong rows, to mend and resend."""

    row_count: int
    made_count: int
    filled_count: int
    unchanged_count: int
    faults: Sequence[CellFault]
    differences: Sequence[Difference]
    refused: bytes | None
    is_written: bool


@dataclass
class _Line:
    row: SheetRow
    typed: Mapping[str, str]
    name: str = ""
    phone: str = ""
    birth_year: int = 0
    unit: UnitNamed | None = None
    job_title: str = ""
    division: str = ""
    faults: dict[str, str] = field(default_factory=dict)


@dataclass
class _Outcome:
    made: int = 0
    filled: int = 0
    unchanged: int = 0
    differences: list[Difference] = field(default_factory=list)


async def import_officials(
    content: bytes,
    *,
    paths: Sequence[str],
    by: int,
    file_name: str = "",
    is_dry_run: bool = False,
) -> OfficialsReport:
    """Bring officials of the units beneath `paths` in; wrong rows are told and left out.

    A telephone number that has a person keeps that person's record: only what was empty is
    filled, and everything that differs is listed. A file that is no such table is refused.
    """
    rows = await asyncio.to_thread(read_sheet, content, row_limit=ROW_LIMIT)
    places = _places(rows)
    units = await unit_index(paths, on=local_day(now()))
    lines = [_read_line(row, places, units) for row in rows[1:]]
    _blame_repetitions(lines)
    await _blame_people_of_others([each for each in lines if not each.faults], paths)
    good = [each for each in lines if not each.faults]
    total = _Outcome()
    for start in range(0, len(good), ROWS_A_TRANSACTION):
        chunk = sorted(good[start : start + ROWS_A_TRANSACTION], key=lambda line: line.phone)
        await _take_in(chunk, total, by=by, file_name=file_name, is_dry_run=is_dry_run)
    bad = [each for each in lines if each.faults]
    return OfficialsReport(
        row_count=len(lines),
        made_count=total.made,
        filled_count=total.filled,
        unchanged_count=total.unchanged,
        faults=[fault for line in bad for fault in _cell_faults(line, places)],
        differences=sorted(total.differences, key=lambda each: each.row),
        refused=await asyncio.to_thread(_refused_sheet, bad) if bad else None,
        is_written=not is_dry_run,
    )


def template() -> bytes:
    """Return the empty sheet with two examples and notes."""
    return write_sheet(
        "Cán bộ",
        list(COLUMNS.values()),
        [
            ("Lò Thị Mai", "0912 345 678", "1991", "SYT", "Chuyên viên", "can-bo"),
            ("Giàng A Páo", "0987 654 321", "1978", "Xã Mường Tè", "", ""),
        ],
        notes=(
            "Hai dòng dưới tiêu đề là ví dụ: hãy xóa trước khi nhập.",
            "Đơn vị: mã hoặc tên đơn vị trong phạm vi của bạn; tên không cần đúng dấu.",
            "Chức vụ và bảng dự thi có thể để trống; bảng để trống là cán bộ.",
            f"Bảng dự thi: {'; '.join(f'{code} ({label})' for code, label in DIVISIONS)}.",
            "Người có số điện thoại đã đăng ký thì giữ hồ sơ cũ; chỗ khác nhau được liệt kê để bạn xem.",
            "Người được nhập chưa đồng ý điều gì: khi đăng nhập bằng số điện thoại lần đầu, họ đọc và "
            "tự quyết định.",
            f"Mỗi tệp nhận tối đa {number(ROW_LIMIT)} dòng.",
        ),
    )


def _places(rows: Sequence[SheetRow]) -> dict[str, int]:
    header = rows[0].cells if rows else ()
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        key = _FIELDS.get(fold(name))
        if key is not None:
            places.setdefault(key, place)
    if missing := [COLUMNS[key] for key in REQUIRED if key not in places]:
        raise Refusal(
            "wrong_columns",
            f"Dòng đầu của bảng thiếu cột: {', '.join(missing)}. Hãy dùng tệp mẫu.",
        )
    if len(rows) == 1:
        raise Refusal("empty_sheet", "Bảng tính chưa có ai dưới dòng tiêu đề.")
    return places


def _read_line(row: SheetRow, places: Mapping[str, int], units: UnitIndex) -> _Line:
    typed = {
        key: clean(row.cells[place]) for key, place in places.items() if place < len(row.cells)
    }
    line = _Line(row, typed)
    line.name = typed.get("name", "")
    if sentence := name_fault(line.name):
        line.faults["name"] = sentence
    line.phone = phone_e164(typed.get("phone", "")) or ""
    if not line.phone:
        line.faults["phone"] = "Số điện thoại di động gồm 10 chữ số, ví dụ 0912 345 678."
    _read_birth_year(line)
    _read_unit(line, units)
    line.job_title = typed.get("job_title", "")
    if len(line.job_title) > LONGEST_JOB_TITLE:
        line.faults["job_title"] = f"Chức vụ dài quá {LONGEST_JOB_TITLE} ký tự."
    division = typed.get("division", "")
    line.division = _DIVISIONS.get(fold(division), "") if division else DEFAULT_DIVISION
    if not line.division:
        codes = ", ".join(code for code, _ in DIVISIONS)
        line.faults["division"] = f"Bảng dự thi là một trong: {codes}."
    return line


def _read_birth_year(line: _Line) -> None:
    typed = line.typed.get("birth_year", "")
    found = _DATE.fullmatch(typed)
    year = birth_year_of(found[1] if found else typed)
    if year is None or not is_likely_birth_year(year):
        line.faults["birth_year"] = "Năm sinh gồm bốn chữ số, ví dụ 1985."
    else:
        line.birth_year = year


def _read_unit(line: _Line, units: UnitIndex) -> None:
    try:
        line.unit = units.get(line.typed.get("unit", ""))
    except Refusal as refusal:
        line.faults["unit"] = refusal.sentence
        return
    if line.unit.kind not in SELECTABLE_KINDS:
        line.faults["unit"] = "Hãy ghi sở, cơ quan, trường hoặc xã, phường, không ghi cả tỉnh."


def _blame_repetitions(lines: Sequence[_Line]) -> None:
    seen: dict[str, int] = {}
    for line in lines:
        if not line.phone:
            continue
        first = seen.setdefault(line.phone, line.row.number)
        if first != line.row.number:
            line.faults.setdefault("phone", f"Số này đã có ở dòng {first}.")


async def _blame_people_of_others(lines: Sequence[_Line], paths: Sequence[str]) -> None:
    """Whose number is known elsewhere is not told, nor changed from here."""
    rows = await pool().fetch(
        """
        SELECT a.phone, a.is_active, EXISTS (
                   SELECT FROM unnest($2::text[]) top
                   WHERE starts_with(u.path, top) OR (u.path IS NULL AND top ~ '^/[0-9]+/$')
               ) AS is_within
        FROM account a JOIN person p ON p.id = a.person_id LEFT JOIN unit u ON u.id = p.unit_id
        WHERE a.phone = ANY($1)
        """,
        [line.phone for line in lines],
        list(paths),
    )
    known = {row["phone"]: row for row in rows}
    for line in lines:
        found = known.get(line.phone)
        if found is None:
            continue
        if not found["is_active"]:
            line.faults["phone"] = "Số này thuộc một tài khoản đã đóng. Hãy hỏi người quản trị."
        elif not found["is_within"]:
            line.faults["phone"] = (
                "Số này đã đăng ký ở một đơn vị ngoài phạm vi của bạn. Nếu người này mới chuyển đến, "
                "hãy nhờ Ban Tổ chức chuyển đơn vị."
            )


async def _take_in(
    lines: Sequence[_Line], total: _Outcome, *, by: int, file_name: str, is_dry_run: bool
) -> None:
    made, filled = total.made, total.filled
    async with transaction() as connection:
        for line in lines:
            await lock_phone(connection, line.phone)
        rows = await connection.fetch(
            "SELECT a.phone, p.id, p.full_name, p.birth_year, p.unit_id, u.name AS unit_name, "
            "p.job_title, p.division_code FROM account a JOIN person p ON p.id = a.person_id "
            "LEFT JOIN unit u ON u.id = p.unit_id WHERE a.phone = ANY($1) FOR UPDATE OF p",
            [line.phone for line in lines],
        )
        present = {row["phone"]: dict(row) for row in rows}
        for line in lines:
            if line.phone in present:
                await _fill(connection, line, present[line.phone], total, is_dry_run=is_dry_run)
            else:
                total.made += 1
                if not is_dry_run:
                    await _make(connection, line)
        if not is_dry_run and (total.made, total.filled) != (made, filled):
            await record(
                connection,
                by=by,
                action="import_officials",
                subject="people",
                detail={
                    "file": file_name,
                    "made": total.made - made,
                    "filled": total.filled - filled,
                },
            )


async def _make(connection: Connection, line: _Line) -> None:
    person_id = await make_person(
        connection,
        full_name=line.name,
        birth_year=line.birth_year,
        unit_id=line.unit.id if line.unit else None,
        division_code=line.division,
        job_title=line.job_title,
    )
    await connection.execute(
        "INSERT INTO account (person_id, phone, is_active, failed_count, created_at) "
        "VALUES ($1, $2, true, 0, $3)",
        person_id,
        line.phone,
        now(),
    )


async def _fill(
    connection: Connection,
    line: _Line,
    kept: Mapping[str, Any],
    total: _Outcome,
    *,
    is_dry_run: bool,
) -> None:
    """Fill what the record lacks, list what it says otherwise."""
    unit_id, unit_name = (line.unit.id, line.unit.name) if line.unit else (None, "")
    compared = [
        # column, words, in the record, in the file, and both as people read them
        ("full_name", "Họ và tên", kept["full_name"], line.name, kept["full_name"], line.name),
        ("birth_year", "Năm sinh", kept["birth_year"], line.birth_year,
         str(kept["birth_year"]), str(line.birth_year)),
        ("unit_id", "Đơn vị", kept["unit_id"], unit_id, kept["unit_name"] or "", unit_name),
        ("job_title", "Chức vụ", kept["job_title"], line.job_title, kept["job_title"],
         line.job_title),
        ("division_code", "Bảng dự thi", kept["division_code"], line.division,
         kept["division_code"], line.division if line.typed.get("division") else ""),
    ]  # fmt: skip
    empty = {column: typed for column, _, held, typed, *_ in compared if not held and typed}
    total.differences += [
        Difference(line.row.number, kept["full_name"], words, shown, typed_shown)
        for _, words, held, typed, shown, typed_shown in compared
        if held and typed_shown and held != typed
    ]
    if not empty:
        total.unchanged += 1
        return
    total.filled += 1
    if not is_dry_run:
        await connection.execute(
            "UPDATE person SET birth_year = coalesce(birth_year, $2), "
            "unit_id = coalesce(unit_id, $3), "
            "job_title = CASE WHEN job_title = '' THEN $4 ELSE job_title END, "
            "division_code = CASE WHEN division_code = '' THEN $5 ELSE division_code END "
            "WHERE id = $1",
            kept["id"],
            line.birth_year,
            unit_id,
            line.job_title,
            line.division,
        )


def _cell_faults(line: _Line, places: Mapping[str, int]) -> list[CellFault]:
    return [
        CellFault(
            row=line.row.number,
            column=column_letter(places[key]) if key in places else "",
            column_name=COLUMNS[key],
            typed=line.typed.get(key, ""),
            sentence=sentence,
        )
        for key, sentence in sorted(line.faults.items(), key=lambda each: places.get(each[0], 0))
    ]


def _refused_sheet(lines: Sequence[_Line]) -> bytes:
    return write_sheet(
        "Dòng cần sửa",
        [*COLUMNS.values(), "Cần sửa"],
        [
            [
                *(line.typed.get(key, "") for key in COLUMNS),
                " ".join(f"{COLUMNS[key]}: {sentence}" for key, sentence in line.faults.items()),
            ]
            for line in lines
        ],
        notes=("Sửa các ô theo cột “Cần sửa” rồi nhập lại tệp này; cột đó được bỏ qua.",),
    )
