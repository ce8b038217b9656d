from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx
import pytest

from core import db
from core.notes import FAULTS, STATEMENTS
from quiz.outages import beat
from quiz.platform_switches import platform_switches
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn, Site
from tests.web.test_seeing import NOWHERE

PAGE = "/quan-tri/van-hanh"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    FAULTS.clear()
    STATEMENTS.clear()
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def away(stage: Stage) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    pool = await asyncpg.create_pool(NOWHERE, min_size=0)
    yield pool
    await pool.close()


@pytest.fixture
async def hanging(stage: Stage) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """A server that takes connections and never says a word."""
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = await asyncpg.create_pool(NOWHERE.replace(":1/", f":{port}/"), min_size=0)
    yield pool
    server.close()
    for writer in taken:
        writer.close()
    pool.terminate()


def light(page: str, name: str) -> str:
    """The tag of the light with this name."""
    [found] = re.findall(rf"<h3>{name}</h3><p>.*?</svg>(.*?)</span>", page, re.DOTALL)
    return str(found)


async def test_the_page_shows_lights_figures_and_who_is_alive(stage: Stage) -> None:
    await stage.clients["mai"].post("/cuoc-thi/thi/vao-thi")
    page = (await stage.clients["leader"].get(PAGE)).text
    assert light(page, "Lưu câu trả lời") == "Tốt"
    assert light(page, "Cơ sở dữ liệu") == "Tốt"
    assert "Chưa có bản sao lưu nào" in page
    assert re.search(r"Đang làm bài</small><b>1</b>", page)
    assert "Đang chạy" in page
    assert "Thực hiện</button>" not in page  # a leader looks on
    part = await stage.clients["leader"].get(PAGE, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert light(part.text, "Lưu câu trả lời") == "Tốt"
    assert "HX-Request" in part.headers["vary"]


async def test_a_switch_is_thrown_with_its_reason_and_shown(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    data = {"cong_tac": "lite:1", "ly_do": "Quá đông lúc giờ chót"}
    answer = await organiser.post(f"{PAGE}/cong-tac", data=data)
    assert answer.status_code == 303
    page = (await organiser.get(answer.headers["location"])).text
    assert "Quá đông lúc giờ chót" in page
    assert "Tắt chế độ gọn" in page
    assert light(page, "Sức chịu tải") == "Cần xem"
    released = {"cong_tac": "lite:0", "ly_do": "Đã vãn"}
    assert (await organiser.post(f"{PAGE}/cong-tac", data=released)).status_code == 303
    assert (await platform_switches()).thrown == {}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"ly_do": "Vì đông"}, "cong_tac"),
        ({"cong_tac": "all:1", "ly_do": "Vì đông"}, "cong_tac"),
        ({"cong_tac": "lite:2", "ly_do": "Vì đông"}, "cong_tac"),
        ({"cong_tac": "lite:1", "ly_do": "  "}, "ly_do"),
    ],
)
async def test_a_switch_wants_a_choice_and_a_reason_and_keeps_what_was_typed(
    stage: Stage, data: dict[str, str], field: str
) -> None:
    answer = await stage.clients["organiser"].post(f"{PAGE}/cong-tac", data=data)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    if data["ly_do"].strip():
        assert 'value="Vì đông"' in answer.text
    assert (await platform_switches()).thrown == {}


async def test_an_outage_leads_to_the_extension_form_filled_in(stage: Stage) -> None:
    await db.pool().execute("DELETE FROM service_span")
    await beat()
    await db.pool().execute(
        "UPDATE service_span SET began_at = began_at - $1::interval, "
        "seen_at = seen_at - $1::interval",
        timedelta(minutes=7, seconds=30),
    )
    await beat()
    organiser = stage.clients["organiser"]
    page = (await organiser.get(PAGE)).text
    assert "Nên gia hạn 8 phút cho tất cả mọi người" in page
    [address] = re.findall(r'href="(/quan-tri/cuoc-thi/thi/dieu-hanh\?[^"]+)"', page)
    form = (await organiser.get(address.replace("&amp;", "&"))).text
    assert re.search(r'name="phut"[^>]* value="8"', form)
    assert re.search(r'name="ly_do"[^>]* value="Hệ thống gián đoạn từ', form)
    assert re.search(r'value="tat-ca" checked', form)
    assert "/dieu-hanh?" not in (await stage.clients["auditor"].get(PAGE)).text
    granted = {"dot": "1", "cho": "tat-ca", "phut": "8", "ly_do": "Gián đoạn"}
    await organiser.post("/quan-tri/cuoc-thi/thi/gia-han", data=granted)
    page = (await organiser.get(PAGE)).text
    assert "Đã gia hạn cho mọi người sau đó" in page
    assert "/dieu-hanh?" not in page


async def test_what_cannot_be_scored_is_listed_and_tried_again(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    await stage.clients["mai"].post("/cuoc-thi/thi/vao-thi")
    await db.pool().execute(
        "UPDATE attempt SET state = 'expired', closed_at = now(), receipt = '7K3M-9QX2'"
    )
    await db.pool().execute("UPDATE unscored SET fault = 'ValueError: x', fault_at = now()")
    page = (await organiser.get(PAGE)).text
    assert light(page, "Chấm bài") == "Cần xem"
    assert "7K3M-9QX2" in page
    assert "ValueError: x" in page
    running = (await organiser.get("/quan-tri/cuoc-thi/thi/dang-dien-ra")).text
    assert "1 bài không chấm được" in running
    assert "/cham-lai" not in (await stage.clients["auditor"].get(PAGE)).text
    assert (await organiser.post(f"{PAGE}/cham-lai")).status_code == 303
    assert await db.pool().fetchval("SELECT count(*) FROM unscored WHERE fault IS NULL") == 1
    assert "Bài không chấm được" not in (await organiser.get(PAGE)).text


async def test_errors_and_slow_statements_stand_there_without_personal_data(
    stage: Stage,
) -> None:
    FAULTS.add("unexpected: ValueError (play.py:12)", route="/dang-ky", request_id="abc-1")
    STATEMENTS.add("SELECT 1 FROM attempt WHERE id = $1", seconds=1.5, request_id="abc-2")
    page = (await stage.clients["admin"].get(PAGE)).text
    assert "unexpected: ValueError (play.py:12)" in page
    assert "/dang-ky" in page
    assert "abc-1" in page
    assert "SELECT 1 FROM attempt WHERE id = $1" in page
    assert "1.500 ms" in page


async def test_the_page_opens_in_the_middle_of_an_outage_for_who_was_let_in_before(
    site: Site,
    stage: Stage,
    away: asyncpg.Pool[asyncpg.Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    organiser = stage.clients["organiser"]
    assert (await organiser.get(PAGE)).status_code == 200
    with monkeypatch.context() as patched:
        patched.setattr(db, "_pool", away)
        known = await organiser.get(PAGE)
        part = await organiser.get(PAGE, headers={"HX-Request": "true"})
        others = [await stage.clients[name].get(PAGE) for name in ("admin", "mai", "nobody")]
    assert known.status_code == part.status_code == 200
    for page in (known.text, part.text):
        assert light(page, "Cơ sở dữ liệu") == "Có sự cố"
        assert light(page, "Lưu câu trả lời") == "Có sự cố"
        assert "câu trả lời còn trên máy của họ" in page
        assert "Cơ sở dữ liệu không trả lời" in page
    assert "Thực hiện</button>" not in known.text
    # Without a pass of this page nobody gets in, and who is not signed in goes to the door.
    assert [answer.status_code for answer in others] == [503, 503, 303]
    assert light((await organiser.get(PAGE)).text, "Cơ sở dữ liệu") == "Tốt"


async def test_the_page_waits_for_no_database_that_hangs(
    stage: Stage, hanging: asyncpg.Pool[asyncpg.Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    organiser = stage.clients["organiser"]
    await organiser.get(PAGE)
    with monkeypatch.context() as patched:
        patched.setattr(db, "_pool", hanging)
        page = await organiser.get(PAGE)
    assert page.status_code == 200
    assert light(page.text, "Cơ sở dữ liệu") == "Có sự cố"


async def test_the_pass_opens_nothing_while_sessions_can_be_looked_up(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    await organiser.get(PAGE)
    await db.pool().execute(
        "UPDATE role SET ended_at = now() WHERE account_id = $1",
        await stage.account_id("organiser"),
    )
    assert (await organiser.get(PAGE)).status_code == 403


@pytest.mark.parametrize("forged", ["", "1.99999999999", "1.99999999999.x", "x"])
async def test_a_forged_pass_is_none(
    site: Site,
    stage: Stage,
    away: asyncpg.Pool[asyncpg.Record],
    monkeypatch: pytest.MonkeyPatch,
    forged: str,
) -> None:
    mai = stage.clients["mai"]
    mai.cookies.set(site.app.state.tokens.watch_cookie, forged)
    with monkeypatch.context() as patched:
        patched.setattr(db, "_pool", away)
        assert (await mai.get(PAGE)).status_code == 503


async def test_signing_out_gives_the_pass_back(stage: Stage, site: Site) -> None:
    organiser = stage.clients["organiser"]
    await organiser.get(PAGE)
    cookie = site.app.state.tokens.watch_cookie
    assert cookie in organiser.cookies
    await organiser.post("/dang-xuat")
    assert cookie not in organiser.cookies
