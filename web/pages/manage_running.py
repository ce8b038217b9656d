"""While a contest runs: what happens now, more time, lines for those inside, kill switches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local, local_day
from core.db import database_clock
from core.errors import Refusal
from core.queue import queue_length
from core.text import clean, datetime_shown, deadline_shown, duration_shown, number, phone_masked
from people.roles import Action
from people.sessions import Viewer
from people.units import find_units
from quiz import leaderboard
from quiz.contests import (
    PUBLIC_STATES,
    ContestShown,
    RoundShown,
    contest_by_slug,
    open_round,
)
from quiz.extensions import ExtensionShown, extend, extensions_of, find_candidates
from quiz.monitor import Minute, RoundNow, round_now, silent_units
from quiz.notices import current_notices, end_notice, write_notice
from quiz.switches import SWITCHES, Switch, throw_switch
from web.forms import Form, read_form, wants_json, whole
from web.office import may_on, office_page, require_on
from web.pages.shown import round_or_current
from web.refusals import status_of
from web.render import is_part, render

MOST_MINUTES = 24 * 60
LARGEST_ID = 2**62
SHOWN_UNITS = 10
# A score normally comes within seconds; longer than this is worth a look at the worker.
SLOW_SCORING_SECONDS = 60
MOST_WAITING_JOBS = 200
LONGEST_PROPOSED = 500
SCOPES = {"tat-ca": "Tất cả mọi người", "don-vi": "Một đơn vị", "nguoi": "Một người"}
_SWITCHES: Mapping[Switch, tuple[str, str, str]] = {
    "entry": ("Dừng nhận người mới", "Nhận người mới trở lại", "Người chưa vào thi lần nào"),
    "start": ("Dừng cho bắt đầu bài", "Cho bắt đầu bài trở lại", "Mọi lượt mới"),
    "board": ("Ẩn bảng xếp hạng", "Hiện bảng xếp hạng trở lại", "Bảng và số liệu công khai"),
}
_DONE = {
    "cong-tac": "Đã ghi nhận. Các máy chủ đổi theo trong vòng 2 giây.",
    "thong-bao": "Đã đăng thông báo. Người đang làm bài thấy ở lần lưu kế tiếp, chậm nhất sau 90 giây.",
    "go": "Đã gỡ thông báo.",
}


async def monitor(request: Request) -> Response:
    """The whole page, or for htmx the part that refreshes itself."""
    found, viewer = await _asked(request, "see_dashboard")
    at = database_clock().now()
    chosen = round_or_current(found, request.query_params.get("dot", "")[:3], at)
    if chosen is None:
        raise Refusal("not_found", "Cuộc thi này không có đợt thi đó.")
    context = {
        **_about(found, viewer),
        "rounds": [
            {
                "name": each.name,
                "url": f"/quan-tri/cuoc-thi/{found.slug}/dang-dien-ra?dot={each.number}",
                "is_current": each.id == chosen.id,
            }
            for each in found.rounds
            if each.opens_at <= at
        ],
        "now": await _now_context(found, chosen),
    }
    response = (
        render(request, "manage/_running_now.html", context)
        if is_part(request)
        else await office_page(request, viewer, "manage/running.html", context, contest=found)
    )
    response.headers.add_vary_header("HX-Request")
    return response


async def controls(request: Request) -> Response:
    """The page may come filled in with a proposal: the operations page makes one of an outage."""
    found, viewer = await _asked(request, "manage_contest")
    proposed = {
        name: [request.query_params[name][:LONGEST_PROPOSED]]
        for name in ("dot", "cho", "phut", "ly_do")
        if name in request.query_params
    }
    return await _controls_page(request, viewer, found, Form(proposed))


async def grant_time(request: Request) -> Response:
    """For a unit or a person the form comes back once, with those found to choose from."""
    found, viewer = await _asked(request, "manage_contest")
    form = await read_form(request)
    choices: Sequence[Mapping[str, Any]] = ()
    try:
        chosen = _round(found, form)
        scope: dict[str, int] = {}
        if form.text("cho") != "tat-ca":
            choices = await _choices(found, form)
            scope = _chosen(form, choices)
        granted = await extend(
            chosen.id,
            seconds=60 * (whole(form.text("phut"), largest=MOST_MINUTES) or 0),
            reason=clean(form.text("ly_do")),
            by=viewer.account_id,
            **scope,
        )
    except Refusal as refusal:
        return await _refused(request, viewer, found, form, refusal, choices)
    return _back(request, found, f"gia-han&n={granted.attempt_count}")


async def turn_switch(request: Request) -> Response:
    found, viewer = await _asked(request, "manage_contest")
    form = await read_form(request)
    switch, _, wanted = form.text("cong_tac").partition(":")
    try:
        if switch not in SWITCHES or wanted not in {"0", "1"}:
            sentence = "Hãy chọn một việc."
            raise Refusal("bad_switch", sentence, fields={"cong_tac": sentence})
        await throw_switch(
            found.id,
            switch,
            is_thrown=wanted == "1",
            reason=clean(form.text("ly_do_cong_tac")),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        return await _refused(request, viewer, found, form, _in(refusal, "cong_tac"))
    return _back(request, found, "cong-tac")


async def put_up_notice(request: Request) -> Response:
    found, viewer = await _asked(request, "manage_contest")
    form = await read_form(request)
    try:
        await write_notice(
            found.id,
            clean(form.text("noi_dung")),
            minutes=whole(form.text("phut_thong_bao"), largest=LARGEST_ID) or 0,
            by=viewer.account_id,
        )
    except Refusal as refusal:
        return await _refused(request, viewer, found, form, _in(refusal, "thong_bao"))
    return _back(request, found, "thong-bao")


async def take_down_notice(request: Request) -> Response:
    found, viewer = await _asked(request, "manage_contest")
    notice_id = whole(request.path_params["notice"], largest=LARGEST_ID)
    if notice_id is None:
        raise Refusal("not_found", "Không tìm thấy thông báo này.")
    await end_notice(found.id, notice_id, by=viewer.account_id)
    return _back(request, found, "go")


async def _asked(request: Request, action: Action) -> tuple[ContestShown, Viewer]:
    found = await contest_by_slug(request.path_params["slug"])
    return found, await require_on(request, action, found)


def _back(request: Request, found: ContestShown, done: str) -> Response:
    """What was just done must be there when its maker looks."""
    request.app.state.contests.forget()
    request.app.state.public_pages.forget()
    return RedirectResponse(
        f"/quan-tri/cuoc-thi/{found.slug}/dieu-hanh?xong={done}", HTTPStatus.SEE_OTHER
    )


def _in(refusal: Refusal, form_name: str) -> Refusal:
    """The verbs' words for a field as this page's form names it; three forms stand on it."""
    names = {
        ("ly_do", "cong_tac"): "ly_do_cong_tac",
        ("phut", "thong_bao"): "phut_thong_bao",
    }
    refusal.fields = {
        names.get((name, form_name), name): sentence for name, sentence in refusal.fields.items()
    }
    return refusal


async def _refused(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    form: Form,
    refusal: Refusal,
    choices: Sequence[Mapping[str, Any]] = (),
) -> Response:
    if wants_json(request):
        raise refusal
    form.errors |= refusal.fields or {"": refusal.sentence}
    return await _controls_page(request, viewer, found, form, choices, status_of(refusal))


def _round(found: ContestShown, form: Form) -> RoundShown:
    for each in found.rounds:
        if form.text("dot") == str(each.number):
            return each
    sentence = "Hãy chọn đợt thi."
    raise Refusal("unknown_round", sentence, fields={"dot": sentence})


async def _choices(found: ContestShown, form: Form) -> list[Mapping[str, Any]]:
    """Whom the typed words may mean, for the radios."""
    typed = clean(form.text("ten"))[:100]
    if form.text("cho") == "nguoi":
        return [
            {
                "value": str(each.participant_id),
                "label": each.full_name,
                "hint": " · ".join(
                    [
                        each.unit_name,
                        *([phone_masked(each.phone)] if each.phone else []),
                        f"đang làm, hết giờ {datetime_shown(each.deadline_at)}"
                        if each.deadline_at
                        else "không có bài đang làm",
                    ]
                ),
            }
            for each in await find_candidates(found.id, typed)
        ]
    if form.text("cho") == "don-vi":
        return [
            {"value": str(each.id), "label": each.name, "hint": each.parent_name}
            for each in await find_units(typed)
            if each.path.startswith(found.unit_path)
        ]
    sentence = "Hãy chọn gia hạn cho ai."
    raise Refusal("bad_scope", sentence, fields={"cho": sentence})


def _chosen(form: Form, choices: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    picked = form.text("chon")
    if picked not in {each["value"] for each in choices}:
        is_found = bool(choices)
        sentence = (
            "Hãy chọn đúng người hoặc đơn vị trong danh sách tìm thấy, rồi bấm Gia hạn lần nữa."
            if is_found
            else "Không tìm thấy ai hoặc đơn vị nào như vậy trong cuộc thi này."
        )
        raise Refusal("not_chosen", sentence, fields={"chon" if is_found else "ten": sentence})
    return {"participant_id" if form.text("cho") == "nguoi" else "unit_id": int(picked)}


def _about(found: ContestShown, viewer: Viewer) -> dict[str, Any]:
    return {
        "contest": {"slug": found.slug, "title": found.name},
        "may_manage": may_on(viewer, "manage_contest", found),
        "thrown": [_SWITCHES[switch][0] for switch in SWITCHES if _since(found, switch)],
    }


def _since(found: ContestShown, switch: Switch) -> Any:
    return {
        "entry": found.entry_stopped_at,
        "start": found.start_stopped_at,
        "board": found.board_hidden_at,
    }[switch]


async def _controls_page(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    form: Form,
    choices: Sequence[Mapping[str, Any]] = (),
    status: int = HTTPStatus.OK,
) -> Response:
    at = database_clock().now()
    running = [each for each in found.rounds if each.opens_at <= at and each.result != "final"] * (
        found.state in PUBLIC_STATES
    )
    open_now = open_round(found, at)
    if open_now is not None:
        form.values.setdefault("dot", [str(open_now.number)])
    form.values.setdefault("phut_thong_bao", ["30"])
    return await office_page(
        request,
        viewer,
        "manage/running_controls.html",
        {
            **_about(found, viewer),
            "flash": _flash(request),
            "rounds": [
                {
                    "value": str(each.number),
                    "label": f"{each.name}, đóng {deadline_shown(each.closes_at)}",
                }
                for each in running
            ],
            "scopes": [{"value": value, "label": label} for value, label in SCOPES.items()],
            "choices": choices,
            "extensions": [_extension(each) for each in await extensions_of(found.id)],
            "switches": [_switch(found, switch) for switch in SWITCHES],
            "notices": [
                {"id": each.id, "body": each.body, "ends_at": each.ends_at}
                for each in await current_notices()
                if each.contest_id == found.id
            ],
            "form": form.for_page(),
        },
        contest=found,
        status=status,
    )


def _flash(request: Request) -> dict[str, str] | None:
    done = request.query_params.get("xong", "")
    count = whole(request.query_params.get("n", ""), largest=LARGEST_ID)
    if done == "gia-han" and count is not None:
        return {
            "kind": "ok",
            "text": f"Đã gia hạn: {count} bài đang làm có thêm giờ. "
            "Bài đã nộp hoặc đã hết giờ không được mở lại.",
        }
    return {"kind": "ok", "text": _DONE[done]} if done in _DONE else None


def _extension(each: ExtensionShown) -> dict[str, Any]:
    return {
        "round": each.round_name,
        "who": each.scope_name if each.scope != "all" else "Tất cả",
        "minutes": each.seconds // 60,
        "reason": each.reason,
        "by": each.by_name,
        "at": each.created_at,
    }


def _switch(found: ContestShown, switch: Switch) -> dict[str, Any]:
    stop, go_on, reach = _SWITCHES[switch]
    since = _since(found, switch)
    return {
        "value": f"{switch}:{0 if since else 1}",
        "label": go_on if since else stop,
        "hint": f"{reach} · đang dừng từ {datetime_shown(since)}" if since else reach,
    }


async def _now_context(found: ContestShown, chosen: RoundShown) -> dict[str, Any]:
    at = database_clock().now()
    shown = await round_now(chosen.id, at=at)
    totals = (await leaderboard.totals([chosen.id])).get(chosen.id)
    units = await leaderboard.unit_board(chosen.id, at=at)
    silent = await silent_units(chosen.id, found.unit_path, on=local_day(at))
    return {
        "url": f"/quan-tri/cuoc-thi/{found.slug}/dang-dien-ra?dot={chosen.number}",
        "round_name": chosen.name,
        "closes_at": chosen.closes_at,
        "state": chosen.state_at(at),
        "as_of": at,
        "figures": _figures(shown, totals),
        "warnings": _warnings(shown, await queue_length(), at),
        "charts": [
            _chart("Bắt đầu mỗi phút", [each.start_count for each in shown.minutes]),
            _chart("Nộp bài mỗi phút", [each.submit_count for each in shown.minutes]),
        ],
        "chart_ends": [_clock(shown.minutes[0]), _clock(shown.minutes[-1])],
        "minutes": [
            {
                "time": _clock(each),
                "starts": each.start_count,
                "saves": each.save_count,
                "submits": each.submit_count,
                "refusals": each.refusal_count,
            }
            for each in reversed(shown.minutes)
        ],
        "units": [
            {"name": each.name, "people_count": each.people_count, "rate": each.rate}
            for each in sorted(units, key=lambda each: -each.people_count)[:SHOWN_UNITS]
        ],
        "silent_count": len(silent),
        "silent": [{"name": each.name, "headcount": each.headcount} for each in silent],
    }


def _figures(shown: RoundNow, totals: leaderboard.Totals | None) -> list[dict[str, Any]]:
    last = shown.minutes[-2]  # the last one is still running
    return [
        {"label": "Đang làm bài", "value": shown.inside_count, "note": "người, ngay lúc này"},
        {
            "label": "Đã thi",
            "value": totals.people_count if totals else 0,
            "note": f"người, {number(totals.attempt_count if totals else 0)} lượt đã chấm",
        },
        {
            "label": "Bắt đầu và nộp",
            "value": last.start_count + last.submit_count,
            "note": f"{number(last.start_count)} bắt đầu, {number(last.submit_count)} nộp "
            f"trong phút {_clock(last)}",
        },
        {
            "label": "Lượt lưu",
            "value": last.save_count,
            "note": f"trong phút {_clock(last)}, {last.refusal_count} lần bị từ chối",
        },
        {
            "label": "Chờ chấm",
            "value": shown.unscored_count,
            "note": f"bài, thêm {shown.overdue_count} bài hết giờ chờ thu",
        },
    ]


def _warnings(shown: RoundNow, waiting_jobs: int | None, at: Any) -> list[str]:
    found = []
    if shown.oldest_unscored_at is not None:
        waited = (at - shown.oldest_unscored_at).total_seconds()
        if waited > SLOW_SCORING_SECONDS:
            found.append(
                f"Bài chờ chấm lâu nhất đã {duration_shown(round(waited * 1000))}. "
                "Hãy báo người trực máy chủ xem tiến trình chấm bài."
            )
    if shown.unscorable_count:
        found.append(
            f"{number(shown.unscorable_count)} bài không chấm được và đã tách riêng; chưa chốt được "
            "kết quả khi còn bài như vậy. Lý do ghi ở trang Vận hành."
        )
    if waiting_jobs is None:
        found.append("Không hỏi được hàng đợi việc. Bài vẫn được lưu và sẽ được chấm bù.")
    elif waiting_jobs > MOST_WAITING_JOBS:
        found.append(f"Hàng đợi có {waiting_jobs} việc chưa làm.")
    return found


def _chart(name: str, counts: Sequence[int]) -> dict[str, Any]:
    return {"name": name, "counts": counts, "max": max(1, *counts), "total": sum(counts)}


def _clock(each: Minute) -> str:
    return local(each.minute_at).strftime("%H:%M")
