"""Against a real streaming replica of the tests' own PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from core import db
from core.local import Addresses, end_with_parent, postgresql_folder, unprivileged_account
from core.reading import LONGEST_LAG_SECONDS, ReadingPool
from loadtest.stack import free_ports, stop_process
from quiz import leaderboard, results
from quiz.attempts import Attempts
from tests.quiz.arena import build_arena, instant, right_answers, save

WAIT_SECONDS = 20
WHO = "SELECT pg_is_in_recovery()"


class Replica:
    """A standby that is started and killed like one on another machine."""

    def __init__(self, folder: Path, primary_url: str) -> None:
        account = unprivileged_account()
        self._identity = {"user": account.pw_uid, "group": account.pw_gid} if account else {}
        self._data = folder / "data"
        self._log = folder / "log"
        (self._port,) = free_ports(1)
        parts = urlsplit(primary_url)
        self.url = urlunsplit(
            parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self._port}")
        )
        subprocess.run(
            [
                str(postgresql_folder() / "bin" / "pg_basebackup"), f"--dbname={primary_url}",
                f"--pgdata={self._data}", "--write-recovery-conf", "--checkpoint=fast",
                "--wal-method=stream",
            ],
            check=True, extra_groups=[] if account else None, cwd="/", **self._identity,  # type: ignore[call-overload]  # a dictionary of its own arguments
        )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(postgresql_folder() / "bin" / "postgres"), "-D", str(self._data),
                    "-p", str(self._port), "-k", "", "-c", "listen_addresses=127.0.0.1",
                    # at least the primary's, or a standby refuses to start
                    "-c", "max_connections=200", "-c", "shared_buffers=16MB",
                ],
                stdout=log, stderr=log, cwd="/", extra_groups=[] if self._identity else None,
                preexec_fn=end_with_parent(2), **self._identity,  # type: ignore[call-overload,arg-type]  # noqa: PLW1509 — it must not outlive us
            )  # fmt: skip

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            stop_process(self._process)

    async def do(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        await connection.execute(statement)
        await connection.close()


@dataclass
class Stage:
    reading: ReadingPool
    replica: Replica
    ahead: list[float]  # seconds by which this test's clock runs before the real one

    async def answered_by_replica(self) -> bool:
        return await self.reading.fetchval(WHO)  # type: ignore[no-any-return]  # a boolean column

    async def until_replica_answers(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await self.answered_by_replica():  # noqa: ASYNC110 — another server's doing
                await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def replica(database: Addresses) -> Iterator[Replica]:
    folder = Path(tempfile.mkdtemp(prefix="hieu-so-replica-"))
    folder.chmod(0o755)
    account = unprivileged_account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    made = Replica(folder, database.database_url)
    made.start()
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def stage(
    clean: None, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """This process reads as one does whose REPLICA_URL names the replica."""
    ahead = [0.0]
    pool = await db._crowd_pool(replica.url, 0, 3, pgbouncer=False)
    reading = ReadingPool(db.pool(), pool, clock=lambda: time.monotonic() + ahead[0])
    monkeypatch.setattr(db, "_reading", reading)
    made = Stage(reading, replica, ahead)
    await made.until_replica_answers()
    yield made
    await reading.close()


async def write() -> None:
    """Something that the replica has to follow."""
    await db.pool().execute(
        "INSERT INTO question_bank (code, name) VALUES (gen_random_uuid(), 'B')"
    )


async def test_a_replica_that_keeps_up_answers_also_while_nobody_writes(stage: Stage) -> None:
    stage.ahead[0] += 10 * LONGEST_LAG_SECONDS
    await stage.reading.sample()
    # Not always at once: PostgreSQL itself writes something now and then.
    await stage.until_replica_answers()
    assert stage.reading.is_fresh


async def test_one_that_falls_behind_is_left_until_it_has_caught_up(stage: Stage) -> None:
    await stage.replica.do("SELECT pg_wal_replay_pause()")
    try:
        await write()
        await stage.reading.sample()
        assert await stage.answered_by_replica()  # a moment old is new enough
        stage.ahead[0] += LONGEST_LAG_SECONDS + 1
        await stage.reading.sample()
        assert not await stage.answered_by_replica()
    finally:
        await stage.replica.do("SELECT pg_wal_replay_resume()")
    await stage.until_replica_answers()


async def test_one_that_dies_is_not_noticed_by_its_readers_and_comes_back(stage: Stage) -> None:
    stage.replica.kill()
    assert not await stage.answered_by_replica()
    await asyncio.to_thread(stage.replica.start)
    await stage.until_replica_answers()


async def test_a_primary_of_its_own_is_no_replica(stage: Stage) -> None:
    """What somebody promoted by mistake would show, for ever, what was true then."""
    other = ReadingPool(db.pool(), db.pool())
    await other.sample()
    assert not other.is_fresh
    other._keeper.cancel()


async def test_who_has_just_handed_in_sees_it_while_the_board_may_be_a_moment_old(
    stage: Stage,
) -> None:
    arena = await build_arena()
    await stage.until_replica_answers()
    await stage.replica.do("SELECT pg_wal_replay_pause()")
    attempts = Attempts()
    try:
        started = await attempts.start(arena.start())
        answers = await right_answers(started.attempt_id)
        await attempts.submit(save(started.attempt_id, 1, answers, is_submit=True, prediction=4))
        await results.score_waiting()
        participant_id = await db.pool().fetchval("SELECT id FROM participant")
        place = await leaderboard.place_of(arena.round_id, participant_id)
        assert place is not None
        assert place.rank == 1
        board = await leaderboard.board(arena.round_id, arena.division_id)
        assert board.rows == []
    finally:
        await attempts.close()
        await stage.replica.do("SELECT pg_wal_replay_resume()")
    async with asyncio.timeout(WAIT_SECONDS):
        while not (await leaderboard.board(arena.round_id, arena.division_id)).rows:  # noqa: ASYNC110 — another server's doing
            await asyncio.sleep(0.05)
    assert (await leaderboard.unit_board(arena.round_id, at=instant()))[0].people_count == 1
