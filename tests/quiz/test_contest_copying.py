"""Last year's contest becomes a draft: same settings, later days, no people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core import clock
from core.clock import local, local_day
from core.errors import Refusal
from quiz import contest_making, contests, entry_lists, prizes, publishing
from quiz.blueprint_grid import lines_of
from quiz.contest_copying import copy_contest
from quiz.pools import PoolLine
from quiz.prizes import PrizePlan
from tests.quiz.conftest import Staff

NEXT_YEAR = datetime(2027, 10, 4, 2, 0, tzinfo=UTC)


async def test_settings_come_along_and_people_do_not(draft: int, staff: Staff) -> None:
    old = await contests.get_contest(draft)
    officials = old.divisions[0]
    await contest_making.set_blueprint(
        old.rounds[0].id, [PoolLine("du-lieu", "easy", 2)], officials.id
    )
    await prizes.add_prize(
        draft,
        PrizePlan(name="Nhất", prize_count=1, round_id=old.rounds[1].id, division_id=officials.id),
    )
    await entry_lists.exclude(draft, ["0912345678"], "")
    await publishing.send_to_review(draft, by=staff.lan)
    await publishing.approve_contest(draft, by=staff.minh)
    copy_id = await copy_contest(draft, slug="nam-sau", name="Năm sau", by=staff.minh)
    new = await contests.get_contest(copy_id)
    assert (new.state, new.rules_version, new.created_by_id) == ("draft", 0, staff.minh)
    assert (new.comparators, new.prediction, new.audience) == (
        old.comparators, old.prediction, old.audience,
    )  # fmt: skip
    assert [each.code for each in new.divisions] == [each.code for each in old.divisions]
    assert [each.name for each in new.rounds] == ["Tuần 1", "Tuần 2"]
    shifts = {new_round.opens_at - old_round.opens_at
              for new_round, old_round in zip(new.rounds, old.rounds, strict=True)}  # fmt: skip
    assert shifts == {timedelta(days=7)}  # the first week to come
    assert await lines_of(new.rounds[0].id, None) == await lines_of(old.rounds[0].id, None)
    assert await lines_of(new.rounds[0].id, new.divisions[0].id) == [PoolLine("du-lieu", "easy", 2)]
    [prize] = await prizes.prizes_of(copy_id)
    assert (prize.round_id, prize.division_id) == (new.rounds[1].id, new.divisions[0].id)
    assert await entry_lists.list_counts(copy_id) == {"eligibility": 0, "exclusion": 0}


async def test_dates_move_by_whole_days_and_clocks_stay(draft: int, staff: Staff) -> None:
    old = await contests.get_contest(draft)
    chosen = date(2027, 3, 1)
    copy_id = await copy_contest(
        draft, slug="thang-ba", name="Tháng ba", by=staff.lan, opens_on=chosen
    )
    first = (await contests.get_contest(copy_id)).rounds[0]
    assert local_day(first.opens_at) == chosen
    assert local(first.opens_at).time() == local(old.rounds[0].opens_at).time()
    clock.freeze(NEXT_YEAR)
    copy_id = await copy_contest(draft, slug="nam-sau", name="Năm sau", by=staff.lan)
    first = (await contests.get_contest(copy_id)).rounds[0]
    assert 0 < (local_day(first.opens_at) - local_day(NEXT_YEAR)).days <= 7
    assert local(first.opens_at).weekday() == local(old.rounds[0].opens_at).weekday()


async def test_a_copy_needs_an_address_of_its_own(draft: int, staff: Staff) -> None:
    for slug, code in (("tim-hieu", "slug_taken"), ("Tìm", "bad_contest")):
        with pytest.raises(Refusal) as refusal:
            await copy_contest(draft, slug=slug, name="Khác", by=staff.lan)
        assert refusal.value.code == code
    with pytest.raises(Refusal) as refusal:
        await copy_contest(10**6, slug="khac", name="Khác", by=staff.lan)
    assert refusal.value.code == "not_found"
