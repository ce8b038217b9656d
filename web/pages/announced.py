"""The published results of a contest: winners, what was decided, and how to check it."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from core.clock import now
from core.errors import Refusal
from core.text import name_masked, phone_masked
from quiz import awards, result_snapshots
from quiz.awards import AwardShown
from quiz.contests import ContestShown
from quiz.prizes import PrizeShown, prizes_of
from quiz.result_snapshots import SnapshotShown
from web.forms import whole
from web.pages.shown import LARGEST_ROUND_NUMBER

CACHE_SECONDS = 30


async def results(request: Request) -> Response:
    contest: ContestShown = await request.app.state.contests.by_slug(request.path_params["slug"])

    async def make(_language: str, _part: bool) -> tuple[str, dict[str, Any]]:
        return "contests/results.html", await _context(contest)

    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request, make, key=("results", contest.slug), seconds=CACHE_SECONDS, may_rest=True
    )


async def signed_content(request: Request) -> Response:
    """The signed figures of one round as JSON, names left out: whoever wants computes the digest."""
    contest: ContestShown = await request.app.state.contests.by_slug(request.path_params["slug"])
    number = whole(request.path_params["round"], largest=LARGEST_ROUND_NUMBER)
    round_id = next((each.id for each in contest.rounds if each.number == number), None)
    published = await result_snapshots.snapshots_of(contest.id, only_published=True)
    found = next((each for each in published if each.round_id == round_id), None)
    if round_id is None or found is None:
        raise Refusal("not_found", "Kết quả này chưa được công bố.")
    return Response(
        orjson.dumps(found.content, option=orjson.OPT_SORT_KEYS), media_type="application/json"
    )


async def _context(contest: ContestShown) -> dict[str, Any]:
    published = await result_snapshots.snapshots_of(contest.id, only_published=True)
    open_rounds = {each.round_id for each in published}
    held = [each for each in await awards.awards_of(contest.id) if each.state == "given"]
    prizes = await prizes_of(contest.id)
    # What adds up every round is published with the last of them.
    is_whole = bool(contest.rounds) and {each.id for each in contest.rounds} <= open_rounds
    overall = [each for each in prizes if each.round_id is None] if is_whole else []
    return {
        "contest": {"slug": contest.slug, "title": contest.name},
        "as_of": now(),
        "overall": _groups(overall, held),
        "rounds": [
            {
                **_round(contest, each),
                "prizes": _groups([p for p in prizes if p.round_id == each.round_id], held),
            }
            for each in published
            if each.round_id in open_rounds
        ],
    }


def _round(contest: ContestShown, each: SnapshotShown) -> dict[str, Any]:
    content = each.content
    number = content["round"]["number"]
    return {
        "name": content["round"]["name"],
        "published_at": each.published_at,
        "people_count": sum(division["people_count"] for division in content["divisions"]),
        "attempt_count": sum(division["attempt_count"] for division in content["divisions"]),
        "ranking": content["ranking"],
        "prediction_actual": content["prediction"]["actual"],
        "correction_count": len(content["corrections"]),
        "draws": [
            {"title": draw["title"], "url": f"/cuoc-thi/{contest.slug}/boc-tham/{draw['id']}"}
            for draw in content["draws"]
        ],
        "digest": each.digest,
        "ranking_digest": content["ranking_digest"],
        "json_url": f"/cuoc-thi/{contest.slug}/ket-qua/{number}.json",
    }


def _groups(prizes: list[PrizeShown], held: list[AwardShown]) -> list[dict[str, Any]]:
    return [
        {
            "name": prize.name,
            "division": prize.division_name,
            "reward": prize.reward,
            "is_collective": prize.kind == "collective",
            "winners": [_winner(each) for each in held if each.prize_id == prize.id],
        }
        for prize in prizes
    ]


def _winner(each: AwardShown) -> dict[str, Any]:
    """Units by their names; people in full only where they agreed to it."""
    is_open = each.unit_id is not None or each.is_name_public
    return {
        "name": each.printed_name if is_open else name_masked(each.printed_name),
        "unit": each.unit_name,
        "phone": phone_masked(each.phone) if each.phone else None,
        "correct_count": each.correct_count,
        "question_count": each.question_count,
    }
