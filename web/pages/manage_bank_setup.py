"""Setting a bank up: a new bank, its topics, and the legal documents that questions rest on."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import Refusal
from core.text import fold
from people.sessions import Viewer
from quiz import bank_making
from quiz.bank_making import SourceShown
from quiz.overview import BankShown, choose_bank
from web.bank_deeds import LARGEST_ID
from web.forms import Form, day, read_form, whole
from web.guard import require
from web.office import office_page
from web.refusals import status_of

TOPICS = "/quan-tri/ngan-hang/chu-de"
SOURCES = "/quan-tri/ngan-hang/nguon"
SAID = {
    "them": "Đã thêm chủ đề.",
    "doi": "Đã đổi tên chủ đề.",
    "xoa": "Đã xóa chủ đề.",
}


async def new_bank_page(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    return await _new_bank(request, viewer, Form({}))


async def make_bank(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    form = await read_form(request)
    try:
        code = await bank_making.name_bank(form.text("ten"), by=viewer.account_id)
    except Refusal as refusal:
        form.errors = _at(refusal, {"name": "ten"})
        return await _new_bank(request, viewer, form, status_of(refusal))
    return RedirectResponse(f"{TOPICS}?{urlencode({'ngan_hang': code})}", HTTPStatus.SEE_OTHER)


async def topics_page(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    return await _topics(
        request, viewer, await choose_bank(request.query_params.get("ngan_hang", "")), Form({})
    )


async def change_topic(request: Request) -> Response:
    """Add a topic, rename one or remove one: what the pressed button says."""
    viewer = await require(request, "manage_bank", None)
    bank = await choose_bank(request.query_params.get("ngan_hang", ""))
    form = await read_form(request)
    deed, code, by = form.text("viec"), form.text("chu_de"), viewer.account_id
    field = f"ten_{code}" if deed == "doi" else "ten"
    try:
        if deed == "them":
            await bank_making.name_topic(bank.id, form.text("ten"), by=by)
        elif deed == "doi":
            await bank_making.rename_topic(bank.id, code, form.text(field), by=by)
        elif deed == "xoa":
            await bank_making.remove_topic(bank.id, code, by=by)
        else:
            raise Refusal("no_deed", "Hãy chọn việc cần làm.")
    except Refusal as refusal:
        form.errors = _at(refusal, {"name": field})
        return await _topics(request, viewer, bank, form, status_of(refusal))
    query = urlencode({"ngan_hang": bank.code, "xong": deed})
    return RedirectResponse(f"{TOPICS}?{query}", HTTPStatus.SEE_OTHER)


async def sources_page(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    return await _sources(request, viewer, Form({}))


async def change_source(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    form = await read_form(request)
    source_id = whole(form.text("van_ban"), largest=LARGEST_ID) or 0
    try:
        await bank_making.revise_source(
            source_id,
            url=form.text("dia_chi").strip(),
            valid_from=day(form, "tu_ngay"),
            valid_to=day(form, "den_ngay"),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        names = {"url": "dia_chi", "valid_to": "den_ngay"}
        form.errors = {
            f"{name}_{source_id}" if name else "": sentence
            for name, sentence in _at(refusal, names).items()
        }
        return await _sources(request, viewer, form, status_of(refusal))
    tim = urlencode({"tim": form.text("tim"), "xong": source_id})
    return RedirectResponse(f"{SOURCES}?{tim}#van-ban-{source_id}", HTTPStatus.SEE_OTHER)


def _at(refusal: Refusal, names: dict[str, str]) -> dict[str, str]:
    """The refusal's sentences at the form's own fields, or above the form."""
    found = {names.get(name, name): sentence for name, sentence in refusal.fields.items()}
    return found or {"": refusal.sentence}


async def _new_bank(
    request: Request, viewer: Viewer, form: Form, status: int = HTTPStatus.OK
) -> Response:
    context = {"form": form.for_page()}
    return await office_page(request, viewer, "manage/bank_new.html", context, status=status)


async def _topics(
    request: Request, viewer: Viewer, bank: BankShown, form: Form, status: int = HTTPStatus.OK
) -> Response:
    deed = SAID.get(request.query_params.get("xong", ""))
    return await office_page(
        request,
        viewer,
        "manage/bank_topics.html",
        {
            "bank": {
                "name": bank.name,
                "url": f"/quan-tri/ngan-hang?{urlencode({'ngan_hang': bank.code})}",
                "new_url": f"/quan-tri/ngan-hang/cau-moi?{urlencode({'ngan_hang': bank.code})}",
            },
            "action": f"{TOPICS}?{urlencode({'ngan_hang': bank.code})}",
            "topics": [
                {
                    "code": each.code,
                    "field": f"ten_{each.code}",
                    "name": form.text(f"ten_{each.code}") or each.name,
                    "question_count": each.question_count,
                    "is_used": each.is_used,
                }
                for each in await bank_making.topics_shown(bank.id)
            ],
            "form": form.for_page(),
            "flash": {"kind": "ok", "text": deed} if deed else None,
        },
        status=status,
    )


async def _sources(
    request: Request, viewer: Viewer, form: Form, status: int = HTTPStatus.OK
) -> Response:
    wanted = form.text("tim") or request.query_params.get("tim", "")
    found = [each for each in await bank_making.sources() if fold(wanted) in fold(each.document)]
    done = whole(request.query_params.get("xong", ""), largest=LARGEST_ID)
    saved = next((each for each in found if each.id == done), None)
    return await office_page(
        request,
        viewer,
        "manage/sources.html",
        {
            "wanted": {"values": {"tim": wanted[:100]}, "errors": {}},
            "sources": [_source(each, form) for each in found],
            "form": form.for_page(),
            "flash": {"kind": "ok", "text": _touched(saved)} if saved else None,
        },
        status=status,
    )


def _source(each: SourceShown, form: Form) -> dict[str, Any]:
    is_typed = form.text("van_ban") == str(each.id)
    return {
        "id": each.id,
        "document": each.document,
        "url": form.text("dia_chi") if is_typed else each.url,
        "valid_from": form.text("tu_ngay") if is_typed else each.valid_from,
        "valid_to": form.text("den_ngay") if is_typed else each.valid_to,
        "from_day": each.valid_from,
        "to_day": each.valid_to,
        "question_count": each.question_count,
        "approved_count": each.approved_count,
        "is_lapsed": each.is_lapsed,
        "is_open": is_typed,
        "errors": {
            name: form.errors.get(f"{name}_{each.id}")
            for name in ("dia_chi", "tu_ngay", "den_ngay")
        },
    }


def _touched(source: SourceShown) -> str:
    said = f"Đã lưu {source.document}."
    if source.is_lapsed and source.question_count:
        said += f" {source.question_count} câu dựa trên văn bản này không vào đề mới nữa."
    return said
