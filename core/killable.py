"""How is work done that may hang, crash or eat the memory, without harm to whoever asked for it?

In processes of its own, kept ready and fed through pipes. Each has limits on memory and time; one
that breaks them, or crashes, is replaced, and only the request that it was at is refused. A process
is renewed after so many requests (what libraries leak goes with it) and ended when idle.

A message is its length in four bytes and its bytes; an answer starts with "+", or with "-" before a
refusal as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from core.errors import Refusal
from core.log import logger

_LENGTH_BYTES = 4
_PR_SET_PDEATHSIG = 1
POLITENESS = 10  # whoever answers a question or commits one goes before whoever draws


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may use; `requests` is after how many it is renewed."""

    seconds: float = 20.0  # for one request
    start_seconds: float = 30.0  # for the first one, which loads the libraries
    memory_bytes: int = 1_500_000_000  # of address space
    requests: int = 5_000
    idle_seconds: float = 60.0


@dataclass(eq=False)
class _Worker:
    process: asyncio.subprocess.Process
    answered: int = 0
    idle_end: asyncio.TimerHandle | None = field(default=None, repr=False)


class KillablePool:
    """Up to `size` processes of one program (`python -m module`, which calls `serve`)."""

    def __init__(self, module: str, size: int, limits: Limits | None = None) -> None:
        self._module = module
        self._limits = limits or Limits()
        self._free: list[_Worker] = []
        self._places = asyncio.Semaphore(size)
        self._all: set[_Worker] = set()

    async def ask(self, request: bytes) -> bytes:
        """The program's answer.

        Passes its refusal on; refuses "no_pdf" when it took too long or too much, or crashed.
        """
        async with self._places:
            worker = self._free.pop() if self._free else await self._start()
            if worker.idle_end:
                worker.idle_end.cancel()
            limit = self._limits.seconds if worker.answered else self._limits.start_seconds
            is_whole = False
            try:
                async with asyncio.timeout(limit):
                    answer = await _exchange(worker.process, request)
            except (TimeoutError, OSError, EOFError, asyncio.IncompleteReadError) as fault:
                logger.warning("drawing_broken", module=self._module, fault=repr(fault))
                raise Refusal(
                    "no_pdf",
                    "Chưa tạo được tệp PDF. Hãy thử lại, hoặc báo người quản trị hệ thống.",
                ) from fault
            else:
                worker.answered += 1
                is_whole = True
            finally:
                # Whoever was cancelled in the middle leaves an answer that nobody waits for.
                await self._settle(worker, is_whole=is_whole)
        return _opened(answer)

    async def close(self) -> None:
        for worker in list(self._all):
            await self._end(worker)

    async def _start(self) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            str(self._limits.memory_bytes),
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        worker = _Worker(process)
        self._all.add(worker)
        return worker

    async def _settle(self, worker: _Worker, *, is_whole: bool) -> None:
        if not is_whole or worker.answered >= self._limits.requests:
            await self._end(worker)
            return
        self._free.append(worker)
        worker.idle_end = asyncio.get_running_loop().call_later(
            self._limits.idle_seconds, self._end_idle, worker
        )

    def _end_idle(self, worker: _Worker) -> None:
        if worker in self._free:
            self._free.remove(worker)
            self._all.discard(worker)
            with contextlib.suppress(ProcessLookupError):
                worker.process.kill()

    async def _end(self, worker: _Worker) -> None:
        if worker.idle_end:
            worker.idle_end.cancel()
        self._all.discard(worker)
        if worker in self._free:
            self._free.remove(worker)
        with contextlib.suppress(ProcessLookupError):
            worker.process.kill()
        await worker.process.wait()


async def _exchange(process: asyncio.subprocess.Process, request: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(len(request).to_bytes(_LENGTH_BYTES, "big") + request)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(_LENGTH_BYTES), "big")
    return await process.stdout.readexactly(length)


def _opened(answer: bytes) -> bytes:
    if answer[:1] == b"+":
        return answer[1:]
    refused = orjson.loads(answer[1:])
    raise Refusal(refused["code"], refused["sentence"], fields=refused["fields"])


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Be such a program: answer messages on standard input until it ends.

    Its arguments are the memory it may have and the process for which it works.
    """
    memory, parent = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(POLITENESS)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        return
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    while (request := _read(source)) is not None:
        reply = _answered(answer, request)
        target.write(len(reply).to_bytes(_LENGTH_BYTES, "big") + reply)
        target.flush()


def _answered(answer: Callable[[bytes], bytes], request: bytes) -> bytes:
    try:
        return b"+" + answer(request)
    except Refusal as refusal:
        told = {"code": refusal.code, "sentence": refusal.sentence, "fields": refusal.fields}
        return b"-" + orjson.dumps(told)
    except Exception:  # noqa: BLE001 — whatever it is, it ends this process only
        # The next request finds a fresh process, whatever this one left behind.
        traceback.print_exc()
        sys.exit(1)


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    return source.read(int.from_bytes(head, "big"))
