from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest

from core import clock, db
from core.documents import read_sheet, write_sheet
from people.unit_import import COLUMNS as UNIT_COLUMNS
from quiz.bank_import import import_bank
from quiz.contest_making import add_division, add_round, make_contest, publish_rules, set_blueprint
from quiz.pools import PoolLine
from quiz.question_review import approve_questions, send_to_review
from quiz.question_sheet import COLUMNS
from quiz.question_writing import make_bank
from quiz.questions import count_questions, find_questions
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

BANK = "/quan-tri/ngan-hang"
UNITS = "/quan-tri/don-vi"
DRAFT = "/quan-tri/cuoc-thi/tim-hieu"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def bank(stage: Stage) -> int:
    return await make_bank(code="cds", name="Chuyển đổi số")


def question(code: str, **changes: str) -> dict[str, str]:
    return {
        "Mã": code,
        "Chủ đề": "Chuyển đổi số",
        "Mức độ": "dễ",
        "Loại": "một đáp án",
        "Câu hỏi": f"Câu hỏi {code} hỏi điều gì?",
        "Phương án A": "Điều này",
        "Phương án B": "Điều kia",
        "Đáp án": "A",
        **changes,
    }


def sheet(*questions: dict[str, str]) -> bytes:
    header = list(COLUMNS.values())
    return write_sheet("Câu hỏi", header, [[each.get(n, "") for n in header] for each in questions])


async def send(client: httpx.AsyncClient, content: bytes, path: str) -> httpx.Response:
    return await client.post(path, files={"tep": ("đơn vị.xlsx", content, XLSX)})


async def bring(stage: Stage, bank: int, count: int = 4, by: str = "author") -> None:
    content = sheet(*(question(f"C{n}") for n in range(1, count + 1)))
    report = await import_bank(bank, content, by=await stage.account_id(by))
    assert report.made_count == count


async def draft(stage: Stage, bank: int, **changes: object) -> int:
    """A contest by the organiser that lacks nothing."""
    await bring(stage, bank)
    await approve_questions([each.id for each in await find_questions(bank)], by=None)
    by = await stage.account_id("organiser")
    contest_id = await make_contest(
        slug="tim-hieu",
        name="Tìm hiểu",
        bank_id=bank,
        by=by,
        **changes,  # type: ignore[arg-type]  # the fields of a dictionary have no types
    )
    await add_division(contest_id, code="nguoi-dan", name="Người dân", by=by)
    opens = clock.now() - timedelta(hours=1)
    round_id = await add_round(
        contest_id, number=1, name="Tuần 1", opens=opens, closes=opens + timedelta(days=7),
        time_limit_seconds=600, by=by,
    )  # fmt: skip
    await set_blueprint(round_id, [PoolLine("chuyen-doi-so", "easy", 3)], by=by)
    await publish_rules(contest_id, "## Điều 1\nAi cũng dự thi được.", by=by)
    return contest_id


@pytest.mark.parametrize("content", [b"", b"a,b,c\n1,2,3\n", b"PK\x03\x04" + b"x" * 10_200_000])
async def test_a_file_that_is_no_list_of_units_leads_back_to_the_form(
    stage: Stage, content: bytes
) -> None:
    answer = await send(stage.clients["organiser"], content, UNITS)
    assert answer.status_code in {413, 422}
    assert 'type="file"' in answer.text


async def test_both_templates_open_and_hold_their_columns(stage: Stage) -> None:
    for path, columns in ((f"{BANK}/mau", COLUMNS.values()), (f"{UNITS}/mau", UNIT_COLUMNS)):
        answer = await stage.clients["organiser"].get(path)
        assert answer.headers["content-type"] == XLSX
        assert ".xlsx" in answer.headers["content-disposition"]
        assert list(read_sheet(answer.content)[0].cells) == list(columns)


async def test_questions_are_approved_by_a_second_person_only(stage: Stage, bank: int) -> None:
    admin, reviewer = stage.clients["admin"], stage.clients["reviewer"]
    await bring(stage, bank, 2, by="admin")
    ids = [str(each.id) for each in await find_questions(bank)]
    await send_to_review([each.id for each in await find_questions(bank)], by=None)
    fields = {"cau": ids, "ngan_hang": "cds", "viec": "duyet"}
    own = await admin.post(f"{BANK}/nhieu-cau", data=fields)
    assert own.status_code == 422
    assert "do chính bạn viết" in own.text
    assert await count_questions(bank, state="approved") == 0
    waiting = (await reviewer.get("/quan-tri")).text
    assert "2 câu hỏi chờ thẩm định" in waiting
    page = (await reviewer.get(BANK, params={"ngan_hang": "cds", "tinh_trang": "in_review"})).text
    assert page.count('type="checkbox"') == 2
    assert "đáp án đúng" in page  # who approves must see what is right
    done = await reviewer.post(f"{BANK}/nhieu-cau", data=fields)
    assert done.status_code == 303
    assert "Đã duyệt 2 câu." in (await reviewer.get(done.headers["location"])).text
    assert await count_questions(bank, state="approved") == 2


@pytest.mark.parametrize("ids", [[], ["abc"], ["²"], ["9" * 30], ["999999"]])
async def test_approving_nothing_real_changes_nothing(
    stage: Stage, bank: int, ids: Sequence[str]
) -> None:
    await bring(stage, bank)
    fields = {"cau": list(ids), "ngan_hang": "cds", "viec": "duyet"}
    answer = await stage.clients["reviewer"].post(f"{BANK}/nhieu-cau", data=fields)
    assert answer.status_code in {303, 422}
    assert await count_questions(bank, state="approved") == 0


@pytest.mark.parametrize(
    "query",
    [
        {"trang": "999"},
        {"trang": "²"},
        {"tinh_trang": "x", "muc": "y", "chu_de": "z"},
        {"ngan_hang": "khong-co"},
        {"tim": "%_\\"},
        {"xong": "duyet", "so": "x"},
        {"nguoi_viet": "²", "nguoi_doc": "x", "nhan": '"', "hieu_luc": "z", "xep": "q"},
    ],
    ids=str,
)
async def test_a_strange_filter_shows_a_page(
    stage: Stage, bank: int, query: dict[str, str]
) -> None:
    await bring(stage, bank)
    assert (await stage.clients["author"].get(BANK, params=query)).status_code == 200


async def test_a_contest_goes_from_draft_to_public_through_two_people(
    stage: Stage, bank: int, visitor: httpx.AsyncClient
) -> None:
    await draft(stage, bank)
    organiser, approver = stage.clients["organiser"], stage.clients["approver"]
    page = (await organiser.get(DRAFT)).text
    assert "Bản nháp" in page
    assert f'action="{DRAFT}/gui-duyet"' in page
    assert f'action="{DRAFT}/duyet"' not in page
    assert (await visitor.get("/cuoc-thi/tim-hieu")).status_code == 404
    assert (await organiser.post(f"{DRAFT}/gui-duyet")).status_code == 303
    assert "chờ duyệt để công bố" in (await approver.get("/quan-tri")).text
    page = (await approver.get(DRAFT)).text
    assert f'action="{DRAFT}/duyet"' in page
    assert "gửi duyệt lúc" in page
    assert (await approver.post(f"{DRAFT}/duyet")).status_code == 303
    assert (await visitor.get("/cuoc-thi/tim-hieu")).status_code == 200  # at once
    page = (await organiser.get(DRAFT)).text
    assert "đề đã khóa" in page
    assert "4 câu · khóa lúc" in page.replace("\n", "")
    twice = await approver.post(f"{DRAFT}/duyet")
    assert twice.status_code == 422


async def test_nobody_approves_the_own_contest(stage: Stage, bank: int) -> None:
    contest_id = await draft(stage, bank)
    admin = stage.clients["admin"]
    await db.pool().execute(
        "UPDATE contest SET created_by_id = $1 WHERE id = $2",
        await stage.account_id("admin"),
        contest_id,
    )
    await admin.post(f"{DRAFT}/gui-duyet")
    page = (await admin.get(DRAFT)).text
    assert "nhờ người khác duyệt" in page
    assert f'action="{DRAFT}/duyet"' not in page
    answer = await admin.post(f"{DRAFT}/duyet")
    assert answer.status_code == 422
    assert 'class="errors"' in answer.text
    state = await db.pool().fetchval("SELECT state FROM contest WHERE id = $1", contest_id)
    assert state == "in_review"


async def test_an_unready_contest_is_told_what_it_lacks(stage: Stage, bank: int) -> None:
    by = await stage.account_id("organiser")
    await make_contest(slug="tim-hieu", name="Tìm hiểu", bank_id=bank, by=by)
    organiser = stage.clients["organiser"]
    page = (await organiser.get(DRAFT)).text
    assert "Chưa có thể lệ." in page
    answer = await organiser.post(f"{DRAFT}/gui-duyet")
    assert answer.status_code == 422
    assert "còn thiếu" in (await organiser.get("/quan-tri/cuoc-thi")).text


async def test_a_contest_is_given_back_with_a_reason(stage: Stage, bank: int) -> None:
    await draft(stage, bank)
    await stage.clients["organiser"].post(f"{DRAFT}/gui-duyet")
    approver = stage.clients["approver"]
    silent = await approver.post(f"{DRAFT}/tra-lai", data={"ly_do": "  "})
    assert silent.status_code == 422
    assert 'href="#ly_do"' in silent.text
    given = await approver.post(f"{DRAFT}/tra-lai", data={"ly_do": "Sửa giờ mở"})
    assert given.status_code == 303
    assert "Bản nháp" in (await stage.clients["organiser"].get(DRAFT)).text


async def test_another_units_organiser_sees_the_contests_of_the_own_unit_alone(
    stage: Stage, bank: int
) -> None:
    contest_id = await draft(stage, bank)
    stranger = stage.clients["stranger"]
    assert (await stranger.get(DRAFT)).status_code == 404
    assert (await stranger.post(f"{DRAFT}/gui-duyet")).status_code == 404
    assert "Tìm hiểu" not in (await stranger.get("/quan-tri/cuoc-thi")).text
    await db.pool().execute(
        "UPDATE contest SET unit_id = $1 WHERE id = $2", stage.other_unit_id, contest_id
    )
    assert (await stranger.get(DRAFT)).status_code == 200
    assert "Tìm hiểu" in (await stranger.get("/quan-tri")).text
    assert (await stage.clients["organiser"].get(DRAFT)).status_code == 200  # from above


async def test_units_come_in_from_a_sheet_all_or_none(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    right = ("SYT", "Sở Y tế", "Sở, ban, ngành", "X1", "", 96, "01/01/2026", "")
    wrong = ("S YT", "Sở", "Hội", "KHONG-CO", "", "nhiều", "", "")
    faulty = await send(organiser, write_sheet("x", UNIT_COLUMNS, [right, wrong]), UNITS)
    assert faulty.status_code == 422
    assert "Ô D3" in faulty.text
    assert "(trống)" not in faulty.text
    assert await db.pool().fetchval("SELECT count(*) FROM unit") == 2
    done = await send(organiser, write_sheet("x", UNIT_COLUMNS, [right]), UNITS)
    assert done.status_code == 200
    assert "Thêm mới 1" in done.text
    page = (await organiser.get(UNITS, params={"tim": "so y te"})).text
    assert "Sở Y tế" in page
    assert "96 người" in page
    assert "Nậm Hàng" not in page


async def test_another_units_organiser_sees_the_own_branch_and_imports_nothing(
    stage: Stage,
) -> None:
    stranger = stage.clients["stranger"]
    page = (await stranger.get(UNITS)).text
    assert "Xã Nậm Hàng" in page
    assert "Xã Bình Lư" not in page.partition('id="cay"')[2]
    assert 'type="file"' not in page
    content = write_sheet("x", UNIT_COLUMNS, [("A", "B", "Trường", "X1", "", "", "", "")])
    assert (await send(stranger, content, UNITS)).status_code == 404
    assert await db.pool().fetchval("SELECT count(*) FROM unit") == 2
