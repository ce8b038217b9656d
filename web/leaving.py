"""How does a web process end without anybody noticing?

uvicorn stops listening the moment it is told to end, before a proxy's next look at `/readyz`. Where
one stands in front, the process first says that it is leaving and serves on for a while.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from web.listening import ListeningServer

# Whoever has just connected has a request on its way; uvicorn would hang up on it, unread.
LAST_CALLERS_SECONDS = 0.2


class LeavingServer(ListeningServer):
    """Serves `drain_seconds` longer than it is asked to; asked twice, it ends at once."""

    def __init__(
        self, config: uvicorn.Config, *, leave: Callable[[], None], drain_seconds: int
    ) -> None:
        super().__init__(config)
        self._leave = leave
        self._drain_seconds = drain_seconds
        self._asked: tuple[int, float] | None = None  # by which signal, and when to give in

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._asked is not None or not self._drain_seconds or not self.started:
            super().handle_exit(sig, frame)
            return
        self._leave()
        self._asked = sig, time.monotonic() + self._drain_seconds

    async def on_tick(self, counter: int) -> bool:
        if self._asked is not None and time.monotonic() >= self._asked[1]:
            super().handle_exit(self._asked[0], None)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if self.server_state.connections:
            if self._asked is None:
                self._leave()
            await asyncio.sleep(LAST_CALLERS_SECONDS)
        await super().shutdown(sockets)
