"""The end of an attempt: receipt, score, place, and the answers once they may be seen."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core import db
from core.clock import now
from quiz import leaderboard, review
from quiz.contests import ContestShown, rules_sentence
from quiz.disqualifying import find_exclusion
from quiz.scoring import POINT
from web.forms import wants_json
from web.guard import with_renewed_token
from web.pages.shown import PREDICTION_UNITS, attempts_left, board_row
from web.render import is_part, render
from web.tokens import AttemptToken

# After so many seconds the page asks again whether there is a score: soon at first, since most have
# one within a second, then ever more seldom, since a worker that is behind is not helped by asking.
ASKS_AFTER_SECONDS = (1, 2, 3, 5, 8, 13)


async def result(request: Request) -> Response:
    token: AttemptToken = request.state.attempt
    if wants_json(request):
        return await _as_json(token)
    asked = _asked(request)
    if is_part(request):
        # Everybody who waits asks again and again: until there is a score, nothing else is looked up.
        outcome = await review.find_outcome(token.attempt_id)
        if outcome.points is None and outcome.state != "open":
            pending = {"attempt": {"id": str(token.attempt_id)}, **_asks_again(asked)}
            return render(request, "play/result.html", pending, part="play/_score.html")
    found = await review.find_result(token.attempt_id)
    if found.state == "open" and db.database_clock().now() <= found.deadline_at:
        return RedirectResponse(f"/bai-thi/{token.attempt_id}", HTTPStatus.SEE_OTHER)
    contest = await request.app.state.contests.by_id(found.contest_id)
    context = await _result_context(contest, found, token) | _asks_again(asked)
    if not is_part(request):
        context |= await _whole_result_context(contest, found)
    response = render(request, "play/result.html", context, part="play/_score.html")
    return with_renewed_token(request, response)


def _asked(request: Request) -> int:
    """How often this page has asked already."""
    said = request.query_params.get("hoi", "")
    return int(said) if re.fullmatch(r"[0-9]{1,3}", said) else 0


def _asks_again(asked: int) -> dict[str, int]:
    last = len(ASKS_AFTER_SECONDS) - 1
    return {"asks": asked + 1, "asks_after": ASKS_AFTER_SECONDS[min(asked, last)]}


async def _as_json(token: AttemptToken) -> Response:
    found = await review.find_outcome(token.attempt_id)
    return Response(
        orjson.dumps(
            {
                "state": found.state,
                "receipt": found.receipt,
                "score": None if found.points is None else found.points / POINT,
                "correct_count": found.correct_count,
                "question_count": found.question_count or token.question_count,
                "duration_ms": found.duration_ms,
            }
        ),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _result_context(
    contest: ContestShown, found: review.Result, token: AttemptToken
) -> dict[str, Any]:
    unit = PREDICTION_UNITS.get(contest.prediction, "")
    return {
        "attempt": {
            "id": str(token.attempt_id),
            "number": found.number,
            "receipt": found.receipt or "",
            "submitted_at": found.closed_at or found.deadline_at,
            "answered_count": found.answered_count,
            "question_count": token.question_count,
            "was_submitted": found.state == "submitted",
        },
        "score": None
        if found.points is None or found.correct_count is None
        else {
            "correct_count": found.correct_count,
            "question_count": found.question_count,
            "points": found.points / POINT if found.points != found.correct_count * POINT else None,
            "points_max": found.question_count,
            "duration_ms": found.duration_ms,
            "prediction": found.prediction,
            "prediction_unit": unit,
        },
        "score_hidden_until": None,
        "standing": await _standing(contest, found),
        "exclusion": None
        if found.is_ranked
        else await find_exclusion(found.round_id, found.participant_id),
    }


async def _standing(contest: ContestShown, found: review.Result) -> dict[str, Any] | None:
    chosen_round = next(each for each in contest.rounds if each.id == found.round_id)
    if (
        found.points is None
        or contest.board_hidden_at is not None
        or chosen_round.is_board_frozen(now())
    ):
        return None
    place = await leaderboard.place_of(found.round_id, found.participant_id)
    if place is None:
        return None
    division = next(each for each in contest.divisions if each.id == found.division_id)
    return {
        "rank": place.rank,
        "total": place.people_count,
        "division": division.name,
        "is_final": chosen_round.result == "final",
        "is_counted": found.is_counted,
        "note": rules_sentence(contest.comparators, contest.prediction),
        "rows": [
            board_row(row, actual=chosen_round.prediction_actual, me=found.participant_id)
            for row in place.around
        ],
    }


async def _whole_result_context(contest: ContestShown, found: review.Result) -> dict[str, Any]:
    at = now()
    chosen_round = next(each for each in contest.rounds if each.id == found.round_id)
    left = attempts_left(chosen_round, found.attempt_count)
    shows_key = review.shows_key(
        contest.review, chosen_round.last_closes_at, chosen_round.result, at
    )
    return {
        "contest": {"slug": contest.slug, "title": contest.name},
        "round": {
            "number": chosen_round.number,
            "name": chosen_round.name,
            "closes_at": chosen_round.closes_at,
        },
        "may_appeal": chosen_round.result != "final" and chosen_round.last_closes_at <= at,
        "can_try_again": chosen_round.state_at(at) == "open" and (left is None or left > 0),
        "tries_left": left,
        "review": await review.reviewed_paper(found)
        if shows_key and found.points is not None
        else None,
        "key_opens_at": None
        if shows_key or contest.review != "after_close"
        else chosen_round.last_closes_at,
    }
