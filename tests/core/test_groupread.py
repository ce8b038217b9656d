from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from core.groupread import GroupReader


class Library:
    """Answers with the square of a number, 13 apart; notes each reading."""

    def __init__(self) -> None:
        self.readings: list[list[int]] = []
        self.is_away = False

    async def read(self, numbers: Sequence[int]) -> dict[int, int]:
        self.readings.append(list(numbers))
        await asyncio.sleep(0.01)
        if self.is_away:
            raise OSError("away")
        return {number: number * number for number in numbers if number != 13}


async def test_a_crowd_shares_one_reading_and_each_gets_their_own_answer() -> None:
    library = Library()
    reader = GroupReader(library.read)
    first = asyncio.create_task(reader.find(1))
    await asyncio.sleep(0.001)
    rest = await asyncio.gather(*(reader.find(number) for number in (2, 3, 3, 13)))
    assert [await first, *rest] == [1, 4, 9, 9, None]
    assert library.readings == [[1], [2, 3, 13]]


async def test_a_question_is_never_answered_by_a_reading_that_began_before_it() -> None:
    library = Library()
    reader = GroupReader(library.read)
    first = asyncio.create_task(reader.find(1))
    await asyncio.sleep(0.001)
    assert await reader.find(1) == await first == 1
    assert library.readings == [[1], [1]]


async def test_who_hangs_up_takes_the_answer_from_nobody() -> None:
    reader = GroupReader(Library().read)
    leaving, staying = (asyncio.create_task(reader.find(5)) for _ in range(2))
    await asyncio.sleep(0.001)
    leaving.cancel()
    assert await staying == 25


async def test_everybody_hears_of_a_failure_and_may_ask_again() -> None:
    library = Library()
    library.is_away = True
    reader = GroupReader(library.read)
    told = await asyncio.gather(*(reader.find(n) for n in (1, 2)), return_exceptions=True)
    assert [type(each) for each in told] == [OSError, OSError]
    library.is_away = False
    assert await reader.find(2) == 4
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await reader.find(3)
    assert await reader.find(4) == 16
