"""QS3: what a sign-in code may cost, and how little guessing it allows."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import clock, db
from core.errors import Refusal
from people import codes
from tests.people.cast import NOW

MAI = "+84912345678"
WRONG = "not the code"


async def ask(phone: str = MAI, **limits: Any) -> UUID:
    chosen: dict[str, Any] = {
        "sign_up": None,
        "asked_from": "10.0.0.1",
        "per_number_per_hour": 5,
        "per_day": 1000,
    }
    return await codes.ask_code(phone=phone, **(chosen | limits))


async def draw(code_id: UUID) -> str:
    drawn = await codes.draw_code(code_id, demo=False)
    assert drawn is not None
    return drawn[1]


async def refused(verb: Awaitable[object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await verb
    return caught.value


def later(**duration: float) -> None:
    clock.freeze(clock.now() + timedelta(**duration))


@pytest.fixture(autouse=True)
def standing_clock(clean: None) -> None:
    clock.freeze(NOW)


async def test_a_drawn_code_proves_its_number_once() -> None:
    code_id = await ask(sign_up={"full_name": "Lò Thị Mai"})
    code = await draw(code_id)
    assert len(code) == 6
    assert code.isdigit()
    proven = await codes.prove_code(code_id, f" {code[:3]} {code[3:]} ")
    assert (proven.phone, proven.sign_up) == (MAI, {"full_name": "Lò Thị Mai"})
    assert (await refused(codes.prove_code(code_id, code))).code == "code_gone"


async def test_neither_the_code_nor_a_plain_hash_of_it_is_in_the_database() -> None:
    code_id = await ask()
    code = await draw(code_id)
    row = str(dict(await db.pool().fetchrow("SELECT * FROM sign_in_code")))  # type: ignore[arg-type]  # there is one row
    without_id = row.replace(str(code_id), "")
    assert code not in without_id
    assert hashlib.sha256(code.encode()).hexdigest() not in row
    assert "10.0.0.1" not in row


async def test_a_used_code_keeps_nothing_of_the_sign_up_form() -> None:
    code_id = await ask(sign_up={"full_name": "Lò Thị Mai"})
    await codes.prove_code(code_id, await draw(code_id))
    assert await db.pool().fetchval("SELECT sign_up FROM sign_in_code") is None


async def test_after_five_wrong_tries_even_the_right_code_is_refused() -> None:
    code_id = await ask()
    code = await draw(code_id)
    left = [(await refused(codes.prove_code(code_id, WRONG))).sentence for _ in range(5)]
    assert "còn 4 lần" in left[0]
    assert "còn 1 lần" in left[3]
    assert "xin mã mới" in left[4]
    sixth = await refused(codes.prove_code(code_id, code))
    assert sixth.code == "code_spent"
    assert "ma" in sixth.fields


async def test_the_fifth_try_still_counts() -> None:
    code_id = await ask()
    code = await draw(code_id)
    for _ in range(4):
        await refused(codes.prove_code(code_id, WRONG))
    assert (await codes.prove_code(code_id, code)).phone == MAI


async def test_guessing_in_parallel_gets_no_more_than_five_tries() -> None:
    code_id = await ask()
    await draw(code_id)
    answers = await asyncio.gather(
        *(codes.prove_code(code_id, WRONG) for _ in range(30)), return_exceptions=True
    )
    assert all(isinstance(answer, Refusal) for answer in answers)
    assert await db.pool().fetchval("SELECT tries_count FROM sign_in_code") == 5


async def test_of_two_proofs_at_the_same_time_one_wins() -> None:
    code_id = await ask()
    code = await draw(code_id)
    answers = await asyncio.gather(
        *(codes.prove_code(code_id, code) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(answer, codes.ProvenCode) for answer in answers) == 1


async def test_a_code_ends_ten_minutes_after_it_was_drawn() -> None:
    code_id = await ask()
    later(minutes=5)
    code = await draw(code_id)
    later(minutes=9, seconds=59)
    assert (await codes.prove_code(code_id, code)).phone == MAI
    other = await ask("+84987654321")
    code = await draw(other)
    later(minutes=10)
    assert (await refused(codes.prove_code(other, code))).code == "code_gone"


async def test_a_code_that_was_not_drawn_yet_proves_nothing() -> None:
    code_id = await ask()
    assert (await refused(codes.prove_code(code_id, "000000"))).code == "code_not_sent"
    assert (await refused(codes.prove_code(uuid4(), "000000"))).code == "code_gone"


async def test_a_code_of_one_number_does_not_prove_another() -> None:
    mine, yours = await ask(), await ask("+84987654321")
    code = await draw(mine)
    if code != await draw(yours):
        assert (await refused(codes.prove_code(yours, code))).code == "code_wrong"


async def test_only_one_of_two_jobs_draws_and_a_repeated_job_draws_anew() -> None:
    code_id = await ask()
    first = await draw(code_id)
    assert await codes.draw_code(code_id, demo=False) is None
    again = await codes.draw_code(code_id, demo=False, is_repeat=True)
    assert again is not None
    if again[1] != first:
        assert (await refused(codes.prove_code(code_id, first))).code == "code_wrong"
    assert (await codes.prove_code(code_id, again[1])).phone == MAI
    assert await codes.draw_code(code_id, demo=False, is_repeat=True) is None


async def test_the_demonstration_has_one_code() -> None:
    code_id = await ask()
    assert await codes.draw_code(code_id, demo=True) == (MAI, "000000")


async def test_a_second_code_must_wait_a_minute() -> None:
    await ask()
    later(seconds=59)
    too_soon = await refused(ask())
    assert (too_soon.code, too_soon.retry_after_seconds) == ("code_too_soon", 1)
    later(seconds=1)
    await ask()


async def test_a_number_has_five_codes_an_hour_and_no_more_when_asked_at_once() -> None:
    for _ in range(5):
        await ask()
        later(minutes=2)
    sixth = await refused(ask())
    assert (sixth.code, sixth.retry_after_seconds) == ("code_limit_number", 50 * 60)
    later(minutes=51)
    await ask()
    at_once = await asyncio.gather(*(ask("+84987654321") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(answer, UUID) for answer in at_once) == 1


async def test_a_school_behind_one_address_is_not_locked_out_but_a_machine_is() -> None:
    for pupil in range(200):
        await ask(f"+849{pupil:08d}")
    assert (await refused(ask())).code == "code_limit_address"
    assert await ask(asked_from="10.0.0.2")
    assert await ask("+84987654321", asked_from="")


async def test_the_budget_of_a_day_is_exact_even_when_all_ask_at_once() -> None:
    answers = await asyncio.gather(
        *(ask(f"+8491234567{n}", per_day=3) for n in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, UUID) for answer in answers) == 3
    assert (await refused(ask("+84987654321", per_day=3))).code == "code_budget"
    assert (await refused(ask("+84987654321", per_day=0))).code == "code_budget"
    later(hours=15)  # midnight in Việt Nam
    await ask("+84987654321", per_day=3)


async def test_a_refused_question_costs_nothing_of_the_budget() -> None:
    await ask(per_day=2)
    for _ in range(5):
        await refused(ask(per_day=2))
    await ask("+84987654321", per_day=2)


async def test_the_sweep_finds_what_nobody_rang_for_until_it_is_too_late() -> None:
    code_id = await ask()
    assert await codes.waiting_codes() == []
    later(seconds=5)
    assert await codes.waiting_codes() == [code_id]
    await draw(code_id)
    assert await codes.waiting_codes() == []
    await codes.put_back_code(code_id)
    assert await codes.waiting_codes() == [code_id]
    later(minutes=20)
    assert await codes.waiting_codes() == []
    assert await codes.draw_code(code_id, demo=False) is None


async def test_a_code_that_the_provider_refused_is_closed() -> None:
    code_id = await ask(sign_up={"full_name": "Lò Thị Mai"})
    code = await draw(code_id)
    await codes.refuse_code(code_id)
    assert (await refused(codes.prove_code(code_id, code))).code == "code_gone"


async def test_codes_are_forgotten_after_a_day() -> None:
    await ask()
    later(hours=23)
    kept = await ask()
    later(hours=2)
    assert await codes.purge_codes() == 1
    rows = await db.pool().fetch("SELECT id FROM sign_in_code")
    assert [row["id"] for row in rows] == [kept]
