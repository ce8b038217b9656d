from __future__ import annotations

import pytest

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz.notices import MOST_AT_ONCE, current_notices, end_notice, write_notice
from tests.quiz.arena import build_arena

LINE = "Câu 12: hình bị thiếu, Ban Tổ chức đang sửa."


async def test_a_line_is_shown_until_it_ends(clean: None) -> None:
    contest_id = (await build_arena()).contest_id
    first = await write_notice(contest_id, LINE, minutes=30, by=None)
    await write_notice(contest_id, "Dòng thứ hai", minutes=30, by=None)
    assert [each.body for each in await current_notices()] == [LINE, "Dòng thứ hai"]
    await end_notice(contest_id, first, by=None)
    await end_notice(contest_id, first, by=None)
    assert [each.body for each in await current_notices()] == ["Dòng thứ hai"]
    await db.pool().execute("UPDATE notice SET ends_at = now() - interval '1 second'")
    assert await current_notices() == []
    actions = [each.action for each in await entries(f"contest:{contest_id}")]
    assert actions == ["end_notice", "write_notice", "write_notice"]


async def test_a_form_that_is_sent_twice_writes_one_line(clean: None) -> None:
    contest_id = (await build_arena()).contest_id
    ids = {await write_notice(contest_id, LINE, minutes=30, by=None) for _ in range(3)}
    assert len(ids) == len(await current_notices()) == 1


async def test_a_line_of_another_contest_is_not_ended_from_here(clean: None) -> None:
    contest_id = (await build_arena()).contest_id
    notice_id = await write_notice(contest_id, LINE, minutes=30, by=None)
    await end_notice(contest_id + 1, notice_id, by=None)
    assert len(await current_notices()) == 1


async def test_more_lines_than_a_telephone_shows_are_refused(clean: None) -> None:
    contest_id = (await build_arena()).contest_id
    for number in range(MOST_AT_ONCE):
        await write_notice(contest_id, f"Dòng {number}", minutes=5, by=None)
    with pytest.raises(Refusal) as refused:
        await write_notice(contest_id, "Dòng nữa", minutes=5, by=None)
    assert refused.value.code == "too_many_notices"


@pytest.mark.parametrize(
    ("body", "minutes", "field"),
    [("", 5, "noi_dung"), ("x" * 301, 5, "noi_dung"), (LINE, 0, "phut"), (LINE, 10081, "phut")],
)
async def test_a_line_is_short_and_ends(clean: None, body: str, minutes: int, field: str) -> None:
    contest_id = (await build_arena()).contest_id
    with pytest.raises(Refusal) as refused:
        await write_notice(contest_id, body, minutes=minutes, by=None)
    assert list(refused.value.fields) == [field]
