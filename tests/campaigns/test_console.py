from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
import structlog

from campaigns.channels import console
from campaigns.channels.outcome import Outcome
from core.settings import settings


def kept(outbox: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in outbox.read_text(encoding="utf-8").splitlines()]


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_message_is_for_the_person_at_this_machine_only(outbox: Path) -> None:
    with structlog.testing.capture_logs() as logged:
        outcome = await console.send("+84912345678", "Mã của bạn là 123456", "reference")
    assert outcome is Outcome.ACCEPTED
    (message,) = kept(outbox)
    assert (message["phone"], message["text"]) == ("+84912345678", "Mã của bạn là 123456")
    assert permissions(outbox) == 0o600
    (event,) = logged
    assert event["text"] == "Mã của bạn là 123456"
    assert "912345678" not in str(event)
    assert event["to"] == "0912***678"


async def test_the_log_of_a_server_tells_no_code(
    outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/hieuso")
    monkeypatch.setenv("REDIS_URL", "redis://valkey")
    settings.cache_clear()
    with structlog.testing.capture_logs() as logged:
        await console.send("+84912345678", "Mã của bạn là 123456", "reference")
    assert "123456" not in str(logged).replace("0912***678", "")


async def test_messages_written_at_once_keep_to_their_lines(outbox: Path) -> None:
    await asyncio.gather(*(console.send(f"+8491234567{n}", "Mã " * 50, str(n)) for n in range(10)))
    assert sorted(message["reference"] for message in kept(outbox)) == [str(n) for n in range(10)]


async def test_an_outbox_that_cannot_be_written_is_tried_later(
    outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "OUTBOX", ".")
    assert await console.send("+84912345678", "Mã", "reference") is Outcome.TRY_LATER
