"""How fast could a save be: the same durable write behind a handler that does nothing else?

Holds: the same uvicorn with the settings of `python -m web serve`, Starlette's routing, the body
parsed by hand, `core.groupcommit`, one unnest UPDATE and one commit a batch on a copy of the
attempt table with its indexes, a JSON answer.
Does not hold: cookies and signatures, headers and metrics of every request, checks of the fields,
the arrival clock, the deadline, state and opening in the statement, the submission's columns.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core import db
from core.db import Connection
from core.groupcommit import GroupCommitter
from core.settings import Settings

TABLE = "bench_attempt"
HOLDS = (
    "same uvicorn settings, Starlette route, body parsed by hand, core.groupcommit, "
    "one unnest UPDATE on a copy of the table with its indexes, JSON answer"
)
LACKS = (
    "cookie signature, security headers and metrics, field checks, arrival clock, "
    "deadline, state and opening"
)

_SAVE = f"""
UPDATE {TABLE} a SET answers = a.answers || b.answers, saved_seq = b.seq, saved_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::jsonb[]) AS b (id, seq, answers)
WHERE a.id = b.id AND b.seq > a.saved_seq
RETURNING a.id, a.saved_seq
"""  # noqa: S608 — the table's name is our constant


@dataclass(frozen=True, slots=True)
class Save:
    attempt_id: UUID
    seq: int
    answers: dict[str, list[int]]


async def write(connection: Connection, saves: Sequence[Save]) -> list[int | Exception]:
    rows = await connection.fetch(
        _SAVE,
        [save.attempt_id for save in saves],
        [save.seq for save in saves],
        [save.answers for save in saves],
    )
    kept = {row["id"]: row["saved_seq"] for row in rows}
    return [kept.get(save.attempt_id) or LookupError("no such row") for save in saves]


async def save(request: Request) -> Response:
    fields = parse_qsl((await request.body()).decode())
    row = Save(
        UUID(request.path_params["attempt"]),
        int(dict(fields)["seq"]),
        {name[1:]: [int(value)] for name, value in fields if name[0] == "q"},
    )
    committer: GroupCommitter[Save, int] = request.app.state.committer
    saved_seq = await committer.submit(row)
    return Response(orjson.dumps({"saved_seq": saved_seq}), media_type="application/json")


async def ready(_request: Request) -> Response:
    return Response(b"ready")


class Bare(Starlette):
    def leave(self) -> None:
        """Nothing to tell anybody: no proxy stands in front."""


def create_app(settings: Settings) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await db.open_database(settings.database_url, pool_size=settings.database_pool_size)
        app.state.committer = GroupCommitter(
            "ceiling", db.pool(), write, key=lambda row: row.attempt_id
        )
        yield
        await app.state.committer.close()
        await db.close_database()

    return Bare(
        routes=[
            Route("/bai-thi/{attempt}/luu", save, methods=["POST"]),
            Route("/readyz", ready),
        ],
        lifespan=lifespan,
    )


if __name__ == "__main__":
    import web.__main__
    import web.app
    import web.save_wire

    # The platform's own command with another application: its server settings, whatever they are,
    # without its lane for saves.
    web.app.create_app = create_app  # type: ignore[assignment]  # it has all that the command uses
    web.save_wire.wire = lambda _state: HttpToolsProtocol
    sys.argv = ["web", "serve"]
    sys.exit(web.__main__.main())
