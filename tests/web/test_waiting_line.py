"""The line itself, by two processes' views of it on one Valkey, and without Valkey."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from core.local import Addresses
from web.line_pace import DOOR_SECONDS, FIRST
from web.load_level import CROWD, FULL, HEAVY, SAMPLES, Load, Sample
from web.tokens import Ticket
from web.waiting_line import BEAT_SECONDS, WaitingLine

NOBODY = "redis://127.0.0.1:1/0"


def crowded(lag: float = 0.1) -> Load:
    load = Load()
    for _ in range(SAMPLES):
        load.note(Sample(time.monotonic(), lag, in_flight=2 * CROWD, answered_per_s=100_000))
    return load


@pytest.fixture
async def valkey(addresses: Addresses) -> AsyncIterator[Redis]:
    """A numbered database that no running site keeps its line in."""
    url, _, number = addresses.redis_url.rpartition("/")
    async with Redis.from_url(f"{url}/{8 + int(number)}", decode_responses=True) as redis:
        await redis.flushdb()
        yield redis
        await redis.flushdb()


@pytest.fixture
async def hosts(valkey: Redis) -> AsyncIterator[tuple[WaitingLine, WaitingLine]]:
    """Two processes whose line is open."""
    settings = valkey.connection_pool.connection_kwargs
    url = f"redis://:{settings['password']}@{settings['host']}:{settings['port']}/{settings['db']}"
    both = WaitingLine(url, crowded()), WaitingLine(url, Load())
    await both[0].beat()
    await both[1].beat()
    await asyncio.sleep(BEAT_SECONDS)
    await both[0].beat()
    await both[1].beat()
    assert all(each.is_open for each in both)
    yield both
    for each in both:
        await each.close()


Hosts = tuple[WaitingLine, WaitingLine]


async def test_one_line_over_two_processes_first_come_first_served(hosts: Hosts) -> None:
    epochs = {each.line.epoch for each in hosts}
    assert len(epochs) == 1
    numbers = [await hosts[turn % 2].take(f"session {turn}") for turn in range(20)]
    assert numbers == list(range(1, 21))
    for _ in range(2):
        await asyncio.sleep(BEAT_SECONDS)
        for each in hosts:
            await each.beat()
            admitted = [
                await each.admits(Ticket(epochs.copy().pop(), number)) for number in range(1, 21)
            ]
            assert admitted == sorted(admitted, reverse=True)  # nobody before those in front
    assert hosts[0].line.served > 0


async def test_a_second_press_keeps_the_number_whichever_process_hears_it(hosts: Hosts) -> None:
    first = await hosts[0].take("mai")
    await hosts[0].take("charlie")
    assert await hosts[1].take("mai") == first


async def test_the_door_lets_one_after_another_through_however_many_turns_have_come(
    hosts: Hosts,
) -> None:
    door = hosts[0]
    door.line = replace(door.line, rate=1.0)
    told = [await door.comes_through(number) for number in (1, 2, 3)]
    assert told[0] == 0
    # The next places are further off than anybody stands here; they are kept.
    assert DOOR_SECONDS < told[1] < told[2]
    assert await door.comes_through(3) > DOOR_SECONDS
    assert [await hosts[1].comes_through(number) for number in (4, 5, 6)] == [0, 0, 0]


async def test_whoever_knocks_again_when_told_comes_through_before_those_who_come_then(
    hosts: Hosts,
) -> None:
    door = hosts[0]
    door.line = replace(door.line, rate=1.5)  # with two processes: a place here in 1.3 s
    assert await door.comes_through(1) == 0
    again = await door.comes_through(2)
    assert again > DOOR_SECONDS
    await asyncio.sleep(again)
    assert await door.comes_through(3) > DOOR_SECONDS  # behind the place that was kept
    assert await door.comes_through(2) == 0


async def test_a_ticket_begins_one_attempt(hosts: Hosts) -> None:
    here, there = hosts
    number = await here.take("mai")
    assert number is not None
    ticket = Ticket(here.line.epoch, number)
    while not await there.admits(ticket):
        await asyncio.sleep(BEAT_SECONDS / 5)
        await there.beat()
    await there.spend(ticket, "mai")
    await here.beat()
    assert not await here.admits(ticket)
    again = await here.take("mai")
    assert again is not None
    assert again > number


async def test_a_wiped_valkey_costs_nobody_their_place(hosts: Hosts, valkey: Redis) -> None:
    here, there = hosts
    epoch, numbers = here.line.epoch, [await here.take(f"session {turn}") for turn in range(50)]
    await here.beat()
    served = here.line.served
    await valkey.flushdb()
    assert await here.take("in the gap") is None  # nobody gets a number of a line that is lost
    await here.beat()
    await there.beat()
    assert here.line.epoch == there.line.epoch == epoch
    assert here.line.served >= served
    assert here.is_open
    last = numbers[-1]
    assert last is not None
    assert await there.take("newcomer") == last + 1


async def test_a_line_that_everybody_forgot_lets_its_tickets_in_first(
    hosts: Hosts, valkey: Redis
) -> None:
    settings = valkey.connection_pool.connection_kwargs
    url = f"redis://:{settings['password']}@{settings['host']}:{settings['port']}/{settings['db']}"
    old = Ticket(hosts[0].line.epoch, 5_000)
    assert not await hosts[0].admits(old)
    await valkey.flushdb()
    restarted = WaitingLine(url, crowded())
    await restarted.beat()
    assert restarted.line.epoch > old.epoch
    assert await restarted.admits(old)
    assert not await restarted.admits(Ticket(restarted.line.epoch + 60_000, 1))
    await restarted.close()


async def test_without_valkey_people_are_let_in_at_the_processs_own_rate() -> None:
    alone = WaitingLine(NOBODY, crowded(lag=10.0))
    assert alone._load.level == FULL >= HEAVY
    await asyncio.sleep(0.1)
    await alone.beat()
    assert alone.is_open
    assert await alone.take("mai") is None
    let_in = 0
    while alone.admits_without_number():
        let_in += 1
    assert 1 <= let_in <= FIRST
    await asyncio.sleep(1.0)
    await alone.beat()
    assert alone.admits_without_number()  # and then the next: nobody is locked out
    await alone.close()


async def test_without_valkey_and_without_a_crowd_the_door_is_open() -> None:
    alone = WaitingLine(NOBODY, Load())
    await alone.beat()
    assert not alone.is_open
    await alone.close()
