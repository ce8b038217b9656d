"""The home page, and the choice of language."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import now
from quiz import leaderboard
from quiz.contests import ContestShown
from web.pages.shown import contest_state, current_round, hero, hidden, short_attempts
from web.render import LANGUAGE_COOKIE, LANGUAGES

CACHE_SECONDS = 5
TOP_UNITS = 5
A_YEAR = 365 * 24 * 3600


async def home(request: Request) -> Response:
    async def make(_language: str, _part: bool) -> tuple[str, dict[str, Any]]:
        return "home/home.html", await _context(await request.app.state.contests.all())

    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request, make, key=("home",), seconds=CACHE_SECONDS
    )


async def choose_language(request: Request) -> Response:
    wanted = request.query_params.get("l", "vi")
    response = RedirectResponse(_path_of(request.headers.get("referer", "")), HTTPStatus.SEE_OTHER)
    response.set_cookie(
        LANGUAGE_COOKIE,
        wanted if wanted in LANGUAGES else "vi",
        max_age=A_YEAR,
        samesite="lax",
        secure=request.app.state.settings.is_https,
    )
    return response


def _path_of(address: str) -> str:
    """The path of the page that people came from; a path of another host is no path of ours."""
    try:
        path = urlsplit(address).path
    except ValueError:  # "http://["
        return "/"
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


async def _context(contests: list[ContestShown]) -> dict[str, Any]:
    at = now()
    totals = await leaderboard.totals([each.id for contest in contests for each in contest.rounds])
    by_state: dict[str, list[ContestShown]] = {}
    for contest in contests:
        by_state.setdefault(contest_state(contest, at), []).append(contest)
    running = by_state.get("open", []) + by_state.get("between", [])
    finished = by_state.get("closed", []) + by_state.get("final", [])
    units = await _top_units(running[0]) if running else []
    return {
        "open": [hero(contest, totals, at) for contest in running],
        "coming": [
            {
                "slug": contest.slug,
                "title": contest.name,
                "opens_at": first.opens_at,
                "about": _about(contest),
            }
            for contest in by_state.get("coming", [])
            if (first := current_round(contest, at)) is not None
        ],
        "finished": [
            {
                "slug": contest.slug,
                "title": contest.name,
                "people_count": hidden(
                    sum(
                        totals[each.id].people_count for each in contest.rounds if each.id in totals
                    )
                ),
                "attempt_count": hidden(
                    sum(
                        totals[each.id].attempt_count
                        for each in contest.rounds
                        if each.id in totals
                    )
                ),
                "about": None,
                "is_final": contest_state(contest, at) == "final",
            }
            for contest in finished
        ],
        "top_units": [
            {"name": unit.name, "rate": min(1.0, unit.rate)}
            for unit in units
            if unit.rate and hidden(unit.people_count)
        ][:TOP_UNITS],
        "top_units_slug": running[0].slug if running else None,
        "unit_count": len(units),
        "as_of": at,
    }


async def _top_units(contest: ContestShown) -> list[leaderboard.UnitRow]:
    at = now()
    chosen = current_round(contest, at)
    return await leaderboard.unit_board(chosen.id, at=at) if chosen else []


def _about(contest: ContestShown) -> str:
    first = min(contest.rounds, key=lambda each: each.opens_at)
    rounds = "Một đợt" if len(contest.rounds) == 1 else f"{len(contest.rounds)} đợt"
    return (
        f"{rounds}, {first.question_count} câu, {first.time_limit_seconds // 60} phút, "
        f"{short_attempts(first)}"
    )
