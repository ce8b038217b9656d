"""How is a person told that something did not work?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.clock import now
from core.errors import Refusal
from core.groupcommit import is_outage
from core.log import logger
from core.metrics import REFUSALS
from web.forms import wants_json
from web.refusals import status_of
from web.render import render

# PostgreSQL is back within a second or two after a crash.
AWAY_RETRY_SECONDS = 3
# Where the template has no words of its own for a status.
_TITLES = {
    400: "Yêu cầu chưa đúng",
    401: "Bạn cần đăng nhập",
    405: "Trang này không mở được theo cách đó",
}
_SENTENCES = {
    400: "Máy chủ chưa đọc được thông tin vừa gửi. Bạn quay lại rồi thử lại.",
    405: "Bạn quay lại trang trước rồi bấm nút trên trang.",
}
# For scripts, which get no template.
_MESSAGES = _SENTENCES | {
    404: "Địa chỉ này không có hoặc không còn nữa. Bạn kiểm tra lại đường dẫn giúp.",
    500: "Lỗi đã được ghi lại. Bạn thử lại sau ít phút.",
}
# "Ngoài giờ": what a late save and a closed round are judged by.
_TIMED = frozenset({"late", "round_closed", "not_open_yet", "closing", "cooling_down"})


async def refused(request: Request, refusal: Refusal) -> Response:
    """A refusal as a page or, for `Accept: application/json`, as {"code", "message", "server_time"}."""
    REFUSALS.labels(refusal.code).inc()
    if wants_json(request):
        return _as_json(refusal)
    status, headers = status_of(refusal), _retry_after(refusal)
    return _page(
        request,
        status,
        headers,
        sentence=refusal.sentence,
        todo="",  # a refusal's own sentence says what to do
        retry_after=refusal.retry_after_seconds,
        server_time=now() if refusal.code in _TIMED else None,
    )


def _as_json(refusal: Refusal) -> Response:
    return JSONResponse(
        {
            "code": refusal.code,
            "message": refusal.sentence,
            "server_time": now().isoformat(),
            **({"fields": refusal.fields} if refusal.fields else {}),
        },
        status_of(refusal),
        headers={**_retry_after(refusal), "Cache-Control": "no-store"},
    )


def _retry_after(refusal: Refusal) -> dict[str, str]:
    seconds = refusal.retry_after_seconds
    return {"Retry-After": str(seconds)} if seconds else {}


async def http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    headers = {**(error.headers or {}), "Cache-Control": "no-store"}
    if wants_json(request):
        message = _MESSAGES.get(status, HTTPStatus(status).phrase)
        return JSONResponse({"code": "http", "message": message}, status, headers=headers)
    sentence = _SENTENCES.get(status)
    return _page(request, status, headers, sentence=sentence, todo="" if sentence else None)


async def server_error(request: Request, error: Exception) -> Response:
    # The route, not the address: that may name an attempt.
    route = getattr(request.state, "route_path", "")
    if is_outage(error) or (error.__cause__ is not None and is_outage(error.__cause__)):
        # The ORM wraps what asyncpg says. Nobody's mistake: the same request will do in a moment.
        logger.warning("database_away", route=route, reason=type(error).__name__)
        return await refused(request, _refuse_away())
    logger.error("unexpected", route=route, exc_info=error)
    if wants_json(request):
        return JSONResponse({"code": "error", "message": _MESSAGES[500]}, 500)
    return _page(request, HTTPStatus.INTERNAL_SERVER_ERROR, {})


def _refuse_away() -> Refusal:
    return Refusal(
        "busy",
        "Máy chủ tạm thời chưa trả lời được. Bạn chờ vài giây rồi thử lại; những gì đã lưu vẫn còn "
        "nguyên.",
        retry_after_seconds=AWAY_RETRY_SECONDS,
        reason="database_away",
    )


def _page(
    request: Request,
    status: int,
    headers: Mapping[str, str],
    *,
    sentence: str | None = None,
    todo: str | None = None,
    retry_after: int | None = None,
    server_time: datetime | None = None,
) -> Response:
    context: dict[str, Any] = {
        "status": status,
        "title": _TITLES.get(status),
        "sentence": sentence,
        "todo": todo,
        "request_id": getattr(request.state, "request_id", ""),
        "retry_after": retry_after,
        "is_paper": request.url.path.startswith("/bai-thi/"),
        "back": _back(request.url.path, status),
        "server_time": server_time,
    }
    return render(request, "errors/error.html", context, status=status, headers=headers)


def _back(path: str, status: int) -> dict[str, str] | None:
    """The nearest page that is surely there."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return {"url": "/tai-khoan", "label": "Về tài khoản của tôi"}
    steps = path.strip("/").split("/")
    if steps[0] == "quan-tri" and len(steps) > 1:
        return {"url": "/quan-tri", "label": "Về trang quản trị"}
    deep_in_contest = 3  # /cuoc-thi/{slug}/…
    if steps[0] == "cuoc-thi" and len(steps) >= deep_in_contest:
        return {"url": f"/cuoc-thi/{steps[1]}", "label": "Về trang cuộc thi"}
    if steps[0] == "bai-thi" and status == HTTPStatus.CONFLICT and len(steps) > 1:
        return {"url": f"/bai-thi/{steps[1]}", "label": "Về bài thi"}
    return None
