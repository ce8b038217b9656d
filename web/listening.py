"""How does a web process take in a crowd that comes all at once?

libuv, beneath uvloop, accepts one connection of each listener in a turn of the loop. With a crowd a
turn takes some 30 ms: thirty newcomers a second came in, the rest waited in the kernel, and when
its queue was full their packets were dropped, so that they knocked again after 1, 3, 7, 15 seconds.
"""

from __future__ import annotations

import asyncio
import os
import socket

import uvicorn

# Each is a system call for every newcomer on a quiet day: 64 of them, some 40 microseconds. With 32
# a crowd of three times too many filled the kernel's queue, and who came then waited half a minute.
ACCEPTED_A_TURN = 64


class ListeningServer(uvicorn.Server):
    """Listens with many copies of each of its sockets."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for first in [each for server in self.servers for each in server.sockets]:
            for _ in range(ACCEPTED_A_TURN - 1):
                copy = socket.socket(fileno=os.dup(first.fileno()))
                listening = await loop.create_server(
                    self._take_in, sock=copy, backlog=self.config.backlog
                )
                self.servers.append(listening)

    def _take_in(self) -> asyncio.Protocol:
        """As uvicorn makes one for each connection of its own listener."""
        protocol: type[asyncio.Protocol] = self.config.http_protocol_class
        return protocol(  # type: ignore[call-arg]  # what uvicorn's protocols take
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
