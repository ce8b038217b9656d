from __future__ import annotations

import asyncio
from typing import get_args

import pytest

from core import db
from core.errors import Refusal
from people import audit, roles
from people.accounts import make_staff
from people.persons import erase_person
from people.roles import Action, ContestScope, RoleName, UnitScope, may, may_somewhere
from people.sessions import RoleHeld, Viewer
from people.units import get_unit

PROVINCE, COMMUNE, OTHER_COMMUNE = "/1/", "/1/7/", "/1/70/"

# The whole matrix, written out: who may do what over the place where the role is held.
EXPECTED: dict[RoleName, set[Action]] = {
    "admin": {
        "see_bank", "manage_bank", "import_bank", "manage_contest", "approve_contest", "manage_units",
        "manage_people", "see_dashboard", "see_audit", "grant_roles", "approve_questions",
        "export_people", "export_bank", "analyse_questions", "see_results", "export_results",
        "decide_appeals", "see_operations", "run_platform", "see_certificates",
        "issue_certificates", "approve_certificates",
    },
    "organiser": {
        "see_bank", "manage_bank", "import_bank", "manage_contest", "manage_units", "manage_people",
        "see_dashboard", "export_people", "export_bank", "analyse_questions", "see_results",
        "export_results", "decide_appeals", "see_operations", "run_platform", "see_certificates",
        "issue_certificates",
    },
    "author": {"see_bank", "manage_bank", "import_bank"},
    "reviewer": {
        "see_bank", "manage_bank", "approve_questions", "see_dashboard", "analyse_questions",
    },
    "approver": {
        "see_bank", "approve_contest", "approve_questions", "see_dashboard", "analyse_questions",
        "see_results", "decide_appeals", "see_certificates", "approve_certificates",
    },
    "campaign_staff": {"see_dashboard"},
    "focal_point": {"manage_people", "see_dashboard"},
    "leader": {"see_dashboard", "see_operations"},
    "auditor": {
        "see_audit", "see_dashboard", "analyse_questions", "see_results", "see_operations",
        "see_certificates",
    },
}  # fmt: skip


def viewer(*held: RoleHeld) -> Viewer:
    return Viewer(
        session_id=1,
        account_id=1,
        person_id=1,
        shown_name="Alice",
        unit_id=None,
        unit_path=None,
        division_code="",
        birth_year=None,
        phone=None,
        roles=held,
    )


def over(name: str, path: str) -> Viewer:
    return viewer(RoleHeld(name, path, None))


@pytest.mark.parametrize("role", get_args(RoleName))
@pytest.mark.parametrize("action", get_args(Action))
def test_each_role_may_do_what_the_matrix_says_and_nothing_else(
    role: RoleName, action: Action
) -> None:
    expected = action == "own_account" or action in EXPECTED[role]
    assert may(over(role, COMMUNE), action, UnitScope(COMMUNE)) is expected
    in_contest = viewer(RoleHeld(role, None, 5))
    assert may(in_contest, action, ContestScope(5, COMMUNE)) is expected
    assert may_somewhere(in_contest, action) is expected


@pytest.mark.parametrize("action", get_args(Action))
def test_strangers_may_do_nothing_and_citizens_only_mind_their_own_account(
    action: Action,
) -> None:
    for scope in (None, UnitScope(PROVINCE), ContestScope(1, PROVINCE)):
        assert not may(None, action, scope)
        assert may(viewer(), action, scope) is (action == "own_account")
    assert not may_somewhere(None, action)


def test_a_role_reaches_down_the_tree_and_never_up_or_aside() -> None:
    alice = over("organiser", COMMUNE)
    assert may(alice, "manage_contest", UnitScope(COMMUNE))
    assert may(alice, "manage_contest", UnitScope("/1/7/9/"))
    assert may(alice, "manage_contest", ContestScope(3, "/1/7/9/"))
    assert not may(alice, "manage_contest", UnitScope(PROVINCE))
    assert not may(alice, "manage_contest", UnitScope(OTHER_COMMUNE))
    assert not may(alice, "manage_contest", ContestScope(3, PROVINCE))


def test_a_role_in_one_contest_reaches_neither_another_nor_a_unit() -> None:
    bob = viewer(RoleHeld("organiser", None, 5))
    assert may(bob, "manage_contest", ContestScope(5, PROVINCE))
    assert not may(bob, "manage_contest", ContestScope(6, PROVINCE))
    assert not may(bob, "manage_contest", UnitScope(COMMUNE))


def test_what_is_meant_for_the_whole_platform_needs_a_role_at_the_root() -> None:
    assert may(over("admin", PROVINCE), "grant_roles", None)
    assert not may(over("admin", COMMUNE), "grant_roles", None)
    assert not may(viewer(RoleHeld("admin", None, 5)), "grant_roles", None)


def test_an_unknown_action_or_a_broken_role_is_denied() -> None:
    assert not may(over("admin", PROVINCE), "fly", None)  # type: ignore[arg-type]  # what must be denied
    assert not may(over("king", PROVINCE), "see_audit", None)
    assert not may(over("admin", ""), "see_audit", UnitScope(PROVINCE))


async def alice_and_bob() -> tuple[int, int]:
    return (
        await make_staff(username="alice", password="rừng xanh", full_name="Alice"),
        await make_staff(username="bob", password="rừng xanh", full_name="Bob"),
    )


async def test_granting_and_ending_a_role_is_written_down(province: None) -> None:
    alice, bob = await alice_and_bob()
    unit = await get_unit("T12")
    role_id = await roles.grant_role(bob, "leader", unit_id=unit.id, by=alice)
    (held,) = await roles.roles_of(bob)
    assert (held.id, held.name, held.unit_name) == (role_id, "leader", "Tỉnh Lai Châu")
    await roles.end_role(role_id, by=alice)
    await roles.end_role(role_id, by=alice)
    assert await roles.roles_of(bob) == []
    trail = await audit.entries(f"account:{bob}")
    assert [(line.action, line.by_name) for line in trail] == [
        ("end_role", "Alice"),
        ("grant_role", "Alice"),
    ]
    assert trail[0].detail == {"role": "leader", "unit_id": unit.id, "contest_id": None}
    assert await db.pool().fetchval("SELECT count(*) FROM role") == 1


async def test_a_role_granted_twice_at_once_is_one_role(province: None) -> None:
    alice, bob = await alice_and_bob()
    granted = await asyncio.gather(
        *(roles.grant_role(bob, "author", contest_id=3, by=alice) for _ in range(4))
    )
    assert len(set(granted)) == 1
    assert len(await roles.roles_of(bob)) == 1


async def test_a_role_is_over_exactly_one_known_thing(province: None) -> None:
    alice, _ = await alice_and_bob()
    for wanted, code in (
        ({}, "bad_role_scope"),
        ({"unit_id": 1, "contest_id": 1}, "bad_role_scope"),
        ({"unit_id": 9999}, "unknown_unit"),
    ):
        with pytest.raises(Refusal, match=code):
            await roles.grant_role(alice, "leader", by=None, **wanted)
    with pytest.raises(Refusal, match="unknown_role"):
        await roles.grant_role(alice, "king", contest_id=1, by=None)  # type: ignore[arg-type]  # what must be refused
    with pytest.raises(Refusal, match="unknown_account"):
        await roles.grant_role(9999, "leader", contest_id=1, by=None)
    assert await audit.entries() == []


async def admins_of(unit_id: int, *accounts: int) -> list[int]:
    return [await roles.grant_role(each, "admin", unit_id=unit_id, by=None) for each in accounts]


async def test_the_last_administrator_of_the_whole_stays(province: None) -> None:
    alice, bob = await alice_and_bob()
    root, commune = (await get_unit("T12")).id, (await get_unit("X03445")).id
    of_alice, of_bob = await admins_of(root, alice, bob)
    (small,) = await admins_of(commune, bob)
    with pytest.raises(Refusal, match="own_last_admin"):
        await roles.end_role(of_alice, by=alice)
    await roles.end_role(of_bob, by=alice)
    for by in (alice, bob, None):
        with pytest.raises(Refusal, match="last_admin"):
            await roles.end_role(of_alice, by=by)
    await roles.end_role(small, by=alice)


async def test_two_administrators_cannot_end_each_other_at_once(province: None) -> None:
    alice, bob = await alice_and_bob()
    of_alice, of_bob = await admins_of((await get_unit("T12")).id, alice, bob)
    done = await asyncio.gather(
        roles.end_role(of_alice, by=bob), roles.end_role(of_bob, by=alice), return_exceptions=True
    )
    assert [type(each).__name__ for each in done].count("Refusal") == 1


async def test_the_only_administrator_does_not_vanish_with_the_own_data(province: None) -> None:
    alice, bob = await alice_and_bob()
    root = (await get_unit("T12")).id
    await admins_of(root, alice)
    person_id = await db.pool().fetchval("SELECT person_id FROM account WHERE id = $1", alice)
    with pytest.raises(Refusal, match="last_admin"):
        await erase_person(person_id, by=alice)
    await admins_of(root, bob)
    await erase_person(person_id, by=alice)
