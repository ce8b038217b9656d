"""What happens to every request before routing: arrival stamp, cross-site refusal, headers, metrics?"""

from __future__ import annotations

import itertools
import re
import secrets
import time
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.log import REQUEST_ID, logger
from core.metrics import REQUESTS
from web.load_level import Load

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'"
)
_CROSS_SITE = (
    "Yêu cầu này không gửi từ trang Hiểu Số nên máy chủ không nhận. Bạn mở lại trang rồi thử lại."
)
_FAILED = 500  # 503 and the like are refusals: counted, and told to the one who is refused
_STRANGE_ADDRESS = "Địa chỉ này có ký tự không dùng được."
_HEADERS = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


# Slower ones have a line in the log, as failed ones do; a fault of everybody's must not fill it.
SLOW_SECONDS = 1.0
MOST_LINES_A_SECOND = 20
# What a trusted proxy may call a request.
_PASSED_ON = re.compile(rb"[A-Za-z0-9._-]{6,64}")
# Which process, and which of its requests: enough to find a line in the log.
_PROCESS = secrets.token_hex(3)
_NUMBERS = itertools.count(1)


class Edge:
    """The outermost layer; plain ASGI, since BaseHTTPMiddleware breaks context variables."""

    def __init__(self, app: ASGIApp, *, public_url: str, load: Load) -> None:
        self._app = app
        self._load = load
        self._public_host = urlsplit(public_url).netloc
        headers = dict(_HEADERS)
        if public_url.startswith("https://"):
            headers["strict-transport-security"] = "max-age=31536000"
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.is_leaving = False
        self._lines = _Lines()

    def leave(self) -> None:
        """From now on every answer asks its connection to end: the process is about to."""
        self.is_leaving = True
        self.headers = [*self.headers, (b"connection", b"close")]

    def come_in(self, scope: Scope) -> None:
        """Stamp a request before anything else: a deadline is decided by when it arrived."""
        state = scope.setdefault("state", {})
        state["arrived"] = time.monotonic()
        state["request_id"] = _passed_on(scope) or f"{_PROCESS}-{next(_NUMBERS):x}"
        self._load.in_flight += 1

    def go_out(self, scope: Scope, status: int) -> None:
        """Count a request that has been answered."""
        state = scope["state"]
        self._load.in_flight -= 1
        self._load.answered += 1
        seconds = time.monotonic() - state["arrived"]
        route = state.get("route_path", "unmatched")
        REQUESTS.observe(route, status // 100, seconds)
        if status == _FAILED or seconds >= SLOW_SECONDS:
            self._lines.write(scope, route, status, seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "arrived" not in scope.get("state", ()):  # else web.save_wire has met it first
            self.come_in(scope)
        request_id: str = scope["state"]["request_id"]
        REQUEST_ID.set(request_id)
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *self.headers,
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            if scope["method"] not in SAFE_METHODS and self.is_cross_site(scope):
                await _refuse(send_with_headers, HTTPStatus.FORBIDDEN, _CROSS_SITE)
            elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
                # PostgreSQL keeps no such character, so no honest address has one.
                await _refuse(send_with_headers, HTTPStatus.BAD_REQUEST, _STRANGE_ADDRESS)
            else:
                await self._app(scope, receive, send_with_headers)
        finally:
            self.go_out(scope, status)

    def is_cross_site(self, scope: Scope) -> bool:
        """A browser says where a request comes from; scripts that send neither header may pass."""
        for name, value in scope["headers"]:
            if name == b"sec-fetch-site":
                return value not in {b"same-origin", b"none"}
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            return False
        return urlsplit(origin).netloc not in {self._public_host or None, headers.get("host")}


class _Lines:
    """The access log: a line for a slow or failed request, none for the thousands that are well."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0

    def write(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        second = int(time.monotonic())
        if second != self._second:
            if self._count > MOST_LINES_A_SECOND:
                logger.warning("requests_not_listed", count=self._count - MOST_LINES_A_SECOND)
            self._second, self._count = second, 0
        self._count += 1
        if self._count > MOST_LINES_A_SECOND:
            return
        viewer = scope["state"].get("viewer")
        logger.warning(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000),
            account=viewer.account_id if viewer is not None else None,
        )


def _passed_on(scope: Scope) -> str | None:
    """The name that a trusted proxy gave the request.

    uvicorn has put the visitor's own address in the place of a trusted proxy's, without a port; no
    connection comes from port 0.
    """
    client = scope.get("client")
    if client is None or client[1] != 0:
        return None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _PASSED_ON.fullmatch(value):
            return str(value, "ascii")
    return None


async def _refuse(send: Send, status: HTTPStatus, sentence: str) -> None:
    body = sentence.encode()
    headers = MutableHeaders(
        {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
    )
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
