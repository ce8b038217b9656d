from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import pytest

from core import db
from core.errors import Refusal
from core.local import Addresses
from core.settings import Settings
from loadtest.stack import free_ports, start_process, stop_process, wait_ready
from people.audit import record
from people.audit_chain import seal_entries
from tests.quiz.arena import build_arena
from tests.web.conftest import SECRET, SignIn
from web import backup

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture
def env(addresses: Addresses, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ, "DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url,
        "SECRET_KEY": SECRET, "LOCAL_DIR": str(tmp_path), "DEMO": "0", "LOG_LEVEL": "warning",
    }  # fmt: skip


def command(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m web …` as an administrator would type it."""
    return subprocess.run(
        [sys.executable, "-m", "web", *words],
        cwd=PROJECT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


@contextmanager
def serving(env: dict[str, str], folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    web = start_process(folder, env | {"PORT": str(port)}, "web", ["-m", "web", "serve"])
    try:
        wait_ready(folder, "web", web, f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop_process(web)


async def test_after_a_restore_people_go_on_where_they_were(
    env: dict[str, str], sign_in: SignIn, spare_database: str, tmp_path: Path
) -> None:
    arena = await build_arena()
    mai = await sign_in(arena.person_ids[0])
    path = (await mai.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    await mai.post(f"{path}/luu", data={"seq": "1", "q1": "2"})
    async with db.transaction() as connection:
        await record(connection, by=None, action="make_contest", subject="contest:1")
    await seal_entries()
    done = command(env, "backup", str(tmp_path / "house.tar"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "SECRET_KEY không nằm trong tệp" in done.stdout
    shown = await backup.last_backup()
    assert shown is not None
    assert shown.subject == "backup:house.tar"
    there = env | {"DATABASE_URL": spare_database}
    done = command(there, "restore", str(tmp_path / "house.tar"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "mọi bảng khớp mã băm" in done.stdout
    assert "OK: 1 dòng liền mạch" in done.stdout
    with serving(there, tmp_path) as address:
        async with httpx.AsyncClient(base_url=address, cookies=mai.cookies) as moved:
            assert (await moved.get("/tai-khoan")).status_code == 200
            saved = await moved.post(f"{path}/luu", data={"seq": "2", "q2": "3"})
            assert saved.status_code in {200, 303}
    connection = await asyncpg.connect(spare_database)
    assert await connection.fetchval("SELECT answers FROM attempt") == '{"1": [2], "2": [3]}'
    actions = await connection.fetch("SELECT action FROM audit_entry ORDER BY id")
    # Bringing an older house up to date ends with the words that it had not yet: the arena has none.
    assert await connection.fetchval("SELECT count(*) FROM consent_text") > 0
    await connection.close()
    assert [row["action"] for row in actions] == ["make_contest", "restore_backup"]


async def test_a_folder_keeps_only_the_newest(
    clean: None, addresses: Addresses, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("hieuso-20261001-020000.tar", "hieuso-20261002-020000.tar", "theirs.tar"):
        (folder / name).write_text("an earlier one")
    assert await backup.back_up(house, folder, keep=2) == 0
    names = sorted(each.name for each in folder.iterdir())
    assert names[0] == "hieuso-20261002-020000.tar"
    assert names[2] == "theirs.tar"
    assert len(names) == 3
    assert "Đã xóa bản cũ hieuso-20261001-020000.tar" in capsys.readouterr().out
    with pytest.raises(Refusal, match="bad_keep"):
        await backup.back_up(house, folder, keep=0)
    with pytest.raises(Refusal, match="DATABASE_DIRECT_URL"):
        await backup.back_up(replace(house, pgbouncer=True), folder)
