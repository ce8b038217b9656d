"""A draft takes what is sound, names what is not, and is edited no more once published."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from core.errors import Refusal
from quiz import contest_making, contests
from quiz.contests import ContestShown
from quiz.pools import PoolLine
from tests.quiz.conftest import Bank, Staff

MONDAY = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


async def test_a_published_contest_is_edited_no_more(contest: ContestShown, staff: Staff) -> None:
    first = contest.rounds[0]
    attempts: list[Awaitable[object]] = [
        contest_making.add_division(contest.id, code="hoc-sinh", name="Học sinh"),
        contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "easy", 1)]),
        contest_making.add_round(
            contest.id, number=3, name="Tuần 3", opens=MONDAY, closes=MONDAY + timedelta(days=1),
            time_limit_seconds=600,
        ),
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(Refusal) as refusal:
            await attempt
        assert refusal.value.code == "not_draft"


async def test_odd_windows_are_understood_and_kept_as_written(bank: Bank, staff: Staff) -> None:
    clock.freeze(MONDAY)
    contest_id = await contest_making.make_contest(
        slug="le", name="Lẻ", bank_id=bank.id, by=staff.lan
    )
    await contest_making.add_round(
        contest_id, number=1, name="Tuần 1", opens="16:00 ngày 5/10",
        closes="24 giờ ngày 11/10", time_limit_seconds=600, attempt_limit=1, by=staff.lan,
    )  # fmt: skip
    first = (await contests.get_contest(contest_id)).rounds[0]
    assert first.opens_at == datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
    assert first.closes_at == datetime(2026, 10, 11, 17, 0, tzinfo=UTC)
    assert first.closes_as_written == "24 giờ ngày 11/10"
    assert first.state_at(first.opens_at - timedelta(seconds=1)) == "coming"
    assert first.state_at(first.opens_at) == "open"
    assert first.state_at(first.closes_at) == "closed"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("opens", {"opens": "sớm"}),
        ("closes", {"closes": "15:00 ngày 5/10/2026"}),
        ("time_limit_seconds", {"time_limit_seconds": 5}),
        ("attempt_limit", {"attempt_limit": 0}),
        ("counting", {"counting": "average"}),
        ("cooldown_seconds", {"cooldown_seconds": -1}),
    ],
)
async def test_a_bad_round_is_refused_by_field(
    draft: int, field: str, changes: dict[str, object]
) -> None:
    good: dict[str, object] = {
        "opens": "16:00 ngày 5/10/2026", "closes": "16:00 ngày 6/10/2026", "time_limit_seconds": 600,
    }  # fmt: skip
    with pytest.raises(Refusal) as refusal:
        await contest_making.add_round(draft, number=9, name="x", **{**good, **changes})  # type: ignore[arg-type]  # a dictionary has no types
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("slug", {"slug": "Tìm hiểu"}),
        ("name", {"name": " "}),
        ("comparators", {"comparators": ["points", "points"]}),
        ("comparators", {"comparators": ["luck"]}),
        ("prediction", {"prediction": "people", "comparators": ["points"]}),
        ("prediction", {"comparators": ["points", "prediction_gap"]}),
        ("prediction", {"prediction": "weather"}),
        ("review", {"review": "always"}),
    ],
)
async def test_a_bad_contest_is_refused_by_field(
    bank: Bank, field: str, changes: dict[str, object]
) -> None:
    good: dict[str, object] = {"slug": "thi", "name": "Thi", "bank_id": bank.id, "by": None}
    with pytest.raises(Refusal) as refusal:
        await contest_making.make_contest(**{**good, **changes})  # type: ignore[arg-type]  # a dictionary has no types
    assert list(refusal.value.fields) == [field]


async def test_an_address_belongs_to_one_contest(draft: int, bank: Bank) -> None:
    with pytest.raises(Refusal) as refusal:
        await contest_making.make_contest(slug="tim-hieu", name="Khác", bank_id=bank.id, by=None)
    assert refusal.value.code == "slug_taken"


async def test_rules_have_versions_and_a_change_after_publishing_needs_a_note(
    contest: ContestShown, staff: Staff
) -> None:
    with pytest.raises(Refusal, match="người dự thi sẽ đọc"):
        await contest_making.publish_rules(contest.id, "Khác.", by=staff.lan)
    version = await contest_making.publish_rules(
        contest.id, "Tăng giải.", "Tăng giải Nhất lên 2 triệu đồng", by=staff.lan
    )
    assert version == 2
    assert (await contests.rules_of(contest.id)).change_note == "Tăng giải Nhất lên 2 triệu đồng"
    assert (await contests.rules_of(contest.id, 1)).body.startswith("## Điều 1")
    shown = await contests.contest_by_slug("tim-hieu")
    assert (shown.rules_version, shown.rules_change_note) == (2, "Tăng giải Nhất lên 2 triệu đồng")
    with pytest.raises(Refusal):
        await contests.rules_of(contest.id, 3)
