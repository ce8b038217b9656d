"""Windows: an organiser's words for an instant mean one instant, or are refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import VIETNAM
from core.errors import Refusal
from core.text import datetime_shown, deadline_shown
from quiz.windows import parse_instant, understood

MINUTES = st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 30)).map(  # noqa: DTZ001 — made aware below
    lambda naive: naive.replace(second=0, microsecond=0, tzinfo=VIETNAM).astimezone(UTC)
)


def vietnam(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=VIETNAM)  # type: ignore[arg-type,misc]  # year, month, day …


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("24 giờ ngày 5/10", vietnam(2026, 10, 6)),
        ("24 giờ 5/10", vietnam(2026, 10, 6)),
        ("16:00 ngày 05/10/2026", vietnam(2026, 10, 5, 16)),
        ("07h30 05/10/2026", vietnam(2026, 10, 5, 7, 30)),
        ("7 giờ 30 phút ngày 5 tháng 10 năm 2026", vietnam(2026, 10, 5, 7, 30)),
        ("0 giờ ngày 5/10/2026", vietnam(2026, 10, 5)),
        ("24:00 31/12/2026", vietnam(2027, 1, 1)),
        ("24h00 ngày 29/2/2028", vietnam(2028, 3, 1)),
        ("Từ 8g00 ngày 05.10.2026", vietnam(2026, 10, 5, 8)),
        ("16h ngày 5-10-2026", vietnam(2026, 10, 5, 16)),
        ("ngày 05/10/2026, lúc 16:00", vietnam(2026, 10, 5, 16)),
        ("17 giờ 00 thứ Hai, 05/10/2026", vietnam(2026, 10, 5, 17)),
        ("24 giờ Chủ nhật (11/10/2026)", vietnam(2026, 10, 12)),
        ("23:59:59 05/10/2026", vietnam(2026, 10, 5, 23, 59, 59)),
        ("2026-10-05T16:00", vietnam(2026, 10, 5, 16)),
        ("24 gio ngay 5/10/2026", vietnam(2026, 10, 6)),
        ("24 GIỜ NGÀY 5/10/2026", vietnam(2026, 10, 6)),
        ("24 giờ ngày 5/10/2026".replace("ờ", "o\u031b\u0300"), vietnam(2026, 10, 6)),
    ],
)
def test_what_organisers_write_is_understood(text: str, instant: datetime) -> None:
    assert parse_instant(text, year=2026) == instant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Thiếu ngày"),
        ("sớm nhất có thể", "Thiếu ngày"),
        ("16:00", "Thiếu ngày"),
        ("5/10/2026", "Thiếu giờ"),
        ("24 giờ ngày 5/10", "Thiếu năm"),
        ("25 giờ ngày 5/10/2026", "Không có giờ 25"),
        ("24:01 ngày 5/10/2026", "Không có giờ 24:01"),
        ("16:60 ngày 5/10/2026", "Không có giờ 16:60"),
        ("16:00 ngày 31/9/2026", "Không có ngày 31/9/2026"),
        ("16:00 ngày 10/13/2026", "Không có ngày 10/13/2026"),
        ("16:00 ngày 5/10/2206", "Năm 2206"),
        ("16:00 ngày 5/10/26", "Thiếu năm"),
        ("16:00 thứ Ba, 05/10/2026", "là thứ Hai"),
        ("16:00 ngày 5/10/2026 đến 17:00", "Không hiểu"),
        ("từ 5/10/2026 đến 16:00 7/10/2026", "Không hiểu"),
        ("4 giờ chiều ngày 5/10/2026", "Không hiểu"),
    ],
)
def test_whatever_leaves_a_doubt_is_refused_with_an_example(text: str, words: str) -> None:
    with pytest.raises(Refusal, match=words) as refusal:
        parse_instant(text)
    assert refusal.value.code == "bad_instant"


@given(MINUTES)
def test_deadlines_are_read_back_as_they_are_shown(instant: datetime) -> None:
    assert parse_instant(deadline_shown(instant)) == instant
    assert parse_instant(datetime_shown(instant)) == instant


@given(MINUTES)
def test_what_was_understood_means_the_same_instant(instant: datetime) -> None:
    assert parse_instant(understood(instant)) == instant


def test_the_end_of_a_day_is_understood_as_the_next() -> None:
    told = understood(parse_instant("24 giờ ngày 5/10/2026"))
    assert told == "thứ Ba, 00:00 ngày 06/10/2026"


@given(MINUTES)
def test_the_end_of_a_day_is_the_beginning_of_the_next(instant: datetime) -> None:
    day = instant.astimezone(VIETNAM)
    following = day + timedelta(days=1)
    assert parse_instant(f"24:00 {day:%d/%m/%Y}") == parse_instant(f"0 giờ {following:%d/%m/%Y}")


@given(st.text(max_size=60))
def test_any_text_is_an_instant_or_a_refusal(text: str) -> None:
    with suppress(Refusal):
        assert parse_instant(text, year=2026).tzinfo is UTC
