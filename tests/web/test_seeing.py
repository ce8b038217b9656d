"""What the platform tells of itself: /readyz, /metrics, the log of requests."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import db
from core.local import Addresses
from core.settings import Settings
from loadtest.stack import free_ports
from quiz.attempts import Attempts
from tests.quiz.arena import Arena, build_arena
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SECRET, SignIn, Site
from web import edge
from web.app import create_app
from web.watch import Papers, readiness

PROJECT = Path(__file__).parent.parent.parent
NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/none"
DECISIVE = {"ready", "database", "migrations", "committers", "staying"}


@pytest.fixture
async def arena(site: Site) -> Arena:
    return await build_arena(people=2)


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def database_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The crowd's pool leads to a port where nobody listens."""
    away = await asyncpg.create_pool(NOWHERE, min_size=0)
    monkeypatch.setattr(db, "_pool", away)
    yield
    monkeypatch.undo()
    await away.close()


async def test_a_process_that_can_serve_says_so(site: Site, visitor: httpx.AsyncClient) -> None:
    give_up_at = time.monotonic() + 20  # on a busy machine the loop truly lags for a moment
    while True:
        answer = await visitor.get("/readyz")
        assert answer.status_code == 200
        told = answer.json()
        if told["loop"] or time.monotonic() > give_up_at:
            break
        await asyncio.sleep(0.2)
    assert all(told[key] is True for key in (*DECISIVE, "queue", "loop", "papers"))
    assert told["loop_lag_ms"] >= 0
    assert "worker_swept_seconds_ago" in told


async def test_without_a_database_nobody_is_sent_here(
    database_away: None, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.get("/readyz")
    assert answer.status_code == 503
    told = answer.json()
    assert {key for key in DECISIVE if not told[key]} == {"ready", "database", "migrations"}
    assert told["queue"] is True


async def test_a_database_that_takes_no_writes_is_none(
    database: Addresses, site: Site, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = await asyncpg.create_pool(
        database.database_url,
        min_size=0,
        server_settings={"default_transaction_read_only": "on"},
    )
    with monkeypatch.context() as patched:
        patched.setattr(db, "_pool", reading)
        answer = await visitor.get("/readyz")
    await reading.close()
    assert answer.status_code == 503
    assert answer.json()["database"] is False
    assert answer.json()["migrations"] is True


async def test_a_store_of_papers_that_is_away_is_told_and_turns_nobody_away(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    away = Papers(Settings(certificate_dir=str(tmp_path / "file")))
    own = site.app.state
    state = SimpleNamespace(attempts=own.attempts, is_leaving=False, pulse=own.pulse, papers=away)
    told = await readiness(state)
    assert (told["ready"], told["papers"]) == (True, False)


async def test_a_process_whose_committer_has_died_is_not_ready(site: Site) -> None:
    broken = Attempts()
    broken._saves._flusher.cancel()
    await asyncio.wait([broken._saves._flusher])
    own = site.app.state
    state = SimpleNamespace(attempts=broken, is_leaving=False, pulse=own.pulse, papers=own.papers)
    told = await readiness(state)
    assert {key for key in DECISIVE if not told[key]} == {"ready", "committers"}
    await broken._starts.close()
    await broken._openings.close()


def samples(text: str) -> dict[str, float]:
    """The sum of each sample over its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


async def test_figures_count_what_people_do(stage: Stage, visitor: httpx.AsyncClient) -> None:
    before = samples((await visitor.get("/metrics")).text)
    mai = stage.clients["mai"]
    paper = (await mai.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    for seq in (1, 2):
        await mai.post(f"{paper}/luu", data={"seq": str(seq), "q1": "1"})
    await mai.post(f"{paper}/nop", data={})
    text = (await visitor.get("/metrics")).text
    after = samples(text)
    assert after["attempt_events_total"] - before["attempt_events_total"] == 4
    assert 'attempt_events_total{event="submit"}' in text
    assert after["database_up"] == after["database_writable"] == after["queue_up"] == 1
    assert after["http_requests_in_progress"] == 1  # this one
    assert after["processes_alive"] >= 1
    assert after["http_request_seconds_count"] - before["http_request_seconds_count"] >= 5
    # no address of anybody's paper stands among the routes
    assert paper.rpartition("/")[2] not in text


async def test_figures_are_told_while_the_database_is_away(
    database_away: None, site: Site, visitor: httpx.AsyncClient
) -> None:
    site.app.state.scrape._sight = None
    answer = await visitor.get("/metrics")
    site.app.state.scrape._sight = None
    assert answer.status_code == 200
    found = samples(answer.text)
    assert found["database_up"] == 0
    assert "database_writable" not in found
    assert found["http_request_seconds_count"] > 0


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the edge writes into the log."""
    found: list[dict[str, Any]] = []
    written = SimpleNamespace(warning=lambda event, **fields: found.append({"": event, **fields}))
    monkeypatch.setattr(edge, "logger", written)
    return found


async def test_a_slow_request_has_a_line_without_its_address(
    stage: Stage, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    mai = stage.clients["mai"]
    paper = (await mai.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    assert lines == []
    monkeypatch.setattr(edge, "SLOW_SECONDS", 0.0)
    mai.cookies.delete("bai_thi")
    await mai.get(paper)
    await mai.get("/tai-khoan")
    await asyncio.sleep(0)
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/bai-thi/{attempt}", 200),
        ("/tai-khoan", 200),
    ]
    assert lines[1]["account"] == await stage.account_id("mai")
    assert paper.rpartition("/")[2] not in str(lines)


async def test_lines_are_bounded_however_bad_it_is(
    site: Site,
    visitor: httpx.AsyncClient,
    lines: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edge, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(edge, "MOST_LINES_A_SECOND", 0)
    for _ in range(5):
        await visitor.get("/healthz")
    assert [line[""] for line in lines if line[""] == "request"] == []


@pytest.mark.parametrize(
    ("port", "name", "is_taken"),
    [(0, "abc-123456", True), (51000, "abc-123456", False), (0, "a b\n", False), (0, "ab", False)],
)
async def test_only_a_trusted_proxy_names_requests(
    arena: Arena, settings: Settings, port: int, name: str, is_taken: bool
) -> None:
    app = create_app(replace(settings, demo=False))
    transport = httpx.ASGITransport(app, client=("203.0.113.5", port))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/healthz", headers={"x-request-id": name.encode()})
    assert (answer.headers["x-request-id"] == name) is is_taken


def wait_for(url: str, status: int, seconds: float = 90) -> httpx.Response:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        try:
            answer = httpx.get(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == status:
            return answer
        time.sleep(0.05)
    pytest.fail(f"{url} never answered {status}")


def test_a_process_that_is_told_to_stop_says_so_and_serves_on(
    addresses: Addresses, database: Addresses, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "web", "serve"],
        cwd=PROJECT,
        env={
            **os.environ, "DATABASE_URL": addresses.database_url, "DEMO": "0",
            "REDIS_URL": addresses.redis_url, "SECRET_KEY": SECRET, "LOG_LEVEL": "warning",
            "PORT": str(port), "LOCAL_DIR": str(tmp_path), "DRAIN_SECONDS": "2",
        },
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        assert "connection" not in wait_for(f"{url}/readyz", 200).headers
        process.send_signal(signal.SIGTERM)
        leaving = wait_for(f"{url}/readyz", 503)
        assert leaving.json()["staying"] is False
        assert leaving.headers["connection"] == "close"
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        process.wait(20)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/healthz", trust_env=False)
    finally:
        process.kill()
        process.wait()
