from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from core.errors import Refusal
from core.local import Addresses, LocalStack, running_stack

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' account can reach, which pytest's own are not for root."""
    made = Path(tempfile.mkdtemp(prefix="hieu-so-local-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def start_local(folder: Path) -> tuple[subprocess.Popen[str], Addresses]:
    """`python -m web local` as a person would start it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "web", "local"],
        cwd=PROJECT,
        env={**os.environ, "LOCAL_DIR": str(folder), "DATABASE_URL": "", "REDIS_URL": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = dict(process.stdout.readline().strip().split("=", 1) for _ in range(2))
    return process, Addresses(lines["DATABASE_URL"], lines["REDIS_URL"])


def run_sql(url: str, sql: str) -> object:
    async def call() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(call())


def stop(process: subprocess.Popen[str]) -> None:
    """As `kill` does it: the process ends by itself, after its servers have."""
    process.terminate()
    assert process.wait(30) == 0


def answer_after_recovery(url: str) -> object:
    """The port is open before the doors are."""
    give_up_at = time.monotonic() + 30
    while True:
        try:
            return run_sql(url, "SELECT 1")
        except asyncpg.CannotConnectNowError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


def kill_and_wait(
    process: subprocess.Popen[str], folder: Path, by: signal.Signals = signal.SIGKILL
) -> None:
    """End the run and wait for its PostgreSQL: while it writes its last checkpoint it answers
    with an error, but it still holds its folder."""
    pid_file = folder / "postgresql" / "postmaster.pid"
    server = Path("/proc") / pid_file.read_text(encoding="utf-8").split("\n", 1)[0]
    process.send_signal(by)
    process.wait(30)
    give_up_at = time.monotonic() + 20
    while server.exists():
        if time.monotonic() > give_up_at:
            pytest.fail("PostgreSQL outlived its parent")
        time.sleep(0.1)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_data_survive_however_the_run_ends(folder: Path, by: signal.Signals) -> None:
    process, first = start_local(folder)
    run_sql(first.database_url, "CREATE TABLE kept (word text)")
    run_sql(first.database_url, "INSERT INTO kept VALUES ('còn') RETURNING word")
    Redis.from_url(first.redis_url).set("kept", "còn")
    time.sleep(1.2)  # appendfsync everysec
    kill_and_wait(process, folder, by)
    again, second = start_local(folder)
    try:
        assert run_sql(second.database_url, "SELECT word FROM kept") == "còn"
        assert Redis.from_url(second.redis_url, decode_responses=True).get("kept") == "còn"
    finally:
        stop(again)
    assert running_stack(folder) is None


def test_postgresql_starts_again_beside_what_its_killed_self_left_running(folder: Path) -> None:
    stack = LocalStack(folder)
    addresses = stack.start()
    try:
        server = stack.pids["postgresql"]
        straggler = int(
            (Path("/proc") / str(server) / "task" / str(server) / "children").read_text().split()[0]
        )
        os.kill(straggler, signal.SIGSTOP)
        os.kill(server, signal.SIGKILL)
        threading.Timer(1, os.kill, (straggler, signal.SIGCONT)).start()
        while stack.revive() is None:
            time.sleep(0.05)
        assert answer_after_recovery(addresses.database_url) == 1
        assert "still in use" in (folder / "postgresql.log").read_text(encoding="utf-8")
    finally:
        stack.stop()


def test_what_is_committed_is_on_disk(folder: Path) -> None:
    process, addresses = start_local(folder)
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert run_sql(addresses.database_url, f"SHOW {setting}") == "on"
        redis = Redis.from_url(addresses.redis_url, decode_responses=True)
        assert redis.config_get("appendonly") == {"appendonly": "yes"}
        assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    finally:
        stop(process)


def test_a_second_instance_on_the_same_folder_is_refused_with_a_sentence(folder: Path) -> None:
    process, addresses = start_local(folder)
    try:
        with pytest.raises(Refusal) as refused:
            LocalStack(folder).start()
        assert refused.value.code == "already_running"
        assert str(folder) in refused.value.sentence
        found = running_stack(folder)
        assert found == addresses
    finally:
        stop(process)


def test_passwords_are_needed_and_kept_from_other_accounts(folder: Path) -> None:
    process, addresses = start_local(folder)
    try:
        for name in ("stack.json", "secret_key", "postgresql_password", "valkey_password"):
            assert (folder / name).stat().st_mode & 0o077 == 0
        open_url = addresses.database_url.replace(
            addresses.database_url.split("@")[0], "postgresql://hieuso:wrong"
        )
        with pytest.raises(asyncpg.InvalidPasswordError):
            run_sql(open_url, "SELECT 1")
    finally:
        stop(process)


def test_a_stale_pid_file_that_names_another_program_does_not_stop_the_start(
    folder: Path,
) -> None:
    process, _ = start_local(folder)
    kill_and_wait(process, folder)
    (folder / "postgresql" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n")
    again, second = start_local(folder)
    try:
        assert run_sql(second.database_url, "SELECT 1") == 1
    finally:
        stop(again)


@pytest.mark.parametrize("name", ["postgresql", "valkey"])
def test_a_server_that_was_killed_comes_back_where_it_was_with_its_data(
    folder: Path, name: str
) -> None:
    stack = LocalStack(folder)
    addresses = stack.start()
    try:
        run_sql(addresses.database_url, "CREATE TABLE kept (word text)")
        run_sql(addresses.database_url, "INSERT INTO kept VALUES ('còn') RETURNING word")
        assert stack.revive() is None
        victim = next(server for server in stack._servers if server.name == name)
        victim.process.kill()
        victim.process.wait(10)
        assert stack.revive() == name
        give_up_at = time.monotonic() + 20
        while time.monotonic() < give_up_at:
            with contextlib.suppress(asyncpg.CannotConnectNowError):  # crash recovery
                assert run_sql(addresses.database_url, "SELECT word FROM kept") == "còn"
                break
            time.sleep(0.1)
        assert Redis.from_url(addresses.redis_url).ping()
    finally:
        stack.stop()
