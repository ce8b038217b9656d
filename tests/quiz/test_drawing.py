from __future__ import annotations

import hashlib
import itertools

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


def pool(per_line: int = 30, taken: int = 5) -> Pool:
    topics = [("a", "easy"), ("a", "hard"), ("b", "easy")]
    questions = [
        question(100 * line + number, *topics[line])
        for line in range(3)
        for number in range(1, per_line + 1)
    ]
    return Pool(tuple(questions), tuple(PoolLine(*topic, taken) for topic in topics))


versions = st.sampled_from([1, 2])
seeds = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(seeds, versions)
def test_a_paper_has_what_the_blueprint_says_and_no_question_twice(seed: str, version: int) -> None:
    paper = draw(pool(), seed, version=version)
    ids = [each.question.id for each in paper]
    assert len(ids) == len(set(ids)) == 15
    counts = [sum(1 for each in ids if each // 100 == line) for line in range(3)]
    assert counts == [5, 5, 5]
    assert all(sorted(each.option_order) == [0, 1, 2, 3] for each in paper)


@given(seeds, versions, st.randoms(use_true_random=False))
def test_a_paper_depends_on_the_seed_and_the_pool_alone(
    seed: str, version: int, random: object
) -> None:
    frozen = pool()
    again = pools.from_json(pools.to_json(frozen))
    shuffled = list(again.questions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert draw(frozen, seed, version=version) == draw(
        Pool(tuple(shuffled), again.lines), seed, version=version
    )


@given(seeds, versions)
def test_whether_a_paper_has_a_question_is_known_without_drawing_it(
    seed: str, version: int
) -> None:
    frozen = pool()
    drawn = {each.question.id for each in draw(frozen, seed, version=version)}
    assert drawn == {
        each.id for each in frozen.questions if holds(frozen, each.id, version=version)(seed)
    }
    assert not holds(frozen, 999, version=version)(seed)


@pytest.mark.parametrize("version", [1, 2])
def test_the_algorithm_gives_the_papers_that_it_has_always_given(version: int) -> None:
    """Kept as a record: an attempt of last year must show the same paper next year."""
    paper = draw(pool(), "000102030405060708090a0b0c0d0e0f", version=version)
    assert [each.question.id for each in paper[:5]] == EXPECTED_IDS[version]
    assert [each.option_order for each in paper[:3]] == EXPECTED_ORDERS[version]


@pytest.mark.parametrize("count", [1, 5])
def test_a_paper_can_be_drawn_by_the_description_alone(count: int) -> None:
    """Algorithm 2 written again from the words at the head of quiz.drawing."""
    seed, asked = "f0e1d2c3b4a5968778695a4b3c2d1e0f", 3 * count
    stream = hashlib.shake_128(bytes.fromhex(seed)).digest(4 * 3 * asked)
    numbers = [int.from_bytes(stream[at : at + 4], "big") for at in range(0, len(stream), 4)]
    taken = []
    for line in range(3):
        left = list(range(100 * line + 1, 100 * line + 31))
        for number in numbers[count * line : count * line + count]:
            taken.append(left[number % len(left)])
            left.remove(taken[-1])
    shown = [each for _, each in sorted(zip(numbers[asked : 2 * asked], taken, strict=True))]
    arrangements = list(itertools.permutations(range(4)))
    orders = [arrangements[number % 24] for number in numbers[2 * asked :]]
    paper = draw(pool(taken=count), seed, version=2)
    assert [each.question.id for each in paper] == shown
    assert [each.option_order for each in paper] == orders


def test_an_unknown_version_of_the_algorithm_is_an_error() -> None:
    with pytest.raises(ValueError, match="not known"):
        draw(pool(), "00" * 16, version=99)


@given(seeds)
def test_pinned_options_and_true_false_stay_in_place(seed: str) -> None:
    last_pinned = tuple(
        PoolOption(str(place), is_correct=place == 1, is_pinned=place == 3) for place in range(4)
    )
    two = (PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False))
    pinned = question(1, options=last_pinned)
    true_false = question(2, kind="true_false", options=two)
    assert option_order(pinned, bytes.fromhex(seed))[3] == 3
    assert option_order(true_false, bytes.fromhex(seed)) == (0, 1)
    paper = draw(Pool((pinned, true_false), (PoolLine("a", "easy", 2),)), seed)
    orders = {each.question.id: each.option_order for each in paper}
    assert sorted(orders[1]) == [0, 1, 2, 3]
    assert orders[1][3] == 3
    assert orders[2] == (0, 1)


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


EXPECTED_IDS = {1: [108, 18, 113, 14, 109], 2: [30, 9, 16, 103, 225]}
EXPECTED_ORDERS = {
    1: [(0, 2, 1, 3), (3, 2, 0, 1), (3, 1, 2, 0)],
    2: [(2, 1, 0, 3), (2, 1, 3, 0), (2, 3, 0, 1)],
}
