from __future__ import annotations

from typing import Any

import pytest

from core import db
from core.errors import Refusal
from people import audit, consents, merging
from people.accounts import make_staff
from people.consents import MESSAGES, TAKE_PART
from people.merging import are_close, find_pairs
from people.persons import PeopleFilter, find_persons, get_person
from people.roles import grant_role
from people.sessions import find_session, open_session
from quiz.entering import find_entrant
from quiz.entry_lists import admit, exclude, list_counts
from quiz.history import contests_of
from quiz.merging import merge_persons
from tests.quiz.arena import Arena, build_arena


@pytest.fixture
async def arena(clean: None) -> Arena:
    """Mai stands twice in the tables: persons 1 and 5 have one name, unit and birth year."""
    await consents.publish_first_texts()
    return await build_arena(people=5)


async def give_account(person_id: int, phone: str) -> tuple[int, str]:
    async with db.transaction() as connection:
        account_id = await connection.fetchval(
            "INSERT INTO account (person_id, phone, is_active, failed_count, created_at) "
            "VALUES ($1, $2, true, 0, now()) RETURNING id",
            person_id,
            phone,
        )
        return account_id, await open_session(connection, account_id, "")


async def enter(arena: Arena, person_id: int) -> None:
    await db.pool().execute(
        "INSERT INTO participant (contest_id, person_id, division_id, unit_id, shown_name, "
        "entered_at) VALUES ($1, $2, $3, $4, 'Lò Thị M.', now())",
        arena.contest_id,
        person_id,
        arena.division_id,
        arena.unit_id,
    )


async def accounts() -> list[dict[str, Any]]:
    rows = await db.pool().fetch("SELECT person_id, phone, is_active FROM account ORDER BY id")
    return [dict(row) for row in rows]


async def test_the_record_that_stays_gets_entries_and_account(arena: Arena) -> None:
    _, session = await give_account(1, "+84912345678")
    await enter(arena, 1)
    await merge_persons(1, 5, by=9)
    assert [each.slug for each in await contests_of(5)] == ["thi"]
    assert await accounts() == [{"person_id": 5, "phone": "+84912345678", "is_active": True}]
    viewer = await find_session(session)
    assert viewer is not None
    assert viewer.person_id == 5
    assert (await get_person(1)).merged_into_id == 5
    found = await find_persons(PeopleFilter("lò thị mai"))
    assert [each.id for each in found] == [5]
    (line,) = await audit.entries("person:5")
    assert (line.action, line.by, line.detail["from"]) == ("merge_persons", 9, 1)


async def test_of_two_accounts_the_other_closes_and_signs_out(arena: Arena) -> None:
    _, kept = await give_account(1, "+84912345678")
    _, gone = await give_account(5, "+84987654321")
    await merge_persons(5, 1, by=9)
    assert await find_session(gone) is None
    assert await find_session(kept) is not None
    assert [each["is_active"] for each in await accounts()] == [True, False]


async def test_a_number_that_closes_leaves_its_places_on_lists_to_the_one_that_stays(
    arena: Arena,
) -> None:
    await give_account(1, "+84912345678")
    await give_account(5, "+84987654321")
    await exclude(arena.contest_id, ["0987654321"], "Tổ ra đề")
    await admit(arena.contest_id, ["0987654321", "0912345678"])
    await merge_persons(5, 1, by=9)
    assert (await find_entrant(1, arena.contest_id, arena.round_id)).exclusion == "Tổ ra đề"
    assert await list_counts(arena.contest_id) == {"eligibility": 2, "exclusion": 2}


async def test_two_who_entered_the_same_contest_stay_two(arena: Arena) -> None:
    await give_account(5, "+84987654321")
    await enter(arena, 1)
    await enter(arena, 5)
    with pytest.raises(Refusal, match="“Cuộc thi”"):
        await merge_persons(5, 1, by=9)
    assert (await get_person(5)).merged_into_id is None
    assert [each["is_active"] for each in await accounts()] == [True]
    assert await audit.entries() == []


async def test_a_colleague_with_a_role_is_not_closed_by_a_merge(arena: Arena) -> None:
    account_id, _ = await give_account(5, "+84987654321")
    await give_account(1, "+84912345678")
    await grant_role(account_id, "leader", unit_id=arena.unit_id, by=None)
    with pytest.raises(Refusal, match="holds_roles"):
        await merge_persons(5, 1, by=9)
    await merge_persons(1, 5, by=9)


async def test_a_withdrawn_consent_stays_withdrawn_and_none_is_carried_over(arena: Arena) -> None:
    await consents.give(1, MESSAGES)
    await consents.give(5, TAKE_PART)
    await consents.give(5, MESSAGES)
    await consents.withdraw(5, MESSAGES)
    await merge_persons(5, 1, by=9)
    held = {each.purpose: each.is_given for each in await consents.consents_of(1)}
    assert held == {MESSAGES: False}


async def test_what_was_merged_or_never_was_is_refused(arena: Arena) -> None:
    await merge_persons(5, 1, by=9)
    for pair in ((5, 1), (1, 5), (1, 1), (1, 999)):
        with pytest.raises(Refusal):
            await merge_persons(*pair, by=9)


async def test_a_chain_of_merges_ends_at_the_last(arena: Arena) -> None:
    await merge_persons(5, 1, by=9)
    await merge_persons(1, 2, by=9)
    assert [(await get_person(each)).merged_into_id for each in (5, 1)] == [2, 2]


async def test_pairs_share_a_name_and_something_more(arena: Arena) -> None:
    await db.pool().execute("UPDATE person SET full_name = 'LÒ THI MẠI' WHERE id = 5")
    (pair,) = await find_pairs(paths=["/1/"], has_unitless=False)
    assert (pair.first.id, pair.second.id) == (1, 5)
    assert pair.shared == ("cùng đơn vị", "cùng năm sinh")
    assert await find_pairs(paths=["/7/"], has_unitless=True) == []
    await db.pool().execute("UPDATE person SET unit_id = NULL, birth_year = NULL WHERE id = 5")
    assert await find_pairs(paths=["/1/"], has_unitless=True) == []
    await give_account(1, "+84912345678")
    await give_account(5, "+84912345687")
    (pair,) = await find_pairs(paths=["/1/"], has_unitless=True, person_id=5)
    assert pair.shared == ("số điện thoại gần giống",)
    assert await find_pairs(paths=["/1/"], has_unitless=True, person_id=2) == []


@pytest.mark.parametrize(
    ("one", "other", "close"),
    [
        ("+84912345678", "+84912345679", True),
        ("+84912345678", "+84912345687", True),
        ("+84912345678", "+84912345678", False),
        ("+84912345678", "+84912346579", False),
        ("+84912345678", None, False),
        (None, None, False),
    ],
)
def test_numbers_are_close_when_a_finger_slipped(
    one: str | None, other: str | None, *, close: bool
) -> None:
    assert are_close(one, other) is close
    assert are_close(other, one) is close


async def test_staff_names_of_no_unit_are_paired_too(clean: None) -> None:
    for username in ("hoa", "hoa2"):
        await make_staff(username=username, password="rừng xanh", full_name="Lý Thị Hoa")
    assert await merging.find_pairs(paths=["/1/"], has_unitless=True) == []
