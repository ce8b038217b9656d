"""Item statistics, held against the figures that Moodle's own tests expect."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz.item_analysis import PaperFigures, Response, Responses, kurtosis, skewness
from quiz.scoring import POINT

# Marks of 25 people on 7 questions and what Moodle's report makes of them: the data of
# mod/quiz/report/statistics/tests/fixtures/results00.csv, qstats00.csv and of
# check_quiz_stats_for_quiz_00 (figures only).
MARKS = """
1 1 1 1 1 0 1/1 1 1 1 .5 1 0/1 1 1 1 .5 0 1/0 0 1 1 1 0 0/1 0 1 0 0 1 .5/1 1 1 1 .5 0 .5/0 1 1 1 .5 1 .5
1 1 1 0 .5 1 .5/1 0 1 1 1 1 1/0 1 1 0 .5 1 .5/.8 0 1 1 .5 1 .5/1 1 1 0 .5 1 1/1 0 1 1 .5 1 .5
1 0 1 1 1 0 .5/0 0 1 1 0 1 1/1 0 1 0 .5 1 1/.8 0 1 1 .5 0 1/1 0 1 1 0 1 .5/1 0 1 1 .5 0 .5/0 1 1 0 .5 1 0
1 1 .333333 1 .5 0 .5/1 1 1 0 .5 0 .5/1 1 1 1 0 1 .5/0 0 1 0 .5 1 1/0 0 1 1 1 1 1
"""
MOODLE_QUESTIONS = (  # facility, standard deviation, discrimination index and efficiency
    (70.4, 45.13682901, -7.0650767526, -9.4550536967),
    (48.0, 50.99019514, -28.8982125772, -36.7834118938),
    (97.3333332, 13.333334, -9.1230674268, -21.6545012165),
    (68.0, 47.60952286, -22.6306444113, -31.4411395613),
    (52.0, 30.55050463, -17.6997047674, -21.1794802584),
    (64.0, 48.98979486, -45.3785178421, -56.9365974439),
    (62.0, 33.1662479, -5.6543166602, -6.5043742058),
)
MOODLE_PAPER = {
    "median": 4.5,
    "mean": 4.617333332,
    "deviation": 0.8117265554,
    "skewness": -0.092502502,
    "kurtosis": -0.7073968557,
    "cic": -87.2230935542,
    "error_ratio": 136.8294900795,
    "standard_error": 1.1106813066,
}


def sittings() -> list[list[int]]:
    rows = [row for line in MARKS.split("\n") for row in line.split("/") if row]
    return [[round(float(mark) * POINT) for mark in row.split()] for row in rows]


def gathered(rows: list[list[int]]) -> Responses:
    found = Responses()
    for row in rows:
        found.add(
            Response(number, number, points, [0] if points else [1])
            for number, points in enumerate(row, start=1)
        )
    return found


def test_the_questions_are_judged_as_moodle_judges_them() -> None:
    questions = gathered(sittings()).questions()
    for found, (facility, deviation, index, efficiency) in zip(
        questions, MOODLE_QUESTIONS, strict=True
    ):
        # A third of a point is 333 thousandths here: the fifth figure may differ.
        assert found.facility == pytest.approx(facility, rel=1e-4)
        assert found.deviation == pytest.approx(deviation, rel=2e-3)
        assert found.discrimination_index == pytest.approx(index, rel=2e-3)
        assert found.discrimination_efficiency == pytest.approx(efficiency, rel=2e-3)


def test_the_paper_is_judged_as_moodle_judges_it() -> None:
    paper = gathered(sittings()).paper()
    assert isinstance(paper, PaperFigures)
    assert paper.attempt_count == 25
    for name, expected in MOODLE_PAPER.items():
        assert getattr(paper, name) == pytest.approx(expected, rel=2e-3), name


def test_alpha_of_a_matrix_worked_by_hand() -> None:
    """Four people, three questions: variances 1/4, 1/3, 1/4; totals 3, 2, 1, 0 vary by 5/3."""
    rows = [[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]
    paper = gathered([[mark * POINT for mark in row] for row in rows]).paper()
    assert paper is not None
    alpha = Fraction(3, 2) * (
        1 - (Fraction(1, 4) + Fraction(1, 3) + Fraction(1, 4)) / Fraction(5, 3)
    )
    assert paper.cic == pytest.approx(float(100 * alpha)) == pytest.approx(75.0)
    assert paper.error_ratio == pytest.approx(50.0)


def test_a_question_that_everybody_has_right_says_nothing_about_anybody() -> None:
    found = gathered([[POINT, POINT], [POINT, 0]]).questions()[0]
    assert found.facility == 100
    assert found.discrimination_index is None
    assert found.discrimination_efficiency is None


def test_no_attempt_and_a_single_one_have_no_spread() -> None:
    assert Responses().paper() is None
    paper = gathered([[POINT, 0]]).paper()
    assert paper is not None
    assert (paper.deviation, paper.cic, paper.skewness, paper.kurtosis) == (None,) * 4
    assert gathered([[POINT, 0]]).questions()[0].deviation is None


def test_distractors_are_counted_for_everybody_and_for_both_ends() -> None:
    """Ten people on two questions; the weak ones choose B of the first, one leaves it empty."""
    found = Responses()
    for number in range(10):
        strong = number < 5
        chosen = [0] if strong else [1] if number < 9 else []
        found.add(
            [
                Response(1, 1, POINT if strong else 0, chosen),
                Response(2, 2, POINT if strong else 0, [2]),
            ]
        )
    first = found.questions()[0]
    right, wrong = first.options
    assert (right.count, right.share, right.upper, right.lower) == (5, 0.5, 1.0, 0.0)
    assert (wrong.count, wrong.upper, wrong.lower) == (4, 0.0, 0.8)
    assert first.unanswered_share == 0.1


def test_places_of_one_line_share_a_variance() -> None:
    """Drawn questions: whoever had which, alpha sees the line's places, not the questions."""
    rng = random.Random(5)
    found = Responses()
    for _ in range(400):
        knows = rng.random()
        found.add(
            Response(rng.randrange(50) * 3 + place, "line", POINT * (rng.random() < knows), [0])
            for place in range(3)
        )
    paper = found.paper()
    assert paper is not None
    assert paper.cic is not None
    assert 30 < paper.cic < 100  # people differ in what they know, so their answers agree


rows_of_marks = st.lists(
    st.lists(st.sampled_from([0, 500, POINT]), min_size=4, max_size=4), min_size=1, max_size=30
)


@given(rows_of_marks, st.randoms(use_true_random=False))
def test_the_order_of_attempts_decides_nothing(rows: list[list[int]], rng: random.Random) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert gathered(shuffled).questions() == gathered(rows).questions()
    one, other = gathered(rows).paper(), gathered(shuffled).paper()
    assert one is not None
    assert other is not None
    for name in MOODLE_PAPER:
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-6), name


@given(rows_of_marks)
def test_figures_stay_in_their_bounds(rows: list[list[int]]) -> None:
    for each in gathered(rows).questions():
        assert 0 <= each.facility <= 100
        assert each.discrimination_index is None or -100.001 <= each.discrimination_index <= 100.001
        assert each.discrimination_efficiency is None or each.discrimination_efficiency <= 100.001
        assert sum(option.share for option in each.options) + each.unanswered_share <= 1.001


@given(st.lists(st.integers(-50, 50), min_size=4, max_size=40))
def test_a_mirrored_spread_leans_the_other_way(values: list[int]) -> None:
    mirrored = [-value for value in values]
    lean = skewness(values)
    assert lean == pytest.approx(lean if lean is None else -(skewness(mirrored) or 0.0))
    assert kurtosis(values) == pytest.approx(kurtosis(mirrored))
