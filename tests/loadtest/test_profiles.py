from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.person import pause_before
from loadtest.crowd.profiles import PROFILES, Profile, Timeline, last_minute

profiles = st.sampled_from(list(PROFILES.values()))
lengths = st.floats(4, 3600)
moments = st.floats(0, 1)


@given(profiles, lengths, st.lists(moments, min_size=2))
def test_people_only_come_and_all_have_come_at_the_end(
    profile: Profile, seconds: float, at: list[float]
) -> None:
    timeline = Timeline(profile.over(seconds), 5_000)
    come = [timeline.arrived(each * seconds) for each in sorted(at)]
    assert come == sorted(come)
    assert 0 <= come[0] <= come[-1] <= 5_000
    assert timeline.arrived(seconds) == 5_000


def test_at_the_closing_arrivals_follow_one_over_the_minutes_left_plus_one() -> None:
    timeline = Timeline(PROFILES["closing_rush"].over(600), 1_000_000)

    def a_second(minutes_left: float) -> int:
        at = 600 - minutes_left * 60
        return timeline.arrived(at + 0.5) - timeline.arrived(at - 0.5)

    assert a_second(2) / a_second(8) == pytest.approx(9 / 3, rel=0.01)
    assert a_second(1.1) / a_second(3.2) == pytest.approx(4.2 / 2.1, rel=0.01)
    assert timeline.arrived(540) == 1_000_000


def test_the_last_minute_asks_for_what_five_thousand_people_do() -> None:
    said = Timeline(PROFILES["closing_rush"], 5_000).demand
    assert "818 saves/s" in said  # 5,000 x 0.9 / 5.5
    assert "96 submits/s" in said  # 5,000 x 0.92 / 48


def test_half_a_minute_after_the_bell_all_have_come() -> None:
    timeline = Timeline(PROFILES["opening_bell"], 5_000)
    assert timeline.arrived(0) == 0
    assert timeline.arrived(15) == 2_500
    assert timeline.arrived(30) == 5_000


@given(profiles, lengths, moments, st.integers())
def test_nobody_hands_in_before_coming(
    profile: Profile, seconds: float, arrived: float, seed: int
) -> None:
    handed_in = profile.hand_in(Random(seed), arrived * seconds, seconds)
    assert handed_in >= arrived * seconds


@given(lengths, st.integers())
def test_at_the_closing_all_who_came_in_time_hand_in_in_the_last_minute(
    seconds: float, seed: int
) -> None:
    handed_in = PROFILES["closing_rush"].hand_in(Random(seed), seconds / 2, seconds)
    assert seconds - last_minute(seconds) <= handed_in <= seconds


@given(st.integers(1, 30), st.floats(1, 100), st.integers())
def test_whoever_was_told_when_to_come_again_does_not_come_before(
    tries: int, retry_after: float, seed: int
) -> None:
    assert pause_before(Random(seed), tries, retry_after) >= retry_after
    assert 0.25 <= pause_before(Random(seed), tries, None) <= 15
