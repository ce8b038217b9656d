"""Three people run a contest alone: from a Word file with faults to a wrong key mended.

The organiser's way from the file to "sent for approval" takes at most twelve screens (QU4); after a
thousand attempts a key turns out wrong, and what the preview says is what happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from core import clock, db
from quiz import attempts, rescoring, results
from quiz.attempts import Save, Start
from quiz.drawing import shown_correct
from quiz.frozen import paper_of
from quiz.question_statistics import compute
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, require_node_modules
from tests.quiz.exchange.docx_files import Asked, Habit, singles, write_paper
from tests.web.conftest import Site
from web.demo.people import Citizen, write_citizens

pytestmark = pytest.mark.browser

MOST_SCREENS = 12
PEOPLE = 1_000
BANK = "Hiểu biết số từ tệp Word"
CONTEST = "Công dân số vui khỏe"
SLUG = "cong-dan-so-vui-khoe"
DESK = f"/quan-tri/cuoc-thi/{SLUG}"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Screens:
    """Counts how often another screen came up; a page that comes back the same is no new one."""

    def __init__(self, page: Page) -> None:
        self.seen: list[str] = []
        page.on("framenavigated", lambda frame: self._note(urlsplit(frame.url).path))

    def _note(self, path: str) -> None:
        if not self.seen or self.seen[-1] != path:
            self.seen.append(path)


def word_file() -> tuple[bytes, list[Asked]]:
    """Fifty questions, the right answer in bold: 11 has no key, 22 an empty option, 33 is 32 again."""
    asked = singles(50)
    asked[10] = replace(asked[10], right=())
    asked[21] = replace(asked[21], options=(*asked[21].options[:3], ""))
    asked[32] = replace(asked[32], text=f"{asked[31].text.rstrip('?')} ?", options=asked[31].options,
                        right=asked[31].right)  # fmt: skip
    return write_paper(asked, Habit(), "BỘ CÂU HỎI CUỘC THI"), asked


@pytest.fixture
async def clean_after(province: Site) -> AsyncIterator[None]:
    """The province is shared by the tests of a worker: the contest goes, the bank stays."""
    yield
    contest_id = await db.pool().fetchval("SELECT id FROM contest WHERE slug = $1", SLUG)
    if contest_id is None:
        return
    rounds = "(SELECT id FROM round WHERE contest_id = $1)"
    for table in ("pool", "correction"):
        await db.pool().execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in (
        f"DELETE FROM correction WHERE round_id IN {rounds}",
        f"DELETE FROM standing WHERE round_id IN {rounds}",
        f"DELETE FROM score WHERE attempt_id IN (SELECT id FROM attempt WHERE round_id IN {rounds})",
        f"DELETE FROM attempt WHERE round_id IN {rounds}",
        f"DELETE FROM pool WHERE round_id IN {rounds}",
        "DELETE FROM participant WHERE contest_id = $1",
        "DELETE FROM contest WHERE id = $1",
    ):
        await db.pool().execute(statement, contest_id)
    for table in ("pool", "correction"):
        await db.pool().execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    province.forget()


async def bring_in_the_file(page: Page, content: bytes) -> None:
    """Upload, mend the three faults beside the file's words, take in and send to review."""
    await page.goto("/quan-tri/ngan-hang/nhap")
    file = {"name": "Bộ câu hỏi.docx", "mimeType": DOCX, "buffer": content}
    await page.set_input_files("#tep", files=[file])  # type: ignore[list-item]  # Playwright names the dictionary's type privately
    await page.fill("#ten_moi", BANK)
    await page.fill("#chu_de", "Kỹ năng số")
    await page.select_option("#muc", label="trung bình")
    await page.get_by_role("button", name="Đọc tệp").click()
    await expect(page.get_by_role("heading", name="/50 câu")).to_be_visible()
    await page.locator("#c11_answer").get_by_label("A là đáp án đúng").check()
    await page.fill("#c22_option_d", "Không có phương án nào trong số này")
    twin = page.locator("article.needs", has_text="Câu 33")
    await twin.get_by_label("Nhập câu này").uncheck()
    await page.select_option("#gui", index=1)
    await page.get_by_role("button", name="Lưu và nhập những câu đã đúng").click()
    await expect(page.get_by_role("heading", name="Đã nhập 49 câu")).to_be_visible()


async def review_the_questions(page: Page) -> None:
    """A second person approves them in the bank, a page of the list at a time."""
    code = await db.pool().fetchval("SELECT code FROM question_bank WHERE name = $1", BANK)
    waiting = f"/quan-tri/ngan-hang?ngan_hang={code}&tinh_trang=in_review"
    await page.goto(waiting)
    while await page.locator("input[name=cau]").count():
        await page.locator("[data-mark-all]").click()
        await page.get_by_role("button", name="Duyệt", exact=True).click()
        await expect(page.get_by_role("status").first).to_contain_text("duyệt")
        await page.goto(waiting)
    states = await db.pool().fetch(
        "SELECT q.state, count(*)::int AS count FROM question q JOIN question_bank b "
        "ON b.id = q.bank_id WHERE b.name = $1 GROUP BY q.state",
        BANK,
    )
    assert {row["state"]: row["count"] for row in states} == {"approved": 49}


async def make_the_contest(page: Page) -> None:
    """From the list of contests to "sent for approval"."""
    await page.goto("/quan-tri/cuoc-thi")
    await page.locator("#ten").fill(CONTEST)
    await page.select_option("#ngan_hang", label=BANK)
    await page.get_by_role("button", name="Tạo bản nháp").click()
    local = clock.local(clock.now())
    await page.locator("#mo").fill(local.strftime("%H:%M ngày %d/%m/%Y"))
    await page.locator("#dong").fill((local + timedelta(days=6)).strftime("24 giờ ngày %d/%m/%Y"))
    await page.get_by_role("button", name="Thêm đợt và đặt ma trận đề").click()
    await page.locator("#ma-tran form").first.locator("input.cell").first.fill("10")
    await page.get_by_role("button", name="Lưu ma trận").click()
    await expect(page.get_by_text("Ngân hàng đủ câu cho đề này.")).to_be_visible()
    await page.get_by_role("link", name="Về cuộc thi").click()
    await page.get_by_role("button", name="Soạn từ cấu hình").click()
    await expect(page.get_by_text("Đã đủ để công bố")).to_be_visible()
    await page.get_by_role("button", name="Gửi duyệt").click()
    await expect(page.get_by_text("Chờ duyệt", exact=True)).to_be_visible()


async def play_a_thousand(wrong_version: int) -> int:
    """A thousand people hand in; most know better than the key of one question. Returns the round."""
    row = await db.pool().fetchrow(
        "SELECT r.id, r.contest_id FROM round r JOIN contest c ON c.id = r.contest_id "
        "WHERE c.slug = $1",
        SLUG,
    )
    assert row is not None
    unit_id = await db.pool().fetchval("SELECT id FROM unit WHERE name LIKE '%Mường Tè'")
    division = await db.pool().fetchrow(
        "SELECT id, code FROM division WHERE contest_id = $1 ORDER BY position LIMIT 1",
        row["contest_id"],
    )
    assert division is not None
    async with db.pool().acquire() as connection, connection.transaction():
        people = await write_citizens(
            connection,
            [
                Citizen(
                    full_name=f"Lò Thị Mai {number}", birth_year=1990, phone=f"+8458{number:07d}",
                    unit_id=unit_id, division_code=division["code"], wants_messages=False,
                    signed_up_at=clock.now(),
                )
                for number in range(PEOPLE)
            ],
        )  # fmt: skip
    writers = attempts.Attempts()
    try:
        await asyncio.gather(
            *(
                _play(writers, row, division["id"], unit_id, each.person_id, place, wrong_version)
                for place, each in enumerate(people)
            )
        )
    finally:
        await writers.close()
    while await results.score_waiting():
        pass
    return int(row["id"])


async def _play(
    writers: attempts.Attempts, row: object, division_id: int, unit_id: int, person_id: int,
    place: int, wrong_version: int,
) -> None:  # fmt: skip
    at = db.database_clock().now()
    started = await writers.start(
        Start(
            contest_id=row["contest_id"], round_id=row["id"], person_id=person_id,  # type: ignore[index]  # a record
            division_id=division_id, unit_id=unit_id, shown_name="Lò Thị M.", rules_version=1,
            arrived_at=at,
        )
    )  # fmt: skip
    found = await attempts.get_attempt(started.attempt_id)
    paper = await paper_of(db.pool(), found.pool_id, found.seed, found.drawing_version)
    answers = {}
    for position, asked in enumerate(paper, start=1):
        right = list(shown_correct(asked))
        knows = (place * 7 + position * 3) % 10 < 7
        if asked.question.id == wrong_version:
            # The place that the bank calls wrong: the second option of the question's own order.
            true_place = next(n for n, o in enumerate(asked.question.options) if not o.is_correct)
            right = [asked.option_order.index(true_place) + 1]
            knows = place % 10 < 8
        answers[str(position)] = right if knows else [right[0] % len(asked.option_order) + 1]
    await writers.submit(
        Save(started.attempt_id, 1, answers, db.database_clock().now(), is_submit=True)
    )


async def standings(round_id: int) -> dict[int, tuple[int, int]]:
    """Participant → rank within the division and points, as the board has them."""
    rows = await db.pool().fetch(
        "SELECT participant_id, points, rank() OVER (PARTITION BY division_id ORDER BY rank_key) "
        "AS rank FROM standing WHERE round_id = $1 AND is_ranked",
        round_id,
    )
    return {row["participant_id"]: (row["rank"], row["points"]) for row in rows}


async def test_from_a_word_file_to_a_mended_key(
    open_page: OpenPage, province: Site, clean_after: None
) -> None:
    require_node_modules()
    content, _ = word_file()
    organiser = await open_page(
        await staff_member("organiser"), viewport={"width": 1280, "height": 900}
    )
    screens = Screens(organiser)
    await bring_in_the_file(organiser, content)
    reviewer = await open_page(
        await staff_member("reviewer"), viewport={"width": 1280, "height": 900}
    )
    await review_the_questions(reviewer)
    await make_the_contest(organiser)
    assert len(screens.seen) <= MOST_SCREENS, screens.seen

    approver = await open_page(
        await staff_member("approver"), viewport={"width": 1280, "height": 900}
    )
    await approver.goto(DESK)
    await approver.get_by_role("button", name="Duyệt và công bố").click()
    await expect(approver.get_by_role("heading", name="Đề đã khóa")).to_be_visible()
    visitor = await open_page()
    await visitor.goto(f"/cuoc-thi/{SLUG}")
    await expect(visitor.get_by_role("heading", name=CONTEST, level=1)).to_be_visible()

    wrong = await db.pool().fetchrow(
        "SELECT v.id, v.text, v.options FROM question_version v JOIN question q "
        "ON q.id = v.question_id JOIN question_bank b ON b.id = q.bank_id WHERE b.name = $1 "
        "AND v.is_current ORDER BY v.id LIMIT 1",
        BANK,
    )
    assert wrong is not None
    round_id = await play_a_thousand(wrong["id"])
    await compute(round_id)
    before = await standings(round_id)
    assert len(before) == PEOPLE

    await organiser.goto(f"{DESK}/ket-qua?dot=1")
    suspect = organiser.get_by_role("row").filter(has_text=wrong["text"])
    if not await suspect.is_visible():
        await organiser.get_by_text("Chọn câu cần điều chỉnh").click()
    await expect(suspect.get_by_text("nên kiểm tra đáp án")).to_be_visible()
    await suspect.get_by_role("link").click()
    await organiser.get_by_label("Đổi đáp án đúng").check()
    truth = next(each["text"] for each in wrong["options"] if not each["is_correct"])
    for option in wrong["options"]:
        box = organiser.locator("#dap_an").get_by_label(option["text"])
        await box.set_checked(option["text"] == truth)
    await organiser.locator("#ly_do").fill("Đáp án trong tệp bị gõ nhầm.")
    await organiser.get_by_role("button", name="Xem trước ảnh hưởng").click()
    while await rescoring.rescore_waiting():
        pass
    await organiser.goto(f"{DESK}/ket-qua?dot=1")
    faults = await faults_of(organiser, "a correction with its preview")

    await approver.goto(f"{DESK}/ket-qua?dot=1")
    await expect(approver.get_by_text("Xem trước: nếu duyệt thì")).to_be_visible()
    await approver.get_by_role("button", name="Duyệt và chấm lại").click()
    while await rescoring.rescore_waiting():
        pass
    await approver.goto(f"{DESK}/ket-qua?dot=1")
    await expect(approver.get_by_text("đúng như bản xem trước")).to_be_visible()
    assert not faults, "\n".join(faults)

    correction = await db.pool().fetchrow(
        "SELECT preview, outcome, state FROM correction WHERE round_id = $1", round_id
    )
    assert correction is not None
    assert correction["state"] == "applied"
    assert correction["preview"] == correction["outcome"]
    after = await standings(round_id)
    moved = sum(before[who][0] != after[who][0] for who in before)
    assert moved > 0
    told = sum(each["moved_count"] for each in correction["outcome"]["divisions"])
    assert told == moved
