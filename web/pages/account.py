"""What a signed-in person sees and decides about their own attempts, sessions and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certificates.erasing import erase_person
from certificates.lookup import of_person as certificates_of_person
from core.clock import local_day, now
from core.db import database_clock
from core.errors import Refusal
from people import consents, persons, sessions
from people.accounts import DIVISIONS
from people.consents import ConsentHeld, ConsentTextShown
from people.sessions import Viewer
from quiz.attempts import recent_attempts
from quiz.contests import open_round
from quiz.entering import forget_name
from quiz.history import AttemptShown, attempts_of, decisions_about
from web.forms import Form, read_form, whole
from web.guard import signed_in
from web.office import front_door
from web.render import render

LARGEST_ID = 2**63 - 1

# What the platform keeps, why and how long; the page of the same rights shows it.
KEPT = [
    {
        "what": "Họ tên, năm sinh, đơn vị, bảng dự thi",
        "why": "Để xếp hạng, công bố kết quả và cấp giấy chứng nhận",
        "until": "Đến khi bạn yêu cầu xóa",
    },
    {
        "what": "Số điện thoại",
        "why": "Để đăng nhập và để mỗi người chỉ có một tài khoản",
        "until": "Đến khi bạn yêu cầu xóa",
    },
    {
        "what": "Bài thi: câu trả lời, thời gian, điểm, mã biên nhận",
        "why": "Để chấm, đối chiếu và giải quyết khiếu nại",
        "until": "Giữ lại, không còn gắn với tên sau khi bạn xóa dữ liệu",
    },
    {
        "what": "Giấy chứng nhận: tên, đơn vị, kết quả như đã in; số, ngày cấp, tình trạng",
        "why": "Để ai cầm giấy cũng kiểm tra được",
        "until": "Khi bạn xóa dữ liệu, tên, đơn vị và kết quả bị xóa; số và tình trạng vẫn giữ",
    },
    {
        "what": "Mã đăng nhập một lần (lưu ở dạng không ai đọc được)",
        "why": "Để kiểm tra số điện thoại",
        "until": "24 giờ",
    },
]


async def account(request: Request) -> Response:
    viewer = await signed_in(request)
    texts = await consents.current_texts()
    held = {each.purpose: each for each in await consents.consents_of(viewer.person_id)}
    attempts = await attempts_of(viewer.person_id)
    held_papers = await _certificates(viewer.person_id)
    return render(
        request,
        "account/account.html",
        {
            "account": {
                "name": viewer.shown_name,
                "phone": viewer.phone,
                "birth_year": viewer.birth_year,
                "unit": await persons.unit_name_of(viewer.person_id),
                "division": dict(DIVISIONS).get(viewer.division_code),
                "office": front_door(viewer) if viewer.roles else None,
                "has_password": viewer.has_password,
                "has_second_factor": viewer.has_second_factor,
            },
            "open_round": await _open_round(request, attempts),
            "attempts": [_attempt(each, held_papers) for each in attempts],
            "sessions": [
                {
                    "id": str(each.id),
                    "device": device_name(each.browser),
                    "place": None,
                    "seen_at": each.seen_at,
                    "is_this": each.id == viewer.session_id,
                }
                for each in await sessions.sessions_of(viewer.account_id)
            ],
            "consents": [
                _consent(purpose, texts[purpose], held.get(purpose))
                for purpose in consents.PURPOSES
                if purpose in texts
            ],
        },
    )


async def revoke_session(request: Request) -> Response:
    viewer = await signed_in(request)
    number = whole(request.path_params["session"], largest=LARGEST_ID)
    if number is None:
        raise Refusal("not_found", "Không tìm thấy phiên đăng nhập này.")
    await sessions.revoke_session(number, account_id=viewer.account_id)
    return RedirectResponse("/tai-khoan", HTTPStatus.SEE_OTHER)


async def revoke_other_sessions(request: Request) -> Response:
    viewer = await signed_in(request)
    for each in await sessions.sessions_of(viewer.account_id):
        if each.id != viewer.session_id:
            await sessions.revoke_session(each.id, account_id=viewer.account_id)
    return RedirectResponse("/tai-khoan", HTTPStatus.SEE_OTHER)


async def change_consent(request: Request) -> Response:
    viewer = await signed_in(request)
    form = await read_form(request)
    if form.text("viec") == "rut":
        await consents.withdraw(viewer.person_id, form.text("muc_dich"))
    else:
        await consents.give(viewer.person_id, form.text("muc_dich"))
    return RedirectResponse("/tai-khoan#dong-y", HTTPStatus.SEE_OTHER)


async def data(request: Request) -> Response:
    viewer = await signed_in(request)
    return _data_page(request, viewer, Form({}))


async def export_data(request: Request) -> Response:
    """Everything that the platform holds about the person, as JSON."""
    viewer = await signed_in(request)
    held = await persons.export_person(viewer.person_id)
    held["attempts"] = [each.exported() for each in await attempts_of(viewer.person_id)]
    held["certificates"] = [asdict(each) for each in await certificates_of_person(viewer.person_id)]
    held |= await decisions_about(viewer.person_id)
    return Response(
        # PostgreSQL's driver has a UUID of its own, which orjson does not know.
        orjson.dumps(held, option=orjson.OPT_INDENT_2, default=str),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="du-lieu-{local_day(now())}.json"',
            "Cache-Control": "no-store",
        },
    )


async def erase(request: Request) -> Response:
    viewer = await signed_in(request)
    form = await read_form(request)
    if form.text("xac_nhan") != "1":
        form.errors["xac_nhan"] = "Bạn hãy đánh dấu để xác nhận bạn muốn xóa dữ liệu."
        return _data_page(request, viewer, form)
    await erase_person(viewer.person_id, by=viewer.account_id)
    await forget_name(viewer.person_id)
    request.app.state.public_pages.forget()  # the boards that still show the name
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    request.app.state.tokens.clear_session(response)
    for attempt_id in await recent_attempts(viewer.person_id):
        request.app.state.tokens.clear_attempt(response, attempt_id)
    return response


def _data_page(request: Request, viewer: Viewer, form: Form) -> Response:
    chosen = request.app.state.settings
    return render(
        request,
        "account/data.html",
        {
            "account": {"name": viewer.shown_name},
            "kept": KEPT,
            "form": form.for_page(),
            "contact": " · ".join(filter(None, (chosen.site_organiser, chosen.site_hotline))),
        },
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK,
    )


async def _open_round(request: Request, attempts: list[AttemptShown]) -> dict[str, object] | None:
    at = database_clock().now()
    running = next((each for each in attempts if is_running(each)), None)
    for contest in await request.app.state.contests.all():
        chosen = open_round(contest, at)
        if chosen is not None and (running is None or running.contest_slug == contest.slug):
            return {
                "slug": contest.slug,
                "title": contest.name,
                "name": chosen.name,
                "closes_at": chosen.closes_at,
                "attempt_id": str(running.id) if running else None,
            }
    return None


def is_running(each: AttemptShown) -> bool:
    return each.state == "open" and database_clock().now() <= each.deadline_at


# What a User-Agent must hold, and what people call it; the first that fits counts.
_BROWSERS = (
    ("Zalo", "Zalo"), ("coc_coc", "Cốc Cốc"), ("Edg", "Edge"), ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS", "máy Mac"), ("Linux", "Linux"),
)  # fmt: skip


def device_name(user_agent: str) -> str:
    """Such as "Chrome trên Android": enough for a person to know the own device again."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "Trình duyệt khác")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return f"{browser} trên {system}" if system else browser


def _consent(purpose: str, text: ConsentTextShown, held: ConsentHeld | None) -> dict[str, object]:
    is_given = held is not None and held.is_given
    return {
        "purpose": purpose,
        "text": text.body,
        "version": str(text.version),
        "is_given": is_given,
        "given_at": held.recorded_at if held and is_given else None,
        "withdrawn_at": held.recorded_at if held and not is_given else None,
        "is_needed": purpose == consents.TAKE_PART,
    }


async def _certificates(person_id: int) -> dict[str, dict[str, object]]:
    """By contest, the certificate that counts most: one in force, else the newest."""
    found: dict[str, dict[str, object]] = {}
    for each in await certificates_of_person(person_id):
        if each.state == "issued" or each.contest_slug not in found:
            found[each.contest_slug] = {
                "number": each.number,
                "url": "/tai-khoan/chung-nhan",
                "state": each.state,
            }
    return found


def _attempt(each: AttemptShown, papers: Mapping[str, object]) -> dict[str, object]:
    return {
        "id": str(each.id),
        "contest": each.contest_name,
        "slug": each.contest_slug,
        "round": each.round_name,
        "number": each.number,
        "state": "scored" if each.points is not None else "open" if is_running(each) else "pending",
        "submitted_at": each.closed_at,
        "deadline_at": each.deadline_at,
        "receipt": each.receipt,
        "correct_count": each.correct_count,
        "question_count": each.question_count,
        "duration_ms": each.duration_ms,
        "rank": each.rank,
        "rank_is_final": each.round_result == "final",
        "certificate": papers.get(each.contest_slug),
    }
