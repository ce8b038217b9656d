"""The drill of docs/sao-luu.md: back to just before an accident, with the lines that stand there."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from core.local import LocalStack
from core.postgresql_tools import find_tools, run_tool

GUIDE = Path(__file__).parent.parent.parent / "docs" / "sao-luu.md"
ARCHIVE = "/var/lib/hieu-so-wal"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' account can reach and, for the archive in it, write to."""
    made = Path(tempfile.mkdtemp(prefix="hieu-so-point-"))
    made.chmod(0o755)
    (made / "archive").mkdir()
    (made / "archive").chmod(0o777)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def line_of_the_guide(name: str, archive: Path) -> str:
    found = re.search(rf"(?m)^ *{name} = '(.+)'$", GUIDE.read_text(encoding="utf-8"))
    assert found is not None
    return found[1].replace(ARCHIVE, str(archive))


async def write(url: str, *statements: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetch(statements[-1])
    finally:
        await connection.close()


def give_like(path: Path, model: Path) -> None:
    owner = model.stat()
    for each in (path, *path.rglob("*")):
        shutil.chown(each, owner.st_uid, owner.st_gid)


def begin_archiving(stack: LocalStack, archive: Path) -> str:
    command = line_of_the_guide("archive_command", archive)
    url = stack.start().database_url
    asyncio.run(write(
        url, "ALTER SYSTEM SET archive_mode = on",
        f"ALTER SYSTEM SET archive_command = '{command}'", "SELECT 1",
    ))  # fmt: skip
    stack.stop()
    return stack.start().database_url


def take_base(url: str, source: Path, target: Path) -> None:
    async def call() -> None:
        await run_tool(
            await find_tools(18), "pg_basebackup", url, f"--pgdata={target / 'postgresql'}",
            "--checkpoint=fast", "--wal-method=none",
        )  # fmt: skip

    target.mkdir()
    asyncio.run(call())
    shutil.copy(source / "postgresql_password", target)


def wait_until_promoted(url: str) -> None:
    """The doors are open for reading before the last line has come back."""
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        if not asyncio.run(write(url, "SELECT pg_is_in_recovery()"))[0][0]:
            return
        time.sleep(0.05)
    pytest.fail("still recovering")


def test_the_house_goes_back_to_just_before_an_accident(folder: Path) -> None:
    source, target, archive = folder / "source", folder / "target", folder / "archive"
    stack = LocalStack(source)
    try:
        url = begin_archiving(stack, archive)
        asyncio.run(write(url, "CREATE TABLE saved (word text)", "SELECT 1"))
        take_base(url, source, target)
        (before,) = asyncio.run(write(
            url, "INSERT INTO saved SELECT 'bài ' || n FROM generate_series(1, 500) n",
            "SELECT clock_timestamp()::text",
        ))  # fmt: skip
        asyncio.run(
            write(url, "DELETE FROM saved", "INSERT INTO saved VALUES ('nhầm') RETURNING 1")
        )
    finally:
        stack.stop()
    data = target / "postgresql"
    # what was not yet archived is still beside the old tables
    shutil.copytree(source / "postgresql" / "pg_wal", data / "pg_wal", dirs_exist_ok=True)
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"archive_mode = off\nrestore_command = '{line_of_the_guide('restore_command', archive)}'\n"
            f"recovery_target_time = '{before[0]}'\nrecovery_target_action = 'promote'\n"
        )
    give_like(data, source / "postgresql")
    brought_back = LocalStack(target)
    try:
        url = brought_back.start().database_url
        wait_until_promoted(url)
        (found,) = asyncio.run(write(
            url, "SELECT count(*) AS rows, count(*) FILTER (WHERE word = 'nhầm') AS wrong FROM saved"
        ))  # fmt: skip
    finally:
        brought_back.stop()
    assert dict(found) == {"rows": 500, "wrong": 0}
    assert any(archive.iterdir())  # the base's own end came from the archive
