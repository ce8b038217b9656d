"""An organiser makes a contest by pages; what is wrong leads back with what was typed."""

from __future__ import annotations

import re
from itertools import product

import httpx
import pytest

from core import db
from core.documents import write_sheet
from people.audit import entries
from quiz import contests, publishing
from quiz.blueprint_grid import lines_of
from quiz.contests import ContestShown
from quiz.pools import PoolLine, PoolOption
from quiz.prizes import prizes_of
from quiz.question_review import approve_questions
from quiz.question_writing import add_topic, make_bank, save_question
from quiz.questions import find_questions
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

LIST = "/quan-tri/cuoc-thi"
DESK = f"{LIST}/tim-hieu-so"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
ROUND = {
    "dot_ten": "Tuần 1", "mo": "16:00 ngày 4/10/2038", "dong": "24 giờ ngày 10/10/2038",
    "phut": "20", "so_luot": "1",
}  # fmt: skip
BASICS = {"ten": "Tìm hiểu số", "duong_dan": "tim-hieu-so", "xem_lai": "after_close"}


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def bank(stage: Stage) -> int:
    """Five easy and five medium questions of one topic, approved."""
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    await add_topic(bank_id, code="so", name="Số hóa")
    for difficulty, number in product(("easy", "medium"), range(5)):
        await save_question(
            bank_id, code=f"{difficulty}-{number}", topic="so", difficulty=difficulty,
            kind="single", text=f"Câu {difficulty} {number}?", explanation="Vì thế.",
            options=[PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False)],
            by=None,
        )  # fmt: skip
    await approve_questions([each.id for each in await find_questions(bank_id)], by=None)
    return bank_id


@pytest.fixture
async def organiser(stage: Stage, bank: int) -> httpx.AsyncClient:
    """The organiser's browser, with a draft that has one division and one round."""
    client = stage.clients["organiser"]
    await post(client, LIST, {"ten": "Tìm hiểu số", "ngan_hang": "cds"})
    await post(client, f"{DESK}/bang", {"bang_ten": "Người dân"})
    await post(client, f"{DESK}/dot", ROUND)
    await post(client, f"{DESK}/dot/1/ma-tran", {"o___so__easy": "3", "o___so__medium": "1"})
    return client


async def post(client: httpx.AsyncClient, address: str, data: dict[str, str]) -> str:
    """Send a form that must be accepted; returns where it leads."""
    answer = await client.post(address, data=data)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def refused(client: httpx.AsyncClient, address: str, data: dict[str, str]) -> str:
    answer = await client.post(address, data=data)
    assert answer.status_code == 422
    assert 'class="errors"' in answer.text
    return answer.text


async def shown() -> ContestShown:
    return await contests.contest_by_slug("tim-hieu-so")


async def test_a_name_and_a_bank_are_enough_to_begin(stage: Stage, bank: int) -> None:
    client = stage.clients["organiser"]
    typed = {"ten": "Tìm hiểu  số", "ngan_hang": "cds", "ba_bang": "1"}
    assert await post(client, LIST, typed) == f"{DESK}?luu=1"
    assert await post(client, LIST, typed) == f"{DESK}-2?luu=1"  # the address was taken
    made = await shown()
    assert (made.name, made.state, len(made.divisions)) == ("Tìm hiểu số", "draft", 3)
    assert made.created_by_id == await stage.account_id("organiser")
    page = await refused(client, LIST, {"ten": "Tìm hiểu", "duong_dan": "Có Dấu", "ngan_hang": ""})
    assert 'value="Tìm hiểu"' in page
    assert 'href="#ngan_hang"' in page


async def test_an_organiser_of_a_unit_makes_contests_for_that_unit_alone(
    stage: Stage, bank: int
) -> None:
    stranger = stage.clients["stranger"]
    everybody = {"ten": "Tìm hiểu số", "ngan_hang": "cds"}
    assert 'href="#don_vi"' in await refused(stranger, LIST, everybody)
    outside = {**everybody, "don_vi": str(stage.arena.unit_id)}
    assert 'href="#don_vi"' in await refused(stranger, LIST, outside)
    await post(stranger, LIST, {**everybody, "don_vi": str(stage.other_unit_id)})
    assert (await shown()).unit_id == stage.other_unit_id
    page = await refused(
        stranger, f"{DESK}/gioi-thieu", {**BASICS, "don_vi": str(stage.arena.unit_id)}
    )
    assert 'href="#don_vi"' in page


async def test_last_years_contest_is_copied_by_one_form(
    organiser: httpx.AsyncClient, stage: Stage
) -> None:
    await post(
        organiser, LIST, {"ten": "Năm sau", "chep_tu": "tim-hieu-so", "ngay_mo": "2039-10-03"}
    )
    copy = await contests.contest_by_slug("nam-sau")
    assert copy.rounds[0].question_count == 4
    assert copy.rounds[0].opens_at.isoformat() == "2039-10-03T09:00:00+00:00"
    for fields in ({"chep_tu": "khong-co"}, {"chep_tu": "tim-hieu-so", "ngay_mo": "hôm qua"}):
        await refused(organiser, LIST, {"ten": "Nữa", **fields})
    foreign = {"ten": "Của người khác", "chep_tu": "tim-hieu-so"}
    await refused(stage.clients["stranger"], LIST, foreign)


async def test_what_a_contest_says_of_itself_is_edited(organiser: httpx.AsyncClient) -> None:
    typed = {
        **BASICS, "ten": "Tên khác", "tuoi_tu": "14", "tuoi_den": "30", "khoa_bang": "60",
        "theo_danh_sach": "1",
    }  # fmt: skip
    await post(organiser, f"{DESK}/gioi-thieu", typed)
    made = await shown()
    assert (made.name, made.youngest_age, made.oldest_age) == ("Tên khác", 14, 30)
    assert (made.board_freeze_seconds, made.is_by_list, made.is_one_prize) == (3600, True, False)
    for field, value in (("tuoi_den", "10"), ("tuoi_tu", "mười"), ("duong_dan", "Có Dấu")):
        page = await refused(organiser, f"{DESK}/gioi-thieu", {**typed, field: value})
        assert f'href="#{field}"' in page
        assert f'value="{value}"' in page
    moved = await post(organiser, f"{DESK}/gioi-thieu", {**typed, "duong_dan": "noi-moi"})
    assert moved == f"{LIST}/noi-moi?luu=1#gioi-thieu"


async def test_divisions_come_and_go(organiser: httpx.AsyncClient) -> None:
    await post(organiser, f"{DESK}/bang", {"bang_ten": "Học sinh", "bang_ma": "hoc-sinh"})
    assert 'href="#bang_ten"' in await refused(organiser, f"{DESK}/bang", {"bang_ten": " "})
    await refused(organiser, f"{DESK}/bang", {"bang_ten": "Nữa", "bang_ma": "hoc-sinh"})
    citizens, pupils = (await shown()).divisions
    assert (citizens.code, pupils.code) == ("nguoi-dan", "hoc-sinh")
    await post(organiser, f"{DESK}/bang/{citizens.id}", {"ten_bang": "Nhân dân"})
    await post(organiser, f"{DESK}/bang/{pupils.id}", {"viec": "xoa"})
    assert [each.name for each in (await shown()).divisions] == ["Nhân dân"]
    await refused(organiser, f"{DESK}/bang/{citizens.id}", {"ten_bang": " "})
    gone = await organiser.post(f"{DESK}/bang/{pupils.id}", data={"viec": "xoa"})
    assert gone.status_code == 404


async def test_odd_hours_are_echoed_and_kept_when_wrong(organiser: httpx.AsyncClient) -> None:
    page = (await organiser.get(f"{DESK}/dot/1")).text
    assert "thứ Hai, 00:00 ngày 11/10/2038" in page
    assert "24 giờ ngày 10/10/2038" in page
    for field, value in (("dong", "hôm nào đó"), ("phut", "lâu"), ("so_luot", "0")):
        page = await refused(organiser, f"{DESK}/dot/1", {**ROUND, field: value})
        assert f'href="#{field}"' in page
        assert f'value="{value}"' in page
    await post(
        organiser, f"{DESK}/dot/1",
        {**ROUND, "so_luot": "", "tinh_luot": "last", "nghi": "30"},
    )  # fmt: skip
    first = (await shown()).rounds[0]
    assert (first.attempt_limit, first.counting, first.cooldown_seconds) == (None, "last", 1800)
    assert (await organiser.get(f"{DESK}/dot/9")).status_code == 404


async def test_a_week_is_repeated_and_taken_out_again(organiser: httpx.AsyncClient) -> None:
    await post(organiser, f"{DESK}/dot/1/nhan", {"so_tuan": "3"})
    rounds = (await shown()).rounds
    assert [each.name for each in rounds] == ["Tuần 1", "Tuần 2", "Tuần 3", "Tuần 4"]
    assert {each.question_count for each in rounds} == {4}
    assert (rounds[3].opens_at - rounds[0].opens_at).days == 21
    for count in ("0", "99", "vài"):
        assert 'href="#so_tuan"' in await refused(
            organiser, f"{DESK}/dot/1/nhan", {"so_tuan": count}
        )
    await post(organiser, f"{DESK}/dot/4/xoa", {})
    assert len((await shown()).rounds) == 3
    assert "Tuần 4" in (await organiser.get(DESK)).text  # offered as the next


async def test_a_blueprint_is_judged_as_soon_as_it_is_saved(organiser: httpx.AsyncClient) -> None:
    page = (await organiser.get(f"{DESK}/dot/1")).text
    assert "Ngân hàng đủ câu cho đề này." in page
    assert "ước tính trả lời đúng 75% số câu" in page
    await post(organiser, f"{DESK}/dot/1/nhan", {})
    table = {"o___so__easy": "6", "o___so__hard": "1", "viec": "moi_dot"}
    await post(organiser, f"{DESK}/dot/1/ma-tran", table)
    made = await shown()
    for each in made.rounds:
        assert await lines_of(each.id, None) == [
            PoolLine("so", "easy", 6),
            PoolLine("so", "hard", 1),
        ]
    page = (await organiser.get(f"{DESK}/dot/2")).text
    assert "chỉ có 5" in page
    assert "cần 6 câu, chỉ có 5 câu" in page
    assert 'href="/quan-tri/cuoc-thi/tim-hieu-so/dot/1#ma-tran"' in (await organiser.get(DESK)).text
    page = await refused(organiser, f"{DESK}/dot/1/ma-tran", {"o___so__easy": "ba"})
    assert 'value="ba"' in page
    own = {"bang": "nguoi-dan", "o_nguoi-dan__so__medium": "2"}
    await post(organiser, f"{DESK}/dot/1/ma-tran", own)
    division = made.divisions[0]
    assert await lines_of(made.rounds[0].id, division.id) == [PoolLine("so", "medium", 2)]


async def test_buttons_put_the_criteria_in_their_order(organiser: httpx.AsyncClient) -> None:
    address, usual = f"{DESK}/xep-hang", ["points", "duration", "closed_at"]
    assert list((await shown()).comparators) == usual
    form = {"tieu_chi": usual, "du_doan": ""}
    steps: list[tuple[dict[str, object], list[str]]] = [
        ({"xuong": "points"}, ["duration", "points", "closed_at"]),
        ({"len": "closed_at"}, ["points", "closed_at", "duration"]),
        ({"bo": "duration"}, ["points", "closed_at"]),
        ({"du_doan": "people"}, ["points", "prediction_gap", "duration", "closed_at"]),
    ]
    for change, order in steps:
        answer = await organiser.post(address, data={**form, **change})
        assert answer.status_code == 303
        assert list((await shown()).comparators) == order
    page = (await organiser.get(DESK)).text
    assert "(1) điểm cao hơn; (2) dự đoán chênh ít hơn" in page
    await refused(organiser, address, {"tieu_chi": "luck", "du_doan": ""})


async def test_prizes_are_announced_changed_and_arranged(organiser: httpx.AsyncClient) -> None:
    first = {"giai_ten": "giải Nhất", "giai_so": "1", "giai_loai": "individual"}
    await post(organiser, f"{DESK}/giai", first)
    await post(
        organiser, f"{DESK}/giai",
        {"giai_ten": "giải tập thể", "giai_so": "3", "giai_loai": "collective",
         "giai_xet": "rate", "giai_khoi": "xã"},
    )  # fmt: skip
    individual, collective = await prizes_of((await shown()).id)
    assert "giải Nhất" in (await organiser.get(f"{DESK}/giai/{individual.id}")).text
    await post(organiser, f"{DESK}/giai/{individual.id}", {**first, "giai_thuong": "1 triệu đồng"})
    await post(organiser, f"{DESK}/giai/{individual.id}/sap-xep", {"viec": "xuong"})
    assert [each.reward for each in await prizes_of((await shown()).id)] == ["", "1 triệu đồng"]
    await post(organiser, f"{DESK}/giai/{collective.id}/sap-xep", {"viec": "xoa"})
    for fields in ({"giai_so": "0"}, {"giai_so": "nhiều"}, {"giai_ten": ""}):
        await refused(organiser, f"{DESK}/giai", {**first, **fields})
        await refused(organiser, f"{DESK}/giai/{individual.id}", {**first, **fields})
    assert (await organiser.get(f"{DESK}/giai/{collective.id}")).status_code == 404


async def test_numbers_are_pasted_sent_and_taken_off(organiser: httpx.AsyncClient) -> None:
    address = f"{DESK}/danh-sach/khong-du-thi"
    sheet = write_sheet("x", ["Họ tên", "Số điện thoại"], [["Lò Thị Mai", "0987654321"]])
    both = await organiser.post(
        address,
        data={"so": "0912 345 678", "ghi_chu": "Tổ ra đề"},
        files={"tep": ("a.xlsx", sheet)},
    )
    assert both.status_code == 303
    page = (await organiser.get(address)).text
    assert "2 số trong danh sách" in page
    assert "0987 654 321" in page
    assert "Tổ ra đề" in page
    found = (await organiser.get(address, params={"tim": "0912345678"})).text
    assert "0987 654 321" not in found
    [entry] = re.findall(r'name="dong" value="(\d+)"', found)
    await post(organiser, f"{address}/bo", {"dong": entry})
    await post(organiser, f"{address}/bo", {"viec": "xoa_het"})
    assert "Danh sách còn trống." in (await organiser.get(address)).text
    for data in ({"so": "không phải số"}, {"so": ""}):
        answer = await organiser.post(address, data=data)
        assert answer.status_code == 422
    assert (await organiser.get(f"{DESK}/danh-sach/khac")).status_code == 404
    template = await organiser.get(f"{DESK}/danh-sach/mau")
    assert template.content.startswith(b"PK")


async def test_rules_are_composed_shown_before_and_signed(
    organiser: httpx.AsyncClient, visitor: httpx.AsyncClient, stage: Stage
) -> None:
    await post(organiser, f"{DESK}/the-le/soan", {})
    first = await contests.rules_of((await shown()).id)
    assert "cuộc thi “Tìm hiểu số”" in first.body
    seen = await organiser.post(
        f"{DESK}/the-le", data={"noi_dung": "## Riêng\n- Một dòng", "viec": "xem"}
    )
    assert "Xem trước, chưa lưu" in seen.text
    assert "<li>Một dòng</li>" in seen.text
    assert (await shown()).rules_version == 1
    ranked = await organiser.post(
        f"{DESK}/the-le", data={"noi_dung": "## Riêng", "viec": "xep_hang"}
    )
    assert "(1) điểm cao hơn" in ranked.text
    wrong = await organiser.post(
        f"{DESK}/the-le", data={"noi_dung": "## Riêng"}, files={"tep": ("a.pdf", b"MZ virus")}
    )
    assert wrong.status_code == 422
    assert 'href="#tep"' in wrong.text
    signed = await organiser.post(
        f"{DESK}/the-le", data={"noi_dung": "## Riêng"}, files={"tep": ("Thể lệ.pdf", PDF)}
    )
    assert signed.status_code == 303
    public = "/cuoc-thi/tim-hieu-so/the-le"
    assert (await visitor.get(f"{public}/2.pdf")).status_code == 404  # not public yet
    assert (await organiser.get(f"{DESK}/the-le/2.pdf")).content == PDF
    contest_id = (await shown()).id
    await publishing.send_to_review(contest_id, by=await stage.account_id("organiser"))
    await stage.clients["approver"].post(f"{DESK}/duyet")
    file = await visitor.get(f"{public}/2.pdf")
    assert file.content == PDF
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in file.headers["content-security-policy"]
    assert file.headers["content-disposition"].startswith("attachment")
    assert f'href="{public}/2.pdf"' in (await visitor.get(public)).text
    assert (await visitor.get(f"{public}/1.pdf")).status_code == 404
    silent = await organiser.post(f"{DESK}/the-le", data={"noi_dung": "## Khác"})
    assert silent.status_code == 422
    assert 'href="#thay_doi"' in silent.text
    assert (await organiser.post(f"{DESK}/the-le/soan")).status_code == 422
    noted = {"noi_dung": "## Khác", "thay_doi": "Thêm giải"}
    await post(organiser, f"{DESK}/the-le", noted)


async def test_a_trial_is_scored_and_leaves_no_trace_of_taking_part(
    organiser: httpx.AsyncClient, stage: Stage, bank: int
) -> None:
    page = (await organiser.get(f"{DESK}/lam-thu")).text
    assert page.count('class="q card"') == 4
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    tables = ("participant", "attempt", "score", "standing", "participation", "round_minute")
    result = await organiser.post(f"{DESK}/lam-thu", data={**hidden, "q1": "1", "q2": ["1", "x"]})
    assert result.status_code == 200
    assert "Kết quả làm thử" in result.text
    assert result.text.count("Đáp án đúng") >= 4
    for table in tables:
        assert await db.pool().fetchval(f"SELECT count(*) FROM {table}") == 0
    await stage.clients["approver"].post(f"{DESK}/lam-thu", data=hidden)  # the key alone
    seen = (await entries(f"bank:{bank}"))[0]
    assert (seen.action, seen.by) == ("see_bank", await stage.account_id("approver"))
    changed = await organiser.post(f"{DESK}/lam-thu", data={**hidden, "kho": "0" * 64})
    assert changed.status_code == 422
    assert "vừa thay đổi" in changed.text
    assert (await stage.clients["approver"].get(f"{DESK}/lam-thu")).status_code == 200
    await organiser.post(f"{DESK}/dot/1/ma-tran", data={})
    assert "chưa có ma trận đề" in (await organiser.get(f"{DESK}/lam-thu")).text


async def test_what_is_in_review_is_read_by_all_and_changed_by_nobody(
    organiser: httpx.AsyncClient, stage: Stage
) -> None:
    await post(organiser, f"{DESK}/the-le/soan", {})
    await post(organiser, f"{DESK}/gui-duyet", {})
    for client in (organiser, stage.clients["approver"], stage.clients["leader"]):
        page = (await client.get(DESK)).text
        assert "Hãy nhờ người duyệt trả lại" in page
        assert "(1) điểm cao hơn" in page
        for form in ("gioi-thieu", "bang", "xep-hang", "dot", "giai", "the-le/soan"):
            assert f'action="{DESK}/{form}"' not in page
    before = await shown()
    for address, data in (
        ("gioi-thieu", BASICS), ("bang", {"bang_ten": "Nữa"}), ("dot", ROUND),
        ("dot/1", ROUND), ("dot/1/nhan", {}), ("dot/1/xoa", {}), ("xep-hang", {"du_doan": ""}),
        ("dot/1/ma-tran", {"o___so__easy": "1"}), ("the-le/soan", {}),
        ("giai", {"giai_ten": "Nhất", "giai_so": "1", "giai_loai": "individual"}),
    ):  # fmt: skip
        page = await refused(organiser, f"{DESK}/{address}", data)
        assert "trả lại rồi mới sửa" in page
    assert await shown() == before
    approver = stage.clients["approver"]
    await post(approver, f"{DESK}/tra-lai", {"ly_do": "Thiếu giải thưởng"})
    assert "Thiếu giải thưởng" in (await organiser.get(DESK)).text


async def test_who_changed_anything_is_told_why_they_cannot_approve(
    organiser: httpx.AsyncClient, stage: Stage
) -> None:
    admin = stage.clients["admin"]
    await post(admin, f"{DESK}/the-le/soan", {})
    await post(organiser, f"{DESK}/gui-duyet", {})
    page = (await admin.get(DESK)).text
    assert f'action="{DESK}/duyet"' not in page
    assert "sửa hoặc gửi duyệt cuộc thi này" in page
    await refused(admin, f"{DESK}/duyet", {})
    assert (await shown()).state == "in_review"
