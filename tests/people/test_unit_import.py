from __future__ import annotations

from datetime import date

import pytest

from core.documents import read_sheet, write_sheet
from core.errors import Refusal
from people import audit, units
from people.unit_import import COLUMNS, UnitReport, import_units, template

SCIENCE = (
    "SKHCN",
    "Sở Khoa học và Công nghệ",
    "Sở, ban, ngành",
    "T12",
    "Khối sở",
    96,
    date(2026, 1, 1),
    "Sở KH&CN",
)
OFFICE = ("VP", "Văn phòng Sở", "Cơ quan", "SKHCN", "", "", "", "")
SCHOOL = (
    "THCS",
    "Trường THCS Mường Tè",
    "trường",
    "X03445",
    "Khối trường",
    "1.041",
    "01/01/2026",
    "",
)


async def bring(*rows: tuple[object, ...], header: tuple[str, ...] = COLUMNS) -> UnitReport:
    return await import_units(write_sheet("Đơn vị", header, rows), by=None)


async def test_units_come_in_whatever_the_order_of_their_rows(province: None) -> None:
    report = await bring(OFFICE, SCHOOL, SCIENCE)
    assert (report.added_count, report.updated_count, report.faults) == (3, 0, ())
    office = await units.get_unit("VP")
    assert office.parent_name == "Sở Khoa học và Công nghệ"
    school = await units.get_unit("THCS")
    assert await units.headcounts([school.id], on=date(2026, 9, 14)) == {school.id: 1041}
    assert [unit.code for unit in await units.find_units("so kh&cn")] == ["SKHCN"]
    (line,) = await audit.entries("units")
    assert line.detail == {"added": 3, "updated": 0}


async def test_the_same_sheet_again_updates_and_keeps_the_former_name_findable(
    province: None,
) -> None:
    await bring(SCIENCE)
    renamed = ("SKHCN", "Sở Khoa học, Công nghệ và Số hoá", *SCIENCE[2:])
    report = await bring(renamed)
    assert (report.added_count, report.updated_count) == (0, 1)
    (found,) = await units.find_units("khoa hoc va cong nghe")
    assert found.name == "Sở Khoa học, Công nghệ và Số hoá"


async def test_one_bad_row_keeps_every_row_out_and_each_fault_names_its_cell(
    province: None,
) -> None:
    report = await bring(
        SCIENCE,
        ("mã xấu", "", "Hội", "T99", "", "nhiều", "2026-01-01", ""),
        ("SKHCN", "Sở trùng", "Sở", "", "", "", "", ""),
    )
    assert not report.is_imported
    assert [(fault.row, fault.column) for fault in report.faults] == [
        (3, "A"), (3, "B"), (3, "C"), (3, "D"), (3, "F"), (3, "G"), (4, "A"), (4, "D"),
    ]  # fmt: skip
    with pytest.raises(Refusal, match="unknown_unit"):
        await units.get_unit("SKHCN")
    assert await audit.entries("units") == []


async def test_parents_that_wait_for_each_other_are_told(province: None) -> None:
    report = await bring(
        ("A", "Phòng A", "Cơ quan", "B", "", "", "", ""),
        ("B", "Phòng B", "Cơ quan", "A", "", "", "", ""),
    )
    assert [(fault.row, fault.column) for fault in report.faults] == [(2, "D"), (3, "D")]


async def test_a_sheet_does_not_move_a_unit_elsewhere(province: None) -> None:
    await bring(SCHOOL)
    report = await bring((*SCHOOL[:3], "T12", *SCHOOL[4:]))
    assert [(fault.row, fault.column) for fault in report.faults] == [(2, "D")]


async def test_another_table_is_told_by_its_header(province: None) -> None:
    report = await bring(SCIENCE, header=("Câu hỏi", *COLUMNS[1:]))
    assert [(fault.row, fault.column) for fault in report.faults] == [(1, "A")]
    assert not (await bring()).is_imported


async def test_what_is_no_spreadsheet_is_refused(province: None) -> None:
    with pytest.raises(Refusal, match="bad_file"):
        await import_units("Mã;Tên".encode(), by=None)


async def test_the_template_comes_back_as_it_says(province: None) -> None:
    header, *examples = read_sheet(template())
    assert header.cells == COLUMNS
    report = await import_units(template(), by=None)
    assert report.added_count == len(examples) == 2
