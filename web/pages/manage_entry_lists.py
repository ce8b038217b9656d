"""Who may take part by list, and who is kept out: numbers pasted, sent as a sheet, taken off."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from core.documents import write_sheet
from core.errors import Refusal
from core.text import clean, phone_e164, phone_shown
from people.sessions import Viewer
from quiz import entry_lists
from quiz.contests import ContestShown
from quiz.entry_lists import SHOWN_ENTRIES, ListName, phones_in_sheet, phones_in_text
from web.contest_desk import asked, desk_page, note_refusal, saved
from web.forms import Form, read_form, whole
from web.office import download, read_upload

LARGEST_ID = 2**63 - 1
_LISTS: dict[str, ListName] = {"du-thi": "eligibility", "khong-du-thi": "exclusion"}
_TITLES: dict[ListName, tuple[str, str]] = {
    "eligibility": (
        "Danh sách dự thi",
        "Khi cuộc thi đặt “chỉ theo danh sách”, chỉ những số này vào thi được.",
    ),
    "exclusion": (
        "Danh sách không dự thi",
        "Thành viên Ban Tổ chức, Ban Giám khảo, Tổ Giúp việc, Tổ ra đề: không vào thi được.",
    ),
}


async def list_page(request: Request) -> Response:
    found, viewer = await asked(request)
    return await _page(request, viewer, found, _name(request), Form({}))


async def list_template(request: Request) -> Response:
    await asked(request)
    header = ["Số điện thoại", "Họ tên", "Đơn vị"]
    return download(write_sheet("Danh sách", header, []), "mau-danh-sach.xlsx")


async def add_to_list(request: Request) -> Response:
    """All the numbers or none; pasted ones and those of a sheet together."""
    found, viewer = await asked(request)
    name, form = _name(request), Form({})
    try:
        upload = await read_upload(request, "tep", is_required=False)
        form = upload.form
        phones = phones_in_text(form.text("so"))
        if upload.content:
            phones += await asyncio.to_thread(phones_in_sheet, upload.content)
        if not phones:
            sentence = "Hãy dán số điện thoại hoặc chọn tệp Excel."
            raise Refusal("no_phones", sentence, fields={"so": sentence})
        add = entry_lists.admit if name == "eligibility" else entry_lists.exclude
        await add(found.id, phones, form.text("ghi_chu"), by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal)
        return await _page(request, viewer, found, name, form, status)
    return saved(request, found, f"/danh-sach/{request.path_params['name']}")


async def take_off_list(request: Request) -> Response:
    """One number, or with viec=xoa_het all of them."""
    found, viewer = await asked(request)
    name, form = _name(request), await read_form(request)
    entry_id = whole(form.text("dong"), largest=LARGEST_ID)
    try:
        if form.text("viec") == "xoa_het":
            await entry_lists.empty_list(name, found.id, by=viewer.account_id)
        elif entry_id is None:
            raise Refusal("nothing_chosen", "Hãy chọn số cần bỏ khỏi danh sách.")
        else:
            await entry_lists.remove_entry(name, found.id, entry_id, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal)
        return await _page(request, viewer, found, name, form, status)
    return saved(request, found, f"/danh-sach/{request.path_params['name']}")


def _name(request: Request) -> ListName:
    found = _LISTS.get(request.path_params["name"])
    if found is None:
        raise Refusal("not_found", "Không tìm thấy danh sách này.")
    return found


async def _page(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    name: ListName,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    typed = clean(request.query_params.get("tim", ""))[:30]
    number = phone_e164(typed) if typed else ""
    entries = [] if number is None else await entry_lists.entries_of(name, found.id, number)
    title, about = _TITLES[name]
    return await desk_page(
        request,
        viewer,
        found,
        "manage/entry_list.html",
        {
            "list": {
                "key": request.path_params["name"],
                "title": title,
                "about": about,
                "count": (await entry_lists.list_counts(found.id))[name],
                "is_in_use": name == "exclusion" or found.is_by_list,
            },
            "entries": [
                {"id": each.id, "phone": phone_shown(each.phone), "note": each.note}
                for each in entries
            ],
            "shown_count": SHOWN_ENTRIES,
            "query": typed,
            "may_change": found.state in {"draft", "approved"},
            "form": form.for_page(),
        },
        status=status,
    )
