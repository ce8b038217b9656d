from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent


@contextlib.asynccontextmanager
async def platform(turned_away: bytes) -> AsyncIterator[int]:
    """Answers everything with an empty page, but turns one address away; yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status = b"503" if turned_away in head.split(b"\r\n", 1)[0] else b"200"
                writer.write(b"HTTP/1.1 " + status + b" X\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize(
    ("turned_away", "people", "is_turned_away"),
    [
        (b"/vi-tri", 100_000, True),  # what is let go of first, before anybody is kept out
        (b"/vao-thi", 100_000, True),
        (b"/nowhere", 3, False),
    ],
)
async def test_the_crowd_leaves_as_soon_as_anybody_is_turned_away(
    turned_away: bytes, people: int, is_turned_away: bool
) -> None:
    async with platform(turned_away) as port:
        orders = {
            "host": "127.0.0.1", "port": port, "slug": "x", "cookies": ["phien=x"] * people,
            "starts_per_second": 10, "answering_seconds": 1,
        }  # fmt: skip
        crowd = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "loadtest.rehearse",
            cwd=PROJECT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):  # a hundred thousand would need three hours
            said, _ = await crowd.communicate(json.dumps(orders).encode())
    seen = json.loads(said.splitlines()[-1])["seen"]
    assert seen["is_turned_away"] is is_turned_away
    assert seen["handed_in"] == 0
    if not is_turned_away:
        assert len(seen["failure_lines"]) == people
