from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz.ranking import COMPARATORS, Counted, bucket, rank_key, replaces

START = datetime(2026, 10, 5, tzinfo=UTC)

counted = st.builds(
    Counted,
    points=st.integers(0, 20_000),
    duration_ms=st.integers(0, 1_200_000),
    closed_at=st.integers(0, 10**9).map(lambda ms: START + timedelta(milliseconds=ms)),
    prediction=st.none() | st.integers(0, 10**11),
)
orders = st.permutations(list(COMPARATORS)).flatmap(
    lambda names: st.integers(1, len(names)).map(lambda count: names[:count])
)


def plainly(names: list[str], each: Counted, actual: int | None) -> tuple[float, ...]:
    """The rules sentence, written the slow way."""
    gap = (
        0.0
        if actual is None
        else float("inf")
        if each.prediction is None
        else float(abs(each.prediction - actual))
    )
    values = {
        "points": -each.points,
        "prediction_gap": gap,
        "duration": each.duration_ms,
        "closed_at": round((each.closed_at - START).total_seconds() * 1000),
    }
    return tuple(values[name] for name in names)


@given(st.lists(counted, max_size=12), orders, st.none() | st.integers(0, 10**11))
def test_keys_order_as_the_rules_say_for_any_order_of_comparators(
    attempts: list[Counted], names: list[str], actual: int | None
) -> None:
    by_key = sorted(attempts, key=lambda each: rank_key(names, each, actual))
    plain = sorted(plainly(names, each, actual) for each in attempts)
    assert [plainly(names, each, actual) for each in by_key] == plain


@given(counted, counted, orders)
def test_people_share_a_key_exactly_when_every_comparator_is_equal(
    one: Counted, other: Counted, names: list[str]
) -> None:
    same = plainly(names, one, None) == plainly(names, other, None)
    assert (rank_key(names, one, None) == rank_key(names, other, None)) == same


def test_a_provisional_board_ignores_the_prediction() -> None:
    near = Counted(20_000, 60_000, START, prediction=100)
    far = Counted(20_000, 60_000, START, prediction=999)
    names = ["points", "prediction_gap", "duration"]
    assert rank_key(names, near, None) == rank_key(names, far, None)
    assert rank_key(names, near, 101) < rank_key(names, far, 101)


def test_nobody_is_better_off_without_a_prediction() -> None:
    names = ["points", "prediction_gap"]
    silent = Counted(20_000, 60_000, START, prediction=None)
    wild = Counted(20_000, 60_000, START, prediction=10**11)
    assert rank_key(names, wild, 0) < rank_key(names, silent, 0)


@given(counted, orders)
def test_the_bucket_is_what_the_first_comparator_made(each: Counted, names: list[str]) -> None:
    assert bucket(rank_key(names, each, None)) == rank_key(names[:1], each, None)


@pytest.mark.parametrize(
    ("counting", "expected"), [("best", b"a"), ("last", b"c"), ("first", b"b")]
)
def test_the_attempt_that_counts(counting: str, expected: bytes) -> None:
    attempts = [(b"b", START), (b"a", START + timedelta(1)), (b"c", START + timedelta(2))]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        current = attempts[order[0]]
        for place in order[1:]:
            if replaces(counting, attempts[place], current):
                current = attempts[place]
        assert current[0] == expected
