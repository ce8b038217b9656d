from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core import clock, db
from core import queue as queue_module
from core.backup import TableState, read_states
from core.local import Addresses
from core.queue import Doorbell, deserialize, enqueue, serialize
from core.settings import Settings
from core.settings import settings as read_settings
from people.codes import ask_code
from quiz.attempts import Attempts
from tests.quiz.arena import Arena, build_arena, save
from tests.web.conftest import SECRET
from web.demo.province import fill
from web.worker import JOBS, cron_lines

# Statistics take one round a run, and the demonstration has three that are due.
RUNS = 4

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


@pytest.fixture
def worker(addresses: Addresses, tmp_path: Path) -> Any:
    """`python -m web work` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "web", "work"],
        cwd=PROJECT,
        env={
            **os.environ, "DATABASE_URL": addresses.database_url, "DEMO": "1",
            "REDIS_URL": addresses.redis_url, "SECRET_KEY": SECRET, "LOG_LEVEL": "warning",
            "LOCAL_DIR": str(tmp_path),
        },
    )  # fmt: skip
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(30)


async def hand_in(attempts: Attempts, arena: Arena, person: int) -> None:
    started = await attempts.start(arena.start(person))
    await attempts.submit(save(started.attempt_id, 1, {"1": [1]}, is_submit=True))


async def scores_within(seconds: float, *, expected: int) -> int:
    """How many scores there are once the expected number is there, or the time is over."""
    give_up_at = time.monotonic() + seconds
    while True:
        count: int = await db.pool().fetchval("SELECT count(*) FROM score")
        if count == expected or time.monotonic() > give_up_at:
            return count
        await asyncio.sleep(0.1)


async def test_a_submission_rings_and_the_worker_scores(
    attempts: Attempts, queue: None, worker: Any
) -> None:
    arena = await build_arena(people=5)
    for person in range(5):
        await hand_in(attempts, arena, person)
    assert await scores_within(30, expected=5) == 5


async def test_the_sweep_scores_what_nobody_rang_for(attempts: Attempts, worker: Any) -> None:
    arena = await build_arena(people=3)  # without the queue fixture every ring is lost
    for person in range(3):
        await hand_in(attempts, arena, person)
    assert await scores_within(40, expected=3) == 3


async def test_nobody_waits_for_a_queue_that_is_away(attempts: Attempts, clean: None) -> None:
    arena = await build_arena(people=2)
    queue_module.open_queue("redis://127.0.0.1:1/0")
    try:
        began = time.monotonic()
        await hand_in(attempts, arena, 0)
        assert time.monotonic() - began < 2  # not a timing: the bound of one connection attempt
        assert await db.pool().fetchval("SELECT state FROM attempt") == "submitted"
    finally:
        await queue_module.close_queue()


async def test_rings_are_gathered_and_arrive(addresses: Addresses) -> None:
    bell = Doorbell(addresses.redis_url)
    redis = await bell._connect()
    await redis.flushdb()
    for _ in range(50):
        bell.ring("score_attempts")
    await bell.close()
    again = Doorbell(addresses.redis_url)
    redis = await again._connect()
    assert await redis.zcard("arq:queue") == 1
    await redis.flushdb()
    await again.close()


def test_a_job_travels_as_plain_data() -> None:
    job = {"t": 1, "f": "send_code", "a": ("x", 3), "k": {}, "et": 5}
    assert deserialize(serialize(job))["f"] == "send_code"
    enqueue("score_attempts")  # without a queue: counted as lost, never an error


async def test_every_job_may_run_twice(
    clean: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once each has done what there was to do, the same again at the same moment changes no row."""
    for name, value in {
        "SECRET_KEY": SECRET, "LOCAL_DIR": settings.local_dir, "DEMO": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    read_settings.cache_clear()
    await fill(settings, attempts=60)
    clock.freeze(datetime.now(UTC))  # else a job's own "looked at" would be a new moment
    code_id = await ask_code(
        phone="+84912345678", sign_up=None, asked_from="", per_number_per_hour=5, per_day=10
    )
    arguments = {"send_code": (str(code_id),)}

    async def run_all() -> dict[str, TableState]:
        for job in JOBS:
            await job({}, *arguments.get(job.__name__, ()))
        return await read_states(settings.database_url)

    laid = await read_states(settings.database_url)
    states = [laid, *[await run_all() for _ in range(RUNS)]]
    read_settings.cache_clear()
    assert states[1] != laid
    last, again = states[-2:]
    assert {name for name in last if last[name] != again[name]} == set()


def test_every_job_that_looks_at_a_table_has_a_sweep() -> None:
    swept = {line.coroutine.__name__ for line in cron_lines()}
    rung_with_ids = {"send_code"}  # its sweep is send_waiting_codes
    assert {job.__name__ for job in JOBS} - rung_with_ids == swept


async def test_the_queue_tells_how_much_waits(queue: None) -> None:
    before = await queue_module.queue_length()
    assert before is not None
    enqueue("nobody_does_this", before)
    give_up_at = time.monotonic() + 20
    # An earlier test's ring may come in late: there is one more at least.
    while (await queue_module.queue_length() or 0) <= before:
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.05)


async def test_a_queue_that_is_away_tells_nothing() -> None:
    doorbell = Doorbell("redis://127.0.0.1:1/0")
    assert await doorbell.state() is None
    await doorbell.close()
