"""The tree of units, and how it comes in from Excel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from core.clock import local_day, now
from core.errors import Refusal
from core.text import clean
from people import unit_import
from people.roles import may
from people.sessions import Viewer
from people.unit_import import COLUMNS, UnitReport
from people.unit_tree import UnitNode, ended_units, size, unit_tree
from web.forms import Form
from web.guard import require, signed_in
from web.office import download, office_page, reach, read_upload
from web.refusals import status_of

LIMITS = "Tối đa 5.000 đơn vị, 10 MB."
SHOWN_FAULTS = 200


async def units(request: Request) -> Response:
    viewer = await signed_in(request)
    return await _page(request, viewer, Form({}), None)


async def units_template(request: Request) -> Response:
    await require(request, "manage_units", None)
    return download(unit_import.template(), "mau-don-vi.xlsx")


async def import_units(request: Request) -> Response:
    """All rows or none. A file may name any unit, so only a role over the whole tree brings one."""
    viewer = await require(request, "manage_units", None)
    form, file_name = Form({}), ""
    try:
        upload = await read_upload(request, "tep")
        form, file_name = upload.form, upload.file_name
        report = await unit_import.import_units(upload.content, by=viewer.account_id)
    except Refusal as refusal:
        form.errors |= refusal.fields or {"tep": refusal.sentence}
        return await _page(request, viewer, form, None, status_of(refusal))
    status = HTTPStatus.OK if report.is_imported else HTTPStatus.UNPROCESSABLE_ENTITY
    return await _page(request, viewer, form, _report(file_name, report), status)


async def _page(
    request: Request,
    viewer: Viewer,
    form: Form,
    report: Mapping[str, Any] | None,
    status: int = HTTPStatus.OK,
) -> Response:
    text = clean(request.query_params.get("tim", ""))[:100]
    paths, today = reach(viewer, "manage_units"), local_day(now())
    tree = await unit_tree(paths, on=today, text=text)
    return await office_page(
        request,
        viewer,
        "manage/units.html",
        {
            "tree": [_node(each) for each in tree],
            "ended": [asdict(each) for each in await ended_units(paths, on=today)],
            "unit_count": size(tree),
            "query": text,
            "may_import": may(viewer, "manage_units", None),
            "form": form.for_page(),
            "report": report,
            "template_url": "/quan-tri/don-vi/mau",
            "limits": LIMITS,
        },
        status=status,
    )


def _node(node: UnitNode) -> dict[str, Any]:
    merged = f"sáp nhập từ {', '.join(node.merged_from)}" if node.merged_from else None
    return {
        "name": node.name,
        "code": node.code,
        "headcount": node.headcount,
        "person_count": node.person_count,
        "valid_from": node.valid_from,
        "note": merged,
        "children": [_node(child) for child in node.children],
    }


def _report(file_name: str, report: UnitReport) -> dict[str, Any]:
    faults = report.faults[:SHOWN_FAULTS]
    columns = sorted({each.column for each in faults})
    sentences = {(each.row, each.column): each.sentence for each in faults}
    return {
        "file": file_name,
        "state": "done" if report.is_imported else "faulty",
        "sentence": None,
        "row_count": report.added_count + report.updated_count,
        "created_count": report.added_count,
        "updated_count": report.updated_count,
        "unchanged_count": 0,
        "fault_count": len(report.faults),
        "shown_count": len(faults),
        "columns": [_heading(column) for column in columns],
        "rows": [
            {
                "number": row,
                "cells": [
                    {
                        "address": f"{column}{row}",
                        "value": None,  # the report does not repeat what was typed
                        "error": sentences.get((row, column)),
                    }
                    for column in columns
                ],
            }
            for row in _rows(faults)
        ],
    }


def _rows(faults: Sequence[unit_import.CellFault]) -> list[int]:
    return sorted({each.row for each in faults})


def _heading(column: str) -> str:
    place = ord(column) - ord("A")
    return COLUMNS[place] if 0 <= place < len(COLUMNS) else column
