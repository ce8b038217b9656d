"""How is a person told that something did not work?"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.clock import now
from core.errors import Refusal
from core.log import logger
from web.forms import wants_json
from web.refusals import status_of
from web.render import render

_TITLES = {
    400: "Yêu cầu chưa đúng",
    401: "Bạn cần đăng nhập",
    403: "Chưa được phép",
    404: "Không tìm thấy trang",
    405: "Không dùng được cách này",
    409: "Chưa thực hiện được",
    413: "Nội dung quá lớn",
    422: "Nội dung cần sửa",
    429: "Bạn thử lại sau ít phút",
    500: "Hệ thống gặp lỗi",
    503: "Hệ thống đang rất đông",
}
_SENTENCES = {
    404: "Địa chỉ này không có hoặc không còn nữa. Bạn kiểm tra lại đường dẫn giúp.",
    405: "Trang này không nhận yêu cầu theo cách vừa gửi.",
    500: "Lỗi đã được ghi lại. Bạn thử lại sau ít phút.",
}


async def refused(request: Request, refusal: Refusal) -> Response:
    """A refusal as a page or, for `Accept: application/json`, as {"code", "message", "server_time"}."""
    status = status_of(refusal)
    headers = (
        {"Retry-After": str(refusal.retry_after_seconds)} if refusal.retry_after_seconds else {}
    )
    if wants_json(request):
        return JSONResponse(
            {
                "code": refusal.code,
                "message": refusal.sentence,
                "server_time": now().isoformat(),
                **({"fields": refusal.fields} if refusal.fields else {}),
            },
            status,
            headers={**headers, "Cache-Control": "no-store"},
        )
    return _page(request, status, refusal.sentence, headers)


async def http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get(error.status_code, _TITLES.get(error.status_code, ""))
    if wants_json(request):
        return JSONResponse({"code": "http", "message": sentence}, error.status_code)
    return _page(request, error.status_code, sentence, dict(error.headers or {}))


async def server_error(request: Request, error: Exception) -> Response:
    logger.error("unexpected", path=request.url.path, exc_info=error)
    if wants_json(request):
        return JSONResponse({"code": "error", "message": _SENTENCES[500]}, 500)
    return _page(request, 500, _SENTENCES[500], {})


def _page(request: Request, status: int, sentence: str, headers: dict[str, str]) -> Response:
    return render(
        request,
        "errors/error.html",
        {
            "status": status,
            "title": _TITLES.get(status, _TITLES[500]),
            "sentence": sentence,
            "request_id": getattr(request.state, "request_id", ""),
            "in_attempt": request.url.path.startswith("/bai-thi/"),
        },
        status=status,
        headers=headers,
    )
