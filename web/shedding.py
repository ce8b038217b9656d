"""What is turned away first when there is too much to do, and how is it told?

Dashboards first, then boards and figures, then newcomers; never anybody who is inside an attempt,
nor the doors that lead back in, nor what staff steer by. An answer costs no database, no session
and no template: its two languages are rendered once.
"""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

import orjson
from starlette.requests import Request
from starlette.responses import Response

from web.forms import wants_json
from web.load_level import BUSY, FULL, HEAVY
from web.render import accepts_gzip, language_of, to_html

NEVER = FULL + 1
# One browser in ten seconds, of what may be shed; a person who reads does not come near it.
WINDOW_SECONDS = 10.0
MOST_IN_WINDOW = 20
# Of the office only what adds up and draws: staff are few, and steering is theirs when it is crowded.
_DASHBOARDS = (
    "/phan-tich", "/phan-tich.xlsx", "/ban-do-kien-thuc", "/ban-do-kien-thuc.xlsx",
    "/dang-dien-ra", "/bang-xep-hang.xlsx", "/bang-xep-hang.csv",
)  # fmt: skip
_BOARDS = ("/bang-xep-hang", "/thong-ke", "/ket-qua")
_NEWCOMERS = ("/dang-ky", "/tim-don-vi", "/tai-khoan")


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of request: the level from which it is turned away, and when to come back."""

    name: str
    level: int
    retry_seconds: int
    may_be_stale: bool = False  # a copy that was kept is shown instead


INSIDE = Kind("inside", NEVER, 0)
DASHBOARD = Kind("dashboard", BUSY, 30)
BOARD = Kind("board", HEAVY, 20, may_be_stale=True)
FIGURES = Kind("figures", HEAVY, 20)
NEWCOMER = Kind("newcomer", FULL, 10)
TOO_MANY = Kind("too_many", NEVER, 10)


def kind_of(method: str, path: str) -> Kind:
    """What a request is; whatever is not named here is never turned away."""
    if path.startswith("/quan-tri"):
        is_dashboard = path == "/quan-tri" or path.endswith(_DASHBOARDS)
        return DASHBOARD if is_dashboard and method != "POST" else INSIDE
    if path.startswith("/cuoc-thi/"):
        if path.endswith(_BOARDS):
            return BOARD
        if path.endswith(("/vi-tri", ".json")) or "/boc-tham/" in path:
            return FIGURES
        return NEWCOMER if "/khieu-nai" in path else INSIDE
    return NEWCOMER if path.startswith(_NEWCOMERS) else INSIDE


class Window:
    """How much each browser has asked for lately; by its session, so a school's address counts for nobody."""

    def __init__(self) -> None:
        self._began = 0.0
        self._counts: dict[str, int] = {}

    def is_over(self, session: str, at: float) -> bool:
        if at - self._began >= WINDOW_SECONDS:
            self._began, self._counts = at, {}
        count = self._counts.get(session, 0) + 1
        self._counts[session] = count
        return count > MOST_IN_WINDOW


def turned_away(request: Request, kind: Kind) -> Response:
    """503, or 429 to one who asks too much: when to come back, and that answers are safe."""
    status = HTTPStatus.TOO_MANY_REQUESTS if kind is TOO_MANY else HTTPStatus.SERVICE_UNAVAILABLE
    # Spread, or everybody turned away in this second comes back in one second.
    retry_seconds = random.randint(kind.retry_seconds, 2 * kind.retry_seconds)  # noqa: S311 — a spread, not a secret
    headers = {"Retry-After": str(retry_seconds), "Cache-Control": "no-store"}
    if wants_json(request):
        told = {
            "code": "too_many" if kind is TOO_MANY else "overloaded",
            "message": _SENTENCES[kind.name],
            "retry_after": retry_seconds,
        }
        return Response(orjson.dumps(told), status, headers, media_type="application/json")
    if request.headers.get("hx-request") == "true":
        headers["HX-Reswap"] = "none"  # what the page shows is better than nothing
        return Response(status_code=status, headers=headers)
    plain, packed = _pages(language_of(request), kind.name, int(status))
    headers["Vary"] = "Accept-Encoding, Cookie"
    if accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return Response(packed, status, headers, media_type="text/html")
    return Response(plain, status, headers, media_type="text/html")


_BOARD_WORDS = "Bảng xếp hạng và số liệu tạm nghỉ để nhường máy chủ cho người đang làm bài."
_SENTENCES = {
    "dashboard": "Trang thống kê và giám sát tạm nghỉ để nhường máy chủ cho người đang làm bài. "
    "Các trang điều hành vẫn mở.",
    "board": _BOARD_WORDS,
    "figures": _BOARD_WORDS,
    "newcomer": "Máy chủ đang dành chỗ cho người đang làm bài.",
    "too_many": "Trình duyệt này vừa hỏi quá nhiều lần trong vài giây.",
}


@cache
def _pages(language: str, name: str, status: int) -> tuple[bytes, bytes]:
    html = to_html(
        language,
        "errors/overloaded.html",
        {"status": status, "sentence": _SENTENCES[name], "kind": name},
    ).encode()
    return html, gzip.compress(html, 9, mtime=0)
