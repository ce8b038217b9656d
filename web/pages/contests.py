"""A contest's public pages: what it is, its rules, its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from core.clock import local, now
from core.errors import Refusal
from core.text import datetime_shown
from quiz import leaderboard
from quiz import statistics as figures
from quiz.contests import ContestShown, RoundShown, rules_of
from quiz.prizes import PrizeShown, prizes_of
from web.forms import whole
from web.pages.shown import hero, hidden, round_or_current
from web.rules_html import LARGEST_VERSION, pdf_response, sections

CACHE_SECONDS = 5
FIGURES_CACHE_SECONDS = 10
MOST_LABELS = 6


async def contest(request: Request) -> Response:
    found = await _contest(request)

    async def make(_language: str, _part: bool) -> tuple[str, dict[str, Any]]:
        return "contests/contest.html", await _contest_context(request, found)

    return await _answer(request, make, ("contest", found.slug), CACHE_SECONDS)


async def rules(request: Request) -> Response:
    found = await _contest(request)
    asked = request.query_params.get("ban", "")
    version = whole(asked, largest=LARGEST_VERSION)
    if asked and version is None:
        raise Refusal("not_found", "Cuộc thi chưa có thể lệ này.")

    async def make(_language: str, _part: bool) -> tuple[str, dict[str, Any]]:
        shown = await rules_of(found.id, version)
        older = [
            await rules_of(found.id, number)
            for number in range(1, found.rules_version + 1)
            if number != shown.version
        ]
        return "contests/rules.html", {
            "contest": {"slug": found.slug, "title": found.name},
            "rules": {
                "version": str(shown.version),
                "published_at": shown.published_at,
                "sections": sections(shown.body),
                "older": [
                    {
                        "version": str(each.version),
                        "published_at": each.published_at,
                        "url": f"/cuoc-thi/{found.slug}/the-le?ban={each.version}",
                    }
                    for each in older
                ],
                "document": None,
                "pdf": f"/cuoc-thi/{found.slug}/the-le/{shown.version}.pdf"
                if shown.attachment_name
                else None,
            },
        }

    return await _answer(request, make, ("rules", found.slug, str(version)), CACHE_SECONDS)


async def rules_file(request: Request) -> Response:
    """The signed PDF of a version of the rules."""
    found = await _contest(request)
    return await pdf_response(found, whole(request.path_params["version"], largest=LARGEST_VERSION))


async def statistics(request: Request) -> Response:
    found = await _contest(request)
    number = request.query_params.get("dot", "")[:3]

    async def make(_language: str, _part: bool) -> tuple[str, dict[str, Any]]:
        chosen = round_or_current(found, number, now())
        if chosen is None:
            raise Refusal("not_found", "Cuộc thi này không có đợt thi đó.")
        return "contests/statistics.html", await _figures_context(found, chosen)

    return await _answer(
        request,
        make,
        ("statistics", found.slug, number, str(found.board_hidden_at)),
        FIGURES_CACHE_SECONDS,
        may_rest=True,
    )


async def _contest(request: Request) -> ContestShown:
    return await request.app.state.contests.by_slug(request.path_params["slug"])  # type: ignore[no-any-return]  # State has no types


async def _answer(
    request: Request, make: Any, key: tuple[str, ...], seconds: float, *, may_rest: bool = False
) -> Response:
    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request, make, key=key, seconds=seconds, may_rest=may_rest
    )


async def _contest_context(request: Request, found: ContestShown) -> dict[str, Any]:
    at = now()
    totals = await leaderboard.totals([each.id for each in found.rounds])
    shown = hero(found, totals, at)
    shown["contest"] |= {
        "about": [line for line in found.summary.split("\n") if line.strip()],
        "organiser": found.organiser,
        "contact": request.app.state.settings.site_hotline or None,
    }
    return {
        **shown,
        "rounds": [
            {
                "number": each.number,
                "name": each.name,
                "opens_at": each.opens_at,
                "closes_at": each.closes_at,
                "state": "final" if each.result == "final" else each.state_at(at),
                "people_count": hidden(totals[each.id].people_count) if each.id in totals else None,
            }
            for each in found.rounds
        ],
        "divisions": [{"name": each.name, "about": None} for each in found.divisions],
        "prizes": [
            {"name": _prize_name(each), "count": each.prize_count, "value": each.reward or None}
            for each in await prizes_of(found.id)
        ],
        "notices": [each.body for each in await request.app.state.contests.notices(found.id)],
        "stopped": _stopped(found),
        "as_of": at,
    }


def _prize_name(prize: PrizeShown) -> str:
    """giải Nhì, Tuần 1, Người dân"""
    return ", ".join(filter(None, (prize.name, prize.round_name, prize.division_name)))


def _stopped(found: ContestShown) -> str | None:
    """What the organisers have stopped, for those who are still outside."""
    if found.start_stopped_at is not None:
        return (
            f"Ban Tổ chức tạm dừng cho bắt đầu bài mới từ {datetime_shown(found.start_stopped_at)}."
            " Bài đang làm không bị ảnh hưởng."
        )
    if found.entry_stopped_at is not None:
        return f"Ban Tổ chức tạm dừng nhận người mới từ {datetime_shown(found.entry_stopped_at)}."
    return None


async def _figures_context(found: ContestShown, chosen: RoundShown) -> dict[str, Any]:
    at = now()
    shown = await figures.round_figures(chosen.id, chosen.question_count)
    units = await leaderboard.unit_board(chosen.id, at=at)
    answered = sum(each.correct_count * each.attempt_count for each in shown.scores)
    return {
        "contest": {"slug": found.slug, "title": found.name},
        "round_name": chosen.name,
        "rounds": [
            {
                "name": each.name,
                "url": f"/cuoc-thi/{found.slug}/thong-ke?dot={each.number}",
                "is_current": each.id == chosen.id,
            }
            for each in found.rounds
            if each.opens_at <= at
        ],
        "as_of": at,
        "hidden_at": found.board_hidden_at,
        "totals": {
            "people_count": hidden(shown.people_count),
            "attempt_count": hidden(shown.attempt_count),
            "unit_count": len(units),
            "all_correct_rate": _ratio(shown.all_correct_count, shown.attempt_count),
            "average_correct": _ratio(answered, shown.attempt_count),
            "question_count": chosen.question_count,
        },
        "divisions": [
            {
                "name": each.name,
                "people_count": hidden(each.people_count),
                "attempt_count": hidden(each.attempt_count),
                "share": _ratio(each.people_count, shown.people_count),
            }
            for each in shown.divisions
        ],
        "hours": _hours(shown),
        "scores": _scores(shown, chosen.question_count),
        "units": [
            {
                "name": unit.name,
                "people_count": hidden(unit.people_count),
                "attempt_count": hidden(unit.attempt_count),
                "headcount": unit.headcount,
                "rate": None if figures.is_small(unit.people_count) else unit.rate,
            }
            for unit in units
        ],
    }


def _ratio(part: int, whole: int) -> float | None:
    return None if whole < figures.SMALLEST_GROUP else part / whole


def _hours(shown: figures.RoundFigures) -> dict[str, Any]:
    by_hour: Counter[int] = Counter()
    for each in shown.hours:
        by_hour[local(each.hour_at).hour] += each.attempt_count
    bars = [{"label": f"{hour:02d}:00", "count": hidden(by_hour[hour])} for hour in range(24)]
    return {
        "unit": "giờ trong ngày",
        "max": _tallest(bars),
        "bars": bars,
        "labels": ["00:00", "06:00", "12:00", "18:00", "23:00"],
    }


def _scores(shown: figures.RoundFigures, question_count: int) -> dict[str, Any]:
    tally = {each.correct_count: each.attempt_count for each in shown.scores}
    step = max(1, question_count // (MOST_LABELS - 1))
    bars = [
        {"label": str(correct), "count": hidden(tally.get(correct, 0))}
        for correct in range(question_count + 1)
    ]
    return {
        "max": _tallest(bars),
        "bars": bars,
        "labels": [str(correct) for correct in range(0, question_count + 1, step)],
    }


def _tallest(bars: Sequence[Mapping[str, Any]]) -> int:
    """The height of a chart; only of what it shows, or its frame would tell the hidden counts."""
    return max(1, *(bar["count"] or 0 for bar in bars))
