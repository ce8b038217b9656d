"""How numbers are written, and how they come back from the hands of people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificates.numbers import check_url, number_text, read_number, url_form


def test_a_number_has_its_zeros_and_an_address_has_no_slash() -> None:
    number = number_text(123, 2026, "GCN-BTC", 5)
    assert (number, url_form(number)) == ("00123/2026/GCN-BTC", "00123-2026-GCN-BTC")
    assert (
        check_url("https://thi.example/", number, "7K2M-Q4TN-0XBD")
        == "https://thi.example/chung-nhan/00123-2026-GCN-BTC?ma=7K2M-Q4TN-0XBD"
    )


@pytest.mark.parametrize(
    "typed", ["00123/2026/GCN-BTC", "123-2026-gcn-btc", " 00123-2026-GCN-BTC "]
)
def test_people_type_numbers_in_many_ways(typed: str) -> None:
    assert read_number(typed) == (123, 2026, "GCN-BTC")


@pytest.mark.parametrize(
    "typed", ["", "123", "a/2026/GCN", "1/2026/", "1/26/GCN", "1/2026/G' OR 1"]
)
def test_what_is_no_number_is_none(typed: str) -> None:
    assert read_number(typed) is None


@given(st.integers(1, 10**9 - 1), st.integers(2000, 2999), st.integers(1, 9))
def test_every_number_comes_back(place: int, year: int, width: int) -> None:
    number = number_text(place, year, "GCN-BTC", width)
    assert read_number(number) == read_number(url_form(number)) == (place, year, "GCN-BTC")
