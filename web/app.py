"""What is the web application made of?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from certificates.printing import drawing
from core import db
from core.errors import Refusal
from core.garbage import spare_the_collector
from core.log import configure, logger
from core.metrics import IN_PROGRESS
from core.pulse import Pulse
from core.queue import close_queue, open_queue
from core.settings import Settings, require_secret
from quiz import outages
from quiz.activity import ACTIVITY, WRITE_SECONDS
from quiz.attempts import Attempts
from web.admission import Gate
from web.contest_cache import ContestCache
from web.edge import Edge
from web.load_level import CALM, HEAVY, Load, keep_load
from web.page_copies import PageCopies
from web.pages import errors
from web.render import PublicPages
from web.routes import routes
from web.shedding import BOARD, turned_away
from web.tokens import Tokens
from web.waiting_line import WaitingLine
from web.watch import Papers, Scrape

CLOCK_SAMPLE_SECONDS = 5


class Application(Starlette):
    """Starlette behind our edge and the gate: what they answer passes none of its layers."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: Settings = self.state.settings
        inner = Gate(super().build_middleware_stack(), self.state)
        self.state.edge = Edge(inner, public_url=settings.public_url, load=self.state.load)
        return self.state.edge  # type: ignore[no-any-return]  # State has no types

    def leave(self) -> None:
        """The process is about to end: from now on it tells proxies to look elsewhere."""
        self.state.is_leaving = True
        self.state.edge.leave()


def create_app(settings: Settings) -> Application:
    """The application of one process."""
    configure(settings.log_level)
    secret = require_secret(settings)

    app = Application(
        routes=routes(),
        exception_handlers={
            Refusal: _answer_refusal,
            HTTPException: errors.http_error,
            Exception: errors.server_error,
        },
        lifespan=_serving,
    )
    app.state.settings = settings
    app.state.tokens = Tokens(secret, is_https=settings.is_https)
    app.state.load = Load()
    app.state.line = WaitingLine(settings.redis_url, app.state.load)
    app.state.page_copies = PageCopies()
    app.state.public_pages = PublicPages(
        is_resting=lambda: app.state.load.shed >= HEAVY,
        turned_away=lambda request: turned_away(request, BOARD),
        keep_copy=lambda request, response: _keep_copy(app, request, response),
    )
    app.state.contests = ContestCache()
    app.state.is_leaving = False
    app.state.scrape = Scrape()
    app.state.papers = Papers(settings)
    return app


@contextlib.asynccontextmanager
async def _serving(app: Starlette) -> AsyncIterator[None]:
    """What the process holds while it serves; opened here and closed here."""
    settings: Settings = app.state.settings
    await db.open_database(
        settings.database_url,
        pool_size=settings.database_pool_size,
        pgbouncer=settings.pgbouncer,
        replica_url=settings.replica_url,
    )
    open_queue(settings.redis_url)
    IN_PROGRESS.set_function(lambda: app.state.load.in_flight)
    app.state.attempts = Attempts()
    app.state.pulse = Pulse(
        "web",
        folder=settings.local_path,
        redis_url=settings.redis_url,
        also=outages.beat,
    )
    app.state.pulse.start()
    spare_the_collector()
    keepers: list[asyncio.Task[Any]] = [
        asyncio.create_task(keeping)
        for keeping in (_keep_clock(), _keep_activity(), _keep_load(app), app.state.line.keep())
    ]
    # Whoever set a bucket that cannot be used reads so in the log now, not with the first paper.
    keepers.append(asyncio.create_task(app.state.papers.is_usable()))
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await app.state.line.close()
        await app.state.attempts.close()
        await _write_activity()
        await app.state.pulse.close()
        await drawing.close()
        await close_queue()
        await db.close_database()


async def _answer_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return await errors.refused(request, error)


async def _keep_clock() -> None:
    while True:
        await asyncio.sleep(CLOCK_SAMPLE_SECONDS)
        try:
            await db.database_clock().sample()
        except Exception as error:  # noqa: BLE001 — while PostgreSQL is away the last offset still holds
            logger.warning("clock_sample_failed", reason=type(error).__name__)


def _keep_copy(app: Starlette, request: Request, response: Response) -> None:
    if app.state.load.shed > CALM and response.status_code == HTTPStatus.OK:
        app.state.page_copies.keep(request.scope, bytes(response.body), response.raw_headers)


async def _keep_load(app: Starlette) -> None:
    await keep_load(
        app.state.load,
        longest_wait=app.state.attempts.longest_wait,
        is_lite=lambda: app.state.contests.is_lite or app.state.line.is_open,
    )


async def _keep_activity() -> None:
    while True:
        await asyncio.sleep(WRITE_SECONDS)
        await _write_activity()


async def _write_activity() -> None:
    try:
        await ACTIVITY.write()
    except Exception as error:  # noqa: BLE001 — while PostgreSQL is away the counts wait in memory
        logger.warning("activity_not_written", reason=type(error).__name__)
