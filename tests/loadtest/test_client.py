from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter

from loadtest.client import Client

ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def test_a_connection_that_is_asked_to_close_is_not_used_again() -> None:
    connections = []

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        """Like nginx at a connection's thousandth request: says so, and hangs up a moment later."""
        connections.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    client = Client("127.0.0.1", server.sockets[0].getsockname()[1], patience=5)
    answers = [await client.send(ASKED) for _ in range(2)]
    client.close()
    server.close()
    await asyncio.gather(*filter(None, connections))
    assert [each.body for each in answers] == [b"hi", b"hi"]
    assert len(connections) == 2
