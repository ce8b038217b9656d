"""The prizes of a draft: announced, changed, put in their order."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from core.errors import Refusal
from people.sessions import Viewer
from quiz import prizes
from quiz.contests import ContestShown
from quiz.prizes import MOST_OF_ONE_PRIZE, PrizePlan, PrizeShown, prizes_of
from web.contest_desk import (
    asked,
    desk_page,
    needed_number,
    note_refusal,
    number_of,
    saved,
    with_defaults,
)
from web.contest_workspace import prize_choices, workspace
from web.forms import Form, read_form, whole

LARGEST_ID = 2**63 - 1
_FIELDS = {
    "name": "giai_ten", "prize_count": "giai_so", "reward": "giai_thuong", "kind": "giai_loai",
    "measure": "giai_xet", "block": "giai_khoi", "round": "giai_dot", "division": "giai_bang",
}  # fmt: skip


async def add_prize(request: Request) -> Response:
    found, viewer = await asked(request)
    form = await read_form(request)
    try:
        await prizes.add_prize(found.id, _plan(form), by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await workspace(request, viewer, found, form, status)
    return saved(request, found, "#giai")


async def prize_page(request: Request) -> Response:
    found, viewer = await asked(request)
    return await _page(request, viewer, found, await _chosen(request, found), Form({}))


async def edit_prize(request: Request) -> Response:
    found, viewer = await asked(request)
    chosen = await _chosen(request, found)
    form = await read_form(request)
    try:
        await prizes.edit_prize(chosen.id, _plan(form), by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _page(request, viewer, found, chosen, form, status)
    return saved(request, found, "#giai")


async def arrange_prize(request: Request) -> Response:
    """Move a prize a place up or down, or take it out."""
    found, viewer = await asked(request)
    chosen = await _chosen(request, found)
    form = await read_form(request)
    deed = form.text("viec")
    try:
        if deed == "xoa":
            await prizes.remove_prize(chosen.id, by=viewer.account_id)
        elif deed in {"len", "xuong"}:
            await prizes.move_prize(chosen.id, up=deed == "len", by=viewer.account_id)
        else:
            raise Refusal("bad_form", "Không biết phải làm gì với giải này. Bạn thử lại.")
    except Refusal as refusal:
        status = note_refusal(request, form, refusal)
        return await workspace(request, viewer, found, form, status)
    return saved(request, found, "#giai")


async def _chosen(request: Request, found: ContestShown) -> PrizeShown:
    wanted = whole(request.path_params["prize"], largest=LARGEST_ID)
    chosen = next((each for each in await prizes_of(found.id) if each.id == wanted), None)
    if chosen is None:
        raise Refusal("not_found", "Không tìm thấy giải thưởng này.")
    return chosen


def _plan(form: Form) -> PrizePlan:
    is_collective = form.text("giai_loai") == "collective"
    return PrizePlan(
        name=form.text("giai_ten"),
        prize_count=needed_number(form, "giai_so", largest=MOST_OF_ONE_PRIZE),
        reward=form.text("giai_thuong"),
        kind=form.text("giai_loai"),
        round_id=number_of(form, "giai_dot", largest=LARGEST_ID),
        division_id=number_of(form, "giai_bang", largest=LARGEST_ID),
        measure=form.text("giai_xet") if is_collective else "",
        block=form.text("giai_khoi") if is_collective else "",
    )


async def _page(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    chosen: PrizeShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    kept = {
        "giai_ten": chosen.name,
        "giai_so": chosen.prize_count,
        "giai_thuong": chosen.reward,
        "giai_loai": chosen.kind,
        "giai_dot": chosen.round_id,
        "giai_bang": chosen.division_id,
        "giai_xet": chosen.measure,
        "giai_khoi": chosen.block,
    }
    return await desk_page(
        request,
        viewer,
        found,
        "manage/prize.html",
        {
            "prize": {"id": chosen.id, "name": chosen.name},
            **await prize_choices(found),
            "form": with_defaults(form, kept),
        },
        status=status,
    )
