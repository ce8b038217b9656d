"""One unit: how many people it counts, its other names, and who takes over from it."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.errors import Refusal
from core.text import clean
from people.roles import UnitScope, may
from people.sessions import Viewer
from people.unit_history import UnitShown, add_alias, get_unit_shown, move_persons
from people.unit_lookup import unit_index
from people.unit_writing import record_headcount, record_succession
from web.forms import Form, read_form, whole
from web.guard import signed_in
from web.office import office_page, reach
from web.refusals import status_of

LARGEST_HEADCOUNT = 10_000_000
LONGEST_SOURCE = 255


async def unit(request: Request) -> Response:
    viewer, found = await _reached(request)
    return await _page(request, viewer, found, Form({}))


async def add_headcount(request: Request) -> Response:
    viewer, found = await _reached(request)
    form = await read_form(request)
    try:
        count = whole(form.text("so_nguoi").strip(), largest=LARGEST_HEADCOUNT)
        if count is None:
            sentence = "Số người là số nguyên, ví dụ 120."
            raise Refusal("bad_headcount", sentence, fields={"so_nguoi": sentence})
        await record_headcount(
            unit_id=found.id,
            people_count=count,
            counted_on=_day(form, "ngay"),
            source=clean(form.text("nguon"))[:LONGEST_SOURCE],
            by=viewer.account_id,
        )
    except Refusal as refusal:
        return await _mend(request, viewer, found, form, refusal)
    return _back(found)


async def name_otherwise(request: Request) -> Response:
    viewer, found = await _reached(request)
    form = await read_form(request)
    try:
        await add_alias(found.id, form.text("ten_khac"), by=viewer.account_id)
    except Refusal as refusal:
        return await _mend(request, viewer, found, form, refusal)
    return _back(found)


async def succeed(request: Request) -> Response:
    """One successor is a merger or a new name, several are a split; people stay until moved."""
    viewer, found = await _reached(request)
    form = await read_form(request)
    try:
        on = _day(form, "tu_ngay")
        units = await unit_index(reach(viewer, "manage_units"), on=on)
        named = [clean(each) for each in form.text("ke_thua").split(";") if clean(each)]
        if not named:
            sentence = "Hãy ghi mã hoặc tên đơn vị kế thừa."
            raise Refusal("unknown_unit", sentence, fields={"ke_thua": sentence})
        await record_succession(
            predecessor_code=found.code,
            successor_codes=[units.get(each, field="ke_thua").code for each in named],
            on=on,
            by=viewer.account_id,
        )
    except Refusal as refusal:
        return await _mend(request, viewer, found, form, refusal)
    return _back(found)


async def move(request: Request) -> Response:
    viewer, found = await _reached(request)
    form = await read_form(request)
    try:
        await move_persons(found.id, form.text("den"), by=viewer.account_id)
    except Refusal as refusal:
        return await _mend(request, viewer, found, form, refusal)
    return _back(found)


async def _reached(request: Request) -> tuple[Viewer, UnitShown]:
    viewer = await signed_in(request)
    try:
        found = await get_unit_shown(request.path_params["code"])
    except Refusal:
        raise _unknown() from None
    if not may(viewer, "manage_units", UnitScope(found.path)):
        raise _unknown()
    return viewer, found


def _unknown() -> Refusal:
    return Refusal("not_found", "Không tìm thấy đơn vị này.")


def _day(form: Form, name: str) -> date:
    try:
        return date.fromisoformat(form.text(name))
    except ValueError:
        sentence = "Hãy chọn một ngày."
        raise Refusal("bad_form", sentence, fields={name: sentence}) from None


def _back(found: UnitShown) -> Response:
    return RedirectResponse(f"/quan-tri/don-vi/{found.code}", HTTPStatus.SEE_OTHER)


async def _mend(
    request: Request, viewer: Viewer, found: UnitShown, form: Form, refusal: Refusal
) -> Response:
    form.errors |= refusal.fields or {"": refusal.sentence}
    return await _page(request, viewer, found, form, status_of(refusal))


async def _page(
    request: Request, viewer: Viewer, found: UnitShown, form: Form, status: int = HTTPStatus.OK
) -> Response:
    today = local_day(now())
    return await office_page(
        request,
        viewer,
        "manage/unit.html",
        {
            "unit": found,
            "has_ended": found.valid_to is not None and found.valid_to < today,
            "successors": [{"value": code, "label": name} for code, name in found.successors],
            "form": form.for_page(),
        },
        status=status,
    )
