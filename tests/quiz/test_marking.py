from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quiz.corrections import Correction
from quiz.drawing import draw
from quiz.marking import Marker
from quiz.pools import Pool, PoolLine, PoolOption, PoolQuestion
from quiz.scoring import score

# One letter an option: "+" right, "-" wrong; "." behind it is pinned.
QUESTIONS = [
    ("single", "+---"),
    ("single", "--+-."),
    ("single", "-+-"),
    ("single", "-----+"),  # more arrangements than a table holds
    ("multiple", "++--"),
    ("multiple", "+-+-."),
    ("multiple", "+--"),
    ("true_false", "+-"),
    ("true_false", "-+"),
]


def question(number: int, kind: str, signs: str) -> PoolQuestion:
    marks = signs.replace(".", "")
    last = len(marks) - 1
    options = tuple(
        PoolOption(str(place), sign == "+", is_pinned="." in signs and place == last)
        for place, sign in enumerate(marks)
    )
    return PoolQuestion(number, number, "a", "easy", kind, f"Câu {number}", options)


POOL = Pool(
    tuple(question(number, *each) for number, each in enumerate(QUESTIONS, start=1)),
    (PoolLine("a", "easy", 7),),
)
answers = st.dictionaries(
    st.integers(1, 8).map(str), st.lists(st.integers(0, 7), max_size=3), max_size=8
)
corrections = st.one_of(
    st.builds(Correction, st.sampled_from(["full_marks", "drop"])),
    st.builds(
        Correction, st.just("rekey"), st.sets(st.integers(0, 1), min_size=1).map(lambda x: (*x,))
    ),
)


@given(
    st.binary(min_size=16, max_size=16).map(bytes.hex),
    st.sampled_from([1, 2]),
    answers,
    st.dictionaries(st.integers(1, len(QUESTIONS)), corrections, max_size=4),
)
def test_marking_from_the_seed_is_scoring_the_paper(
    seed: str, version: int, given: dict[str, list[int]], overlay: dict[int, Correction]
) -> None:
    paper = draw(POOL, seed, version=version)
    marker = Marker(POOL, overlay)
    assert marker.mark(seed, version, given) == score(paper, given, overlay)


@given(st.binary(min_size=16, max_size=16).map(bytes.hex))
def test_the_right_answers_of_a_paper_earn_all_points(seed: str) -> None:
    paper = draw(POOL, seed)
    right = {
        str(position): [
            shown
            for shown, place in enumerate(each.option_order, start=1)
            if place in each.question.right_places
        ]
        for position, each in enumerate(paper, start=1)
    }
    scored = Marker(POOL).mark(seed, 2, right)
    assert (scored.correct_count, scored.question_count, scored.points) == (7, 7, 7000)
