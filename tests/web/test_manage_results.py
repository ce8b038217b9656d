"""Keys on the page of results: who reads them before a round opens, and what is written down."""

from __future__ import annotations

import httpx
import pytest

from core import db
from people.audit import entries
from quiz.rescoring import propose_correction
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

PAGE = "/quan-tri/cuoc-thi/thi/ket-qua?dot=1&cau=1"
OPTION, REASON = "1.0", "Phương án hai mới đúng"  # of the first question of the arena


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def bank_id(stage: Stage) -> int:
    return await db.pool().fetchval("SELECT bank_id FROM contest")


async def not_yet_open() -> None:
    await db.pool().execute(
        "UPDATE round SET opens_at = now() + interval '1 day', closes_at = now() + interval '2 days'"
    )


async def test_before_it_opens_only_those_who_see_its_paper_read_its_keys(stage: Stage) -> None:
    await not_yet_open()
    await propose_correction(stage.arena.round_id, 1, "rekey", [1], REASON, by=None)
    assert OPTION in (await stage.clients["organiser"].get(PAGE)).text
    for name, sees in (("approver", True), ("reviewer", False), ("auditor", False)):
        page = await stage.clients[name].get(PAGE)
        assert page.status_code == 200
        assert (REASON in page.text) == sees


async def test_an_open_round_shows_its_corrections_to_whoever_judges_questions(
    stage: Stage,
) -> None:
    await propose_correction(stage.arena.round_id, 1, "rekey", [1], REASON, by=None)
    assert REASON in (await stage.clients["auditor"].get(PAGE)).text


async def test_a_key_of_a_bank_that_is_still_to_be_asked_is_not_seen_unnoticed(
    stage: Stage, bank_id: int
) -> None:
    organiser = stage.clients["organiser"]
    await organiser.get(PAGE)
    assert await entries(f"bank:{bank_id}") == []
    await not_yet_open()
    for name in ("organiser", "auditor"):  # who is shown no key is not named
        await stage.clients[name].get(PAGE)
    [seen] = await entries(f"bank:{bank_id}")
    assert (seen.action, seen.by) == ("see_bank", await stage.account_id("organiser"))
