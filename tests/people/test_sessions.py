from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock, db
from people import sessions
from people.accounts import make_staff
from people.roles import end_role, grant_role
from people.units import get_unit
from tests.people.cast import NOW

pytestmark = pytest.mark.usefixtures("province")


async def account(name: str) -> int:
    return await make_staff(
        username=name, password="rừng xanh núi đỏ", full_name=name.title(), unit_code="X03445"
    )


async def open_for(account_id: int, browser: str = "Firefox") -> str:
    async with db.transaction() as connection:
        return await sessions.open_session(connection, account_id, browser)


async def test_a_token_shows_who_looks_and_is_itself_nowhere_kept() -> None:
    alice = await account("alice")
    token = await open_for(alice)
    viewer = await sessions.find_session(token)
    assert viewer is not None
    commune = await get_unit("X03445")
    assert (viewer.account_id, viewer.shown_name, viewer.unit_path, viewer.roles) == (
        alice,
        "Alice",
        commune.path,
        (),
    )
    row = dict(await db.pool().fetchrow("SELECT * FROM session"))  # type: ignore[arg-type]  # there is one row
    assert token not in str(row)
    assert len(token) >= 43


async def test_roles_come_with_the_viewer_until_they_end() -> None:
    alice = await account("alice")
    province = await get_unit("T12")
    over_unit = await grant_role(alice, "leader", unit_id=province.id, by=None)
    await grant_role(alice, "organiser", contest_id=7, by=None)
    token = await open_for(alice)
    viewer = await sessions.find_session(token)
    assert viewer is not None
    assert viewer.roles == (
        sessions.RoleHeld("leader", province.path, None),
        sessions.RoleHeld("organiser", None, 7),
    )
    await end_role(over_unit, by=None)
    viewer = await sessions.find_session(token)
    assert viewer is not None
    assert [role.name for role in viewer.roles] == ["organiser"]


async def test_every_sign_in_gets_a_token_of_its_own() -> None:
    alice = await account("alice")
    assert await open_for(alice) != await open_for(alice)


async def test_a_revoked_session_is_over_and_the_others_go_on() -> None:
    alice = await account("alice")
    phone, desk = await open_for(alice, "Điện thoại"), await open_for(alice, "Máy bàn")
    viewer = await sessions.find_session(phone)
    assert viewer is not None
    await sessions.revoke_session(viewer.session_id, account_id=alice)
    await sessions.revoke_session(viewer.session_id, account_id=alice)
    assert await sessions.find_session(phone) is None
    assert await sessions.find_session(desk) is not None
    assert [each.browser for each in await sessions.sessions_of(alice)] == ["Máy bàn"]


async def test_nobody_signs_another_persons_browser_out() -> None:
    alice, bob = await account("alice"), await account("bob")
    token = await open_for(alice)
    (session,) = await sessions.sessions_of(alice)
    await sessions.revoke_session(session.id, account_id=bob)
    assert await sessions.find_session(token) is not None


@pytest.mark.parametrize("token", ["", "guess", "\udcff", "' OR 1=1 --", "x" * 10_000])
async def test_a_token_that_nobody_was_given_shows_nobody(token: str) -> None:
    assert await sessions.find_session(token) is None


async def test_being_seen_is_written_once_an_hour_at_most() -> None:
    alice = await account("alice")
    token = await open_for(alice)

    async def seen_after(minutes: int) -> timedelta:
        clock.freeze(NOW + timedelta(minutes=minutes))
        await sessions.find_session(token)
        (session,) = await sessions.sessions_of(alice)
        return session.seen_at - NOW

    assert await seen_after(59) == timedelta(0)
    assert await seen_after(61) == timedelta(minutes=61)
    assert await seen_after(100) == timedelta(minutes=61)


async def test_a_long_name_of_a_browser_is_cut() -> None:
    alice = await account("alice")
    await open_for(alice, "Mozilla\x00" * 100)
    (session,) = await sessions.sessions_of(alice)
    assert len(session.browser) == 200
