from __future__ import annotations

import asyncio
from collections.abc import Sequence

from web.gathering import Gathering


async def test_all_who_ask_at_once_cost_one_question_and_each_gets_the_own_answer() -> None:
    questions: list[Sequence[int]] = []

    async def ask(keys: Sequence[int]) -> list[int]:
        questions.append(keys)
        return [key * key for key in keys]

    squares = Gathering("squares", ask, otherwise=-1, gather_seconds=0.01)
    assert await asyncio.gather(*(squares.of(number) for number in range(9))) == [
        number * number for number in range(9)
    ]
    assert [len(keys) for keys in questions] == [9]


async def test_nobody_is_left_waiting_when_the_question_fails() -> None:
    async def ask(_keys: Sequence[int]) -> list[int]:
        raise OSError("away")

    failing = Gathering("failing", ask, otherwise=-1)
    assert await asyncio.gather(failing.of(1), failing.of(2)) == [-1, -1]
    assert await failing.of(3) == -1
