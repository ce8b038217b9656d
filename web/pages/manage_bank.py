"""The question bank: search it, bring questions in from Excel, approve them as a second person."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.errors import Refusal
from core.text import clean, number
from people.roles import may
from people.sessions import Viewer
from quiz import bank_import, question_review, question_sheet, questions
from quiz.bank_import import BankReport, CellFault
from quiz.overview import BankShown, banks, used_counts
from quiz.questions import DIFFICULTIES, KINDS, PAGE_SIZE, STATES, Chosen, QuestionShown
from web.forms import Form, read_form, whole
from web.guard import require
from web.office import download, office_page, read_upload
from web.refusals import status_of

LIMITS = f"Tối đa {number(question_sheet.ROW_LIMIT)} câu, 10 MB."
SHOWN_FAULTS = 200
LARGEST_ID = 2**63 - 1
LARGEST_PAGE = 10_000
_FILTERS = ("tim", "chu_de", "muc", "tinh_trang")


async def bank(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    return await _bank_page(request, viewer, request.query_params, {})


async def approve_questions(request: Request) -> Response:
    viewer = await require(request, "approve_questions", None)
    form = await read_form(request)
    wanted = [whole(each, largest=LARGEST_ID) for each in form.values.get("cau", ())]
    try:
        if not wanted:
            raise Refusal("nothing_chosen", "Hãy đánh dấu những câu cần duyệt.")
        count = await question_review.approve_questions(
            [each for each in wanted if each is not None], by=viewer.account_id
        )
    except Refusal as refusal:
        typed = {name: form.text(name) for name in form.values}
        errors = {"": refusal.sentence}
        return await _bank_page(request, viewer, typed, errors, status_of(refusal))
    kept = {name: form.text(name) for name in ("ngan_hang", *_FILTERS) if form.text(name)}
    query = urlencode({**kept, "da_duyet": count})
    return RedirectResponse(f"/quan-tri/ngan-hang?{query}", HTTPStatus.SEE_OTHER)


async def bank_template(request: Request) -> Response:
    await require(request, "import_bank", None)
    return download(question_sheet.template(), "mau-ngan-hang-cau-hoi.xlsx")


async def import_page(request: Request) -> Response:
    viewer = await require(request, "import_bank", None)
    return await _import_page(request, viewer, Form({}), None)


async def import_bank(request: Request) -> Response:
    """All rows of the file or none; whatever is wrong with it leads back to the form."""
    viewer = await require(request, "import_bank", None)
    form, file_name = Form({}), ""
    try:
        upload = await read_upload(request, "tep")
        form, file_name = upload.form, upload.file_name
        report = await bank_import.import_bank(
            await _chosen_bank(form.text("ngan_hang")),
            upload.content,
            by=viewer.account_id,
            is_dry_run=form.text("viec") == "thu",
        )
    except Refusal as refusal:
        form.errors |= refusal.fields or {"tep": refusal.sentence}
        shown = _refused_report(file_name, refusal) if file_name and not refusal.fields else None
        return await _import_page(request, viewer, form, shown, status_of(refusal))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if report.faults else HTTPStatus.OK
    return await _import_page(request, viewer, form, _report(file_name, report), status)


async def _chosen_bank(code: str) -> int:
    bank_id = await questions.find_bank(code)
    if bank_id is None:
        sentence = "Hãy chọn ngân hàng câu hỏi trong danh sách."
        raise Refusal("no_bank", sentence, fields={"ngan_hang": sentence})
    return bank_id


async def _import_page(
    request: Request,
    viewer: Viewer,
    form: Form,
    report: Mapping[str, Any] | None,
    status: int = HTTPStatus.OK,
) -> Response:
    held = await banks()
    if len(held) == 1:
        form.values.setdefault("ngan_hang", [held[0].code])
    return await office_page(
        request,
        viewer,
        "manage/import.html",
        {
            "form": form.for_page(),
            "report": report,
            "banks": [{"value": each.code, "label": each.name} for each in held],
            "template_url": "/quan-tri/ngan-hang/mau",
            "limits": LIMITS,
        },
        status=status,
    )


def _refused_report(file_name: str, refusal: Refusal) -> dict[str, Any]:
    return {"file": file_name, "state": "refused", "sentence": refusal.sentence}


def _report(file_name: str, report: BankReport) -> dict[str, Any]:
    faults = report.faults[:SHOWN_FAULTS]
    columns = {
        each.column: each.column_name
        # Z before AA; a column that the file lacks comes first.
        for each in sorted(faults, key=lambda fault: (len(fault.column), fault.column))
    }
    notes = []
    if report.new_topics:
        notes.append(f"Chủ đề mới: {', '.join(report.new_topics)}.")
    if report.ignored_columns:
        notes.append(f"Cột không dùng đến: {', '.join(report.ignored_columns)}.")
    return {
        "file": file_name,
        "state": "faulty" if report.faults else "done" if report.is_written else "checked",
        "sentence": " ".join(notes) or None,
        "row_count": report.row_count,
        "created_count": report.made_count,
        "updated_count": report.changed_count,
        "unchanged_count": report.unchanged_count,
        "fault_count": len(report.faults),
        "shown_count": len(faults),
        "columns": list(columns.values()),
        "rows": [
            {
                "number": row,
                "cells": [_cell(column, row, faults) for column in columns],
            }
            for row in sorted({each.row for each in faults})
        ],
    }


def _cell(column: str, row: int, faults: Sequence[CellFault]) -> dict[str, str | None]:
    found = next((each for each in faults if (each.column, each.row) == (column, row)), None)
    return {
        "address": f"{column}{row}",
        "value": found.typed if found else "",
        "error": found.sentence if found else None,
    }


async def _bank_page(
    request: Request,
    viewer: Viewer,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = HTTPStatus.OK,
) -> Response:
    held = await banks()
    current = next((each for each in held if each.code == typed.get("ngan_hang")), None)
    current = current or (held[0] if held else None)
    approved_count = whole(typed.get("da_duyet", ""), largest=LARGEST_PAGE)
    context = await _questions(current, typed) if current else _NO_QUESTIONS
    return await office_page(
        request,
        viewer,
        "manage/bank.html",
        {
            **context,
            "banks": [
                {
                    "name": each.name,
                    "url": f"/quan-tri/ngan-hang?{urlencode({'ngan_hang': each.code})}",
                    "is_current": each is current,
                    "question_count": each.question_count,
                }
                for each in held
            ],
            "bank_code": current.code if current else "",
            "filter": {name: typed.get(name, "")[:100] for name in _FILTERS},
            "levels": _options(DIFFICULTIES),
            "states": _options(STATES),
            "errors": errors,
            "may_import": may(viewer, "import_bank", None),
            "may_approve": may(viewer, "approve_questions", None),
            "flash": {"kind": "ok", "text": f"Đã duyệt {number(approved_count)} câu."}
            if approved_count
            else None,
        },
        status=status,
    )


_NO_QUESTIONS: Mapping[str, Any] = {
    "topics": [],
    "questions": [],
    "total": 0,
    "pages": {"number": 1, "count": 1, "previous": None, "next": None},
}


async def _questions(current: BankShown, typed: Mapping[str, str]) -> dict[str, Any]:
    text = clean(typed.get("tim", ""))[:100]
    chosen: Chosen = {
        "topic": typed.get("chu_de") or None,
        "difficulty": typed.get("muc") or None,
        "state": typed.get("tinh_trang") or None,
    }
    total = await questions.count_questions(current.id, text, **chosen)
    page_count = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, whole(typed.get("trang", ""), largest=LARGEST_PAGE) or 1), page_count)
    found = await questions.find_questions(current.id, text, page=page, **chosen)
    used = await used_counts([each.id for each in found])
    kept = {name: typed[name] for name in _FILTERS if typed.get(name)}

    def url(page: int) -> str:
        query = urlencode({"ngan_hang": current.code, **kept, "trang": page})
        return f"/quan-tri/ngan-hang?{query}"

    return {
        "topics": _options(await questions.topics_of(current.id)),
        "questions": [_question(each, used.get(each.id, 0)) for each in found],
        "total": total,
        "pages": {
            "number": page,
            "count": page_count,
            "previous": url(page - 1) if page > 1 else None,
            "next": url(page + 1) if page < page_count else None,
        },
    }


def _question(each: QuestionShown, used_count: int) -> dict[str, Any]:
    ends = [day for day in (each.valid_to, each.source_valid_to) if day is not None]
    valid_to = min(ends, default=None)
    return {
        "id": each.id,
        "code": each.code,
        "text": each.text,
        "topic": each.topic_name,
        "level": DIFFICULTIES[each.difficulty],
        "kind": KINDS[each.kind],
        "source": ", ".join(filter(None, (each.article, each.source))) or None,
        "options": [
            {"letter": letter, "text": option.text, "is_correct": option.is_correct}
            for letter, option in zip(string.ascii_uppercase, each.options, strict=False)
        ],
        "explanation": each.explanation,
        "valid_to": valid_to,
        "is_lapsed": valid_to is not None and valid_to < local_day(now()),
        "state": STATES.get(each.state, each.state),
        "is_approved": each.state == "approved",
        "is_draft": each.state == "in_review",
        "used_count": used_count,
    }


def _options(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in names.items()]
