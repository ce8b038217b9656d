from __future__ import annotations

import re
from uuid import UUID, uuid4

import httpx
import pytest

from core import db
from quiz import results
from tests.quiz.arena import Arena, build_arena, instant, right_answers
from tests.web.conftest import SignIn, Site

JSON = {"accept": "application/json"}


@pytest.fixture
async def arena(site: Site) -> Arena:
    return await build_arena()


async def begin(client: httpx.AsyncClient) -> str:
    answer = await client.post("/cuoc-thi/thi/vao-thi")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_mai_plays_from_the_door_to_her_rank(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    paper = await mai.get(path)
    assert paper.status_code == 200
    opening = re.search(r'name="lan" value="(\d+)"', paper.text)
    assert opening is not None
    attempt_id = UUID(path.rsplit("/", 1)[1])
    for seq, (position, chosen) in enumerate((await right_answers(attempt_id, 4)).items(), 1):
        saved = await mai.post(
            f"{path}/luu",
            data={"seq": str(seq), f"q{position}": [str(c) for c in chosen], "lan": opening[1]},
            headers=JSON,
        )
        assert saved.status_code == 200
        assert saved.json()["saved_seq"] == seq
    receipts = set()
    for _ in range(2):
        handed_in = await mai.post(f"{path}/nop", data={"seq": "9", "du_doan": "1.250"})
        assert handed_in.status_code == 303
        result = await mai.get(f"{path}/ket-qua", headers=JSON)
        receipts.add(result.json()["receipt"])
    assert len(receipts) == 1
    await results.score_waiting()
    result = await mai.get(f"{path}/ket-qua", headers=JSON)
    assert result.json() | {"receipt": "", "duration_ms": 0} == {
        "state": "submitted", "receipt": "", "score": 4.0,
        "correct_count": 4, "question_count": 5, "duration_ms": 0,
    }  # fmt: skip
    page = await mai.get(f"{path}/ket-qua")
    assert receipts.pop() in page.text
    assert "Thứ hạng tạm thời" in page.text
    place = await mai.get("/cuoc-thi/thi/vi-tri")
    assert place.status_code == 200


async def test_who_waits_for_a_score_asks_ever_more_seldom(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    await mai.post(f"{path}/nop", data={"seq": "1", "q1": "1"})
    page, delays = (await mai.get(f"{path}/ket-qua")).text, []
    for _ in range(8):
        found = re.search(r'data-hx-get="([^"]+)" data-hx-trigger="load delay:(\d+)s"', page)
        assert found is not None
        delays.append(int(found[2]))
        page = (await mai.get(found[1], headers={"HX-Request": "true"})).text
        assert "Đang chấm…" in page
        assert "<html" not in page
    assert delays == sorted(delays)
    assert delays[0] <= 2 < delays[-1] == delays[-2]
    await results.score_waiting()
    page = (await mai.get(found[1], headers={"HX-Request": "true"})).text
    assert "data-hx-get" not in page
    assert "Bạn đúng" in page


async def test_the_key_never_leaves_before_the_review_is_allowed(
    arena: Arena, sign_in: SignIn, site: Site
) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    pages = [await mai.get(path), await mai.get(f"{path}/xac-nhan-nop")]
    await mai.post(f"{path}/nop", data={"seq": "1", "q1": "1"})
    await results.score_waiting()
    pages += [await mai.get(f"{path}/ket-qua"), await mai.get(f"{path}/ket-qua", headers=JSON)]
    for page in pages:
        assert page.status_code == 200
        assert "is_correct" not in page.text
        assert "Đáp án đúng" not in page.text
        assert "Vì thế." not in page.text  # the explanation tells the answer
        assert "https://dichvucong.gov.vn/1" not in page.text  # and so may the procedure
    await db.pool().execute(
        "UPDATE round SET opens_at = $1, closes_at = $2", instant(-7200), instant(-3600)
    )
    site.forget()
    reviewed = (await mai.get(f"{path}/ket-qua")).text
    assert "Đáp án đúng" in reviewed
    assert '<a href="https://dichvucong.gov.vn/1" rel="noopener">' in reviewed


async def test_charlie_cannot_see_that_mais_attempt_exists(
    arena: Arena, sign_in: SignIn, visitor: httpx.AsyncClient
) -> None:
    mai, charlie = await sign_in(arena.person_ids[0]), await sign_in(arena.person_ids[1])
    path = await begin(mai)
    for client in (charlie, visitor):
        foreign, unknown = await client.get(path), await client.get(f"/bai-thi/{uuid4()}")
        assert foreign.status_code == unknown.status_code == 404
        for action in ("luu", "nop", "lam-tiep-o-day"):
            answer = await client.post(f"{path}/{action}", data={"seq": "1", "q1": "1"})
            assert answer.status_code == 404
    assert (await mai.get(f"{path}/ket-qua", headers=JSON)).json()["state"] == "open"


async def test_the_token_outlives_the_session(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    await db.pool().execute("UPDATE session SET revoked_at = now()")
    saved = await mai.post(f"{path}/luu", data={"seq": "1", "q1": "2"}, headers=JSON)
    assert saved.status_code == 200


async def test_the_owners_session_renews_the_token(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    other_device = await sign_in(arena.person_ids[0])
    paper = await other_device.get(path)
    assert paper.status_code == 200
    assert "bai_thi=" in paper.headers["set-cookie"]


async def test_a_late_save_is_409_with_the_servers_time(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    await db.pool().execute("UPDATE attempt SET deadline_at = $1", instant(-1))
    late = await mai.post(f"{path}/luu", data={"seq": "1", "q1": "2"}, headers=JSON)
    assert late.status_code == 409
    assert late.json()["code"] == "late"
    assert late.json()["server_time"]


async def test_the_older_page_is_told_who_took_over(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    first = re.search(r'name="lan" value="(\d+)"', (await mai.get(path)).text)
    await mai.get(path)
    assert first is not None
    answer = await mai.post(
        f"{path}/luu", data={"seq": "1", "q1": "2", "lan": first[1]}, headers=JSON
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "taken_over")


@pytest.mark.parametrize(
    "fields",
    [
        {"q1": "1"},
        {"seq": "x"},
        {"seq": "-1"},
        {"seq": "1", "q99": "1"},
        {"seq": "1", "q1": "9999"},
        {"seq": "1", "q1": "abc"},
        {"seq": "1", "du_doan": "nhiều lắm"},
        {"seq": "1", "lan": "x"},
        {"seq": "9" * 30},
    ],
)
async def test_nonsense_is_refused_with_a_sentence_and_changes_nothing(
    arena: Arena, sign_in: SignIn, fields: dict[str, str]
) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    answer = await mai.post(f"{path}/luu", data=fields, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["message"].endswith(".")
    assert await db.pool().fetchval("SELECT saved_seq FROM attempt") == 0


async def test_without_script_every_button_leads_on(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    kept = await mai.post(f"{path}/luu", data={"seq": "1", "q1": "2", "ve": "bai-thi"})
    assert (kept.status_code, kept.headers["location"]) == (303, f"{path}?da-luu=1")
    assert "Đã lưu bài" in (await mai.get(kept.headers["location"])).text
    asked = await mai.post(f"{path}/luu", data={"seq": "2", "ve": "xac-nhan-nop"})
    confirm = await mai.get(asked.headers["location"])
    assert confirm.status_code == 200
    assert "4" in confirm.text  # questions left open
    fragment = await mai.post(f"{path}/luu", data={"seq": "3", "q2": "1"})
    assert "Đã lưu lúc" in fragment.text
    assert "<html" not in fragment.text


async def test_another_site_cannot_save_or_submit(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = await begin(mai)
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await mai.post(f"{path}/nop", data={"seq": "1"}, headers=headers)
        assert answer.status_code == 403
    assert await db.pool().fetchval("SELECT state FROM attempt") == "open"
