"""Contests as their makers see them: what is missing, who approves, when a round is final."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.db import database_clock
from core.errors import Refusal
from core.text import clean
from people.audit import entries
from people.roles import Action
from people.sessions import Viewer
from quiz import leaderboard, publishing
from quiz.contests import PUBLIC_STATES, ContestShown, RoundShown, all_contests, contest_by_slug
from quiz.overview import PoolShown, blueprints_of, pools_of
from quiz.publishing import Lack
from quiz.questions import DIFFICULTIES
from web.forms import Form, read_form, wants_json
from web.guard import signed_in
from web.office import may_on, office_page, require_on
from web.pages.shown import contest_state, short_attempts
from web.refusals import status_of

LONGEST_REASON = 500
SHOWN_DIGEST = 12  # enough for two people to compare by telephone
# What a contest needs, and the lacks that say it is not there.
_CHECKLIST = (
    ("Thể lệ", {"no_rules"}),
    ("Bảng dự thi", {"no_division"}),
    ("Các đợt thi và giờ mở, đóng", {"no_round", "round_past", "window_short", "rounds_overlap"}),
)


async def contests(request: Request) -> Response:
    viewer = await signed_in(request)
    at = database_clock().now()
    shown = [each for each in await all_contests() if may_on(viewer, "see_dashboard", each)]
    totals = await leaderboard.totals([each.id for contest in shown for each in contest.rounds])
    return await office_page(
        request,
        viewer,
        "manage/contests.html",
        {
            "contests": [
                {
                    "title": contest.name,
                    "url": f"/quan-tri/cuoc-thi/{contest.slug}",
                    "state": contest_state_tag(contest),
                    "round_count": len(contest.rounds),
                    "opens_at": min((each.opens_at for each in contest.rounds), default=None),
                    "closes_at": max((each.closes_at for each in contest.rounds), default=None),
                    "people_count": max(
                        (totals[each.id].people_count for each in contest.rounds
                         if each.id in totals), default=0,
                    ),
                    "missing_count": len(await publishing.readiness(contest.id, at=at))
                    if contest.state == "draft"
                    else 0,
                }
                for contest in shown
            ],
            # Making a contest by page comes later; until then the command line makes it.
            "may_create": False,
            "form": Form({}).for_page(),
        },
    )  # fmt: skip


async def contest(request: Request) -> Response:
    found = await contest_by_slug(request.path_params["slug"])
    viewer = await require_on(request, "see_dashboard", found)
    return await _page(request, viewer, found, Form({}))


async def send_to_review(request: Request) -> Response:
    found, viewer = await _asked(request, "manage_contest")
    try:
        await publishing.send_to_review(found.id, by=viewer.account_id)
    except Refusal as refusal:
        return await _refused(request, viewer, found, Form({}), refusal)
    return _back(request, found)


async def approve_contest(request: Request) -> Response:
    found, viewer = await _asked(request, "approve_contest")
    try:
        await publishing.approve_contest(found.id, by=viewer.account_id)
    except Refusal as refusal:
        return await _refused(request, viewer, found, Form({}), refusal)
    return _back(request, found)


async def return_to_draft(request: Request) -> Response:
    found, viewer = await _asked(request, "approve_contest")
    form = await read_form(request)
    reason = clean(form.text("ly_do"))[:LONGEST_REASON]
    try:
        if not reason:
            sentence = "Hãy ghi lý do để người lập biết cần sửa gì."
            raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
        await publishing.return_to_draft(found.id, reason, by=viewer.account_id)
    except Refusal as refusal:
        return await _refused(request, viewer, found, form, refusal)
    return _back(request, found)


def contest_state_tag(contest: ContestShown) -> str:
    """The state as manage/_state.html names it; open and closed follow the clock."""
    if contest.state not in PUBLIC_STATES:
        return contest.state
    state = contest_state(contest, database_clock().now())
    return {"coming": "approved", "between": "open"}.get(state, state)


async def _asked(request: Request, action: Action) -> tuple[ContestShown, Viewer]:
    found = await contest_by_slug(request.path_params["slug"])
    return found, await require_on(request, action, found)


def _back(request: Request, found: ContestShown) -> Response:
    """What was just published must be there when its maker looks."""
    request.app.state.contests.forget()
    request.app.state.public_pages.forget()
    return RedirectResponse(f"/quan-tri/cuoc-thi/{found.slug}", HTTPStatus.SEE_OTHER)


async def _refused(
    request: Request, viewer: Viewer, found: ContestShown, form: Form, refusal: Refusal
) -> Response:
    if wants_json(request):
        raise refusal
    form.errors |= refusal.fields or {"": refusal.sentence}
    return await _page(request, viewer, found, form, status_of(refusal))


async def _page(
    request: Request, viewer: Viewer, found: ContestShown, form: Form, status: int = HTTPStatus.OK
) -> Response:
    pools = await pools_of(found)
    may_approve = may_on(viewer, "approve_contest", found)
    may_judge = found.state in PUBLIC_STATES and may_on(viewer, "analyse_questions", found)
    is_own = found.created_by_id == viewer.account_id
    is_waiting = found.state == "in_review"
    return await office_page(
        request,
        viewer,
        "manage/contest.html",
        {
            "contest": await _about(found),
            "checklist": await _checklist(found),
            "rounds": [_round(found, each, pools, may_judge=may_judge) for each in found.rounds],
            "blueprint": await _blueprint(found),
            "pools": [_pool(each) for each in pools],
            "may": {
                "submit": found.state == "draft" and may_on(viewer, "manage_contest", found),
                "approve": is_waiting and may_approve and not is_own,
                "send_back": is_waiting and may_approve,
            },
            "why_not": "Bạn lập cuộc thi này nên cần người khác duyệt."
            if is_waiting and may_approve and is_own
            else None,
            "form": form.for_page(),
        },
        status=status,
    )


async def _about(found: ContestShown) -> dict[str, Any]:
    told = await entries(f"contest:{found.id}")
    sent = next((each for each in told if each.action == "send_to_review"), None)
    approved = next((each for each in told if each.action == "approve_contest"), None)
    is_public = found.state in PUBLIC_STATES
    is_sent = sent is not None and found.state != "draft"
    return {
        "slug": found.slug,
        "title": found.name,
        "state": contest_state_tag(found),
        "submitted_by": sent.by_name if sent and is_sent else None,
        "submitted_at": sent.happened_at if sent and is_sent else None,
        "approved_by": approved.by_name if approved and is_public else None,
        "public_url": f"/cuoc-thi/{found.slug}" if is_public else None,
    }


async def _checklist(found: ContestShown) -> list[dict[str, Any]]:
    lacks = [] if found.state in PUBLIC_STATES else await publishing.readiness(found.id)
    known = set().union(*(codes for _, codes in _CHECKLIST))
    items = [(text, [each for each in lacks if each.code in codes]) for text, codes in _CHECKLIST]
    items.append(("Ma trận đề đủ câu hỏi", [each for each in lacks if each.code not in known]))
    return [
        {"text": text, "is_done": not missing, "how": _sentences(missing), "url": None}
        for text, missing in items
    ]


def _sentences(lacks: Sequence[Lack]) -> str | None:
    return " ".join(each.sentence for each in lacks) or None


def _round(
    found: ContestShown, each: RoundShown, pools: Sequence[PoolShown], *, may_judge: bool
) -> dict[str, Any]:
    is_frozen = any(pool.round_id == each.id for pool in pools)
    return {
        "number": each.number,
        "name": each.name,
        "url": None,
        "opens_at": each.opens_at,
        "closes_at": each.closes_at,
        "minutes": each.time_limit_seconds // 60,
        "attempts": short_attempts(each),
        "paper_state": "đề đã khóa" if is_frozen else "đề chưa khóa",
        "has_frozen_paper": is_frozen,
        "result_url": f"/quan-tri/cuoc-thi/{found.slug}/ket-qua?dot={each.number}"
        if may_judge
        else None,
        "is_final": each.result == "final",
    }


async def _blueprint(found: ContestShown) -> list[dict[str, Any]]:
    return [
        {
            "division": f"{each.round_name} · {each.division_name or 'mọi bảng'}",
            "wanted_total": sum(line.needed_count for line in each.lines),
            "lines": [
                {
                    "topic": line.topic_name,
                    "level": DIFFICULTIES[line.difficulty],
                    "wanted": line.needed_count,
                    "available": line.available_count,
                    "is_enough": line.available_count >= line.needed_count,
                }
                for line in each.lines
            ],
        }
        for each in await blueprints_of(found)
    ]


def _pool(each: PoolShown) -> dict[str, Any]:
    return {
        "round": each.round_name,
        "name": each.division_name or "mọi bảng",
        "question_count": each.question_count,
        "frozen_at": each.frozen_at,
        "digest": each.digest[:SHOWN_DIGEST],
    }
