"""How do many people who ask the same question at once cost one question?

While one is on its way the next ones gather, so a crowd costs little more than a visitor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from core.log import logger

Key = TypeVar("Key")
Found = TypeVar("Found")
MOST_AT_ONCE = 500


class Gathering(Generic[Key, Found]):
    """`ask` gets the keys of everybody who waits and answers in their order.

    When it fails, everybody of that question gets `otherwise`. The first to ask waits
    `gather_seconds` for others.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[Sequence[Key]], Awaitable[Sequence[Found]]],
        *,
        otherwise: Found,
        gather_seconds: float = 0.0,
    ) -> None:
        self._name = name
        self._ask = ask
        self._otherwise = otherwise
        self._gather_seconds = gather_seconds
        self._waiting: list[tuple[Key, asyncio.Future[Found]]] = []
        self._asking: asyncio.Task[None] | None = None

    def of(self, key: Key) -> asyncio.Future[Found]:
        """The answer to come; it is on its way before anybody awaits it."""
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all(), name=self._name)
        return answer

    async def _ask_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._gather_seconds)
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            found: Sequence[Found]
            try:
                found = await self._ask([key for key, _ in batch])
            except Exception as error:  # noqa: BLE001 — whatever it is, nobody may be left waiting
                logger.warning("not_answered", question=self._name, reason=type(error).__name__)
                found = [self._otherwise] * len(batch)
            for (_, answer), each in zip(batch, found, strict=True):
                if not answer.done():
                    answer.set_result(each)
        self._asking = None
