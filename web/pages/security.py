"""How staff guard the own account: password, second factor, codes in reserve."""

from __future__ import annotations

from http import HTTPStatus

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import Refusal
from people import second_factor
from people.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from people.sessions import Viewer
from people.staff_sign_in import change_password
from web.forms import Form, read_form
from web.guard import signed_in
from web.office import front_door
from web.refusals import status_of
from web.render import render

PAGE = "/tai-khoan/xac-thuc"


async def password_page(request: Request) -> Response:
    return _password_page(request, await _staff_member(request), Form({}))


async def change_own_password(request: Request) -> Response:
    """Every other browser is signed out; this one goes on."""
    viewer = await _staff_member(request)
    form = await read_form(request)
    wanted = form.text("mat_khau_moi")
    try:
        if wanted != form.text("mat_khau_lai"):
            sentence = "Hai lần nhập mật khẩu mới chưa giống nhau."
            raise Refusal("bad_password", sentence, fields={"mat_khau_lai": sentence})
        await change_password(
            viewer.account_id,
            form.text("mat_khau_cu"),
            wanted,
            keep_session_id=viewer.session_id,
        )
    except Refusal as refusal:
        form.errors |= refusal.fields or {"": refusal.sentence}
        return _password_page(request, viewer, form, status_of(refusal))
    return RedirectResponse(front_door(viewer), HTTPStatus.SEE_OTHER)


async def factor_page(request: Request) -> Response:
    return await _factor_page(request, await _staff_member(request), Form({}))


async def begin(request: Request) -> Response:
    viewer = await _staff_member(request)
    await second_factor.begin(viewer.account_id)
    return RedirectResponse(PAGE, HTTPStatus.SEE_OTHER)


async def confirm(request: Request) -> Response:
    """On from the first right code; the codes in reserve are shown now and never again."""
    viewer = await _staff_member(request)
    form = await read_form(request)
    try:
        codes = await second_factor.confirm(viewer.account_id, form.text("ma"))
    except Refusal as refusal:
        return await _factor_page(request, viewer, _blamed(refusal), status_of(refusal))
    return await _factor_page(request, viewer, Form({}), codes=codes)


async def renew_reserve(request: Request) -> Response:
    viewer = await _staff_member(request)
    form = await read_form(request)
    try:
        codes = await second_factor.renew_reserve(viewer.account_id, form.text("ma"))
    except Refusal as refusal:
        return await _factor_page(request, viewer, _blamed(refusal), status_of(refusal))
    return await _factor_page(request, viewer, Form({}), codes=codes)


async def switch_off(request: Request) -> Response:
    viewer = await _staff_member(request)
    form = await read_form(request)
    try:
        await second_factor.switch_off(viewer.account_id, form.text("ma"))
    except Refusal as refusal:
        return await _factor_page(request, viewer, _blamed(refusal), status_of(refusal))
    return RedirectResponse(PAGE, HTTPStatus.SEE_OTHER)


async def _staff_member(request: Request) -> Viewer:
    viewer = await signed_in(request)
    if not viewer.has_password:
        raise Refusal("not_found", "Trang này dành cho tài khoản cán bộ có mật khẩu.")
    return viewer


def _blamed(refusal: Refusal) -> Form:
    return Form({}, refusal.fields or {"": refusal.sentence})


def _password_page(
    request: Request, viewer: Viewer, form: Form, status: int = HTTPStatus.OK
) -> Response:
    return render(
        request,
        "account/password.html",
        {
            "form": form.for_page(),
            "is_first": viewer.must_change_password,
            "shortest": SHORTEST_PASSWORD,
            "longest": LONGEST_PASSWORD,
        },
        status=status,
    )


async def _factor_page(
    request: Request,
    viewer: Viewer,
    form: Form,
    status: int = HTTPStatus.OK,
    *,
    codes: list[str] | None = None,
) -> Response:
    factor = await second_factor.get_factor(viewer.account_id)
    picture = (
        segno.make(factor.address, error="m").svg_data_uri(scale=5, border=4, light="white")
        if factor.address
        else None
    )
    return render(
        request,
        "account/second_factor.html",
        {
            "form": form.for_page(),
            "state": "on" if factor.confirmed_at else "begun" if factor.secret else "off",
            "confirmed_at": factor.confirmed_at,
            "reserve_count": factor.reserve_count,
            "secret": _in_fours(factor.secret) if factor.secret else None,
            "picture": picture,
            "codes": codes,
            "office": front_door(viewer),
        },
        status=status,
    )


def _in_fours(secret: str) -> str:
    return " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
