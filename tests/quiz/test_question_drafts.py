"""A draft is checked by its kind, and every fault stands at its field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz.pools import PoolOption
from quiz.question_drafts import QuestionDraft, cleaned, faults_of

DAY = date(2026, 10, 5)
RIGHT, WRONG = PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False)


def draft(**changes: Any) -> QuestionDraft:
    good: dict[str, Any] = {
        "code": "Q1", "topic": "a", "difficulty": "easy", "kind": "single", "text": "Gì?",
        "options": (RIGHT, WRONG),
    }  # fmt: skip
    return QuestionDraft(**{**good, **changes})


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ([], {}),
        ([], {"kind": "true_false"}),
        ([], {"kind": "multiple", "options": (RIGHT, PoolOption("Đủ", is_correct=True), WRONG)}),
        ([], {"options": (PoolOption("5", is_correct=True), PoolOption("5%", is_correct=False))}),
        (["code"], {"code": ""}),
        (["text"], {"text": " "}),
        (["text"], {"text": "x" * 2001}),
        (["difficulty"], {"difficulty": "extreme"}),
        (["kind"], {"kind": "essay"}),
        (["image_alt"], {"image_id": 1}),
        (["valid_to"], {"valid_from": DAY, "valid_to": date(2026, 10, 4)}),
        (["option_b"], {"options": (RIGHT,)}),
        (["option_c"], {"kind": "true_false", "options": (RIGHT, WRONG, PoolOption("?", False))}),
        (["option_i"], {"options": (RIGHT, *(PoolOption(str(n), False) for n in range(8)))}),
        (["option_b"], {"options": (RIGHT, PoolOption("", is_correct=False))}),
        (["option_b"], {"options": (RIGHT, PoolOption("x" * 501, is_correct=False))}),
        (["option_b"], {"options": (RIGHT, PoolOption(" ĐÚNG. ", is_correct=False))}),
        (["answer"], {"options": (WRONG, PoolOption("Khác", is_correct=False))}),
        (["answer"], {"options": (RIGHT, PoolOption("Cũng đúng", is_correct=True))}),
        (["answer"], {"kind": "multiple"}),
        (["answer"], {"kind": "multiple", "options": (RIGHT, PoolOption("Đủ", is_correct=True))}),
    ],
)
def test_a_question_is_checked_by_its_kind(fields: list[str], changes: dict[str, Any]) -> None:
    assert list(faults_of(cleaned(draft(**changes)))) == fields


@pytest.mark.parametrize(
    ("address", "is_fit"),
    [
        ("https://dichvucong.gov.vn/p/home/dvc-chi-tiet.html?ma=1.000105#buoc-2", True),
        ("https://thủtục.vn", True),
        ("http://dichvucong.gov.vn", False),
        ("javascript:alert(1)", False),
        ("dichvucong.gov.vn", False),
        ("https://localhost/x", False),
        ("https://dichvucong.gov.vn@example.com/", False),
        ("https://[::1", False),
        ("https://a.vn/<b>", False),
        ("https://a.vn/ x", False),
        ("https://a.vn/" + "x" * 1000, False),
    ],
)
def test_a_link_leads_to_a_whole_https_address(address: str, *, is_fit: bool) -> None:
    assert list(faults_of(cleaned(draft(link_url=address)))) == ([] if is_fit else ["link_url"])


@given(st.text(max_size=30), st.lists(st.tuples(st.text(max_size=9), st.booleans()), max_size=10))
def test_any_words_are_a_question_or_have_faults(
    text: str, options: list[tuple[str, bool]]
) -> None:
    found = cleaned(draft(text=text, options=tuple(PoolOption(*each) for each in options)))
    assert cleaned(found) == found
    right_count = sum(option.is_correct for option in found.options)
    if not faults_of(found):
        assert found.text
        assert right_count == 1
        assert 2 <= len(found.options) <= 8
