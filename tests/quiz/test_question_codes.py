"""Codes made for questions that came without one: new ones, each once, in the order of the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz.question_codes import new_codes
from quiz.question_drafts import LONGEST_CODE

TOPICS = st.text(alphabet="abcđ-0 9ế", max_size=60)
CODES = st.from_regex(r"[A-Za-z]{1,4}-[0-9]{1,9}", fullmatch=True) | st.text(max_size=60)


@given(st.lists(TOPICS, max_size=30), st.sets(CODES, max_size=30))
def test_no_code_is_taken_or_given_twice(topics: list[str], taken: set[str]) -> None:
    made = new_codes(topics, taken)
    assert len(made) == len(topics)
    assert len(set(made)) == len(made)
    assert not {code.upper() for code in made} & {code.upper() for code in taken}
    assert all(0 < len(code) <= LONGEST_CODE for code in made)


@given(st.lists(TOPICS, min_size=1, max_size=10), st.sets(CODES, max_size=10))
def test_a_second_file_goes_on_where_the_first_ended(topics: list[str], taken: set[str]) -> None:
    first = new_codes(topics, taken)
    assert not set(first) & set(new_codes(topics, taken | set(first)))


@pytest.mark.parametrize(
    ("topic", "taken", "code"),
    [
        ("chuyen-doi-so", (), "CDS-001"),
        ("chuyen-doi-so", ("CDS-001", "cds-007"), "CDS-008"),
        ("chuyen-doi-so", ("CDS-1234",), "CDS-1235"),
        ("chung", (), "CHUNG-001"),
        ("", (), "CAU-001"),
    ],
)
def test_a_code_says_its_topic_and_runs_on(topic: str, taken: tuple[str, ...], code: str) -> None:
    assert new_codes([topic], taken) == [code]
