"""How is a crowd given a page that another visitor was given a moment ago, at the cost of a hello?

Only while the platform is busy, only whole pages in Vietnamese, and only for a second: the same that
a proxy in front may do with them (`web.render.FOR_EVERYBODY`), for houses that have none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from starlette.types import Scope, Send

from web.render import LANGUAGE_COOKIE

COPY_SECONDS = 1.0
MOST_COPIES = 500
_Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Copy:
    """An answer as it went out, and under which route it counts."""

    body: bytes
    etag: bytes
    headers: _Headers
    route_path: str
    until: float


class PageCopies:
    """The answers of the last second by address."""

    def __init__(self) -> None:
        self._copies: dict[tuple[str, bytes], Copy] = {}

    def find(self, scope: Scope) -> Copy | None:
        """A fresh copy for a plain GET of a browser that takes gzip and has chosen no language."""
        found = self._copies.get((scope["path"], scope["query_string"]))
        if found is None or found.until < time.monotonic() or scope["method"] != "GET":
            return None
        return found if is_plain(scope) else None

    def keep(self, scope: Scope, body: bytes, headers: _Headers) -> None:
        if not is_plain(scope):
            return
        if len(self._copies) >= MOST_COPIES:
            self._copies.clear()
        self._copies[scope["path"], scope["query_string"]] = Copy(
            body,
            dict(headers)[b"etag"],
            headers,
            scope["state"].get("route_path", "unmatched"),
            time.monotonic() + COPY_SECONDS,
        )

    def forget(self) -> None:
        self._copies.clear()


async def send_copy(copy: Copy, scope: Scope, send: Send) -> None:
    scope["state"]["route_path"] = copy.route_path  # for the metrics
    is_known = (b"if-none-match", copy.etag) in scope["headers"]
    start = {
        "type": "http.response.start",
        "status": 304 if is_known else 200,
        "headers": [each for each in copy.headers if not is_known or each[0] in _OF_A_304],
    }
    await send(start)
    await send({"type": "http.response.body", "body": b"" if is_known else copy.body})


_OF_A_304 = frozenset({b"etag", b"cache-control", b"vary"})
_LANGUAGE = f"{LANGUAGE_COOKIE}=".encode()


def is_plain(scope: Scope) -> bool:
    """Whether a browser asks for a whole page, takes gzip and has chosen no language."""
    takes_gzip = False
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            takes_gzip = b"gzip" in value
        elif name == b"hx-request" or (name == b"cookie" and _LANGUAGE in value):
            return False
    return takes_gzip
