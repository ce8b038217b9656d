"""The contests of an office: which there are, how one begins, who sends, approves, gives back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.db import database_clock
from core.errors import Refusal
from core.text import clean
from people.accounts import DIVISIONS
from people.roles import may, may_somewhere
from people.sessions import Viewer
from quiz import contest_making, leaderboard, publishing
from quiz.contest_copying import copy_contest
from quiz.contest_making import suggest_slug
from quiz.contests import ContestShown, all_contests, get_contest
from quiz.overview import banks
from quiz.questions import find_bank
from web.contest_desk import (
    asked,
    contest_state_tag,
    note_refusal,
    path_of,
    saved,
    unit_choices,
    unit_of,
)
from web.contest_workspace import workspace
from web.forms import Form, read_form
from web.guard import signed_in
from web.office import may_on, office_page

LONGEST_REASON = 500
MOST_LIKE_NAMED = 50
_NAMES = {"name": "ten", "slug": "duong_dan"}


async def contests(request: Request) -> Response:
    viewer = await signed_in(request)
    return await _list_page(request, viewer, Form({}))


async def create_contest(request: Request) -> Response:
    """Begin an empty draft, or one with the settings of an earlier contest."""
    viewer = await signed_in(request)
    form = await read_form(request)
    try:
        contest_id = await _create(form, viewer)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _NAMES)
        return await _list_page(request, viewer, form, status)
    found = await get_contest(contest_id)
    return RedirectResponse(f"{path_of(found)}?luu=1", HTTPStatus.SEE_OTHER)


async def contest(request: Request) -> Response:
    found, viewer = await asked(request, "see_dashboard")
    return await workspace(request, viewer, found, Form({}))


async def send_to_review(request: Request) -> Response:
    found, viewer = await asked(request)
    try:
        await publishing.send_to_review(found.id, by=viewer.account_id)
    except Refusal as refusal:
        return await _refused(request, viewer, found, Form({}), refusal)
    return saved(request, found)


async def approve_contest(request: Request) -> Response:
    found, viewer = await asked(request, "approve_contest")
    try:
        await publishing.approve_contest(found.id, by=viewer.account_id)
    except Refusal as refusal:
        return await _refused(request, viewer, found, Form({}), refusal)
    return saved(request, found)


async def return_to_draft(request: Request) -> Response:
    found, viewer = await asked(request, "approve_contest")
    form = await read_form(request)
    reason = clean(form.text("ly_do"))[:LONGEST_REASON]
    try:
        if not reason:
            sentence = "Hãy ghi lý do để người lập biết cần sửa gì."
            raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
        await publishing.return_to_draft(found.id, reason, by=viewer.account_id)
    except Refusal as refusal:
        return await _refused(request, viewer, found, form, refusal)
    return saved(request, found)


async def _refused(
    request: Request, viewer: Viewer, found: ContestShown, form: Form, refusal: Refusal
) -> Response:
    status = note_refusal(request, form, refusal)
    return await workspace(request, viewer, found, form, status)


async def _create(form: Form, viewer: Viewer) -> int:
    name = form.text("ten")
    slug = clean(form.text("duong_dan")) or await _free_slug(name)
    source = form.text("chep_tu")
    if source:
        return await _create_like(source, form, viewer, name=name, slug=slug)
    bank_id = await find_bank(form.text("ngan_hang"))
    if bank_id is None:
        sentence = "Hãy chọn ngân hàng câu hỏi trong danh sách."
        raise Refusal("no_bank", sentence, fields={"ngan_hang": sentence})
    contest_id = await contest_making.make_contest(
        slug=slug,
        name=name,
        bank_id=bank_id,
        unit_id=await unit_of(form, "don_vi", viewer),
        by=viewer.account_id,
    )
    for code, division_name in DIVISIONS if form.text("ba_bang") else ():
        await contest_making.add_division(
            contest_id, code=code, name=division_name, by=viewer.account_id
        )
    return contest_id


async def _create_like(source: str, form: Form, viewer: Viewer, *, name: str, slug: str) -> int:
    known = {each.slug: each for each in await _manageable(viewer)}
    if source not in known:
        sentence = "Hãy chọn cuộc thi trong danh sách."
        raise Refusal("no_source", sentence, fields={"chep_tu": sentence})
    return await copy_contest(
        known[source].id,
        slug=slug,
        name=name,
        opens_on=_day(form, "ngay_mo"),
        by=viewer.account_id,
    )


async def _free_slug(name: str) -> str:
    taken = {each.slug for each in await all_contests()}
    first = suggest_slug(name)
    more = (f"{first}-{number}" for number in range(2, MOST_LIKE_NAMED))
    return next((each for each in (first, *more) if each not in taken), first)


async def _manageable(viewer: Viewer) -> list[ContestShown]:
    return [each for each in await all_contests() if may_on(viewer, "manage_contest", each)]


def _day(form: Form, name: str) -> date | None:
    typed = clean(form.text(name))
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        sentence = "Hãy chọn ngày mở đợt đầu."
        raise Refusal("bad_day", sentence, fields={name: sentence}) from None


async def _list_page(
    request: Request, viewer: Viewer, form: Form, status: int = HTTPStatus.OK
) -> Response:
    shown = [each for each in await all_contests() if may_on(viewer, "see_dashboard", each)]
    totals = await leaderboard.totals([each.id for contest in shown for each in contest.rounds])
    held = await banks()
    if len(held) == 1:
        form.values.setdefault("ngan_hang", [held[0].code])
    if "ten" not in form.values:
        form.values["ba_bang"] = ["1"]
    units = await unit_choices(viewer)
    return await office_page(
        request,
        viewer,
        "manage/contests.html",
        {
            "contests": [await _row(each, totals) for each in shown],
            "may_create": may_somewhere(viewer, "manage_contest") and bool(units),
            "banks": [{"value": each.code, "label": each.name} for each in held],
            "units": units,
            "everybody": may(viewer, "manage_contest", None),
            "earlier": [
                {"value": each.slug, "label": each.name} for each in await _manageable(viewer)
            ],
            "today": local_day(now()).isoformat(),
            "form": form.for_page(),
        },
        status=status,
    )


async def _row(contest: ContestShown, totals: Mapping[int, Any]) -> dict[str, Any]:
    counted = [totals[each.id].people_count for each in contest.rounds if each.id in totals]
    is_draft = contest.state == "draft"
    lacks = await publishing.readiness(contest.id, at=database_clock().now()) if is_draft else []
    return {
        "title": contest.name,
        "url": path_of(contest),
        "state": contest_state_tag(contest),
        "round_count": len(contest.rounds),
        "opens_at": min((each.opens_at for each in contest.rounds), default=None),
        "closes_at": max((each.closes_at for each in contest.rounds), default=None),
        "people_count": max(counted, default=0),
        "missing_count": len(lacks),
    }
