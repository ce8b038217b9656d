from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz.patterns import (
    LEAST_BURST,
    LONGEST_PACE_MS,
    SHORTEST_PACE_MS,
    Earlier,
    Seen,
    fast_pace_ms,
    find_flags,
)

NOON = datetime(2026, 10, 5, 5, tzinfo=UTC)
RIGHT, WRONG, OTHER_WRONG = frozenset({0}), frozenset({1}), frozenset({2})
PACE_MS = 3_000.0
CALM_MS = 600_000  # half a minute a question


def seen(
    participant_id: int,
    answers: Sequence[frozenset[int]] = (RIGHT,) * 20,
    *,
    at: float = 0,
    unit_id: int = 1,
    duration_ms: int = CALM_MS,
    first_question: int = 1,
) -> Seen:
    chosen = dict(enumerate(answers, start=first_question))
    wrong = frozenset((number, each) for number, each in chosen.items() if each not in (RIGHT, ()))
    correct = sum(each == RIGHT for each in answers)
    return Seen(
        UUID(int=participant_id * 1000 + round(at)), participant_id, unit_id,
        NOON + timedelta(seconds=at), duration_ms, correct, len(answers), chosen, wrong,
    )  # fmt: skip


def answers(*wrong: int, kind: frozenset[int] = WRONG, count: int = 20) -> list[frozenset[int]]:
    return [kind if number in wrong else RIGHT for number in range(1, count + 1)]


def found(attempts: Sequence[Seen], **more: Any) -> dict[int, set[str]]:
    flags = find_flags(attempts, more.get("earlier", {}), PACE_MS)
    result: dict[int, set[str]] = {}
    for flag in flags:
        result.setdefault(flag.participant_id, set()).add(flag.pattern)
    return result


def test_nearly_all_right_in_no_time_is_too_fast() -> None:
    [flag] = find_flags([seen(1, answers(7), duration_ms=40_000)], {}, PACE_MS)
    assert flag.pattern == "too_fast"
    assert flag.evidence == {"seconds": 40, "correct": 19, "questions": 20, "limit_seconds": 60}


@pytest.mark.parametrize(
    "attempt",
    [
        seen(1, duration_ms=60_000),  # at the limit
        seen(1, answers(1, 2, 3), duration_ms=5_000),  # guessed in a hurry
        seen(1),
    ],
)
def test_a_hurry_without_success_and_success_without_hurry_are_nothing(attempt: Seen) -> None:
    assert found([attempt]) == {}


@given(st.lists(st.floats(1, 10**6), max_size=60))
def test_the_limit_stays_within_its_bounds(paces: list[float]) -> None:
    assert SHORTEST_PACE_MS <= fast_pace_ms(paces) <= LONGEST_PACE_MS


def test_the_limit_is_a_quarter_of_the_typical_pace() -> None:
    assert fast_pace_ms([12_000.0] * 30) == 3_000
    assert fast_pace_ms([12_000.0] * 19) == SHORTEST_PACE_MS


def test_two_of_a_unit_with_the_same_mistakes_within_a_minute() -> None:
    flags = find_flags([seen(1, answers(3, 9)), seen(2, answers(3, 9), at=42)], {}, PACE_MS)
    assert [(flag.participant_id, flag.pattern) for flag in flags] == [
        (1, "same_answers"),
        (2, "same_answers"),
    ]
    assert flags[0].evidence == {"others": [2], "shared": 20, "same_wrong": 2, "seconds": 42}


@pytest.mark.parametrize(
    "other",
    [
        seen(2, answers(3, 9), at=61),
        seen(2, answers(3, 9, kind=OTHER_WRONG), at=5),
        seen(2, answers(3, 9, 11), at=5),  # one question differs
        seen(2, answers(3, 9), at=5, unit_id=2),  # strangers need three
        seen(2, answers(3, 9), at=5, first_question=17),  # hardly a shared question
        seen(1, answers(3, 9), at=5),  # the same person again
    ],
)
def test_what_only_looks_like_the_same_answers(other: Seen) -> None:
    assert found([seen(1, answers(3, 9)), other]) == {}


def test_one_mistake_in_common_is_chance() -> None:
    assert found([seen(1, answers(3)), seen(2, answers(3))]) == {}


def test_strangers_with_three_mistakes_in_common() -> None:
    pair = [seen(1, answers(3, 9, 12)), seen(2, answers(3, 9, 12), at=5, unit_id=2)]
    assert found(pair) == {1: {"same_answers"}, 2: {"same_answers"}}


def test_only_questions_that_both_drew_are_compared() -> None:
    """Twelve shared questions, two of them wrong alike; the rest is each one's own."""
    first = seen(1, answers(10, 15))
    second = seen(2, answers(2, 7, 18, kind=WRONG), at=3, first_question=9)
    assert first.chosen.keys() & second.chosen.keys() == set(range(9, 21))
    assert found([first, second]) == {1: {"same_answers"}, 2: {"same_answers"}}


def test_an_unanswered_question_is_no_common_mistake() -> None:
    blank = [frozenset[int]() if number in (3, 9) else RIGHT for number in range(1, 21)]
    pair = [
        Seen(UUID(int=n), n, 1, NOON, CALM_MS, 18, 20, dict(enumerate(blank, 1)), frozenset())
        for n in (1, 2)
    ]
    assert found(pair) == {}


def test_a_class_that_is_good_and_takes_its_time_is_no_burst() -> None:
    assert found([seen(number, at=number) for number in range(1, 31)]) == {}


def test_a_unit_that_answers_alike_in_no_time_is_a_burst() -> None:
    quick = [seen(n, at=n, duration_ms=110_000) for n in range(1, LEAST_BURST + 1)]
    assert found(quick) == {n: {"unit_burst"} for n in range(1, LEAST_BURST + 1)}
    assert found(quick[1:]) == {}


def test_a_leap_from_long_and_bad_to_short_and_perfect() -> None:
    before = Earlier(NOON - timedelta(hours=1), 900_000, 9, 20)
    leap = seen(1, duration_ms=30_000)
    flags = find_flags([leap], {1: [before]}, PACE_MS)
    assert {flag.pattern for flag in flags} == {"too_fast", "sudden_leap"}
    evidence = next(flag.evidence for flag in flags if flag.pattern == "sudden_leap")
    assert (evidence["before_correct"], evidence["before_seconds"]) == (9, 900)


@pytest.mark.parametrize(
    "before",
    [
        Earlier(NOON + timedelta(hours=1), 900_000, 9, 20),  # later
        Earlier(NOON - timedelta(hours=1), 900_000, 15, 20),  # not bad
        Earlier(NOON - timedelta(hours=1), 100_000, 9, 20),  # not long
    ],
)
def test_what_is_no_leap(before: Earlier) -> None:
    leap = seen(1, duration_ms=30_000)
    assert found([leap], earlier={1: [before]}) == {1: {"too_fast"}}


crowds = st.lists(
    st.builds(
        seen,
        st.integers(1, 12),
        st.sets(st.integers(1, 6), max_size=4).map(lambda wrong: answers(*wrong, count=8)),
        at=st.integers(0, 150),
        unit_id=st.integers(1, 2),
        duration_ms=st.integers(5_000, 100_000),
        first_question=st.sampled_from([1, 3]),
    ),
    max_size=25,
)


@given(crowds, st.integers(0, 2**32))
def test_the_order_of_attempts_does_not_matter(crowd: list[Seen], seed: int) -> None:
    unique = list({each.attempt_id: each for each in crowd}.values())
    shuffled = Random(seed).sample(unique, len(unique))

    def told(attempts: list[Seen]) -> set[tuple[int, str]]:
        return {(flag.participant_id, flag.pattern) for flag in find_flags(attempts, {}, PACE_MS)}

    assert told(unique) == told(shuffled)


@given(crowds)
def test_who_is_named_is_named_by_those_whom_they_name(crowd: list[Seen]) -> None:
    same = {
        flag.participant_id: flag.evidence["others"]
        for flag in find_flags(crowd, {}, PACE_MS)
        if flag.pattern == "same_answers"
    }
    for participant_id, others in same.items():
        assert isinstance(others, list)
        assert others
        assert participant_id not in others
        assert all(participant_id in same[other] for other in others)  # type: ignore[operator]  # JSON
