from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz import results, suspicions
from quiz.activity import ACTIVITY
from quiz.attempts import Attempts
from quiz.suspicions import look_again, look_at_running_rounds, review_suspicion, suspicions_of
from tests.quiz.arena import Arena, build_arena, instant, right_answers, save


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    await ACTIVITY.write()
    await db.pool().execute("TRUNCATE round_minute")
    writers = Attempts()
    yield writers
    await writers.close()


async def take_part(
    attempts: Attempts, arena: Arena, person: int, *, right: int, seconds: float
) -> None:
    """Hand in after so many seconds, as the clock of the attempt has it."""
    started = await attempts.start(arena.start(person, at=instant(-seconds)))
    given = await right_answers(started.attempt_id, right)
    await attempts.submit(save(started.attempt_id, 1, given, is_submit=True))


async def shown(arena: Arena, state: str = "new") -> list[tuple[str, str]]:
    page = await suspicions_of(arena.contest_id, state=state)
    return sorted((each.full_name, each.pattern) for each in page.rows)


async def test_a_running_round_is_looked_at_and_the_evidence_kept(attempts: Attempts) -> None:
    arena = await build_arena()
    await take_part(attempts, arena, 0, right=2, seconds=300)
    await db.pool().execute(
        "UPDATE attempt SET started_at = started_at - interval '10 minutes', "
        "closed_at = closed_at - interval '10 minutes'"
    )
    await take_part(attempts, arena, 0, right=5, seconds=4)
    await take_part(attempts, arena, 1, right=5, seconds=200)
    await ACTIVITY.write()
    await results.score_waiting()
    assert await look_at_running_rounds() == 2
    assert await shown(arena) == [("Lò Thị Mai", "sudden_leap"), ("Lò Thị Mai", "too_fast")]
    page = await suspicions_of(arena.contest_id, state="new")
    fast = next(each for each in page.rows if each.pattern == "too_fast")
    assert (fast.evidence["correct"], fast.evidence["questions"]) == (5, 5)
    await look_at_running_rounds()
    assert page.counts == {"new": 2, "pursued": 0, "dismissed": 0}
    assert len(await shown(arena)) == 2


async def test_a_quiet_round_is_not_looked_at(attempts: Attempts) -> None:
    arena = await build_arena()
    await take_part(attempts, arena, 0, right=5, seconds=2)
    await results.score_waiting()
    assert await look_at_running_rounds() == 0
    assert await shown(arena) == []


async def test_a_whole_round_is_gone_through_in_batches(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = await build_arena(people=9)
    for person in range(9):
        await take_part(attempts, arena, person, right=5, seconds=3)
    await results.score_waiting()
    await db.pool().execute(
        "UPDATE attempt SET closed_at = closed_at - interval '3 hours' + number * interval '1 s' "
        "+ participant_id * interval '2 minutes'"
    )
    monkeypatch.setattr(suspicions, "BATCH", 2)
    monkeypatch.setattr(suspicions, "BATCHES_A_JOB", 100)
    await look_again(arena.round_id, 0)
    assert [pattern for _, pattern in await shown(arena)] == ["too_fast"] * 9


async def test_many_at_the_same_instant_do_not_stop_the_round(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena = await build_arena(people=6)
    for person in range(6):
        await take_part(attempts, arena, person, right=5, seconds=3)
    await results.score_waiting()
    await db.pool().execute("UPDATE attempt SET closed_at = $1", instant(-60))
    monkeypatch.setattr(suspicions, "BATCH", 3)
    monkeypatch.setattr(suspicions, "BATCHES_A_JOB", 5)
    assert await look_again(arena.round_id, 0) >= 3  # and it ends


async def a_flag(attempts: Attempts, arena: Arena) -> int:
    await take_part(attempts, arena, 0, right=5, seconds=2)
    await results.score_waiting()
    await look_again(arena.round_id, 0)
    [flag] = (await suspicions_of(arena.contest_id, state="new")).rows
    return flag.id


async def test_a_conclusion_is_kept_recorded_and_not_undone_by_the_next_look(
    attempts: Attempts,
) -> None:
    arena = await build_arena()
    flag_id = await a_flag(attempts, arena)
    await review_suspicion(
        arena.contest_id, flag_id, state="dismissed", note="Giáo viên tin học", by=None
    )
    await db.pool().execute("UPDATE score SET duration_ms = 1000")
    await look_again(arena.round_id, 0)
    assert await shown(arena) == []
    [flag] = (await suspicions_of(arena.contest_id, state="dismissed")).rows
    assert (flag.note, flag.evidence["seconds"]) == ("Giáo viên tin học", 2)
    [entry] = await entries(f"contest:{arena.contest_id}")
    assert (entry.action, entry.detail["state"]) == ("review_suspicion", "dismissed")


async def test_newer_evidence_replaces_what_nobody_has_looked_at(attempts: Attempts) -> None:
    arena = await build_arena()
    await a_flag(attempts, arena)
    await db.pool().execute("UPDATE score SET duration_ms = 1000")
    await look_again(arena.round_id, 0)
    [flag] = (await suspicions_of(arena.contest_id, state="new")).rows
    assert flag.evidence["seconds"] == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "guilty"}, "bad_state"),
        ({"note": ""}, "no_reason"),
        ({"suspicion_id": 99}, "not_found"),
        ({"contest_id": 99}, "not_found"),
    ],
)
async def test_a_conclusion_has_a_state_and_a_reason(
    attempts: Attempts, changes: dict[str, Any], code: str
) -> None:
    arena = await build_arena()
    wanted = {
        "contest_id": arena.contest_id, "suspicion_id": await a_flag(attempts, arena),
        "state": "pursued", "note": "Gọi xác minh", **changes,
    }  # fmt: skip
    contest_id, suspicion_id = wanted.pop("contest_id"), wanted.pop("suspicion_id")
    with pytest.raises(Refusal) as refused:
        await review_suspicion(contest_id, suspicion_id, by=None, **wanted)
    assert refused.value.code == code
    assert len(await shown(arena)) == 1


async def test_neighbours_with_the_same_mistakes_are_shown_with_each_other(
    attempts: Attempts,
) -> None:
    """The arena draws five of twenty questions: give both the same paper by giving the seed."""
    arena = await build_arena()
    for person in (0, 1):
        start = arena.start(person, at=instant(-300))
        start = type(start)(
            **{
                **{name: getattr(start, name) for name in start.__dataclass_fields__},
                "seed": "ab" * 16,
            }
        )
        started = await attempts.start(start)
        given = await right_answers(started.attempt_id, 3)
        await attempts.submit(save(started.attempt_id, 1, given, is_submit=True))
    await results.score_waiting()
    await look_again(arena.round_id, 0)
    page = await suspicions_of(arena.contest_id, state="new")
    told = {each.full_name: (each.pattern, list(each.others)) for each in page.rows}
    assert told == {
        "Lò Thị Mai": ("same_answers", ["Y Moan Êban"]),
        "Y Moan Êban": ("same_answers", ["Lò Thị Mai"]),
    }
    assert timedelta(0) <= instant() - page.rows[0].found_at
