from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from core import clock, db
from quiz.extensions import extend
from quiz.outages import Outage, beat, recent_outages
from tests.quiz.arena import build_arena


async def spans() -> list[tuple[datetime, datetime]]:
    rows = await db.pool().fetch("SELECT began_at, seen_at FROM service_span ORDER BY id")
    return [(row["began_at"], row["seen_at"]) for row in rows]


async def silence(seconds: float) -> None:
    """As if nobody had beaten for so long."""
    await db.pool().execute(
        "UPDATE service_span SET began_at = began_at - $1::interval, "
        "seen_at = seen_at - $1::interval",
        timedelta(seconds=seconds),
    )


async def outages() -> list[Outage]:
    return await recent_outages(clock.now())


async def test_beats_of_many_processes_make_one_stretch(clean: None) -> None:
    await beat()
    for _ in range(3):
        await silence(5)
        await asyncio.gather(*(beat() for _ in range(3)))
    [(began_at, seen_at)] = await spans()
    assert timedelta(seconds=15) <= seen_at - began_at < timedelta(seconds=20)


async def test_a_beat_soon_after_another_writes_nothing(clean: None) -> None:
    await beat()
    before = await spans()
    await beat()
    assert await spans() == before


async def test_a_silence_in_an_open_round_is_an_outage_and_proposes_its_minutes(
    clean: None,
) -> None:
    arena = await build_arena()
    await beat()
    await silence(190)
    await asyncio.gather(*(beat() for _ in range(3)))
    [found] = await outages()
    assert (found.contest_slug, found.round_number) == ("thi", 1)
    assert found.minutes == 4  # 190 s and what the test took: never too few
    assert not found.is_extended
    await extend(arena.round_id, seconds=240, reason="Hệ thống ngừng", by=None)
    [found] = await outages()
    assert found.is_extended


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE round SET opens_at = now() + interval '1 hour', closes_at = now() + interval '1 day'",
        "UPDATE round SET opens_at = now() - interval '2 days', closes_at = now() - interval '1 day'",
        "UPDATE round SET result = 'final'",
        "UPDATE contest SET state = 'draft', approved_by_id = NULL",
    ],
)
async def test_a_silence_that_touched_nobody_is_not_told(clean: None, change: str) -> None:
    await build_arena()
    await db.pool().execute(change)
    await beat()
    await silence(190)
    await beat()
    assert len(await spans()) == 2
    assert await outages() == []


async def test_a_short_silence_is_no_outage(clean: None) -> None:
    await build_arena()
    await beat()
    await silence(20)
    await beat()
    assert len(await spans()) == 1
    assert await outages() == []
