"""How many people does a province bring to the closing hour of a round, and what do they ask for?

The shares are of the contests in the Vietnamese press whose numbers were published: a province of
a million brings 25,000 to 100,000 people a week, three in ten of them on the last day, a quarter of
those in the last hour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

REQUESTS_PER_ATTEMPT = 20  # pages, saves and polls, as counted on contests of this kind
MINUTES_PER_HOUR, SECONDS_PER_HOUR = 60, 3600


@dataclass(frozen=True)
class Province:
    """What is assumed; each figure can be given anew in the environment."""

    population: int = 1_000_000
    takes_part: float = 0.10  # of the population, in one round
    last_day: float = 0.30  # of those
    last_hour: float = 0.25  # of those of the last day
    burst: float = 5.0  # the worst minute beside the mean of the hour
    attempt_minutes: int = 20  # that one attempt may last

    def __post_init__(self) -> None:
        shares = {
            "TAKES_PART": self.takes_part,
            "LAST_DAY": self.last_day,
            "LAST_HOUR": self.last_hour,
        }
        for name, share in shares.items():
            if not 0 < share <= 1:
                raise ValueError(f"{name}={share} is no share: it must be above 0 and at most 1")
        if self.population < 1 or self.burst < 1 or self.attempt_minutes < 1:
            raise ValueError("POPULATION, BURST and the minutes of an attempt are at least 1")


@dataclass(frozen=True)
class Sizing:
    """What a province asks for in its closing hour."""

    entrants: float
    attempts_per_hour: float
    starts_per_s: float
    burst_starts_per_s: float
    requests_per_s: float
    inside_at_once: int


def size(province: Province) -> Sizing:
    """From people to rates.

    Arrivals follow 1 / (minutes left + 1). Whoever came in the last `attempt_minutes` is still
    inside when the round closes: ln(minutes + 1) / ln(61) of the hour.
    """
    entrants = province.population * province.takes_part
    attempts = entrants * province.last_day * province.last_hour
    mean = attempts / SECONDS_PER_HOUR
    minutes = min(province.attempt_minutes, MINUTES_PER_HOUR)
    inside = attempts * math.log(minutes + 1) / math.log(MINUTES_PER_HOUR + 1)
    return Sizing(
        entrants=entrants,
        attempts_per_hour=attempts,
        starts_per_s=mean,
        burst_starts_per_s=mean * province.burst,
        requests_per_s=mean * province.burst * REQUESTS_PER_ATTEMPT,
        inside_at_once=max(1, round(inside)),
    )


def explain(province: Province) -> list[str]:
    """The arithmetic, a line each."""
    found = size(province)
    return [
        f"{province.population:,} people x {province.takes_part:.0%} who take part "
        f"= {found.entrants:,.0f} in a round",
        f"x {province.last_day:.0%} on the last day x {province.last_hour:.0%} of them in its last "
        f"hour = {found.attempts_per_hour:,.0f} attempts in that hour",
        f"= {found.starts_per_s:.1f} starts/s, x {province.burst:g} in the worst minute "
        f"= {found.burst_starts_per_s:.1f} starts/s and submits/s",
        f"x {REQUESTS_PER_ATTEMPT} requests an attempt = {found.requests_per_s:,.0f} requests/s",
        f"arrivals follow 1/(minutes left + 1) and an attempt lasts {province.attempt_minutes} "
        f"minutes: {found.inside_at_once:,} people inside when the round closes",
    ]
