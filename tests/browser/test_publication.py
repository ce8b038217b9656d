"""From a final result to the public page: winners, papers, signature, what a visitor sees."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from core import clock, db
from people.consents import PUBLISH_NAME, give
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from tests.web.conftest import Site
from web.demo.contests import PAST_SLUG

pytestmark = pytest.mark.browser
AWARDS = f"/quan-tri/cuoc-thi/{PAST_SLUG}/giai-thuong?dot=1"
RESULTS = f"/cuoc-thi/{PAST_SLUG}/ket-qua"


@pytest.fixture
async def first_person(province: Site) -> int:
    """Whoever is first in the past contest's round, which is final again and has other prizes."""
    # The demonstration has published its result and issued certificates for its prizes.
    await db.pool().execute("TRUNCATE prize, result_snapshot CASCADE")
    row = await db.pool().fetchrow(
        "UPDATE round r SET result = 'final', finalised_at = $2 FROM contest c "
        "WHERE c.id = r.contest_id AND c.slug = $1 AND r.number = 1 RETURNING r.id, r.contest_id",
        PAST_SLUG,
        clock.now(),
    )
    province.forget()
    assert row is not None
    await db.pool().execute(
        "INSERT INTO prize (contest_id, round_id, kind, measure, block, name, prize_count, reward, "
        "position) VALUES ($1, $2, 'individual', '', '', 'Giải Nhất', 1, '1.000.000 đồng', 1), "
        "($1, $2, 'individual', '', '', 'Giải Nhì', 2, '500.000 đồng', 2), "
        "($1, $2, 'collective', 'people', '', 'Giải tập thể', 1, '', 3)",
        row["contest_id"],
        row["id"],
    )
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # an id
        "SELECT p.person_id FROM standing s JOIN participant p ON p.id = s.participant_id "
        "WHERE s.round_id = $1 AND s.is_ranked ORDER BY s.rank_key, s.participant_id LIMIT 1",
        row["id"],
    )


async def downloaded(page: Page, button: str) -> bytes:
    # Drawing a PDF starts a program of its own, which takes its time on a busy machine.
    async with page.expect_download(timeout=60_000) as waiting:
        await page.get_by_role("button", name=button).click(timeout=60_000)
    path = await (await waiting.value).path()
    return path.read_bytes()


async def test_a_result_is_signed_printed_and_published(
    open_page: OpenPage, first_person: int
) -> None:
    require_node_modules()
    await give(first_person, PUBLISH_NAME)
    name = await db.pool().fetchval("SELECT full_name FROM person WHERE id = $1", first_person)

    page = await open_page(await staff_member("organiser"))
    await page.goto(AWARDS)
    await page.get_by_role("button", name="Lập danh sách đoạt giải").click()
    await expect(page.get_by_role("rowheader", name=name)).to_be_visible()
    await expect(page.get_by_text("được trao").first).to_be_visible()
    faults = await faults_of(page, "giai-thuong")
    assert (await downloaded(page, "Tải bản Word")).startswith(b"PK")
    assert (await downloaded(page, "Tải bản PDF")).startswith(b"%PDF")

    visitor = await open_page()
    await visitor.goto(RESULTS)
    await expect(visitor.get_by_text("Kết quả chưa được công bố")).to_be_visible()

    approver = await open_page(await staff_member("approver"))
    await approver.goto(AWARDS)
    await approver.get_by_role("button", name="Công bố kết quả").click()
    await expect(approver.get_by_text("Đã công bố lúc")).to_be_visible()

    await visitor.goto(RESULTS)
    await expect(visitor.get_by_text(name, exact=True)).to_be_visible()
    second = visitor.locator("section", has_text="Giải Nhì").last.locator("li b")
    assert [text[-1] for text in await second.all_inner_texts()] == [".", "."]
    await visitor.get_by_text("Kiểm tra kết quả này").click()
    faults += await faults_of(visitor, "ket-qua")
    assert not faults, "\n".join(faults)
    answer = await visitor.request.get(f"{RESULTS}/1.json")
    assert name not in await answer.text()
    assert (await answer.json())["round"]["number"] == 1
