from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
import uvicorn
import uvloop

from tests.web.test_leaving import hello
from web import listening
from web.listening import ListeningServer

CROWD, TURNS = 100, 10


async def take_in() -> tuple[int, bool]:
    """How many of a crowd are in after some turns of the loop; whether they are answered at once."""
    config = uvicorn.Config(hello, lifespan="off", log_config=None, backlog=CROWD)
    config.load()
    server = ListeningServer(config)
    server.lifespan = config.lifespan_class(config)
    handed_over = socket.create_server(("127.0.0.1", 0), backlog=CROWD)
    await server.startup([handed_over])
    with contextlib.ExitStack() as leaving:
        for _ in range(CROWD):  # the kernel takes them, as it takes those who come in a long turn
            leaving.enter_context(socket.create_connection(handed_over.getsockname()))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        inside = list(server.server_state.connections)
        wires = [each.transport.get_extra_info("socket") for each in inside]  # type: ignore[union-attr]  # an HTTP protocol, which has one
        at_once = all(wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for wire in wires)
    await server.shutdown([handed_over])
    return len(inside), at_once


def test_a_crowd_comes_in_within_few_turns_and_no_answer_waits_for_an_acknowledgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert uvloop.run(take_in()) == (CROWD, True)
    monkeypatch.setattr(listening, "ACCEPTED_A_TURN", 1)  # as uvicorn listens
    alone, _at_once = uvloop.run(take_in())
    assert alone < CROWD / 2
