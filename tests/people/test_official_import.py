from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import openpyxl
import pytest

from core import db
from core.documents import read_sheet, write_sheet
from core.errors import Refusal
from people import audit, codes
from people.accounts import begin_sign_in, finish_with_code, make_staff
from people.consents import consents_of
from people.official_import import COLUMNS, OfficialsReport, import_officials, template
from people.persons import PeopleFilter, find_persons
from people.unit_writing import add_unit

HEADER = list(COLUMNS.values())
MAI = ("Lò Thị Mai", "0912 345 678", "1991", "SYT", "Chuyên viên", "can-bo")
PAO = ("Giàng A Páo", "0987654321", "1978", "xa muong te", "", "")


@pytest.fixture(autouse=True)
async def alice(province: None) -> int:
    await add_unit(code="SYT", name="Sở Y tế", kind="department", parent_code="T12",
                   aliases=("Sở YT",))  # fmt: skip
    return await make_staff(username="alice", password="rừng xanh", full_name="Alice")


def sheet(*rows: Sequence[object], header: Sequence[str] = HEADER) -> bytes:
    return write_sheet("Cán bộ", header, rows)


async def bring(
    *rows: Sequence[object], paths: Sequence[str] = ("/1/",), dry: bool = False
) -> OfficialsReport:
    return await import_officials(sheet(*rows), paths=paths, by=1, is_dry_run=dry)


async def names() -> list[str]:
    found = await find_persons(PeopleFilter(has_unitless=False))
    return [each.full_name for each in found]


async def test_right_rows_come_in_with_unit_title_and_division() -> None:
    report = await bring(MAI, PAO)
    assert (report.made_count, report.faults, report.refused) == (2, [], None)
    assert await names() == ["Lò Thị Mai", "Giàng A Páo"]
    mai, pao = await find_persons(PeopleFilter(has_unitless=False))
    assert (mai.unit_name, mai.job_title, mai.phone) == ("Sở Y tế", "Chuyên viên", "+84912345678")
    assert (pao.unit_name, pao.division_code, pao.birth_year) == ("Xã Mường Tè", "can-bo", 1978)
    (line,) = await audit.entries("people")
    assert (line.action, line.detail["made"]) == ("import_officials", 2)


async def test_who_was_brought_in_has_agreed_to_nothing_and_signs_in_by_telephone() -> None:
    await bring(MAI)
    code_id = await begin_sign_in("0912345678", asked_from="")
    await codes.draw_code(code_id, demo=True)
    signed_in = await finish_with_code(code_id, "000000", browser="")
    assert signed_in.shown_name == "Lò Thị Mai"
    assert await consents_of(signed_in.person_id) == []


async def test_the_same_file_twice_changes_nothing() -> None:
    await bring(MAI, PAO)
    again = await bring(MAI, PAO)
    assert (again.made_count, again.unchanged_count, again.differences) == (0, 2, [])
    assert len(await names()) == 2
    assert len(await audit.entries("people")) == 1


async def test_a_dry_run_tells_the_same_and_writes_nothing() -> None:
    report = await bring(MAI, ("", "", "", "", "", ""), (*PAO[:3], "không có", "", ""), dry=True)
    assert (report.made_count, len(report.faults), report.is_written) == (1, 1, False)
    assert await names() == []
    assert await audit.entries("people") == []


async def test_a_known_number_keeps_its_record_and_differences_are_listed() -> None:
    await bring(MAI)
    await db.pool().execute("UPDATE person SET job_title = '' WHERE full_name = 'Lò Thị Mai'")
    other = ("Lò Thị Mải", "84912345678", "1992", "Xã Mường Tè", "Phó phòng", "nguoi-dan")
    report = await bring(other)
    assert (report.made_count, report.filled_count) == (0, 1)
    assert [(each.what, each.kept, each.typed) for each in report.differences] == [
        ("Họ và tên", "Lò Thị Mai", "Lò Thị Mải"),
        ("Năm sinh", "1991", "1992"),
        ("Đơn vị", "Sở Y tế", "Xã Mường Tè"),
        ("Bảng dự thi", "can-bo", "nguoi-dan"),
    ]
    (kept,) = await find_persons(PeopleFilter(has_unitless=False))
    assert (kept.full_name, kept.unit_name, kept.job_title) == (
        "Lò Thị Mai", "Sở Y tế", "Phó phòng",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({0: "12345"}, "A", "họ và tên"),
        ({1: "0212 345 678"}, "B", "10 chữ số"),
        ({1: ""}, "B", "10 chữ số"),
        ({2: "91"}, "C", "bốn chữ số"),
        ({2: "1800"}, "C", "bốn chữ số"),
        ({3: "T12"}, "D", "không ghi cả tỉnh"),
        ({3: "Sở Không Có"}, "D", "Không có đơn vị này"),
        ({3: ""}, "D", "mã hoặc tên đơn vị"),
        ({4: "x" * 121}, "E", "dài quá"),
        ({5: "khác"}, "F", "can-bo"),
    ],
)
async def test_a_wrong_cell_is_told_with_what_was_typed_and_the_rest_comes_in(
    changes: dict[int, str], column: str, words: str
) -> None:
    wrong = [changes.get(place, value) for place, value in enumerate(MAI)]
    report = await bring(wrong, PAO)
    (fault,) = report.faults
    assert (fault.row, fault.column) == (2, column)
    assert fault.typed == next(iter(changes.values()))
    assert words in fault.sentence
    assert await names() == ["Giàng A Páo"]


async def test_the_wrong_rows_come_back_as_a_sheet_to_mend_and_send_again() -> None:
    report = await bring(MAI, ("Vàng A Sử", "091", "19999", "SYT", "", ""), PAO)
    assert report.refused is not None
    header, row = read_sheet(report.refused)
    assert header.cells == (*HEADER, "Cần sửa")
    assert row.cells[:4] == ("Vàng A Sử", "091", "19999", "SYT")
    assert "Số điện thoại:" in row.cells[6]
    assert "Năm sinh:" in row.cells[6]
    mended = [*row.cells]
    mended[1:3] = ["0911111111", "1999"]
    again = await import_officials(sheet(mended, header=header.cells), paths=["/1/"], by=1)
    assert again.made_count == 1


async def test_real_lists_have_other_columns_old_numbers_dates_and_figures() -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["STT", "HỌ TÊN", "Ghi chú", "Đơn vị công tác", "SĐT", "Năm sinh"])
    page.append([1, "LÒ THỊ MAI ", None, "so yt", 912345678, 1991])
    page.append(
        [2, "Nguye\u0302\u0303n Va\u0306n \u00d0\u1ea1t", "x", "SYT", "01682345678", "05/09/1980"]
    )
    page.append([None, None, None, None, None, None])
    page.append([3, "H'Hen Niê", None, "Sở Y tế", "'+84 (91) 222.3334", "1988"])
    output = BytesIO()
    book.save(output)
    report = await import_officials(output.getvalue(), paths=["/1/"], by=1)
    assert [fault.sentence for fault in report.faults] == []
    assert sorted(await names()) == ["H'Hen Niê", "LÒ THỊ MAI", "Nguyễn Văn Đạt"]
    phones = {each.phone for each in await find_persons(PeopleFilter(has_unitless=False))}
    assert phones == {"+84912345678", "+84382345678", "+84912223334"}


async def test_a_number_stands_in_a_file_once() -> None:
    report = await bring(MAI, ("Kẻ Khác", "+84 912 345 678", "1980", "SYT", "", ""))
    assert [(each.row, each.sentence) for each in report.faults] == [(3, "Số này đã có ở dòng 2.")]
    assert await names() == ["Lò Thị Mai"]


async def test_a_focal_point_brings_in_only_people_of_the_own_unit() -> None:
    await bring(PAO)
    path = await db.pool().fetchval("SELECT path FROM unit WHERE code = 'SYT'")
    report = await bring(MAI, PAO, ("Vàng A Sử", *PAO[1:3], "SYT", "", ""), paths=[path])
    assert report.made_count == 1
    # Whose number it is, and where, is not told.
    assert [(each.column, each.row) for each in report.faults] == [("D", 3), ("B", 4)]
    assert "Páo" not in " ".join(each.sentence for each in report.faults)


async def test_units_of_the_same_name_are_told_apart_by_code() -> None:
    for code, parent in (("VP-1", "SYT"), ("VP-2", "X03445")):
        await add_unit(code=code, name="Văn phòng", kind="agency", parent_code=parent)
    report = await bring((*MAI[:3], "văn phòng", "", ""))
    assert "Có 2 đơn vị cùng tên" in report.faults[0].sentence
    assert "VP-1" in report.faults[0].sentence
    assert (await bring((*MAI[:3], "vp-2", "", ""))).made_count == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a,b\n", "bad_file"),
        (write_sheet("x", ["Họ và tên", "Năm sinh"], [["a", "b"]]), "wrong_columns"),
        (write_sheet("x", HEADER, []), "empty_sheet"),
    ],
)
async def test_a_file_that_is_no_list_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refusal, match=code):
        await import_officials(content, paths=["/1/"], by=1)


async def test_many_rows_come_in_over_several_transactions() -> None:
    rows = [
        (f"Lò Văn {'ABCDEFGHIJ'[n % 10]}", f"09{n:08d}", "1990", "SYT", "", "") for n in range(450)
    ]
    report = await bring(*rows)
    assert report.made_count == 450
    assert len(await audit.entries("people")) == 3


async def test_the_template_is_a_file_that_comes_in() -> None:
    report = await import_officials(template(), paths=["/1/"], by=1)
    assert (report.made_count, report.faults) == (2, [])
