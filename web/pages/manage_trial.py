"""A trial run: makers sit their own paper, see the key, and nothing of it is kept or counted."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from core.errors import Refusal
from people.sessions import Viewer
from quiz.contests import ContestShown, DivisionShown, RoundShown, contest_by_slug
from quiz.question_secrecy import note_bank_seen
from quiz.scoring import POINT
from quiz.trial import draw_trial, score_trial
from web.contest_desk import desk_page, path_of
from web.forms import Form, read_form, whole
from web.guard import signed_in
from web.office import may_on
from web.pages.shown import LARGEST_ROUND_NUMBER
from web.paper_html import paper_html
from web.render import language_of, render

MOST_OPTIONS = 20


async def trial(request: Request) -> Response:
    """A fresh paper of a round and a division, as its participants will see one."""
    found, viewer = await _asked(request)
    chosen, division = _chosen(found, request.query_params.get("dot", ""),
                               request.query_params.get("bang", ""))  # fmt: skip
    if chosen is None:
        return await _refused(request, viewer, found, "Cuộc thi chưa có đợt nào để làm thử.")
    try:
        drawn = await draw_trial(found, chosen, division.id if division else None)
    except Refusal as refusal:
        return await _refused(request, viewer, found, refusal.sentence)
    await note_bank_seen(found.bank_id, by=viewer.account_id)
    return render(
        request,
        "manage/trial.html",
        {
            **_about(found, chosen, division),
            "blocks": paper_html(language_of(request), drawn.paper, {}),
            "question_count": len(drawn.paper),
            "minutes": chosen.time_limit_seconds // 60,
            "seed": drawn.seed,
            "digest": drawn.digest,
            "is_frozen": drawn.is_frozen,
            "rounds": [{"number": each.number, "name": each.name} for each in found.rounds],
            "divisions": [{"code": each.code, "name": each.name} for each in found.divisions],
        },
    )


async def score(request: Request) -> Response:
    """What the answers of a trial are worth, beside the key."""
    found, viewer = await _asked(request)
    form = await read_form(request)
    chosen, division = _chosen(found, form.text("dot"), form.text("bang"))
    try:
        if chosen is None:
            raise Refusal("not_found", "Cuộc thi này không có đợt thi đó.")
        result = await score_trial(
            found,
            chosen,
            division.id if division else None,
            seed=form.text("de"),
            pool_digest=form.text("kho"),
            answers=_answers(form),
        )
    except Refusal as refusal:
        return await _refused(request, viewer, found, refusal.sentence)
    await note_bank_seen(found.bank_id, by=viewer.account_id)  # the key, perhaps for the first time
    return render(
        request,
        "manage/trial_result.html",
        {
            **_about(found, chosen, division),
            "points": result.scored.points / POINT,
            "correct_count": result.scored.correct_count,
            "question_count": result.scored.question_count,
            "review": result.review,
        },
    )


async def _asked(request: Request) -> tuple[ContestShown, Viewer]:
    """Those who make the contest and those who approve it; nobody else sees a coming paper."""
    found = await contest_by_slug(request.path_params["slug"])
    viewer = await signed_in(request)
    if not any(may_on(viewer, action, found) for action in ("manage_contest", "approve_contest")):
        raise Refusal("not_found", "Không tìm thấy trang này.")
    return found, viewer


def _chosen(
    found: ContestShown, number: str, code: str
) -> tuple[RoundShown | None, DivisionShown | None]:
    wanted = whole(number, largest=LARGEST_ROUND_NUMBER)
    first = found.rounds[0] if found.rounds else None
    first_division = found.divisions[0] if found.divisions else None
    return (
        next((each for each in found.rounds if each.number == wanted), first),
        next((each for each in found.divisions if each.code == code), first_division),
    )


def _about(
    found: ContestShown, chosen: RoundShown, division: DivisionShown | None
) -> dict[str, Any]:
    return {
        "path": path_of(found),
        "contest": {"slug": found.slug, "title": found.name},
        "round": {"number": chosen.number, "name": chosen.name},
        "division": {"code": division.code, "name": division.name} if division else None,
    }


def _answers(form: Form) -> dict[str, list[int]]:
    """Fields q1, q2 … with the shown places that were ticked."""
    answers = {}
    for name, values in form.values.items():
        if name.startswith("q") and name[1:].isdigit():
            ticked = [whole(value, largest=MOST_OPTIONS) for value in values]
            answers[name[1:]] = [place for place in ticked if place]
    return answers


async def _refused(
    request: Request, viewer: Viewer, found: ContestShown, sentence: str
) -> Response:
    return await desk_page(
        request,
        viewer,
        found,
        "manage/no_trial.html",
        {"sentence": sentence},
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
    )
