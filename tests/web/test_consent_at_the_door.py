"""Whoever was brought in by a list, or took the consent back, is asked before taking part."""

from __future__ import annotations

import httpx
import pytest

from core import db
from people.consents import TAKE_PART, consents_of, give, publish_first_texts, withdraw
from tests.quiz.arena import Arena, build_arena
from tests.web.conftest import SignIn, Site

DOOR = "/cuoc-thi/thi/vao-thi"


@pytest.fixture
async def arena(site: Site) -> Arena:
    await publish_first_texts()
    return await build_arena()


@pytest.fixture
async def mai(arena: Arena, sign_in: SignIn) -> httpx.AsyncClient:
    return await sign_in(arena.person_ids[0])


async def test_nobody_enters_without_having_agreed(arena: Arena, mai: httpx.AsyncClient) -> None:
    page = (await mai.get(DOOR)).text
    assert 'name="dong_y_du_le"' in page
    assert "checked" not in page.split('id="dong_y_du_le"')[1].split(">")[0]
    refused = await mai.post(DOOR)
    assert refused.status_code == 409
    assert 'href="#dong_y_du_le"' in refused.text
    as_json = await mai.post(DOOR, headers={"accept": "application/json"})
    assert (as_json.status_code, as_json.json()["code"]) == (403, "consent_needed")
    assert await db.pool().fetchval("SELECT count(*) FROM participant") == 0


async def test_agreeing_at_the_door_is_kept_and_asked_once(
    arena: Arena, mai: httpx.AsyncClient
) -> None:
    assert (await mai.post(DOOR, data={"dong_y_du_le": "1"})).status_code == 303
    (held,) = await consents_of(arena.person_ids[0])
    assert (held.purpose, held.is_given) == (TAKE_PART, True)
    await db.pool().execute("DELETE FROM attempt")
    assert 'name="dong_y_du_le"' not in (await mai.get(DOOR)).text
    assert (await mai.post(DOOR)).status_code == 303


async def test_who_withdrew_is_asked_again(arena: Arena, mai: httpx.AsyncClient) -> None:
    await give(arena.person_ids[0], TAKE_PART)
    await withdraw(arena.person_ids[0], TAKE_PART)
    assert (await mai.post(DOOR)).status_code == 409
    assert (await mai.post(DOOR, data={"dong_y_du_le": "1"})).status_code == 303


async def test_a_running_attempt_goes_on_whatever_was_withdrawn(
    arena: Arena, mai: httpx.AsyncClient
) -> None:
    await mai.post(DOOR, data={"dong_y_du_le": "1"})
    await withdraw(arena.person_ids[0], TAKE_PART)
    assert (await mai.post(DOOR)).status_code == 303
