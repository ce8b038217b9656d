"""Patterns that somebody should look at: the evidence in words, and what was concluded."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import Refusal
from core.text import clean, duration_shown
from people.sessions import Viewer
from quiz import suspicions
from quiz.contests import ContestShown, contest_by_slug
from quiz.suspicions import STATES, SuspicionShown
from web.forms import Form, read_form, wants_json, whole
from web.office import office_page, require_on
from web.refusals import status_of

LARGEST_PAGE = 100_000
LARGEST_ID = 2**62
_STATES = {"new": "Chưa xem", "pursued": "Đang xác minh", "dismissed": "Đã bỏ qua"}
_CONCLUSIONS = {
    "new": "Mở lại để xem",
    "pursued": "Cần xác minh tiếp",
    "dismissed": "Không có gì bất thường, bỏ qua",
}
_PATTERNS = {
    "too_fast": "Nhanh bất thường",
    "same_answers": "Trả lời giống nhau",
    "unit_burst": "Nộp dồn trong một đơn vị",
    "sudden_leap": "Vọt điểm đột ngột",
}

_DONE = {
    "da-ghi": "Đã ghi kết luận.",
    "dang-ra": "Đang rà lại từ đầu các đợt. Bạn tải lại trang sau vài phút.",
}


async def flags(request: Request) -> Response:
    found, viewer = await _asked(request)
    return await _page(request, viewer, found, Form({}))


async def review(request: Request) -> Response:
    found, viewer = await _asked(request)
    form = await read_form(request)
    suspicion_id = whole(request.path_params["suspicion"], largest=LARGEST_ID)
    try:
        if suspicion_id is None:
            raise Refusal("not_found", "Không tìm thấy dấu hiệu này.")
        await suspicions.review_suspicion(
            found.id,
            suspicion_id,
            state=form.text("ket_luan"),
            note=clean(form.text("ghi_chu")),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        if wants_json(request) or not refusal.fields:
            raise
        # Many forms stand on the page: the field is that of this flag.
        form.errors |= {
            f"{name}-{suspicion_id}": sentence for name, sentence in refusal.fields.items()
        }
        return await _page(request, viewer, found, form, status_of(refusal))
    return _back(found, "da-ghi")


async def look_again(request: Request) -> Response:
    """Ask the worker to go through every round from its beginning."""
    found, _ = await _asked(request)
    for each in found.rounds:
        suspicions.ask_to_look_again(each.id)
    return _back(found, "dang-ra")


async def _asked(request: Request) -> tuple[ContestShown, Viewer]:
    found = await contest_by_slug(request.path_params["slug"])
    return found, await require_on(request, "manage_contest", found)


def _back(found: ContestShown, done: str) -> Response:
    return RedirectResponse(
        f"/quan-tri/cuoc-thi/{found.slug}/dau-hieu?xong={done}", HTTPStatus.SEE_OTHER
    )


async def _page(
    request: Request, viewer: Viewer, found: ContestShown, form: Form, status: int = HTTPStatus.OK
) -> Response:
    asked = request.query_params.get("tinh_trang", "new")
    state = asked if asked in STATES else "new"
    number = whole(request.query_params.get("trang", ""), largest=LARGEST_PAGE) or 1
    shown = await suspicions.suspicions_of(found.id, state=state, page=number)
    path = f"/quan-tri/cuoc-thi/{found.slug}/dau-hieu"
    done = request.query_params.get("xong")
    return await office_page(
        request,
        viewer,
        "manage/suspicions.html",
        {
            "contest": {"slug": found.slug, "title": found.name},
            "flash": {"kind": "ok", "text": _DONE[done]} if done in _DONE else None,
            "tabs": [
                {
                    "name": f"{label} ({shown.counts[each]})",
                    "url": f"{path}?tinh_trang={each}",
                    "is_current": each == state,
                }
                for each, label in _STATES.items()
            ],
            "flags": [_flag(each) for each in shown.rows],
            "conclusions": [
                {"value": each, "label": label}
                for each, label in _CONCLUSIONS.items()
                if each != state
            ],
            "pages": {
                "number": shown.page,
                "count": shown.page_count,
                "previous": _at(path, state, shown.page - 1) if shown.page > 1 else None,
                "next": _at(path, state, shown.page + 1) if shown.page < shown.page_count else None,
            },
            "form": form.for_page(),
        },
        contest=found,
        status=status,
    )


def _at(path: str, state: str, page: int) -> str:
    return f"{path}?tinh_trang={state}&trang={page}"


def _flag(each: SuspicionShown) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.full_name,
        "unit": each.unit_name,
        "round": each.round_name,
        "pattern": _PATTERNS.get(each.pattern, each.pattern),
        "sentence": evidence_sentence(each),
        "found_at": each.found_at,
        "note": each.note,
        "reviewed_by": each.reviewed_by,
        "reviewed_at": each.reviewed_at,
    }


def evidence_sentence(each: SuspicionShown) -> str:
    """What was seen, in words that accuse nobody."""
    seen = each.evidence
    if each.pattern == "too_fast":
        return (
            f"Đúng {seen['correct']} trong {seen['questions']} câu sau {_time(seen['seconds'])}. "
            f"Ở đợt này, dưới {_time(seen['limit_seconds'])} thì khó đọc hết đề."
        )
    if each.pattern == "sudden_leap":
        return (
            f"Đúng {seen['correct']} trong {seen['questions']} câu sau {_time(seen['seconds'])}, "
            f"trong khi lượt trước đúng {seen['before_correct']} trong {seen['before_questions']} "
            f"câu sau {_time(seen['before_seconds'])}."
        )
    others = ", ".join(each.others)
    if each.pattern == "same_answers":
        return (
            f"Trả lời giống hệt ở cả {seen['shared']} câu cùng có trong đề, trong đó "
            f"{seen['same_wrong']} câu cùng sai một kiểu; nộp cách nhau {_time(seen['seconds'])}. "
            f"Cùng với: {others}."
        )
    return (
        f"{seen['count']} người cùng đơn vị nộp trong {_time(seen['seconds'])} với câu trả lời "
        f"giống nhau. Cùng với: {others}."
    )


def _time(seconds: int) -> str:
    return duration_shown(seconds * 1000)
