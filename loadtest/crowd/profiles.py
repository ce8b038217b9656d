"""When do people come, how long do they think, when do they hand in? One profile a kind of hour.

Pure arithmetic on seconds since the run began; the dice are the caller's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType

SECONDS_PER_MINUTE, MINUTES_PER_HOUR = 60.0, 60
HANDING_IN = 0.8  # of the last minute: who came at its beginning is inside before the first leaves
SHORTEST_UNHURRIED_SECONDS = 30.0
BOARD, MY_RANK, RESULT = "board", "my rank", "result page"
WATCHED: Mapping[str, float] = MappingProxyType({RESULT: 0.4, BOARD: 0.4, MY_RANK: 0.2})
STORM: Mapping[str, float] = MappingProxyType({BOARD: 0.6, MY_RANK: 0.4})

Span = tuple[float, float]
# (seconds since the run began, length of the run) → share of the crowd that has come
Arrivals = Callable[[float, float], float]
# (dice, when he came in, length of the run) → when he hands in
HandIn = Callable[[Random, float, float], float]


@dataclass(frozen=True)
class Manners:
    """How many in a hundred are not the ordinary person with a phone and a script."""

    without_script: float = 0.10  # posts the form once, at the end
    drops_off: float = 0.08  # leaves and never hands in
    other_device: float = 0.04  # opens the paper a second time elsewhere
    changes_mind: float = 0.25  # of the saves change an answer that was given


@dataclass(frozen=True)
class Profile:
    """A kind of hour."""

    name: str
    seconds: float
    arrivals: Arrivals
    hand_in: HandIn
    pause: Span = (3.0, 8.0)  # between one answer and the next
    reads: Span = (2.0, 6.0)  # the contest's page before starting, the paper before answering
    watches: float = 0.0  # share of the crowd that hands in at once and then refreshes pages
    watched: Mapping[str, float] = field(default_factory=lambda: WATCHED)
    refresh: Span = (3.0, 7.0)
    tail: float = 20.0  # for the last scores, after the run's length
    patience: float = 120.0  # how long someone who is not let in asks again
    manners: Manners = field(default_factory=Manners)

    def over(self, seconds: float) -> Profile:
        """The same in so many seconds; below half a minute people also think faster."""
        pace = min(1.0, seconds / SHORTEST_UNHURRIED_SECONDS)
        return replace(
            self,
            seconds=seconds,
            tail=self.tail * max(pace, 0.4),
            pause=_scaled(self.pause, pace),
            reads=_scaled(self.reads, pace),
            refresh=_scaled(self.refresh, pace),
        )


def _scaled(span: Span, pace: float) -> Span:
    return span[0] * pace, span[1] * pace


def closing_arrivals(elapsed: float, seconds: float) -> float:
    """Arrivals by 1 / (minutes left + 1), on the run's own minutes, until one minute is left.

    The law is cut at the last minute, so that all who come are inside at once in it: harder than
    life, where one in six of the last hour comes when some have left.
    """
    minutes, last = seconds / SECONDS_PER_MINUTE, last_minute(seconds) / SECONDS_PER_MINUTE
    left = max(last, minutes - elapsed / SECONDS_PER_MINUTE)
    return math.log((minutes + 1) / (left + 1)) / math.log((minutes + 1) / (last + 1))


def last_minute(seconds: float) -> float:
    """The minute in which everybody hands in; a third of a run that is shorter than three."""
    return min(SECONDS_PER_MINUTE, seconds / 3)


def closing_hand_in(dice: Random, arrived: float, seconds: float) -> float:
    """In the last minute, the denser the nearer to its end."""
    wanted = seconds - HANDING_IN * last_minute(seconds) * dice.random() ** 1.5
    return max(wanted, min(arrived + 2.0, seconds))


def bell_arrivals(elapsed: float, seconds: float) -> float:
    """Everybody within half a minute; a third of a run that is shorter than a minute and a half."""
    return min(1.0, elapsed / min(30.0, seconds / 3))


def steady_arrivals(elapsed: float, seconds: float) -> float:
    return min(1.0, elapsed / seconds)


def early_arrivals(elapsed: float, seconds: float) -> float:
    """Everybody in the first third; the rest is for refreshing."""
    return min(1.0, 3 * elapsed / seconds)


def late_hand_in(dice: Random, arrived: float, seconds: float) -> float:
    """Some time between the middle of what is left and the end."""
    left = max(0.0, seconds - arrived)
    return arrived + left * (0.5 + 0.5 * dice.random())


def quick_hand_in(dice: Random, arrived: float, seconds: float) -> float:
    """After some ten answers."""
    return arrived + min(dice.uniform(8, 16), seconds / 4)


def prompt_hand_in(_dice: Random, arrived: float, _seconds: float) -> float:
    return arrived


def unhurried_hand_in(dice: Random, arrived: float, seconds: float) -> float:
    return arrived + min(dice.uniform(30, 120), seconds / 2)


PROFILES: Mapping[str, Profile] = {
    each.name: each
    for each in (
        Profile("opening_bell", 90, bell_arrivals, late_hand_in),
        Profile("closing_rush", 180, closing_arrivals, closing_hand_in),
        Profile("result_hour", 120, early_arrivals, prompt_hand_in, watches=1.0),
        Profile(
            "refresh_storm",
            90,
            early_arrivals,
            prompt_hand_in,
            watches=1.0,
            watched=STORM,
            refresh=(1.0, 4.0),
        ),
        Profile("everything", 180, closing_arrivals, closing_hand_in, watches=0.3),
        Profile(
            "overload",
            60,
            steady_arrivals,
            quick_hand_in,
            pause=(0.8, 1.6),
            reads=(0.5, 1.5),
            tail=30.0,
            # They stay until it is over, as people who hold a number do: with a quarter of a minute
            # nearly everybody who was called had gone.
            patience=90.0,
            # Each attempt is what it is while nobody has to wait: the two are compared.
            manners=Manners(without_script=0, drops_off=0, other_device=0),
        ),
        Profile("soak", 600, steady_arrivals, unhurried_hand_in, tail=130),
    )
}


@dataclass(frozen=True)
class Timeline:
    """A profile played by so many people."""

    profile: Profile
    people: int

    def arrived(self, elapsed: float) -> int:
        """How many have come; never fewer than before."""
        share = self.profile.arrivals(max(0.0, elapsed), self.profile.seconds)
        return min(self.people, round(self.people * max(0.0, share)))

    @property
    def ends_at(self) -> float:
        return self.profile.seconds + self.profile.tail

    @property
    def demand(self) -> str:
        """What the last minute of a closing rush asks for, and how that is reckoned."""
        manners, last = self.profile.manners, last_minute(self.profile.seconds)
        pause = sum(self.profile.pause) / 2
        share = 1 - manners.without_script
        hand_in = 1 - manners.drops_off
        handing_in = HANDING_IN * last
        densest = self.people / math.log((MINUTES_PER_HOUR + 1) / 2) / 2 / SECONDS_PER_MINUTE
        here = max(
            self.arrived(at + 1) - self.arrived(at) for at in range(int(self.profile.seconds))
        )
        return (
            f"{self.people:,} inside x {share:.0%} with script / {pause:g} s between answers = "
            f"{self.people * share / pause:,.0f} saves/s; x {hand_in:.0%} who hand in / "
            f"{handing_in:g} s = {self.people * hand_in / handing_in:,.0f} submits/s, and up to twice "
            f"that near the end; starts/s: up to {here}, where a real hour has up to {densest:.0f}"
        )

    @property
    def pressed(self) -> float:
        """How much denser people come than they would over an hour."""
        return 3600 / self.profile.seconds
