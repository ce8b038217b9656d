"""What do the buttons of the question bank's pages do to the chosen questions?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from core.errors import Refusal
from core.text import number
from people.roles import Action, platform_staff
from quiz import question_review, question_writing
from quiz.bank_making import topics_shown
from web.forms import Form, whole
from web.guard import require

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class _Chosen:
    """What a form says: which questions of which bank, and whatever the deed needs besides."""

    question_ids: Sequence[int]
    bank_id: int
    form: Form
    by: int


@dataclass(frozen=True)
class _Deed:
    action: Action
    done: str  # said afterwards, {n} questions
    do: Callable[[_Chosen], Awaitable[int]]


async def do_deed(
    request: Request, form: Form, question_ids: Sequence[int], *, bank_id: int
) -> None:
    """Do what the pressed button `viec` says; asks for the right to do exactly that."""
    deed = _DEEDS.get(form.text("viec"))
    if deed is None:
        raise Refusal("no_deed", "Hãy chọn việc cần làm với những câu đã đánh dấu.")
    viewer = await require(request, deed.action, None)
    if not question_ids:
        raise Refusal("nothing_chosen", "Hãy đánh dấu những câu cần làm.")
    count = await deed.do(_Chosen(question_ids, bank_id, form, viewer.account_id))
    form.values["so"] = [str(count)]


def said(deed: str, count: str) -> dict[str, str] | None:
    """The line that says what was done, from the address that the form led to."""
    found, done_count = _DEEDS.get(deed), whole(count, largest=LARGEST_ID)
    if found is None or done_count is None:
        return None
    if not done_count:
        return {"kind": "warn", "text": "Không có câu nào thay đổi."}
    return {"kind": "ok", "text": found.done.format(n=number(done_count))}


async def reviewers() -> list[dict[str, str]]:
    """Who may be asked to review, as options of a select."""
    staff = await platform_staff("approve_questions")
    return [{"value": str(account_id), "label": name} for account_id, name in staff.items()]


async def _send(chosen: _Chosen) -> int:
    typed = chosen.form.text("nguoi_duyet")
    assignee_id = whole(typed, largest=LARGEST_ID)
    if typed and assignee_id not in await platform_staff("approve_questions"):
        sentence = "Hãy chọn người thẩm định trong danh sách."
        raise Refusal("bad_assignee", sentence, fields={"nguoi_duyet": sentence})
    return await question_review.send_to_review(
        chosen.question_ids, assignee_id=assignee_id, by=chosen.by
    )


async def _approve(chosen: _Chosen) -> int:
    return await question_review.approve_questions(chosen.question_ids, by=chosen.by)


async def _return(chosen: _Chosen) -> int:
    try:
        return await question_review.return_questions(
            chosen.question_ids, chosen.form.text("ly_do"), by=chosen.by
        )
    except Refusal as refusal:
        raise _at(refusal, {"body": "ly_do"}) from refusal


async def _comment(chosen: _Chosen) -> int:
    try:
        for each in chosen.question_ids:
            await question_review.comment(each, chosen.form.text("y_kien"), by=chosen.by)
    except Refusal as refusal:
        raise _at(refusal, {"body": "y_kien"}) from refusal
    return len(chosen.question_ids)


async def _retire(chosen: _Chosen) -> int:
    return await question_review.retire_questions(chosen.question_ids, by=chosen.by)


async def _bring_back(chosen: _Chosen) -> int:
    return await question_review.bring_back_questions(chosen.question_ids, by=chosen.by)


async def _set_difficulty(chosen: _Chosen) -> int:
    return await question_writing.reclassify_questions(
        chosen.question_ids, difficulty=chosen.form.text("muc_moi"), by=chosen.by
    )


async def _set_topic(chosen: _Chosen) -> int:
    code = chosen.form.text("chu_de_moi")
    topic = next((each for each in await topics_shown(chosen.bank_id) if each.code == code), None)
    if topic is None:
        sentence = "Hãy chọn chủ đề trong danh sách."
        raise Refusal("no_topic", sentence, fields={"chu_de_moi": sentence})
    return await question_writing.reclassify_questions(
        chosen.question_ids, topic_id=topic.id, by=chosen.by
    )


async def _tag(chosen: _Chosen) -> int:
    return await _change_tags(chosen, "add")


async def _untag(chosen: _Chosen) -> int:
    return await _change_tags(chosen, "remove")


async def _change_tags(chosen: _Chosen, how: str) -> int:
    tag = chosen.form.text("nhan_moi")
    try:
        question_writing.checked_tag(tag)
        return await question_writing.tag_questions(
            chosen.question_ids,
            add=[tag] if how == "add" else (),
            remove=[tag.lower()] if how == "remove" else (),
            by=chosen.by,
        )
    except Refusal as refusal:
        raise _at(refusal, {"tags": "nhan_moi"}) from refusal


def _at(refusal: Refusal, names: dict[str, str]) -> Refusal:
    """The same refusal with its sentences at the form's own fields."""
    fields = {names.get(name, name): sentence for name, sentence in refusal.fields.items()}
    return Refusal(refusal.code, refusal.sentence, fields=fields)


_DEEDS = {
    "gui": _Deed("manage_bank", "Đã gửi thẩm định {n} câu.", _send),
    "duyet": _Deed("approve_questions", "Đã duyệt {n} câu.", _approve),
    "tra_lai": _Deed("approve_questions", "Đã trả lại {n} câu để sửa.", _return),
    "y_kien": _Deed("see_bank", "Đã ghi ý kiến.", _comment),
    "ngung": _Deed("manage_bank", "Đã cho ngừng dùng {n} câu.", _retire),
    "dung_lai": _Deed("manage_bank", "Đã đưa {n} câu trở lại bản nháp.", _bring_back),
    "muc": _Deed(
        "manage_bank", "Đã đổi mức độ {n} câu; các câu này cần duyệt lại.", _set_difficulty
    ),
    "chu_de": _Deed("manage_bank", "Đã đổi chủ đề {n} câu; các câu này cần duyệt lại.", _set_topic),
    "gan_nhan": _Deed("manage_bank", "Đã gắn nhãn cho {n} câu.", _tag),
    "bo_nhan": _Deed("manage_bank", "Đã bỏ nhãn của {n} câu.", _untag),
}
