"""A web process that falls has one waiting in its place."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.local import Addresses
from core.settings import Settings
from tests.web.conftest import SECRET
from tests.web.test_seeing import wait_for
from web.supervisor import SHORT_LIFE_SECONDS, Child, Spare


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def ready(addresses: Addresses, database: Addresses, tmp_path: Path) -> Settings:
    return Settings(
        database_url=addresses.database_url, redis_url=addresses.redis_url, secret_key=SECRET,
        demo=False, local_dir=str(tmp_path),
    )  # fmt: skip


@pytest.fixture
def spare(listener: socket.socket) -> Iterator[Spare]:
    fd = listener.fileno()
    command = [sys.executable, "-m", "web", "serve", "--fd", str(fd), "--when-asked"]
    made = Spare(command, (fd,))
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()


def test_a_spare_serves_when_it_is_asked_and_not_before(
    spare: Spare, ready: Settings, listener: socket.socket
) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/healthz"
    spare.started_at = -SHORT_LIFE_SECONDS
    spare.keep(ready, [])
    assert spare.process is not None
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(url, timeout=0.5, trust_env=False)
    taken = spare.take()
    assert taken is not None
    try:
        assert wait_for(url, 200).status_code == 200
        assert spare.process is None
        taken.send_signal(signal.SIGTERM)
        taken.wait(20)
    finally:
        taken.kill()
        taken.wait()


def test_no_spare_is_made_while_another_process_is_down(spare: Spare, ready: Settings) -> None:
    spare.started_at = -SHORT_LIFE_SECONDS
    spare.keep(ready, [Child("web 1", [])])
    assert spare.process is None
    assert spare.take() is None
