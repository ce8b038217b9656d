"""Aiken, as it is defined and as people type it."""

from __future__ import annotations

import unicodedata

import pytest

from quiz.exchange.aiken import read_aiken
from quiz.exchange.item import Item

STRICT = """Ngày Chuyển đổi số quốc gia là ngày nào?
A. 22/12
B. 10/10
C. 02/9
ANSWER: B

Cổng dịch vụ công quốc gia là gì?
A) dichvucong.gov.vn
B) vnexpress.net
ANSWER: A
"""


def read(text: str) -> list[Item]:
    understood = read_aiken(text.encode())
    assert understood.misses == []
    return list(understood.items)


def rights(item: Item) -> str:
    return "".join(
        letter
        for letter, option in zip("ABCDEFGH", item.options, strict=False)
        if option.is_correct
    )


@pytest.mark.parametrize(
    "text",
    [
        STRICT,
        "\ufeff" + STRICT.replace("\n", "\r\n"),
        unicodedata.normalize("NFD", STRICT),
        STRICT.replace("\n\n", "\n"),
        STRICT.replace("ANSWER: ", "Đáp án:").replace("Ngày", "Câu 1. Ngày", 1),
        STRICT.replace("A. ", "a. ").replace("B. ", "b) ").replace("ANSWER: B", "answer: b"),
        STRICT.replace("\nA", "\n\nA").replace("\nANSWER", "\n\n  ANSWER"),
    ],
    ids=["strict", "bom, crlf", "nfd", "no blank lines", "vietnamese", "small letters", "blanks"],
)
def test_the_same_two_questions_are_read_however_they_are_typed(text: str) -> None:
    first, second = read(text)
    assert first.text == "Ngày Chuyển đổi số quốc gia là ngày nào?"
    assert [option.text for option in first.options] == ["22/12", "10/10", "02/9"]
    assert (rights(first), rights(second)) == ("B", "A")
    assert (first.faults, first.kind) == ((), "single")


def test_longer_texts_several_answers_and_explanations_are_read() -> None:
    (item,) = read(
        "Câu 12: Những việc nào\nđược làm trực tuyến?\nA. Nộp\nhồ sơ\nB. Ký số\nC. Vỗ tay\n"
        "ĐÁP ÁN ĐÚNG: A và B\nGiải thích: Theo Luật.\n"
    )
    assert item.text == "Những việc nào\nđược làm trực tuyến?"
    assert item.options[0].text == "Nộp hồ sơ"
    assert (item.kind, rights(item), item.explanation) == ("multiple", "AB", "Theo Luật.")
    assert item.place == "dòng 1–8"


@pytest.mark.parametrize(
    ("answer", "words"),
    [("ANSWER: E\n", "ghi “E”"), ("ANSWER:\n", "ghi “”"), ("", "Không thấy dòng ANSWER")],
)
def test_a_wrong_or_missing_answer_is_a_fault(answer: str, words: str) -> None:
    first, second = read(f"Một?\nA. a\nB. b\n{answer}\nHai?\nA. a\nB. b\nANSWER: A\n")
    (fault,) = first.faults
    assert fault.field == "answer"
    assert words in fault.sentence
    assert (second.text, second.faults) == ("Hai?", ())


def test_what_has_no_options_is_missed_in_its_place() -> None:
    understood = read_aiken(f"Đề thi thử\nANSWER: A\n\n{STRICT}\nHết.\n".encode())
    assert [(miss.place, miss.written) for miss in understood.misses] == [
        ("dòng 1–2", "Đề thi thử\nANSWER: A"),
        ("dòng 15", "Hết."),
    ]
    assert [item.number for item in understood.items] == [1, 2]


def test_options_that_speak_of_others_keep_their_places() -> None:
    (item,) = read("Một?\nA. a\nB. b\nC. Cả A và B\nANSWER: C\n")
    assert [option.is_pinned for option in item.options] == [True, True, True]
