"""What stands in a file and what a person makes of it: nothing is lost, nothing slips through."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from core.db import json_text, json_value
from quiz.exchange.item import Item, ItemFault, ItemOption, Miss
from quiz.import_entries import (
    Alike,
    Defaults,
    Entry,
    Retyped,
    as_question,
    entry_from,
    faults_in,
    from_file,
    retyped,
)
from quiz.pools import PoolOption

DEFAULTS = Defaults(topic="Chung", difficulty="medium")
TEXTS = st.text(max_size=40)


def item(number: int = 1, **changes: object) -> Item:
    told: dict[str, object] = {
        "text": f"Câu hỏi thứ {number} hỏi gì?",
        "options": (ItemOption("Điều này", is_correct=True), ItemOption("Điều kia")),
        "place": f"đoạn {number * 10}",
        "written": f"Câu {number}: …",
    }
    return Item(number=number, **{**told, **changes})  # type: ignore[arg-type]  # the fields of a dictionary have no types


def entry(**changes: object) -> Entry:
    [found] = from_file([item(1, **changes)], [], DEFAULTS)
    return found


def sent_back(each: Entry, *, is_right: bool = False, **changes: object) -> Entry:
    draft = replace(each.draft, **changes)  # type: ignore[arg-type]  # the fields of a dictionary have no types
    return retyped(each, Retyped(draft, is_chosen=True, is_right=is_right))


def fields(*entries: Entry, **twins: list[str]) -> dict[int, set[str]]:
    found = faults_in(entries, twins={key.replace("_", " "): codes for key, codes in twins.items()})
    return {number: set(faults) for number, faults in found.items()}


def test_what_a_file_does_not_say_comes_from_the_defaults() -> None:
    found = entry()
    assert (found.draft.topic, found.draft.difficulty) == ("Chung", "medium")
    assert found.draft.kind == "single"
    said = entry(topic="Luật", difficulty="hard")
    assert (said.draft.topic, said.draft.difficulty) == ("Luật", "hard")


def test_the_kind_is_seen_from_the_options() -> None:
    two = (ItemOption("a", is_correct=True), ItemOption("b", is_correct=True), ItemOption("c"))
    assert entry(options=two).draft.kind == "multiple"
    yes_no = (ItemOption("Đúng"), ItemOption("SAI", is_correct=True))
    assert entry(options=yes_no).draft.kind == "true_false"


def test_the_kind_follows_the_right_answers_unless_somebody_chooses_it() -> None:
    asked = entry(kind="multiple", options=(ItemOption("a"), ItemOption("b"), ItemOption("c")))
    assert asked.draft.kind == "single"  # nobody is right yet

    def marked(*rights: str) -> tuple[PoolOption, ...]:
        return tuple(PoolOption(each, each in rights) for each in "abc")

    assert sent_back(asked, options=marked("a", "c")).draft.kind == "multiple"
    several = entry(options=(ItemOption("a", is_correct=True), ItemOption("b", is_correct=True)))
    assert sent_back(several, options=marked("a")).draft.kind == "single"
    assert sent_back(several, options=marked("a"), kind="true_false").draft.kind == "true_false"
    assert fields(sent_back(entry(), kind="multiple")) == {1: {"answer"}}


def test_options_without_end_are_a_fault_and_no_accident() -> None:
    many = tuple(ItemOption(f"Phương án {n}", n == 1) for n in range(40))
    assert fields(entry(options=many)) == {1: {"option_i"}}


def test_misses_stand_where_they_were_in_the_file() -> None:
    misses = [Miss("đoạn 15–18", "Câu 2 ???", "Không có phương án nào."), Miss("đoạn 99", "x", "y")]
    found = from_file([item(1), item(2)], misses, DEFAULTS)
    assert [each.place for each in found] == ["đoạn 10", "đoạn 15–18", "đoạn 20", "đoạn 99"]
    assert [each.id for each in found] == [1, 2, 3, 4]
    assert fields(*found) == {}  # a miss is no question yet


def test_a_miss_becomes_a_question_to_finish() -> None:
    written = "Câu 7. Ai cấp căn cước?\nA. Công an\nB) Tòa án\n*C. Ủy ban"
    [miss] = from_file([], [Miss("đoạn 3", written, "Không rõ đáp án.")], DEFAULTS)
    made = as_question(miss)
    assert made.draft.text == "Câu 7. Ai cấp căn cước?"
    assert [each.text for each in made.draft.options] == ["Công an", "Tòa án", "Ủy ban"]
    assert fields(made) == {1: {"answer"}}


def test_a_question_without_a_code_is_no_fault_but_without_a_topic_is() -> None:
    assert fields(entry()) == {}
    assert fields(sent_back(entry(), topic="")) == {1: {"topic"}}
    assert fields(sent_back(entry(), topic="x" * 300)) == {1: {"topic"}}


def test_the_same_words_twice_are_told_of_the_file_and_of_the_bank() -> None:
    first, second = from_file([item(1), item(2, text="CÂU HỎI thứ 1, hỏi gì")], [], DEFAULTS)
    assert fields(first, second) == {2: {"text"}}
    assert fields(replace(first, is_chosen=False), second) == {}
    assert fields(first, cau_hoi_thu_1_hoi_gi=["CDS-9"]) == {1: {"text"}}
    renamed = replace(first, draft=replace(first.draft, code="CDS-9"))
    assert fields(renamed, cau_hoi_thu_1_hoi_gi=["CDS-9"]) == {}  # its own next version


def test_a_doubt_holds_until_the_field_is_changed_or_somebody_says_it_is_right() -> None:
    doubted = entry(faults=(ItemFault("option_c", "Không thấy phương án C."),))
    assert fields(doubted) == {1: {"option_c"}}
    assert fields(sent_back(doubted)) == {1: {"option_c"}}
    assert fields(sent_back(doubted, text="Chữ khác")) == {1: {"option_c"}}
    more = (*doubted.draft.options, PoolOption("Điều thứ ba", is_correct=False))
    assert fields(sent_back(doubted, options=more)) == {}
    assert fields(sent_back(doubted, is_right=True)) == {}


def test_an_option_that_the_file_left_empty_goes_only_when_somebody_says_so() -> None:
    gap = entry(options=(ItemOption("a", is_correct=True), ItemOption(""), ItemOption("c")))
    assert fields(sent_back(gap)) == {1: {"option_b"}}
    closed = sent_back(gap, is_right=True)
    assert [each.text for each in closed.draft.options] == ["a", "c"]
    emptied = sent_back(
        entry(options=(*item().options, ItemOption("thừa"))),
        options=(*entry().draft.options, PoolOption(" ", is_correct=False)),
    )
    assert len(emptied.draft.options) == 2


def test_an_option_that_the_file_kept_in_place_stays_there() -> None:
    held = entry(
        options=(
            ItemOption("a", is_correct=True),
            ItemOption("b", is_pinned=True),
            ItemOption("Tất cả đều đúng"),
        )
    )
    assert [each.is_pinned for each in held.draft.options] == [False, True, True]
    assert [each.is_pinned for each in sent_back(held).draft.options] == [False, True, True]


@given(TEXTS, TEXTS, st.booleans(), st.dates() | st.none(), st.lists(TEXTS, max_size=3))
def test_an_entry_comes_back_from_the_table_as_it_went(
    text: str, explanation: str, is_right: bool, day: date | None, tags: list[str]
) -> None:
    went = replace(
        entry(
            text=text, explanation=explanation, valid_from=day, tags=tuple(tags),
            options=(ItemOption(text, is_right), ItemOption(explanation, not is_right)),
            faults=(ItemFault("", "Lạ."),), losses=("Mất màu chữ.",),
        ),
        alike=(Alike("CDS-1", "Câu kia", 72),), taken_as="CDS-2",
    )  # fmt: skip
    assert entry_from(json_value(json_text(went))) == went
