"""The pages of a rehearsal in each of their states: no finding of axe, nothing to scroll sideways."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.async_api import expect

from core import clock, db
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from tests.quiz.test_rehearsal_plan import FAST
from tests.web.test_manage_rehearsal import kept
from web.demo.contests import COMING_SLUG

pytestmark = pytest.mark.browser
DESK = f"/quan-tri/cuoc-thi/{COMING_SLUG}/dien-tap"


async def lay(state: str, **changes: object) -> int:
    return await db.pool().fetchval(
        "INSERT INTO rehearsal (round_id, state, expected_count, asked_at, began_at, ended_at, "
        "progress, sheet) SELECT r.id, $2, 50000, $3, $3, $4, $5::jsonb, $6::jsonb FROM round r "
        "JOIN contest c ON c.id = r.contest_id WHERE c.slug = $1 RETURNING id",
        COMING_SLUG,
        state,
        clock.now(),
        None if state == "running" else clock.now(),
        {"planned": 313, "started": 120, "saves": 900, "handed_in": 40, "failures": 0},
        kept(**changes) if state == "done" else None,
    )


async def test_the_form_a_running_one_and_both_sheets(open_page: OpenPage) -> None:
    require_node_modules()
    page = await open_page(await staff_member("organiser"))
    faults = []
    await page.goto(DESK)
    await expect(page.get_by_role("button", name="Diễn tập", exact=True)).to_be_visible()
    faults += await faults_of(page, "form")
    ready = await lay("done")
    slow = await lay("done", save=replace(FAST, p99_ms=900.0), error_count=2)
    for rehearsal_id, words in ((ready, "Sẵn sàng"), (slow, "Chưa sẵn sàng")):
        await page.goto(f"{DESK}/{rehearsal_id}")
        await expect(page.locator(".verdict")).to_have_text(words)
        faults += await faults_of(page, words)
    running = await lay("running")
    await page.goto(DESK)
    await expect(page.get_by_text("trong 313 người thử")).to_be_visible()
    faults += await faults_of(page, "running")
    await db.pool().execute(
        "UPDATE rehearsal SET state = 'done', sheet = $2::jsonb WHERE id = $1", running, kept()
    )
    await expect(page.get_by_role("link", name="Xem phiếu kết quả")).to_have_count(3)  # by itself
    await db.pool().execute("DELETE FROM rehearsal")
    assert not faults, "\n".join(faults)
