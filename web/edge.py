"""What happens to every request before routing: arrival stamp, cross-site refusal, headers, metrics?"""

from __future__ import annotations

import itertools
import secrets
import time
from functools import cache
from http import HTTPStatus
from urllib.parse import urlsplit

from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.log import REQUEST_ID
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
_STRANGE_ADDRESS = "Địa chỉ này có ký tự không dùng được."
_HEADERS = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


# Which process, and which of its requests: enough to find a line in the log.
_PROCESS = secrets.token_hex(3)
_NUMBERS = itertools.count(1)


@cache
def _histogram(route: str, hundred: int) -> Histogram:
    return REQUESTS.labels(route, f"{hundred}xx")


class Edge:
    """The outermost layer; plain ASGI, since BaseHTTPMiddleware breaks context variables."""

    def __init__(self, app: ASGIApp, *, public_url: str, load: Load) -> None:
        self._app = app
        self._load = load
        self._public_host = urlsplit(public_url).netloc
        headers = dict(_HEADERS)
        if public_url.startswith("https://"):
            headers["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Before anything else: a deadline is decided by when the request arrived.
        arrived = time.monotonic()
        request_id = f"{_PROCESS}-{next(_NUMBERS):x}"
        state = scope.setdefault("state", {})
        state["arrived"] = arrived
        state["request_id"] = request_id
        REQUEST_ID.set(request_id)
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *self._headers,
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        self._load.in_flight += 1
        try:
            if scope["method"] not in SAFE_METHODS and self._is_cross_site(scope):
                await _refuse(send_with_headers, HTTPStatus.FORBIDDEN, _CROSS_SITE)
            elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
                # PostgreSQL keeps no such character, so no honest address has one.
                await _refuse(send_with_headers, HTTPStatus.BAD_REQUEST, _STRANGE_ADDRESS)
            else:
                await self._app(scope, receive, send_with_headers)
        finally:
            self._load.in_flight -= 1
            self._load.answered += 1
            route = state.get("route_path", "unmatched")
            _histogram(route, status // 100).observe(time.monotonic() - arrived)

    def _is_cross_site(self, scope: Scope) -> bool:
        """A browser says where a request comes from; scripts that send neither header may pass."""
        headers = Headers(scope=scope)
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        origin = headers.get("origin")
        if origin is None:
            return False
        return urlsplit(origin).netloc not in {self._public_host or None, headers.get("host")}


async def _refuse(send: Send, status: HTTPStatus, sentence: str) -> None:
    body = sentence.encode()
    headers = MutableHeaders(
        {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
    )
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
