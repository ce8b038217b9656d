"""Who may use a route, and how is everybody else answered?

A route without a declared access cannot be built. Every page gets its viewer and its attempt from
here and from nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core import db
from core.errors import Refusal
from core.groupcommit import is_outage
from core.settings import is_loopback
from people.roles import Action, ContestScope, UnitScope, may, may_somewhere
from people.sessions import Viewer, find_session
from quiz.attempts import get_attempt, owner_of, refuse_unknown
from quiz.frozen import get_pool
from web.forms import wants_json
from web.tokens import AttemptToken, Tokens

Handler = Callable[[Request], Awaitable[Response]]
# Longer than this a page for an outage waits for nobody.
SESSION_SECONDS = 2
# The one page that a password which was handed over opens.
FIRST_PAGE = "/tai-khoan/mat-khau"


@dataclass(frozen=True)
class Access:
    """Who may use a route: `kind` is one of the names below, `action` what a staff role must allow.

    `door` is where a person who is not signed in is sent.
    """

    kind: str
    action: Action = "own_account"
    door: str = "/dang-nhap"

    def __str__(self) -> str:
        is_of_staff = self.kind in {"staff", "on_watch"}
        return f"{self.kind}:{self.action}" if is_of_staff else self.kind


EVERYBODY = Access("everybody")
SIGNED_IN = Access("signed_in")
ENTRANT = Access("signed_in", door="/dang-ky")  # most who enter a contest are new here
ATTEMPT_HOLDER = Access("attempt_holder")  # its token, or its owner's session
THIS_MACHINE = Access("this_machine")  # probes and Prometheus


def staff(action: Action) -> Access:
    """Somebody whose role allows the action somewhere; the page asks again for its object."""
    return Access("staff", action, door="/dang-nhap/can-bo")


def on_watch(action: Action) -> Access:
    """Staff for the whole platform; while no session can be looked up, who was let in before."""
    return Access("on_watch", action, door="/dang-nhap/can-bo")


def guarded(access: Access, handler: Handler) -> Handler:
    """The handler behind its access check."""
    check = _CHECKS[access.kind]

    async def endpoint(request: Request) -> Response:
        refused = await check(request, access)
        return refused if refused is not None else await handler(request)

    return endpoint


async def viewer_of(request: Request) -> Viewer | None:
    """Who is signed in; looked up once a request, and only when somebody asks."""
    if not hasattr(request.state, "viewer"):
        tokens: Tokens = request.app.state.tokens
        token = tokens.read_session(request.cookies.get(tokens.session_cookie))
        request.state.viewer = await find_session(token) if token else None
    return request.state.viewer  # type: ignore[no-any-return]  # State has no types


async def signed_in(request: Request) -> Viewer:
    """The viewer of a route that only signed-in people reach."""
    viewer = await viewer_of(request)
    if viewer is None:
        raise Refusal("signed_out", "Bạn hãy đăng nhập lại.")
    return viewer


async def require(
    request: Request, action: Action, scope: UnitScope | ContestScope | None
) -> Viewer:
    """The viewer, if their role allows the action on this object; else as if it did not exist."""
    viewer = await signed_in(request)
    if not may(viewer, action, scope):
        raise Refusal("not_found", "Không tìm thấy trang này.")
    return viewer


def with_renewed_token(request: Request, response: Response) -> Response:
    """The owner came by session: their browser gets the attempt's own cookie again."""
    renewed = getattr(request.state, "renewed_attempt", None)
    if renewed is not None:
        request.app.state.tokens.set_attempt(response, renewed)
    return response


async def _everybody(_request: Request, _access: Access) -> Response | None:
    return None


async def _signed_in(request: Request, access: Access) -> Response | None:
    viewer = await viewer_of(request)
    if viewer is not None:
        if viewer.must_change_password and request.url.path != FIRST_PAGE:
            return RedirectResponse(FIRST_PAGE, HTTPStatus.SEE_OTHER)
        return None
    if wants_json(request):
        raise Refusal("signed_out", "Bạn hãy đăng nhập trước.")
    return RedirectResponse(f"{access.door}?tiep={quote(request.url.path)}", HTTPStatus.SEE_OTHER)


async def _staff(request: Request, access: Access) -> Response | None:
    refused = await _signed_in(request, access)
    if refused is not None:
        return refused
    viewer = await viewer_of(request)
    if not may_somewhere(viewer, access.action):
        raise Refusal("forbidden", "Tài khoản của bạn chưa được giao quyền dùng trang này.")
    return None


async def _on_watch(request: Request, access: Access) -> Response | None:
    """A page for the middle of an outage must open in the middle of an outage."""
    try:
        async with asyncio.timeout(SESSION_SECONDS):
            refused = await _staff(request, access)
    except Exception as error:
        tokens: Tokens = request.app.state.tokens
        is_known = tokens.is_watch(request.cookies.get(tokens.watch_cookie))
        if not (is_known and is_outage(error)):
            raise
        request.state.viewer = None
        return None
    if refused is None and not may(await viewer_of(request), access.action, None):
        raise Refusal("not_found", "Không tìm thấy trang này.")
    return refused


async def _attempt_holder(request: Request, _access: Access) -> Response | None:
    """The token decides without a look at the database; failing it, the owner's session does."""
    tokens: Tokens = request.app.state.tokens
    try:
        attempt_id = UUID(request.path_params["attempt"])
    except ValueError:
        raise refuse_unknown() from None
    token = tokens.read_attempt(request.cookies.get(tokens.attempt_cookie))
    if token is None or token.attempt_id != attempt_id:
        viewer = await viewer_of(request)
        if viewer is None or await owner_of(attempt_id) != viewer.person_id:
            raise refuse_unknown()
        token = await attempt_token(attempt_id)
        request.state.renewed_attempt = token
    request.state.attempt = token
    return None


async def attempt_token(attempt_id: UUID) -> AttemptToken:
    attempt = await get_attempt(attempt_id)
    pool = await get_pool(db.pool(), attempt.pool_id)
    return AttemptToken(attempt_id, pool.question_count)


async def _this_machine(request: Request, _access: Access) -> Response | None:
    client = request.client
    if client is None or not is_loopback(client.host) or "x-forwarded-for" in request.headers:
        raise Refusal("not_found", "Không tìm thấy trang này.")
    return None


_CHECKS: dict[str, Callable[[Request, Access], Awaitable[Response | None]]] = {
    "everybody": _everybody,
    "signed_in": _signed_in,
    "staff": _staff,
    "on_watch": _on_watch,
    "attempt_holder": _attempt_holder,
    "this_machine": _this_machine,
}
