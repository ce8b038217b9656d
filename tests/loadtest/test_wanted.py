from __future__ import annotations

import pytest

from loadtest.wanted import Unwilling, read_wanted, refusal


@pytest.mark.parametrize(
    ("remote", "named", "is_refused"),
    [
        ("", "", False),
        ("http://127.0.0.1:8000", "", False),
        ("http://localhost:8000", "", False),
        ("https://thi.example.gov.vn", "", True),
        ("https://thi.example.gov.vn", "1", True),
        ("https://thi.example.gov.vn", "example.gov.vn", True),
        ("https://thi.example.gov.vn", "thi.example.gov.vn", False),
        ("http://127.0.0.1.example.vn", "", True),
        ("ftp://127.0.0.1", "127.0.0.1", True),
        ("thi.example.gov.vn", "thi.example.gov.vn", True),
    ],
)
def test_another_machine_is_loaded_only_when_named_twice(
    remote: str, named: str, *, is_refused: bool
) -> None:
    assert bool(refusal(remote, named)) == is_refused


def test_people_come_from_the_province_unless_they_are_said() -> None:
    assert read_wanted({}).people == 5_000
    assert read_wanted({"POPULATION": "1000000"}).people == 5_555
    assert read_wanted({"POPULATION": "1000000", "TAKES_PART": "0.2"}).people == 11_109
    assert read_wanted({"POPULATION": "1000000", "PEOPLE": "70"}).people == 70


def test_minutes_or_seconds() -> None:
    assert read_wanted({"MINUTES": "2"}).seconds == 120
    assert read_wanted({"SECONDS": "45"}).seconds == 45
    assert read_wanted({"PROFILE": "soak"}).seconds == 600


@pytest.mark.parametrize(
    "wrong",
    [
        {"PROFILE": "panic"},
        {"PEOPLE": "many"},
        {"PEOPLE": "-1"},
        {"SECONDS": "0.5"},
        {"GENERATORS": "-2"},
        {"POPULATION": "1000", "LAST_DAY": "3"},
        {"REMOTE_TARGET": "https://thi.example.gov.vn"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Unwilling):
        read_wanted(wrong)
