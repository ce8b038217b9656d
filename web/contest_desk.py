"""What lies on the desk of those who make a contest: its parts, what they may do, what is missing?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.db import database_clock
from core.errors import Refusal
from core.text import clean
from people.audit import entries
from people.roles import ACTIONS, Action, may
from people.sessions import Viewer
from people.units import units_beneath
from quiz import cautions, publishing
from quiz.contest_draft import why_fixed
from quiz.contests import PUBLIC_STATES, ContestShown, contest_by_slug
from quiz.overview import blueprints_of, pools_of
from quiz.publishing import Lack
from quiz.questions import DIFFICULTIES
from web.forms import Form, wants_json, whole
from web.office import may_on, office_page, require_on
from web.pages.shown import contest_state
from web.refusals import status_of

SHOWN_DIGEST = 12  # enough for two people to compare by telephone
_SAVED = {"kind": "ok", "text": "Đã lưu."}
# What a contest needs, where on the page it is mended, and the lacks that say it is not there.
_CHECKLIST = (
    ("Bảng dự thi", "#bang", {"no_division"}),
    (
        "Các đợt thi và giờ mở, đóng",
        "#dot",
        {"no_round", "round_past", "window_short", "rounds_overlap"},
    ),
    ("Thể lệ", "#the-le", {"no_rules"}),
)
_CAUTION_PLACES = {"no_prize": "#giai", "no_headcount": "/quan-tri/don-vi", "empty_list": "#ai"}


def path_of(found: ContestShown) -> str:
    return f"/quan-tri/cuoc-thi/{found.slug}"


async def asked(request: Request, action: Action = "manage_contest") -> tuple[ContestShown, Viewer]:
    """The contest of the address and who wants to do this to it."""
    found = await contest_by_slug(request.path_params["slug"])
    return found, await require_on(request, action, found)


def saved(
    request: Request, found: ContestShown, place: str = "", *, slug: str | None = None
) -> Response:
    """Back to the desk or to one of its pages; what was published must be there at once."""
    request.app.state.contests.forget()
    request.app.state.public_pages.forget()
    page, _, section = place.partition("#")
    address = f"/quan-tri/cuoc-thi/{slug or found.slug}{page}?luu=1" + (
        f"#{section}" if section else ""
    )
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


def note_refusal(
    request: Request, form: Form, refusal: Refusal, names: Mapping[str, str] | None = None
) -> int:
    """Put a refusal beside the fields that it is about, by the form's names; returns the status."""
    if wants_json(request):
        raise refusal
    known = names or {}
    fields = {known.get(name, name): sentence for name, sentence in refusal.fields.items()}
    form.errors |= fields or {"": refusal.sentence}
    return status_of(refusal)


def number_of(form: Form, name: str, *, largest: int, default: int | None = None) -> int | None:
    """A typed whole number; an empty field is the default."""
    typed = clean(form.text(name))
    if not typed:
        return default
    found = whole(typed, largest=largest)
    if found is None:
        sentence = f"Hãy nhập số nguyên từ 0 đến {largest}."
        raise Refusal("bad_number", sentence, fields={name: sentence})
    return found


def needed_number(form: Form, name: str, *, largest: int) -> int:
    found = number_of(form, name, largest=largest)
    if found is None:
        sentence = "Hãy nhập số."
        raise Refusal("bad_number", sentence, fields={name: sentence})
    return found


async def unit_choices(viewer: Viewer) -> list[dict[str, str]]:
    """The units that this person may make a contest for."""
    allowed = ACTIONS["manage_contest"]
    paths = [role.unit_path for role in viewer.roles if role.name in allowed and role.unit_path]
    found = await units_beneath(paths, on=local_day(now()))
    return [
        {
            "value": str(each.id),
            "label": f"{each.name}, {each.parent_name}" if each.parent_name else each.name,
        }
        for each in found
    ]


async def unit_of(form: Form, name: str, viewer: Viewer) -> int | None:
    """The chosen unit; nothing chosen means everybody, for those who speak for the whole platform."""
    typed = form.text(name)
    if not typed and may(viewer, "manage_contest", None):
        return None
    if typed not in {each["value"] for each in await unit_choices(viewer)}:
        sentence = "Hãy chọn đơn vị trong danh sách."
        raise Refusal("unknown_unit", sentence, fields={name: sentence})
    return int(typed)


def with_defaults(form: Form, *sections: Mapping[str, object]) -> dict[str, object]:
    """The form for a template: what was typed; where nothing of a section was, what is kept."""
    shown = form.for_page()
    values: dict[str, object] = {}
    for section in sections:
        if not any(name in form.values for name in section):
            values |= {name: value for name, value in section.items() if value not in (None, "")}
    typed: Any = shown["values"]
    return {"values": {**values, **typed}, "errors": shown["errors"]}


async def desk_page(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = HTTPStatus.OK,
) -> Response:
    """A page about one contest: its head, whether it may be edited and why not."""
    fixed = why_fixed(found.state)
    frame = {
        "contest": {
            "slug": found.slug,
            "title": found.name,
            "state": contest_state_tag(found),
            "public_url": f"/cuoc-thi/{found.slug}" if found.state in PUBLIC_STATES else None,
        },
        "path": path_of(found),
        "may_edit": fixed is None and may_on(viewer, "manage_contest", found),
        "why_fixed": fixed,
        "flash": _SAVED if request.query_params.get("luu") else None,
    }
    return await office_page(
        request, viewer, template, {**frame, **context}, contest=found, status=status
    )


def contest_state_tag(contest: ContestShown) -> str:
    """The state as manage/_state.html names it; open and closed follow the clock."""
    if contest.state not in PUBLIC_STATES:
        return contest.state
    state = contest_state(contest, database_clock().now())
    return {"coming": "approved", "between": "open"}.get(state, state)


async def approval(viewer: Viewer, found: ContestShown) -> dict[str, Any]:
    """Who sent and approved it, what this person may do about it, and why not."""
    told = await entries(f"contest:{found.id}")
    sent = next((each for each in told if each.action == "send_to_review"), None)
    approved = next((each for each in told if each.action == "approve_contest"), None)
    is_waiting = found.state == "in_review"
    may_approve = may_on(viewer, "approve_contest", found)
    is_maker = is_waiting and await publishing.is_maker(found.id, viewer.account_id)
    is_sent = sent is not None and found.state != "draft"
    return {
        "submitted_by": sent.by_name if sent and is_sent else None,
        "submitted_at": sent.happened_at if sent and is_sent else None,
        "approved_by": approved.by_name if approved and found.state in PUBLIC_STATES else None,
        "returned": _returned(found, told),
        "may": {
            "submit": found.state == "draft" and may_on(viewer, "manage_contest", found),
            "approve": is_waiting and may_approve and not is_maker,
            "send_back": is_waiting and may_approve,
        },
        "why_not": publishing.OWN_CONTEST if may_approve and is_maker else None,
    }


def _returned(found: ContestShown, told: Sequence[Any]) -> str | None:
    """Why it came back, as long as nobody has sent it again."""
    last = next(
        (each for each in told if each.action in {"send_to_review", "return_to_draft"}), None
    )
    if found.state != "draft" or last is None or last.action != "return_to_draft":
        return None
    return str(last.detail.get("reason", ""))


async def checklist(found: ContestShown) -> dict[str, Any]:
    """What is done, what is missing with the way there, and what should be looked at."""
    if found.state in PUBLIC_STATES:
        return {"checklist": [], "cautions": [], "missing_count": 0}
    lacks = await publishing.readiness(found.id)
    known = set().union(*(codes for _, _, codes in _CHECKLIST))
    items = [
        _item(text, place, [each for each in lacks if each.code in codes])
        for text, place, codes in _CHECKLIST
    ]
    papers = [each for each in lacks if each.code not in known]
    place = f"{path_of(found)}/dot/{papers[0].round_number}#ma-tran" if papers else "#dot"
    is_planned = bool(found.rounds)
    items.insert(2, _item("Ma trận đề đủ câu hỏi", place, papers, is_planned=is_planned))
    return {
        "checklist": items,
        "cautions": [
            {"text": each.sentence, "url": _CAUTION_PLACES.get(each.code, "#dot")}
            for each in await cautions.cautions(found.id)
        ],
        "missing_count": sum(not each["is_done"] for each in items),
    }


def _item(
    text: str, place: str, lacks: Sequence[Lack], *, is_planned: bool = True
) -> dict[str, Any]:
    return {
        "text": text,
        "is_done": is_planned and not lacks,
        "how": " ".join(each.sentence for each in lacks) or None,
        "url": place,
    }


async def blueprints(found: ContestShown) -> list[dict[str, Any]]:
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


async def frozen_papers(found: ContestShown) -> list[dict[str, Any]]:
    return [
        {
            "round_id": each.round_id,
            "round": each.round_name,
            "name": each.division_name or "mọi bảng",
            "question_count": each.question_count,
            "frozen_at": each.frozen_at,
            "digest": each.digest[:SHOWN_DIGEST],
        }
        for each in await pools_of(found)
    ]
