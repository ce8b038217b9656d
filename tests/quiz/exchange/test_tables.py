"""Tables of questions, whatever their columns are called and however they were saved."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest

from core.documents import write_sheet
from core.errors import Refusal
from quiz.exchange.item import Item
from quiz.exchange.tables import read_header, read_table
from quiz.question_sheet import template

HEADER = ("STT", "Nội dung câu hỏi", "A", "B", "C", "ĐÁP ÁN ĐÚNG", "Căn cứ")
ROW = ("1", "Ngày nào là Ngày Chuyển đổi số?", "22/12", "10/10", "02/9", "B", "QĐ 505/QĐ-TTg")


def csv(*rows: Sequence[str], delimiter: str = ";") -> str:
    return "".join(
        delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) + "\r\n"
        for row in rows
    )


def only(content: bytes, file_format: str = "csv", **more: dict[str, int]) -> Item:
    (item,) = read_table(content, file_format, **more).items
    return item


def rights(item: Item) -> str:
    return "".join(
        letter
        for letter, option in zip("ABCDEFGH", item.options, strict=False)
        if option.is_correct
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_same_row_is_read_however_it_was_saved(encoding: str, delimiter: str) -> None:
    text = unicodedata.normalize("NFD", csv(HEADER, ROW, delimiter=delimiter))
    item = only(text.encode(encoding))
    assert item.text == ROW[1]
    assert [option.text for option in item.options] == ["22/12", "10/10", "02/9"]
    assert (rights(item), item.kind, item.source, item.place) == (
        "B", "single", "QĐ 505/QĐ-TTg", "dòng 2",
    )  # fmt: skip
    assert item.faults == ()


def test_windows_1258_is_read_and_told() -> None:
    # Excel kept each tone apart from its letter: ê and a dot below.
    text = csv(HEADER, ROW).replace("ể", "ê\u0309").replace("à", "a\u0300")
    text = "".join(
        unicodedata.normalize("NFC", c) if c in "êôơưđâă" else c
        for c in text.replace("ộ", "ô\u0323").replace("ố", "ô\u0301").replace("ổ", "ô\u0309")
        .replace("ị", "i\u0323").replace("ứ", "ư\u0301").replace("ỏ", "o\u0309")
        .replace("Á", "A\u0301").replace("á", "a\u0301").replace("ú", "u\u0301")
    )  # fmt: skip
    understood = read_table(text.encode("cp1258"), "csv")
    assert understood.items[0].text == ROW[1]
    assert "Windows-1258" in understood.losses[0]


def test_what_is_above_the_header_and_columns_that_nobody_reads_are_told() -> None:
    title = ("UBND TỈNH", "", "", "", "", "", "")
    understood = read_table(csv(title, HEADER, ROW).encode(), "csv")
    assert [item.text for item in understood.items] == [ROW[1]]
    assert understood.losses == (
        "Các cột không dùng đến: STT.",
        "Bỏ qua phần phía trên dòng tiêu đề (dòng 2).",
    )


def test_a_caller_says_which_column_is_which() -> None:
    content = csv(("một", "hai", "ba", "bốn"), ("Gì?", "b", "x", "y")).encode()
    header = read_header(content, "csv")
    assert (header.names, header.mapping) == (("một", "hai", "ba", "bốn"), {})
    assert header.missing == ("text", "option_a", "option_b", "answer")
    with pytest.raises(Refusal) as refusal:
        read_table(content, "csv")
    assert refusal.value.code == "wrong_columns"
    assert refusal.value.detail["names"] == header.names
    item = only(content, mapping={"text": 0, "answer": 1, "option_a": 2, "option_b": 3})
    assert (item.text, rights(item)) == ("Gì?", "B")


@pytest.mark.parametrize("mapping", [{"text": 9}, {"text": 0, "answer": 1, "chuyện": 2}])
def test_a_mapping_to_nowhere_is_refused(mapping: dict[str, int]) -> None:
    with pytest.raises(Refusal) as refusal:
        read_table(csv(HEADER, ROW).encode(), "csv", mapping=mapping)
    assert refusal.value.code == "wrong_columns"


@pytest.mark.parametrize(
    ("answer", "letters", "kind"),
    [
        ("b", "B", "single"), ("A, C", "AC", "multiple"), ("A và C", "AC", "multiple"),
        ("AC", "AC", "multiple"), ("2", "B", "single"), ("1;3", "AC", "multiple"),
        ("10/10", "B", "single"), ("Đáp án B", "B", "single"),
    ],
)  # fmt: skip
def test_answers_are_letters_numbers_or_the_words_of_an_option(
    answer: str, letters: str, kind: str
) -> None:
    item = only(csv(HEADER, (*ROW[:5], answer, "")).encode())
    assert (rights(item), item.kind, item.faults) == (letters, kind, ())


def test_a_wrong_answer_is_told_with_its_cell() -> None:
    (fault,) = only(csv(HEADER, (*ROW[:5], "G", "")).encode()).faults
    assert fault.field == "answer"
    assert fault.sentence.startswith("Ô F2: Đáp án phải là chữ")


def test_true_false_questions_need_no_options() -> None:
    rows = (("Câu hỏi", "Loại", "Đáp án"), ("Nước sôi ở 100 độ?", "đúng sai", "Sai"))
    item = only(csv(*rows).encode())
    assert [(o.text, o.is_correct) for o in item.options] == [("Đúng", False), ("Sai", True)]


def test_the_template_is_read_with_all_its_columns() -> None:
    first, second = read_table(template(), "xlsx").items
    assert (first.code, first.topic, first.difficulty) == ("CDS-001", "Chuyển đổi số", "easy")
    assert (first.valid_from is not None, rights(second)) == (True, "ABC")
    assert (first.faults, second.faults) == ((), ())


def test_a_spreadsheet_with_other_names_is_read() -> None:
    item = only(write_sheet("Câu hỏi", HEADER, [ROW]), "xlsx")
    assert (item.text, rights(item)) == (ROW[1], "B")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (csv(HEADER).encode(), "empty_sheet"),
        (csv(HEADER, *[ROW] * 5_001).encode(), "too_many_rows"),
        (csv(HEADER, ROW + ("x",) * 60).encode(), "bad_file"),
        (f'{csv(HEADER)}"{"x" * 140_000}'.encode(), "bad_file"),
    ],
)  # fmt: skip
def test_a_table_without_rows_or_with_too_many_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read_table(content, "csv")
    assert refusal.value.code == code
