"""Is this process alive, can it serve, and what are its figures?"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from core.figures import exposition
from web.watch import readiness


async def alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """Whether this process can serve; what decides, and what is only told, says `web.watch`."""
    checks = await readiness(request.app.state)
    status = HTTPStatus.OK if checks["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(checks, status, headers={"Cache-Control": "no-store"})


async def metrics(request: Request) -> Response:
    """The figures of all processes of this machine, and of the database and the queue."""
    state = request.app.state
    facts = await state.scrape.families(state)
    state.pulse.write()
    return Response(
        exposition(state.pulse.place.everybody(), facts),
        media_type="text/plain; version=0.0.4; charset=utf-8",
    )


async def accessibility(request: Request) -> Response:
    async def make(_language: str, _part: bool) -> tuple[str, dict[str, object]]:
        return "health/accessibility.html", {}

    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request, make, key=("accessibility",), seconds=3600
    )
