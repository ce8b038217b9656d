"""A draw's page, which everybody opens at the same moment."""

from __future__ import annotations

import httpx

from core import db
from tests.quiz.arena import build_arena
from tests.web.conftest import Site


async def test_the_page_is_made_once_for_a_crowd(site: Site, visitor: httpx.AsyncClient) -> None:
    arena = await build_arena()
    draw_id = await db.pool().fetchval(
        "INSERT INTO draw (round_id, division_id, purpose, title, entrants, entrants_digest, "
        "winner_count, secret, commitment, beacon_rule, beacon, committed_at) "
        "VALUES ($1, $2, 'lucky', 'Quay số một', '[]', '', 1, 's3cret', '', '', '', now()) "
        "RETURNING id",
        arena.round_id,
        arena.division_id,
    )
    page = f"/cuoc-thi/thi/boc-tham/{draw_id}"
    first = await visitor.get(page)
    assert "Quay số một" in first.text
    assert "s3cret" not in first.text
    await db.pool().execute("UPDATE draw SET title = 'Quay số hai'")
    assert (await visitor.get(page)).headers["etag"] == first.headers["etag"]
    site.forget()  # as a process does that has just revealed one
    assert "Quay số hai" in (await visitor.get(page)).text
    assert (await visitor.get("/cuoc-thi/thi/boc-tham/0")).status_code == 404
