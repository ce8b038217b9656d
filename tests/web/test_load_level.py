from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from web.load_level import (
    BUSY,
    CALM,
    CROWD,
    FULL,
    HEAVY,
    HOLD_SECONDS,
    SAMPLES,
    STARTS_AT,
    TICK_SECONDS,
    Load,
    Sample,
    level_at,
    pressure_of,
    smoothed,
)

SECONDS = st.floats(0, 60)
SAMPLE = st.builds(
    Sample,
    at=st.just(0.0),
    lag_seconds=SECONDS,
    wait_seconds=SECONDS,
    in_flight=st.integers(0, 20_000),
    answered_per_s=st.floats(0, 50_000),
)


def told(load: Load, *, lag: float, since: float, seconds: float) -> list[int]:
    """The levels of a load that sees this lag, with a crowd inside, for so long."""
    levels = []
    for number in range(round(seconds / TICK_SECONDS)):
        at = since + number * TICK_SECONDS
        load.note(Sample(at, lag, in_flight=2 * CROWD, answered_per_s=100_000))
        levels.append(load.level)
    return levels


@given(SAMPLE, SECONDS)
def test_more_of_a_signal_is_never_less_pressure(sample: Sample, more: float) -> None:
    before = pressure_of(sample)
    for name in ("lag_seconds", "wait_seconds"):
        worse = {name: getattr(sample, name) + more}
        assert pressure_of(Sample(**(_fields(sample) | worse))) >= before
    fewer = {"answered_per_s": sample.answered_per_s / 2}
    assert pressure_of(Sample(**(_fields(sample) | fewer))) >= before


@given(SAMPLE)
def test_a_few_people_are_never_too_many(sample: Sample) -> None:
    few = Sample(**(_fields(sample) | {"in_flight": min(sample.in_flight, CROWD - 1)}))
    assert pressure_of(few) == 0


@given(st.floats(0, 1000))
def test_each_level_begins_where_it_says(pressure: float) -> None:
    level = level_at(pressure)
    assert STARTS_AT[level] <= pressure
    assert level == FULL or pressure < STARTS_AT[level + 1]


@given(SAMPLE, SAMPLE)
def test_one_bad_moment_is_no_overload(calm: Sample, bad: Sample) -> None:
    quiet = Sample(**(_fields(calm) | {"in_flight": 0}))
    assert smoothed([quiet] * (SAMPLES - 1) + [bad]) == 0


def test_the_level_rises_within_a_second_and_falls_step_by_step() -> None:
    load = Load()
    rising = told(load, lag=1.0, since=0, seconds=1)
    assert rising[-1] == FULL
    falling = told(load, lag=0.0, since=1, seconds=4 * HOLD_SECONDS)
    assert falling[-1] == CALM
    steps = [level for number, level in enumerate(falling) if level != falling[number - 1]]
    assert steps[-3:] == [HEAVY, BUSY, CALM]
    assert falling.count(HEAVY) >= HOLD_SECONDS / TICK_SECONDS


def test_a_pressure_about_a_boundary_does_not_flutter() -> None:
    load = Load()
    told(load, lag=0.05, since=0, seconds=1)
    assert load.level == BUSY
    for number in range(200):
        told(load, lag=0.035 + 0.01 * (number % 2), since=1 + number, seconds=1)
        assert load.level == BUSY


def test_lite_mode_sheds_as_if_it_were_heavy_and_measures_on() -> None:
    load = Load()
    load.set_lite(True)
    assert (load.level, load.shed) == (CALM, HEAVY)
    told(load, lag=1.0, since=0, seconds=1)
    assert load.shed == FULL
    load.set_lite(False)
    told(load, lag=0.0, since=1, seconds=4 * HOLD_SECONDS)
    assert (load.level, load.shed) == (CALM, CALM)


def _fields(sample: Sample) -> dict[str, float]:
    return {name: getattr(sample, name) for name in Sample.__slots__}
