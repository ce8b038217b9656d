"""Do the machines stand the coming round? An organiser asks for a rehearsal and reads its sheet."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import now
from core.errors import Refusal
from core.text import datetime_shown, number, percent
from people.sessions import Viewer
from quiz import rehearsal_plan
from quiz import rehearsals as verbs
from quiz.contests import ContestShown
from quiz.rehearsals import RehearsalShown
from web.contest_desk import asked, needed_number, note_refusal, path_of
from web.forms import Form, read_form, whole
from web.office import may_on, office_page
from web.render import is_part, render

LARGEST_ID = 2**63 - 1
_STATES = {
    "waiting": ("đang chờ bắt đầu", "none"),
    "preparing": ("đang chuẩn bị", "none"),
    "running": ("đang chạy", "warn"),
    "failed": ("không chạy được", "bad"),
    "cancelled": ("đã dừng", "none"),
}
_READY, _NOT_READY = ("Sẵn sàng", "ok"), ("Chưa sẵn sàng", "bad")
_EXAMPLE = 50_000


async def rehearsals(request: Request) -> Response:
    """The whole page, or for htmx the part that refreshes itself."""
    found, viewer = await asked(request, "see_dashboard")
    if is_part(request):
        response = render(request, "manage/_rehearsals.html", await _lists(viewer, found))
    else:
        response = await _page(request, viewer, found, Form({}))
    response.headers.add_vary_header("HX-Request")
    return response


async def ask(request: Request) -> Response:
    found, viewer = await asked(request)
    form = await read_form(request)
    try:
        people = needed_number(form, "so_nguoi", largest=rehearsal_plan.MOST_EXPECTED)
        await verbs.ask(_round_id(found, form), people, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal)
        return await _page(request, viewer, found, form, status)
    return RedirectResponse(f"{path_of(found)}/dien-tap", HTTPStatus.SEE_OTHER)


async def stop(request: Request) -> Response:
    found, viewer = await asked(request)
    shown = await _shown(request, found)
    await verbs.stop(found.id, shown.id, by=viewer.account_id)
    return RedirectResponse(f"{path_of(found)}/dien-tap", HTTPStatus.SEE_OTHER)


async def sheet(request: Request) -> Response:
    """What a rehearsal came to, to be read, printed and kept with the round."""
    found, viewer = await asked(request, "see_dashboard")
    shown = await _shown(request, found)
    if shown.sheet is None:
        return RedirectResponse(f"{path_of(found)}/dien-tap", HTTPStatus.SEE_OTHER)
    return await office_page(
        request,
        viewer,
        "manage/rehearsal_sheet.html",
        {
            "contest": {"slug": found.slug, "title": found.name},
            "rehearsal": _line(found, shown),
            "verdict": _verdict(shown.sheet),
            "reasons": shown.sheet["reasons"],
            "sum": _sum(shown.expected_count),
            "facts": _facts(shown.sheet),
            "timings": _timings(shown.sheet["figures"]),
            "failures": shown.sheet["failure_lines"],
        },
        contest=found,
    )


async def _shown(request: Request, found: ContestShown) -> RehearsalShown:
    rehearsal_id = whole(request.path_params["rehearsal"], largest=LARGEST_ID)
    if rehearsal_id is None:
        raise Refusal("not_found", "Không tìm thấy buổi diễn tập này.")
    return await verbs.get_rehearsal(found.id, rehearsal_id)


def _round_id(found: ContestShown, form: Form) -> int:
    for each in found.rounds:
        if form.text("dot") == str(each.number):
            return each.id
    sentence = "Hãy chọn một đợt sắp mở."
    raise Refusal("unknown_round", sentence, fields={"dot": sentence})


async def _page(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    coming = [
        {"value": str(each.number), "label": f"{each.name}, mở {datetime_shown(each.opens_at)}"}
        for each in found.rounds
        if found.state == "approved" and each.opens_at > now()
    ]
    if coming:
        form.values.setdefault("dot", [coming[0]["value"]])
    return await office_page(
        request,
        viewer,
        "manage/rehearsal.html",
        {
            "contest": {"slug": found.slug, "title": found.name},
            "may_ask": may_on(viewer, "manage_contest", found),
            "rounds": coming,
            "example": _sum(_EXAMPLE),
            "form": form.for_page(),
            **await _lists(viewer, found),
        },
        contest=found,
        status=status,
    )


async def _lists(viewer: Viewer, found: ContestShown) -> dict[str, Any]:
    shown = await verbs.rehearsals_of(found.id)
    return {
        "url": f"{path_of(found)}/dien-tap",
        "may_stop": may_on(viewer, "manage_contest", found),
        "active": [_line(found, each) for each in shown if each.is_active],
        "past": [_line(found, each) for each in shown if not each.is_active],
        "as_of": now(),
    }


def _line(found: ContestShown, shown: RehearsalShown) -> dict[str, Any]:
    state, kind = _verdict(shown.sheet) if shown.sheet is not None else _STATES[shown.state]
    told = shown.progress or {}
    return {
        "url": f"{path_of(found)}/dien-tap/{shown.id}",
        "round_name": shown.round_name,
        "asked_at": shown.asked_at,
        "asked_by": shown.asked_by_name,
        "began_at": shown.began_at,
        "ended_at": shown.ended_at,
        "expected_count": shown.expected_count,
        "state": "đang dừng" if shown.is_active and shown.stop_asked_at else state,
        "kind": kind,
        "has_sheet": shown.sheet is not None,
        "reason": shown.reason,
        "planned": told.get("planned"),
        "started": told.get("started", 0),
        "saves": told.get("saves", 0),
        "handed_in": told.get("handed_in", 0),
        "failures": told.get("failures", 0),
    }


def _verdict(kept: Mapping[str, Any]) -> tuple[str, str]:
    return _NOT_READY if kept["reasons"] else _READY


def _sum(expected: int) -> str:
    """The arithmetic by which the crowd is sized, for everybody to follow."""
    plan = rehearsal_plan.plan_for(expected)
    return (
        f"{number(expected)} người × {percent(rehearsal_plan.LAST_DAY_SHARE, 0)} thi vào ngày cuối "
        f"× {percent(rehearsal_plan.LAST_HOUR_SHARE, 0)} của ngày ấy vào giờ cuối ÷ 3.600 giây "
        f"× {rehearsal_plan.BURST} lúc dồn dập nhất = "
        f"{number(plan.wanted_per_second, 1)} lượt bắt đầu mỗi giây"
    )


def _facts(kept: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = kept["figures"]
    lag = found["scoring_p95_seconds"]
    return [
        (
            "Người thử vào thi",
            f"{number(found['started_count'])} / {number(found['planned_count'])}",
        ),
        ("Nộp bài và nhận điểm", number(found["handed_in_count"])),
        (
            "Lượt bắt đầu mỗi giây",
            f"{number(found['starts_per_second'], 1)} (cần {number(found['wanted_per_second'], 1)})",
        ),
        ("Lượt lưu mỗi giây, trung bình", number(found["saves_per_second"], 1)),
        (
            "Lượt lưu đã báo “Đã lưu”",
            f"{number(found['acknowledged_count'])}, mất {number(found['lost_count'])}",
        ),
        ("Lần máy chủ trả lời sai hoặc không trả lời", number(found["error_count"])),
        (
            "Chấm xong 95 trong 100 bài",
            "chưa xong" if lag is None else f"trong {number(lag, 1)} giây",
        ),
        (
            "Bộ xử lý bận",
            f"{percent(found['cpu_share'], 0)}, kể cả đám đông giả {percent(kept['crowd_cpu_share'], 0)}",
        ),
        ("Đĩa còn trống", percent(found["free_disk_share"], 0)),
    ]


def _timings(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = (
        ("Bắt đầu làm bài", "start", rehearsal_plan.SLOWEST_START_MS),
        ("Lưu câu trả lời", "save", rehearsal_plan.SLOWEST_SAVE_MS),
        ("Nộp bài", "submit", rehearsal_plan.SLOWEST_SUBMIT_MS),
    )
    return [
        {
            "name": name,
            "count": found[key]["count"],
            "p50": found[key]["p50_ms"],
            "p95": found[key]["p95_ms"],
            "p99": found[key]["p99_ms"],
            "limit": limit,
            "is_slow": found[key]["p99_ms"] > limit,
        }
        for name, key, limit in rows
    ]
