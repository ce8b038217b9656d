from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from core import db
from quiz.activity import ACTIVITY
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn, Site

OFFICE = "/quan-tri/cuoc-thi/thi"
GRANT = {"dot": "1", "cho": "tat-ca", "phut": "10", "ly_do": "Mất mạng"}
JSON = {"Accept": "application/json"}


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


async def begin(stage: Stage, name: str = "mai") -> str:
    entered = await stage.clients[name].post("/cuoc-thi/thi/vao-thi")
    return entered.headers["location"]


async def test_time_for_everybody_moves_the_close_and_the_next_save_tells_it(
    stage: Stage,
) -> None:
    paper = await begin(stage)
    before = await db.pool().fetchrow("SELECT closes_at FROM round")
    organiser, mai = stage.clients["organiser"], stage.clients["mai"]
    told_before = (await mai.get("/cuoc-thi/thi/tin?dot=1")).json()
    answer = await organiser.post(f"{OFFICE}/gia-han", data=GRANT)
    assert answer.status_code == 303
    page = await organiser.get(answer.headers["location"])
    assert "1 bài đang làm có thêm giờ" in page.text
    assert "Mất mạng" in page.text
    closes_at = await db.pool().fetchval("SELECT closes_at FROM round")
    assert before is not None
    assert closes_at == before["closes_at"] + timedelta(minutes=10)
    saved = await mai.post(f"{paper}/luu", data={"seq": "1", "q1": "1"}, headers=JSON)
    deadline_at = await db.pool().fetchval("SELECT deadline_at FROM attempt")
    assert saved.json()["deadline_at"] == deadline_at.isoformat()
    told = (await mai.get("/cuoc-thi/thi/tin?dot=1")).json()
    assert (told_before["extension_count"], told["extension_count"]) == (0, 1)
    assert "đã gia hạn cho bạn thêm 10 phút" in (await mai.get(paper)).text


async def test_a_form_that_is_sent_twice_grants_once(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    first = await organiser.post(f"{OFFICE}/gia-han", data=GRANT)
    second = await organiser.post(f"{OFFICE}/gia-han", data=GRANT)
    assert (first.status_code, second.status_code) == (303, 409)
    assert "Đã gia hạn đúng như vậy lúc" in second.text
    assert await db.pool().fetchval("SELECT sum(seconds) FROM extension") == 600


async def test_a_unit_is_searched_chosen_and_then_granted_time(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    asked = {**GRANT, "cho": "don-vi", "ten": "nam hang"}
    found = await organiser.post(f"{OFFICE}/gia-han", data=asked)
    assert found.status_code == 422
    assert "Xã Nậm Hàng" in found.text
    assert await db.pool().fetchval("SELECT count(*) FROM extension") == 0
    answer = await organiser.post(
        f"{OFFICE}/gia-han", data={**asked, "chon": str(stage.other_unit_id)}
    )
    assert answer.status_code == 303
    assert await db.pool().fetchval("SELECT unit_id FROM extension") == stage.other_unit_id


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dot": ""}, "Hãy chọn đợt thi."),
        ({"cho": ""}, "Hãy chọn gia hạn cho ai."),
        ({"phut": "nhiều"}, "Gia hạn từ 1 phút đến 24 giờ"),
        ({"ly_do": "  "}, "Hãy ghi lý do"),
        ({"cho": "nguoi", "ten": "không có ai"}, "Không tìm thấy ai"),
        ({"cho": "nguoi", "ten": "lò", "chon": "1"}, "Không tìm thấy ai"),
    ],
)
async def test_a_grant_that_lacks_something_keeps_what_was_typed(
    stage: Stage, changes: dict[str, str], sentence: str
) -> None:
    typed = {**GRANT, "ly_do": "Lý do dài và hay", **changes}
    answer = await stage.clients["organiser"].post(f"{OFFICE}/gia-han", data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    if typed["ly_do"].strip():
        assert "Lý do dài và hay" in answer.text


async def test_who_was_granted_time_enters_after_the_public_close(stage: Stage) -> None:
    await db.pool().execute(
        "UPDATE person SET unit_id = $1 WHERE id = $2",
        stage.other_unit_id,
        stage.person_ids["mai"],
    )
    await db.pool().execute("UPDATE round SET closes_at = now() - interval '20 seconds'")
    answer = await stage.clients["organiser"].post(
        f"{OFFICE}/gia-han",
        data={**GRANT, "cho": "don-vi", "ten": "nậm hàng", "chon": str(stage.other_unit_id)},
    )
    assert answer.status_code == 303
    closes_at = await db.pool().fetchval("SELECT closes_at + interval '10 min' FROM round")
    door = await stage.clients["mai"].get("/cuoc-thi/thi/vao-thi")
    assert door.status_code == 200
    paper = await begin(stage)
    assert (await stage.clients["mai"].get(paper)).status_code == 200
    assert await db.pool().fetchval("SELECT deadline_at FROM attempt") == closes_at
    outside = await stage.clients["charlie"].post("/cuoc-thi/thi/vao-thi")
    assert outside.status_code == 409


async def test_a_notice_comes_with_the_answer_to_a_save(site: Site, stage: Stage) -> None:
    paper = await begin(stage)
    organiser, mai = stage.clients["organiser"], stage.clients["mai"]
    quiet = await mai.post(f"{paper}/luu", data={"seq": "1", "q1": "1"}, headers=JSON)
    assert "notices" not in quiet.json()
    line = {"noi_dung": "Câu 3 <hình> chậm", "phut_thong_bao": "10"}
    answer = await organiser.post(f"{OFFICE}/thong-bao", data=line)
    assert answer.status_code == 303
    told = await mai.get("/cuoc-thi/thi/tin")  # reads the contests again, as the clock would
    notices = told.json()["notices"]
    assert [each["body"] for each in notices] == ["Câu 3 <hình> chậm"]
    saved = await mai.post(f"{paper}/luu", data={"seq": "2", "q1": "2"}, headers=JSON)
    assert saved.json()["notices"] == notices
    assert "Câu 3 &lt;hình&gt; chậm" in (await mai.get(paper)).text
    assert "Câu 3 &lt;hình&gt; chậm" in (await mai.get("/cuoc-thi/thi")).text
    await organiser.post(f"{OFFICE}/thong-bao/{notices[0]['id']}/go")
    site.forget()
    assert (await mai.get("/cuoc-thi/thi/tin")).json()["notices"] == []


async def test_a_save_sets_off_the_reading_that_it_does_not_wait_for(
    site: Site, stage: Stage
) -> None:
    paper = await begin(stage)
    mai = stage.clients["mai"]
    await db.pool().execute(
        "INSERT INTO notice (contest_id, body, created_at, ends_at) "
        "VALUES ($1, 'Chú ý', now(), now() + interval '1 hour')",
        stage.arena.contest_id,
    )
    site.app.state.contests.forget()
    for seq in range(1, 50):
        saved = await mai.post(f"{paper}/luu", data={"seq": str(seq), "q1": "1"}, headers=JSON)
        if "notices" in saved.json():
            break
    assert saved.json()["notices"][0]["body"] == "Chú ý"


async def throw(stage: Stage, value: str) -> None:
    answer = await stage.clients["organiser"].post(
        f"{OFFICE}/cong-tac", data={"cong_tac": value, "ly_do_cong_tac": "Nghi lộ đề"}
    )
    assert answer.status_code == 303


async def test_a_hidden_board_says_so_wherever_it_was_shown(stage: Stage) -> None:
    mai = stage.clients["mai"]
    board, statistics = "/cuoc-thi/thi/bang-xep-hang", "/cuoc-thi/thi/thong-ke"
    assert "tạm ẩn" not in (await mai.get(board)).text
    await throw(stage, "board:1")
    for address in (board, f"{board}?bang=don-vi", statistics, "/cuoc-thi/thi/vi-tri"):
        assert "tạm ẩn" in (await mai.get(address)).text, address
    await throw(stage, "board:0")
    for address in (board, statistics, "/cuoc-thi/thi/vi-tri"):
        assert "tạm ẩn" not in (await mai.get(address)).text, address


async def test_stopped_starts_touch_nobody_inside(stage: Stage) -> None:
    paper = await begin(stage)
    await throw(stage, "start:1")
    mai = stage.clients["mai"]
    saved = await mai.post(f"{paper}/luu", data={"seq": "1", "q1": "1"}, headers=JSON)
    assert saved.status_code == 200
    assert await begin(stage) == paper
    outside = await stage.clients["charlie"].post("/cuoc-thi/thi/vao-thi")
    assert outside.status_code == 409
    assert "tạm dừng cho bắt đầu bài mới" in outside.text
    assert "tạm dừng cho bắt đầu bài mới" in (await mai.get("/cuoc-thi/thi")).text
    await throw(stage, "start:0")
    assert (await begin(stage, "charlie")).startswith("/bai-thi/")


async def test_a_switch_wants_a_choice_and_a_reason(stage: Stage) -> None:
    for data, field in (({}, "cong_tac"), ({"cong_tac": "entry:1"}, "ly_do_cong_tac")):
        answer = await stage.clients["organiser"].post(f"{OFFICE}/cong-tac", data=data)
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text


async def test_the_monitor_shows_what_happened_and_its_part_stands_alone(stage: Stage) -> None:
    await ACTIVITY.write()
    await db.pool().execute("TRUNCATE round_minute")
    await begin(stage)
    await ACTIVITY.write()
    address = f"{OFFICE}/dang-dien-ra"
    page = await stage.clients["leader"].get(address)
    assert re.search(r"Đang làm bài</small><b>1</b>", page.text)
    assert "Xã Nậm Hàng" in page.text  # nobody there yet
    assert f"{OFFICE}/dieu-hanh" not in page.text
    part = await stage.clients["organiser"].get(address, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert re.search(r"Đang làm bài</small><b>1</b>", part.text)
    assert "HX-Request" in part.headers["vary"]


async def test_the_monitor_speaks_up_when_scoring_is_slow(stage: Stage) -> None:
    paper = await begin(stage)
    await stage.clients["mai"].post(f"{paper}/nop", data={})
    await db.pool().execute("UPDATE unscored SET closed_at = closed_at - interval '5 minutes'")
    page = await stage.clients["organiser"].get(f"{OFFICE}/dang-dien-ra")
    assert "Bài chờ chấm lâu nhất đã 5 phút" in page.text


async def test_a_flag_is_shown_in_words_and_concluded(stage: Stage) -> None:
    await begin(stage)
    suspicion_id = await db.pool().fetchval(
        "INSERT INTO suspicion (round_id, participant_id, pattern, evidence, state, note, found_at) "
        "SELECT round_id, participant_id, 'too_fast', $1, 'new', '', now() FROM attempt "
        "RETURNING id",
        {"seconds": 21, "correct": 5, "questions": 5, "limit_seconds": 25},
    )
    organiser = stage.clients["organiser"]
    page = await organiser.get(f"{OFFICE}/dau-hieu")
    assert "Đúng 5 trong 5 câu sau 21 giây." in page.text
    assert "không phải kết luận gian lận" in page.text
    address = f"{OFFICE}/dau-hieu/{suspicion_id}"
    lacking = await organiser.post(address, data={"ket_luan": "pursued", "ghi_chu": ""})
    assert lacking.status_code == 422
    assert f'href="#ghi_chu-{suspicion_id}"' in lacking.text
    answer = await organiser.post(
        address, data={"ket_luan": "pursued", "ghi_chu": "Gọi điện xác minh"}
    )
    assert answer.status_code == 303
    assert "Gọi điện xác minh" not in (await organiser.get(f"{OFFICE}/dau-hieu")).text
    pursued = await organiser.get(f"{OFFICE}/dau-hieu?tinh_trang=pursued")
    assert "Gọi điện xác minh" in pursued.text


@pytest.mark.parametrize(
    ("pattern", "evidence", "words"),
    [
        (
            "same_answers",
            {"others": [1], "shared": 12, "same_wrong": 3, "seconds": 40},
            "12 câu cùng có trong đề, trong đó 3 câu cùng sai một kiểu",
        ),
        ("unit_burst", {"others": [1], "count": 6, "seconds": 50}, "6 người cùng đơn vị"),
        (
            "sudden_leap",
            {
                "seconds": 30, "correct": 20, "questions": 20,
                "before_seconds": 900, "before_correct": 9, "before_questions": 20,
            },
            "lượt trước đúng 9 trong 20 câu sau 15 phút",
        ),
    ],
)  # fmt: skip
async def test_each_pattern_has_its_sentence(
    stage: Stage, pattern: str, evidence: dict[str, object], words: str
) -> None:
    await begin(stage)
    await db.pool().execute(
        "INSERT INTO suspicion (round_id, participant_id, pattern, evidence, state, note, found_at) "
        "SELECT round_id, participant_id, $1, $2, 'new', '', now() FROM attempt",
        pattern,
        evidence,
    )
    page = await stage.clients["organiser"].get(f"{OFFICE}/dau-hieu")
    assert words in page.text
