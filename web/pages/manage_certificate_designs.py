"""The designs of certificates: make one's own of a finished one, look at it, keep the next version."""

from __future__ import annotations

import asyncio
import base64
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certificates import books, design_book
from certificates.design_book import Design
from certificates.designs import (
    BASES,
    EMBLEM_PLACES,
    IMAGES,
    LEAD_LIMIT,
    NAME_CASES,
    PALETTES,
    SIDES,
    stored,
)
from certificates.examples import EXAMPLES, USUAL, example_face
from core.clock import local_day, now
from core.errors import Refusal
from people.sessions import Viewer
from web.certificate_desk import LARGEST_ID
from web.contest_desk import note_refusal
from web.forms import Form, read_form, whole
from web.guard import require
from web.office import download, office_page, read_upload
from web.render import is_part, render

PAGE = "/quan-tri/chung-nhan/mau"
_FIELDS = {
    "name": "ten", "base": "goc", "palette": "mau_sac", "lead": "loi_dan", "name_case": "kieu_ten",
    "emblem_place": "cho_bieu_trung", "qr_side": "ben_ma",
}  # fmt: skip
_TYPED = ("palette", "lead", "name_case", "emblem_place", "qr_side")
_EXAMPLE = "ten_thu"
# Each takes a third of a second of a core; whoever types sends one at a time.
MOST_LOOKS_AT_ONCE = 4
_looking = asyncio.Semaphore(MOST_LOOKS_AT_ONCE)
IMAGE_WORDS = {"emblem": "Biểu trưng", "seal": "Dấu", "signature": "Chữ ký"}


async def designs(request: Request) -> Response:
    viewer = await require(request, "issue_certificates", None)
    return await _list(request, viewer, Form({}))


async def add(request: Request) -> Response:
    viewer = await require(request, "issue_certificates", None)
    form = await read_form(request)
    try:
        made = await design_book.add_design(
            form.text("ten"), form.text("goc"), by=viewer.account_id
        )
    except Refusal as refusal:
        return await _list(request, viewer, form, note_refusal(request, form, refusal, _FIELDS))
    return RedirectResponse(f"{PAGE}/{made}", HTTPStatus.SEE_OTHER)


async def design(request: Request) -> Response:
    """The editor; the same address gives htmx the sheet with what is typed, and others with `xem`."""
    viewer, found = await _chosen(request)
    query = _query(request)
    if is_part(request):
        context = {"sheet": await _sheet(found, query)}
        response = render(request, "manage/_certificate_sheet.html", context)
    else:
        sheet = await _sheet(found, query) if query.text("xem") else None
        response = await _editor(request, viewer, found, query, sheet=sheet)
    response.headers.add_vary_header("HX-Request")
    return response


async def change(request: Request) -> Response:
    viewer, found = await _chosen(request)
    form = await read_form(request)
    try:
        await design_book.change_design(found.id, _typed(form), by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _editor(request, viewer, found, form, status)
    return RedirectResponse(f"{PAGE}/{found.id}", HTTPStatus.SEE_OTHER)


async def set_image(request: Request) -> Response:
    viewer, found = await _chosen(request)
    form = Form({})
    try:
        upload = await read_upload(request, "tep", is_required=False)
        form = upload.form
        if not upload.content and not form.text("bo"):
            sentence = "Hãy chọn một tệp hình."
            raise Refusal("no_file", sentence, fields={"tep": sentence})
        await design_book.set_image(
            found.id, form.text("hinh"), upload.content, by=viewer.account_id
        )
    except Refusal as refusal:
        form.errors.setdefault("tep", refusal.sentence)
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _editor(request, viewer, found, form, status)
    return RedirectResponse(f"{PAGE}/{found.id}#hinh", HTTPStatus.SEE_OTHER)


async def preview(request: Request) -> Response:
    """What is typed, on a sample; nothing is kept."""
    _, found = await _chosen(request)
    query = _query(request)
    example = example_face(found.base, query.text(_EXAMPLE), local_day(now()))
    made = download(await design_book.preview(found.id, _typed(query), example), "xem-thu.pdf")
    made.headers["Content-Disposition"] = 'inline; filename="xem-thu.pdf"'
    return made


async def end(request: Request) -> Response:
    viewer, found = await _chosen(request)
    await read_form(request)
    await design_book.end_design(found.id, by=viewer.account_id)
    return RedirectResponse(PAGE, HTTPStatus.SEE_OTHER)


async def _sheet(found: Design, query: Form) -> dict[str, Any]:
    """What is typed as a picture, or the sentence that says why it cannot be printed."""
    if _looking.locked():
        return {"fault": "Máy chủ đang vẽ nhiều trang. Bạn chờ vài giây rồi bấm “Xem trước”."}
    typed = _typed(query)
    face = example_face(found.base, query.text(_EXAMPLE), local_day(now()))
    try:
        async with _looking:
            seen = await design_book.look(found.id, typed, face)
    except Refusal as refusal:
        return {"fault": refusal.sentence}
    kept = {_FIELDS[name]: value for name, value in typed.items()}
    asked = urlencode({**kept, _EXAMPLE: query.text(_EXAMPLE) or USUAL})
    return {
        "picture": base64.b64encode(seen.picture).decode(),
        "name": face.printed_name,
        "unit": face.unit_name,
        "name_points": f"{seen.name_points:g}".replace(".", ","),
        "name_lines": seen.name_lines,
        "pdf_url": f"{PAGE}/{found.id}/xem-thu.pdf?{asked}",
    }


def _query(request: Request) -> Form:
    return Form({name: [value] for name, value in request.query_params.items()})


def _typed(form: Form) -> dict[str, str]:
    """What was typed of the content; a field that was not sent stays as it is."""
    return {name: form.text(_FIELDS[name]) for name in _TYPED if _FIELDS[name] in form.values}


async def _chosen(request: Request) -> tuple[Viewer, Design]:
    viewer = await require(request, "issue_certificates", None)
    design_id = whole(request.path_params["design"], largest=LARGEST_ID)
    return viewer, await design_book.get_design(design_id or 0)


def _choices(labels: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in labels.items()]


async def _list(
    request: Request, viewer: Viewer, form: Form, status: int = HTTPStatus.OK
) -> Response:
    shown = await books.designs_shown()
    return await office_page(
        request,
        viewer,
        "manage/certificate_designs.html",
        {
            "url": PAGE,
            "designs": [
                {
                    "name": each.name,
                    "base": BASES.get(each.base, each.base),
                    "number": each.number,
                    "url": f"{PAGE}/{each.design_id}",
                }
                for each in shown
            ],
            "bases": _choices(BASES),
            "form": form.for_page(),
        },
        status=status,
    )


async def _editor(
    request: Request,
    viewer: Viewer,
    found: Design,
    form: Form,
    status: int = HTTPStatus.OK,
    *,
    sheet: dict[str, Any] | None = None,
) -> Response:
    content = stored(found.content)
    form.values.setdefault(_EXAMPLE, [USUAL])
    for name in _TYPED:
        form.values.setdefault(_FIELDS[name], [content[name]])
    context: dict[str, Any] = {
        "url": f"{PAGE}/{found.id}",
        "list_url": PAGE,
        "design": {
            "name": found.name,
            "base": BASES[found.base],
            "number": found.number,
            "changed_at": found.changed_at,
            "is_finished": found.is_finished,
        },
        "versions": [
            {"number": number, "at": at} for number, at in await design_book.versions_of(found.id)
        ],
        "palettes": [{"value": value, "label": each.label} for value, each in PALETTES.items()],
        "name_cases": _choices(NAME_CASES),
        "emblem_places": _choices(EMBLEM_PLACES),
        "sides": _choices(SIDES),
        "lead_limit": LEAD_LIMIT,
        "images": [
            {"value": name, "label": IMAGE_WORDS[name], "is_set": bool(content[name])}
            for name in IMAGES
        ],
        "examples": _choices(EXAMPLES),
        "sheet": sheet,
        "form": form.for_page(),
    }
    return await office_page(
        request, viewer, "manage/certificate_design.html", context, status=status
    )
