"""The operations page: can people answer, is everything alive, and what can be done about it?

It is made for the middle of an outage: every part is asked alone and with a time limit, what a
process knows by itself stands there in any case, and it opens for who was let in before even while
no session can be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core import clock
from core.clock import local
from core.errors import Refusal
from core.pulse import GONE_SECONDS, Card
from core.text import clean, duration_shown, time_shown
from people.roles import may
from people.sessions import Viewer
from quiz.contests import ContestShown
from quiz.monitor import Minute
from quiz.operations import last_minutes
from quiz.outages import Outage, recent_outages
from quiz.platform_switches import (
    PLATFORM_SWITCHES,
    PlatformSwitch,
    PlatformSwitches,
    switch,
)
from quiz.unscorable import UnscorableShown, newest_unscorable, try_all_again
from web.backup import last_backup
from web.forms import Form, read_form, wants_json
from web.guard import require, viewer_of
from web.lights import Light, Scene, lights, worst
from web.office import office_page
from web.refusals import status_of
from web.render import is_part, render
from web.watch import Sight, look, within

PAGE = "/quan-tri/van-hanh"
MOST_NOTES = 12
# Asked for one after another with every refresh, so each may take only a moment.
ASK_SECONDS = 1.0
# What a switch is called while it is on, how it is thrown and released, and what it reaches.
_SWITCHES: Mapping[PlatformSwitch, tuple[str, str, str, str]] = {
    "lite": (
        "Chế độ gọn",
        "Bật chế độ gọn",
        "Tắt chế độ gọn",
        "Bảng xếp hạng, thống kê và các lượt hỏi tự động tạm nghỉ, dành sức cho người đang thi",
    ),
    "sign_up": (
        "Tạm dừng đăng ký mới",
        "Tạm dừng đăng ký mới",
        "Nhận đăng ký mới trở lại",
        "Trang đăng ký báo tạm dừng; người đã có tài khoản vẫn vào thi",
    ),
    "starts": (
        "Tạm dừng bắt đầu bài mới",
        "Tạm dừng bắt đầu bài mới ở mọi cuộc thi",
        "Cho bắt đầu bài mới trở lại",
        "Người đang làm bài vẫn lưu và nộp bình thường",
    ),
}
_DONE = {
    "1": "Đã ghi nhận. Các máy chủ đổi theo trong vòng 2 giây.",
    "2": "Đang chấm lại. Bài nào vẫn không chấm được sẽ hiện lại ở đây sau ít giây.",
}
_STATES = {
    "ok": ("Tốt", "check"),
    "warn": ("Cần xem", "alert"),
    "bad": ("Có sự cố", "cross"),
    "unknown": ("Chưa rõ", "clock"),
}
_HEADLINES = {
    "ok": "Mọi thứ bình thường.",
    "warn": "Người thi vẫn làm bài được; có việc cần xem.",
    "bad": "Có sự cố.",
    "unknown": "Có phần chưa rõ tình trạng.",
}


async def operations(request: Request) -> Response:
    """The whole page, or for htmx the part that refreshes itself."""
    viewer = await viewer_of(request)
    if is_part(request):
        response = render(
            request, "manage/_operations_now.html", {"now": await _now(request, viewer)}
        )
    else:
        response = await _page(request, viewer, Form({}))
    response.headers.add_vary_header("HX-Request")
    if viewer is not None:
        request.app.state.tokens.set_watch(response, viewer.account_id)
    return response


async def turn_switch(request: Request) -> Response:
    viewer = await require(request, "run_platform", None)
    form = await read_form(request)
    name, _, wanted = form.text("cong_tac").partition(":")
    try:
        chosen = [known for known in PLATFORM_SWITCHES if known == name]
        if not chosen or wanted not in {"0", "1"}:
            sentence = "Hãy chọn một việc."
            raise Refusal("bad_switch", sentence, fields={"cong_tac": sentence})
        await switch(
            chosen[0], is_on=wanted == "1", reason=clean(form.text("ly_do")), by=viewer.account_id
        )
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _page(request, viewer, form, status_of(refusal))
    # What was just done must be there when its maker looks.
    request.app.state.contests.forget()
    request.app.state.public_pages.forget()
    return RedirectResponse(f"{PAGE}?xong=1", HTTPStatus.SEE_OTHER)


async def score_again(request: Request) -> Response:
    """Have the attempts that were put aside scored once more."""
    viewer = await require(request, "run_platform", None)
    await try_all_again(by=viewer.account_id)
    return RedirectResponse(f"{PAGE}?xong=2", HTTPStatus.SEE_OTHER)


async def _page(
    request: Request, viewer: Viewer | None, form: Form, status: int = HTTPStatus.OK
) -> Response:
    now = await _now(request, viewer)
    contests, switches = request.app.state.contests.remembered
    context = {
        "now": now,
        "may_run": viewer is not None and may(viewer, "run_platform", None),
        "choices": [_choice(name, switches) for name in PLATFORM_SWITCHES],
        "running": [
            {"title": each.name, "url": f"/quan-tri/cuoc-thi/{each.slug}/dieu-hanh"}
            for each in _running(contests)
        ],
        "flash": _flash(request.query_params.get("xong", "")),
        "form": form.for_page(),
    }
    if viewer is not None and now["has_database"]:
        return await office_page(request, viewer, "manage/operations.html", context, status=status)
    # Nothing may be asked for: neither a name nor a unit.
    frame = {"account": {"name": "Trực vận hành", "role": "", "unit": None}, "menu": []}
    return render(request, "manage/operations.html", {**frame, **context}, status=status)


def _flash(done: str) -> dict[str, str] | None:
    return {"kind": "ok", "text": _DONE[done]} if done in _DONE else None


async def _now(request: Request, viewer: Viewer | None) -> dict[str, Any]:
    state = request.app.state
    await within(state.contests.switches(), ASK_SECONDS)
    _, switches = state.contests.remembered
    sight = await look(state)
    at = sight.now.at if sight.now is not None else clock.now()
    minutes: Sequence[Minute] = ()
    outages: Sequence[Outage] = ()
    unscorable: Sequence[UnscorableShown] = ()
    backup_at, is_backup_known = None, False
    if sight.now is not None:
        minutes = await within(last_minutes(at), ASK_SECONDS) or ()
        outages = await within(recent_outages(at), ASK_SECONDS) or ()
        if sight.now.unscorable:
            unscorable = await within(newest_unscorable(), ASK_SECONDS) or ()
        backup_at, is_backup_known = await _backup()
    scene = _scene(
        state,
        sight,
        at,
        switches,
        backup_at,
        is_backup_known=is_backup_known,
        has_papers=await state.papers.is_usable(),
    )
    shown = lights(scene)
    return {
        "url": PAGE,
        "as_of": at,
        "has_database": sight.now is not None,
        "last_written_at": None if sight.now is not None else state.pulse.did_at,
        "state": _light_state(worst(shown)),
        "headline": _headline(shown),
        "lights": [_light(each) for each in shown],
        "figures": _figures(sight, minutes),
        "minutes": [_minute(each) for each in minutes],
        "outages": [_outage(each, viewer) for each in outages],
        "unscorable": [asdict(each) for each in unscorable],
        "unscorable_count": sight.now.unscorable if sight.now is not None else 0,
        "may_score_again": viewer is not None and may(viewer, "run_platform", None),
        "switches": [_thrown(name, switches) for name in PLATFORM_SWITCHES],
        "faults": _notes(sight.cards, "faults"),
        "statements": _notes(sight.cards, "statements"),
        "processes": [_process(each) for each in _in_order(sight.cards)],
    }


async def _backup() -> tuple[datetime | None, bool]:
    """When the last backup was made, and whether the database told."""

    async def ask() -> tuple[datetime | None, bool]:
        found = await last_backup()
        return (found.happened_at if found else None), True

    return await within(ask(), ASK_SECONDS) or (None, False)


def _scene(
    state: Any,
    sight: Sight,
    at: datetime,
    switches: PlatformSwitches,
    backup_at: datetime | None,
    *,
    is_backup_known: bool,
    has_papers: bool,
) -> Scene:
    return Scene(
        sight=sight,
        at=at,
        is_writing=state.attempts.is_writing,
        load_level=state.load.level,
        has_line=state.line.is_open,
        is_lite=switches.is_lite,
        stopped=[_SWITCHES[name][0].lower() for name in switches.thrown if name != "lite"],
        last_backup_at=backup_at,
        is_backup_known=is_backup_known,
        has_papers=has_papers,
    )


def _headline(shown: Sequence[Light]) -> str:
    state = worst(shown)
    concerned = [each.name.lower() for each in shown if each.state == state]
    sentence = _HEADLINES[state]
    if state == "ok":
        return sentence
    return f"{sentence.removesuffix('.')}: {', '.join(concerned)}."


def _light_state(state: str) -> dict[str, str]:
    label, icon = _STATES[state]
    return {"kind": "none" if state == "unknown" else state, "label": label, "icon": icon}


def _light(each: Light) -> dict[str, Any]:
    return {
        "name": each.name,
        "words": each.words,
        "todo": each.todo,
        **_light_state(each.state),
    }


def _figures(sight: Sight, minutes: Sequence[Minute]) -> list[dict[str, Any]]:
    """The last whole minute: the one that is still running would look like a decline."""
    if sight.now is None or not minutes:
        return []
    last = minutes[1]
    when = f"trong phút {local(last.minute_at):%H:%M}"
    return [
        {"label": "Đang làm bài", "value": sight.now.inside, "note": "người, ngay lúc này"},
        {"label": "Bắt đầu", "value": last.start_count, "note": when},
        {"label": "Lượt lưu", "value": last.save_count, "note": when},
        {"label": "Nộp bài", "value": last.submit_count, "note": when},
        {"label": "Từ chối", "value": last.refusal_count, "note": when},
        {"label": "Chờ chấm", "value": sight.now.unscored, "note": "bài, ngay lúc này"},
    ]


def _minute(each: Minute) -> dict[str, Any]:
    return {
        "time": f"{local(each.minute_at):%H:%M}",
        "starts": each.start_count,
        "saves": each.save_count,
        "submits": each.submit_count,
        "refusals": each.refusal_count,
    }


def _outage(each: Outage, viewer: Viewer | None) -> dict[str, Any]:
    """With the extension form filled in, for who may grant time."""
    began, ended = time_shown(each.began_at), time_shown(each.ended_at)
    proposal = urlencode(
        {
            "dot": each.round_number,
            "cho": "tat-ca",
            "phut": each.minutes,
            "ly_do": f"Hệ thống gián đoạn từ {began} đến {ended}.",
        }
    )
    may_grant = may(viewer, "manage_contest", None) and not each.is_extended
    return {
        "round": f"{each.contest_name}, {each.round_name}",
        "began_at": each.began_at,
        "ended_at": each.ended_at,
        "minutes": each.minutes,
        "is_extended": each.is_extended,
        "url": f"/quan-tri/cuoc-thi/{each.contest_slug}/dieu-hanh?{proposal}"
        if may_grant
        else None,
    }


def _thrown(name: PlatformSwitch, switches: PlatformSwitches) -> dict[str, Any]:
    thrown = switches.thrown.get(name)
    return {
        "name": _SWITCHES[name][0],
        "is_on": thrown is not None,
        "since": thrown.since if thrown else None,
        "reason": thrown.reason if thrown else "",
        "by": thrown.by_name if thrown else "",
    }


def _choice(name: PlatformSwitch, switches: PlatformSwitches) -> dict[str, str]:
    _, on, off, reach = _SWITCHES[name]
    is_on = name in switches.thrown
    return {"value": f"{name}:{0 if is_on else 1}", "label": off if is_on else on, "hint": reach}


def _running(contests: Iterable[ContestShown]) -> list[ContestShown]:
    at = clock.now()
    return [
        each
        for each in contests
        if any(one.opens_at <= at < one.last_closes_at for one in each.rounds)
    ]


def _notes(cards: Sequence[Card], kind: str) -> list[dict[str, Any]]:
    """The kinds of all processes together, the newest first."""
    together: dict[tuple[str, str], dict[str, Any]] = {}
    for card in cards:
        for note in card[kind]:
            known = together.get((note["words"], note["route"]))
            if known is None:
                together[note["words"], note["route"]] = dict(note)
                continue
            newer = note if note["last_at"] > known["last_at"] else known
            known |= {
                "count": known["count"] + note["count"],
                "longest_seconds": max(known["longest_seconds"], note["longest_seconds"]),
                "last_at": newer["last_at"],
                "request_id": newer["request_id"],
            }
    newest = sorted(together.values(), key=lambda note: -note["last_at"])[:MOST_NOTES]
    return [
        {
            **note,
            "last_at": _instant(note["last_at"]),
            "longest_ms": round(note["longest_seconds"] * 1000),
        }
        for note in newest
    ]


def _in_order(cards: Sequence[Card]) -> list[Card]:
    return sorted(cards, key=lambda card: (card["kind"] != "web", card["host"], card["pid"]))


def _process(card: Card) -> dict[str, Any]:
    seen = clock.now().timestamp() - card["seen_at"]
    return {
        "name": f"{card['host']}:{card['pid']}",
        "kind": "Web" if card["kind"] == "web" else "Chấm bài",
        "began_at": _instant(card["began_at"]),
        "edition": card["edition"],
        "memory_mb": card["memory_mb"],
        "lag_ms": round(card["lag_seconds"] * 1000),
        "is_alive": seen < GONE_SECONDS,
        "seen": duration_shown(round(seen * 1000)),
    }


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
