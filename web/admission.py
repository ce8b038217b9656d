"""Who is let in now, who gets a number, and who is asked to come back?

Stands in front of routing, behind the lane of the saves, which it never sees. The waiting room, as
a client meets it:

    POST /cuoc-thi/{slug}/vao-thi      not your turn: 303 to /cuoc-thi/{slug}/cho, the number in a cookie
    GET  /cuoc-thi/{slug}/cho          200 with Retry-After; a page, or for Accept: application/json
                                       {"place", "ahead", "seconds", "retry_after", "is_served"};
                                       place null: no number yet, press (POST) to get one
    GET  /cuoc-thi/{slug}/cho/den-luot {"epoch", "served", "per_minute"}, the same for everybody
    POST /cuoc-thi/{slug}/vao-thi      your number is at most `served`: the paper, as ever; or, while
                                       many have been called, 303 to /cuoc-thi/{slug}/cho?sau=SECONDS

Nothing starts by itself when a turn comes: the clock of an attempt runs from the press of a button.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.metrics import SHED
from people.sessions import token_hash
from quiz.entering import who_is_inside
from web.gathering import Gathering
from web.load_level import CALM, Load
from web.page_copies import PageCopies, send_copy
from web.pages.waiting import AGAIN, find_room, turn_answer
from web.shedding import TOO_MANY, Kind, Window, kind_of, turned_away
from web.tokens import Ticket, Tokens
from web.waiting_line import GATHER_SECONDS, WaitingLine

CONTESTS, DOOR, ROOM = "/cuoc-thi/", "/vao-thi", "/cho"
TURN, HANDING_IN = "/cho/den-luot", "/nop"
# Who cannot be looked up for so long gets a number all the same, and may ask again.
LOOK_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whether they may go in, the ticket that they hold from now on, after how long to knock again."""

    may_enter: bool
    ticket: Ticket | None = None
    again_seconds: float = 0.0


class Gate:
    """Before the application; `state` is the application's."""

    def __init__(self, app: ASGIApp, state: Any) -> None:
        self._app = app
        self._state = state
        self._load: Load = state.load
        self._copies: PageCopies = state.page_copies
        self._window = Window()
        self._inside: Gathering[tuple[str, str], bool | None] = Gathering(
            "who is inside", _look, otherwise=False, gather_seconds=GATHER_SECONDS
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.endswith(DOOR) and path.startswith(CONTESTS):
            await self._at_the_door(scope, receive, send)
            return
        if path.endswith(TURN) and path.startswith(CONTESTS) and scope["method"] == "GET":
            # Everybody in the line asks, every few seconds: the answer passes no other layer.
            scope["state"]["route_path"] = f"{CONTESTS}{{slug}}{TURN}"
            await turn_answer(self._state.line.line)(scope, receive, send)
            return
        if (
            path.endswith(ROOM)
            and path.startswith(CONTESTS)
            and await self._in_the_room(scope, receive, send)
        ):
            return
        if path.endswith(HANDING_IN):
            self._state.line.leaves += 1
        if self._load.shed > CALM:
            kind = self._refused_as(scope)
            if kind is not None:
                await self._turn_away(scope, receive, send, kind)
                return
            copy = self._copies.find(scope)
            if copy is not None:
                await send_copy(copy, scope, send)
                return
        await self._app(scope, receive, send)

    def _refused_as(self, scope: Scope) -> Kind | None:
        kind = kind_of(scope["method"], scope["path"])
        if kind.retry_seconds == 0:
            return None
        session = self._session(Request(scope))
        if session and self._window.is_over(session, time.monotonic()):
            return TOO_MANY
        return kind if self._load.shed >= kind.level and not kind.may_be_stale else None

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, kind: Kind) -> None:
        scope["state"]["route_path"] = "turned away"  # for the metrics
        self._load.refused += 1
        SHED.labels(kind.name).inc()
        await turned_away(Request(scope), kind)(scope, receive, send)

    async def _at_the_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        line: WaitingLine = self._state.line
        request = Request(scope)
        session = self._session(request)
        if not session:  # the door itself sends them to sign up
            await self._app(scope, receive, send)
            return
        held = self._tokens.read_ticket(request.cookies.get(self._tokens.ticket_cookie), session)
        if not line.is_open:
            await self._let_in(scope, receive, send, held, session)
            return
        asked = await self._ask(request, held, session)
        ticket = asked.ticket
        if asked.may_enter:
            await self._let_in(scope, receive, send, ticket, session, is_new=ticket != held)
            return
        scope["state"]["route_path"] = "waiting line"
        self._load.refused += 1
        SHED.labels("start").inc()
        room = scope["path"].removesuffix(DOOR) + ROOM
        if asked.again_seconds:
            room += f"?{AGAIN}={math.ceil(asked.again_seconds)}"
        response = RedirectResponse(room, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        if ticket is not None:
            self._tokens.set_ticket(response, ticket, session)
        await response(scope, receive, send)

    async def _in_the_room(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether they have been shown their place here already."""
        request = Request(scope)
        session = self._session(request)
        if not session or scope["method"] != "GET":
            return False
        held = self._tokens.read_ticket(request.cookies.get(self._tokens.ticket_cookie), session)
        slug = scope["path"].removeprefix(CONTESTS).removesuffix(ROOM)
        response = find_room(scope, slug, self._state.line.line, held)
        if response is None:
            return False
        scope["state"]["route_path"] = f"{CONTESTS}{{slug}}{ROOM}"
        await response(scope, receive, send)
        return True

    async def _ask(self, request: Request, ticket: Ticket | None, session: str) -> _Asked:
        line: WaitingLine = self._state.line
        begins = request.method == "POST"
        if ticket is not None and await line.admits(ticket):
            return await self._knock(ticket) if begins else _Asked(True, ticket)
        if ticket is not None and line.is_waiting(ticket):
            # Their turn has not come; asking once more costs nobody anything.
            return _Asked(False, ticket)
        slug = request.scope["path"].removeprefix(CONTESTS).removesuffix(DOOR)
        looking = self._inside.of((token_hash(session), slug))
        if not begins:  # reading what stands at the door takes no number
            return _Asked(await looking is not False)
        # Both are asked at once: a refusal should be quick, and a number costs nobody anything.
        taking = line.take(session)
        if await looking is not False:
            return _Asked(True)  # they resume; or are signed out, which the door itself says
        number = await taking
        if number is None:
            return _Asked(line.admits_without_number())
        taken = Ticket(line.line.epoch, number)
        return await self._knock(taken) if number <= line.line.served else _Asked(False, taken)

    async def _knock(self, ticket: Ticket) -> _Asked:
        again = await self._state.line.comes_through(ticket.number)
        return _Asked(not again, ticket, again)

    async def _let_in(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        ticket: Ticket | None,
        session: str,
        *,
        is_new: bool = False,
    ) -> None:
        """Through the door; a ticket that began an attempt is used up, another one is kept."""
        self._state.line.starts += scope["method"] == "POST"
        if ticket is None:
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_and_look(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = _is_begun(message)
                cookie = Response()
                if has_begun:
                    self._tokens.clear_ticket(cookie)
                elif is_new:
                    self._tokens.set_ticket(cookie, ticket, session)
                added = [each for each in cookie.raw_headers if each[0] == b"set-cookie"]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_and_look)
        if has_begun:
            await self._state.line.spend(ticket, session)

    def _session(self, request: Request) -> str | None:
        return self._tokens.read_session(request.cookies.get(self._tokens.session_cookie))

    @property
    def _tokens(self) -> Tokens:
        return self._state.tokens  # type: ignore[no-any-return]  # State has no types


async def _look(asked: Sequence[tuple[str, str]]) -> Sequence[bool | None]:
    async with asyncio.timeout(LOOK_SECONDS):
        return await who_is_inside(asked)


def _is_begun(message: Message) -> bool:
    """Whether an answer of the door leads to a paper."""
    location = MutableHeaders(raw=message["headers"]).get("location", "")
    return message["status"] == HTTPStatus.SEE_OTHER and location.startswith("/bai-thi/")
