"""Who plays when, how well and how long in the synthetic past? Arithmetic on plain values.

The shapes are those of domain.md B3: 1.25 to 1.37 attempts a person (Bộ Tư pháp 2021, Bình Thuận
2024), far more staff than citizens, 3 to 25 % of papers without a mistake (Bình Thuận, Huế),
evenings and the last day busiest, and units between 2 % and everybody.
"""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from core.clock import local, local_day

ATTEMPTS_A_PERSON = 1.33
SHARE_THIRD = 0.06  # of the people; the other extra attempts are second ones
MOST_ATTEMPTS = 3

STAFF, CITIZENS, PUPILS = "can-bo", "nguoi-dan", "hoc-sinh"

# How many of a paper's answers are right: (share of attempts, from, to) of the questions, by
# division; near Huế's first week of 2025 for staff (23.5 % all, 43 % most, 30 % some, 4 % few).
_OUTCOMES = {
    STAFF: ((0.215, 1.0, 1.0), (0.455, 0.75, 0.95), (0.295, 0.3, 0.75), (0.035, 0.0, 0.3)),
    CITIZENS: ((0.05, 1.0, 1.0), (0.36, 0.75, 0.95), (0.49, 0.3, 0.75), (0.10, 0.0, 0.3)),
    PUPILS: ((0.11, 1.0, 1.0), (0.43, 0.75, 0.95), (0.40, 0.3, 0.75), (0.06, 0.0, 0.3)),
}
_EXPIRED_SHARE = 0.02
_NO_PREDICTION_SHARE = 0.015

# Weights of the hours of a day in Lai Châu; evenings are the busiest.
_HOURS = (
    1, 0.4, 0.2, 0.1, 0.2, 0.8, 2, 5, 9, 10, 8, 6, 5, 6, 8, 8, 7, 6, 7, 12, 18, 17, 10, 4,
)  # fmt: skip
_WEEKEND = 0.7
_FIRST_DAY, _LAST_DAY = 1.6, 4.5
_LAST_HOURS = 2.0  # the evening before the close, once more

_TYPICAL_SHARE_OF_LIMIT = 0.45  # the median duration
_SPREAD = 0.38


@dataclass(frozen=True, slots=True)
class Window:
    """When a round may be played; `until` is the close, or now while it is open."""

    opens_at: datetime
    closes_at: datetime
    until: datetime
    limit: timedelta


@dataclass(frozen=True, slots=True)
class Play:
    """One attempt that is over. `who` is the player's place in the list that was given."""

    who: int
    number: int
    started_at: datetime
    closed_at: datetime
    is_expired: bool
    correct_count: int
    prediction: int | None


def participation_rates(unit_codes: Sequence[str]) -> dict[str, float]:
    """Which share of each unit takes part: one at 2 %, about a sixth near everybody."""
    ranked = sorted(unit_codes, key=lambda code: hashlib.sha256(code.encode()).digest())
    rates = {}
    for place, code in enumerate(ranked):
        share = place / max(1, len(ranked) - 1)
        rates[code] = 0.02 if place == 0 else min(1.0, 0.1 + 0.95 * share)
    return rates


def shared_out(total: int, weights: Sequence[float], most: Sequence[int]) -> list[int]:
    """Split a total by weights into whole numbers (largest remainders), none above its bound."""
    scale = total / sum(weights)
    exact = [min(weight * scale, bound) for weight, bound in zip(weights, most, strict=True)]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    while sum(parts) < min(total, sum(most)):
        for place in by_remainder:
            if sum(parts) < total and parts[place] < most[place]:
                parts[place] += 1
    return parts


def plan(
    dice: Random,
    divisions: Sequence[str],
    *,
    attempts: int,
    question_count: int,
    window: Window,
) -> list[Play]:
    """Everybody's attempts in the order in which they are over; `divisions` has one per player."""
    counts = _attempts_a_person(dice, len(divisions), attempts)
    clock = _BusyClock(window)
    plays: list[Play] = []
    for who, (division, count) in enumerate(zip(divisions, counts, strict=True)):
        plays.extend(_plays_of(dice, clock, who, division, count, question_count))
    true_number = len({play.who for play in plays if play.correct_count == question_count})
    guessed = [_with_prediction(dice, play, true_number) for play in plays]
    return sorted(guessed, key=lambda play: (play.closed_at, play.who))


def _attempts_a_person(dice: Random, people: int, attempts: int) -> list[int]:
    extra = max(0, attempts - people)
    thirds = min(round(people * SHARE_THIRD), extra // 2)
    seconds = min(extra - 2 * thirds, people - thirds)
    counts = [3] * thirds + [2] * seconds + [1] * (people - thirds - seconds)
    dice.shuffle(counts)
    return counts


def _plays_of(
    dice: Random, clock: _BusyClock, who: int, division: str, count: int, question_count: int
) -> list[Play]:
    window = clock.window
    latest = window.until
    if count > 1 or window.until < window.closes_at:
        latest -= count * (window.limit + timedelta(minutes=1))
    starts = sorted(min(clock.instant(dice), latest) for _ in range(count))
    plays: list[Play] = []
    for number, wanted in enumerate(starts, start=1):
        pause = timedelta(seconds=dice.uniform(20, 60))
        start = max(wanted, plays[-1].closed_at + pause) if plays else wanted
        correct_count = _correct_count(dice, division, question_count)
        deadline = min(start + window.limit, window.closes_at)
        closed_at = start + _duration(dice, window.limit)
        # Most who run out of time have not answered everything.
        is_expired = closed_at >= deadline or (
            correct_count < question_count and dice.random() < _EXPIRED_SHARE
        )
        plays.append(
            Play(
                who=who,
                number=number,
                started_at=start,
                closed_at=deadline if is_expired else closed_at,
                is_expired=is_expired,
                correct_count=correct_count,
                prediction=None,
            )
        )
    return plays


def _correct_count(dice: Random, division: str, question_count: int) -> int:
    outcomes = _OUTCOMES[division]
    _, low, high = dice.choices(outcomes, weights=[share for share, _, _ in outcomes])[0]
    if low == 1:
        return question_count
    return min(question_count - 1, round(dice.uniform(low, high) * question_count))


def _duration(dice: Random, limit: timedelta) -> timedelta:
    typical = limit * _TYPICAL_SHARE_OF_LIMIT * dice.lognormvariate(0, _SPREAD)
    return timedelta(milliseconds=round(typical / timedelta(milliseconds=1)))


def _with_prediction(dice: Random, play: Play, true_number: int) -> Play:
    if dice.random() < _NO_PREDICTION_SHARE:
        return play
    guess = max(1, round(true_number * dice.lognormvariate(0, 0.45)))
    if dice.random() < 0.4:  # noqa: PLR2004 — many people like round numbers
        guess = max(10, round(guess, -2 if guess > 1000 else -1))  # noqa: PLR2004 — the same
    return Play(
        play.who,
        play.number,
        play.started_at,
        play.closed_at,
        play.is_expired,
        play.correct_count,
        guess,
    )


class _BusyClock:
    """Draws instants of a window, the busy hours more often."""

    def __init__(self, window: Window) -> None:
        self.window = window
        hours = max(1, int((window.until - window.opens_at) / timedelta(hours=1)))
        self._hours = [window.opens_at + timedelta(hours=hour) for hour in range(hours)]
        self._weights = list(accumulate(_weight(hour, window) for hour in self._hours))

    def instant(self, dice: Random) -> datetime:
        place = bisect(self._weights, dice.random() * self._weights[-1])
        hour = self._hours[min(place, len(self._hours) - 1)]
        drawn = hour + timedelta(milliseconds=dice.randrange(3_600_000))
        return min(drawn, self.window.until - timedelta(seconds=40))


def _weight(hour: datetime, window: Window) -> float:
    moment = local(hour)
    weight = _HOURS[moment.hour]
    if moment.weekday() >= 5:  # noqa: PLR2004 — Saturday and Sunday
        weight *= _WEEKEND
    if local_day(hour) == local_day(window.opens_at):
        weight *= _FIRST_DAY
    # A window that ends at midnight has the day before as its last one.
    if local_day(hour) == local_day(window.closes_at - timedelta(seconds=1)):
        weight *= _LAST_DAY
        if window.closes_at - hour <= timedelta(hours=4):
            weight *= _LAST_HOURS
    return weight
