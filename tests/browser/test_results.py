"""A wrong key after a thousand attempts, on the way to a final result: two people, their browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from core import db
from loadtest.bench.laying import Stage, lay_waiting
from quiz import rescoring, results
from quiz.finalising import mark_provisional
from quiz.frozen import get_pool
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, picture, require_node_modules
from tests.web.conftest import Site
from web.demo.contests import PAST_SLUG

pytestmark = pytest.mark.browser
SLUG = "dap-an-sai"
PAGE = f"/quan-tri/cuoc-thi/{SLUG}/ket-qua?dot=1"
ATTEMPTS = 1000


@pytest.fixture
async def closed(province: Site) -> AsyncIterator[Stage]:
    """A contest beside the demonstration's, closed, with a thousand attempts; then out of sight."""
    fetchval = db.pool().fetchval
    old_id = await fetchval("SELECT id FROM contest WHERE slug = $1", PAST_SLUG)
    contest_id = await fetchval(
        "INSERT INTO contest (slug, name, summary, audience, organiser, bank_id, state, "
        "comparators, prediction, review, board_freeze_seconds, created_at) "
        "SELECT $2, 'Cuộc thi có đáp án sai', summary, audience, organiser, bank_id, 'approved', "
        "'[\"points\"]', 'people', review, 0, now() FROM contest WHERE id = $1 RETURNING id",
        old_id,
        SLUG,
    )
    division_id = await fetchval(
        "INSERT INTO division (contest_id, code, name, position) "
        "VALUES ($1, 'nguoi-dan', 'Người dân', 1) RETURNING id",
        contest_id,
    )
    round_id = await fetchval(
        "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
        "closes_as_written, time_limit_seconds, counting, cooldown_seconds, result) "
        "VALUES ($1, 1, 'Tuần 1', now() - interval '9 days', now() - interval '2 days', '', '', "
        "1200, 'best', 0, 'none') RETURNING id",
        contest_id,
    )
    pool_id = await fetchval(
        "INSERT INTO pool (round_id, content, digest, frozen_at) SELECT $2, p.content, p.digest, "
        "now() FROM pool p JOIN round r ON r.id = p.round_id WHERE r.contest_id = $1 "
        "ORDER BY p.id LIMIT 1 RETURNING id",
        old_id,
        round_id,
    )
    await db.pool().execute(
        "INSERT INTO prize (contest_id, round_id, kind, measure, block, name, prize_count, reward, "
        "position) VALUES ($1, $2, 'individual', '', '', 'Giải Nhất', 1, '', 1), "
        "($1, $2, 'individual', '', '', 'Giải Ba', 40, '', 2)",
        contest_id,
        round_id,
    )
    unit_id = await fetchval("SELECT id FROM unit WHERE name LIKE '%Mường Tè'")
    stage = Stage(
        contest_id,
        round_id,
        [division_id],
        ["nguoi-dan"],
        [pool_id],
        [unit_id],
        await get_pool(db.pool(), pool_id),
    )
    await lay_waiting(stage, ATTEMPTS)
    while await results.score_waiting():
        pass
    await mark_provisional()
    province.forget()
    yield stage
    await db.pool().execute("UPDATE contest SET state = 'draft' WHERE id = $1", contest_id)
    province.forget()


async def end_prizes_among_equals(round_id: int) -> None:
    """The scores are thrown anew each time; where they are equal is known only now."""
    await db.pool().execute("DELETE FROM prize WHERE round_id = $1 AND position = 2", round_id)
    await db.pool().execute(
        "WITH equals AS (SELECT rank_key, count(*) AS people, "
        "sum(count(*)) OVER (ORDER BY rank_key) AS until FROM standing "
        "WHERE round_id = $1 AND is_ranked GROUP BY rank_key) "
        "UPDATE prize SET prize_count = (SELECT until - 1 FROM equals WHERE people > 1 "
        "ORDER BY rank_key LIMIT 1) WHERE round_id = $1",
        round_id,
    )


async def effects(page: Page) -> list[str]:
    """What the page says of a correction: its figures and its table of the first ranks."""
    article = page.locator("article.correction").first
    figures = await article.locator(".kpi b").all_text_contents()
    return figures + await article.locator("tbody tr").all_text_contents()


async def test_a_wrong_key_is_mended_as_the_preview_said_and_the_result_becomes_final(
    open_page: OpenPage, closed: Stage
) -> None:
    require_node_modules()
    lan = await open_page(await staff_member("organiser"))
    minh = await open_page(await staff_member("approver"))
    await lan.goto(PAGE)
    faults = await faults_of(lan, "ket-qua")
    await picture(lan, "1-trong")
    await lan.get_by_text("Chọn câu cần điều chỉnh").click()
    await lan.locator("section.scroll tbody th a").first.click()
    await lan.get_by_label("Cho mọi người có câu này trọn điểm").check()
    await lan.get_by_role("textbox", name="Lý do").first.fill("Hai phương án đều đúng")
    await picture(lan, "2-cau")
    await lan.get_by_role("button", name="Xem trước ảnh hưởng").click()
    await expect(lan.get_by_role("status")).to_contain_text("Đang tính bản xem trước")
    assert await rescoring.rescore_waiting() == 1

    await minh.goto(PAGE)
    await expect(minh.get_by_text("Xem trước: nếu duyệt thì")).to_be_visible()
    seen = await effects(minh)
    assert len(seen) > 10
    faults += await faults_of(minh, "ket-qua, xem trước")
    await picture(minh, "3-xem-truoc")
    await minh.get_by_role("button", name="Duyệt và chấm lại").click()
    assert await rescoring.rescore_waiting() == 1
    await minh.goto(PAGE)
    await minh.get_by_text("đúng như bản xem trước").click()
    assert await effects(minh) == seen

    await lan.goto(PAGE)
    await lan.get_by_text("Loại một người").click()
    await lan.get_by_label("Mã biên nhận hoặc số điện thoại").fill(
        await db.pool().fetchval(
            "SELECT receipt FROM attempt WHERE round_id = $1 LIMIT 1", closed.round_id
        )
    )
    await lan.get_by_label("Chỉ đợt này").check()
    await lan.get_by_label("Lý do loại").fill("Nhờ người khác thi hộ")
    await lan.get_by_role("button", name="Loại khỏi xếp hạng").click()
    await expect(lan.get_by_text("Đang bị loại")).to_be_visible()
    await end_prizes_among_equals(closed.round_id)
    await lan.get_by_label("Số ngày nhận khiếu nại").fill("0")
    await lan.get_by_role("button", name="Khóa kết quả").click()
    await expect(lan.get_by_text("Con số đúng của câu dự đoán đã khóa: 999")).to_be_visible()

    await lan.get_by_role("radio").first.check()
    await lan.get_by_label("Con số công khai nào").fill("Xổ số miền Bắc ngày 30/11/2026")
    await picture(lan, "4-boc-tham")
    await lan.get_by_role("button", name="Công bố danh sách bốc thăm").click()
    await minh.goto(PAGE)
    await minh.get_by_label("Con số công khai", exact=True).fill("52781")
    await minh.get_by_role("button", name="Bốc thăm và công bố").click()
    faults += await faults_of(minh, "ket-qua, đã bốc thăm")
    await minh.get_by_role("link", name="Bốc thăm hạng").click()
    await expect(minh.get_by_text("Đã bốc thăm lúc")).to_be_visible()
    faults += await faults_of(minh, "boc-tham")
    await picture(minh, "5-cong-khai")

    await minh.goto(PAGE)
    await minh.get_by_role("button", name="Chốt kết quả chính thức").click()
    await expect(minh.get_by_text("Không ai thay đổi được nữa")).to_be_visible()
    await picture(minh, "6-chot")
    assert not faults, "\n".join(faults)
