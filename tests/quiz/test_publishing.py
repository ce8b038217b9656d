"""Contests: two people publish what lacks nothing, and what is published stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from core import clock, db
from core.clock import local_day
from core.errors import Refusal
from people.accounts import make_staff
from people.audit import entries
from quiz import contest_editing, contest_making, contests, pools, publishing
from quiz.contests import ContestShown
from quiz.drawing import draw
from quiz.pools import PoolLine
from quiz.question_review import approve_questions, retire_questions
from quiz.question_writing import add_source
from tests.quiz.conftest import Bank, Staff

MONDAY = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
async def third(staff: Staff) -> int:
    """Thu's account: neither the maker nor the approver of the other tests."""
    return await make_staff(
        username="thu", password="một mật khẩu rất dài", full_name="Lý Thị Thu", unit_code=None
    )


async def frozen_pools() -> list[dict[str, object]]:
    return [dict(row) for row in await db.pool().fetch("SELECT * FROM pool ORDER BY id")]


async def test_a_second_person_publishes_and_the_pools_freeze(
    contest: ContestShown, staff: Staff
) -> None:
    assert contest.state == "approved"
    assert (contest.created_by_id, contest.approved_by_id) == (staff.lan, staff.minh)
    rows = await frozen_pools()
    assert [(row["round_id"], row["division_id"]) for row in rows] == [
        (each.id, None) for each in contest.rounds
    ]
    pool = pools.from_json(rows[0]["content"])  # type: ignore[arg-type]  # a row has no types
    assert pools.digest(pool) == rows[0]["digest"]
    assert len(pool.questions) == 24
    assert len(draw(pool, "0" * 32)) == contest.rounds[0].question_count == 8


async def test_the_maker_may_not_approve(draft: int, staff: Staff) -> None:
    await publishing.send_to_review(draft, by=staff.lan)
    with pytest.raises(Refusal, match="nhờ người khác") as refusal:
        await publishing.approve_contest(draft, by=staff.lan)
    assert refusal.value.code == "own_contest"
    assert await frozen_pools() == []
    assert (await contests.get_contest(draft)).state == "in_review"


async def test_two_approvals_at_once_freeze_once(draft: int, staff: Staff) -> None:
    await publishing.send_to_review(draft, by=staff.lan)
    results = await asyncio.gather(
        *(publishing.approve_contest(draft, by=staff.minh) for _ in range(4)),
        return_exceptions=True,
    )
    refusals = [each for each in results if each is not None]
    assert len(refusals) == 3
    assert all(isinstance(each, Refusal) and each.code == "wrong_state" for each in refusals)
    assert len(await frozen_pools()) == 2


async def test_a_draft_is_not_approved_before_it_is_sent(draft: int, staff: Staff) -> None:
    with pytest.raises(Refusal) as refusal:
        await publishing.approve_contest(draft, by=staff.minh)
    assert refusal.value.code == "wrong_state"


async def test_the_pool_stays_when_the_bank_changes(
    contest: ContestShown, bank: Bank, staff: Staff, write_question: Callable[..., Awaitable[int]]
) -> None:
    before = await frozen_pools()
    await write_question(bank.id, "du-lieu-easy-1", topic="du-lieu", text="Chữ khác?")
    await retire_questions(bank.question_ids, by=staff.minh)
    assert await frozen_pools() == before


async def test_an_empty_draft_is_told_all_that_it_lacks(bank: Bank, staff: Staff) -> None:
    contest_id = await contest_making.make_contest(
        slug="trong", name="Trống", bank_id=bank.id, by=staff.lan
    )
    lacks = [lack.code for lack in await publishing.readiness(contest_id)]
    assert lacks == ["no_rules", "no_division", "no_round"]
    with pytest.raises(Refusal, match=r"Chưa có thể lệ\. Chưa có bảng dự thi nào\.") as refusal:
        await publishing.send_to_review(contest_id, by=staff.lan)
    assert refusal.value.code == "not_ready"


async def test_a_blueprint_that_the_bank_cannot_fill_is_named_with_its_numbers(
    draft: int, staff: Staff
) -> None:
    first, second = (await contests.get_contest(draft)).rounds
    await contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "easy", 7)])
    await contest_making.set_blueprint(second.id, [])
    sentences = [lack.sentence for lack in await publishing.readiness(draft)]
    assert sentences == [
        "Tuần 1: chủ đề Dữ liệu, mức dễ cần 7 câu, chỉ có 6 câu đã duyệt và còn hiệu lực đến hết đợt.",
        "Tuần 2: chưa có ma trận đề.",
    ]


async def test_a_law_that_lapses_before_the_close_keeps_its_questions_out(
    draft: int, bank: Bank, staff: Staff, write_question: Callable[..., Awaitable[int]]
) -> None:
    for number in range(1, 6):
        code = f"du-lieu-easy-{number}"
        await write_question(bank.id, code, topic="du-lieu", source="Nghị định số 47/2020/NĐ-CP")
    await approve_questions(bank.question_ids, by=None)
    assert await publishing.readiness(draft) == []
    first = (await contests.get_contest(draft)).rounds[0]
    await add_source(
        "Nghị định số 47/2020/NĐ-CP", valid_to=local_day(first.closes_at) - timedelta(days=1)
    )
    lapse, short = await publishing.readiness(draft)
    assert lapse.code == "questions_lapse"
    assert "5 câu hết hiệu lực trước khi đợt đóng" in lapse.sentence
    assert short.code == "bank_short"
    await db.pool().execute("UPDATE contest SET state = 'in_review'")
    with pytest.raises(Refusal, match="hết hiệu lực"):
        await publishing.approve_contest(draft, by=staff.minh)
    assert await frozen_pools() == []


async def test_a_law_that_ends_on_the_last_day_still_counts(
    draft: int, bank: Bank, staff: Staff, write_question: Callable[..., Awaitable[int]]
) -> None:
    first = (await contests.get_contest(draft)).rounds[0]
    last_day = clock.local(first.closes_at).replace(hour=0, minute=0, second=0, microsecond=0)
    await db.pool().execute("UPDATE round SET closes_at = $2 WHERE id = $1", first.id, last_day)
    ends_on = local_day(last_day) - timedelta(days=1)
    await write_question(bank.id, "chuyen-doi-so-easy-1", text="Mới?", valid_to=ends_on)
    await approve_questions(bank.question_ids, by=None)
    await contest_making.set_blueprint(first.id, [PoolLine("chuyen-doi-so", "easy", 6)])
    assert await publishing.readiness(draft) == []


async def test_windows_that_overlap_or_have_passed_are_told(draft: int) -> None:
    first, second = (await contests.get_contest(draft)).rounds
    later = second.closes_at + timedelta(days=1)
    assert [lack.code for lack in await publishing.readiness(draft, at=later)] == ["round_past"] * 2
    await db.pool().execute(
        "UPDATE round SET opens_at = $2 WHERE id = $1", second.id, first.closes_at - timedelta(1)
    )
    assert [lack.sentence for lack in await publishing.readiness(draft)] == [
        "Tuần 2 mở khi Tuần 1 chưa đóng."
    ]


async def test_a_division_with_its_own_blueprint_gets_its_own_pool(
    draft: int, staff: Staff
) -> None:
    shown = await contests.get_contest(draft)
    officials, citizens = shown.divisions
    first = shown.rounds[0]
    await contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "medium", 5)], officials.id)
    await publishing.send_to_review(draft, by=staff.lan)
    await publishing.approve_contest(draft, by=staff.minh)
    rows = [row for row in await frozen_pools() if row["round_id"] == first.id]
    assert [row["division_id"] for row in rows] == [officials.id, None]
    first = (await contests.get_contest(draft)).rounds[0]
    assert first.question_count_for(officials.id) == 5
    assert first.question_count_for(citizens.id) == 8


async def test_a_contest_goes_back_to_its_makers_with_a_reason(draft: int, staff: Staff) -> None:
    await publishing.send_to_review(draft, by=staff.lan)
    await publishing.return_to_draft(draft, "Thiếu giải thưởng", by=staff.minh)
    await contest_making.add_division(draft, code="hoc-sinh", name="Học sinh", by=staff.lan)
    newest = await entries(f"contest:{draft}")
    assert [(each.action, each.by) for each in newest[:3]] == [
        ("add_division", staff.lan),
        ("return_to_draft", staff.minh),
        ("send_to_review", staff.lan),
    ]
    assert newest[1].detail == {"reason": "Thiếu giải thưởng"}


async def test_whoever_changed_or_sent_it_may_not_approve(
    draft: int, staff: Staff, third: int
) -> None:
    """Minh only changed a round's name and Thu only sent it: neither is a second person."""
    shown = await contests.get_contest(draft)
    await contest_editing.rename_division(shown.divisions[0].id, "Cán bộ tỉnh", by=staff.minh)
    await publishing.send_to_review(draft, by=third)
    for account in (staff.lan, staff.minh, third):
        assert await publishing.is_maker(draft, account)
        with pytest.raises(Refusal, match="nhờ người khác") as refusal:
            await publishing.approve_contest(draft, by=account)
        assert refusal.value.code == "own_contest"
    assert await frozen_pools() == []


async def test_whoever_gave_it_back_may_approve_it_later(draft: int, staff: Staff) -> None:
    await publishing.send_to_review(draft, by=staff.lan)
    await publishing.return_to_draft(draft, "Thiếu giải", by=staff.minh)
    await publishing.send_to_review(draft, by=staff.lan)
    assert not await publishing.is_maker(draft, staff.minh)
    await publishing.approve_contest(draft, by=staff.minh)
    assert (await contests.get_contest(draft)).state == "approved"


async def test_the_rules_rest_while_somebody_reviews(draft: int, staff: Staff) -> None:
    await publishing.send_to_review(draft, by=staff.lan)
    with pytest.raises(Refusal) as refusal:
        await contest_making.publish_rules(draft, "Khác.", "Đổi", by=staff.lan)
    assert refusal.value.code == "rules_fixed"
    assert (await contests.get_contest(draft)).rules_version == 1
