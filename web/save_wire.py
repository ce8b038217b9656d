"""How does a save come to its commit, and back, without the layers around an application?

Twenty saves are most of what an attempt costs, and most of a save's cost was not the save: a task,
an event, layers of calls, headers checked one by one, two system calls for a hundred bytes. So a
save with a valid attempt token that asks for JSON is taken from uvicorn's protocol as soon as its
body is there, and its answer is written when its commit is.

Everything else goes the ordinary way. So does a save that failed: with its error and its first
arrival, for `web.pages.play.save` to say. This file leans on what uvicorn calls its own
(`_start_asgi_task`, the fields of a cycle); uvicorn is pinned, and tests/web/test_save_wire.py
tells when that changes.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from typing import Any, cast

from starlette.requests import cookie_parser
from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from core import db
from quiz.attempts import Saved
from web.edge import Edge
from web.forms import LARGEST_FORM_BYTES, parse_form
from web.pages.play import parse_save, saved_json
from web.tokens import MOST_TOKENS_KEPT, AttemptToken, Tokens

ROUTE = "/bai-thi/{attempt}/luu"  # for the metrics
_OK = b"HTTP/1.1 200 OK\r\n"
_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]

Headers = list[tuple[bytes, bytes]]


def wire(state: Any) -> type[asyncio.Protocol]:
    """The protocol of uvicorn with the lane, for its `http` setting; `state` is the application's."""
    return partial(SaveWire, lane=Lane(state))  # type: ignore[return-value]  # uvicorn only calls it


class Lane:
    """What the connections of one process share."""

    def __init__(self, state: Any) -> None:
        self.state = state
        # A browser shows the same cookies with each of its saves.
        self.token_at = lru_cache(MOST_TOKENS_KEPT)(self._token_at)
        self._head: tuple[bytes, Headers, Headers] = (b"", [], [])

    @property
    def edge(self) -> Edge:
        return self.state.edge  # type: ignore[no-any-return]  # State has no types

    def token_of(self, scope: Any) -> AttemptToken | None:
        """The token of a request that may take the lane: a save, whole, small, from our own page."""
        path: str = scope["path"]
        if scope["method"] != "POST" or not path.endswith("/luu"):
            return None
        cookies, asks_json, size = b"", False, LARGEST_FORM_BYTES + 1
        for name, value in scope["headers"]:
            if name == b"cookie":
                cookies = value
            elif name == b"accept":
                asks_json = b"application/json" in value
            elif name == b"content-length":
                size = int(value)  # the parser has seen to it that it is a number
        if not asks_json or size > LARGEST_FORM_BYTES or self.edge.is_cross_site(scope):
            return None
        return self.token_at(cookies, path)

    def _token_at(self, cookies: bytes, path: str) -> AttemptToken | None:
        tokens: Tokens = self.state.tokens
        cookie = cookie_parser(cookies.decode("latin-1")).get(tokens.attempt_cookie)
        token = tokens.read_attempt(cookie)
        return token if token and path == f"/bai-thi/{token.attempt_id}/luu" else None

    def head(self, server: Headers) -> bytes:
        """The lines that all answers share; made anew when uvicorn's date or the edge's change."""
        head, servers, edges = self._head
        if servers is not server or edges is not self.edge.headers:
            head = _OK + _lines([*server, *_JSON, *self.edge.headers])
            self._head = (head, server, self.edge.headers)
        return head


class SaveWire(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, lane: Lane, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._lane = lane
        self._awaited: tuple[RequestResponseCycle, AttemptToken] | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        may_take_it = cycle.keep_alive and not cycle.waiting_for_100_continue
        token = self._lane.token_of(cycle.scope) if may_take_it else None
        if token is None or self.flow.write_paused:
            super()._start_asgi_task(cycle, app)
            return
        self._lane.edge.come_in(cast("Scope", cycle.scope))
        self._awaited = (cycle, token)
        if not cycle.more_body:  # it has waited behind another on this connection
            self._save()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._awaited is not None and self._awaited[0] is self.cycle:
            self._save()

    def _save(self) -> None:
        assert self._awaited is not None
        (cycle, token), self._awaited = self._awaited, None
        state = cycle.scope["state"]
        arrived_at = db.database_clock().instant(state["arrived"])
        try:
            fields = parse_form(bytes(cycle.body))
            wanted = parse_save(token, fields, arrived_at, is_submit=False)
            commit = self._lane.state.attempts.put_save(wanted)
        except Exception as error:  # noqa: BLE001 — whatever it is, the ordinary way tells the person
            self._hand_over(cycle, error)
        else:
            commit.add_done_callback(partial(self._answer, cycle))

    def _answer(self, cycle: RequestResponseCycle, commit: asyncio.Future[Saved]) -> None:
        error = commit.exception()
        if error is not None:
            self._hand_over(cycle, error)
            return
        state = cycle.scope["state"]
        state["route_path"] = ROUTE
        self._lane.edge.go_out(cast("Scope", cycle.scope), 200)
        if cycle.disconnected:
            return
        saved = commit.result()
        body = saved_json(saved, self._lane.state.contests.told(saved.round_id))
        own = [
            (b"x-request-id", state["request_id"].encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        if self._lane.edge.is_leaving:  # the edge's headers say so
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            own.append((b"connection", b"close"))
        head = self._lane.head(self.server_state.default_headers)
        self.transport.write(b"%b%b\r\n%b" % (head, _lines(own), body))
        self._finish(cycle)

    def _finish(self, cycle: RequestResponseCycle) -> None:
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        finished, cycle.on_response = cycle.on_response, _nothing
        finished()

    def _hand_over(self, cycle: RequestResponseCycle, error: BaseException) -> None:
        state = cycle.scope["state"]
        state["failed_save"] = error
        super()._start_asgi_task(cycle, self.app)


def _lines(headers: Headers) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def _nothing() -> None:
    pass
