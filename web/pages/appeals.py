"""A participant's appeals: file one, follow it, take it back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import now
from core.errors import Refusal
from people.sessions import Viewer
from quiz import appeals
from quiz.appeals import STATES, SUBJECTS, Filed
from quiz.contests import ContestShown
from web.forms import Form, read_form, wants_json, whole
from web.guard import signed_in
from web.pages.shown import LARGEST_ROUND_NUMBER
from web.refusals import status_of
from web.render import render

LARGEST_POSITION = 999


async def page(request: Request) -> Response:
    viewer, contest = await _asked(request)
    chosen = request.query_params
    form = Form({"dot": [chosen.get("dot", "")], "cau": [chosen.get("cau", "")]})
    if chosen.get("cau"):
        form.values["ve"] = ["question"]
    return await _page(request, viewer, contest, form)


async def file(request: Request) -> Response:
    viewer, contest = await _asked(request)
    form = await read_form(request)
    try:
        case_number = await appeals.file_appeal(viewer.person_id, _filed(contest, form))
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _page(request, viewer, contest, form, status_of(refusal))
    address = f"/cuoc-thi/{contest.slug}/khieu-nai?da_gui={case_number}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


async def withdraw(request: Request) -> Response:
    viewer, contest = await _asked(request)
    await appeals.withdraw_appeal(request.path_params["case"][:30], viewer.person_id)
    return RedirectResponse(f"/cuoc-thi/{contest.slug}/khieu-nai", HTTPStatus.SEE_OTHER)


async def _asked(request: Request) -> tuple[Viewer, ContestShown]:
    viewer = await signed_in(request)
    return viewer, await request.app.state.contests.by_slug(request.path_params["slug"])


def _filed(contest: ContestShown, form: Form) -> Filed:
    number = whole(form.text("dot"), largest=LARGEST_ROUND_NUMBER)
    chosen = next((each for each in contest.rounds if each.number == number), None)
    if chosen is None:
        sentence = "Bạn chọn giúp đợt thi."
        raise Refusal("bad_appeal", sentence, fields={"dot": sentence})
    position = form.text("cau")
    return Filed(
        round_id=chosen.id,
        subject=form.text("ve"),
        body=form.text("noi_dung"),
        # What is no number is a question that the paper does not have.
        question_position=(whole(position, largest=LARGEST_POSITION) or 0) if position else None,
    )


async def _page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    closed = [each for each in contest.rounds if each.closes_at <= now()]
    own = await appeals.appeals_by(viewer.person_id, contest.id)
    sent = request.query_params.get("da_gui", "")
    context: dict[str, Any] = {
        "contest": {"slug": contest.slug, "title": contest.name},
        "rounds": [
            {"value": str(each.number), "label": each.name}
            for each in closed
            if each.result != "final"
        ],
        "subjects": [{"value": code, "label": f"Về {name}"} for code, name in SUBJECTS.items()],
        "sent": sent if sent in {each.case_number for each in own} else None,
        "appeals": [
            {
                "number": each.case_number,
                "round": each.round_name,
                "subject": SUBJECTS[each.subject],
                "position": each.question_position,
                "body": each.body,
                "state": STATES[each.state],
                "is_open": each.state == "open",
                "is_accepted": each.state == "accepted",
                "decision": each.decision,
                "created_at": each.created_at,
                "decided_at": each.decided_at,
            }
            for each in own
        ],
        "form": form.for_page(),
    }
    return render(request, "contests/appeals.html", context, status=status)
