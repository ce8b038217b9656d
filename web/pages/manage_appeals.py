"""The appeals of a contest: a list by state, a case with what it is about, a decision."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import Refusal
from people.roles import Action
from people.sessions import Viewer
from quiz import appeals
from quiz.appeals import STATES, SUBJECTS, AppealShown
from quiz.contests import ContestShown, contest_by_slug
from web.forms import Form, read_form, wants_json, whole
from web.office import may_on, office_page, require_on
from web.refusals import status_of

PAGE_SIZE = 50


async def cases(request: Request) -> Response:
    viewer, contest = await _asked(request, "see_results")
    counts = await appeals.appeal_counts(contest.id)
    page_count = max(1, -(-counts.total() // PAGE_SIZE))
    asked = whole(request.query_params.get("trang", ""), largest=page_count) or 1
    found = await appeals.appeals_of(contest.id, first=(asked - 1) * PAGE_SIZE, most=PAGE_SIZE)
    return await office_page(
        request,
        viewer,
        "manage/appeals.html",
        {
            "contest": _contest(contest),
            "appeals": [{**_line(each), "url": _address(contest, each)} for each in found],
            "open_count": counts["open"],
            "pages": {
                "number": asked,
                "count": page_count,
                "previous": f"?trang={asked - 1}" if asked > 1 else None,
                "next": f"?trang={asked + 1}" if asked < page_count else None,
            },
        },
        contest=contest,
    )


async def case(request: Request) -> Response:
    viewer, contest = await _asked(request, "see_results")
    return await _page(request, viewer, contest, Form({}))


async def decide(request: Request) -> Response:
    viewer, contest = await _asked(request, "decide_appeals")
    found = await appeals.get_appeal(contest.id, request.path_params["case"])
    form = await read_form(request)
    try:
        verdict = form.text("ket_luan")
        if verdict not in {"chap-nhan", "bac"}:
            sentence = "Hãy chọn chấp nhận hoặc không chấp nhận."
            raise Refusal("no_verdict", sentence, fields={"ket_luan": sentence})
        await appeals.decide_appeal(
            found.case_number,
            is_accepted=verdict == "chap-nhan",
            decision=form.text("tra_loi"),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _page(request, viewer, contest, form, status_of(refusal))
    return RedirectResponse(_address(contest, found), HTTPStatus.SEE_OTHER)


async def _asked(request: Request, action: Action) -> tuple[Viewer, ContestShown]:
    contest = await contest_by_slug(request.path_params["slug"])
    return await require_on(request, action, contest), contest


async def _page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    found = await appeals.get_appeal(contest.id, request.path_params["case"])
    return await office_page(
        request,
        viewer,
        "manage/appeal.html",
        {
            "contest": _contest(contest),
            "case": {
                **_line(found),
                "receipt": found.receipt,
                "decision": found.decision,
                "decided_at": found.decided_at,
                "decided_by": found.decided_by_name,
            },
            "question": await appeals.question_of(found),
            "may_decide": found.state == "open"
            and found.person_id != viewer.person_id
            and may_on(viewer, "decide_appeals", contest),
            "form": form.for_page(),
        },
        contest=contest,
        status=status,
    )


def _contest(contest: ContestShown) -> dict[str, str]:
    return {"title": contest.name, "url": f"/quan-tri/cuoc-thi/{contest.slug}"}


def _address(contest: ContestShown, each: AppealShown) -> str:
    return f"/quan-tri/cuoc-thi/{contest.slug}/khieu-nai/{each.case_number}"


def _line(each: AppealShown) -> dict[str, Any]:
    return {
        "number": each.case_number,
        "round": each.round_name,
        "name": each.full_name,
        "unit": each.unit_name,
        "division": each.division_name,
        "subject": SUBJECTS[each.subject],
        "position": each.question_position,
        "body": each.body,
        "created_at": each.created_at,
        "state": STATES[each.state],
        "is_open": each.state == "open",
        "is_accepted": each.state == "accepted",
    }
