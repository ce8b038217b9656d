from __future__ import annotations

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send

from web.leaving import LeavingServer


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hi"})


async def test_who_has_connected_is_answered_although_the_process_is_ending() -> None:
    left = []
    config = uvicorn.Config(hello, port=0, lifespan="off", log_config=None)
    server = LeavingServer(config, leave=lambda: left.append(True), drain_seconds=0)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    server.should_exit = True
    while server.servers[0].is_serving():
        await asyncio.sleep(0)
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await running
    assert answer.startswith(b"HTTP/1.1 200")
    assert left == [True]
