"""What does not keep a contest from being published, but should be looked at before?"""

from __future__ import annotations

from datetime import datetime, timedelta

from core import clock
from core.clock import local_day
from core.db import pool
from core.text import datetime_shown
from people.units import headcounts
from quiz.contests import ContestShown, get_contest
from quiz.entry_lists import list_counts
from quiz.prizes import prizes_of
from quiz.publishing import Lack

SOON = timedelta(hours=24)
# So late in a short window hardly anybody can still take part.
SHORT_WINDOW = timedelta(hours=2)


async def cautions(contest_id: int, *, at: datetime | None = None) -> list[Lack]:
    """What the makers and the approver are told beside `publishing.readiness`."""
    contest = await get_contest(contest_id)
    return [
        *await _about_prizes(contest, at or clock.now()),
        *await _about_lists(contest),
        *_about_time(contest, at or clock.now()),
    ]


async def _about_prizes(contest: ContestShown, at: datetime) -> list[Lack]:
    prizes = await prizes_of(contest.id)
    if not prizes:
        return [Lack("no_prize", "Chưa có giải thưởng nào.")]
    blocks = {each.block for each in prizes if each.measure == "rate"}
    if not blocks:
        return []
    rows = await pool().fetch(
        "SELECT id, name FROM unit WHERE path LIKE $1 || '%' AND kind <> 'province' "
        "AND ($2 OR block = ANY($3::text[])) AND (valid_to IS NULL OR valid_to >= $4) "
        "ORDER BY sort_key",
        contest.unit_path,
        "" in blocks,
        sorted(blocks),
        local_day(at),
    )
    counted = await headcounts([row["id"] for row in rows], on=local_day(at))
    missing = [row["name"] for row in rows if row["id"] not in counted]
    if not missing:
        return []
    sentence = (
        f"{len(missing)} đơn vị chưa có số người nên không tính được tỷ lệ cho giải tập thể, "
        f"ví dụ {missing[0]}."
    )
    return [Lack("no_headcount", sentence)]


async def _about_lists(contest: ContestShown) -> list[Lack]:
    if not contest.is_by_list or (await list_counts(contest.id))["eligibility"]:
        return []
    return [Lack("empty_list", "Thi theo danh sách nhưng danh sách dự thi còn trống.")]


def _about_time(contest: ContestShown, at: datetime) -> list[Lack]:
    found = []
    for each in contest.rounds:
        if each.opens_at <= at < each.closes_at:
            sentence = f"{each.name} đã tới giờ mở: duyệt xong là mọi người vào thi được ngay."
            found.append(Lack("opens_now", sentence))
        elif at < each.opens_at <= at + SOON:
            sentence = f"{each.name} mở lúc {datetime_shown(each.opens_at)}, còn chưa đầy 24 giờ."
            found.append(Lack("opens_soon", sentence))
        if at < each.closes_at and each.closes_at - max(at, each.opens_at) < SHORT_WINDOW:
            sentence = f"{each.name} đóng lúc {datetime_shown(each.closes_at)}, chỉ mở ít giờ."
            found.append(Lack("closes_soon", sentence))
    return found
