from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from certificates import batch_signing, printing
from certificates.examining import examine
from certificates.owed import Rule
from core import db
from core.errors import Refusal
from core.settings import settings
from tests.certificates import offices
from tests.certificates.stage import Stage, laid_papers


async def asked(stage: Stage) -> int:
    batch_id = await laid_papers(stage)
    await batch_signing.ask_signing(stage.contest_id, batch_id, by=stage.lan)
    await batch_signing.ask_signing(stage.contest_id, batch_id, by=stage.lan)
    return batch_id


async def test_two_workers_sign_every_paper_of_a_list_once(stage: Stage) -> None:
    await asked(stage)
    [before] = await batch_signing.lists_of(stage.contest_id)
    assert before.is_running
    counts = await asyncio.gather(batch_signing.sign_waiting(), batch_signing.sign_waiting())
    [after] = await batch_signing.lists_of(stage.contest_id)
    assert sum(counts) == after.paper_count == after.signed_count
    assert not after.is_running
    events = await db.pool().fetchval(
        "SELECT count(*) FROM certificate_event WHERE action = 'signed'"
    )
    assert events == after.paper_count
    first = await db.pool().fetchval("SELECT min(id) FROM certificate")
    plain, signed = await printing.paper(first, "plain"), await printing.paper(first)
    found = await examine(signed.content, base_size=len(plain.content))
    assert found.only_signed
    assert found.signatures[0].covers_all
    assert await batch_signing.sign_waiting() == 0


async def test_a_key_that_does_not_open_is_told_and_nothing_is_signed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGNING_KEY_FILE", str(offices.key_file(tmp_path)))
    monkeypatch.setenv("SIGNING_PASSWORD", "wrong")
    settings.cache_clear()
    await asked(stage)
    assert await batch_signing.sign_waiting() == 0
    [told] = await batch_signing.lists_of(stage.contest_id)
    assert "Không mở được khóa ký" in told.fault
    monkeypatch.setenv("SIGNING_PASSWORD", offices.PASSWORD)
    settings.cache_clear()
    await batch_signing.ask_signing(stage.contest_id, told.batch_id, by=stage.lan)
    assert await batch_signing.sign_waiting() == told.paper_count


async def test_a_list_of_another_contest_is_not_there(stage: Stage) -> None:
    batch_id = await stage.issued(Rule(kind="participation"))
    with pytest.raises(Refusal, match="not_found"):
        await batch_signing.ask_signing(stage.contest_id + 1, batch_id, by=stage.lan)
