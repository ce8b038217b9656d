"""Stylesheets, scripts, fonts and question images."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from core.errors import Refusal
from quiz.images import get_image
from web.assets import assets
from web.render import accepts_gzip

FOR_EVER = "public, max-age=31536000, immutable"


async def static(request: Request) -> Response:
    """A file under its hashed name; an old name after a deploy is simply gone."""
    found = assets().by_address.get(request.path_params["path"])
    if found is None:
        raise Refusal("not_found", "Không tìm thấy tệp này.")
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if found.compressed is not None and accepts_gzip(request):
        return Response(
            found.compressed,
            media_type=found.media_type,
            headers={**headers, "Content-Encoding": "gzip"},
        )
    return Response(found.content, media_type=found.media_type, headers=headers)


async def image(request: Request) -> Response:
    media_type, content = await get_image(request.path_params["digest"])
    return Response(content, media_type=media_type, headers={"Cache-Control": FOR_EVER})


async def robots(_request: Request) -> Response:
    return PlainTextResponse(
        "User-agent: *\nDisallow: /bai-thi/\nDisallow: /chung-nhan/\nDisallow: /quan-tri\n"
    )
