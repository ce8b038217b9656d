"""One question: its words and key, what was said of it, how it changed, where it is used."""

from __future__ import annotations

import string
from collections.abc import Mapping
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.errors import Refusal
from people.accounts import account_names
from people.roles import may
from people.sessions import Viewer
from quiz import question_diff, question_history, questions
from quiz.question_history import CommentShown, StatisticShown, VersionShown
from quiz.question_secrecy import note_question_seen
from quiz.questions import DIFFICULTIES, KINDS, LAPSES, STATES, QuestionShown
from web.bank_deeds import LARGEST_ID, do_deed, reviewers, said
from web.forms import Form, read_form, whole
from web.guard import require
from web.office import office_page
from web.question_html import difference_shown, options_shown
from web.refusals import status_of

SAVED = {"luu": "Đã lưu phiên bản mới.", "nguyen": "Không có gì thay đổi, phiên bản cũ vẫn giữ."}
COMMENT_KINDS = {
    "said": "góp ý",
    "sent": "gửi thẩm định",
    "returned": "trả lại để sửa",
    "approved": "duyệt",
}


async def question(request: Request) -> Response:
    viewer = await require(request, "see_bank", None)
    found = await _asked_for(request)
    return await _question_page(request, viewer, found, Form({}))


async def act(request: Request) -> Response:
    """Send, approve, return, retire, bring back or say something: what the pressed button says."""
    viewer = await require(request, "see_bank", None)
    found = await _asked_for(request)
    form = await read_form(request)
    try:
        await do_deed(request, form, [found.id], bank_id=found.bank_id)
    except Refusal as refusal:
        if refusal.code == "not_found":
            raise
        form.errors = refusal.fields or {"": refusal.sentence}
        return await _question_page(request, viewer, found, form, status_of(refusal))
    address = f"/quan-tri/ngan-hang/cau/{found.id}?xong={form.text('viec')}&so={form.text('so')}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


async def _asked_for(request: Request) -> QuestionShown:
    question_id = whole(request.path_params["question"], largest=LARGEST_ID)
    return await questions.get_question(question_id or 0)


async def _question_page(
    request: Request,
    viewer: Viewer,
    found: QuestionShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    await note_question_seen(found.id, by=viewer.account_id)
    versions = await question_history.versions_of(found.id)
    comments = await question_history.comments_of(found.id)
    uses = await question_history.uses_of(found.id)
    names = await account_names(
        [
            found.assignee_id,
            found.approver_id,
            *(each.author_id for each in versions),
            *(each.by for each in comments),
        ]
    )
    topics = await questions.topics_of(found.bank_id)
    done = request.query_params.get("xong", "")
    return await office_page(
        request,
        viewer,
        "manage/question.html",
        {
            "question": _shown(found, versions[0], names),
            "may": _permissions(viewer, found),
            "reviewers": [
                each for each in await reviewers() if each["value"] != str(found.author_id)
            ],
            "form": form.for_page(),
            "history": _history(versions, names, topics),
            "comments": [_comment(each, names) for each in comments],
            "uses": [
                {
                    "contest": each.contest_name,
                    "url": f"/quan-tri/cuoc-thi/{each.slug}",
                    "round": each.round_name,
                    "division": each.division_name,
                    "version": each.version_number,
                    "is_old": each.version_number not in {None, found.number},
                    "frozen_at": each.frozen_at,
                }
                for each in uses
            ],
            "statistics": [
                _statistic(each) for each in await question_history.statistics_of(found.id)
            ],
            "flash": {"kind": "ok", "text": SAVED[done]}
            if done in SAVED
            else said(done, request.query_params.get("so", "")),
        },
        status=status,
    )


def _shown(found: QuestionShown, current: VersionShown, names: Mapping[int, str]) -> dict[str, Any]:
    lapse = found.lapse(local_day(now()))
    return {
        "id": found.id,
        "code": found.code,
        "number": found.number,
        "state": found.state,
        "state_name": STATES[found.state],
        "text": found.text,
        "topic": found.topic_name,
        "level": DIFFICULTIES[found.difficulty],
        "kind": KINDS[found.kind],
        "options": options_shown(current.words),
        "explanation": found.explanation or None,
        "link": found.link_url or None,
        "source": found.source or None,
        "article": found.article or None,
        "source_valid_to": found.source_valid_to,
        "valid_from": found.valid_from,
        "valid_to": found.valid_to,
        "lapse": LAPSES[lapse] if lapse else None,
        "is_lapsed": lapse == "lapsed",
        "image_url": f"/anh/{found.image_digest}" if found.image_digest else None,
        "image_alt": found.image_alt,
        "tags": found.tags,
        "author": names.get(found.author_id or 0),
        "written_at": found.written_at,
        "reader": names.get(found.assignee_id or 0),
        "approver": names.get(found.approver_id or 0),
    }


def _permissions(viewer: Viewer, found: QuestionShown) -> dict[str, bool]:
    may_edit = may(viewer, "manage_bank", None)
    may_approve = may(viewer, "approve_questions", None)
    is_own = found.author_id == viewer.account_id
    return {
        "edit": may_edit,
        "send": may_edit and found.state in {"draft", "in_review"},
        "approve": may_approve and found.state == "in_review" and not is_own,
        "return": may_approve and found.state == "in_review",
        "is_own": may_approve and found.state == "in_review" and is_own,
        "retire": may_edit and found.state != "retired",
        "bring_back": may_edit and found.state == "retired",
    }


def _history(
    versions: list[VersionShown], names: Mapping[int, str], topics: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each version with what it changed of the one before it; the first changed nothing."""
    differences = [
        difference_shown(question_diff.compare(older.words, newer.words), topics)
        for newer, older in pairwise(versions)
    ]
    return [
        {
            "number": each.number,
            "author": names.get(each.author_id or 0),
            "written_at": each.written_at,
            "difference": difference,
        }
        for each, difference in zip(versions, [*differences, None], strict=True)
    ]


def _comment(each: CommentShown, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "by": names.get(each.by or 0),
        "kind": each.kind,
        "kind_name": COMMENT_KINDS[each.kind],
        "version": each.version_number,
        "body": each.body or None,
        "said_at": each.said_at,
    }


def _statistic(each: StatisticShown) -> dict[str, Any]:
    """Facility, index and efficiency are percentages already, an option's shares are not."""
    return {
        "contest": each.contest_name,
        "round": each.round_name,
        "version": each.version_number,
        "attempt_count": each.content.get("attempt_count"),
        "facility": each.content.get("facility"),
        "discrimination_index": each.content.get("discrimination_index"),
        "discrimination_efficiency": each.content.get("discrimination_efficiency"),
        "options": [
            {**option, "letter": string.ascii_uppercase[option["place"]]}
            for option in each.content.get("options", ())
        ],
        "computed_at": each.computed_at,
    }
