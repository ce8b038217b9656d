from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core import clock
from people.unit_writing import add_unit
from quiz import contest_editing, contest_making, contests, entry_lists, prizes
from quiz.cautions import cautions
from quiz.prizes import PrizePlan
from tests.quiz.conftest import Bank, Staff

MONDAY = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


async def test_missing_prizes_lists_and_headcounts_are_told(draft: int, staff: Staff) -> None:
    later = clock.now() - timedelta(days=10)
    assert [each.code for each in await cautions(draft, at=later)] == ["no_prize"]
    await prizes.add_prize(
        draft, PrizePlan(name="Nhất", prize_count=1, kind="collective", measure="rate")
    )
    assert await cautions(draft, at=later) == []
    await add_unit(
        code="X9", name="Xã Mường Tè", kind="commune", parent_code="T12",
        valid_from=datetime(2025, 7, 1, tzinfo=UTC).date(),
    )  # fmt: skip
    [told] = await cautions(draft, at=later)
    assert told.code == "no_headcount"
    assert told.sentence.startswith("1 đơn vị chưa có số người")
    shown = await contests.get_contest(draft)
    await contest_editing.edit_contest(
        draft, slug=shown.slug, name=shown.name, unit_id=staff.unit_id, is_by_list=True
    )
    assert [each.code for each in await cautions(draft, at=later)] == ["empty_list"]
    await entry_lists.admit(draft, ["0912345678"])
    assert await cautions(draft, at=later) == []


async def test_hours_that_come_soon_are_told(bank: Bank, staff: Staff) -> None:
    contest_id = await contest_making.make_contest(
        slug="a", name="A", bank_id=bank.id, by=staff.lan
    )
    await prizes.add_prize(contest_id, PrizePlan(name="Nhất", prize_count=1))
    await contest_making.add_round(
        contest_id, name="Tuần 1", opens=MONDAY, closes=MONDAY + timedelta(days=6),
        time_limit_seconds=600,
    )  # fmt: skip
    for at, codes in (
        (MONDAY - timedelta(days=2), []),
        (MONDAY - timedelta(hours=5), ["opens_soon"]),
        (MONDAY, ["opens_now"]),
        (MONDAY + timedelta(days=6, hours=-1), ["opens_now", "closes_soon"]),
    ):
        assert [each.code for each in await cautions(contest_id, at=at)] == codes
