from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz.drawing import PaperQuestion
from quiz.pools import PoolOption, PoolQuestion
from quiz.scoring import POINT, question_points, score


def shown(kind: str, right: str, order: tuple[int, ...] | None = None) -> PaperQuestion:
    """`right` is one letter an option in the pool's order: "+" right, "-" wrong."""
    options = tuple(PoolOption(str(place), sign == "+") for place, sign in enumerate(right))
    question = PoolQuestion(1, 1, "a", "easy", kind, "?", options)
    return PaperQuestion(question, order or tuple(range(len(right))))


@pytest.mark.parametrize(
    ("kind", "right", "chosen", "points"),
    [
        ("single", "+---", [1], POINT),
        ("single", "+---", [2], 0),
        ("single", "+---", [], 0),
        ("single", "+---", [1, 2], 0),  # two marks on a one-answer question count for nothing
        ("single", "+---", [9], 0),
        ("true_false", "-+", [2], POINT),
        ("multiple", "++--", [1, 2], POINT),
        ("multiple", "++--", [1], POINT // 2),
        ("multiple", "++--", [1, 3], 0),
        ("multiple", "++--", [1, 2, 3], POINT // 2),
        ("multiple", "++--", [1, 2, 3, 4], 0),  # marking everything earns nothing
        ("multiple", "+++--", [1, 2], 666),
        ("multiple", "++--", [3, 4], 0),
    ],
)
def test_points(kind: str, right: str, chosen: list[int], points: int) -> None:
    assert question_points(shown(kind, right), chosen) == points


def test_the_shown_place_counts_and_not_the_place_in_the_pool() -> None:
    assert question_points(shown("single", "+---", (3, 2, 1, 0)), [4]) == POINT
    assert question_points(shown("single", "+---", (3, 2, 1, 0)), [1]) == 0


@given(
    st.lists(st.booleans(), min_size=3, max_size=8).filter(
        lambda signs: any(signs) and not all(signs)
    ),
    st.data(),
)
def test_partial_credit_is_bounded_and_full_only_for_exactly_the_right_set(
    signs: list[bool], data: st.DataObject
) -> None:
    right = "".join("+" if sign else "-" for sign in signs)
    chosen = data.draw(st.sets(st.integers(1, len(signs))))
    points = question_points(shown("multiple", right), sorted(chosen))
    exact = {place for place, sign in enumerate(signs, start=1) if sign}
    assert 0 <= points <= POINT
    assert (points == POINT) == (chosen == exact)


def test_an_attempt_adds_up_and_partial_credit_is_no_correct_answer() -> None:
    paper = (shown("single", "+---"), shown("multiple", "++--"), shown("true_false", "+-"))
    got = score(paper, {"1": [1], "2": [1], "9": [1], "3": []})
    assert (got.points, got.correct_count, got.question_count) == (1500, 1, 3)
