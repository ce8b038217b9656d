"""How fast could it be: the same durable write, or the same bytes, behind a handler that does nothing else?

A save holds: the same uvicorn with the settings of `python -m web serve`, Starlette's routing, the body
parsed by hand, `core.groupcommit`, one unnest UPDATE and one commit a batch on a copy of the
attempt table with its indexes, a JSON answer.
Does not hold: cookies and signatures, headers and metrics of every request, checks of the fields,
the arrival clock, the deadline, state and opening in the statement, the submission's columns.

A start holds: the same group commit, one unnest INSERT of participants and one of attempts on copies
of both tables with their indexes; its paper holds one UPDATE in a group commit and eight kilobytes
that are ready. They lack: the session, who may enter, foreign keys, drawing, rendering and packing.
A hello holds Starlette's routing and five bytes.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
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

STARTED_TABLE, ENTERED_TABLE = "bench_started", "bench_entered"
_ENTER = f"""
INSERT INTO {ENTERED_TABLE} (contest_id, person_id, division_id, unit_id, shown_name, entered_at)
SELECT 1, b.person_id, 1, 1, 'Lò Thị M***', now() FROM unnest($1::bigint[]) AS b (person_id)
ON CONFLICT DO NOTHING
"""  # noqa: S608 — the table's name is our constant
_START = f"""
INSERT INTO {STARTED_TABLE} (id, participant_id, round_id, number, division_id, unit_id, pool_id,
                             seed, drawing_version, rules_version, state, opening, answers,
                             saved_seq, started_at, deadline_at)
SELECT b.id, p.id, 1, 1, 1, 1, 1, repeat('0', 32), 1, 1, 'open', 0, '{{}}', 0, now(),
       now() + interval '20 minutes'
FROM unnest($1::uuid[], $2::bigint[]) AS b (id, person_id)
JOIN {ENTERED_TABLE} p ON p.contest_id = 1 AND p.person_id = b.person_id
"""  # noqa: S608 — the tables' names are our constants
_OPEN = f"""
UPDATE {STARTED_TABLE} SET opening = opening + 1 WHERE id = ANY($1::uuid[]) RETURNING id, opening
"""  # noqa: S608 — the table's name is our constant
_PAPER = bytes(8000)


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


@dataclass(frozen=True, slots=True)
class Start:
    person_id: int
    attempt_id: UUID = field(default_factory=uuid4)


async def write_starts(connection: Connection, starts: Sequence[Start]) -> list[Start | Exception]:
    people = [start.person_id for start in starts]
    await connection.execute(_ENTER, people)
    await connection.execute(_START, [start.attempt_id for start in starts], people)
    return list(starts)


async def write_openings(
    connection: Connection, attempt_ids: Sequence[UUID]
) -> list[int | Exception]:
    rows = await connection.fetch(_OPEN, list(attempt_ids))
    kept = {row["id"]: row["opening"] for row in rows}
    return [kept.get(each) or LookupError("no such row") for each in attempt_ids]


async def start(request: Request) -> Response:
    committer: GroupCommitter[Start, Start] = request.app.state.starts
    begun = await committer.submit(Start(int(request.path_params["person"])))
    return RedirectResponse(f"/bai-thi/{begun.attempt_id}", HTTPStatus.SEE_OTHER)


async def paper(request: Request) -> Response:
    committer: GroupCommitter[UUID, int] = request.app.state.openings
    await committer.submit(UUID(request.path_params["attempt"]))
    return Response(_PAPER, media_type="text/html")


async def hello(_request: Request) -> Response:
    return Response(b"hello")


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
        app.state.starts = GroupCommitter(
            "ceiling starts", db.pool(), write_starts, key=lambda row: row.person_id
        )
        app.state.openings = GroupCommitter(
            "ceiling openings", db.pool(), write_openings, key=lambda attempt_id: attempt_id
        )
        yield
        await app.state.committer.close()
        await app.state.starts.close()
        await app.state.openings.close()
        await db.close_database()

    return Bare(
        routes=[
            Route("/bai-thi/{attempt}/luu", save, methods=["POST"]),
            Route("/vao-thi/{person}", start, methods=["POST"]),
            Route("/bai-thi/{attempt}", paper),
            Route("/hello", hello),
            Route("/readyz", hello),
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
