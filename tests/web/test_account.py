from __future__ import annotations

import re
from datetime import datetime

import httpx
import orjson
import pytest

from core import db
from people.consents import TAKE_PART, give, publish_first_texts
from people.persons import ERASED_NAME
from people.roles import grant_role
from quiz import results
from quiz.appeals import appeals_of
from quiz.awards import awards_of
from tests.quiz.arena import Arena, build_arena, instant
from tests.web.conftest import SignIn, Site
from web.pages.account import device_name


@pytest.fixture
async def arena(site: Site) -> Arena:
    await publish_first_texts()
    return await build_arena()


async def play(client: httpx.AsyncClient) -> str:
    path = (await client.post("/cuoc-thi/thi/vao-thi", data={"dong_y_du_le": "1"})).headers[
        "location"
    ]
    await client.post(f"{path}/nop", data={"seq": "1", "q1": "1"})
    await results.score_waiting()
    return path


async def decide_about(arena: Arena) -> None:
    """Mai won a prize, was taken out for it, and appealed; nobody has answered yet."""
    participant_id = await db.pool().fetchval(
        "SELECT id FROM participant WHERE person_id = $1", arena.person_ids[0]
    )
    await db.pool().execute(
        "WITH giai AS (INSERT INTO prize (contest_id, kind, name, prize_count, position, measure, "
        "block, reward) VALUES ($1, 'individual', 'Nhất', 1, 1, '', '', '') RETURNING id) "
        "INSERT INTO award (prize_id, participant_id, place, printed_name, unit_name, state, note, "
        "created_at) SELECT id, $2, 1, 'Lò Thị Mai', '', 'given', '', now() FROM giai",
        arena.contest_id,
        participant_id,
    )
    await db.pool().execute(
        "INSERT INTO disqualification (participant_id, round_id, reason, created_at, lift_reason) "
        "VALUES ($1, $2, 'Thi hộ', now(), '')",
        participant_id,
        arena.round_id,
    )
    await db.pool().execute(
        "INSERT INTO appeal (case_number, round_id, participant_id, subject, body, state, "
        "decision, created_at) VALUES ('KN-1', $2, $1, 'exclusion', 'Tôi là Mai', 'open', '', now())",
        participant_id,
        arena.round_id,
    )


async def test_mai_finds_her_attempts_with_receipt_and_rank(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    assert "Bạn chưa có bài thi nào" in (await mai.get("/tai-khoan")).text
    path = await play(mai)
    receipt = await db.pool().fetchval("SELECT receipt FROM attempt")
    page = (await mai.get("/tai-khoan")).text
    assert f'href="{path}/ket-qua"' in page
    assert receipt in page
    assert "Hạng tạm thời" in page
    assert "Tuần 1" in page


async def test_a_running_attempt_is_offered_to_go_on_with(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    path = (await mai.post("/cuoc-thi/thi/vao-thi", data={"dong_y_du_le": "1"})).headers["location"]
    page = (await mai.get("/tai-khoan")).text
    assert f'href="{path}"' in page
    assert "Làm tiếp bài" in page


async def test_charlie_sees_nothing_of_mais(arena: Arena, sign_in: SignIn) -> None:
    mai, charlie = [await sign_in(person) for person in arena.person_ids[:2]]
    path = await play(mai)
    page = (await charlie.get("/tai-khoan")).text
    assert path not in page
    assert "Lò Thị Mai" not in page


async def test_the_account_page_masks_the_number(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    page = await mai.get("/tai-khoan")
    assert "0000001" not in page.text
    assert page.headers["cache-control"] == "no-store"


async def test_mai_signs_another_browser_out_and_no_one_elses(
    arena: Arena, sign_in: SignIn
) -> None:
    mai, phone = [await sign_in(arena.person_ids[0]) for _ in range(2)]
    charlie = await sign_in(arena.person_ids[1])
    listed = re.findall(
        r'action="(/tai-khoan/phien/\d+/thu-hoi)"', (await mai.get("/tai-khoan")).text
    )
    (revoke_phone,) = listed  # the own one is left by signing out
    assert (await charlie.post(revoke_phone)).status_code == 303
    assert (await phone.get("/tai-khoan")).status_code == 200
    assert (await mai.post(revoke_phone)).status_code == 303
    assert (await phone.get("/tai-khoan")).status_code == 303
    assert (await mai.get("/tai-khoan")).status_code == 200


async def test_mai_signs_all_other_browsers_out_at_once(arena: Arena, sign_in: SignIn) -> None:
    mai, phone, library = [await sign_in(arena.person_ids[0]) for _ in range(3)]
    charlie = await sign_in(arena.person_ids[1])
    await mai.post("/tai-khoan/phien/thu-hoi-het")
    answers = [await client.get("/tai-khoan") for client in (mai, phone, library, charlie)]
    assert [answer.status_code for answer in answers] == [200, 303, 303, 200]


@pytest.mark.parametrize("number", ["0", "abc", "²", "9" * 30, "-1"])
async def test_an_unknown_session_is_no_mistake_of_ours(
    arena: Arena, sign_in: SignIn, number: str
) -> None:
    mai = await sign_in(arena.person_ids[0])
    answer = await mai.post(f"/tai-khoan/phien/{number}/thu-hoi")
    assert answer.status_code in {303, 404}


async def test_consent_is_withdrawn_and_given_again_with_its_dates(
    arena: Arena, sign_in: SignIn
) -> None:
    mai = await sign_in(arena.person_ids[0])
    await give(arena.person_ids[0], TAKE_PART)
    page = (await mai.get("/tai-khoan")).text
    assert "Nếu rút, bạn không dự thi tiếp được" in page
    form = {"muc_dich": TAKE_PART, "viec": "rut"}
    for _ in range(2):  # a second click withdraws nothing more
        answer = await mai.post("/tai-khoan/dong-y", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/tai-khoan#dong-y")
    assert "rút ngày" in (await mai.get("/tai-khoan")).text
    await mai.post("/tai-khoan/dong-y", data={"muc_dich": TAKE_PART, "viec": "dong-y"})
    kept = await db.pool().fetch("SELECT is_given FROM consent ORDER BY id")
    assert [row["is_given"] for row in kept] == [True, False, True]


async def test_a_purpose_that_nobody_published_is_refused(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    answer = await mai.post("/tai-khoan/dong-y", data={"muc_dich": "sell_data", "viec": "dong-y"})
    assert answer.status_code == 422
    assert await db.pool().fetchval("SELECT count(*) FROM consent") == 0


async def test_the_export_holds_everything_of_hers_and_no_secret(
    arena: Arena, sign_in: SignIn
) -> None:
    mai, charlie = [await sign_in(person) for person in arena.person_ids[:2]]
    await give(arena.person_ids[0], TAKE_PART)
    await play(mai)
    await play(charlie)
    await decide_about(arena)
    answer = await mai.post("/tai-khoan/du-lieu/tai-ve")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"].startswith('attachment; filename="du-lieu-')
    assert answer.headers["cache-control"] == "no-store"
    held = orjson.loads(answer.content)
    assert held["person"]["full_name"] == "Lò Thị Mai"
    assert held["person"]["unit"] == "Xã Bình Lư"
    assert held["account"]["phone"].startswith("+8491")
    assert [each["purpose"] for each in held["consents"]] == [TAKE_PART]
    assert [each["body"] for each in held["appeals"]] == ["Tôi là Mai"]
    assert [each["printed_name"] for each in held["awards"]] == ["Lò Thị Mai"]
    assert [each["reason"] for each in held["exclusions"]] == ["Thi hộ"]
    (attempt,) = held["attempts"]
    assert attempt["contest_name"] == "Cuộc thi"
    assert attempt["receipt"]
    assert datetime.fromisoformat(attempt["started_at"]) <= instant()
    assert b"hash" not in answer.content
    assert "Y Moan" not in answer.text


async def test_erasing_asks_for_a_tick_first(arena: Arena, sign_in: SignIn) -> None:
    mai = await sign_in(arena.person_ids[0])
    assert (await mai.get("/tai-khoan/du-lieu")).status_code == 200
    answer = await mai.post("/tai-khoan/du-lieu/xoa", data={})
    assert answer.status_code == 422
    assert 'href="#xac_nhan"' in answer.text
    assert (await mai.get("/tai-khoan")).status_code == 200


async def test_an_erased_person_is_gone_from_every_page(
    arena: Arena, sign_in: SignIn, site: Site, visitor: httpx.AsyncClient
) -> None:
    mai, phone = [await sign_in(arena.person_ids[0]) for _ in range(2)]
    path = await play(mai)
    await decide_about(arena)
    board = "/cuoc-thi/thi/bang-xep-hang"
    assert "Lò Thị M." in (await visitor.get(board)).text
    answer = await mai.post("/tai-khoan/du-lieu/xoa", data={"xac_nhan": "1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    ended = "".join(answer.headers.get_list("set-cookie"))
    assert 'phien=""' in ended
    assert f"Path={path}" in ended
    assert (await phone.get("/tai-khoan")).status_code == 303
    page = (await visitor.get(board)).text  # at once: not when the cached page goes stale
    assert "Lò Thị" not in page
    assert "1 người có kết quả" in page  # the attempt stays, without a name
    assert (
        await db.pool().fetchval("SELECT count(*) FROM person WHERE full_name LIKE 'Lò Thị%'") == 0
    )
    assert await db.pool().fetchval("SELECT phone FROM account WHERE phone IS NOT NULL") is None
    [award] = await awards_of(arena.contest_id)
    assert (award.printed_name, award.is_name_public) == (ERASED_NAME, True)
    [case] = await appeals_of(arena.contest_id)
    assert (case.state, "Mai" in case.body, case.decided_at is None) == ("withdrawn", False, False)


async def test_staff_find_the_way_to_their_work(arena: Arena, sign_in: SignIn) -> None:
    lan = await sign_in(arena.person_ids[0])
    assert "/quan-tri" not in (await lan.get("/tai-khoan")).text
    account_id = await db.pool().fetchval("SELECT id FROM account")
    await grant_role(account_id, "organiser", unit_id=arena.unit_id, by=None)
    assert 'href="/quan-tri"' in (await lan.get("/tai-khoan")).text


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/124.0.0.0 Mobile Safari/537.36",
            "Chrome trên Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
            "Safari trên iPhone",
        ),
        ("", "Trình duyệt khác"),
    ],
)
def test_a_device_is_told_in_words_that_its_owner_knows(user_agent: str, device: str) -> None:
    assert device_name(user_agent) == device
