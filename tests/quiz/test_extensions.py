from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz import entering, extensions
from quiz.attempts import CLOSING_GRACE_SECONDS, Attempts, close_expired, get_attempt
from quiz.contests import extended_rounds, get_contest
from quiz.extensions import extend, extensions_of, find_candidates, settle_recent
from quiz.finalising import mark_provisional
from tests.quiz.arena import Arena, build_arena, instant, save

REASON = "Mạng của xã mất 20 phút"


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


async def more(arena: Arena, minutes: int = 10, **scope: int) -> extensions.Granted:
    return await extend(arena.round_id, seconds=minutes * 60, reason=REASON, by=None, **scope)


async def begin(attempts: Attempts, arena: Arena, person: int = 0) -> UUID:
    return (await attempts.start(arena.start(person))).attempt_id


async def deadline(attempt_id: UUID) -> datetime:
    return (await get_attempt(attempt_id)).deadline_at


async def participant(arena: Arena, person: int = 0) -> int:
    found = await entering.participant_of(arena.person_ids[person], arena.contest_id)
    assert found is not None
    return found.participant_id


async def add_unit(arena: Arena, code: str) -> int:
    """A school beneath the arena's commune."""
    unit_id: int = await db.pool().fetchval(
        "INSERT INTO unit (code, name, name_key, sort_key, kind, block, path, valid_from) "
        "VALUES ($1, 'Trường', 'truong', 't', 'school', '', '', '2025-07-01') RETURNING id",
        code,
    )
    await db.pool().execute("UPDATE unit SET path = $2 WHERE id = $1", unit_id, f"/1/{unit_id}/")
    return unit_id


async def move_to(arena: Arena, person: int, unit_id: int) -> None:
    await db.pool().execute(
        "UPDATE person SET unit_id = $2 WHERE id = $1", arena.person_ids[person], unit_id
    )


async def close_round(arena: Arena, seconds_ago: float) -> None:
    await db.pool().execute(
        "UPDATE round SET closes_at = $2 WHERE id = $1", arena.round_id, instant(-seconds_ago)
    )


async def round_row(arena: Arena) -> Any:
    return await db.pool().fetchrow("SELECT * FROM round WHERE id = $1", arena.round_id)


async def test_everybody_inside_and_the_close_get_the_minutes(attempts: Attempts) -> None:
    arena = await build_arena()
    first, second = [await begin(attempts, arena, person) for person in (0, 1)]
    before, closes_at = await deadline(first), (await round_row(arena))["closes_at"]
    granted = await more(arena)
    assert granted.attempt_count == 2
    assert granted.closes_at == closes_at + timedelta(minutes=10)
    assert (await round_row(arena))["closes_at"] == granted.closes_at
    assert await deadline(first) == before + timedelta(minutes=10)
    assert await deadline(second) > before + timedelta(minutes=10)


async def test_a_person_alone_gets_the_minutes_even_beyond_the_close(attempts: Attempts) -> None:
    arena = await build_arena(closes_in_seconds=600)  # the limit is twenty minutes
    mine, other = [await begin(attempts, arena, person) for person in (0, 1)]
    closes_at = await deadline(other)
    granted = await more(arena, participant_id=await participant(arena))
    assert granted.attempt_count == 1
    assert await deadline(mine) == granted.closes_at == closes_at + timedelta(minutes=10)
    assert await deadline(other) == (await round_row(arena))["closes_at"] == closes_at


async def test_a_unit_is_the_unit_and_all_beneath_it(attempts: Attempts) -> None:
    arena = await build_arena()
    school = await add_unit(arena, "truong")
    inside = await attempts.start(arena.start(0))
    pupil = arena.start(1)
    in_school = await attempts.start(type(pupil)(**{**_fields(pupil), "unit_id": school}))
    before = [await deadline(each.attempt_id) for each in (inside, in_school)]
    assert (await more(arena, unit_id=school)).attempt_count == 1
    assert (await more(arena, minutes=5, unit_id=arena.unit_id)).attempt_count == 2
    after = [await deadline(each.attempt_id) for each in (inside, in_school)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [
        timedelta(minutes=5),
        timedelta(minutes=15),
    ]


def _fields(start: Any) -> dict[str, Any]:
    return {name: getattr(start, name) for name in start.__dataclass_fields__}


async def test_two_grants_add_up_and_the_same_one_at_once_does_not(attempts: Attempts) -> None:
    arena = await build_arena()
    attempt_id = await begin(attempts, arena)
    before = await deadline(attempt_id)
    results = await asyncio.gather(more(arena), more(arena), more(arena), return_exceptions=True)
    refused = [each for each in results if isinstance(each, Refusal)]
    assert [each.code for each in refused] == ["extended_already"] * 2
    await more(arena, minutes=5)
    await more(arena, minutes=10, unit_id=arena.unit_id)
    assert await deadline(attempt_id) == before + timedelta(minutes=25)
    assert len(await extensions_of(arena.contest_id)) == 3


async def test_a_later_start_has_its_own_limit_within_the_close_of_its_unit(
    attempts: Attempts,
) -> None:
    arena = await build_arena(closes_in_seconds=1500)
    await more(arena, unit_id=arena.unit_id)
    attempt_id = await begin(attempts, arena)
    attempt = await get_attempt(attempt_id)
    assert attempt.deadline_at == attempt.started_at + timedelta(seconds=1200)


async def test_after_the_public_close_only_the_unit_that_was_granted_time_starts(
    attempts: Attempts,
) -> None:
    arena = await build_arena()
    school = await add_unit(arena, "truong")
    await move_to(arena, 1, school)
    await close_round(arena, 30)
    granted = await more(arena, unit_id=school)
    late = arena.start(1)
    started = await attempts.start(type(late)(**{**_fields(late), "unit_id": school}))
    assert await deadline(started.attempt_id) == granted.closes_at
    with pytest.raises(Refusal) as refused:
        await attempts.start(arena.start(0))
    assert refused.value.code == "cannot_start"


async def test_the_door_knows_who_was_granted_time(attempts: Attempts) -> None:
    arena = await build_arena()
    school = await add_unit(arena, "truong")
    await move_to(arena, 1, school)
    await close_round(arena, 30)
    await more(arena, unit_id=school)
    contest = await get_contest(arena.contest_id)
    [chosen] = extended_rounds(contest, instant())
    rules = entering.entry_rules(contest, chosen, "")
    _, division_id = await entering.enter(
        attempts, rules, person_id=arena.person_ids[1], division_code=None, arrived_at=instant()
    )
    assert division_id == arena.division_id
    with pytest.raises(Refusal) as refused:
        await entering.enter(
            attempts, rules, person_id=arena.person_ids[0], division_code=None, arrived_at=instant()
        )
    assert refused.value.code == "round_closed"


async def test_a_save_after_the_old_deadline_counts_only_if_the_grant_came_before(
    attempts: Attempts,
) -> None:
    arena = await build_arena()
    granted, not_granted = [await begin(attempts, arena, person) for person in (0, 1)]
    soon = instant(0.3)
    await db.pool().execute("UPDATE attempt SET deadline_at = $1", soon)
    await db.pool().execute("UPDATE attempt SET started_at = $1", soon - timedelta(minutes=20))
    await more(arena, participant_id=await participant(arena, 0))
    after = soon + timedelta(milliseconds=1)
    saved = await attempts.save(save(granted, 1, {"1": [1]}, arrived_at=after))
    assert saved.deadline_at == soon + timedelta(minutes=10)
    with pytest.raises(Refusal) as refused:
        await attempts.save(save(not_granted, 1, {"1": [1]}, arrived_at=after))
    assert refused.value.code == "late"


async def test_an_attempt_whose_time_is_over_is_not_reopened(attempts: Attempts) -> None:
    arena = await build_arena()
    over, handed_in = [await begin(attempts, arena, person) for person in (0, 1)]
    await db.pool().execute("UPDATE attempt SET deadline_at = $1 WHERE id = $2", instant(-1), over)
    submitted = await attempts.submit(save(handed_in, 1, {"1": [1]}, is_submit=True))
    assert (await more(arena)).attempt_count == 0
    assert await deadline(over) < instant()
    assert await deadline(handed_in) == submitted.deadline_at
    await db.pool().execute(
        "UPDATE attempt SET deadline_at = $1 WHERE id = $2",
        instant(-CLOSING_GRACE_SECONDS - 1),
        over,
    )
    assert await close_expired() == 1


async def test_saves_and_grants_at_once_lose_nothing(attempts: Attempts) -> None:
    """Two processes save for thirty people while time is granted to all, units and persons."""
    arena = await build_arena(people=30)
    other = Attempts()
    started = [await attempts.start(arena.start(person)) for person in range(30)]
    ids = [each.attempt_id for each in started]
    before = {attempt_id: await deadline(attempt_id) for attempt_id in ids}

    async def answer(number: int, attempt_id: UUID) -> None:
        for seq in range(1, 16):
            writers = (attempts, other)[(number + seq) % 2]
            saved = await writers.save(save(attempt_id, seq, {"1": [seq % 4 + 1]}))
            assert saved.saved_seq == seq

    async def grant() -> None:
        await more(arena, minutes=3)
        await more(arena, minutes=4, unit_id=arena.unit_id)
        await more(arena, minutes=5, participant_id=await participant(arena, 7))

    await asyncio.gather(grant(), *(answer(number, each) for number, each in enumerate(ids)))
    await other.close()
    for number, attempt_id in enumerate(ids):
        attempt = await get_attempt(attempt_id)
        assert (attempt.saved_seq, attempt.answers) == (15, {"1": [4]})
        minutes = 12 if number == 7 else 7
        assert attempt.deadline_at == before[attempt_id] + timedelta(minutes=minutes)


async def test_starts_and_a_grant_at_once_give_everybody_the_later_close(
    attempts: Attempts,
) -> None:
    arena = await build_arena(people=40, closes_in_seconds=300)
    closes_at = (await round_row(arena))["closes_at"]
    await asyncio.gather(
        more(arena, minutes=2), *(attempts.start(arena.start(person)) for person in range(40))
    )
    await settle_recent()
    ends = await db.pool().fetch("SELECT DISTINCT deadline_at FROM attempt")
    assert [row["deadline_at"] for row in ends] == [closes_at + timedelta(minutes=2)]


async def test_settling_again_changes_nothing(attempts: Attempts) -> None:
    arena = await build_arena()
    attempt_id = await begin(attempts, arena)
    await more(arena, unit_id=arena.unit_id)
    after = await deadline(attempt_id)
    assert await settle_recent() == 0
    assert await deadline(attempt_id) == after


async def test_a_start_that_missed_the_grant_is_reached_by_the_sweep(attempts: Attempts) -> None:
    arena = await build_arena(closes_in_seconds=300)
    await more(arena, unit_id=arena.unit_id)
    attempt_id = await begin(attempts, arena)
    closes_at = (await round_row(arena))["closes_at"]
    await db.pool().execute("UPDATE attempt SET deadline_at = $1", closes_at)
    assert await settle_recent() == 1
    assert await deadline(attempt_id) == closes_at + timedelta(minutes=10)


async def test_a_provisional_result_waits_for_those_who_were_granted_time(
    attempts: Attempts,
) -> None:
    arena = await build_arena()
    attempt_id = await begin(attempts, arena)
    await attempts.submit(save(attempt_id, 1, {"1": [1]}, is_submit=True))
    await db.pool().execute("DELETE FROM unscored")
    await close_round(arena, 30)
    assert await mark_provisional() == 1
    await more(arena, unit_id=arena.unit_id)
    assert (await round_row(arena))["result"] == "none"
    assert await mark_provisional() == 0
    shown = (await get_contest(arena.contest_id)).rounds[0]
    assert shown.last_closes_at == shown.closes_at + timedelta(minutes=10)
    await close_round(arena, 601)
    assert await mark_provisional() == 1


async def test_the_last_close_is_that_of_whoever_has_most(attempts: Attempts) -> None:
    arena = await build_arena()
    await begin(attempts, arena)
    near, far = [await add_unit(arena, name) for name in ("gan", "xa")]
    for minutes, scope in (
        (1, {"unit_id": arena.unit_id}),
        (5, {"unit_id": near}),
        (9, {"unit_id": far}),
        (2, {"participant_id": await participant(arena)}),
    ):
        await more(arena, minutes=minutes, **scope)
    shown = (await get_contest(arena.contest_id)).rounds[0]
    assert shown.last_closes_at == shown.closes_at + timedelta(minutes=12)
    assert shown.extension_count == 4


async def test_a_board_that_froze_too_early_is_live_again(attempts: Attempts) -> None:
    arena = await build_arena(closes_in_seconds=60)
    await db.pool().execute("UPDATE contest SET board_freeze_seconds = 120")
    await db.pool().execute(
        "INSERT INTO board_snapshot (round_id, content, taken_at) VALUES ($1, '{}', now())",
        arena.round_id,
    )
    await more(arena, minutes=1)  # the freeze would have begun a moment ago all the same
    assert await db.pool().fetchval("SELECT count(*) FROM board_snapshot") == 1
    await more(arena, minutes=5)
    assert await db.pool().fetchval("SELECT count(*) FROM board_snapshot") == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE round SET result = 'final'", "round_final"),
        ("UPDATE round SET prediction_frozen_at = now()", "result_frozen"),
        ("UPDATE round SET closes_at = now() - interval '20 min'", "round_closed"),
        ("UPDATE round SET closes_at = now() - interval '2 min'", "key_shown"),
        ("UPDATE round SET opens_at = now() + interval '2 min'", "not_open_yet"),
        ("UPDATE contest SET state = 'draft'", "not_found"),
    ],
)
async def test_no_time_is_granted_where_it_would_be_unfair(
    attempts: Attempts, change: str, code: str
) -> None:
    arena = await build_arena()
    await db.pool().execute(change)
    with pytest.raises(Refusal) as refused:
        await more(arena)
    assert refused.value.code == code
    assert await db.pool().fetchval("SELECT count(*) FROM extension") == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": ""}, "no_reason"),
        ({"reason": "x" * 501}, "no_reason"),
        ({"seconds": 59}, "bad_minutes"),
        ({"seconds": 24 * 3600 + 1}, "bad_minutes"),
        ({"participant_id": 99}, "unknown_person"),
        ({"unit_id": 99}, "unknown_unit"),
    ],
)
async def test_a_grant_says_how_much_to_whom_and_why(
    attempts: Attempts, changes: dict[str, Any], code: str
) -> None:
    arena = await build_arena()
    with pytest.raises(Refusal) as refused:
        await extend(arena.round_id, **{"seconds": 600, "reason": REASON, "by": None, **changes})
    assert refused.value.code == code


async def test_a_grant_is_recorded(attempts: Attempts) -> None:
    arena = await build_arena()
    await begin(attempts, arena)
    await more(arena, participant_id=await participant(arena))
    [entry] = await entries(f"contest:{arena.contest_id}")
    assert (entry.action, entry.detail["seconds"]) == ("extend_time", 600)
    assert entry.detail["attempt_count"] == 1
    [shown] = await extensions_of(arena.contest_id)
    assert (shown.scope, shown.scope_name, shown.reason) == ("person", "Lò Thị Mai", REASON)


async def test_somebody_is_found_by_name_telephone_and_receipt(attempts: Attempts) -> None:
    arena = await build_arena()
    mine = await begin(attempts, arena, 0)
    await begin(attempts, arena, 1)
    submitted = await attempts.submit(save(mine, 1, {}, is_submit=True))
    await db.pool().execute(
        "INSERT INTO account (person_id, phone, is_active, failed_count, created_at) "
        "VALUES ($1, '+84912345678', true, 0, now())",
        arena.person_ids[0],
    )
    for typed in ("lo thi", "0912 345 678", (submitted.receipt or "").lower()):
        [found] = await find_candidates(arena.contest_id, typed)
        assert (found.full_name, found.deadline_at) == ("Lò Thị Mai", None)
    assert await find_candidates(arena.contest_id, "không có ai") == []
    assert await find_candidates(arena.contest_id, "  ") == []


@given(st.integers(min_value=-10, max_value=59) | st.integers(min_value=24 * 3600 + 1))
def test_only_a_sensible_length_passes(seconds: int) -> None:
    with pytest.raises(Refusal) as refused:
        extensions._check(seconds, REASON)
    assert refused.value.fields
