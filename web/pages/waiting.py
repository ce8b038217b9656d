"""The waiting room: a person's place in the line, and what is being served, the same for everybody."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from core import db
from core.text import deadline_shown, number
from quiz.contests import ContestShown, open_round
from web.forms import wants_json
from web.line_pace import SOONEST_SECONDS, Line, Place, ask_again, place_of
from web.packed import PackedPage
from web.page_copies import is_plain
from web.render import language_of, private_page, to_html
from web.tokens import Ticket, Tokens

# In the address of the room: whose turn has come shall knock again after so many seconds.
AGAIN, LONGEST_AGAIN_SECONDS = "sau", 600
# Fewer than this are counted for people one by one; more are told in tens, many in hundreds.
EXACT_AHEAD = 100
MINUTE, HOUR = 60, 3600
# So long a page of the room is given again without a look at the contest.
KEPT_SECONDS = 2.0
_HOLES = {name: f"@@{name}@@" for name in ("number", "ahead", "wait", "again", "epoch")}


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    page: PackedPage


_KEPT: dict[str, _Kept] = {}  # by contest


async def room(request: Request) -> Response:
    """My place; with its turn come, the button that begins."""
    contest: ContestShown = await request.app.state.contests.by_slug(request.path_params["slug"])
    line: Line = request.app.state.line.line
    ticket = _ticket(request)
    place = None if ticket is None else _place(line, ticket)
    again = ask_again(0, 1) if place is None else place.retry_after or _knock_again(request)
    headers = {"Retry-After": str(again)} if again else {}
    if wants_json(request):
        return Response(
            orjson.dumps(_told(place, again)),
            headers={"Cache-Control": "no-store", **headers},
            media_type="application/json",
        )
    chosen = open_round(contest, db.database_clock().now())
    state = _state(place, again)
    language = language_of(request)
    html = _page(language, contest.slug, contest.name, chosen.closes_at if chosen else None, state)
    if place is not None and ticket is not None:
        if chosen and state == "waiting" and language == "vi":
            _KEPT[contest.slug] = _Kept(time.monotonic() + KEPT_SECONDS, _packed(html))
        for name, words in _shown(place, ticket, again).items():
            html = html.replace(_HOLES[name], words)
    return private_page(request, html, headers=headers)


def _knock_again(request: Request) -> int:
    """What the door told one whose turn has come; 0 for all others."""
    told = request.query_params.get(AGAIN, "")[:4]
    return min(int(told), LONGEST_AGAIN_SECONDS) if told.isascii() and told.isdecimal() else 0


def _state(place: Place | None, again: int) -> str:
    if place is None:
        return "none"
    if not place.is_served:
        return "waiting"
    return "door" if again else "served"


def find_room(scope: Scope, slug: str, line: Line, ticket: Ticket | None) -> Response | None:
    """The room of one who waits, from memory and past all layers, where `room` has just made one.

    For whom that page is not meant there is none: whose turn has come, who has no number, a script,
    a browser without gzip, another language.
    """
    kept = _KEPT.get(slug)
    if kept is None or kept.until < time.monotonic() or ticket is None or not is_plain(scope):
        return None
    place = _place(line, ticket)
    if place is None or place.is_served or wants_json(Request(scope)):
        return None
    headers = {
        "Cache-Control": "no-store",
        "Retry-After": str(place.retry_after),
        "Content-Encoding": "gzip",
        "Vary": "Accept-Encoding",
    }
    body = kept.page.filled(_shown(place, ticket, place.retry_after))
    return Response(body, headers=headers, media_type="text/html")


def _shown(place: Place, ticket: Ticket, again: int) -> dict[str, str]:
    return {
        "number": number(place.number),
        "ahead": number(_rounded(place.ahead)),
        "wait": wait_words(place.seconds),
        "again": str(again),
        "epoch": f"{ticket.epoch}.{place.number}",
    }


async def turn(request: Request) -> Response:
    """What is being served now: small, from memory, and any cache may keep it for a second."""
    return turn_answer(request.app.state.line.line)


@lru_cache(2)
def turn_answer(line: Line) -> Response:
    """The same for everybody until the line moves."""
    told = {
        "epoch": line.epoch,
        "served": line.now_serving,
        "per_minute": round(line.pace * MINUTE),
    }
    return Response(
        orjson.dumps(told),
        headers={"Cache-Control": "public, max-age=1"},
        media_type="application/json",
    )


def wait_words(seconds: int) -> str:
    """khoảng 3 phút: never sooner than reckoned, and no more exact than anybody knows."""
    if seconds < MINUTE:
        return "chưa đến 1 phút"
    if seconds < HOUR:
        return f"khoảng {math.ceil(seconds / MINUTE)} phút"
    return f"khoảng {math.ceil(seconds / HOUR)} giờ"


def _told(place: Place | None, again: int) -> dict[str, int | bool | None]:
    if place is None:
        return {
            "place": None,
            "ahead": None,
            "seconds": None,
            "retry_after": again,
            "is_served": False,
        }
    return {
        "place": place.number,
        "ahead": place.ahead,
        "seconds": place.seconds,
        "retry_after": place.retry_after,
        "is_served": place.is_served,
    }


def _ticket(request: Request) -> Ticket | None:
    tokens: Tokens = request.app.state.tokens
    session = tokens.read_session(request.cookies.get(tokens.session_cookie))
    if session is None:
        return None
    return tokens.read_ticket(request.cookies.get(tokens.ticket_cookie), session)


def _place(line: Line, ticket: Ticket) -> Place | None:
    """A ticket of an older line goes first; one of a line that nobody knows is none."""
    if ticket.epoch > line.epoch:
        return None
    return (
        place_of(line, ticket.number)
        if ticket.epoch == line.epoch
        else Place(ticket.number, 0, SOONEST_SECONDS, 0)
    )


def _rounded(count: int) -> int:
    if count < EXACT_AHEAD:
        return count
    step: int = 10 ** max(1, len(str(count)) - 3)
    return round(count / step) * step


@lru_cache(512)
def _page(language: str, slug: str, title: str, closes_at: datetime | None, state: str) -> str:
    """Rendered once for everybody, with holes for what differs."""
    return to_html(
        language,
        "contests/waiting.html",
        {
            "contest": {"slug": slug, "title": title},
            "closes": deadline_shown(closes_at) if closes_at else "",
            "state": state if closes_at else "closed",
            "place": _HOLES,
        },
    )


@lru_cache(64)
def _packed(html: str) -> PackedPage:
    return PackedPage(html)
