"""Blueprints: a bank fills them, or each shortage is named with its numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quiz.blueprints import USUAL_FACILITY, Expectation, Shortage, check, expect, question_count
from quiz.pools import PoolLine

PAIRS = st.tuples(st.sampled_from("abc"), st.sampled_from(("easy", "hard")))
LINES = st.lists(
    st.builds(lambda pair, count: PoolLine(pair[0], pair[1], count), PAIRS, st.integers(1, 9))
)
AVAILABLE = st.dictionaries(PAIRS, st.integers(0, 20))


def test_a_shortage_is_told_with_its_numbers() -> None:
    lines = [PoolLine("a", "easy", 3), PoolLine("b", "hard", 2), PoolLine("c", "easy", 1)]
    available = {("a", "easy"): 3, ("b", "hard"): 1}
    assert check(lines, available) == [Shortage("b", "hard", 2, 1), Shortage("c", "easy", 1, 0)]
    assert question_count(lines) == 6


def test_lines_of_one_topic_and_difficulty_add_up() -> None:
    lines = [PoolLine("a", "easy", 2), PoolLine("a", "easy", 2)]
    assert check(lines, {("a", "easy"): 3}) == [Shortage("a", "easy", 4, 3)]


@given(LINES, AVAILABLE)
def test_filling_every_shortage_satisfies_the_blueprint(
    lines: list[PoolLine], available: dict[tuple[str, str], int]
) -> None:
    shortages = check(lines, available)
    assert all(each.needed_count > each.available_count for each in shortages)
    filled = available | {(each.topic, each.difficulty): each.needed_count for each in shortages}
    assert check(lines, filled) == []


@given(LINES)
def test_an_empty_bank_lacks_the_whole_paper(lines: list[PoolLine]) -> None:
    assert sum(each.needed_count for each in check(lines, {})) == question_count(lines)


def test_an_expected_share_weighs_each_question_once() -> None:
    lines = [PoolLine("a", "easy", 3), PoolLine("b", "hard", 1)]
    assert expect(lines, {}) == Expectation((3 * 0.8 + 0.4) / 4, 4, 0)
    assert expect(lines, {("b", "hard"): 0.0}) == Expectation(3 * 0.8 / 4, 4, 1)
    assert expect([], {}) is None


@given(LINES, st.dictionaries(PAIRS, st.floats(0, 1)))
def test_an_expected_share_lies_between_its_questions(
    lines: list[PoolLine], facilities: dict[tuple[str, str], float]
) -> None:
    expected = expect(lines, facilities)
    if expected is None:
        assert question_count(lines) == 0
        return
    each = [facilities.get((one.topic, one.difficulty), USUAL_FACILITY[one.difficulty])
            for one in lines]  # fmt: skip
    assert min(each) - 1e-9 <= expected.share <= max(each) + 1e-9
    assert 0 <= expected.measured_count <= expected.question_count
