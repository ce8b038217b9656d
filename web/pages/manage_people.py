"""People of the units that the viewer looks after: find, see, bring in, hand out, merge."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.documents import write_csv, write_sheet
from core.errors import Refusal
from core.text import clean, phone_shown
from people import merging, official_import, persons
from people.accounts import DIVISIONS
from people.consents import MESSAGES, PUBLISH_NAME, TAKE_PART, consents_of
from people.merging import Pair
from people.official_import import OfficialsReport
from people.persons import EXPORT_COLUMNS, PeopleFilter, PersonShown
from people.roles import UnitScope, may
from people.sessions import Viewer
from people.units import find_units
from quiz.history import contests_of
from quiz.merging import merge_persons
from web.forms import Form, read_form, whole
from web.guard import require, signed_in
from web.office import MEDIA_TYPES, download, office_page, reach, read_upload
from web.refusals import status_of

PAGE = "/quan-tri/nguoi"
PEOPLE_A_PAGE = 50
MOST_PAGES = 2000
MOST_UNITS = 200
LARGEST_ID = 2**63 - 1
SHOWN_FAULTS = 200
LIMITS = "Tối đa 5.000 dòng, 10 MB."
PURPOSE_WORDS = {TAKE_PART: "Dự thi", MESSAGES: "Nhận tin", PUBLISH_NAME: "Công bố tên"}


async def people(request: Request) -> Response:
    return await _list_page(request, Form({}))


async def export(request: Request) -> Response:
    """The list that was found, as a file; needs a reason and the role for it."""
    viewer = await signed_in(request)
    form = await read_form(request)
    paths = reach(viewer, "export_people")
    if not paths:
        raise Refusal("forbidden", "Chỉ Ban Tổ chức và người quản trị xuất được danh sách.")
    try:
        wanted = await _wanted(form, paths, has_unitless=may(viewer, "export_people", None))
        rows = await persons.export_people(
            wanted, by=viewer.account_id, reason=form.text("ly_do")[:200]
        )
    except Refusal as refusal:
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _list_page(request, form, status_of(refusal))
    if form.text("dang") == "csv":
        return download(write_csv(EXPORT_COLUMNS, rows), "danh-sach-nguoi.csv")
    sheet = await asyncio.to_thread(write_sheet, "Người", EXPORT_COLUMNS, rows)
    return download(sheet, "danh-sach-nguoi.xlsx")


async def person(request: Request) -> Response:
    viewer, found = await _reached(request)
    return await _person_page(request, viewer, found, Form({}))


async def reveal_phone(request: Request) -> Response:
    """One number, whole; that it was looked at is a line of the audit trail."""
    viewer, found = await _reached(request)
    try:
        phone = await persons.reveal_phone(found.id, by=viewer.account_id)
    except Refusal as refusal:
        form = Form({}, {"": refusal.sentence})
        return await _person_page(request, viewer, found, form, status=status_of(refusal))
    return await _person_page(request, viewer, found, Form({}), phone=phone)


async def officials_template(request: Request) -> Response:
    await signed_in(request)
    return download(official_import.template(), "mau-can-bo.xlsx")


async def import_page(request: Request) -> Response:
    viewer = await signed_in(request)
    return await _import_page(request, viewer, Form({}), None)


async def import_officials(request: Request) -> Response:
    viewer = await signed_in(request)
    form, file_name = Form({}), ""
    try:
        upload = await read_upload(request, "tep")
        form, file_name = upload.form, upload.file_name
        report = await official_import.import_officials(
            upload.content,
            paths=reach(viewer, "manage_people"),
            by=viewer.account_id,
            file_name=file_name,
            is_dry_run=form.text("viec") == "thu",
        )
    except Refusal as refusal:
        form.errors |= refusal.fields or {"tep": refusal.sentence}
        return await _import_page(request, viewer, form, None, status_of(refusal))
    return await _import_page(request, viewer, form, _report(file_name, report))


async def duplicates(request: Request) -> Response:
    viewer = await require(request, "export_people", None)
    pairs = await merging.find_pairs(paths=reach(viewer, "export_people"), has_unitless=True)
    return await office_page(
        request, viewer, "manage/duplicates.html", {"pairs": [_pair(each) for each in pairs]}
    )


async def merge_page(request: Request) -> Response:
    viewer, first, second = await _both(request)
    return await _merge_page(request, viewer, first, second, Form({}))


async def merge(request: Request) -> Response:
    viewer, first, second = await _both(request)
    form = await read_form(request)
    kept = whole(form.text("giu"), largest=LARGEST_ID)
    try:
        if kept not in {first.id, second.id}:
            sentence = "Hãy chọn hồ sơ được giữ."
            raise Refusal("bad_form", sentence, fields={"giu": sentence})
        gone = second.id if kept == first.id else first.id
        await merge_persons(gone, kept, by=viewer.account_id)
    except Refusal as refusal:
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _merge_page(request, viewer, first, second, form, status_of(refusal))
    return RedirectResponse(f"{PAGE}/{kept}", HTTPStatus.SEE_OTHER)


async def _reached(request: Request, name: str = "person") -> tuple[Viewer, PersonShown]:
    """The person, if the viewer looks after their unit; else as if there were none."""
    viewer = await signed_in(request)
    number = whole(request.path_params[name], largest=LARGEST_ID)
    try:
        found = await persons.get_person(number or 0)
    except Refusal:
        raise _unknown() from None
    scope = UnitScope(found.unit_path) if found.unit_path else None
    if found.erased_at or not may(viewer, "manage_people", scope):
        raise _unknown()
    return viewer, found


async def _both(request: Request) -> tuple[Viewer, PersonShown, PersonShown]:
    viewer = await require(request, "export_people", None)
    _, first = await _reached(request)
    _, second = await _reached(request, "other")
    if first.merged_into_id or second.merged_into_id or first.id == second.id:
        raise _unknown()
    return viewer, first, second


def _unknown() -> Refusal:
    return Refusal("not_found", "Không tìm thấy người này.")


async def _wanted(form: Form, paths: list[str], *, has_unitless: bool) -> PeopleFilter:
    unit = clean(form.text("don_vi"))[:100]
    named = await find_units(unit, limit=MOST_UNITS) if unit else None
    return PeopleFilter(
        text=clean(form.text("tim"))[:100],
        paths=paths,
        has_unitless=has_unitless,
        unit_paths=None if named is None else [each.path for each in named],
    )


async def _list_page(request: Request, form: Form, status: int = HTTPStatus.OK) -> Response:
    viewer = await signed_in(request)
    query = form if form.values else Form({k: [v] for k, v in request.query_params.items()})
    wanted = await _wanted(
        query, reach(viewer, "manage_people"), has_unitless=may(viewer, "manage_people", None)
    )
    number = max(1, whole(query.text("trang"), largest=MOST_PAGES) or 1)
    total = await persons.count_persons(wanted)
    found = await persons.find_persons(
        wanted, limit=PEOPLE_A_PAGE, offset=(number - 1) * PEOPLE_A_PAGE
    )
    kept = {name: query.text(name) for name in ("tim", "don_vi") if query.text(name)}
    return await office_page(
        request,
        viewer,
        "manage/people.html",
        {
            "form": {"values": {**kept, "ly_do": form.text("ly_do")}, "errors": form.errors},
            "filter": kept,
            "total": total,
            "people": [
                {
                    "id": each.id,
                    "name": each.full_name,
                    "birth_year": each.birth_year,
                    "job_title": each.job_title,
                    "unit": each.unit_name,
                    "phone": each.phone,
                }
                for each in found
            ],
            "pages": _pages(number, total, kept),
            "may_export": bool(reach(viewer, "export_people")),
            "may_merge": may(viewer, "export_people", None),
        },
        status=status,
    )


def _pages(number: int, total: int, kept: Mapping[str, str]) -> dict[str, Any]:
    count = max(1, -(-total // PEOPLE_A_PAGE))

    def url(page: int) -> str | None:
        return f"{PAGE}?{urlencode({**kept, 'trang': page})}" if 1 <= page <= count else None

    return {"number": number, "count": count, "previous": url(number - 1), "next": url(number + 1)}


async def _person_page(
    request: Request,
    viewer: Viewer,
    found: PersonShown,
    form: Form,
    *,
    phone: str | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    may_merge = may(viewer, "export_people", None)
    pairs = (
        await merging.find_pairs(
            paths=reach(viewer, "export_people"), has_unitless=True, person_id=found.id
        )
        if may_merge
        else []
    )
    return await office_page(
        request,
        viewer,
        "manage/person.html",
        {
            "person": {**_about(found), "phone_whole": phone_shown(phone) if phone else None},
            "form": form.for_page(),
            "consents": [
                {
                    "purpose": PURPOSE_WORDS.get(each.purpose, each.purpose),
                    "is_given": each.is_given,
                    "at": each.recorded_at,
                }
                for each in await consents_of(found.id)
            ],
            "contests": [
                {
                    "name": each.name,
                    "url": f"/quan-tri/cuoc-thi/{each.slug}",
                    "division": each.division_name,
                    "entered_at": each.entered_at,
                    "attempt_count": each.attempt_count,
                }
                for each in await contests_of(found.id)
            ],
            "pairs": [_pair(each) for each in pairs],
        },
        status=status,
    )


async def _merge_page(
    request: Request,
    viewer: Viewer,
    first: PersonShown,
    second: PersonShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    sides = [
        {
            **_about(each),
            "contests": [entered.name for entered in await contests_of(each.id)],
        }
        for each in (first, second)
    ]
    return await office_page(
        request,
        viewer,
        "manage/merge.html",
        {
            "sides": sides,
            "form": form.for_page(),
            "url": f"{PAGE}/{first.id}/gop/{second.id}",
        },
        status=status,
    )


def _about(found: PersonShown) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.full_name,
        "birth_year": found.birth_year,
        "job_title": found.job_title,
        "unit": found.unit_name,
        "division": dict(DIVISIONS).get(found.division_code, found.division_code),
        "phone": found.phone,
        "username": found.username,
        "has_account": found.account_id is not None and found.is_active,
        "created_at": found.created_at,
        "merged_into_id": found.merged_into_id,
    }


def _pair(each: Pair) -> dict[str, Any]:
    return {
        "first": each.first,
        "second": each.second,
        "shared": ", ".join(each.shared),
        "url": f"{PAGE}/{each.first.id}/gop/{each.second.id}",
    }


async def _import_page(
    request: Request,
    viewer: Viewer,
    form: Form,
    report: Mapping[str, Any] | None,
    status: int = HTTPStatus.OK,
) -> Response:
    return await office_page(
        request,
        viewer,
        "manage/import_people.html",
        {"form": form.for_page(), "report": report, "limits": LIMITS},
        status=status,
    )


def _report(file_name: str, report: OfficialsReport) -> dict[str, Any]:
    # The mended rows go home with the page: nothing personal waits on the server for a second click.
    refused = (
        f"data:{MEDIA_TYPES['xlsx']};base64,{b64encode(report.refused).decode()}"
        if report.refused
        else None
    )
    return {
        "file": file_name,
        "is_written": report.is_written,
        "row_count": report.row_count,
        "made_count": report.made_count,
        "filled_count": report.filled_count,
        "unchanged_count": report.unchanged_count,
        "refused_count": len({each.row for each in report.faults}),
        "refused_file": refused,
        "faults": [
            {
                "address": f"{each.column}{each.row}" if each.column else f"dòng {each.row}",
                "column": each.column_name,
                "typed": each.typed,
                "sentence": each.sentence,
            }
            for each in report.faults[:SHOWN_FAULTS]
        ],
        "more_faults": max(0, len(report.faults) - SHOWN_FAULTS),
        "differences": report.differences[:SHOWN_FAULTS],
        "more_differences": max(0, len(report.differences) - SHOWN_FAULTS),
    }
