"""Questions as a file: first what the format cannot hold, then the file."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from core.errors import Refusal
from core.text import clean
from people.sessions import Viewer
from quiz import question_export, questions
from quiz.overview import BankShown, banks
from quiz.question_export import EXPORTS, USUAL_VERSIONS, Wanted
from quiz.questions import DIFFICULTIES, STATES, Chosen
from web.forms import read_form, whole
from web.guard import require
from web.office import download, office_page
from web.refusals import status_of

_FIELDS = ("ngan_hang", "dinh_dang", "tim", "chu_de", "muc", "tinh_trang", "so_ma")
LONGEST_TYPED = 100
LARGEST_COUNT = 1_000


async def export_page(request: Request) -> Response:
    viewer = await require(request, "export_bank", None)
    typed = {name: request.query_params.get(name, "")[:LONGEST_TYPED] for name in _FIELDS}
    return await _page(request, viewer, typed)


async def export(request: Request) -> Response:
    viewer = await require(request, "export_bank", None)
    form = await read_form(request)
    typed = {name: form.text(name)[:LONGEST_TYPED] for name in _FIELDS}
    current = _current(await banks(), typed["ngan_hang"])
    try:
        if current is None:
            sentence = "Hãy chọn ngân hàng câu hỏi trong danh sách."
            raise Refusal("no_bank", sentence, fields={"ngan_hang": sentence})
        written = await question_export.export_questions(
            current.id,
            _wanted(typed, current.name),
            text=clean(typed["tim"]),
            chosen=_chosen(typed),
            by=viewer.account_id,
            by_name=viewer.shown_name,
        )
    except Refusal as refusal:
        return await _page(request, viewer, typed, refusal)
    return download(written.content, written.file_name, written.media_type)


def _chosen(typed: Mapping[str, str]) -> Chosen:
    return {
        "topic": typed["chu_de"] or None,
        "difficulty": typed["muc"] or None,
        "state": typed["tinh_trang"] or None,
    }


def _wanted(typed: Mapping[str, str], title: str) -> Wanted:
    count = whole(typed["so_ma"], largest=LARGEST_COUNT) if typed["so_ma"] else USUAL_VERSIONS
    return Wanted(typed["dinh_dang"], title, count or 0)


def _current(held: list[BankShown], code: str) -> BankShown | None:
    return next((each for each in held if each.code == code), None)


async def _page(
    request: Request, viewer: Viewer, typed: Mapping[str, str], refusal: Refusal | None = None
) -> Response:
    held = await banks()
    current = _current(held, typed["ngan_hang"]) or (held[0] if held else None)
    preview: dict[str, Any] | None = None
    if current and typed["dinh_dang"] and refusal is None:
        try:
            count, losses = await question_export.preview_export(
                current.id,
                _wanted(typed, current.name),
                text=clean(typed["tim"]),
                chosen=_chosen(typed),
            )
            preview = {"count": count, "losses": list(losses)}
        except Refusal as found:
            refusal = found
    errors = (refusal.fields or {"": refusal.sentence}) if refusal else {}
    values = {
        **typed,
        "ngan_hang": current.code if current else "",
        "so_ma": typed["so_ma"] or str(USUAL_VERSIONS),
    }
    return await office_page(
        request,
        viewer,
        "manage/export.html",
        {
            "form": {"values": values, "errors": errors},
            "banks": [{"value": each.code, "label": each.name} for each in held],
            "topics": _options(await questions.topics_of(current.id)) if current else [],
            "levels": _options(DIFFICULTIES),
            "states": _options(STATES),
            "formats": _options(EXPORTS),
            "preview": preview,
        },
        status=status_of(refusal) if refusal else HTTPStatus.OK,
    )


def _options(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in names.items()]
