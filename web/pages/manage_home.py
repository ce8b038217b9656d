"""The first page of /quan-tri: what waits for this person, and how the rounds stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from core.db import database_clock
from people.roles import Action, may
from people.sessions import Viewer
from quiz import leaderboard
from quiz.appeals import open_appeal_counts
from quiz.contests import ContestShown, RoundShown, all_contests
from quiz.overview import banks, open_attempt_counts
from quiz.question_review import waiting_counts
from web.guard import signed_in
from web.office import may_on, office_page
from web.pages.shown import round_state

MOST_ROUNDS = 60
NEED_SECOND_FACTOR = frozenset({"admin", "approver", "organiser"})


async def home(request: Request) -> Response:
    viewer = await signed_in(request)
    at = database_clock().now()
    contests = [each for each in await all_contests() if may_on(viewer, "see_dashboard", each)]
    return await office_page(
        request,
        viewer,
        "manage/home.html",
        {
            "todo": await _todo(viewer, contests),
            "rounds": await _rounds(contests, at),
            "as_of": at,
            "second_factor_missing": _lacks_second_factor(viewer),
        },
    )


def _lacks_second_factor(viewer: Viewer) -> bool:
    """Whoever can publish or open doors is asked for one until it is on."""
    holds = {role.name for role in viewer.roles} & NEED_SECOND_FACTOR
    return bool(holds) and viewer.has_password and not viewer.has_second_factor


async def _todo(viewer: Viewer, contests: list[ContestShown]) -> list[dict[str, str]]:
    found = []
    for contest in contests:
        url = f"/quan-tri/cuoc-thi/{contest.slug}"
        may_approve = may_on(viewer, "approve_contest", contest)
        if contest.state == "in_review" and may_approve and not is_own(viewer, contest):
            found.append(
                {"text": f"{contest.name} chờ duyệt để công bố", "url": url, "verb": "Duyệt"}
            )
        if contest.state == "draft" and may_on(viewer, "manage_contest", contest):
            found.append({"text": f"{contest.name} còn là bản nháp", "url": url, "verb": "Xem"})
        found += _results_todo(viewer, contest)
    waiting_appeals = await open_appeal_counts([each.id for each in contests])
    found += [
        {
            "text": f"{contest.name}: {waiting_appeals[contest.id]} khiếu nại chờ trả lời",
            "url": f"/quan-tri/cuoc-thi/{contest.slug}/khieu-nai",
            "verb": "Trả lời",
        }
        for contest in contests
        if contest.id in waiting_appeals and may_on(viewer, "decide_appeals", contest)
    ]
    if may(viewer, "approve_questions", None) and may(viewer, "see_bank", None):
        waiting = await waiting_counts(viewer.account_id)
        found += [
            {
                "text": f"Có {count} câu chờ bạn thẩm định",
                "url": "/quan-tri/ngan-hang?"
                f"{urlencode({'ngan_hang': bank, 'nguoi_doc': viewer.account_id})}",
                "verb": "Thẩm định",
            }
            for bank, count in waiting.items()
        ]
        found += [
            {
                "text": f"{bank.name}: {bank.waiting_count} câu hỏi chờ thẩm định",
                "url": f"/quan-tri/ngan-hang?ngan_hang={bank.code}&tinh_trang=in_review",
                "verb": "Duyệt",
            }
            for bank in await banks()
            if bank.waiting_count
        ]
    return found


def _results_todo(viewer: Viewer, contest: ContestShown) -> list[dict[str, str]]:
    """Rounds whose result waits for one who freezes it, then for one who makes it final."""
    found = []
    for each in contest.rounds:
        is_frozen = each.prediction_frozen_at is not None
        word = "chốt" if is_frozen else "khóa"
        action: Action = "approve_contest" if is_frozen else "manage_contest"
        if each.result == "provisional" and may_on(viewer, action, contest):
            found.append(
                {
                    "text": f"{contest.name}: {each.name} chờ {word} kết quả",
                    "url": f"/quan-tri/cuoc-thi/{contest.slug}/ket-qua?dot={each.number}",
                    "verb": f"{word.capitalize()} kết quả",
                }
            )
    return found


def is_own(viewer: Viewer, contest: ContestShown) -> bool:
    return contest.created_by_id == viewer.account_id


async def _rounds(contests: list[ContestShown], at: datetime) -> list[dict[str, Any]]:
    shown = [(contest, each) for contest in contests for each in contest.rounds]
    shown = sorted(shown, key=lambda pair: _nearness(pair[1], at))[:MOST_ROUNDS]
    round_ids = [each.id for _, each in shown]
    totals = await leaderboard.totals(round_ids)
    running = await open_attempt_counts(round_ids, at=at)
    return [
        {
            "contest": contest.name,
            "name": each.name,
            "url": f"/quan-tri/cuoc-thi/{contest.slug}",
            "state": round_state(contest, each, at),
            "closes_at": each.closes_at,
            "people_count": totals[each.id].people_count if each.id in totals else 0,
            "attempt_count": totals[each.id].attempt_count if each.id in totals else 0,
            "open_attempt_count": running.get(each.id, 0),
        }
        for contest, each in shown
    ]


def _nearness(each: RoundShown, at: datetime) -> tuple[int, float]:
    """Open rounds first, then the coming, the soonest first, then the closed, the latest first."""
    opens = each.opens_at.timestamp()
    if at < each.opens_at:
        return 1, opens
    return (0 if at < each.closes_at else 2), -opens
