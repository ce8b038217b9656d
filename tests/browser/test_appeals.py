"""An appeal from the result page to its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from core import db
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from tests.browser.paper import Person
from tests.web.conftest import Site
from web.demo.contests import PAST_SLUG

pytestmark = pytest.mark.browser


@pytest.fixture
async def somebody(province: Site) -> AsyncIterator[tuple[Person, str]]:
    """A participant of the past round, whose result is provisional, and their attempt."""
    row = await db.pool().fetchrow(
        "UPDATE round r SET result = 'provisional', appeals_until = NULL FROM contest c "
        "WHERE c.id = r.contest_id AND c.slug = $1 AND r.number = 1 RETURNING r.id",
        PAST_SLUG,
    )
    assert row is not None
    province.forget()
    who = await db.pool().fetchrow(
        "SELECT p.person_id, a.id AS account_id, s.attempt_id FROM standing s "
        "JOIN participant p ON p.id = s.participant_id JOIN account a ON a.person_id = p.person_id "
        "WHERE s.round_id = $1 ORDER BY s.id LIMIT 1",
        row["id"],
    )
    assert who is not None
    yield Person(who["person_id"], who["account_id"]), str(who["attempt_id"])
    await db.pool().execute("UPDATE round SET result = 'final' WHERE id = $1", row["id"])
    province.forget()


async def test_an_appeal_is_filed_answered_and_read(
    open_page: OpenPage, somebody: tuple[Person, str]
) -> None:
    require_node_modules()
    person, attempt = somebody
    page = await open_page(person, tolerates=r"status of 422")  # the empty form
    await page.goto(f"/bai-thi/{attempt}/ket-qua")
    await page.get_by_role("link", name="Gửi khiếu nại").click()
    await page.get_by_role("button", name="Gửi khiếu nại").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    faults = await faults_of(page, "khieu-nai, with faults")
    await page.get_by_label("Về một câu hỏi hoặc đáp án").check()
    await page.get_by_label("Câu số mấy trong bài của bạn").fill("2")
    await page.get_by_label("Nội dung").fill("Hai phương án đều đúng theo nghị định.")
    await page.get_by_role("button", name="Gửi khiếu nại").click()
    await expect(page.get_by_role("status")).to_contain_text("đã nhận khiếu nại số KN-")
    faults += await faults_of(page, "khieu-nai, sent")

    office = await open_page(await staff_member("approver"))
    await office.goto(f"/quan-tri/cuoc-thi/{PAST_SLUG}/khieu-nai")
    faults += await faults_of(office, "quan-tri khieu-nai")
    await office.get_by_role("link", name="KN-").first.click()
    await expect(office.get_by_text("đáp án đúng").first).to_be_visible()
    await office.get_by_label("Không chấp nhận").check()
    await office.get_by_label("Trả lời người khiếu nại").fill("Nghị định chỉ quy định một cách.")
    faults += await faults_of(office, "quan-tri khieu-nai, one")
    await office.get_by_role("button", name="Gửi trả lời").click()
    await expect(office.get_by_role("heading", name="Trả lời", exact=True)).to_be_visible()

    await page.reload()
    await expect(page.get_by_text("Nghị định chỉ quy định một cách.")).to_be_visible()
    assert not faults, "\n".join(faults)
