"""The one page on which a contest is put together and judged: every part, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from core.clock import local, now
from core.text import datetime_shown, deadline_shown
from people.roles import may
from people.sessions import Viewer
from quiz import rules_draft
from quiz.contest_editing import next_name
from quiz.contests import (
    PREDICTION_TARGETS,
    PUBLIC_STATES,
    ContestShown,
    RoundShown,
    rules_of,
    rules_sentence,
)
from quiz.entry_lists import list_counts
from quiz.overview import banks
from quiz.prizes import KINDS, MEASURES, prize_sentence, prizes_of, unit_blocks
from quiz.ranking import COMPARATORS
from web.contest_desk import (
    approval,
    blueprints,
    checklist,
    desk_page,
    frozen_papers,
    path_of,
    unit_choices,
    with_defaults,
)
from web.forms import Form
from web.office import may_on
from web.pages.shown import attempt_policy, short_attempts

REVIEWS = {
    "at_once": "Ngay sau khi nộp bài",
    "after_close": "Sau khi đợt đóng",
    "after_final": "Sau khi có kết quả chính thức",
    "never": "Không cho xem",
}
# As `quiz.contests.rules_sentence` says them, for a list.
COMPARATOR_NAMES = {
    "points": "Điểm cao hơn",
    "prediction_gap": "Dự đoán sát hơn",
    "duration": "Thời gian làm bài ngắn hơn",
    "closed_at": "Nộp bài sớm hơn",
}
USUAL_MINUTES = 20


async def workspace(
    request: Request, viewer: Viewer, found: ContestShown, form: Form, status: int = HTTPStatus.OK
) -> Response:
    papers = await frozen_papers(found)
    units = await unit_choices(viewer)
    may_approve = may_on(viewer, "approve_contest", found)
    may_manage = may_on(viewer, "manage_contest", found)
    may_judge = found.state in PUBLIC_STATES and may_on(viewer, "analyse_questions", found)
    return await desk_page(
        request,
        viewer,
        found,
        "manage/contest.html",
        {
            **await checklist(found),
            "approval": await approval(viewer, found),
            "may_manage": may_manage,
            "may_try": may_approve or may_manage,
            "facts": await _facts(found),
            "units": units,
            "everybody": may(viewer, "manage_contest", None),
            "reviews": _options(REVIEWS),
            "divisions": found.divisions,
            "rounds": [_round(found, each, papers, may_judge=may_judge) for each in found.rounds],
            "blueprint": await blueprints(found),
            "pools": papers,
            "ranking": _ranking(found),
            "predictions": _options(PREDICTION_TARGETS),
            "prizes": [
                {"id": each.id, "text": prize_sentence(each)} for each in await prizes_of(found.id)
            ],
            **await prize_choices(found),
            "lists": await list_counts(found.id),
            "rules": await rules_shown(found),
            "form": with_defaults(form, _basics(found), _next_round(found), NEW_PRIZE),
        },
        status=status,
    )


NEW_PRIZE = {"giai_so": "1", "giai_loai": "individual"}


async def prize_choices(found: ContestShown) -> dict[str, Any]:
    """What the fields of a prize offer."""
    return {
        "prize_kinds": _options(KINDS),
        "prize_measures": _options(MEASURES),
        "prize_blocks": await unit_blocks(),
        "prize_rounds": [{"value": each.id, "label": each.name} for each in found.rounds],
        "prize_divisions": [{"value": each.id, "label": each.name} for each in found.divisions],
    }


async def rules_shown(found: ContestShown) -> dict[str, Any] | None:
    if not found.rules_version:
        return None
    shown = await rules_of(found.id)
    return {
        "version": shown.version,
        "published_at": shown.published_at,
        "attachment": shown.attachment_name,
        "has_ranking": rules_sentence(found.comparators, found.prediction) in shown.body,
    }


def _options(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in names.items()]


async def _facts(found: ContestShown) -> list[tuple[str, str]]:
    """What the contest says of itself, for those who only read."""
    bank = next((each.name for each in await banks() if each.id == found.bank_id), "")
    ages = [
        f"từ {found.youngest_age}" if found.youngest_age is not None else "",
        f"đến {found.oldest_age}" if found.oldest_age is not None else "",
    ]
    facts = [
        ("Đường dẫn", f"/cuoc-thi/{found.slug}"),
        ("Ngân hàng câu hỏi", bank),
        ("Đơn vị tổ chức", found.organiser),
        ("Dành cho", found.audience),
        ("Giới thiệu", found.summary),
        ("Tuổi", " ".join(filter(None, ages))),
        ("Xem đáp án", REVIEWS[found.review]),
        ("Khóa bảng xếp hạng trước khi đóng", _minutes(found.board_freeze_seconds)),
        ("Mỗi người một giải", "có" if found.is_one_prize else "không"),
    ]
    return [(name, value) for name, value in facts if value]


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} phút" if seconds else ""


def _basics(found: ContestShown) -> dict[str, object]:
    return {
        "ten": found.name,
        "duong_dan": found.slug,
        "tom_tat": found.summary,
        "doi_tuong": found.audience,
        "ben_to_chuc": found.organiser,
        "don_vi": found.unit_id,
        "tuoi_tu": found.youngest_age,
        "tuoi_den": found.oldest_age,
        "xem_lai": found.review,
        "khoa_bang": found.board_freeze_seconds // 60 or None,
        "theo_danh_sach": "1" if found.is_by_list else "",
        "mot_giai": "1" if found.is_one_prize else "",
    }


def _next_round(found: ContestShown) -> dict[str, object]:
    """What the form for another round begins with: the week after the last, else next Monday."""
    if found.rounds:
        last = max(found.rounds, key=lambda each: each.opens_at)
        week = timedelta(days=7)
        return {
            "dot_ten": next_name(last.name, last.number, len(found.rounds) + 1),
            "mo": datetime_shown(last.opens_at + week),
            "dong": deadline_shown(last.closes_at + week),
            "phut": last.time_limit_seconds // 60,
            "so_luot": last.attempt_limit,
        }
    today = local(now())
    monday = (today + timedelta(days=7 - today.weekday())).replace(hour=8, minute=0)
    sunday = monday + timedelta(days=6)
    return {
        "dot_ten": "Tuần 1",
        "mo": f"{monday:%H:%M} ngày {monday:%d/%m/%Y}",
        "dong": f"24 giờ ngày {sunday:%d/%m/%Y}",
        "phut": USUAL_MINUTES,
        "so_luot": 1,
    }


def _round(
    found: ContestShown,
    each: RoundShown,
    papers: Sequence[Mapping[str, Any]],
    *,
    may_judge: bool,
) -> dict[str, Any]:
    is_frozen = any(paper["round_id"] == each.id for paper in papers)
    return {
        "number": each.number,
        "name": each.name,
        "opens_at": each.opens_at,
        "closes_at": each.closes_at,
        "written": [each.opens_as_written, each.closes_as_written],
        "minutes": each.time_limit_seconds // 60,
        "attempts": short_attempts(each),
        "policy": attempt_policy(each),
        "question_count": each.question_count,
        "paper_state": "đề đã khóa" if is_frozen else "đề chưa khóa",
        "has_frozen_paper": is_frozen,
        "result_url": f"{path_of(found)}/ket-qua?dot={each.number}" if may_judge else None,
        "is_final": each.result == "final",
    }


def _ranking(found: ContestShown) -> dict[str, Any]:
    return {
        "sentence": rules_sentence(found.comparators, found.prediction),
        "section": rules_draft.ranking_section(found),
        "prediction": found.prediction,
        "order": [{"name": each, "label": COMPARATOR_NAMES[each]} for each in found.comparators],
        "more": [
            {"name": each, "label": COMPARATOR_NAMES[each]}
            for each in COMPARATORS
            if each not in found.comparators and each != "prediction_gap"
        ],
    }
