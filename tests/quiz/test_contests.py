"""What pages show of contests: the published ones, their rounds, and how people are ranked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db
from core.errors import Refusal
from quiz import contest_making, contests
from quiz.contests import ContestShown
from quiz.ranking import COMPARATORS
from tests.quiz.conftest import Bank, Participant


async def test_only_published_contests_are_public(
    contest: ContestShown, bank: Bank, participants: tuple[Participant, ...]
) -> None:
    await contest_making.make_contest(slug="nhap", name="Nháp", bank_id=bank.id, by=None)
    assert [each.slug for each in await contests.open_to_entry()] == ["tim-hieu"]
    assert [each.slug for each in await contests.all_contests()] == ["nhap", "tim-hieu"]
    at = clock.now()
    first, second = contest.rounds
    assert contests.open_round(contest, at) == first
    assert contests.next_round(contest, at) == second
    assert contests.next_round(contest, second.opens_at) is None
    assert contests.open_round(contest, second.closes_at) is None
    assert {each.division_id for each in participants} == {each.id for each in contest.divisions}


async def test_an_unknown_contest_is_not_found(clean: None) -> None:
    for attempt in (contests.contest_by_slug("khong-co"), contests.get_contest(10**9)):
        with pytest.raises(Refusal) as refusal:
            await attempt
        assert refusal.value.code == "not_found"


async def test_a_board_freezes_until_its_round_closes(contest: ContestShown) -> None:
    await db.pool().execute("UPDATE contest SET board_freeze_seconds = 3600")
    first = (await contests.get_contest(contest.id)).rounds[0]
    assert not first.is_board_frozen(first.closes_at - timedelta(seconds=3601))
    assert first.is_board_frozen(first.closes_at - timedelta(seconds=3600))
    assert not first.is_board_frozen(first.closes_at)
    assert not contest.rounds[0].is_board_frozen(first.closes_at - timedelta(seconds=1))


def test_the_rules_say_how_people_are_ranked() -> None:
    sentence = contests.rules_sentence(("points", "prediction_gap", "duration"), "people")
    assert sentence == (
        "Xếp hạng lần lượt theo: (1) điểm cao hơn; (2) dự đoán chênh ít hơn so với số người có bài "
        "thi được ghi nhận trong đợt; (3) thời gian làm bài ngắn hơn. Bằng nhau ở mọi tiêu chí thì "
        "cùng hạng. Bảng xếp hạng tạm thời chưa xét câu dự đoán."
    )


@given(st.permutations(sorted(COMPARATORS)), st.sampled_from(sorted(contests.PREDICTION_TARGETS)))
def test_every_order_of_comparators_has_its_own_sentence(
    comparators: list[str], prediction: str
) -> None:
    sentence = contests.rules_sentence(comparators, prediction)
    assert contests.rules_sentence(comparators[:-1], prediction) != sentence
    assert all(f"({place})" in sentence for place in range(1, len(comparators) + 1))
