"""How does a generator speak HTTP/1.1 so cheaply that it is not what gets measured?

One keep-alive connection, one request at a time, `Content-Length` bodies only: what the platform
answers. Nothing of the platform is imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

# What a browser sends with each request, so that the server's work on headers is the real one.
BROWSER = (
    b"User-Agent: Mozilla/5.0 (Linux; Android 10; K) hieu-so-bench\r\n"
    b"Accept-Language: vi-VN,vi;q=0.9\r\nAccept-Encoding: gzip\r\n"
    b"Sec-Fetch-Site: same-origin\r\n"
)
LOOPBACK = "127.0.0.1"
NO_ANSWER = "no answer"
ANSWER_SECONDS = 40  # longer than the longest wait of a group commit


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> str:
        """The last value of a header, "" without one."""
        found = ""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name:
                found = value.strip().decode()
        return found

    def cookie(self, name: str) -> str:
        """`name=value` as a browser sends it back, "" when none of that name was set."""
        start = f"set-cookie: {name}="
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            if line.lower().startswith(start):
                return line[len("set-cookie: ") :].partition(";")[0]
        return ""


class _Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: asyncio.Future[Answer] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]  # uvloop has a class of its own

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            self._received = received
            return
        head = received[:end]
        lines = head.lower()
        size = _body_size(lines)
        if len(received) < end + 4 + size:
            self._received = received
            return
        self._received = b""
        if b"\r\nconnection: close" in lines:  # nginx says so on a connection's thousandth answer
            self._hang_up()
        waiting, self.waiting = self.waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(int(head[9:12]), head, received[end + 4 :]))

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()
        self.transport = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(exc or ConnectionResetError("the server hung up"))


class Client:
    """One person's connection; opened at the first request, opened again after it was closed."""

    def __init__(self, host: str, port: int, *, patience: float = ANSWER_SECONDS) -> None:
        self._host = host
        self._port = port
        self._patience = patience
        self._wire: _Wire | None = None

    async def send(self, request: bytes) -> Answer:
        wire = self._wire
        if wire is None or wire.transport is None:
            wire = await self._connect()
        assert wire.transport is not None
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Answer] = loop.create_future()
        wire.waiting = waiting
        wire.transport.write(request)
        give_up = loop.call_later(self._patience, _give_up, waiting)
        try:
            return await waiting
        finally:
            give_up.cancel()

    def close(self) -> None:
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()
        self._wire = None

    async def _connect(self) -> _Wire:
        loop = asyncio.get_running_loop()
        _, self._wire = await loop.create_connection(_Wire, self._host, self._port)
        return self._wire


def get(
    path: str, port: int, *, accept: str = "text/html", cookie: str = "", host: str = LOOPBACK
) -> bytes:
    return _head("GET", path, f"{host}:{port}", {"Accept": accept, "Cookie": cookie}) + b"\r\n"


def post_head(
    path: str, port: int, *, accept: str = "text/html", cookie: str = "", host: str = LOOPBACK
) -> bytes:
    """All of a form post that stays the same from one to the next; `with_form` adds the rest."""
    return _head(
        "POST",
        path,
        f"{host}:{port}",
        {
            "Accept": accept,
            "Cookie": cookie,
            "Origin": f"http://{host}:{port}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )


def with_form(head: bytes, form: bytes) -> bytes:
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(form), form)


def _head(method: str, path: str, host: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value]
    return "\r\n".join(lines).encode() + b"\r\n" + BROWSER


def _body_size(head: bytes) -> int:
    """Of an answer whose head is in small letters."""
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        if int(head[9:12]) in {204, 304}:
            return 0
        raise ValueError(f"an answer without Content-Length: {head[:200]!r}")
    return int(head[start + 17 :].split(b"\r\n", 1)[0])


def _give_up(waiting: asyncio.Future[Answer]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError(NO_ANSWER))
