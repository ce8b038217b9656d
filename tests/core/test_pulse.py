from __future__ import annotations

import asyncio
import time
from pathlib import Path

import orjson

from core import pulse
from core.local import Addresses
from core.pulse import Pulse

NOWHERE = "redis://127.0.0.1:1/0"


async def test_processes_of_two_machines_see_each_other_and_leave_politely(
    addresses: Addresses, tmp_path: Path
) -> None:
    here = Pulse("web", folder=tmp_path, redis_url=addresses.redis_url)
    elsewhere = {**here.card(), "host": "machine-2", "kind": "worker", "swept_at": time.time()}
    await here._redis.hset(pulse._CARDS, "machine-2:7", orjson.dumps(elsewhere))
    here.start()
    await asyncio.sleep(0.1)
    cards, is_valkey_up = await here.everybody()
    assert is_valkey_up
    assert {card["host"] for card in cards} >= {"machine-2", here.card()["host"]}
    await here.close()
    left = await here._redis.hgetall(pulse._CARDS)
    assert pulse._name().encode() not in left
    await here._redis.delete(pulse._CARDS)
    await here._redis.aclose()


async def test_without_valkey_the_processes_of_this_machine_are_known(tmp_path: Path) -> None:
    here = Pulse("web", folder=tmp_path, redis_url=NOWHERE)
    cards, is_valkey_up = await here.everybody()
    assert not is_valkey_up
    assert [(card["kind"], card["pid"]) for card in cards] == [("web", here.card()["pid"])]
    await here.close()
    # who has ended on purpose leaves figures, but no card
    after = Pulse("worker", folder=tmp_path, redis_url=NOWHERE)
    assert [card["kind"] for card in (await after.everybody())[0]] == ["worker"]
    await after.close()


async def test_a_loop_that_was_held_up_is_remembered_for_some_beats(tmp_path: Path) -> None:
    here = Pulse("web", folder=tmp_path, redis_url=NOWHERE)
    here.start()
    await asyncio.sleep(0.05)
    time.sleep(0.5)  # noqa: ASYNC251 — holding the loop up is what is looked at
    await asyncio.sleep(0.05)
    assert here.lag_seconds >= 0.2
    await here.close()


async def test_a_beat_that_fails_stops_no_heart(tmp_path: Path) -> None:
    beaten = asyncio.Event()

    async def fail() -> None:
        beaten.set()
        raise ConnectionRefusedError

    here = Pulse("web", folder=tmp_path, redis_url=NOWHERE, also=fail)
    here.start()
    await beaten.wait()
    await asyncio.sleep(0)
    assert not any(keeper.done() for keeper in here._keepers)
    assert here.did_at is None
    await here.close()
