"""How does a save skip everything that it does not need?

Twenty saves are most of what an attempt costs, and half of a save's cost were layers around it. A
save that shows a valid attempt token and asks for JSON is therefore answered here, in front of
routing. Everything else goes the ordinary way, where `web.routes` has the same line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from core import db
from core.errors import Refusal
from web.forms import LARGEST_FORM_BYTES, parse_form, read_body
from web.pages import errors
from web.pages.play import parse_save, saved_json
from web.tokens import AttemptToken, Tokens

if TYPE_CHECKING:
    from quiz.attempts import Attempts

ROUTE = "/bai-thi/{attempt}/luu"
_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


class FastLane:
    """Stands between the edge and the application; `state` is the application's."""

    def __init__(self, app: ASGIApp, state: Any) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = self._token(scope)
        if token is None:
            await self._app(scope, receive, send)
            return
        scope["state"]["route_path"] = ROUTE  # for the metrics
        request = Request(scope, receive, send)
        try:
            body = await self._save(request, token)
        except Refusal as refusal:
            response = await errors.refused(request, refusal)
            await response(scope, receive, send)
            return
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 — the application's own layer for this stands further in
            response = await errors.server_error(request, error)
            await response(scope, receive, send)
            return
        headers = [*_JSON, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _token(self, scope: Scope) -> AttemptToken | None:
        """The token of a save that may take this lane."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        path: str = scope["path"]
        if not path.endswith("/luu"):
            return None
        headers = dict(scope["headers"])
        if b"application/json" not in headers.get(b"accept", b""):
            return None
        tokens: Tokens = self._state.tokens
        cookies = cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))
        token = tokens.read_attempt(cookies.get(tokens.attempt_cookie))
        return token if token and path == f"/bai-thi/{token.attempt_id}/luu" else None

    async def _save(self, request: Request, token: AttemptToken) -> bytes:
        arrived_at = db.database_clock().instant(request.scope["state"]["arrived"])
        fields = parse_form(await read_body(request, LARGEST_FORM_BYTES))
        attempts: Attempts = self._state.attempts
        saved = await attempts.save(parse_save(token, fields, arrived_at, is_submit=False))
        return saved_json(saved, self._state.contests.told(saved.round_id))
