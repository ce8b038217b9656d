from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.sizing import Province, explain, size

shares = st.floats(0.001, 1)
provinces = st.builds(
    Province,
    population=st.integers(1, 10_000_000),
    takes_part=shares,
    last_day=shares,
    last_hour=shares,
    burst=st.floats(1, 20),
    attempt_minutes=st.integers(1, 90),
)


def test_a_province_of_a_million_gives_the_published_figures() -> None:
    found = size(Province())
    assert found.entrants == 100_000
    assert found.attempts_per_hour == 7_500
    assert round(found.starts_per_s, 1) == 2.1
    assert round(found.burst_starts_per_s, 1) == 10.4
    assert round(found.requests_per_s) == 208
    assert found.inside_at_once == 5_555


@given(provinces)
def test_nobody_is_counted_twice(province: Province) -> None:
    found = size(province)
    assert found.attempts_per_hour <= found.entrants <= province.population
    assert found.starts_per_s <= found.burst_starts_per_s <= found.requests_per_s
    assert found.inside_at_once <= max(1, found.attempts_per_hour + 1)


@given(provinces, st.integers(2, 10))
def test_as_many_times_the_people_ask_as_many_times_as_much(province: Province, times: int) -> None:
    more = Province(**{**vars(province), "population": province.population * times})
    assert size(more).attempts_per_hour == pytest.approx(size(province).attempts_per_hour * times)


@given(provinces)
def test_the_arithmetic_is_said_line_by_line(province: Province) -> None:
    said = " ".join(explain(province))
    assert f"{province.population:,} people" in said
    assert f"{size(province).inside_at_once:,} people inside" in said


@pytest.mark.parametrize(
    "wrong",
    [{"takes_part": 0}, {"last_day": 1.2}, {"last_hour": -0.1}, {"population": 0}, {"burst": 0.5}],
)
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"at (least|most) 1"):
        Province(**wrong)
