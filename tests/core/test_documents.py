"""Spreadsheets: what people send is read as they see it; what would do harm is refused."""

from __future__ import annotations

import csv
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.documents import column_letter, read_sheet, safe_cell, write_csv, write_sheet
from core.errors import Refusal
from core.text import clean_lines

# What XML 1.0 can carry, within what an Excel cell holds.
CELL_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=40
)


def made_by_excel(fill: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book.active)
    output = BytesIO()
    book.save(output)
    return output.getvalue()


def rezipped(content: bytes, changes: dict[str, bytes | None]) -> bytes:
    """The same archive with parts changed, added, or (None) left out."""
    output = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(content)) as old,
        zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, data in changes.items():
            if data is not None:
                new.writestr(name, data)
    return output.getvalue()


PLAIN = write_sheet("Trang", ["Mã", "Câu hỏi"], [["Q1", "Chuyển đổi số là gì?"]])
SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def sheet_xml(
    rows: Iterable[str], *, before: str = "", before_rows: str = "", after: str = ""
) -> bytes:
    return (
        f'<?xml version="1.0"?>{before}'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"{before_rows}<sheetData>{''.join(rows)}</sheetData>{after}</worksheet>"
    ).encode()


def with_sheet(rows: Iterable[str], **around: str) -> bytes:
    return rezipped(PLAIN, {SHEET: sheet_xml(rows, **around)})


def hundred_thousand_rows() -> bytes:
    return with_sheet(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 100_001))


def zip_bomb() -> bytes:
    return rezipped(PLAIN, {"xl/media/image1.png": bytes(60_000_000)})


def bomb_with_a_lying_directory() -> bytes:
    """Fifty megabytes of sheet that the directory calls one kilobyte."""
    honest = rezipped(PLAIN, {SHEET: sheet_xml([" " * 50_000_000])})
    with zipfile.ZipFile(BytesIO(honest)) as archive:
        size = archive.getinfo(SHEET).file_size
    return honest.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def entities() -> bytes:
    doctype = '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&secret;</t></is></c></row>'
    return with_sheet([cell], before=doctype)


def billion_laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    strings = f'<!DOCTYPE sst [<!ENTITY l0 "ha">{levels}]><sst><si><t>&l9;</t></si></sst>'
    return rezipped(PLAIN, {"xl/sharedStrings.xml": strings.encode()})


def four_million_elements() -> bytes:
    return rezipped(PLAIN, {"xl/sharedStrings.xml": b"<sst>" + b"<si/>" * 2_000_000 + b"</sst>"})


def one_cell_of_a_hundred_megabytes() -> bytes:
    return with_sheet(
        ['<row r="1"><c r="A1" t="inlineStr"><is><t>', "x" * 100_000_000, "</t></is></c></row>"]
    )


def cell_at_the_end_of_the_world() -> bytes:
    first, last = ('<row r="1"><c r="A1"><v>1</v></c></row>', '<c r="XFD1048576"><v>1</v></c>')
    return with_sheet([first, f'<row r="1048576">{last}</row>'])


def many_entries() -> bytes:
    output = BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for number in range(20_000):
            archive.writestr(str(number), b"")
    return output.getvalue()


def macro_book() -> bytes:
    with zipfile.ZipFile(BytesIO(PLAIN)) as archive:
        types = archive.read("[Content_Types].xml")
    return rezipped(
        PLAIN,
        {
            "[Content_Types].xml": types.replace(
                b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
            ),
            "xl/vbaProject.bin": b"Sub AutoOpen()",
        },
    )


def shared_formula_for_every_cell() -> bytes:
    """openpyxl would write the first one out for each of the others."""
    first = f'<c r="A1"><f t="shared" si="0">{"A1+" * 50_000}1</f></c>'
    others = (f'<c r="A{n}"><f t="shared" si="0"/></c>' for n in range(2, 5000))
    return with_sheet(['<row r="1">', first, *others, "</row>"])


def endless_gap() -> bytes:
    return with_sheet(['<row r="1"/><row r="999999999999"><c r="A1"><v>1</v></c></row>'])


def one_row_of_everything() -> bytes:
    return with_sheet(['<row r="1">', "<c/>" * 300_000, "</row>"])


def rows_inside_a_row() -> bytes:
    """Each inner row is done with; the outer one keeps all of its cells until the end."""
    return with_sheet(['<row r="1">', ("<c/>" * 100 + "<row/>") * 3000, "</row>"])


def rows_formatted_to_the_last_column() -> bytes:
    return with_sheet(f'<row r="{n}"><c r="XFD{n}" s="1"/></row>' for n in range(1, 20_000))


def merged_by_the_thousand() -> bytes:
    areas = '<mergeCell ref="A1:B2"/>' * 100_000
    return with_sheet([], after=f"<mergeCells>{areas}</mergeCells>")


def a_style_for_every_cell() -> bytes:
    namespace = NAMESPACE.decode()
    styles = f'<styleSheet xmlns="{namespace}"><fonts>{"<font/>" * 100_000}</fonts></styleSheet>'
    return rezipped(PLAIN, {"xl/styles.xml": styles.encode()})


def entities_in_another_alphabet(encoding: str) -> bytes:
    text = sheet_xml([], before='<!DOCTYPE x [<!ENTITY a "b">]>').decode()
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
    body = text.partition("?>")[2]
    start = declaration.encode("utf-16" if encoding == "utf-16" else "ascii")
    rest = body.encode("utf-16-le" if encoding == "utf-16" else encoding)
    return rezipped(PLAIN, {SHEET: start + rest})


HOSTILE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "a file of nothing": (lambda: b"", "bad_file", "rỗng"),
    "a CSV called .xlsx": ("Mã;Câu\n1;2".encode, "bad_file", "không phải tệp Excel"),
    "an old or locked workbook": (
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000),
        "bad_file",
        ".xls",
    ),
    "a workbook with a password": (
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
        "bad_file",
        "mật khẩu",
    ),
    "a cut-off file": (lambda: PLAIN[: len(PLAIN) // 2], "bad_file", "hỏng"),
    "a zip of something else": (
        lambda: rezipped(PLAIN, {"[Content_Types].xml": None}),
        "bad_file",
        "tệp nén",
    ),
    "a workbook with macros": (macro_book, "bad_file", "macro"),
    "external entities": (entities, "bad_file", "DOCTYPE"),
    "a billion laughs": (billion_laughs, "bad_file", "DOCTYPE"),
    "a zip bomb": (zip_bomb, "file_bomb", "giải nén ra quá lớn"),
    "a bomb whose directory lies": (bomb_with_a_lying_directory, "bad_file", "hỏng"),
    "a cell of 100 MB": (one_cell_of_a_hundred_megabytes, "file_bomb", "giải nén ra quá lớn"),
    "two million texts": (four_million_elements, "file_bomb", ""),
    "twenty thousand entries": (many_entries, "file_bomb", "cấu trúc lạ"),
    "100,000 rows": (hundred_thousand_rows, "too_many_rows", "5.000 dòng"),
    "a formula of 150,000 letters, shared": (shared_formula_for_every_cell, "bad_file", "A1, A2"),
    "a gap of a billion rows": (endless_gap, "file_bomb", ""),
    "one row of 300,000 cells": (one_row_of_everything, "file_bomb", ""),
    "rows inside a row": (rows_inside_a_row, "file_bomb", ""),
    "rows as wide as they can be": (rows_formatted_to_the_last_column, "file_bomb", ""),
    "100,000 merged areas": (merged_by_the_thousand, "file_bomb", ""),
    "100,000 fonts": (a_style_for_every_cell, "file_bomb", ""),
    "entities in UTF-16": (lambda: entities_in_another_alphabet("utf-16"), "bad_file", "DOCTYPE"),
    "entities in EBCDIC": (lambda: entities_in_another_alphabet("cp037"), "bad_file", "hỏng"),
    "a cell in XFD1048576": (cell_at_the_end_of_the_world, "too_many_rows", "1.048.576"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_sentence(name: str) -> None:
    make, code, words = HOSTILE[name]
    with pytest.raises(Refusal) as refusal:
        read_sheet(make())
    assert refusal.value.code == code
    assert words in refusal.value.sentence
    assert refusal.value.sentence.endswith(".")


def assert_refused_cheaply(
    makers: Iterable[Callable[[], bytes]], module: str, reader: str, folder: Path
) -> None:
    """Less than a second and 64 MB a file, in a process of its own, each file read twice; seconds
    are the CPU's, since the clock may be shared.
    """
    for number, make in enumerate(makers):
        (folder / f"{number:02d}").write_bytes(make())
    program = f"""
        import resource, sys, time
        from pathlib import Path
        from core.errors import Refusal
        from {module} import {reader} as read
        for path in sorted(Path(sys.argv[1]).iterdir()):
            content = path.read_bytes()
            before, spent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
            for _ in range(2):
                start = time.process_time()
                try:
                    read(content)
                except Refusal:
                    pass
                spent.append(time.process_time() - start)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            print(path.name, round(min(spent), 3), grown // 1000)
    """
    measured = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    lines = [line.split() for line in measured.stdout.splitlines()]
    assert len(lines) == len(list(folder.iterdir()))
    assert max(float(spent) for _, spent, _ in lines) < 1.0, lines
    assert max(int(grown) for _, _, grown in lines) < 64, lines


def test_hostile_files_cost_less_than_a_second_and_64_megabytes(tmp_path: Path) -> None:
    makers = [make for make, _, _ in HOSTILE.values()]
    assert_refused_cheaply(makers, "core.documents", "read_sheet", tmp_path)


def test_a_formula_is_named_by_its_address() -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["Mã", "Điểm"])
        sheet.append(["Q1", "=1+1"])

    with pytest.raises(Refusal, match="Ô B2 chứa công thức"):
        read_sheet(made_by_excel(fill))


def test_merged_cells_among_the_data_are_named_and_others_are_left_alone() -> None:
    def merged(area: str) -> bytes:
        def fill(sheet: Any) -> None:
            for number in range(1, 6):
                sheet.append([f"Q{number}", "câu"])
            sheet.merge_cells(area)

        return made_by_excel(fill)

    with pytest.raises(Refusal, match="Ô A3:A4 đang bị gộp"):
        read_sheet(merged("A3:A4"))
    assert len(read_sheet(merged("D8:F9"))) == 5


def test_a_cell_that_shows_an_error_is_named() -> None:
    with pytest.raises(Refusal, match="Ô B2 đang báo lỗi"):
        read_sheet(with_sheet(['<row r="2"><c r="B2" t="e"><v>#N/A</v></c></row>']))


def test_a_column_too_far_to_the_right_is_named() -> None:
    with pytest.raises(Refusal, match="Ô BI1 "):
        read_sheet(with_sheet(['<row r="1"><c r="BI1"><v>1</v></c></row>']))


def test_values_come_as_a_person_sees_them() -> None:
    def fill(sheet: Any) -> None:
        sheet.append([1.0, 0.1, 912345678, "0912345678", True])
        sheet.append([date(2026, 10, 5), datetime(2026, 10, 5, 7, 30), time(16, 0)])  # noqa: DTZ001 — Excel knows no zones
        sheet.append([None, None])
        sheet.append(["Hoà bình\u200b ", "  hai\u00a0dòng\nở đây"])

    rows = read_sheet(made_by_excel(fill))
    assert [row.number for row in rows] == [1, 2, 4]
    assert rows[0].cells == ("1", "0.1", "912345678", "0912345678", "TRUE")
    assert rows[1].cells[:3] == ("05/10/2026", "05/10/2026 07:30", "16:00")
    assert rows[2].cells[:2] == ("Hoà bình", "hai dòng\nở đây")


def test_a_sheet_formatted_down_to_the_last_row_counts_only_filled_rows() -> None:
    rows = [
        '<row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="1048576"><c r="B1048576" s="1"/></row>',
    ]
    assert len(read_sheet(with_sheet(rows))) == 1


def test_exactly_the_allowed_rows_are_read() -> None:
    body = [[f"Q{number}"] for number in range(10)]
    assert len(read_sheet(write_sheet("a", ["Mã"], body), row_limit=10)) == 11
    with pytest.raises(Refusal, match="dòng 11"):
        read_sheet(write_sheet("a", ["Mã"], body), row_limit=9)


def test_the_first_visible_sheet_is_read() -> None:
    book = openpyxl.Workbook()
    hidden = book.worksheets[0]
    hidden["A1"] = "ẩn"
    hidden.sheet_state = "hidden"
    book.create_sheet("Hiện")["A1"] = "hiện"
    output = BytesIO()
    book.save(output)
    assert read_sheet(output.getvalue())[0].cells == ("hiện",)


def test_five_thousand_questions_are_read() -> None:
    body = [[f"câu {row} cột {column}" for column in range(17)] for row in range(5000)]
    rows = read_sheet(write_sheet("Ngân hàng", [f"c{n}" for n in range(17)], body))
    assert len(rows) == 5001
    assert rows[-1].cells == tuple(body[-1])


@given(st.lists(st.lists(CELL_TEXT, min_size=2, max_size=2), max_size=8))
@example([["=cmd|' /C calc'!A0", "'=1"], ["\u00a0x", "Ðường"]])
def test_what_we_write_is_what_we_read(body: list[list[str]]) -> None:
    rows = read_sheet(write_sheet("Bảng", ["Mã", "Tên"], body))
    written = [tuple(clean_lines(text) for text in row) for row in body]
    read = [row.cells for row in rows[1:]]
    unescaped = [row for row in written if any(row)]
    assert [[_bare(text) for text in row] for row in read] == [
        [_bare(text) for text in row] for row in unescaped
    ]


def _bare(text: str) -> str:
    """Without the apostrophe that guards a formula: one typed by hand is taken off, too."""
    return text[1:] if safe_cell(text[1:]) == text else text


def test_what_a_file_says_of_its_size_is_not_believed() -> None:
    rows = ['<row r="1"><c r="A1"><v>1</v></c></row>', '<row r="3"><c r="C3"><v>2</v></c></row>']
    for size in ("A1", "A1:XFD1048576"):
        content = with_sheet(rows, before_rows=f'<dimension ref="{size}"/>')
        assert [row.cells for row in read_sheet(content)] == [("1", "", ""), ("", "", "2")]


def test_no_exported_cell_starts_like_a_formula() -> None:
    dangerous = ["=1+1", "+84912345678", "-2", "@SUM(A1)", "\tx", "\r=1", "＝1"]
    book = openpyxl.load_workbook(BytesIO(write_sheet("t", dangerous, [dangerous, dangerous])))
    for row in book.worksheets[0].iter_rows():
        for cell in row:
            assert cell.data_type == "s"
            assert str(cell.value).startswith("'")


def test_phones_stay_text_and_instants_are_told_in_vietnam() -> None:
    opens = datetime(2026, 10, 5, 17, 0, tzinfo=UTC)
    content = write_sheet("Danh sách", ["Điện thoại", "Lúc"], [["0912345678", opens]])
    assert read_sheet(content)[1].cells == ("0912345678", "06/10/2026")
    sheet = openpyxl.load_workbook(BytesIO(content)).worksheets[0]
    assert sheet["A2"].data_type == "s"
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["A"].width >= 10


def test_notes_fill_a_second_sheet_and_any_title_will_do() -> None:
    book = openpyxl.load_workbook(
        BytesIO(write_sheet("Tuần 1/4: [kết quả] " * 3, ["a"], [], notes=["Một", "=Hai"]))
    )
    assert len(book.sheetnames[0]) <= 31
    assert [cell.value for cell in book.worksheets[1]["A"]] == ["Một", "'=Hai"]


def test_columns_have_the_letters_of_excel() -> None:
    letters = [column_letter(index) for index in (0, 25, 26, 51, 701, 702, 16_383)]
    assert letters == ["A", "Z", "AA", "AZ", "ZZ", "AAA", "XFD"]


def test_a_sheet_whose_elements_carry_a_prefix_is_read() -> None:
    content = (
        b'<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<x:sheetData><x:row r="1"><x:c r="A1"><x:v>7</x:v></x:c></x:row></x:sheetData>'
        b"</x:worksheet>"
    )
    assert read_sheet(rezipped(PLAIN, {SHEET: content}))[0].cells == ("7",)


def test_counts_that_a_file_claims_are_not_believed() -> None:
    strings = (
        b'<sst xmlns="%s" count="4294967296" uniqueCount="4294967296"><si><t>a</t></si></sst>'
        % NAMESPACE
    )
    sheet = sheet_xml(['<row r="1"><c r="A1" t="s"><v>0</v></c></row>'])
    content = rezipped(PLAIN, {"xl/sharedStrings.xml": strings, SHEET: sheet})
    assert read_sheet(content)[0].cells == ("a",)


def test_a_csv_file_opens_in_excel_with_marks_zeros_and_no_formula() -> None:
    at = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
    content = write_csv(("Họ tên", "Điện thoại"), [('Lò, Thị "Mai"', "0912 345 678"),
                        ("=1+1", None), (at, date(2026, 1, 2))])  # fmt: skip
    assert content.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(content.decode("utf-8-sig").splitlines())) == [
        ["Họ tên", "Điện thoại"],
        ['Lò, Thị "Mai"', "0912 345 678"],
        ["'=1+1", ""],
        ["14/09/2026 09:00", "02/01/2026"],
    ]
