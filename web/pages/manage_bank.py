"""The question bank: search it, work on many questions at once."""

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
from core.text import clean, name_sort_key
from people.accounts import account_names
from people.roles import may
from people.sessions import Viewer
from quiz import questions
from quiz.overview import BankShown, banks, choose_bank, used_counts
from quiz.question_secrecy import note_bank_seen
from quiz.questions import (
    DIFFICULTIES,
    KINDS,
    LAPSES,
    ORDERS,
    PAGE_SIZE,
    STATES,
    Chosen,
    QuestionShown,
)
from web.bank_deeds import LARGEST_ID, do_deed, reviewers, said
from web.forms import read_form, whole
from web.guard import require
from web.office import office_page
from web.refusals import status_of

LONGEST_TYPED = 2_000
LARGEST_PAGE = 10_000
_BULK_FIELDS = ("nguoi_duyet", "ly_do", "muc_moi", "chu_de_moi", "nhan_moi")
# The fields of the filter form, which its address keeps.
_FILTERS = (
    "tim", "chu_de", "muc", "tinh_trang", "nhan", "hieu_luc", "nguoi_viet", "nguoi_doc", "xep",
)  # fmt: skip


async def bank(request: Request) -> Response:
    viewer = await require(request, "see_bank", None)
    return await _bank_page(request, viewer, request.query_params, {})


async def do_to_many(request: Request) -> Response:
    """What the pressed button says, to all marked questions or to none."""
    viewer = await require(request, "see_bank", None)
    form = await read_form(request)
    wanted = [whole(each, largest=LARGEST_ID) for each in form.values.get("cau", ())]
    try:
        current = await choose_bank(form.text("ngan_hang"))
        await do_deed(
            request,
            form,
            [each for each in wanted if each is not None],
            bank_id=current.id,
        )
    except Refusal as refusal:
        typed = {name: form.text(name) for name in form.values}
        errors = refusal.fields or {"": refusal.sentence}
        marked = form.values.get("cau", ())
        return await _bank_page(request, viewer, typed, errors, status_of(refusal), marked)
    kept = {name: form.text(name) for name in ("ngan_hang", *_FILTERS) if form.text(name)}
    query = urlencode({**kept, "xong": form.text("viec"), "so": form.text("so")})
    return RedirectResponse(f"/quan-tri/ngan-hang?{query}", HTTPStatus.SEE_OTHER)


async def _bank_page(
    request: Request,
    viewer: Viewer,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = HTTPStatus.OK,
    marked: Sequence[str] = (),
) -> Response:
    held = await banks()
    current = _chosen(held, typed.get("ngan_hang", ""))
    context = await _questions(current, typed, marked) if current else _NO_QUESTIONS
    if current:
        await note_bank_seen(current.id, by=viewer.account_id)
    may_edit = may(viewer, "manage_bank", None)
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
            "form": {
                "values": {name: typed.get(name, "")[:LONGEST_TYPED] for name in _BULK_FIELDS},
                "errors": errors,
            },
            "levels": _options(DIFFICULTIES),
            "states": _options(STATES),
            "lapses": _options(LAPSES),
            "orders": _options(ORDERS),
            "reviewers": await reviewers() if may_edit else [],
            "may": {
                "edit": may_edit,
                "import": may(viewer, "import_bank", None),
                "export": may(viewer, "export_bank", None),
                "approve": may(viewer, "approve_questions", None),
            },
            "flash": said(typed.get("xong", ""), typed.get("so", "")),
        },
        status=status,
    )


def _chosen(held: Sequence[BankShown], code: str) -> BankShown | None:
    return next((each for each in held if each.code == code), held[0] if held else None)


_NO_QUESTIONS: Mapping[str, Any] = {
    "topics": [],
    "tags": [],
    "authors": [],
    "readers": [],
    "available": [],
    "questions": [],
    "total": 0,
    "mark_all_url": None,
    "pages": {"number": 1, "count": 1, "previous": None, "next": None},
}


async def _questions(
    current: BankShown, typed: Mapping[str, str], marked: Sequence[str]
) -> dict[str, Any]:
    text = clean(typed.get("tim", ""))[:100]
    chosen: Chosen = {
        "topic": typed.get("chu_de") or None,
        "difficulty": typed.get("muc") or None,
        "state": typed.get("tinh_trang") or None,
        "tag": typed.get("nhan") or None,
        "lapse": typed.get("hieu_luc") or None,
        "author_id": whole(typed.get("nguoi_viet", ""), largest=LARGEST_ID),
        "assignee_id": whole(typed.get("nguoi_doc", ""), largest=LARGEST_ID),
    }
    total = await questions.count_questions(current.id, text, **chosen)
    page_count = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, whole(typed.get("trang", ""), largest=LARGEST_PAGE) or 1), page_count)
    found = await questions.find_questions(
        current.id, text, page=page, order=typed.get("xep", ""), **chosen
    )
    used = await used_counts([each.id for each in found])
    authors = await questions.authors_of(current.id)
    names = await account_names([*authors, *(each.assignee_id for each in found)])
    topics = await questions.topics_of(current.id)
    kept = {name: typed[name] for name in _FILTERS if typed.get(name)}
    ids = {str(each.id) for each in found} if typed.get("chon") == "het" else set(marked)

    def url(page: int, **more: str) -> str:
        query = urlencode({"ngan_hang": current.code, **kept, "trang": page, **more})
        return f"/quan-tri/ngan-hang?{query}"

    return {
        "topics": _options(topics),
        "tags": [{"value": each, "label": each} for each in await questions.tags_of(current.id)],
        "authors": _people(authors, names),
        "readers": await reviewers(),
        "available": _matrix(topics, await _available(current.id)),
        "questions": [
            _question(each, used.get(each.id, 0), names) | {"is_marked": str(each.id) in ids}
            for each in found
        ],
        "total": total,
        "mark_all_url": url(page, chon="het"),
        "pages": {
            "number": page,
            "count": page_count,
            "previous": url(page - 1) if page > 1 else None,
            "next": url(page + 1) if page < page_count else None,
        },
    }


async def _available(bank_id: int) -> Mapping[tuple[str, str], int]:
    return await questions.available_counts(bank_id, on=local_day(now()))


def _matrix(
    topics: Mapping[str, str], counts: Mapping[tuple[str, str], int]
) -> list[dict[str, Any]]:
    rows = [
        (name, [counts.get((code, level), 0) for level in DIFFICULTIES])
        for code, name in topics.items()
    ]
    return [{"topic": name, "counts": found, "total": sum(found)} for name, found in rows]


def _question(each: QuestionShown, used_count: int, names: Mapping[int, str]) -> dict[str, Any]:
    lapse = each.lapse(local_day(now()))
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
        "valid_to": each.last_day,
        "lapse": LAPSES[lapse] if lapse else None,
        "is_lapsed": lapse == "lapsed",
        "state": each.state,
        "state_name": STATES[each.state],
        "author": names.get(each.author_id or 0),
        "reader": names.get(each.assignee_id or 0) if each.state == "in_review" else None,
        "tags": each.tags,
        "used_count": used_count,
    }


def _people(account_ids: Sequence[int], names: Mapping[int, str]) -> list[dict[str, str]]:
    found = [
        {"value": str(each), "label": names.get(each, "")} for each in account_ids if each in names
    ]
    return sorted(found, key=lambda option: name_sort_key(option["label"]))


def _options(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in names.items()]
