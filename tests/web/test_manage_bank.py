"""The bank's list and what frames it: many questions at once, banks, topics, legal documents."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from core import clock, db
from core.clock import local_day, now
from people.audit import entries
from quiz.contest_making import add_round, make_contest
from quiz.pools import PoolOption
from quiz.question_review import approve_questions, send_to_review
from quiz.question_writing import add_source, add_topic, make_bank, save_question
from quiz.questions import find_bank, find_questions, get_question, topics_of
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

BANK = "/quan-tri/ngan-hang"
MANY = f"{BANK}/nhieu-cau"
TOPICS = f"{BANK}/chu-de"
SOURCES = f"{BANK}/nguon"
THIS = "SELECT oid FROM pg_database WHERE datname = current_database()"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def bank(stage: Stage) -> int:
    """Three drafts by the author, in the topic "chung"; "cấp xã" is another one."""
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    await add_topic(bank_id, code="chung", name="Chung")
    await add_topic(bank_id, code="cap-xa", name="Cấp xã")
    for number in (1, 2, 3):
        await save_question(
            bank_id, code=f"C{number}", topic="chung", difficulty="easy", kind="single",
            text=f"Câu thứ {number} hỏi gì?", by=await stage.account_id("author"),
            options=[PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False)],
        )  # fmt: skip
    return bank_id


async def ids_of(bank: int) -> list[str]:
    return [str(each.id) for each in await find_questions(bank)]


async def press(stage: Stage, who: str, deed: str, ids: list[str], **fields: str) -> httpx.Response:
    data = {"viec": deed, "cau": ids, "ngan_hang": "cds", **fields}
    return await stage.clients[who].post(MANY, data=data)


async def test_many_questions_are_sent_to_somebody_who_finds_them_waiting(
    stage: Stage, bank: int
) -> None:
    ids = await ids_of(bank)
    reviewer_id = await stage.account_id("reviewer")
    page = (await stage.clients["author"].get(BANK, params={"ngan_hang": "cds"})).text
    assert f'<option value="{reviewer_id}">' in page
    sent = await press(stage, "author", "gui", ids[:2], nguoi_duyet=str(reviewer_id), tim="câu")
    assert sent.status_code == 303
    assert "tim=c%C3%A2u" in sent.headers["location"]  # the filter stays
    after = await stage.clients["author"].get(sent.headers["location"])
    assert "Đã gửi thẩm định 2 câu." in after.text
    home = (await stage.clients["reviewer"].get("/quan-tri")).text
    assert "Có 2 câu chờ bạn thẩm định" in home
    assert "chờ bạn thẩm định" not in (await stage.clients["admin"].get("/quan-tri")).text
    query = {"ngan_hang": "cds", "nguoi_doc": str(reviewer_id)}
    waiting = (await stage.clients["reviewer"].get(BANK, params=query)).text
    assert "2 câu hỏi" in waiting
    assert "Câu thứ 3" not in waiting


async def test_many_are_returned_with_a_reason_or_not_at_all(stage: Stage, bank: int) -> None:
    ids = await ids_of(bank)
    await send_to_review([int(each) for each in ids], by=None)
    silent = await press(stage, "reviewer", "tra_lai", ids)
    assert silent.status_code == 422
    assert 'href="#ly_do"' in silent.text
    assert silent.text.count(" checked ") == 3  # what was marked stays marked
    given = await press(stage, "reviewer", "tra_lai", ids, ly_do="Sai chính tả")
    assert given.status_code == 303
    assert [each.state for each in await find_questions(bank)] == ["draft"] * 3


async def test_difficulty_topic_and_tags_are_changed_for_many(stage: Stage, bank: int) -> None:
    ids = await ids_of(bank)
    assert (await press(stage, "author", "muc", ids, muc_moi="hard")).status_code == 303
    assert (await press(stage, "author", "chu_de", ids, chu_de_moi="cap-xa")).status_code == 303
    assert (await press(stage, "author", "gan_nhan", ids, nhan_moi=" Khó hiểu ")).status_code == 303
    found = await find_questions(bank, tag="khó hiểu", difficulty="hard", topic="cap-xa")
    assert [str(each.id) for each in found] == ids
    assert (
        await press(stage, "author", "bo_nhan", ids[1:], nhan_moi="Khó hiểu")
    ).status_code == 303
    page = (
        await stage.clients["author"].get(BANK, params={"ngan_hang": "cds", "nhan": "khó hiểu"})
    ).text
    assert "1 câu hỏi" in page
    for deed, field in (("muc", ""), ("chu_de", "chu_de_moi"), ("gan_nhan", "nhan_moi")):
        refused = await press(stage, "author", deed, ids)
        assert refused.status_code == 422
        assert f'href="#{field}"' in refused.text or not field


async def test_questions_are_retired_and_brought_back(stage: Stage, bank: int) -> None:
    ids = await ids_of(bank)
    for deed, state in (("ngung", "retired"), ("dung_lai", "draft")):
        assert (await press(stage, "organiser", deed, ids[:1])).status_code == 303
        assert (await get_question(int(ids[0]))).state == state
    again = await press(stage, "organiser", "dung_lai", ids[:1])
    page = (await stage.clients["organiser"].get(again.headers["location"])).text
    assert "Không có câu nào thay đổi." in page


@pytest.mark.parametrize(
    ("who", "deed", "status"),
    [
        ("author", "duyet", 404),
        ("author", "tra_lai", 404),
        ("approver", "gui", 404),
        ("approver", "muc", 404),
        ("author", "", 422),
        ("author", "khong-co", 422),
    ],
)
async def test_each_button_asks_for_its_own_right(
    stage: Stage, bank: int, who: str, deed: str, status: int
) -> None:
    assert (await press(stage, who, deed, await ids_of(bank))).status_code == status
    assert [each.state for each in await find_questions(bank)] == ["draft"] * 3


async def test_nobody_outside_the_staff_is_given_questions(stage: Stage, bank: int) -> None:
    citizen = str(await stage.account_id("mai"))
    for typed in (citizen, "²", "9" * 30):
        refused = await press(stage, "author", "gui", await ids_of(bank), nguoi_duyet=typed)
        assert refused.status_code == 422
        assert 'href="#nguoi_duyet"' in refused.text


async def test_a_whole_page_is_marked_without_script(stage: Stage, bank: int) -> None:
    params = {"ngan_hang": "cds", "chon": "het"}
    page = (await stage.clients["author"].get(BANK, params=params)).text
    assert page.count(" checked ") == 3


async def test_the_list_says_what_may_be_asked_today(stage: Stage, bank: int) -> None:
    await approve_questions([int(each) for each in await ids_of(bank)], by=None)
    page = (await stage.clients["author"].get(BANK, params={"ngan_hang": "cds"})).text
    row = page.partition('<th scope="row">Chung</th>')[2].partition("</tr>")[0]
    assert row.count('<td class="n">0</td>') == 2
    assert '<td class="n">3</td>' in row


async def test_seeing_a_bank_before_the_opening_is_put_on_record(stage: Stage, bank: int) -> None:
    contest_id = await make_contest(slug="sap-mo", name="Sắp mở", bank_id=bank, by=None)
    opens = clock.now() + timedelta(days=1)
    await add_round(
        contest_id, number=1, name="Tuần 1", opens=opens, closes=opens + timedelta(days=7),
        time_limit_seconds=600, by=None,
    )  # fmt: skip
    for _ in range(2):
        await stage.clients["author"].get(BANK, params={"ngan_hang": "cds"})
    seen = [each for each in await entries(f"bank:{bank}") if each.action == "see_bank"]
    assert [each.by for each in seen] == [await stage.account_id("author")]


async def test_a_thousand_questions_take_as_many_statements_as_three(
    stage: Stage, bank: int
) -> None:
    async def statements() -> int:
        await db.pool().execute(f"SELECT pg_stat_statements_reset(0, ({THIS}), 0)")
        answer = await stage.clients["author"].get(BANK, params={"ngan_hang": "cds"})
        assert answer.status_code == 200
        return await db.pool().fetchval(  # type: ignore[no-any-return]  # one number
            f"SELECT sum(calls)::int FROM pg_stat_statements WHERE dbid = ({THIS}) "
            r"AND query ~ '\m(question|question_version|question_bank|topic)\M' "
            "AND query NOT LIKE '%pg_stat%'"
        )

    await db.pool().execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    few = await statements()
    await db.pool().execute(
        "INSERT INTO question (bank_id, code, state) "
        "SELECT $1, 'N' || n, 'draft' FROM generate_series(1, 1000) n",
        bank,
    )
    await db.pool().execute(
        "INSERT INTO question_version (question_id, number, is_current, topic_id, difficulty, "
        "kind, text, text_key, options, explanation, source_article, image_alt, created_at) "
        "SELECT q.id, 1, true, v.topic_id, 'easy', 'single', q.code, lower(q.code), v.options, "
        "'', '', '', now() FROM question q, question_version v JOIN question c "
        "ON c.id = v.question_id WHERE c.code = 'C1' AND q.code LIKE 'N%'"
    )
    assert await statements() == few
    assert few < 15


async def test_a_bank_and_its_topics_are_made_by_page(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    empty = await organiser.post(f"{BANK}/moi", data={"ten": " "})
    assert empty.status_code == 422
    assert 'href="#ten"' in empty.text
    made = await organiser.post(f"{BANK}/moi", data={"ten": "Định danh điện tử"})
    assert made.headers["location"] == f"{TOPICS}?ngan_hang=dinh-danh-dien-tu"
    where = made.headers["location"]
    added = await organiser.post(where, data={"viec": "them", "ten": "Chữ ký số"})
    assert "Đã thêm chủ đề." in (await organiser.get(added.headers["location"])).text
    twice = await organiser.post(where, data={"viec": "them", "ten": "chữ ký số"})
    assert twice.status_code == 422
    assert 'value="chữ ký số"' in twice.text
    renaming = {"viec": "doi", "chu_de": "chu-ki-so", "ten_chu-ki-so": "Chữ ký điện tử"}
    assert (await organiser.post(where, data=renaming)).status_code == 303
    bank_id = await find_bank("dinh-danh-dien-tu") or 0
    assert await topics_of(bank_id) == {"chu-ki-so": "Chữ ký điện tử"}
    nameless = await organiser.post(where, data={**renaming, "ten_chu-ki-so": ""})
    assert nameless.status_code == 422
    assert 'href="#ten_chu-ki-so"' in nameless.text
    gone = await organiser.post(where, data={"viec": "xoa", "chu_de": "chu-ki-so"})
    assert gone.status_code == 303
    assert await topics_of(bank_id) == {}


async def test_a_topic_with_questions_is_not_removed(stage: Stage, bank: int) -> None:
    organiser, where = stage.clients["organiser"], f"{TOPICS}?ngan_hang=cds"
    page = (await organiser.get(where)).text
    assert page.count('value="xoa"') == 1  # of the unused one
    kept = await organiser.post(where, data={"viec": "xoa", "chu_de": "chung"})
    assert kept.status_code == 422
    assert "đã có câu hỏi" in kept.text


async def test_a_document_that_ends_flags_its_questions(stage: Stage, bank: int) -> None:
    await save_question(
        bank, code="C9", topic="chung", difficulty="easy", kind="single", text="Theo luật nào?",
        options=[PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False)],
        source="Luật Công nghệ thông tin", by=None,
    )  # fmt: skip
    await add_source("Luật khác")
    organiser = stage.clients["organiser"]
    page = (await organiser.get(SOURCES, params={"tim": "cong nghe"})).text
    assert "1 câu dựa vào" in page
    assert "Luật khác" not in page
    source_id = await db.pool().fetchval("SELECT id FROM legal_source ORDER BY id LIMIT 1")
    ended = (local_day(now()) - timedelta(days=1)).isoformat()
    fields = {"van_ban": str(source_id), "dia_chi": "https://vanban.chinhphu.vn", "tim": "luật"}
    wrong = await organiser.post(SOURCES, data={**fields, "den_ngay": "mai"})
    assert wrong.status_code == 422
    assert f'href="#den_ngay_{source_id}"' in wrong.text
    assert 'value="https://vanban.chinhphu.vn"' in wrong.text
    saved = await organiser.post(SOURCES, data={**fields, "den_ngay": ended})
    assert saved.status_code == 303
    after = (await organiser.get(saved.headers["location"])).text
    assert "1 câu dựa trên văn bản này không vào đề mới nữa" in after
    flagged = (await organiser.get(BANK, params={"ngan_hang": "cds", "hieu_luc": "lapsed"})).text
    assert "1 câu hỏi" in flagged
    assert '<span class="tag bad">hết hiệu lực</span>' in flagged


async def test_a_house_without_a_bank_says_where_to_begin(stage: Stage) -> None:
    await db.pool().execute("TRUNCATE question_bank CASCADE")
    organiser = stage.clients["organiser"]
    assert "Chưa có ngân hàng câu hỏi nào" in (await organiser.get(BANK)).text
    for path in (TOPICS, f"{BANK}/cau-moi"):
        assert (await organiser.get(path)).status_code == 422
    assert (await organiser.post(MANY, data={"viec": "gui"})).status_code == 422
