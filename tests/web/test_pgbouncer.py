"""A web process and a worker behind a real PgBouncer in transaction mode, as deploy/ has it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from core import db
from core.local import Addresses
from loadtest.pooler import find_pgbouncer, running_pgbouncer
from loadtest.stack import HOST, free_ports, start_process, stop_process, wait_ready
from tests.quiz.arena import right_answers
from tests.web.cast import build_stage
from tests.web.conftest import CERTIFICATES, SECRET, SignIn

JSON = {"accept": "application/json"}
SERVER_CONNECTIONS = 3  # fewer than the programs hold, so that they change hands all the time
SCORED_SECONDS = 30
PLAYING = ("mai", "charlie", "organiser", "leader")
STAFF_PAGES = (
    "/quan-tri",
    "/quan-tri/ngan-hang",
    "/quan-tri/cuoc-thi",
    "/quan-tri/cuoc-thi/thi",
    "/quan-tri/cuoc-thi/thi/ket-qua",
    "/quan-tri/cuoc-thi/thi/phan-tich",
    "/quan-tri/cuoc-thi/thi/dang-dien-ra",
)
# What a program does at an upgrade, and then a cursor: its statement has a name, which nobody takes
# back when the program is gone.
_PROGRAM = """
import asyncio, sys
from core import db

async def main():
    await db.migrate(sys.argv[1])
    await db.open_database(sys.argv[1], pgbouncer=True)
    async with db.pool().acquire() as connection, connection.transaction():
        cursor = await connection.cursor("SELECT generate_series(1, 3) AS n")
        print([row["n"] for row in await cursor.fetch(3)])
    await db.close_database()

asyncio.run(main())
"""
# In CI a missing server is a failure.
pytestmark = pytest.mark.skipif(
    find_pgbouncer() is None and os.environ.get("CI") != "true", reason="pgbouncer is not installed"
)


@pytest.fixture
def through(database: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The test's database through PgBouncer."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # PgBouncer refuses to be root
    (port,) = free_ports(1)
    with running_pgbouncer(
        folder, database.database_url, port=port, pool_size=SERVER_CONNECTIONS
    ) as (url, _):
        yield url


@contextlib.contextmanager
def running_programs(folder: Path, environment: Mapping[str, str], port: int) -> Iterator[None]:
    started = []
    try:
        for name, command in (("web", "serve"), ("worker", "work")):
            started.append(start_process(folder, environment, name, ["-m", "web", command]))
        wait_ready(folder, "web", started[0], f"http://{HOST}:{port}/readyz")
        yield
    finally:
        for process in started:
            stop_process(process)


def cookie_of(client: httpx.AsyncClient) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar)


async def attempt(web: httpx.AsyncClient, cookie: str) -> None:
    """Enter, read, save, hand in and see the score."""

    async def ask(method: str, path: str, status: int, **more: object) -> httpx.Response:
        headers = {"cookie": cookie} | (JSON if path.endswith(("/luu", "/ket-qua")) else {})
        answer = await web.request(method, path, headers=headers, **more)  # type: ignore[arg-type]  # what the caller gives is httpx's
        assert answer.status_code == status, (path, answer.text[:500])
        return answer

    await ask("GET", "/cuoc-thi/thi", 200)
    path = (await ask("POST", "/cuoc-thi/thi/vao-thi", 303)).headers["location"]
    opening = re.search(r'name="lan" value="(\d+)"', (await ask("GET", path, 200)).text)
    assert opening is not None
    right = await right_answers(UUID(path.rsplit("/", 1)[1]))
    for seq, (position, chosen) in enumerate(right.items(), start=1):
        form = {"seq": str(seq), "lan": opening[1], f"q{position}": [str(c) for c in chosen]}
        saved = await ask("POST", f"{path}/luu", 200, data=form)
        assert saved.json()["saved_seq"] == seq
    await ask("POST", f"{path}/nop", 303, data={"seq": "9", "du_doan": "4", "lan": opening[1]})
    async with asyncio.timeout(SCORED_SECONDS):
        while (result := (await ask("GET", f"{path}/ket-qua", 200)).json())["score"] is None:  # noqa: ASYNC110 — another process scores
            await asyncio.sleep(0.2)
    assert result["correct_count"] == result["question_count"] == len(right)
    await ask("GET", "/cuoc-thi/thi/vi-tri", 200)


async def test_whole_attempts_and_staff_pages_work_in_transaction_mode(
    clean: None,
    through: str,
    addresses: Addresses,
    sign_in: SignIn,
    visitor: httpx.AsyncClient,
    tmp_path: Path,
) -> None:
    stage = await build_stage(sign_in, visitor)
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "DATABASE_URL": through,
        "PGBOUNCER": "1",
        "REDIS_URL": addresses.redis_url,
        "SECRET_KEY": SECRET,
        "LOCAL_DIR": str(tmp_path),
        "DEMO": "1",
        "HOST": HOST,
        "PORT": str(port),
        "LOG_LEVEL": "warning",
    }
    with running_programs(tmp_path, environment, port):
        async with httpx.AsyncClient(
            base_url=f"http://{HOST}:{port}", timeout=20, verify=CERTIFICATES
        ) as web:
            people = {name: cookie_of(stage.clients[name]) for name in PLAYING}
            await asyncio.gather(*(attempt(web, cookie) for cookie in people.values()))
            for path in STAFF_PAGES:
                page = await web.get(path, headers={"cookie": people["organiser"]})
                assert page.status_code == 200, (path, page.text[:300])
            # every connection to PostgreSQL goes down under them
            await db.pool().execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert (await web.get("/cuoc-thi/thi/bang-xep-hang")).status_code == 200
            await attempt(web, people["mai"])
    assert "prepared statement" not in _logged(tmp_path)


async def test_programs_that_share_connections_leave_neither_locks_nor_names_in_each_others_way(
    clean: None, through: str, project_folder: Path
) -> None:
    for _ in range(2):
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROGRAM, through, cwd=project_folder, stdout=PIPE
        )
        said, _ = await program.communicate()
        assert said == b"[1, 2, 3]\n"
    held = await db.pool().fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    assert held == 0
    # asyncpg's own names are the same in every program: PostgreSQL has them already
    await _use_a_cursor_as_asyncpg_would(through)
    with pytest.raises(asyncpg.DuplicatePreparedStatementError):
        await _use_a_cursor_as_asyncpg_would(through)


def _logged(folder: Path) -> str:
    return "".join(log.read_text(encoding="utf-8") for log in folder.glob("*.log"))


async def _use_a_cursor_as_asyncpg_would(url: str) -> None:
    asyncpg.connection._uid = 70_000  # what a program that has just started counts from
    connection = await asyncpg.connect(url, statement_cache_size=0)
    try:
        async with connection.transaction():
            await (await connection.cursor("SELECT 1 AS n")).fetch(1)
    finally:
        await connection.close()
