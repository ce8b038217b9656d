from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from quiz.allotting import Allotted, Offer, Ranked, allot


def ranking(*people: int | tuple[int, int]) -> list[Ranked]:
    """People in order; a pair is (person, key), a bare number has a key of its own."""
    lines = [
        each if isinstance(each, tuple) else (each, place * 10)
        for place, each in enumerate(people, start=1)
    ]
    return [Ranked(who, key.to_bytes(8, "big")) for who, key in lines]


def test_the_first_get_the_prizes_in_their_order() -> None:
    found = allot(
        [Offer(1, 1, ranking(7, 8, 9)), Offer(2, 2, ranking(7, 8, 9))], is_one_prize=False
    )
    assert found.given == [Allotted(1, 1, 7), Allotted(2, 1, 7), Allotted(2, 2, 8)]


def test_who_has_the_highest_prize_leaves_the_others_to_the_next() -> None:
    week = ranking(7, 8, 9, 10)
    overall = ranking(8, 7, 9)
    found = allot([Offer(1, 1, overall), Offer(2, 1, week), Offer(3, 1, week)], is_one_prize=True)
    assert found.given == [Allotted(1, 1, 8), Allotted(2, 1, 7), Allotted(3, 1, 9)]


def test_equals_at_the_last_place_wait_for_a_draw_and_those_above_do_not() -> None:
    found = allot([Offer(1, 2, ranking(5, (6, 90), (7, 90), 8))], is_one_prize=True)
    assert found.given == [Allotted(1, 1, 5)]
    (tie,) = found.ties
    assert (tie.left_count, list(tie.who)) == (1, [6, 7])


def test_equals_who_all_get_one_need_no_draw() -> None:
    found = allot([Offer(1, 2, ranking((6, 1), (7, 1), 8))], is_one_prize=True)
    assert [each.who for each in found.given] == [6, 7]
    assert not found.ties


def test_whoever_waits_for_a_draw_gets_no_lower_prize_meanwhile() -> None:
    line = ranking((6, 1), (7, 1), (8, 50))
    found = allot([Offer(1, 1, line), Offer(2, 1, line)], is_one_prize=True)
    assert found.given == [Allotted(2, 1, 8)]


def test_more_prizes_than_people_stay_where_they_are() -> None:
    found = allot([Offer(1, 5, ranking(1)), Offer(2, 1, [])], is_one_prize=True)
    assert found.given == [Allotted(1, 1, 1)]


offers = st.lists(
    st.builds(
        Offer,
        prize_id=st.integers(1, 50),
        count=st.integers(1, 4),
        ranking=st.lists(st.integers(1, 12), unique=True, max_size=12).map(
            lambda people: ranking(*people)
        ),
    ),
    max_size=6,
    unique_by=lambda offer: offer.prize_id,
)


@given(offers)
def test_nobody_gets_two_where_one_is_allowed_and_no_better_one_is_passed_over(
    wanted: list[Offer],
) -> None:
    found = allot(wanted, is_one_prize=True)
    winners = [each.who for each in found.given]
    assert len(winners) == len(set(winners))
    taken: set[int] = set()
    for offer in wanted:
        given_here = [each.who for each in found.given if each.prize_id == offer.prize_id]
        eligible = [each.who for each in offer.ranking if each.who not in taken]
        assert given_here == eligible[: offer.count]
        taken |= set(given_here)


@given(offers, st.randoms(use_true_random=False))
def test_the_order_among_equals_decides_nothing(wanted: list[Offer], rng: random.Random) -> None:
    """Equal keys everywhere: either all get one, or nobody does."""
    equal = [
        Offer(each.prize_id, each.count, [Ranked(line.who, b"=") for line in each.ranking])
        for each in wanted
    ]
    shuffled = [
        Offer(each.prize_id, each.count, rng.sample(each.ranking, len(each.ranking)))
        for each in equal
    ]
    one, other = allot(equal, is_one_prize=True), allot(shuffled, is_one_prize=True)
    assert {(g.prize_id, g.who) for g in one.given} == {(g.prize_id, g.who) for g in other.given}
    assert [set(tie.who) for tie in one.ties] == [set(tie.who) for tie in other.ties]
