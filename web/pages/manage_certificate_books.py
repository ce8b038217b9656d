"""The books of numbers and the signers that every contest's certificates share."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certificates import books
from certificates.books import Signature
from core.errors import Refusal
from core.settings import settings
from people.sessions import Viewer
from web.certificate_desk import LARGEST_ID
from web.contest_desk import note_refusal
from web.forms import Form, read_form, whole
from web.guard import require
from web.office import office_page

PAGE = "/quan-tri/chung-nhan"
_FIELDS = {
    "superior": "cap_tren", "issuer": "co_quan", "place": "dia_danh", "authority": "quyen_han",
    "title": "chuc_vu", "name": "ho_ten", "symbol": "ky_hieu",
}  # fmt: skip


async def page(request: Request) -> Response:
    viewer = await require(request, "issue_certificates", None)
    return await _page(request, viewer, Form({}))


async def open_series(request: Request) -> Response:
    viewer = await require(request, "issue_certificates", None)
    form = await read_form(request)
    try:
        await books.open_series(form.text("ky_hieu"), by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _page(request, viewer, form, status)
    return RedirectResponse(PAGE, HTTPStatus.SEE_OTHER)


async def add_signer(request: Request) -> Response:
    viewer = await require(request, "issue_certificates", None)
    form = await read_form(request)
    signature = Signature(
        **{name: form.text(field) for name, field in _FIELDS.items() if name != "symbol"}
    )
    try:
        await books.add_signer(signature, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _page(request, viewer, form, status)
    return RedirectResponse(f"{PAGE}#nguoi-ky", HTTPStatus.SEE_OTHER)


async def end_signer(request: Request) -> Response:
    viewer = await require(request, "issue_certificates", None)
    await read_form(request)
    chosen = whole(request.path_params["signer"], largest=LARGEST_ID) or 0
    await books.end_signer(chosen, by=viewer.account_id)
    return RedirectResponse(f"{PAGE}#nguoi-ky", HTTPStatus.SEE_OTHER)


async def _page(
    request: Request, viewer: Viewer, form: Form, status: int = HTTPStatus.OK
) -> Response:
    chosen = settings()
    usual = {
        "dia_danh": chosen.site_province,
        "quyen_han": "TM. BAN TỔ CHỨC",
        "chuc_vu": "TRƯỞNG BAN",
    }
    for name, value in usual.items():
        form.values.setdefault(name, [value])
    return await office_page(
        request,
        viewer,
        "manage/certificate_books.html",
        {
            "url": PAGE,
            "series": [
                {
                    "symbol": each.symbol,
                    "year": each.year,
                    "last_number": each.last_number,
                    "next_number": each.next_number,
                }
                for each in await books.series_shown()
            ],
            "signers": [
                {
                    "id": each.id,
                    "name": each.name,
                    "title": each.title,
                    "authority": each.authority,
                    "issuer": each.issuer,
                    "superior": each.superior,
                    "place": each.place,
                    "ended_at": each.ended_at,
                }
                for each in await books.signers_shown(with_ended=True)
            ],
            "form": form.for_page(),
        },
        status=status,
    )
