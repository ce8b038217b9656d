"""Importing a bank: a whole file or nothing of it, and every wrong cell is named."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from core import db
from core.documents import write_sheet
from core.errors import Refusal
from people.audit import entries
from quiz.bank_import import (
    BankReport,
    import_bank,
    import_questions,
)
from quiz.question_sheet import COLUMNS, template
from quiz.question_writing import make_bank
from quiz.questions import find_questions, topics_of
from tests.quiz.conftest import Bank, Staff

GOOD: dict[str, object] = {
    "code": "Q1",
    "topic": "Chuyển đổi số",
    "difficulty": "dễ",
    "kind": "một đáp án",
    "text": "Ngày Chuyển đổi số quốc gia là ngày nào?",
    "option_a": "22/12",
    "option_b": "10/10",
    "option_c": "02/9",
    "answer": "B",
}
DEMONSTRATION = "web/demo/questions.json"


def sheet(*rows: dict[str, object], columns: Sequence[str] = tuple(COLUMNS)) -> bytes:
    return write_sheet(
        "Ngân hàng",
        [COLUMNS.get(name, name) for name in columns],
        [[row.get(name) for name in columns] for row in rows],
    )


def other(code: str, **changes: object) -> dict[str, object]:
    return {**GOOD, "code": code, "text": f"Câu hỏi khác mang mã {code}?", **changes}


def told(report: BankReport) -> list[tuple[int, str, str, str]]:
    return [(each.row, each.column, each.column_name, each.typed) for each in report.faults]


async def kept_count() -> int:
    count: int = await db.pool().fetchval("SELECT count(*) FROM question")
    return count


async def test_a_bank_comes_in_and_waits_for_approval(empty_bank: int, staff: Staff) -> None:
    report = await import_bank(
        empty_bank,
        sheet(
            GOOD,
            other("Q2", kind="nhiều đáp án", answer="A, C", difficulty="Trung bình"),
            other("Q3", kind="đúng sai", option_a="", option_b="", option_c="", answer="Sai"),
            other("Q4", source="Luật số 148/2025/QH15", article="Điều 32", valid_from="01/07/2026"),
        ),
        by=staff.lan,
    )
    assert (report.row_count, report.made_count, report.faults) == (4, 4, ())
    assert report.is_written
    first, second, third, fourth = await find_questions(empty_bank)
    assert first.state == "draft"
    assert first.author_id == staff.lan
    assert [option.is_correct for option in first.options] == [False, True, False]
    assert [option.is_correct for option in second.options] == [True, False, True]
    assert [(option.text, option.is_correct) for option in third.options] == [
        ("Đúng", False),
        ("Sai", True),
    ]
    assert (fourth.source, fourth.article) == ("Luật số 148/2025/QH15", "Điều 32")
    assert (fourth.valid_from, fourth.valid_to) == (date(2026, 7, 1), None)
    newest = (await entries(f"bank:{empty_bank}"))[0]
    assert (newest.action, newest.by, newest.detail) == (
        "import_bank", staff.lan, {"made": 4, "changed": 0},
    )  # fmt: skip


async def test_the_template_is_itself_a_good_file(empty_bank: int) -> None:
    report = await import_bank(empty_bank, template(), by=None)
    assert (report.made_count, report.faults, report.ignored_columns) == (2, (), ())
    book = openpyxl.load_workbook(BytesIO(template()))
    assert [cell.value for cell in book.worksheets[0][1]] == list(COLUMNS.values())
    assert book.sheetnames[1] == "Ghi chú"


async def test_importing_again_changes_nothing_and_changed_words_make_versions(
    empty_bank: int, staff: Staff
) -> None:
    await import_bank(empty_bank, sheet(GOOD, other("Q2")), by=staff.lan)
    again = await import_bank(empty_bank, sheet(GOOD, other("Q2"), other("Q3")), by=staff.lan)
    assert (again.made_count, again.changed_count, again.unchanged_count) == (1, 0, 2)
    changed = await import_bank(
        empty_bank, sheet({**GOOD, "option_a": "21/12"}, other("Q2")), by=staff.lan
    )
    assert (changed.made_count, changed.changed_count, changed.unchanged_count) == (0, 1, 1)
    first = (await find_questions(empty_bank))[0]
    assert (first.number, first.options[0].text) == (2, "21/12")


async def test_a_dry_run_tells_the_same_and_writes_nothing(empty_bank: int) -> None:
    await import_bank(empty_bank, sheet(GOOD), by=None)
    content = sheet({**GOOD, "answer": "C"}, other("Q2", topic="Chủ đề mới"))
    before = await kept_count()
    rehearsal = await import_bank(empty_bank, content, by=None, is_dry_run=True)
    assert (rehearsal.made_count, rehearsal.changed_count) == (1, 1)
    assert rehearsal.new_topics == ("Chủ đề mới",)
    assert not rehearsal.is_written
    assert await kept_count() == before
    assert "chu-de-moi" not in await topics_of(empty_bank)
    real = await import_bank(empty_bank, content, by=None)
    assert (real.made_count, real.changed_count) == (1, 1)
    assert (await topics_of(empty_bank))["chu-de-moi"] == "Chủ đề mới"


async def test_topics_are_found_by_code_or_by_name_without_marks(empty_bank: int) -> None:
    names = ("chuyen-doi-so", "CHUYỂN ĐỔI SỐ", "Chuyen doi so", "  chuyển  đổi số ")
    rows = [other(f"Q{number}", topic=name) for number, name in enumerate(names)]
    report = await import_bank(empty_bank, sheet(*rows), by=None)
    assert (report.made_count, report.new_topics) == (4, ())


@pytest.mark.parametrize(
    ("changes", "cell", "words"),
    [
        ({"code": ""}, ("A", "Mã", ""), "Thiếu mã"),
        ({"code": "Q1"}, ("A", "Mã", "Q1"), "đã dùng ở dòng 2"),
        ({"topic": ""}, ("B", "Chủ đề", ""), "Thiếu chủ đề"),
        ({"topic": "x" * 300}, ("B", "Chủ đề", "x" * 300), "dài quá"),
        ({"difficulty": "siêu khó"}, ("C", "Mức độ", "siêu khó"), "dễ, trung bình, khó"),
        ({"kind": "tự luận"}, ("D", "Loại", "tự luận"), "một đáp án"),
        ({"text": ""}, ("E", "Câu hỏi", ""), "Thiếu nội dung"),
        ({"text": "NGÀY chuyển đổi số quốc gia là ngày nào"},
         ("E", "Câu hỏi", "NGÀY chuyển đổi số quốc gia là ngày nào"), "câu ở dòng 2"),
        ({"text": "Câu đã có mã cũ."}, ("E", "Câu hỏi", "Câu đã có mã cũ."), "câu CU đã có"),
        ({"option_b": "", "answer": "A"}, ("G", "Phương án B", ""), "để trống"),
        ({"option_c": "10/10."}, ("H", "Phương án C", "10/10."), "trùng với phương án B"),
        ({"kind": "đúng sai"}, ("H", "Phương án C", "02/9"), "hai phương án"),
        ({"answer": ""}, ("L", "Đáp án", ""), "chữ của các phương án"),
        ({"answer": "D"}, ("L", "Đáp án", "D"), "chữ của các phương án"),
        ({"answer": "10/10"}, ("L", "Đáp án", "10/10"), "chữ của các phương án"),
        ({"answer": "A, B"}, ("L", "Đáp án", "A, B"), "đúng một đáp án"),
        ({"kind": "nhiều đáp án"}, ("L", "Đáp án", "B"), "ít nhất hai đáp án"),
        ({"kind": "nhiều đáp án", "answer": "ABC"}, ("L", "Đáp án", "ABC"), "một phương án sai"),
        ({"valid_from": "30/2/2026"}, ("Q", "Hiệu lực từ", "30/2/2026"), "Không phải ngày"),
        ({"valid_from": "01/07/2026", "valid_to": "30/06/2026"},
         ("R", "Hiệu lực đến", "30/06/2026"), "phải sau ngày"),
    ],
)  # fmt: skip
async def test_a_wrong_cell_is_named_and_nothing_is_imported(
    empty_bank: int,
    write_question: Callable[..., Awaitable[int]],
    changes: dict[str, object],
    cell: tuple[str, str, str],
    words: str,
) -> None:
    await write_question(empty_bank, "CU", text="Câu đã có, mã cũ")
    report = await import_bank(
        empty_bank, sheet(GOOD, {**other("Q2"), **changes}, other("Q3")), by=None
    )
    assert told(report) == [(3, *cell)]
    assert words in report.faults[0].sentence
    assert not report.is_written
    assert await kept_count() == 1


async def test_all_wrong_cells_are_told_in_the_order_of_the_sheet(empty_bank: int) -> None:
    report = await import_bank(
        empty_bank, sheet(other("", answer="Z"), other("Q2", kind="", difficulty="")), by=None
    )
    assert [(each.row, each.column) for each in report.faults] == [
        (2, "A"), (2, "L"), (3, "C"), (3, "D"),
    ]  # fmt: skip


async def test_columns_may_stand_in_any_order_and_strange_ones_are_named(empty_bank: int) -> None:
    columns = ["STT", *reversed(COLUMNS)]
    report = await import_bank(empty_bank, sheet(GOOD, columns=columns), by=None)
    assert (report.made_count, report.ignored_columns) == (1, ("STT",))


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (sheet(GOOD, columns=["code", "text"]), "wrong_columns", "“Chủ đề”, “Mức độ”"),
        (sheet(GOOD, columns=[*COLUMNS, "code"]), "wrong_columns", "hai lần (A và S)"),
        (sheet(), "empty_sheet", "chưa có câu hỏi"),
        (write_sheet("Trống", [], []), "empty_sheet", "chưa có câu hỏi"),
        (sheet(*(other(f"Q{n}") for n in range(5001))), "too_many_rows", "5.000 dòng"),
        ("Mã;Câu hỏi\n".encode(), "bad_file", "không phải tệp Excel"),
    ],
    ids=["missing columns", "a column twice", "no rows", "nothing", "too many rows", "a CSV"],
)
async def test_a_file_that_is_no_such_table_is_refused(
    empty_bank: int, content: bytes, code: str, words: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        await import_bank(empty_bank, content, by=None)
    assert refusal.value.code == code
    assert words in refusal.value.sentence


async def test_an_unknown_bank_is_refused(clean: None) -> None:
    with pytest.raises(Refusal) as refusal:
        await import_bank(404, sheet(GOOD), by=None)
    assert refusal.value.code == "not_found"


async def test_five_thousand_questions_come_in_at_once(empty_bank: int) -> None:
    rows = [other(f"Q{number}") for number in range(5000)]
    report = await import_bank(empty_bank, sheet(*rows), by=None)
    assert (report.made_count, report.faults) == (5000, ())


async def test_the_demonstration_questions_come_in(clean: None, project_folder: Path) -> None:
    items: list[dict[str, Any]] = json.loads((project_folder / DEMONSTRATION).read_text("utf-8"))
    bank_id = await make_bank(code="demo", name="Trình diễn")
    report = await import_questions(bank_id, items, by=None)
    assert report.made_count == len(items)
    again = await import_questions(bank_id, items, by=None)
    assert (again.made_count, again.changed_count, again.unchanged_count) == (0, 0, len(items))


async def test_a_wrong_item_refuses_them_all(bank: Bank) -> None:
    good = {
        "code": "N1", "topic": "du-lieu", "difficulty": "easy", "kind": "single", "text": "Gì?",
        "options": [{"text": "a", "correct": True}, {"text": "b", "correct": False}],
    }  # fmt: skip
    before = await kept_count()
    with pytest.raises(Refusal, match=r"Câu thứ 2 \(mã N2\)") as refusal:
        await import_questions(bank.id, [good, {**good, "code": "N2", "text": ""}], by=None)
    assert refusal.value.code == "bad_questions"
    assert await kept_count() == before


async def test_a_file_without_links_keeps_those_of_the_bank(
    empty_bank: int, write_question: Callable[..., Awaitable[int]]
) -> None:
    await write_question(empty_bank, "CDS-1", link_url="https://dichvucong.gov.vn/a")
    item = {
        "code": "CDS-1", "topic": "chuyen-doi-so", "difficulty": "easy", "kind": "single",
        "text": "Câu hỏi mới mang mã CDS-1?",
        "options": [{"text": "Đúng vậy", "correct": True}, {"text": "Không", "correct": False}],
    }  # fmt: skip
    report = await import_questions(empty_bank, [item], by=None)
    assert report.changed_count == 1
    assert (
        await db.pool().fetchval("SELECT link_url FROM question_version WHERE is_current")
        == "https://dichvucong.gov.vn/a"
    )
