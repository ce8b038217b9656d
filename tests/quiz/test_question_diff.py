"""Differences between versions: whole words, options matched with what they became."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from quiz.pools import PoolOption
from quiz.question_diff import Part, compare, options_diff, words_diff
from quiz.question_drafts import QuestionDraft

QUESTION = QuestionDraft(
    code="Q1", topic="du-lieu", difficulty="easy", kind="single", text="Chữ ký số là gì?",
    options=(
        PoolOption("Chữ ký trên giấy", is_correct=False),
        PoolOption("Một loại chữ ký điện tử", is_correct=True),
        PoolOption("Con dấu", is_correct=False),
    ),
)  # fmt: skip
words = st.text(alphabet="aăâ đĐ.,?\nẾ1", max_size=40)


@given(before=words, after=words)
def test_the_parts_spell_both_texts(before: str, after: str) -> None:
    parts = words_diff(before, after)
    assert "".join(part.text for part in parts if part.kind != "added") == before
    assert "".join(part.text for part in parts if part.kind != "removed") == after


def test_a_changed_word_is_a_whole_word() -> None:
    assert words_diff("Luật số 148 năm 2025", "Luật số 149 năm 2025") == (
        Part("same", "Luật số "),
        Part("removed", "148"),
        Part("added", "149"),
        Part("same", " năm 2025"),
    )


def test_equal_versions_have_no_difference() -> None:
    assert not compare(QUESTION, QUESTION)


def test_fields_that_differ_are_named() -> None:
    after = replace(QUESTION, text="Chữ ký số dùng để làm gì?", valid_to=date(2026, 10, 5))
    found = compare(QUESTION, after)
    assert [each.field for each in found.fields] == ["text", "valid_to"]
    assert found.fields[1].parts == (Part("added", "2026-10-05"),)
    assert found.options == ()


def test_options_are_matched_wherever_they_went() -> None:
    first, second, third = QUESTION.options
    moved = (replace(second, text="Một dạng chữ ký điện tử"), third, first)
    found = options_diff(QUESTION.options, moved)
    assert [(each.letter_before, each.letter_after) for each in found] == [
        ("B", "A"), ("C", "B"), ("A", "C"),
    ]  # fmt: skip
    assert [part.text for part in found[0].parts if part.kind != "same"] == ["loại", "dạng"]


def test_a_new_and_a_lost_option_stand_alone() -> None:
    first, second, _ = QUESTION.options
    fewer = compare(QUESTION, replace(QUESTION, options=(first, second))).options
    assert [(each.letter_before, each.letter_after) for each in fewer][-1] == ("C", "")
    more = (*QUESTION.options, PoolOption("Mật khẩu", is_correct=False))
    added = compare(QUESTION, replace(QUESTION, options=more)).options[-1]
    assert (added.letter_before, added.letter_after) == ("", "D")
    assert added.parts == (Part("added", "Mật khẩu"),)


def test_another_key_is_a_difference_though_the_words_stay() -> None:
    first, second, third = QUESTION.options
    rekeyed = (replace(first, is_correct=True), replace(second, is_correct=False), third)
    found = compare(QUESTION, replace(QUESTION, options=rekeyed)).options
    assert [(each.was_correct, each.is_correct) for each in found] == [
        (False, True), (True, False), (False, False),
    ]  # fmt: skip


@given(
    before=st.lists(words, max_size=5, unique=True), after=st.lists(words, max_size=5, unique=True)
)
def test_every_option_of_both_versions_appears_once(before: list[str], after: list[str]) -> None:
    found = options_diff(
        [PoolOption(text, is_correct=False) for text in before],
        [PoolOption(text, is_correct=False) for text in after],
    )
    assert sorted(each.letter_before for each in found if each.letter_before) == list(
        "ABCDE"[: len(before)]
    )
    assert [each.letter_after for each in found if each.letter_after] == list("ABCDE"[: len(after)])
