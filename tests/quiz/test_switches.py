from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz import entering
from quiz.attempts import Attempts
from quiz.contests import get_contest
from quiz.switches import SWITCHES, throw_switch
from tests.quiz.arena import Arena, build_arena, instant, save

REASON = "Nghi lộ đề"


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


async def knock(attempts: Attempts, arena: Arena, person: int) -> Any:
    contest = await get_contest(arena.contest_id)
    rules = entering.entry_rules(contest, contest.rounds[0], "")
    return await entering.enter(
        attempts, rules, person_id=arena.person_ids[person], division_code=None,
        arrived_at=instant(),
    )  # fmt: skip


async def throw(arena: Arena, switch: Any, *, is_thrown: bool = True) -> bool:
    return await throw_switch(arena.contest_id, switch, is_thrown=is_thrown, reason=REASON, by=None)


async def test_nobody_new_enters_while_entries_are_stopped(attempts: Attempts) -> None:
    arena = await build_arena()
    first, _ = await knock(attempts, arena, 0)
    await attempts.submit(save(first.attempt_id, 1, {}, is_submit=True))
    await throw(arena, "entry")
    again, _ = await knock(attempts, arena, 0)  # has entered before
    assert not again.is_resumed
    with pytest.raises(Refusal) as refused:
        await knock(attempts, arena, 1)
    assert refused.value.code == "entries_stopped"
    await throw(arena, "entry", is_thrown=False)
    await knock(attempts, arena, 1)


async def test_nobody_begins_while_starts_are_stopped_and_who_is_inside_goes_on(
    attempts: Attempts,
) -> None:
    arena = await build_arena()
    inside, _ = await knock(attempts, arena, 0)
    await throw(arena, "start")
    resumed, _ = await knock(attempts, arena, 0)
    assert (resumed.attempt_id, resumed.is_resumed) == (inside.attempt_id, True)
    assert (await attempts.save(save(inside.attempt_id, 1, {"1": [1]}))).saved_seq == 1
    await attempts.submit(save(inside.attempt_id, 2, {}, is_submit=True))
    for person in (0, 1):
        with pytest.raises(Refusal) as refused:
            await knock(attempts, arena, person)
        assert refused.value.code == "starts_stopped"


@pytest.mark.parametrize("switch", SWITCHES)
async def test_a_switch_is_thrown_and_released_once_each(clean: None, switch: Any) -> None:
    arena = await build_arena()
    assert [await throw(arena, switch) for _ in range(2)] == [True, False]
    assert [await throw(arena, switch, is_thrown=False) for _ in range(2)] == [True, False]
    told = [(each.action, each.detail) for each in await entries(f"contest:{arena.contest_id}")]
    assert told == [
        ("release_switch", {"switch": switch, "reason": REASON}),
        ("throw_switch", {"switch": switch, "reason": REASON}),
    ]


async def test_a_switch_wants_a_reason(clean: None) -> None:
    arena = await build_arena()
    with pytest.raises(Refusal) as refused:
        await throw_switch(arena.contest_id, "board", is_thrown=True, reason="", by=None)
    assert refused.value.fields
    assert await db.pool().fetchval("SELECT board_hidden_at FROM contest") is None
