from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core import db
from core.local import Addresses
from core.settings import Settings
from loadtest.citizen import FormReader, RankReader, refusal
from quiz import frozen, leaderboard
from web.demo import province

SECRET = "a secret of the tests, long enough to sign with"
READY_SECONDS = 90


@pytest.fixture
async def url(
    clean: None, addresses: Addresses, project_folder: Path, tmp_path: Path
) -> AsyncIterator[str]:
    """The whole platform as one command starts it, on a small demonstration province."""
    frozen.forget_pools()
    await province.fill(Settings(demo=True), attempts=60)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "web", "run",
        cwd=project_folder,
        env={
            **os.environ,
            "DATABASE_URL": addresses.database_url,
            "REDIS_URL": addresses.redis_url,
            "SECRET_KEY": SECRET,
            "LOCAL_DIR": str(tmp_path),
            "DEMO": "1",
            "PORT": str(port),
        },
        stdout=PIPE,
    )  # fmt: skip
    try:
        yield await asyncio.wait_for(ready_address(running), READY_SECONDS)
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()
        frozen.forget_pools()


async def ready_address(running: Process) -> str:
    assert running.stdout is not None
    async for line in running.stdout:
        if line.startswith(b"ready "):
            return line.decode().split()[1]
    pytest.fail("the platform ended before it was ready")


async def citizen(project_folder: Path, *arguments: str) -> tuple[int, str, str]:
    script = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.citizen", *arguments,
        cwd=project_folder, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    said, complained = await script.communicate()
    assert script.returncode is not None
    return script.returncode, said.decode(), complained.decode()


async def test_a_citizen_gets_a_receipt_a_score_and_a_rank_or_a_sentence(
    url: str, project_folder: Path
) -> None:
    status, said, complained = await citizen(project_folder, "--url", url, "--division", "hoc-sinh")
    assert status == 0, complained
    played = json.loads(said)
    kept = await db.pool().fetchrow(
        "SELECT a.*, s.points, s.correct_count FROM attempt a "
        "JOIN score s ON s.attempt_id = a.id WHERE a.id = $1",
        played["attempt"],
    )
    assert kept is not None
    assert (kept["state"], kept["receipt"]) == ("submitted", played["receipt"])
    assert (kept["points"] / 1000, kept["correct_count"]) == (
        played["score"],
        played["correct_count"],
    )
    assert kept["prediction"] == 500
    assert len(kept["answers"]) == played["question_count"] == 20
    place = await leaderboard.place_of(kept["round_id"], kept["participant_id"])
    assert place is not None
    assert place.rank == played["rank"]
    # and of a contest that is not there
    status, said, complained = await citizen(project_folder, "--url", url, "--slug", "khong-co")
    assert (status, said) == (1, "")
    assert "404" in complained


@pytest.mark.parametrize(
    ("address", "remote", "is_refused"),
    [
        ("http://127.0.0.1:8000", None, False),
        ("http://[::1]:8000", None, False),
        ("https://localhost", None, False),
        ("https://thi.example.gov.vn", None, True),
        ("https://thi.example.gov.vn", "khac.example.gov.vn", True),
        ("https://thi.example.gov.vn", "thi.example.gov.vn", False),
        ("http://127.0.0.1.example.vn", None, True),
        ("file:///etc/passwd", None, True),
    ],
)
def test_only_this_machine_is_played_unless_another_is_named(
    address: str, remote: str | None, is_refused: bool
) -> None:
    assert (refusal(address, remote) is not None) == is_refused


def test_a_form_is_read_with_its_choices() -> None:
    reader = FormReader()
    reader.feed(
        '<select name="don_vi"><option value="">Chọn</option><option value="SYT">Sở</option>'
        '</select><input type="radio" name="q1" value="1"><input type="radio" name="q1" value="2">'
        '<input type="checkbox" name="q2" value="1"><input name="ho_ten">'
    )
    assert reader.choices.values == {"don_vi": ["SYT"], "q1": ["1", "2"], "q2": ["1"]}
    assert reader.choices.several == {"q2"}


def test_the_rank_is_read_from_the_own_line() -> None:
    reader = RankReader()
    reader.feed(
        '<tr><td class="rank">1.233</td></tr><tr class="me"><td class="rank">1.234</td>'
        '<td class="n">15</td></tr><tr><td class="rank">1.235</td></tr>'
    )
    assert reader.rank == 1234
