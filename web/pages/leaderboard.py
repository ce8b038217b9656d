"""The public boards of a round, and a person's own place on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from core.clock import now
from core.errors import Refusal
from quiz import leaderboard
from quiz.contests import ContestShown, DivisionShown, RoundShown, open_round, rules_sentence
from quiz.entering import participant_of
from web.forms import whole
from web.guard import signed_in
from web.pages.shown import board_row, hidden, round_or_current
from web.render import render

CACHE_SECONDS = 3
LARGEST_PAGE = 10**9
UNITS = "don-vi"


async def board(request: Request) -> Response:
    contest: ContestShown = await request.app.state.contests.by_slug(request.path_params["slug"])
    query = request.query_params
    number, tab = query.get("dot", "")[:3], query.get("bang", "")[:40]
    page = whole(query.get("trang", ""), largest=LARGEST_PAGE) or 1
    page = min(page, leaderboard.LAST_PAGE)
    if tab not in {UNITS, *(each.code for each in contest.divisions)}:
        tab = contest.divisions[0].code if contest.divisions else UNITS

    async def make(_language: str, part: bool) -> tuple[str, dict[str, Any]]:
        chosen = round_or_current(contest, number, now())
        if chosen is None:
            raise Refusal("not_found", "Cuộc thi này không có đợt thi đó.")
        template = "leaderboard/_board.html" if part else "leaderboard/leaderboard.html"
        return template, await _context(contest, chosen, tab, page)

    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request,
        make,
        key=("board", contest.slug, number, tab, str(page), str(contest.board_hidden_at)),
        seconds=CACHE_SECONDS,
        may_rest=True,
    )


async def around_me(request: Request) -> Response:
    contest: ContestShown = await request.app.state.contests.by_slug(request.path_params["slug"])
    viewer = await signed_in(request)
    at = now()
    chosen = round_or_current(contest, request.query_params.get("dot", "")[:3], at)
    if chosen is None:
        raise Refusal("not_found", "Cuộc thi này không có đợt thi đó.")
    entered = await participant_of(viewer.person_id, contest.id)
    place = (
        await leaderboard.place_of(chosen.id, entered.participant_id, reach=5)
        if entered and not chosen.is_board_frozen(at) and contest.board_hidden_at is None
        else None
    )
    division = next(
        (each for each in contest.divisions if entered and each.id == entered.division_id), None
    )
    return render(
        request,
        "leaderboard/around_me.html",
        {
            "contest": {"slug": contest.slug, "title": contest.name},
            "round_name": chosen.name,
            "division": division.name if division else None,
            "standing": None
            if place is None
            else {
                "rank": place.rank,
                "total": place.people_count,
                "is_final": chosen.result == "final",
                "note": rules_sentence(contest.comparators, contest.prediction),
            },
            "rows": [
                board_row(row, actual=chosen.prediction_actual, me=place.participant_id)
                for row in place.around
            ]
            if place
            else [],
            "show_gap": chosen.prediction_actual is not None,
            "as_of": at,
            "hidden_at": contest.board_hidden_at,
            "can_enter": open_round(contest, at) is not None,
        },
    )


async def _context(
    contest: ContestShown, chosen: RoundShown, tab: str, page: int
) -> dict[str, Any]:
    at = now()
    snapshot = (
        await leaderboard.find_snapshot(chosen.id)
        if chosen.is_board_frozen(at) and contest.board_hidden_at is None
        else None
    )
    rows, pages, total = await _lines(contest, chosen, tab, page, snapshot, at)
    return {
        "contest": {"slug": contest.slug, "title": contest.name},
        "rounds": [
            {
                "name": each.name,
                "url": _url(contest, each, tab),
                "is_current": each.id == chosen.id,
            }
            for each in contest.rounds
            if each.opens_at <= at
        ],
        "tabs": _tabs(contest, chosen, tab),
        "board": {**_heading(contest, chosen, tab, snapshot, at), "total": total},
        "rows": rows,
        "show_gap": chosen.prediction_actual is not None,
        "pages": _pages(contest, chosen, tab, pages),
    }


def _heading(
    contest: ContestShown, chosen: RoundShown, tab: str, snapshot: Any | None, at: datetime
) -> dict[str, Any]:
    """What stands above the lines: how final they are, as of when, in which order."""
    state = "frozen" if snapshot is not None else "provisional"
    if contest.board_hidden_at is not None:
        state = "hidden"
    elif chosen.result == "final":
        state = "final"
    may_appeal = state == "provisional" and chosen.appeals_until and chosen.appeals_until > at
    return {
        "kind": "units" if tab == UNITS else "people",
        "state": state,
        "as_of": snapshot["taken_at"] if snapshot else at,
        "frozen_at": snapshot["taken_at"] if snapshot else None,
        "appeals_until": chosen.appeals_until if may_appeal else None,
        "opens_at": None,
        "hidden_at": contest.board_hidden_at,
        "note": "Xếp theo tỷ lệ người tham gia so với số người của đơn vị."
        if tab == UNITS
        else rules_sentence(contest.comparators, contest.prediction),
    }


async def _lines(
    contest: ContestShown,
    chosen: RoundShown,
    tab: str,
    page: int,
    snapshot: Any | None,
    at: datetime,
) -> tuple[list[dict[str, Any]], leaderboard.Board | None, int]:
    """The lines of this page, the pages there are (units have one), and how many lines in all."""
    if contest.board_hidden_at is not None:
        return [], None, 0
    content = snapshot["content"] if snapshot else None
    if tab == UNITS:
        units = await _units(chosen, content, at)
        return units, None, len(units)
    division = next(each for each in contest.divisions if each.code == tab)
    found = await _people(chosen, division, content, page)
    rows = [board_row(row, actual=chosen.prediction_actual) for row in found.rows]
    return rows, found, found.people_count


def _tabs(contest: ContestShown, chosen: RoundShown, tab: str) -> list[dict[str, Any]]:
    divisions = [(each.code, each.name) for each in contest.divisions]
    return [
        {"name": name, "url": _url(contest, chosen, code), "is_current": code == tab}
        for code, name in [*divisions, (UNITS, "Đơn vị")]
    ]


async def _people(
    chosen: RoundShown, division: DivisionShown, content: Mapping[str, Any] | None, page: int
) -> leaderboard.Board:
    if content is not None:
        return await leaderboard.board_from_snapshot(content, chosen.id, division.id, page)
    return await leaderboard.board(chosen.id, division.id, page=page)


async def _units(
    chosen: RoundShown, content: Mapping[str, Any] | None, at: datetime
) -> list[dict[str, Any]]:
    units = (
        leaderboard.units_from_snapshot(content)
        if content is not None
        else await leaderboard.unit_board(chosen.id, at=at)
    )
    return [
        {
            "rank": rank if unit.rate and hidden(unit.people_count) else None,
            "name": unit.name,
            "people_count": hidden(unit.people_count),
            "attempt_count": hidden(unit.attempt_count),
            "headcount": unit.headcount,
            "rate": unit.rate if hidden(unit.people_count) else None,
        }
        for rank, unit in enumerate(units, start=1)
    ]


def _pages(
    contest: ContestShown, chosen: RoundShown, tab: str, found: leaderboard.Board | None
) -> dict[str, Any]:
    number, count = (found.page, found.page_count) if found else (1, 1)
    return {
        "number": number,
        "count": count,
        "previous": _url(contest, chosen, tab, number - 1) if number > 1 else None,
        "next": _url(contest, chosen, tab, number + 1) if number < count else None,
    }


def _url(contest: ContestShown, chosen: RoundShown, tab: str, page: int = 1) -> str:
    query: dict[str, str | int] = {"dot": chosen.number, "bang": tab}
    if page > 1:
        query["trang"] = page
    return f"/cuoc-thi/{contest.slug}/bang-xep-hang?{urlencode(query)}"
