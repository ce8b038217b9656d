"""Is this process alive, can it serve, and what are its figures?"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from core import db
from core.metrics import exposition

PROBE_SECONDS = 2


async def alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """Whether this process can serve: database and migrations decide, the queue is only reported."""
    checks = {"database": False, "migrations": False, "queue": False}
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            checks["database"] = await db.pool().fetchval("SELECT true")
            checks["migrations"] = await db.is_migrated()
    except Exception:  # noqa: BLE001, S110 — whatever the fault is, the answer is "not ready"
        pass
    checks["queue"] = await _queue_answers(request.app.state.settings.redis_url)
    # Without Valkey people still answer and hand in, so a process without it must stay in service.
    can_serve = checks["database"] and checks["migrations"]
    return JSONResponse(
        {"ready": can_serve, **checks},
        HTTPStatus.OK if can_serve else HTTPStatus.SERVICE_UNAVAILABLE,
    )


async def metrics(_request: Request) -> Response:
    return Response(exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def accessibility(request: Request) -> Response:
    async def make(_language: str, _part: bool) -> tuple[str, dict[str, object]]:
        return "health/accessibility.html", {}

    return await request.app.state.public_pages.answer(  # type: ignore[no-any-return]  # State has no types
        request, make, key=("accessibility",), seconds=3600
    )


async def _queue_answers(url: str) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS), Redis.from_url(url) as redis:
            return bool(await redis.ping())
    except Exception:  # noqa: BLE001 — whatever the fault is, the answer is "no queue"
        return False
