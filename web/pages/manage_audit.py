"""Who did what: the audit trail, by person, deed, object and day."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from core.clock import VIETNAM
from core.db import transaction
from core.documents import write_csv, write_sheet
from core.errors import Refusal
from core.text import clean, datetime_shown
from people.audit import AuditFilter, AuditShown, find_entries, known_actions, record
from people.audit_chain import last_seal
from web.audit_words import SUBJECTS, action_words, line_words
from web.forms import Form, read_form, whole
from web.guard import require
from web.office import download, office_page

LINES_A_PAGE = 50
MOST_EXPORTED = 50_000
LONGEST_REASON = 200
LARGEST_ID = 2**63 - 1
COLUMNS = ("Số dòng", "Lúc", "Người thực hiện", "Việc", "Đối tượng", "Chi tiết")


async def audit(request: Request) -> Response:
    viewer = await require(request, "see_audit", None)
    query = Form({name: [value] for name, value in request.query_params.items()})
    wanted = _filter(query)
    lines = await find_entries(wanted, limit=LINES_A_PAGE + 1)
    seal = await last_seal()
    return await office_page(
        request,
        viewer,
        "manage/audit.html",
        {
            "form": query.for_page(),
            "filter": _kept(query),
            "actions": [
                {"value": each, "label": action_words(each)} for each in await known_actions()
            ],
            "kinds": [{"value": kind, "label": label} for kind, label in SUBJECTS.items()],
            "lines": [_line(each) for each in lines[:LINES_A_PAGE]],
            "older": _older(query, lines),
            "seal": {"number": seal.number, "seal": seal.seal} if seal.number else None,
        },
    )


async def export_audit(request: Request) -> Response:
    """What the filter shows, as a file; that it was taken is a line of the trail itself."""
    viewer = await require(request, "see_audit", None)
    form = await read_form(request)
    reason = clean(form.text("ly_do"))[:LONGEST_REASON]
    if not reason:
        sentence = "Bạn hãy ghi lý do xuất nhật ký."
        raise Refusal("bad_form", sentence, fields={"ly_do": sentence})
    lines = await find_entries(_filter(form), limit=MOST_EXPORTED)
    async with transaction() as connection:
        await record(
            connection,
            by=viewer.account_id,
            action="export_audit",
            subject="audit",
            detail={"lines": len(lines), "reason": reason, **_kept(form)},
        )
    rows = [[each.id, datetime_shown(each.happened_at), each.by_name, *line_words(each)]
            for each in lines]  # fmt: skip
    if form.text("dang") == "csv":
        return download(write_csv(COLUMNS, rows), "nhat-ky.csv")
    return download(await asyncio.to_thread(write_sheet, "Nhật ký", COLUMNS, rows), "nhat-ky.xlsx")


def _filter(form: Form) -> AuditFilter:
    until = _day(form, "den_ngay")
    return AuditFilter(
        by_name=clean(form.text("nguoi"))[:100],
        action=form.text("viec"),
        subject=_subject(form),
        since=_midnight(_day(form, "tu_ngay")),
        until=_midnight(until + timedelta(days=1)) if until else None,
        before_id=whole(form.text("truoc"), largest=LARGEST_ID),
    )


def _subject(form: Form) -> str:
    kind, key = form.text("loai"), clean(form.text("ma"))[:60]
    return f"{kind}:{key}" if kind and key else kind


def _day(form: Form, name: str) -> date | None:
    try:
        day = date.fromisoformat(form.text(name))
    except ValueError:
        return None
    return day if day.year > 2000 else None  # noqa: PLR2004 — no platform is older


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), VIETNAM) if day else None


def _kept(form: Form) -> dict[str, str]:
    names = ("nguoi", "viec", "loai", "ma", "tu_ngay", "den_ngay")
    return {name: form.text(name)[:100] for name in names if form.text(name)}


def _older(form: Form, lines: list[AuditShown]) -> str | None:
    if len(lines) <= LINES_A_PAGE:
        return None
    oldest = lines[LINES_A_PAGE - 1].id
    return "/quan-tri/nhat-ky?" + urlencode({**_kept(form), "truoc": str(oldest)})


def _line(each: AuditShown) -> dict[str, Any]:
    action, subject, detail = line_words(each)
    return {
        "id": each.id,
        "at": each.happened_at,
        "by": each.by_name or ("Hệ thống" if each.by is None else f"Tài khoản {each.by}"),
        "action": action,
        "subject": subject,
        "detail": detail,
    }
