"""A round of a draft: its window and attempts, its blueprint, the weeks that repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from core.errors import Refusal
from people.sessions import Viewer
from quiz import contest_editing, contest_making, publishing
from quiz.blueprint_grid import Grid, GridCell, grid_of
from quiz.contest_editing import MOST_CLONES
from quiz.contest_making import RoundFields
from quiz.contests import ContestShown, RoundShown
from quiz.pools import PoolLine
from quiz.questions import DIFFICULTIES
from quiz.windows import understood
from web.contest_desk import (
    asked,
    desk_page,
    needed_number,
    note_refusal,
    number_of,
    saved,
    with_defaults,
)
from web.contest_workspace import workspace
from web.forms import Form, read_form, whole
from web.pages.shown import LARGEST_ROUND_NUMBER, attempt_policy, short_attempts

LONGEST_MINUTES = 1_440  # a day
MOST_ATTEMPTS = 1_000
MOST_QUESTIONS = 200
_COUNTINGS = {
    "best": "Lượt có kết quả tốt nhất",
    "last": "Lượt cuối cùng",
    "first": "Lượt đầu tiên",
}
_FIELDS = {
    "name": "dot_ten", "opens": "mo", "closes": "dong", "time_limit_seconds": "phut",
    "attempt_limit": "so_luot", "counting": "tinh_luot", "cooldown_seconds": "nghi",
    "count": "so_tuan",
}  # fmt: skip


async def add_round(request: Request) -> Response:
    found, viewer = await asked(request)
    form = await read_form(request)
    try:
        await contest_making.add_round(found.id, by=viewer.account_id, **_fields(form))
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await workspace(request, viewer, found, form, status)
    number = max((each.number for each in found.rounds), default=0) + 1
    return saved(request, found, f"/dot/{number}#ma-tran")


async def round_page(request: Request) -> Response:
    found, viewer = await asked(request, "see_dashboard")
    return await _page(request, viewer, found, _chosen(request, found), Form({}))


async def edit_round(request: Request) -> Response:
    found, viewer = await asked(request)
    chosen = _chosen(request, found)
    form = await read_form(request)
    try:
        await contest_editing.edit_round(chosen.id, by=viewer.account_id, **_fields(form))
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _page(request, viewer, found, chosen, form, status)
    return saved(request, found, f"/dot/{chosen.number}")


async def clone_round(request: Request) -> Response:
    found, viewer = await asked(request)
    chosen = _chosen(request, found)
    form = await read_form(request)
    try:
        count = number_of(form, "so_tuan", largest=MOST_CLONES, default=1)
        await contest_editing.clone_round(chosen.id, count=count or 0, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _page(request, viewer, found, chosen, form, status)
    return saved(request, found, "#dot")


async def remove_round(request: Request) -> Response:
    found, viewer = await asked(request)
    chosen = _chosen(request, found)
    try:
        await contest_editing.remove_round(chosen.id, by=viewer.account_id)
    except Refusal as refusal:
        form = Form({})
        status = note_refusal(request, form, refusal)
        return await _page(request, viewer, found, chosen, form, status)
    return saved(request, found, "#dot")


async def set_blueprint(request: Request) -> Response:
    """Keep the table as it was typed, even where the bank is short: the page says so at once."""
    found, viewer = await asked(request)
    chosen = _chosen(request, found)
    form = await read_form(request)
    try:
        division_id = _division(form, found)
        lines = await _lines(form, found, chosen, division_id)
        await contest_making.set_blueprint(chosen.id, lines, division_id, by=viewer.account_id)
        if form.text("viec") == "moi_dot":
            await contest_editing.copy_blueprint(chosen.id, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal)
        return await _page(request, viewer, found, chosen, form, status)
    return saved(request, found, f"/dot/{chosen.number}#ma-tran")


def _chosen(request: Request, found: ContestShown) -> RoundShown:
    number = whole(request.path_params["number"], largest=LARGEST_ROUND_NUMBER)
    chosen = next((each for each in found.rounds if each.number == number), None)
    if chosen is None:
        raise Refusal("not_found", "Cuộc thi này không có đợt thi đó.")
    return chosen


def _fields(form: Form) -> RoundFields:
    return {
        "name": form.text("dot_ten"),
        "opens": form.text("mo"),
        "closes": form.text("dong"),
        "time_limit_seconds": 60 * needed_number(form, "phut", largest=LONGEST_MINUTES),
        "attempt_limit": number_of(form, "so_luot", largest=MOST_ATTEMPTS),
        "counting": form.text("tinh_luot") or "best",
        "cooldown_seconds": 60 * (number_of(form, "nghi", largest=LONGEST_MINUTES) or 0),
    }


def _division(form: Form, found: ContestShown) -> int | None:
    code = form.text("bang")
    if not code:
        return None
    chosen = next((each for each in found.divisions if each.code == code), None)
    if chosen is None:
        raise Refusal("not_found", "Không tìm thấy bảng dự thi này.")
    return chosen.id


async def _lines(
    form: Form, found: ContestShown, chosen: RoundShown, division_id: int | None
) -> list[PoolLine]:
    """The cells with a number in them."""
    grid = await grid_of(found, chosen, division_id)
    lines = []
    for row in grid.rows:
        for cell in row.cells:
            name = _cell(form.text("bang"), row.topic, cell.difficulty)
            count = number_of(form, name, largest=MOST_QUESTIONS)
            if count:
                lines.append(PoolLine(row.topic, cell.difficulty, count))
    return lines


async def _page(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    chosen: RoundShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    shared = await grid_of(found, chosen, None)
    lacks = await publishing.readiness(found.id) if found.state == "draft" else []
    own = [
        {
            "code": each.code,
            "name": each.name,
            "has_own": each.id in chosen.question_counts,
            "grid": _grid(await grid_of(found, chosen, each.id), each.code, form),
        }
        for each in found.divisions
    ]
    return await desk_page(
        request,
        viewer,
        found,
        "manage/round.html",
        {
            "round": {
                "number": chosen.number,
                "name": chosen.name,
                "opens": understood(chosen.opens_at),
                "closes": understood(chosen.closes_at),
                "opens_as_written": chosen.opens_as_written,
                "closes_as_written": chosen.closes_as_written,
                "minutes": chosen.time_limit_seconds // 60,
                "attempts": short_attempts(chosen),
                "policy": attempt_policy(chosen),
            },
            "countings": [{"value": value, "label": _COUNTINGS[value]} for value in _COUNTINGS],
            "levels": list(DIFFICULTIES.values()),
            "shared": _grid(shared, "", form),
            "own": own,
            "lacks": [each.sentence for each in lacks if each.round_number == chosen.number],
            "is_planned": bool(chosen.question_count),
            "has_others": len(found.rounds) > 1,
            "most_clones": MOST_CLONES,
            "form": with_defaults(form, _defaults(chosen), {"so_tuan": 1}),
        },
        status=status,
    )


def _defaults(chosen: RoundShown) -> dict[str, object]:
    return {
        "dot_ten": chosen.name,
        "mo": chosen.opens_as_written or understood(chosen.opens_at),
        "dong": chosen.closes_as_written or understood(chosen.closes_at),
        "phut": chosen.time_limit_seconds // 60,
        "so_luot": chosen.attempt_limit,
        "tinh_luot": chosen.counting,
        "nghi": chosen.cooldown_seconds // 60 or None,
    }


def _cell(code: str, topic: str, difficulty: str) -> str:
    """The name of a cell, "" standing for all divisions: a letter first, as ids must have."""
    return f"o_{code}__{topic}__{difficulty}"


def _grid(grid: Grid, code: str, form: Form) -> Mapping[str, Any]:
    expected = grid.expectation
    return {
        "rows": [
            {
                "topic": row.topic_name,
                "cells": [
                    _shown_cell(cell, _cell(code, row.topic, cell.difficulty), form)
                    for cell in row.cells
                ],
                "total": sum(cell.wanted_count for cell in row.cells),
            }
            for row in grid.rows
        ],
        "question_count": grid.question_count,
        "expected_share": expected.share if expected else None,
        "measured_count": expected.measured_count if expected else 0,
    }


def _shown_cell(cell: GridCell, name: str, form: Form) -> dict[str, Any]:
    return {
        "name": name,
        "level": DIFFICULTIES[cell.difficulty],
        "value": form.text(name) or (cell.wanted_count or ""),
        "available": cell.available_count,
        "is_short": cell.is_short,
        "error": form.errors.get(name),
    }
