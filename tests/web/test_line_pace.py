from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.line_pace import (
    AHEAD_SECONDS,
    AIM,
    CLOSES_AFTER_SECONDS,
    FASTEST,
    FIRST,
    LATEST_SECONDS,
    MORE_INSIDE,
    NOTHING_LEFT,
    OF_LEAVES,
    SLOWEST,
    SOONEST_SECONDS,
    Figures,
    Line,
    advance,
    ask_again,
    next_rate,
    place_of,
)
from web.load_level import BUSY, FULL, HEAVY, STARTS_AT, STAY_LIMIT_SECONDS
from web.pages.waiting import wait_words

PRESSURE = st.floats(0, 50)
USED = st.floats(0, 1)
RATE = st.floats(SLOWEST, FASTEST)
BEAT = 0.5


def lived(
    line: Line, pressures: list[float], *, arrivals: int = 0, used: float = AIM
) -> list[Line]:
    """The line beat by beat, with so many newcomers before each."""
    lines = [line]
    for worst in pressures:
        before = lines[-1]
        arrived = replace(before, issued=before.issued + arrivals)
        lines.append(advance(arrived, Figures(worst, used, before.rate), before.at + BEAT))
    return lines


@given(st.lists(PRESSURE, max_size=80), st.integers(0, 200), USED)
def test_what_has_been_served_stays_served(
    pressures: list[float], arrivals: int, used: float
) -> None:
    lines = lived(Line(), pressures, arrivals=arrivals, used=used)
    for before, after in itertools.pairwise(lines):
        assert min(before.served, before.issued) <= after.served
        assert SLOWEST <= after.rate <= FASTEST
        # never more ahead of what is asked for than a second's worth
        assert after.served <= max(before.served, after.issued + after.rate * AHEAD_SECONDS)


@given(RATE, USED, USED, PRESSURE, st.floats(0.01, 2))
def test_the_rate_follows_what_is_left_of_the_processors(
    rate: float, used: float, more: float, worst: float, passed: float
) -> None:
    less, most = sorted((used, more))
    assert next_rate(rate, Figures(worst, most), passed) <= next_rate(
        rate, Figures(worst, less), passed
    )
    assert next_rate(rate, Figures(used=AIM), passed) == pytest.approx(rate)
    slow, late = (next_rate(rate, Figures(STARTS_AT[level]), passed) for level in (BUSY, FULL))
    assert SLOWEST <= late <= slow <= rate
    assert rate <= next_rate(rate, Figures(used=less * AIM), passed) <= FASTEST


@given(RATE, st.floats(0, 500))
def test_processors_full_of_something_else_keep_nobody_out_for_good(
    rate: float, leaves: float
) -> None:
    for _ in range(100):
        rate = next_rate(rate, Figures(used=1.0, leaves_per_s=leaves), BEAT)
    assert rate == pytest.approx(max(SLOWEST, min(rate, OF_LEAVES * leaves)))
    assert next_rate(10, Figures(STARTS_AT[BUSY], 1.0, 0, leaves), BEAT) < 10


@dataclass
class Platform:
    """Machines that do a second's work a second, and people who stay; costs as measured (QL1)."""

    start, save, end, door = 0.0045, 0.0003, 0.003, 0.0005
    save_every: float = 6.0
    behind: float = 0.0
    inside: list[float] = field(default_factory=list)  # when they leave
    waiting: float = 0.0

    def work_of(self, stay: float) -> float:
        return self.start + self.save * stay / self.save_every + self.end

    def live(self, at: float, comes: float, stays: Random, line: Line) -> tuple[int, int, float]:
        """One beat: how many came in, how many handed in, and what share of the machines was used."""
        self.waiting += comes
        let_in = int(min(self.waiting, line.rate * BEAT) if line.is_open else self.waiting)
        self.waiting -= let_in
        for _ in range(let_in):
            heapq.heappush(self.inside, at + self.behind + stays.uniform(60, 300))
        left = 0
        while self.inside and self.inside[0] <= at:
            heapq.heappop(self.inside)
            left += 1
        saves = len(self.inside) * BEAT / self.save_every
        work = let_in * self.start + saves * self.save + left * self.end + comes * self.door
        self.behind += work
        done = min(self.behind, BEAT)
        self.behind -= done
        return let_in, left, done / BEAT


@pytest.mark.parametrize("times", [1.5, 3.0])
def test_with_three_times_too_many_four_fifths_of_what_can_be_done_is_done(times: float) -> None:
    """People come whatever becomes of those before them, stay for minutes, and begin when served."""
    platform, stays, line = Platform(), Random(4), Line()
    bears = 1 / platform.work_of(180)
    done, waits = [], []
    for beat in range(round(1500 / BEAT)):
        at = beat * BEAT
        let_in, left, used = platform.live(at, bears * times * BEAT, stays, line)
        seen = Figures(platform.behind / STAY_LIMIT_SECONDS, used, let_in / BEAT, left / BEAT)
        waiting = replace(line, issued=line.now_serving + round(platform.waiting))
        line = advance(waiting, seen, at + BEAT)
        done.append(left)
        waits.append(platform.behind)
    settled = len(done) // 3
    assert sum(done[settled:]) / (len(done) - settled) / BEAT >= 0.8 * bears
    # whoever is inside hardly notices, but for the first seconds in which the line opens
    assert max(waits[settled:]) < 0.1
    assert max(waits) < 2.0


def test_the_line_opens_when_heavy_at_less_than_what_came_in_and_closes_when_nobody_waits() -> None:
    opened = advance(Line(issued=7), Figures(STARTS_AT[HEAVY], 1.0, 100), 5)
    assert opened.is_open
    assert (opened.served, opened.rate) == (7, pytest.approx(30))
    beats = round(CLOSES_AFTER_SECONDS / BEAT)
    assert lived(opened, [0.0] * (beats - 1))[-1].is_open
    assert not lived(opened, [0.0] * beats)[-1].is_open
    assert lived(opened, [STARTS_AT[BUSY]] * 3 * beats)[-1].is_open
    crowded = lived(opened, [0.0] * beats, arrivals=500)[-1]
    assert crowded.is_open
    assert crowded.served < crowded.issued


def test_it_opens_before_anybody_feels_it_when_more_begin_than_hand_in() -> None:
    def beats(used: float, leaves: float) -> Line:
        line, starts = Line(), MORE_INSIDE / 8
        for beat in range(1, 21):
            line = advance(line, Figures(0.0, used, starts, leaves), beat * BEAT)
        return line

    assert beats(NOTHING_LEFT, 0.0).is_open
    assert not beats(NOTHING_LEFT, MORE_INSIDE / 8).is_open  # a crowd that stays as large as it is
    assert not beats(NOTHING_LEFT - 0.01, 0.0).is_open


def test_nobody_is_called_while_those_called_wait_at_the_door() -> None:
    line = Line(issued=1000, served=10.0, rate=20.0, shows=0.1, is_open=True)
    held = advance(line, Figures(starts_per_s=20.0, door_seconds=2.0), BEAT)
    assert held.served == line.served
    assert held.shows > line.shows
    assert advance(line, Figures(starts_per_s=20.0), BEAT).served > line.served


def test_where_all_have_gone_their_numbers_pass_within_seconds() -> None:
    line = Line(issued=8000, rate=50.0, is_open=True)
    for beat in range(1, 41):
        line = advance(line, Figures(used=0.5), beat * BEAT)
    assert line.now_serving >= 8000


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
    settled = lived(line, [0.0] * 120)[-1]
    number = settled.now_serving + round(60 * per_s)
    told = place_of(settled, number).seconds
    waited = next(
        count * BEAT
        for count, each in enumerate(lived(settled, [0.0] * 240))
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
