"""A draw of lots, open to everybody: what was promised, what came out, and how to check it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from core.errors import Refusal
from quiz import lots
from quiz.contests import PUBLIC_STATES, ContestShown, contest_by_slug
from quiz.draws import DrawShown, get_draw
from web.forms import whole

LARGEST_ID = 2**63 - 1
CACHE_SECONDS = 10  # a list may hold everybody of a province, and everybody looks at once
MOST_SHOWN = 200  # codes on the page; the file holds them all
SCRIPT = Path(lots.__file__).read_bytes()


async def draw(request: Request) -> Response:
    async def make(_language: str, _part: bool) -> tuple[str, dict[str, Any]]:
        contest, found = await _found(request)
        return "contests/draw.html", {
            "contest": {"slug": contest.slug, "title": contest.name},
            "draw": found,
            "codes": found.codes[:MOST_SHOWN],
            "hidden_count": max(0, len(found.codes) - MOST_SHOWN),
        }

    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request,
        make,
        key=("draw", request.path_params["slug"], request.path_params["draw"]),
        seconds=CACHE_SECONDS,
    )


async def draw_data(request: Request) -> Response:
    _, found = await _found(request)
    return _file(
        orjson.dumps(found.published(), option=orjson.OPT_INDENT_2),
        "application/json",
        f"boc-tham-{found.id}.json",
    )


async def script(_request: Request) -> Response:
    return _file(SCRIPT, "text/x-python; charset=utf-8", "kiem-chung-boc-tham.py")


async def _found(request: Request) -> tuple[ContestShown, DrawShown]:
    contest = await contest_by_slug(request.path_params["slug"])
    found = await get_draw(whole(request.path_params["draw"], largest=LARGEST_ID) or 0)
    if contest.state not in PUBLIC_STATES or found.contest_id != contest.id:
        raise Refusal("not_found", "Không tìm thấy lần bốc thăm này.")
    return contest, found


def _file(content: bytes, media_type: str, file_name: str) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "Cache-Control": "no-store",
        },
    )
