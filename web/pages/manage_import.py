"""Files of questions on their way into a bank: sent, looked at side by side, taken in."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.documents import column_letter
from core.errors import Refusal
from core.text import clean, number
from people.roles import platform_staff
from people.sessions import Viewer
from quiz import import_entries, question_imports, question_review, question_sheet, questions
from quiz.bank_making import name_bank
from quiz.exchange.formats import FORMATS
from quiz.exchange.tables import TABLE_COLUMNS
from quiz.import_entries import Defaults, Entry, Retyped
from quiz.overview import banks
from quiz.pools import PoolOption
from quiz.question_drafts import FEWEST_OPTIONS, MOST_OPTIONS, QuestionDraft, option_field
from quiz.question_imports import ImportShown
from quiz.questions import DIFFICULTIES, KINDS
from web.forms import Form, read_form, whole
from web.guard import require
from web.office import download, office_page, read_upload
from web.refusals import status_of

UPLOAD = "/quan-tri/ngan-hang/nhap"
LIMITS = f"Tối đa {number(question_sheet.ROW_LIMIT)} câu, 10 MB."
ENTRIES_ON_A_PAGE = 50
# 50 questions of the longest kind, every letter with marks: 9 bytes each.
LARGEST_PAGE_BYTES = 4_000_000
MOST_PAGE_FIELDS = 3_000
LARGEST_ID = 2**63 - 1
LARGEST_PAGE = 10_000
FEWEST_ROWS = 4  # of options on the page, empty ones with them
SHOWN_LOSSES = 20
FILE_FORMATS = {
    "docx": "Word", "xlsx": "Excel", "csv": "CSV", "gift": "GIFT", "aiken": "Aiken",
    "moodle_xml": "Moodle XML", "qti": "QTI", "table": "bảng",
}  # fmt: skip
ANYBODY = "moi-nguoi"


async def template(request: Request) -> Response:
    await require(request, "import_bank", None)
    return download(question_sheet.template(), "mau-ngan-hang-cau-hoi.xlsx")


async def upload_page(request: Request) -> Response:
    viewer = await require(request, "import_bank", None)
    return await _upload_page(request, viewer, Form({"chu_de": ["Chung"], "muc": ["medium"]}))


async def upload(request: Request) -> Response:
    """The file is understood first, so that a bank is never made for one that is refused."""
    viewer = await require(request, "import_bank", None)
    form = Form({})
    try:
        sent = await read_upload(request, "tep")
        form = sent.form
        read = await question_imports.read_file(sent.content, sent.file_name)
        import_id = await question_imports.stage_import(
            await _chosen_bank(form, by=viewer.account_id),
            read,
            sent.file_name,
            defaults=Defaults(clean(form.text("chu_de")), form.text("muc")),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        form.errors |= refusal.fields or {"tep": refusal.sentence}
        return await _upload_page(request, viewer, form, status_of(refusal))
    return RedirectResponse(f"{UPLOAD}/{import_id}", HTTPStatus.SEE_OTHER)


async def review_page(request: Request) -> Response:
    viewer = await require(request, "import_bank", None)
    shown = await question_imports.get_import(_import_id(request))
    return await _review_page(request, viewer, shown)


async def review(request: Request) -> Response:
    """Save what was typed; then take in what is ready, or lay the file aside, if that was asked."""
    viewer = await require(request, "import_bank", None)
    import_id = _import_id(request)
    form = await read_form(request, largest_bytes=LARGEST_PAGE_BYTES, most_fields=MOST_PAGE_FIELDS)
    revision = whole(form.text("lan"), largest=LARGEST_ID) or 0
    typed = _typed(form)
    done: dict[str, str] = {}
    try:
        match form.text("viec").partition("-"):
            case ("nhap", _, _):
                await _accept(import_id, typed, revision, form.text("gui"), viewer)
            case ("bo", _, _):
                await question_imports.discard_import(import_id, by=viewer.account_id)
            case ("them", _, entry_id):
                revived = whole(entry_id, largest=LARGEST_ID)
                await question_imports.save_import(
                    import_id, typed, revision=revision, revived=revived
                )
            case ("luu" | "trang", _, page):
                await question_imports.save_import(import_id, typed, revision=revision)
                done = {"trang": page} if page else {"da_luu": "1"}
            case _:
                raise Refusal("bad_form", "Hãy chọn việc cần làm bằng các nút trên trang.")
    except Refusal as refusal:
        if refusal.code == "not_found":
            raise
        shown = await question_imports.get_import(import_id)
        return await _review_page(request, viewer, shown, form, refusal)
    kept = {"trang": form.text("o_trang")} if form.text("o_trang") else {}
    query = urlencode({**kept, **done})
    return RedirectResponse(
        f"{UPLOAD}/{import_id}{f'?{query}' if query else ''}", HTTPStatus.SEE_OTHER
    )


async def map_columns(request: Request) -> Response:
    viewer = await require(request, "import_bank", None)
    import_id = _import_id(request)
    form = await read_form(request)
    chosen = {name: whole(form.text(f"cot_{name}"), largest=LARGEST_PAGE) for name in TABLE_COLUMNS}
    mapping = {name: place for name, place in chosen.items() if place is not None}
    try:
        await question_imports.map_columns(import_id, mapping, by=viewer.account_id)
    except Refusal as refusal:
        if refusal.code == "not_found":
            raise
        shown = await question_imports.get_import(import_id)
        return await _review_page(request, viewer, shown, form, refusal)
    return RedirectResponse(f"{UPLOAD}/{import_id}", HTTPStatus.SEE_OTHER)


async def _accept(
    import_id: int, typed: Mapping[int, Retyped], revision: int, send_to: str, viewer: Viewer
) -> None:
    assignee_id = whole(send_to, largest=LARGEST_ID)
    if assignee_id is not None and assignee_id not in await platform_staff("approve_questions"):
        sentence = "Hãy chọn người thẩm định trong danh sách."
        raise Refusal("bad_assignee", sentence, fields={"gui": sentence})
    taken = await question_imports.accept_import(
        import_id, typed, revision=revision, by=viewer.account_id
    )
    if taken.question_ids and (assignee_id is not None or send_to == ANYBODY):
        await question_review.send_to_review(
            taken.question_ids, assignee_id=assignee_id, by=viewer.account_id
        )


async def _chosen_bank(form: Form, *, by: int) -> int:
    code, name = form.text("ngan_hang"), clean(form.text("ten_moi"))
    if name:  # somebody typed it, while the list above may show the only bank by itself
        try:
            code = await name_bank(name, by=by)
        except Refusal as refusal:
            fields = {"ten_moi": refusal.sentence}
            raise Refusal(refusal.code, refusal.sentence, fields=fields) from refusal
    bank_id = await questions.find_bank(code)
    if bank_id is None:
        sentence = "Hãy chọn ngân hàng câu hỏi trong danh sách, hoặc đặt tên cho ngân hàng mới."
        raise Refusal("no_bank", sentence, fields={"ngan_hang": sentence})
    return bank_id


def _import_id(request: Request) -> int:
    found = whole(request.path_params["import"], largest=LARGEST_ID)
    if found is None:
        raise Refusal("not_found", "Không tìm thấy tệp này.")
    return found


def _typed(form: Form) -> dict[int, Retyped]:
    ids = (whole(each, largest=LARGEST_ID) for each in form.values.get("cau", ()))
    return {each: _retyped(form, f"c{each}_") for each in ids if each is not None}


def _retyped(form: Form, prefix: str) -> Retyped:
    rights = set(form.values.get(f"{prefix}right", ()))
    options = []
    for place in range(len(string.ascii_lowercase)):
        name = f"{prefix}{option_field(place)}"
        if name not in form.values:
            break
        options.append(PoolOption(form.text(name), str(place) in rights))

    def said(name: str) -> str:
        return form.text(f"{prefix}{name}")

    draft = QuestionDraft(
        code=said("code"),
        topic=said("topic"),
        difficulty=said("difficulty"),
        kind=said("kind"),
        text=said("text"),
        options=tuple(options),
        explanation=said("explanation"),
        source=said("source"),
        article=said("article"),
        link_url=said("link_url"),
        image_alt=said("image_alt"),
        valid_from=_day(said("valid_from")),
        valid_to=_day(said("valid_to")),
    )
    return Retyped(draft, is_chosen=bool(said("chosen")), is_right=bool(said("is_right")))


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:  # nothing, or what no date field of a browser sends
        return None


async def _upload_page(
    request: Request, viewer: Viewer, form: Form, status: int = HTTPStatus.OK
) -> Response:
    held = await banks()
    if len(held) == 1:
        form.values.setdefault("ngan_hang", [held[0].code])
    waiting = await question_imports.open_imports()
    return await office_page(
        request,
        viewer,
        "manage/import.html",
        {
            "form": form.for_page(),
            "banks": [{"value": each.code, "label": each.name} for each in held],
            "levels": _options(DIFFICULTIES),
            "accepted": ",".join(
                sorted(
                    {end for each in FORMATS.values() if each.is_read for end in each.extensions}
                )
            ),
            "template_url": "/quan-tri/ngan-hang/mau",
            "limits": LIMITS,
            "waiting": [
                {
                    "url": f"{UPLOAD}/{each.id}",
                    "file": each.file_name,
                    "bank": each.bank_name,
                    "by": each.by_name,
                    "at": each.created_at,
                }
                for each in waiting
            ],
        },
        status=status,
    )


async def _review_page(
    request: Request,
    viewer: Viewer,
    shown: ImportShown,
    form: Form | None = None,
    refusal: Refusal | None = None,
) -> Response:
    """With a refusal the page shows what was typed, not what is kept."""
    typed = _typed(form) if form else {}
    wanted = form.text("o_trang") if form else request.query_params.get("trang", "")
    reviewers = await platform_staff("approve_questions")
    is_open = shown.state == "open" and shown.table is None
    return await office_page(
        request,
        viewer,
        "manage/import_review.html",
        {
            "url": f"{UPLOAD}/{shown.id}",
            "file": shown.file_name,
            "format": FILE_FORMATS.get(shown.file_format, shown.file_format),
            "bank": shown.bank_name,
            "bank_url": f"/quan-tri/ngan-hang?{urlencode({'ngan_hang': shown.bank_code})}",
            "state": shown.state,
            "revision": shown.revision,
            "error": refusal.sentence if refusal else None,
            "is_saved": request.query_params.get("da_luu") == "1",
            "losses": list(shown.losses)[:SHOWN_LOSSES],
            "new_topics": shown.new_topics if is_open else [],
            "topics": shown.topics,
            "levels": _options(DIFFICULTIES),
            "kinds": _options(KINDS),
            "reviewers": [
                {"value": str(account_id), "label": name}
                for account_id, name in reviewers.items()
                if account_id != viewer.account_id
            ],
            "anybody": ANYBODY,
            "table": _table(shown, form),
            **_counts(shown),
            **_entries(shown, typed, whole(wanted, largest=LARGEST_PAGE) or 1),
        },
        status=status_of(refusal) if refusal else HTTPStatus.OK,
    )


def _counts(shown: ImportShown) -> dict[str, int]:
    asked = [each for each in shown.entries if not each.miss]
    return {
        "question_count": len(asked),
        "ready_count": len(shown.ready),
        "fault_count": len(shown.faults),
        "miss_count": len(shown.entries) - len(asked),
        "skipped_count": sum(not each.is_chosen and not each.taken_as for each in asked),
        "taken_count": len(shown.taken),
        "left_count": sum(each.is_waiting for each in asked),
    }


def _table(shown: ImportShown, form: Form | None) -> dict[str, Any] | None:
    if shown.table is None:
        return None
    return {
        "columns": [
            {"value": place, "label": f"{column_letter(place)} · {name or '…'}"}
            for place, name in enumerate(shown.table.names)
        ],
        "missing": list(shown.table.missing),
        "fields": [
            {
                "name": f"cot_{name}",
                "label": label,
                "value": form.text(f"cot_{name}") if form else "",
            }
            for name, label in TABLE_COLUMNS.items()
        ],
    }


def _entries(shown: ImportShown, typed: Mapping[int, Retyped], wanted: int) -> dict[str, Any]:
    """The entries of one page: first what somebody has to look at, then the rest, as in the file."""
    waiting = [each for each in shown.entries if not each.taken_as]
    if shown.state != "open":
        waiting = []
    first = [each for each in waiting if each.miss or each.id in shown.faults]
    rest = [each for each in waiting if not each.miss and each.id not in shown.faults]
    ordered = first + rest
    page_count = max(1, -(-len(ordered) // ENTRIES_ON_A_PAGE))
    page = min(max(1, wanted), page_count)
    begin = (page - 1) * ENTRIES_ON_A_PAGE
    entries = [
        _entry(
            import_entries.retyped(each, typed[each.id])
            if each.id in typed and not each.miss
            else each,
            shown,
        )
        for each in ordered[begin : begin + ENTRIES_ON_A_PAGE]
    ]
    return {
        "to_see": [each for each in entries if each["needs"]],
        "understood": [each for each in entries if not each["needs"]],
        "taken": [{"code": each.taken_as, "text": each.draft.text} for each in shown.taken],
        "page": page,
        "page_count": page_count,
    }


def _entry(entry: Entry, shown: ImportShown) -> dict[str, Any]:
    draft = entry.draft
    faults = dict(shown.faults.get(entry.id, {}))
    own = import_entries.own_faults(entry)
    prefix = f"c{entry.id}_"
    rows = max(FEWEST_ROWS, len(draft.options) + 1, *_option_places(faults))
    if draft.kind == "true_false":
        rows = max(FEWEST_OPTIONS, len(draft.options))
    letters = string.ascii_uppercase
    right = [x for x, each in zip(letters, draft.options, strict=False) if each.is_correct]
    return {
        "id": entry.id,
        "name": f"Câu {entry.id}",
        "place": entry.place,
        "written": entry.written,
        "miss": entry.miss,
        "needs": bool(entry.miss or faults),
        "is_chosen": entry.is_chosen,
        "is_update": bool(draft.code) and draft.code in shown.codes,
        "asks_if_right": any(name in faults for name in entry.doubts.keys() - own.keys())
        or any(not each.text for each in draft.options),
        "faults": [
            {"at": f"{prefix}{_place_of(name)}", "sentence": sentence}
            for name, sentence in faults.items()
        ],
        "losses": list(entry.losses),
        "alike": [
            {"where": each.where, "text": each.text, "percent": each.percent}
            for each in entry.alike
        ],
        "image": entry.image_digest,
        "prefix": prefix,
        "form": {
            "values": {f"{prefix}{name}": value for name, value in _values(draft).items()},
            "errors": {f"{prefix}{_place_of(name)}": each for name, each in faults.items()},
        },
        "text": draft.text,
        "topic": draft.topic,
        "level": DIFFICULTIES.get(draft.difficulty, ""),
        "answer": ", ".join(right),
        "right_texts": "; ".join(each.text for each in draft.options if each.is_correct),
        "is_several": draft.kind == "multiple",
        "has_details_fault": any(name in faults for name in _DETAILS),
        "options": [
            {
                "letter": letters[place],
                "name": f"{prefix}{option_field(place)}",
                "value": place,
                "text": draft.options[place].text if place < len(draft.options) else "",
                "is_correct": place < len(draft.options) and draft.options[place].is_correct,
            }
            for place in range(min(rows, max(MOST_OPTIONS, len(draft.options))))
        ],
    }


_DETAILS = ("explanation", "source", "article", "link_url", "code", "valid_from", "valid_to")
_FIELDS = (*_DETAILS, "text", "topic", "difficulty", "kind", "answer", "image_alt")


def _place_of(name: str) -> str:
    """The field that shows a fault; what has no field of its own stands at the question's."""
    return name if name in _FIELDS or name.startswith("option_") else "whole"


def _option_places(faults: Mapping[str, str]) -> Sequence[int]:
    places = {option_field(place): place + 1 for place in range(MOST_OPTIONS)}
    return [places[name] for name in faults if name in places]


def _values(draft: QuestionDraft) -> dict[str, str]:
    return {
        "code": draft.code,
        "topic": draft.topic,
        "difficulty": draft.difficulty,
        "kind": draft.kind,
        "text": draft.text,
        "explanation": draft.explanation,
        "source": draft.source,
        "article": draft.article,
        "link_url": draft.link_url,
        "image_alt": draft.image_alt,
        "valid_from": draft.valid_from.isoformat() if draft.valid_from else "",
        "valid_to": draft.valid_to.isoformat() if draft.valid_to else "",
    }


def _options(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in names.items()]
