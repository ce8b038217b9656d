"""The page of published results: nothing on it before somebody published it."""

from __future__ import annotations

import httpx
import pytest

from core import db
from quiz.result_snapshots import publish_result, sign_result
from tests.quiz.arena import Arena, build_arena
from tests.web.conftest import Site

PAGE = "/cuoc-thi/thi/ket-qua"


@pytest.fixture
async def arena(site: Site) -> Arena:
    """A contest whose only round is final; one prize over all rounds has been given to a unit."""
    arena = await build_arena()
    await db.pool().execute("UPDATE round SET result = 'final', prediction_actual = 1")
    await db.pool().execute("UPDATE contest SET state = 'final'")
    await db.pool().execute(
        "WITH giai AS (INSERT INTO prize (contest_id, kind, name, prize_count, position, measure, "
        "block, reward) VALUES ($1, 'collective', 'Nhất toàn cuộc', 1, 1, 'people', '', '') "
        "RETURNING id) INSERT INTO award (prize_id, unit_id, place, printed_name, unit_name, state, "
        "note, created_at) SELECT id, $2, 1, 'Xã Bình Lư', '', 'given', '', now() FROM giai",
        arena.contest_id,
        arena.unit_id,
    )
    return arena


async def test_what_adds_up_all_rounds_is_shown_once_all_are_published(
    arena: Arena, site: Site, visitor: httpx.AsyncClient
) -> None:
    before = await visitor.get(PAGE)
    assert before.status_code == 200
    assert "Nhất toàn cuộc" not in before.text
    await publish_result(await sign_result(arena.round_id, by=None), by=None)
    site.forget()
    assert "Xã Bình Lư" in (await visitor.get(PAGE)).text
