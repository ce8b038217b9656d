"""Signing up, in and out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.errors import Refusal
from people import accounts, codes, consents, units
from people import staff_sign_in as staff
from people.accounts import DIVISIONS, SignedIn
from people.sessions import find_session, revoke_session
from people.staff_sign_in import HalfWay
from people.units import UnitFound
from quiz.attempts import recent_attempts
from web.demo.accounts import demo_accounts
from web.forms import Form, read_form, wants_json
from web.guard import viewer_of
from web.office import front_door
from web.refusals import status_of
from web.render import language_of, render
from web.tokens import HALF_WAY_SECONDS, STAFF_DOOR

CODE_COOKIE = "ma_cho"
CODE_COOKIE_SECONDS = 600
UNITS_SHOWN = 12
EMPTY_FORM_SECONDS = 2.0
LONGEST_NEXT_PAGE_KEPT = 200
SIGN_UP_CLOSED = (
    "Hệ thống đang tạm dừng nhận đăng ký mới. Bạn quay lại sau ít phút. "
    "Nếu đã có tài khoản, bạn đăng nhập và dự thi bình thường."
)
Make = Callable[[str, bool], Awaitable[tuple[str, dict[str, object]]]]
_BLOCKS = {"commune": "Xã, phường", "department": "Sở, ban, ngành", "agency": "Cơ quan, đơn vị",
           "school": "Trường học"}  # fmt: skip


async def sign_up_page(request: Request) -> Response:
    """Made once for the crowd that an opening brings."""

    async def make(_language: str, _part: bool) -> tuple[str, dict[str, object]]:
        return "account/sign_up.html", await _sign_up_context(request, Form({}))

    return await _same_for_everybody(request, "sign up", make)


async def sign_up(request: Request) -> Response:
    form = await read_form(request)
    try:
        if (await request.app.state.contests.switches()).is_sign_up_closed:
            raise Refusal("sign_up_closed", SIGN_UP_CLOSED)
        wanted = await accounts.check_sign_up({name: form.text(name) for name in form.values})
        code_id = await accounts.begin_sign_up(wanted, asked_from=_address(request))
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _sign_up_page(request, form, status_of(refusal))
    return _to_code_page("/dang-ky/ma", code_id, _next_page(request, form), request)


async def sign_in_page(request: Request) -> Response:
    async def make(_language: str, _part: bool) -> tuple[str, dict[str, object]]:
        return "account/sign_in.html", _door_context(request, "citizen", Form({}))

    return await _same_for_everybody(request, "sign in", make)


async def _same_for_everybody(request: Request, name: str, make: Make) -> Response:
    """An empty form; where one goes from it is a part of it."""
    next_page = _next_page(request, Form({}), otherwise="")
    if len(next_page) > LONGEST_NEXT_PAGE_KEPT:
        template, context = await make(language_of(request), False)
        return render(request, template, context)
    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request, make, key=(name, next_page), seconds=EMPTY_FORM_SECONDS
    )


async def sign_in(request: Request) -> Response:
    form = await read_form(request)
    try:
        code_id = await accounts.begin_sign_in(
            form.text("dien_thoai"), asked_from=_address(request)
        )
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"": refusal.sentence}
        return _sign_in_page(request, form, status_of(refusal))
    return _to_code_page("/dang-nhap/ma", code_id, _next_page(request, form), request)


async def code_page(request: Request) -> Response:
    return await _code_page(request, Form({}))


async def prove_code(request: Request) -> Response:
    form = await read_form(request)
    code_id = _code_id(request)
    try:
        if code_id is None:
            raise _no_code()
        signed_in = await accounts.finish_with_code(
            code_id, form.text("ma"), browser=request.headers.get("user-agent", "")
        )
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"ma": refusal.sentence}
        return await _code_page(request, form, status_of(refusal))
    response = _signed_in(request, signed_in, _next_page(request, form))
    response.delete_cookie(CODE_COOKIE)
    return response


async def send_again(request: Request) -> Response:
    """A new code in place of one that did not come."""
    form = await read_form(request)
    code_id = _code_id(request)
    back = "/dang-ky/ma" if form.text("tu") == "dang-ky" else "/dang-nhap/ma"
    if code_id is None:
        return RedirectResponse(back.removesuffix("/ma"), HTTPStatus.SEE_OTHER)
    try:
        code_id = await accounts.ask_again(code_id, asked_from=_address(request))
    except Refusal as refusal:
        form.errors |= refusal.fields or {"ma": refusal.sentence}
        return await _code_page(request, form, status_of(refusal))
    return _to_code_page(back, code_id, _next_page(request, form), request)


async def staff_page(request: Request) -> Response:
    return _staff_page(request, Form({}))


async def staff_sign_in(request: Request) -> Response:
    """Name and password, then the second factor's code; a script may send all three at once."""
    form = await read_form(request)
    tokens = request.app.state.tokens
    half_way = tokens.read_half_way(request.cookies.get(tokens.half_way_cookie))
    is_code_only = half_way is not None and not form.text("ten") and not form.text("mat_khau")
    browser = request.headers.get("user-agent", "")
    outcome: SignedIn | HalfWay
    try:
        if is_code_only:
            outcome = await staff.finish_sign_in(half_way, form.text("ma"), browser=browser)
        else:
            outcome = await staff.sign_in_staff(
                form.text("ten"), form.text("mat_khau"), form.text("ma"), browser=browser
            )
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"": refusal.sentence}
        if is_code_only and refusal.code == "code_wrong":
            return _second_factor_page(request, form, status_of(refusal))
        form.errors = {"": " ".join(form.errors.values())}
        return _staff_page(request, form, status_of(refusal))
    if isinstance(outcome, HalfWay):
        return _ask_second_factor(request, form, outcome)
    return await _staff_signed_in(request, form, outcome)


def _ask_second_factor(request: Request, form: Form, half_way: HalfWay) -> Response:
    if wants_json(request):
        sentence = "Tài khoản này cần thêm mã xác thực: gửi cả ten, mat_khau và ma."
        raise Refusal("second_factor_needed", sentence, fields={"ma": sentence})
    response = _second_factor_page(request, form, HTTPStatus.OK)
    request.app.state.tokens.set_half_way(response, half_way)
    return response


def _second_factor_page(request: Request, form: Form, status: int) -> Response:
    return render(
        request,
        "account/code.html",
        {
            "form": Form({}, form.errors).for_page(),
            "action": STAFF_DOOR,
            "hidden": {"tiep": _next_page(request, form, otherwise="")},
            "phone": None,
            "minutes": HALF_WAY_SECONDS // 60,
            "resend": None,
            "resend_after_seconds": None,
            "demo_code": None,
        },
        status=status,
    )


async def _staff_signed_in(request: Request, form: Form, signed_in: SignedIn) -> Response:
    viewer = await find_session(signed_in.session_token)
    otherwise = front_door(viewer) if viewer else "/tai-khoan"
    next_page = _next_page(request, form, otherwise=otherwise)
    if viewer is not None and viewer.must_change_password:
        next_page = "/tai-khoan/mat-khau"
    response = _signed_in(request, signed_in, next_page)
    request.app.state.tokens.clear_half_way(response)
    return response


async def sign_out(request: Request) -> Response:
    viewer = await viewer_of(request)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    tokens = request.app.state.tokens
    tokens.clear_session(response)
    tokens.clear_watch(response)
    if viewer is not None:
        await revoke_session(viewer.session_id, account_id=viewer.account_id)
        # A shared phone must not keep the papers of the person who left.
        for attempt_id in await recent_attempts(viewer.person_id):
            tokens.clear_attempt(response, attempt_id)
    return response


async def find_unit(request: Request) -> Response:
    """The radio list that htmx puts below the search box."""
    typed = request.query_params.get("tim", "")[:100]
    found = await units.find_units(typed, limit=UNITS_SHOWN + 1) if typed.strip() else []
    return render(
        request,
        "account/_units.html",
        {
            "query": typed,
            "chosen": None,
            "units": [_unit(each) for each in found[:UNITS_SHOWN]],
            "more_count": max(0, len(found) - UNITS_SHOWN),
        },
    )


async def _sign_up_page(request: Request, form: Form, status: int = HTTPStatus.OK) -> Response:
    context = await _sign_up_context(request, form)
    return render(request, "account/sign_up.html", context, status=status)


async def _sign_up_context(request: Request, form: Form) -> dict[str, object]:
    switches = await request.app.state.contests.switches()
    texts = await consents.current_texts()
    groups: dict[str, list[dict[str, str]]] = {}
    for unit in await units.selectable_units(on=local_day(now())):
        groups.setdefault(_BLOCKS.get(unit.kind, unit.kind), []).append(
            {"value": unit.code, "label": unit.name}
        )
    chosen = form.text("don_vi")
    found = await units.find_selectable_unit(chosen) if chosen else None
    take_part, messages = texts.get(consents.TAKE_PART), texts.get(consents.MESSAGES)
    return {
        "form": form.for_page(),
        "closed": SIGN_UP_CLOSED if switches.is_sign_up_closed else None,
        "next": _next_page(request, form, otherwise=""),
        "unit_groups": [{"label": label, "options": options} for label, options in groups.items()],
        "units": [_unit(found)] if found else [],
        "divisions": [{"value": code, "label": label} for code, label in DIVISIONS],
        "consent": {
            "version": str(take_part.version) if take_part else "",
            "take_part": take_part.body.split("\n") if take_part else [],
            "messages": messages.body if messages else "",
        },
    }


def _unit(found: UnitFound) -> dict[str, str | None]:
    return {"code": found.code, "name": found.name, "parent": found.parent_name}


def _sign_in_page(request: Request, form: Form, status: int = HTTPStatus.OK) -> Response:
    return _door(request, "citizen", form, status)


def _staff_page(request: Request, form: Form, status: int = HTTPStatus.OK) -> Response:
    return _door(request, "staff", form, status)


def _door(request: Request, tab: str, form: Form, status: int) -> Response:
    context = _door_context(request, tab, form)
    return render(request, "account/sign_in.html", context, status=status)


def _door_context(request: Request, tab: str, form: Form) -> dict[str, object]:
    return {
        "tab": tab,
        "form": form.for_page(),
        "next": _next_page(request, form, otherwise=""),
        "demo_accounts": _demo_accounts(request),
    }


async def _code_page(request: Request, form: Form, status: int = HTTPStatus.OK) -> Response:
    is_sign_up = request.url.path.startswith("/dang-ky") or form.text("tu") == "dang-ky"
    code_id = _code_id(request)
    start = "/dang-ky" if is_sign_up else "/dang-nhap"
    try:
        if code_id is None:
            raise _no_code()
        asked = await codes.get_asked(code_id)
    except Refusal:
        return await _start_again(request, form, status, is_sign_up=is_sign_up)
    return render(
        request,
        "account/code.html",
        {
            "form": form.for_page(),
            "action": f"{start}/ma",
            "hidden": {
                "tu": start.removeprefix("/"),
                "tiep": _next_page(request, form, otherwise=""),
            },
            "phone": asked.phone,
            "minutes": codes.VALID_FOR.seconds // 60,
            "resend": "/gui-lai-ma",
            "resend_after_seconds": codes.COOL_DOWN.seconds,
            "demo_code": codes.DEMO_CODE if request.app.state.settings.is_demo else None,
        },
        status=status,
    )


async def _start_again(request: Request, form: Form, status: int, *, is_sign_up: bool) -> Response:
    """The code is used up or gone: back to where it was asked for, and say why."""
    if not form.errors:
        return RedirectResponse("/dang-ky" if is_sign_up else "/dang-nhap", HTTPStatus.SEE_OTHER)
    told = Form({"tiep": form.values.get("tiep", [])}, {"": " ".join(form.errors.values())})
    if is_sign_up:
        return await _sign_up_page(request, told, status)
    return _sign_in_page(request, told, status)


def _no_code() -> Refusal:
    return Refusal("code_gone", "Mã đã hết hạn. Bạn hãy xin mã mới.")


def _to_code_page(path: str, code_id: UUID, next_page: str, request: Request) -> Response:
    response = RedirectResponse(f"{path}?tiep={quote(next_page)}", HTTPStatus.SEE_OTHER)
    response.set_cookie(
        CODE_COOKIE,
        str(code_id),
        max_age=CODE_COOKIE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.is_https,
    )
    return response


def _signed_in(request: Request, signed_in: SignedIn, next_page: str) -> Response:
    """A fresh session token at every sign-in, so nobody's planted cookie becomes a session."""
    response = RedirectResponse(next_page, HTTPStatus.SEE_OTHER)
    request.app.state.tokens.set_session(
        response, signed_in.session_token, signed_in.shown_name.split(" ")[-1]
    )
    return response


def _code_id(request: Request) -> UUID | None:
    try:
        return UUID(request.cookies.get(CODE_COOKIE, ""))
    except ValueError:
        return None


def _next_page(request: Request, form: Form, otherwise: str = "/tai-khoan") -> str:
    """Where to go afterwards: a path of ours and nothing else."""
    wanted = form.text("tiep") or request.query_params.get("tiep", "")
    is_ours = (
        wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    )
    return wanted if is_ours else otherwise


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _demo_accounts(request: Request) -> list[dict[str, str | None]] | None:
    if not request.app.state.settings.is_demo:
        return None
    return demo_accounts()
