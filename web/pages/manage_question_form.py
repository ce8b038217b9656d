"""The editor of a question: every field, up to eight options, a picture, and whoever saved first."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import Refusal
from core.text import clean
from people.accounts import account_names
from people.sessions import Viewer
from quiz import images, question_diff, question_history, question_writing, questions
from quiz.bank_making import sources
from quiz.overview import banks, choose_bank
from quiz.pools import PoolOption
from quiz.question_drafts import (
    FEWEST_OPTIONS,
    MOST_OPTIONS,
    QuestionDraft,
    cleaned,
    option_field,
)
from quiz.question_secrecy import note_question_seen
from quiz.questions import DIFFICULTIES, KINDS, QuestionShown
from web.bank_deeds import LARGEST_ID
from web.forms import Form, day, whole
from web.guard import require
from web.office import office_page, read_upload
from web.question_html import difference_shown
from web.refusals import status_of

MOST_FIELDS = 60  # of the form: three an option, and the rest
NEW_OPTIONS = 4
# Fields of a draft → fields of the form; options are pa_1 … pa_8.
NAMES = {
    "code": "ma",
    "topic": "chu_de",
    "difficulty": "muc",
    "kind": "loai",
    "text": "cau_hoi",
    "explanation": "giai_thich",
    "source": "van_ban",
    "article": "dieu",
    "link_url": "lien_ket",
    "image": "hinh",
    "image_alt": "mo_ta_hinh",
    "valid_from": "tu_ngay",
    "valid_to": "den_ngay",
    "answer": "pa_1",
    "tags": "nhan",
}


@dataclass(frozen=True)
class _Target:
    """The question that is edited, or None for one that is to be new, and its bank."""

    bank_id: int
    bank_code: str
    bank_name: str
    question: QuestionShown | None

    @property
    def path(self) -> str:
        if self.question is None:
            return f"/quan-tri/ngan-hang/cau-moi?{urlencode({'ngan_hang': self.bank_code})}"
        return f"/quan-tri/ngan-hang/cau/{self.question.id}/sua"


async def new_page(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    target = await _bank_of(request)
    form = Form({"ma": [await _free_code(target)], "so_pa": [str(NEW_OPTIONS)]})
    return await _editor(request, viewer, target, form)


async def edit_page(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    target = await _question_of(request)
    return await _editor(request, viewer, target, await _kept_form(target))


async def make(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    return await _take(request, viewer, await _bank_of(request))


async def save(request: Request) -> Response:
    viewer = await require(request, "manage_bank", None)
    return await _take(request, viewer, await _question_of(request))


async def _take(request: Request, viewer: Viewer, target: _Target) -> Response:
    """Save, or change the number of options and show the form again: what the pressed button says."""
    try:
        form = await _read(request)
    except Refusal as refusal:
        empty = Form({}, {"": refusal.sentence})
        return await _editor(request, viewer, target, empty, status_of(refusal))
    if _change_options(form):
        return await _editor(request, viewer, target, form)
    try:
        before = target.question.version_id if target.question else None
        version_id, question_id = await _write(target, form, viewer.account_id)
    except Refusal as refusal:
        if not form.errors:
            form.errors = _errors(refusal, form)
        meanwhile = refusal.code == "edited_meanwhile"
        status = HTTPStatus.CONFLICT if meanwhile else status_of(refusal)
        return await _editor(request, viewer, target, form, status, meanwhile=meanwhile)
    done = "nguyen" if version_id == before else "luu"
    address = f"/quan-tri/ngan-hang/cau/{question_id}?xong={done}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


async def _read(request: Request) -> Form:
    """The form; a picture that came with it is kept, and from then on named by `hinh_cu`."""
    upload = await read_upload(request, "hinh", is_required=False, most_fields=MOST_FIELDS)
    form = upload.form
    if form.text("bo_hinh"):
        form.values["hinh_cu"] = [""]
    elif upload.content:
        try:
            image_id = await images.keep_image(
                upload.content, upload.media_type, form.text("mo_ta_hinh")
            )
            form.values["hinh_cu"] = [str(image_id)]
        except Refusal as refusal:
            form.errors = {NAMES.get(name, name): said for name, said in refusal.fields.items()}
    return form


def _change_options(form: Form) -> bool:
    """Add a row or take one away when a button asked for it."""
    deed, count = form.text("viec"), _row_count(form)
    if deed == "them":
        form.values["so_pa"] = [str(min(count + 1, MOST_OPTIONS))]
    elif deed.startswith("bo_"):
        gone = whole(deed.removeprefix("bo_"), largest=MOST_OPTIONS) or count
        _take_row_away(form, gone, count)
    else:
        return False
    return True


def _take_row_away(form: Form, gone: int, count: int) -> None:
    kept = [number for number in range(1, count + 1) if number != gone]
    texts = [form.text(f"pa_{number}") for number in kept]
    for field in ("dung", "ghim"):
        marked = form.values.get(field, [])
        form.values[field] = [
            str(place) for place, number in enumerate(kept, start=1) if str(number) in marked
        ]
    for place, text in enumerate(texts, start=1):
        form.values[f"pa_{place}"] = [text]
    form.values[f"pa_{count}"] = [""]
    form.values["so_pa"] = [str(max(len(kept), FEWEST_OPTIONS))]


def _row_count(form: Form) -> int:
    typed = whole(form.text("so_pa"), largest=MOST_OPTIONS) or NEW_OPTIONS
    return max(typed, FEWEST_OPTIONS)


def _rows(form: Form) -> list[int]:
    """Numbers of the rows that hold an option: words, or a tick that waits for words."""
    return [
        number
        for number in range(1, _row_count(form) + 1)
        if clean(form.text(f"pa_{number}")) or str(number) in form.values.get("dung", [])
    ]


async def _write(target: _Target, form: Form, by: int) -> tuple[int, int]:
    """Keep the question and its tags; give the ids of the version and of the question."""
    draft = await _draft(target, form)
    tags = _tags(form)
    if form.errors:
        raise Refusal("bad_question", "Hãy sửa những chỗ được đánh dấu.")
    seen = whole(form.text("phien_ban"), largest=LARGEST_ID) if target.question else 0
    version_id = await question_writing.save_question(
        target.bank_id,
        code=draft.code,
        topic=draft.topic,
        difficulty=draft.difficulty,
        kind=draft.kind,
        text=draft.text,
        options=draft.options,
        by=by,
        explanation=draft.explanation,
        source=draft.source,
        article=draft.article,
        image_id=draft.image_id,
        image_alt=draft.image_alt,
        link_url=draft.link_url,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
        seen_number=seen or 0,
    )
    question_id = await questions.find_question(target.bank_id, draft.code) or 0
    held = set(target.question.tags) if target.question else set()
    if set(tags) != held:
        await question_writing.tag_questions(
            [question_id], add=set(tags) - held, remove=held - set(tags), by=by
        )
    return version_id, question_id


async def _draft(target: _Target, form: Form) -> QuestionDraft:
    marked, pinned = form.values.get("dung", []), form.values.get("ghim", [])
    image_id = whole(form.text("hinh_cu"), largest=LARGEST_ID)
    if image_id is not None and await images.digest_of(image_id) is None:
        image_id = None
    return cleaned(
        QuestionDraft(
            code=target.question.code if target.question else form.text("ma"),
            topic=form.text("chu_de"),
            difficulty=form.text("muc"),
            kind=form.text("loai"),
            text=form.text("cau_hoi"),
            options=tuple(
                PoolOption(form.text(f"pa_{number}"), str(number) in marked, str(number) in pinned)
                for number in _rows(form)
            ),
            explanation=form.text("giai_thich"),
            source=form.text("van_ban"),
            article=form.text("dieu"),
            image_id=image_id,
            image_alt=form.text("mo_ta_hinh") if image_id is not None else "",
            link_url=form.text("lien_ket"),
            valid_from=_day(form, "tu_ngay"),
            valid_to=_day(form, "den_ngay"),
        )
    )


def _day(form: Form, name: str) -> date | None:
    try:
        return day(form, name)
    except Refusal as refusal:
        form.errors |= refusal.fields
        return None


def _tags(form: Form) -> list[str]:
    typed = [each for each in form.text("nhan").split(",") if clean(each)]
    try:
        found = sorted({question_writing.checked_tag(each) for each in typed})
        if len(found) > question_writing.MOST_TAGS:
            form.errors["nhan"] = f"Mỗi câu có nhiều nhất {question_writing.MOST_TAGS} nhãn."
    except Refusal as refusal:
        form.errors["nhan"] = refusal.sentence
        return []
    return found


def _errors(refusal: Refusal, form: Form) -> dict[str, str]:
    """The refusal's sentences at the form's own fields; an option's fault at its row."""
    rows = _rows(form)
    free = [number for number in range(1, MOST_OPTIONS + 1) if number not in rows]
    at = {option_field(place): f"pa_{number}" for place, number in enumerate((*rows, *free)[:26])}
    found = {{**NAMES, **at}.get(name, name): sentence for name, sentence in refusal.fields.items()}
    return found or {"": refusal.sentence}


async def _bank_of(request: Request) -> _Target:
    found = await choose_bank(request.query_params.get("ngan_hang", ""))
    return _Target(found.id, found.code, found.name, None)


async def _question_of(request: Request) -> _Target:
    question_id = whole(request.path_params["question"], largest=LARGEST_ID)
    question = await questions.get_question(question_id or 0)
    bank = next(each for each in await banks() if each.id == question.bank_id)
    return _Target(bank.id, bank.code, bank.name, question)


async def _free_code(target: _Target) -> str:
    number = await questions.count_questions(target.bank_id) + 1
    while await questions.find_question(target.bank_id, f"{target.bank_code}-{number:03}"):
        number += 1
    return f"{target.bank_code}-{number:03}"


async def _kept_form(target: _Target) -> Form:
    """The current version as if somebody had typed it."""
    question = target.question
    if question is None:
        return Form({})
    words = (await question_history.versions_of(question.id))[0].words
    values = {
        **{
            NAMES[name]: [str(getattr(words, name) or "")]
            for name in (
                "code", "topic", "difficulty", "kind", "text", "explanation", "source", "article",
                "link_url", "image_alt", "valid_from", "valid_to",
            )
        },
        **{f"pa_{place}": [each.text] for place, each in enumerate(words.options, start=1)},
        "dung": [str(place) for place, each in enumerate(words.options, 1) if each.is_correct],
        "ghim": [str(place) for place, each in enumerate(words.options, 1) if each.is_pinned],
        "so_pa": [str(len(words.options))],
        "hinh_cu": [str(words.image_id or "")],
        "nhan": [", ".join(question.tags)],
        "phien_ban": [str(question.number)],
    }  # fmt: skip
    return Form(values)


async def _editor(
    request: Request,
    viewer: Viewer,
    target: _Target,
    form: Form,
    status: int = HTTPStatus.OK,
    *,
    meanwhile: bool = False,
) -> Response:
    if target.question:
        await note_question_seen(target.question.id, by=viewer.account_id)
    topics = await questions.topics_of(target.bank_id)
    conflict = await _conflict(target, form, topics) if meanwhile else None
    image_id = whole(form.text("hinh_cu"), largest=LARGEST_ID)
    digest = await images.digest_of(image_id) if image_id is not None else None
    uses = await question_history.uses_of(target.question.id) if target.question else []
    return await office_page(
        request,
        viewer,
        "manage/question_form.html",
        {
            "action": target.path,
            "bank_name": target.bank_name,
            "bank_url": f"/quan-tri/ngan-hang?{urlencode({'ngan_hang': target.bank_code})}",
            "question": target.question
            and {"id": target.question.id, "code": target.question.code},
            "form": form.for_page(),
            "options": _option_rows(form),
            "may_add": _row_count(form) < MOST_OPTIONS,
            "topics": [{"value": code, "label": name} for code, name in topics.items()],
            "levels": [{"value": code, "label": name} for code, name in DIFFICULTIES.items()],
            "kinds": [{"value": code, "label": name} for code, name in KINDS.items()],
            "sources": [each.document for each in await sources()],
            "image_url": f"/anh/{digest}" if digest else None,
            "frozen": [
                f"{each.contest_name}, {each.round_name}" for each in uses if each.frozen_at
            ],
            "conflict": conflict,
        },
        status=status,
    )


def _option_rows(form: Form) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "letter": string.ascii_uppercase[number - 1],
            "field": f"pa_{number}",
            "text": form.text(f"pa_{number}"),
            "is_correct": str(number) in form.values.get("dung", []),
            "is_pinned": str(number) in form.values.get("ghim", []),
            "error": form.errors.get(f"pa_{number}"),
            "may_go": _row_count(form) > FEWEST_OPTIONS,
        }
        for number in range(1, _row_count(form) + 1)
    ]


async def _conflict(
    target: _Target, form: Form, topics: Mapping[str, str]
) -> dict[str, Any] | None:
    """What was saved meanwhile beside what was typed; the next save knows of it and may go on."""
    if target.question is None:
        return None
    newest = (await question_history.versions_of(target.question.id))[0]
    typed = await _draft(target, form)
    names = await account_names([newest.author_id])
    form.values["phien_ban"] = [str(newest.number)]
    return {
        "number": newest.number,
        "author": names.get(newest.author_id or 0),
        "written_at": newest.written_at,
        "difference": difference_shown(question_diff.compare(newest.words, typed), topics),
    }
