"""Prizes stand in an order, belong to their contest and say whom they are for."""

from __future__ import annotations

import pytest

from core.errors import Refusal
from quiz import contests, prizes
from quiz.contest_making import make_contest
from quiz.prizes import PrizePlan, prize_sentence, prizes_of
from tests.quiz.conftest import Staff


async def names(contest_id: int) -> list[str]:
    return [each.name for each in await prizes_of(contest_id)]


async def test_prizes_keep_the_order_in_which_they_are_moved(draft: int, staff: Staff) -> None:
    ids = [
        await prizes.add_prize(draft, PrizePlan(name=name, prize_count=count), by=staff.lan)
        for count, name in enumerate(("Nhất", "Nhì", "Ba"), start=1)
    ]
    await prizes.move_prize(ids[2], up=True, by=staff.lan)
    assert await names(draft) == ["Nhất", "Ba", "Nhì"]
    await prizes.move_prize(ids[0], up=True)
    await prizes.move_prize(ids[1], up=False)
    assert await names(draft) == ["Nhất", "Ba", "Nhì"]
    await prizes.remove_prize(ids[2], by=staff.lan)
    await prizes.edit_prize(ids[1], PrizePlan(name="Khuyến khích", prize_count=10))
    assert await names(draft) == ["Nhất", "Khuyến khích"]
    with pytest.raises(Refusal) as refusal:
        await prizes.remove_prize(ids[2])
    assert refusal.value.code == "not_found"


@pytest.mark.parametrize(
    ("field", "plan"),
    [
        ("name", PrizePlan(name=" ", prize_count=1)),
        ("prize_count", PrizePlan(name="Nhất", prize_count=0)),
        ("reward", PrizePlan(name="Nhất", prize_count=1, reward="đ" * 256)),
        ("kind", PrizePlan(name="Nhất", prize_count=1, kind="both")),
        ("measure", PrizePlan(name="Nhất", prize_count=1, kind="collective")),
        ("measure", PrizePlan(name="Nhất", prize_count=1, measure="rate")),
        ("round", PrizePlan(name="Nhất", prize_count=1, round_id=10**6)),
        ("division", PrizePlan(name="Nhất", prize_count=1, division_id=10**6)),
        (
            "division",
            PrizePlan(name="A", prize_count=1, kind="collective", measure="rate", division_id=1),
        ),
    ],
)
async def test_a_bad_prize_is_refused_by_field(draft: int, field: str, plan: PrizePlan) -> None:
    with pytest.raises(Refusal) as refusal:
        await prizes.add_prize(draft, plan)
    assert list(refusal.value.fields) == [field]
    assert await names(draft) == []


async def test_a_prize_takes_no_round_of_another_contest(draft: int, staff: Staff) -> None:
    shown = await contests.get_contest(draft)
    other = await make_contest(slug="khac", name="Khác", bank_id=shown.bank_id, by=staff.lan)
    with pytest.raises(Refusal) as refusal:
        await prizes.add_prize(
            other, PrizePlan(name="Nhất", prize_count=1, round_id=shown.rounds[0].id)
        )
    assert refusal.value.code == "bad_prize"


async def test_a_prize_is_told_in_one_line(draft: int) -> None:
    shown = await contests.get_contest(draft)
    await prizes.add_prize(
        draft,
        PrizePlan(
            name="giải Nhì", prize_count=3, reward="500.000 đồng", round_id=shown.rounds[0].id,
            division_id=shown.divisions[1].id,
        ),
    )  # fmt: skip
    await prizes.add_prize(
        draft,
        PrizePlan(name="giải Nhất", prize_count=1, kind="collective", measure="rate", block="xã"),
    )
    assert [prize_sentence(each) for each in await prizes_of(draft)] == [
        "03 giải Nhì cá nhân, Tuần 1, bảng Người dân: 500.000 đồng",
        "01 giải Nhất tập thể, chung cuộc, khối xã, xét theo tỷ lệ người tham gia cao hơn",
    ]
