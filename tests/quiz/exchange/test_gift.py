"""GIFT: what Moodle understands is understood, what cannot be is said in its place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from core.errors import Refusal
from quiz.exchange.choices import ONLY_ONE_RIGHT, OTHER_SHARES, PARTLY_RIGHT
from quiz.exchange.gift import read_gift, write_gift
from quiz.exchange.item import Item, Understood
from tests.quiz.exchange.questions import ROOT, demonstration_items, made_items


def read(text: str) -> Understood:
    return read_gift(text.encode())


def only(text: str) -> Item:
    understood = read(text)
    assert understood.misses == []
    (item,) = understood.items
    return item


def options(item: Item) -> list[tuple[str, bool]]:
    return [(option.text, option.is_correct) for option in item.options]


UGLY = (
    "\ufeff// Bộ câu hỏi của phòng\r\n"
    "$CATEGORY: $course$/top/Luật/An toàn thông tin\r\n"
    "\r\n"
    "// [id:AT-01] [tag:Mức độ: khó] [tag:ôn\\] tập]\r\n"
    "::Câu thứ nhất::[html]<p>Mật khẩu <b>mạnh</b> gồm 3<sup>2</sup> ký tự\\: đúng không?</p>{\r\n"
    "=Đúng vậy#Giỏi lắm\r\n"
    "\r\n"
    "~%50%Gần đúng\r\n"
    "~Sai \\= sai\r\n"
    "####Xem Luật \\#24\r\n"
    "}\r\n"
    "// câu sau thiếu dòng trống phía trước\r\n"
    "::Câu thứ hai:: Thủ đô của Việt Nam là {~Huế =Hà Nội ~Đà Nẵng} từ năm 1010.\r\n"
    "\r\n"
    "Chọn các số chẵn {~%50%2 ~%50%4 ~%-50%5 ~%-50%7}\r\n"
    "\r\n"
    "Trái Đất tròn.{T#Nghĩ lại đi.#Đúng rồi.####Ai cũng biết.}\r\n"
    "\r\n"
    "Chưa đóng ngoặc {=a ~b\r\n"
    "\r\n"
    "Vì sao? {}\r\n"
    "\r\n"
    "Bao nhiêu? {#1945:2}\r\n"
    "\r\n"
    "Ghép {=Canada -> Ottawa =Ý -> Rô-ma}\r\n"
    "\r\n"
    "Ai? {=Lan =Mai}\r\n"
    "\r\n"
    "Một đoạn mô tả.\r\n"
    "\r\n"
    "Hai chỗ {=a ~b} và {=c ~d}\r\n"
)


def test_an_ugly_file_is_understood_and_every_miss_is_named_in_its_place() -> None:
    understood = read(unicodedata.normalize("NFD", UGLY))
    assert [item.text for item in understood.items] == [
        "Mật khẩu mạnh gồm 3² ký tự: đúng không?",
        "Thủ đô của Việt Nam là _____ từ năm 1010.",
        "Chọn các số chẵn",
        "Trái Đất tròn.",
    ]
    assert [(miss.place, miss.sentence.split(",")[0][:28]) for miss in understood.misses] == [
        ("dòng 19", "Câu này thiếu dấu { hoặc dấu"),
        ("dòng 21", "Câu tự luận không dùng được "),
        ("dòng 23", "Câu điền số chưa dùng được ở"),
        ("dòng 25", "Câu ghép đôi chưa dùng được "),
        ("dòng 27", "Câu trả lời ngắn chưa dùng đ"),
        ("dòng 29", "Đây là đoạn mô tả"),
        ("dòng 31", "Câu này có nhiều chỗ trả lời"),
    ]


def test_all_that_stands_at_a_question_is_read() -> None:
    first, second, third, fourth = read(UGLY).items
    assert options(first) == [("Đúng vậy", True), ("Gần đúng", False), ("Sai = sai", False)]
    assert (first.code, first.topic, first.difficulty, first.tags) == (
        "AT-01", "Luật/An toàn thông tin", "hard", ("ôn] tập",),
    )  # fmt: skip
    assert (first.explanation, first.options[0].feedback) == ("Xem Luật #24", "Giỏi lắm")
    assert PARTLY_RIGHT in first.losses
    assert first.place == "dòng 5–11, “Câu thứ nhất”"
    assert second.code == ""  # a name is no code
    assert (third.kind, third.losses) == ("multiple", ())
    assert options(fourth) == [("Đúng", True), ("Sai", False)]
    assert [option.feedback for option in fourth.options] == ["Đúng rồi.", "Nghĩ lại đi."]


@pytest.mark.parametrize(
    ("answers", "kind", "rights", "loss"),
    [
        ("=a ~b ~c", "single", [True, False, False], None),
        ("~%100%a ~b", "single", [True, False], ONLY_ONE_RIGHT),
        ("~%50%a ~%50%b ~c", "multiple", [True, True, False], OTHER_SHARES),
        ("~%70%a ~%30%b ~%-100%c", "multiple", [True, True, False], OTHER_SHARES),
        ("~%33.33333%a ~%33.33333%b ~%33.33333%c ~%-33.33333%d", "multiple",
         [True, True, True, False], None),
    ],
)  # fmt: skip
def test_weights_say_who_is_right(
    answers: str, kind: str, rights: list[bool], loss: str | None
) -> None:
    item = only(f"Chọn {{{answers}}}")
    assert (item.kind, [right for _, right in options(item)]) == (kind, rights)
    assert item.losses == ((loss,) if loss else ())


@pytest.mark.parametrize(("answers", "words"), [("~a ~b", "Không có phương án"), ("=a =b ~c", "nhiều phương án")])  # fmt: skip
def test_a_question_without_one_right_answer_is_faulty(answers: str, words: str) -> None:
    (fault,) = only(f"Chọn {{{answers}}}").faults
    assert fault.field == "answer"
    assert words in fault.sentence


@pytest.mark.parametrize("said", ["T", "TRUE", "true", "Đúng"])
def test_true_and_false_are_understood_in_both_languages(said: str) -> None:
    assert options(only(f"Nước sôi ở 100 độ.{{{said}}}")) == [("Đúng", True), ("Sai", False)]


def test_escapes_stand_for_themselves() -> None:
    item = only(r"Tập \{a\:b\} \~ \= \# \\ C:\Users {=a\nb ~c}")
    assert item.text == r"Tập {a:b} ~ = # \ C:\Users"
    assert options(item)[0][0] == "a b"[:1] + "\nb"


def test_more_than_five_thousand_questions_are_refused() -> None:
    with pytest.raises(Refusal, match=r"5\.000 câu"):
        read("x{=a ~b}\n\n" * 5_001)


def read_elsewhere(content: bytes) -> list[dict[str, Any]]:
    node = shutil.which("node", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if node is None or not (ROOT / "node_modules" / "gift-pegjs").is_dir():
        sentence = "No node or gift-pegjs: run scripts/setup test."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    script = ROOT / "tests/quiz/exchange/gift_reader.cjs"
    done = subprocess.run([node, script], input=content, capture_output=True, check=True, cwd=ROOT)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_an_independent_parser_reads_the_same_from_what_is_written() -> None:
    # That parser takes "=a -> b" for matching, even among "~" (Moodle looks for "~" first).
    sent = [
        item
        for item in (*demonstration_items(), *made_items(500))
        if not any("->" in option.text for option in item.options)
    ]
    assert len(sent) > 500
    found = read_elsewhere(write_gift(sent, title="Ngân hàng").content)
    questions = [each for each in found if each["type"] != "Category"]
    assert len(questions) == len(sent)
    for item, each in zip(sent, questions, strict=True):
        assert (each["id"], each["title"], each["stem"]["text"]) == (
            item.code,
            item.code,
            item.text,
        )
        general = each["globalFeedback"]
        assert (general["text"] if general else "") == item.explanation
        assert told_elsewhere(each) == told_here(item)


def told_elsewhere(question: dict[str, Any]) -> list[tuple[str, float]]:
    if question["type"] == "TF":
        return [("Đúng", 100.0 * question["isTrue"]), ("Sai", 100.0 * (not question["isTrue"]))]
    return [
        (choice["text"]["text"], choice["weight"] or 100.0 * choice["isCorrect"])
        for choice in question["choices"]
    ]


def told_here(item: Item) -> list[tuple[str, float]]:
    right_count = sum(option.is_correct for option in item.options)
    share = round(100 / right_count, 5)
    wrong = -share if item.kind == "multiple" else 0.0
    return [(each.text, share if each.is_correct else wrong) for each in item.options]
