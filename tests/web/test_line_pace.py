from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.line_pace import (
    AHEAD_SECONDS,
    CLOSES_AFTER_SECONDS,
    FASTEST,
    FIRST,
    LATEST_SECONDS,
    SLOWEST,
    SOONEST_SECONDS,
    Line,
    advance,
    ask_again,
    next_rate,
    place_of,
)
from web.load_level import BUSY, FULL, HEAVY, STARTS_AT
from web.pages.waiting import wait_words

PRESSURE = st.floats(0, 50)
RATE = st.floats(SLOWEST, FASTEST)
BEAT = 0.5


def lived(line: Line, pressures: list[float], *, arrivals: int = 0) -> list[Line]:
    """The line beat by beat, with so many newcomers before each."""
    lines = [line]
    for worst in pressures:
        before = lines[-1]
        arrived = replace(before, issued=before.issued + arrivals)
        lines.append(advance(arrived, worst=worst, starts_per_s=30, at=before.at + BEAT))
    return lines


@given(st.lists(PRESSURE, max_size=80), st.integers(0, 200))
def test_what_has_been_served_stays_served(pressures: list[float], arrivals: int) -> None:
    for before, after in itertools.pairwise(lived(Line(), pressures, arrivals=arrivals)):
        assert min(before.served, before.issued) <= after.served
        assert SLOWEST <= after.rate <= FASTEST
        # never more ahead of what is asked for than a second's worth
        assert after.served <= max(before.served, after.issued + after.rate * AHEAD_SECONDS)


@given(RATE, st.floats(0.01, 2))
def test_a_good_moment_adds_and_a_heavy_one_takes_a_share(rate: float, passed: float) -> None:
    calm, held = next_rate(rate, 0.0, passed), next_rate(rate, STARTS_AT[BUSY], passed)
    heavy, full = (next_rate(rate, STARTS_AT[level], passed) for level in (HEAVY, FULL))
    assert SLOWEST <= full <= heavy <= held == rate <= calm <= FASTEST


@given(st.floats(5, 500), st.floats(SLOWEST, 1000))
def test_the_rate_finds_what_the_machines_can_do(capacity: float, first: float) -> None:
    """Against machines that are pressed in proportion to what is let in."""
    rate, rates = first, []
    for _ in range(1200):
        rate = next_rate(rate, rate / capacity, BEAT)
        rates.append(rate)
    late = rates[600:]
    assert 0.8 * capacity <= min(late)
    assert max(late) <= 2 * capacity


def test_the_line_opens_when_heavy_at_less_than_what_came_in_and_closes_when_nobody_waits() -> None:
    opened = advance(Line(issued=7), worst=STARTS_AT[HEAVY], starts_per_s=100, at=5)
    assert opened.is_open
    assert (opened.served, opened.rate) == (7, pytest.approx(70))
    beats = round(CLOSES_AFTER_SECONDS / BEAT)
    assert lived(opened, [0.0] * (beats - 1))[-1].is_open
    assert not lived(opened, [0.0] * beats)[-1].is_open
    assert lived(opened, [STARTS_AT[BUSY]] * 3 * beats)[-1].is_open
    crowded = lived(opened, [0.0] * beats, arrivals=500)[-1]
    assert crowded.is_open
    assert crowded.served < crowded.issued


def test_while_it_is_closed_everybody_is_served() -> None:
    line = lived(Line(), [0.0] * 4, arrivals=10)[-1]
    assert not line.is_open
    assert line.now_serving == line.issued == 40


@given(st.integers(0, 10_000), st.integers(1, 10_000), RATE)
def test_a_place_tells_the_truth(served: int, number: int, pace: float) -> None:
    line = Line(issued=20_000, served=float(served), pace=pace, rate=pace, is_open=True)
    place = place_of(line, number)
    assert place.is_served == (number <= served)
    assert place.ahead == max(0, number - served - 1)
    if not place.is_served:
        assert served + place.seconds * pace >= number - 1e-6
        assert SOONEST_SECONDS <= place.retry_after <= round(LATEST_SECONDS * 1.4)


@pytest.mark.parametrize("per_s", [2.0, 40.0])
def test_the_time_told_is_the_time_waited(per_s: float) -> None:
    """By a line that really moves: the pace that it tells is the pace that it has."""
    line = Line(is_open=True, rate=per_s, pace=FIRST, issued=100_000)
    held = STARTS_AT[BUSY]
    settled = lived(line, [held] * 120)[-1]
    number = settled.now_serving + round(60 * per_s)
    told = place_of(settled, number).seconds
    waited = next(
        count * BEAT
        for count, each in enumerate(lived(settled, [held] * 240))
        if place_of(each, number).is_served
    )
    assert told == pytest.approx(waited, abs=3)


def test_neighbours_do_not_ask_at_the_same_instant() -> None:
    assert len({ask_again(60, number) for number in range(100, 105)}) == 5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "chưa đến 1 phút"),
        (59, "chưa đến 1 phút"),
        (60, "khoảng 1 phút"),
        (61, "khoảng 2 phút"),
        (3599, "khoảng 60 phút"),
        (3601, "khoảng 2 giờ"),
    ],
)
def test_a_wait_in_words(seconds: int, words: str) -> None:
    assert wait_words(seconds) == words
