from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz import pools
from quiz.drawing import draw, holds, option_order, shown_correct
from quiz.pools import Pool, PoolLine, PoolOption, PoolQuestion


def question(
    number: int, topic: str = "a", difficulty: str = "easy", **more: object
) -> PoolQuestion:
    options = tuple(PoolOption(f"{number}.{place}", is_correct=place == 0) for place in range(4))
    return PoolQuestion(
        **{
            "id": number, "question_id": number, "topic": topic, "difficulty": difficulty,
            "kind": "single", "text": f"Câu {number}", "options": options, **more,
        }  # type: ignore[arg-type]  # the fields of a dictionary have no types
    )  # fmt: skip


def pool(per_line: int = 30) -> Pool:
    topics = [("a", "easy"), ("a", "hard"), ("b", "easy")]
    questions = [
        question(100 * line + number, *topics[line])
        for line in range(3)
        for number in range(1, per_line + 1)
    ]
    return Pool(tuple(questions), tuple(PoolLine(*topic, 5) for topic in topics))


seeds = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(seeds)
def test_a_paper_has_what_the_blueprint_says_and_no_question_twice(seed: str) -> None:
    paper = draw(pool(), seed)
    ids = [each.question.id for each in paper]
    assert len(ids) == len(set(ids)) == 15
    counts = [sum(1 for each in ids if each // 100 == line) for line in range(3)]
    assert counts == [5, 5, 5]
    assert all(sorted(each.option_order) == [0, 1, 2, 3] for each in paper)


@given(seeds, st.randoms(use_true_random=False))
def test_a_paper_depends_on_the_seed_and_the_pool_alone(seed: str, random: object) -> None:
    frozen = pool()
    again = pools.from_json(pools.to_json(frozen))
    shuffled = list(again.questions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert draw(frozen, seed) == draw(Pool(tuple(shuffled), again.lines), seed)


@given(seeds)
def test_whether_a_paper_has_a_question_is_known_without_drawing_it(seed: str) -> None:
    frozen = pool()
    drawn = {each.question.id for each in draw(frozen, seed)}
    assert {each.id for each in frozen.questions if holds(frozen, each.id)(seed)} == drawn
    assert not holds(frozen, 999)(seed)


def test_the_algorithm_gives_the_papers_that_it_has_always_given() -> None:
    """Kept as a record: an attempt of last year must show the same paper next year."""
    paper = draw(pool(), "000102030405060708090a0b0c0d0e0f")
    assert [each.question.id for each in paper[:5]] == EXPECTED_IDS
    assert [each.option_order for each in paper[:3]] == EXPECTED_ORDERS


def test_an_unknown_version_of_the_algorithm_is_an_error() -> None:
    with pytest.raises(ValueError, match="not known"):
        draw(pool(), "00" * 16, version=99)


@given(seeds)
def test_pinned_options_and_true_false_stay_in_place(seed: str) -> None:
    last_pinned = tuple(
        PoolOption(str(place), is_correct=place == 1, is_pinned=place == 3) for place in range(4)
    )
    order = option_order(question(1, options=last_pinned), bytes.fromhex(seed))
    assert order[3] == 3
    two = (PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False))
    true_false = question(1, kind="true_false", options=two)
    assert option_order(true_false, bytes.fromhex(seed)) == (0, 1)


def test_questions_and_the_right_option_are_spread_evenly() -> None:
    frozen, drawn, places = pool(), dict.fromkeys(range(1, 31), 0), [0, 0, 0, 0]
    for number in range(3000):
        for each in draw(frozen, f"{number:032x}"):
            if each.question.id <= 30:
                drawn[each.question.id] += 1
            places[shown_correct(each)[0] - 1] += 1
    # 3000 papers take 5 of 30: 500 each; five standard deviations are about 102
    assert all(390 < count < 610 for count in drawn.values())
    assert max(places) - min(places) < 1000  # of 45,000; a quarter each


EXPECTED_IDS = [108, 18, 113, 14, 109]
EXPECTED_ORDERS = [(0, 2, 1, 3), (3, 2, 0, 1), (3, 1, 2, 0)]
