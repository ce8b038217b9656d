"""How do many who ask the same kind of question at once share one statement?

Who asks alone waits for nobody. While one statement is under way the next questions gather, so an
answer is never older than its question: what somebody has written before asking is in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MOST_AT_ONCE = 500


class GroupReader(Generic[Key, Value]):
    """`read` gets different keys and returns what it found of them; it may fail, and is asked again."""

    def __init__(self, read: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._read = read
        self._waiting: dict[Key, list[asyncio.Future[Value | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def find(self, key: Key) -> Value | None:
        loop = asyncio.get_running_loop()
        # One for each caller: who hangs up must not take the answer from the others.
        answer: asyncio.Future[Value | None] = loop.create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._reading is None or self._reading.done():
            self._reading = loop.create_task(self._read_waiting())
        return await answer

    async def _read_waiting(self) -> None:
        while self._waiting:
            taken = {key: self._waiting.pop(key) for key in list(self._waiting)[:MOST_AT_ONCE]}
            try:
                found = await self._read(list(taken))
            except Exception as error:  # noqa: BLE001 — whatever it is, those who asked must hear of it
                for _key, answer in _still_asking(taken):
                    answer.set_exception(error)
            else:
                for key, answer in _still_asking(taken):
                    answer.set_result(found.get(key))


def _still_asking(
    taken: Mapping[Key, Sequence[asyncio.Future[Value | None]]],
) -> Iterator[tuple[Key, asyncio.Future[Value | None]]]:
    for key, answers in taken.items():
        yield from ((key, answer) for answer in answers if not answer.done())
