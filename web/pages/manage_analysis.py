"""Which questions of a round did their work, and what do people in which unit not know?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import now
from core.db import transaction
from core.documents import write_sheet
from core.errors import Refusal
from core.queue import enqueue
from core.text import datetime_shown, number
from people.audit import record
from people.roles import Action
from people.sessions import Viewer
from quiz.contests import ContestShown, RoundShown, contest_by_slug
from quiz.question_secrecy import note_bank_seen
from quiz.question_statistics import (
    KnowledgeMap,
    QuestionJudged,
    RoundJudged,
    knowledge_map,
    round_judged,
)
from quiz.questions import DIFFICULTIES
from quiz.statistics import SMALLEST_GROUP
from web.forms import read_form
from web.office import download, office_page, require_on
from web.pages.shown import round_or_current

ADVICE = {
    "few_answers": "chưa đủ lượt để đánh giá",
    "wrong_key": "người làm tốt lại hay chọn phương án khác: nên kiểm tra đáp án",
    "too_hard": "quá khó",
    "too_easy": "gần như ai cũng đúng",
    "weak": "chưa phân biệt được người biết và chưa biết",
    "idle_option": "có phương án hầu như không ai chọn",
}
GRAVE = frozenset({"wrong_key"})
NO_FIGURES = "Đợt này chưa có số liệu. Số liệu được tính sau khi đợt thi đóng, hoặc ban đêm."
# A share of right answers at or below this is marked: the topic needs telling about.
KNOWN_BADLY = 0.5


async def questions(request: Request) -> Response:
    viewer, contest, chosen = await _asked(request, "analyse_questions")
    judged = await round_judged(chosen.id) if chosen else None
    if judged:  # a contest to come may ask the same questions
        await note_bank_seen(contest.bank_id, by=viewer.account_id)
    return await office_page(
        request,
        viewer,
        "manage/analysis.html",
        {
            **_frame(contest, chosen, "phan-tich"),
            "computed_at": judged.computed_at if judged else None,
            "attempt_count": judged.attempt_count if judged else 0,
            "sampled_count": judged.sampled_count if judged else 0,
            "papers": _papers(judged),
            "questions": [_question(each) for each in judged.questions] if judged else [],
            "is_asked": "dang_tinh" in request.query_params,
        },
        contest=contest,
    )


async def compute_again(request: Request) -> Response:
    """Ring for the job; the page tells when its figures were computed."""
    form = await read_form(request)
    _, contest, chosen = await _asked(request, "analyse_questions", form.text("dot"))
    if chosen:
        enqueue("compute_statistics", chosen.id)
    address = f"/quan-tri/cuoc-thi/{contest.slug}/phan-tich?dang_tinh=1"
    return RedirectResponse(
        f"{address}&dot={chosen.number}" if chosen else address, HTTPStatus.SEE_OTHER
    )


async def questions_sheet(request: Request) -> Response:
    viewer, contest, chosen = await _asked(request, "analyse_questions")
    judged = await round_judged(chosen.id) if chosen else None
    if chosen is None or judged is None:
        raise Refusal("no_figures", NO_FIGURES)
    content = write_sheet(
        "Phân tích câu hỏi",
        ("Mã", "Câu hỏi", "Chủ đề", "Mức độ", "Số lượt", "Tỷ lệ đúng (%)", "Độ phân biệt",
         "Hiệu quả phân biệt", "Bỏ trống (%)", "Cần xem"),
        (_sheet_row(each) for each in judged.questions),
        notes=(f"{contest.name} – {chosen.name}", f"Tính lúc {datetime_shown(judged.computed_at)}."),
    )  # fmt: skip
    await _record_export(viewer, contest, chosen, "questions")
    return download(content, f"phan-tich-{contest.slug}-dot-{chosen.number}.xlsx")


async def knowledge(request: Request) -> Response:
    viewer, contest, chosen = await _asked(request, "see_dashboard")
    found = await knowledge_map(chosen.id, fewest_people=SMALLEST_GROUP) if chosen else None
    return await office_page(
        request,
        viewer,
        "manage/knowledge.html",
        {
            **_frame(contest, chosen, "ban-do-kien-thuc"),
            "smallest": SMALLEST_GROUP,
            "topics": list(found.topics.values()) if found else [],
            "overall": _cells(found, found.overall) if found else [],
            "units": [
                {
                    "name": unit.name,
                    "people_count": unit.people_count,
                    "cells": _cells(found, unit.topics),
                }
                for unit in found.units
            ]
            if found
            else [],
        },
        contest=contest,
    )


async def knowledge_sheet(request: Request) -> Response:
    viewer, contest, chosen = await _asked(request, "see_dashboard")
    found = await knowledge_map(chosen.id, fewest_people=SMALLEST_GROUP) if chosen else None
    if chosen is None or found is None:
        raise Refusal("no_figures", NO_FIGURES)
    content = write_sheet(
        "Bản đồ kiến thức",
        ("Đơn vị", "Số người", *(f"{name} (% đúng)" for name in found.topics.values())),
        (
            (unit.name, unit.people_count, *(_percent(unit.topics.get(t)) for t in found.topics))
            for unit in found.units
        ),
        notes=(
            f"{contest.name} – {chosen.name}",
            f"Đơn vị có dưới {SMALLEST_GROUP} người không có dòng riêng.",
        ),
    )
    await _record_export(viewer, contest, chosen, "knowledge")
    return download(content, f"ban-do-kien-thuc-{contest.slug}-dot-{chosen.number}.xlsx")


async def _asked(
    request: Request, action: Action, number: str = ""
) -> tuple[Viewer, ContestShown, RoundShown | None]:
    contest = await contest_by_slug(request.path_params["slug"])
    viewer = await require_on(request, action, contest)
    wanted = number or request.query_params.get("dot", "")
    return viewer, contest, round_or_current(contest, wanted, now())


async def _record_export(
    viewer: Viewer, contest: ContestShown, chosen: RoundShown, what: str
) -> None:
    async with transaction() as connection:
        await record(
            connection,
            by=viewer.account_id,
            action="export_statistics",
            subject=f"contest:{contest.id}",
            detail={"round_id": chosen.id, "what": what},
        )


def _frame(contest: ContestShown, chosen: RoundShown | None, page: str) -> dict[str, Any]:
    path = f"/quan-tri/cuoc-thi/{contest.slug}"
    return {
        "contest": {"title": contest.name, "url": path},
        "round": {"number": chosen.number, "name": chosen.name} if chosen else None,
        "rounds": [
            {
                "name": each.name,
                "url": f"{path}/{page}?dot={each.number}",
                "is_current": each is chosen,
            }
            for each in contest.rounds
        ],
    }


def _papers(judged: RoundJudged | None) -> list[dict[str, Any]]:
    return [
        {"name": each.division_name, **asdict(each.figures)}
        for each in (judged.papers if judged else ())
    ]


def _question(each: QuestionJudged) -> dict[str, Any]:
    return {
        "url": f"/quan-tri/ngan-hang/cau/{each.question_id}",
        "code": each.code,
        "text": each.text,
        "topic": each.topic,
        "level": DIFFICULTIES[each.difficulty],
        "attempt_count": each.attempt_count,
        "facility": each.facility / 100,
        "index": each.discrimination_index,
        "efficiency": each.discrimination_efficiency,
        "unanswered": each.unanswered_share,
        "advice": [{"text": ADVICE[code], "is_grave": code in GRAVE} for code in each.advice],
        "options": [asdict(option) for option in each.options],
    }


def _sheet_row(each: QuestionJudged) -> Sequence[object]:
    return (
        each.code,
        each.text,
        each.topic,
        DIFFICULTIES[each.difficulty],
        each.attempt_count,
        _rounded(each.facility),
        _rounded(each.discrimination_index),
        _rounded(each.discrimination_efficiency),
        _rounded(100 * each.unanswered_share),
        "; ".join(ADVICE[code] for code in each.advice),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _cells(found: KnowledgeMap, topics: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "share": topics[topic].share if topic in topics else None,
            "answers": number(topics[topic].answer_count) if topic in topics else None,
            "is_bad": topic in topics and topics[topic].share <= KNOWN_BADLY,
        }
        for topic in found.topics
    ]


def _percent(cell: Any) -> float | None:
    return None if cell is None else round(100 * cell.share, 1)
