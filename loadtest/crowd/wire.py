"""How does a request leave, cheaply enough that the generator is not what gets measured?

It takes the connection pool that FastHttpUser stands on, and leaves out the layer above, which
parses the address, keeps a cookie jar and follows redirects anew for each request. The people of a
generator share its connections, as those behind a reverse proxy do.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import gevent
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed

from loadtest.crowd.tally import Tally

HTML, JSON = "text/html", "application/json"
FORM = "application/x-www-form-urlencoded"
ANSWER_SECONDS = 40.0  # longer than the longest wait of a group commit
MOST_CONNECTIONS = 4000  # more than are ever under way: nobody waits for a connection here
BROWSER: Mapping[str, str] = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 10; K) hieu-so-crowd",
    "Accept-Language": "vi-VN,vi;q=0.9",
    "Accept-Encoding": "gzip",
    "Sec-Fetch-Site": "same-origin",
}
REFUSED = frozenset({429, 503})
WAITING_ROOM = "/cho"
NO_ANSWER = 0
FAILURES = (OSError, HTTPException, zlib.error, gevent.Timeout)
CLOSED_WHILE_IDLE = (HTTPConnectionClosed, ConnectionResetError, BrokenPipeError)
_REFRESH = re.compile(rb'http-equiv="refresh" content="(\d+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    body: bytes
    headers: Mapping[str, Any]
    seconds: float

    def header(self, name: str) -> str:
        found = self.headers.get(name) or ""
        return found[-1] if isinstance(found, list) else str(found)

    @property
    def is_refusal(self) -> bool:
        """Come again later: 429, 503, or the way to the waiting room."""
        return self.status in REFUSED or self.header("location").partition("?")[0].endswith(
            WAITING_ROOM
        )

    @property
    def cookies(self) -> Sequence[str]:
        found = self.headers.get("set-cookie") or []
        return found if isinstance(found, list) else [str(found)]

    @property
    def page(self) -> bytes:
        packed = self.header("content-encoding") == "gzip"
        return zlib.decompress(self.body, 16 + zlib.MAX_WBITS) if packed else self.body

    @property
    def retry_after(self) -> float | None:
        """When to ask again, in seconds: Retry-After, Refresh, or the page's own refresh."""
        for name in ("retry-after", "refresh"):
            if said := re.match(r"\d+", self.header(name)):
                return float(said[0])
        found = _REFRESH.search(self.page) if self.status == 200 else None
        return float(found[1]) if found else None


def open_pool() -> HTTPClientPool:
    return HTTPClientPool(
        concurrency=MOST_CONNECTIONS,
        network_timeout=ANSWER_SECONDS,
        connection_timeout=ANSWER_SECONDS,
        headers=BROWSER,
    )


class Wire:
    """One generator's way out; every request is told to Locust and to the tally."""

    def __init__(self, host: str, pool: HTTPClientPool, request_event: Any, tally: Tally) -> None:
        self._host = host
        self._http: HTTPClient = pool.get_client(host)
        self._request_event = request_event
        self._tally = tally

    def send(
        self, step: str, method: str, path: str, *, cookie: str, accept: str = HTML, form: str = ""
    ) -> Answer:
        """One request, whatever comes of it. A connection that the server had closed while idle is
        opened again, once, as a browser does.
        """
        headers = {"Accept": accept, "Cookie": cookie}
        if method == "POST":
            headers["Content-Type"] = FORM
            headers["Origin"] = self._host
        began = time.perf_counter()
        failure: BaseException | None = None
        for _ in range(2):
            try:
                response = self._http.request(method, path, body=form.encode(), headers=headers)
                body = bytes(response.read())
                answer = Answer(
                    response.get_code(), body, response.info(), time.perf_counter() - began
                )
                response.release()
                break
            except FAILURES as error:
                failure = error
                answer = Answer(NO_ANSWER, repr(error).encode(), {}, time.perf_counter() - began)
                if not isinstance(error, CLOSED_WHILE_IDLE):
                    break
        self._tell(step, method, path, answer, failure)
        return answer

    def _tell(
        self, step: str, method: str, path: str, answer: Answer, failure: BaseException | None
    ) -> None:
        name = f"{step}, refused" if answer.is_refusal else step
        if answer.status != NO_ANSWER:
            self._tally.took(name, answer.seconds)
        self._request_event.fire(
            request_type=method,
            name=name,
            response_time=answer.seconds * 1000,
            response_length=len(answer.body),
            exception=failure if answer.status == NO_ANSWER else None,
            context={},
            url=path,
            response=None,
        )
