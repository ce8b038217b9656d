"""Options that speak of other options keep their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz.question_sheet import pinned


@pytest.mark.parametrize(
    ("texts", "places"),
    [
        (["Một", "Hai", "Tất cả các phương án trên"], (False, False, True)),
        (["Một", "Hai", "Cả ba đều đúng"], (False, False, True)),
        (["Một", "Không có phương án nào đúng"], (False, True)),
        (["Một", "Hai", "Cả A và B"], (True, True, True)),
        (["Một", "Hai", "Chỉ A đúng"], (True, True, True)),
        (["10/10", "Cơ quan a", "Cả nước"], (False, False, False)),
    ],
)
def test_options_that_speak_of_others_keep_their_places(
    texts: list[str], places: tuple[bool, ...]
) -> None:
    assert pinned(texts) == places


@given(st.lists(st.text(max_size=40), max_size=8))
def test_every_option_is_pinned_or_not(texts: list[str]) -> None:
    assert len(pinned(texts)) == len(texts)
