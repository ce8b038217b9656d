from __future__ import annotations

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send

from web.leaving import LeavingServer

ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hi"})


async def test_who_is_connected_is_answered_although_the_process_is_ending() -> None:
    left = []
    config = uvicorn.Config(hello, port=0, lifespan="off", log_config=None)
    config.load()
    server = LeavingServer(config, leave=lambda: left.append(True), drain_seconds=0)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ASKED)
    await reader.readuntil(b"hi")
    ending = asyncio.create_task(server.shutdown())
    await asyncio.sleep(0)
    assert not server.servers[0].is_serving()
    writer.write(ASKED)
    assert await reader.readuntil(b"hi")
    assert await reader.read() == b""
    writer.close()
    await ending
    assert left == [True]
