"""What is turned away at which level, and the way through the waiting room, over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from redis.asyncio import Redis

from core import db
from core.settings import Settings
from people.roles import grant_role
from quiz.platform_switches import switch
from tests.quiz.arena import Arena, build_arena
from tests.web.conftest import SignIn, Site
from tests.web.test_play import JSON, begin
from web.load_level import (
    BUSY,
    CALM,
    CROWD,
    FULL,
    HEAVY,
    HOLD_SECONDS,
    LAG_LIMIT_SECONDS,
    SAMPLES,
    STARTS_AT,
    Load,
    Sample,
)
from web.routes import TABLE
from web.shedding import BOARD, DASHBOARD, FIGURES, INSIDE, MOST_IN_WINDOW, NEWCOMER, kind_of
from web.waiting_line import WaitingLine

DOOR, ROOM = "/cuoc-thi/thi/vao-thi", "/cuoc-thi/thi/cho"
BOARDS = "/cuoc-thi/thi/bang-xep-hang"

# Everything else of the table is never turned away.
SHED = {
    DASHBOARD: [
        "GET /quan-tri",
        "GET /quan-tri/cuoc-thi/{slug}/phan-tich",
        "GET /quan-tri/cuoc-thi/{slug}/phan-tich.xlsx",
        "GET /quan-tri/cuoc-thi/{slug}/ban-do-kien-thuc",
        "GET /quan-tri/cuoc-thi/{slug}/ban-do-kien-thuc.xlsx",
        "GET /quan-tri/cuoc-thi/{slug}/dang-dien-ra",
        "GET /quan-tri/cuoc-thi/{slug}/bang-xep-hang.xlsx",
        "GET /quan-tri/cuoc-thi/{slug}/bang-xep-hang.csv",
    ],
    BOARD: [
        "GET /cuoc-thi/{slug}/bang-xep-hang",
        "GET /cuoc-thi/{slug}/thong-ke",
        "GET /cuoc-thi/{slug}/ket-qua",
    ],
    FIGURES: [
        "GET /cuoc-thi/{slug}/vi-tri",
        "GET /cuoc-thi/{slug}/ket-qua/{round}.json",
        "GET /cuoc-thi/{slug}/boc-tham/{draw}",
        "GET /cuoc-thi/{slug}/boc-tham/{draw}/du-lieu.json",
    ],
}


def press(load: Load, level: int) -> None:
    """Let the process measure what makes this level: a crowd inside and a late event loop."""
    lag = STARTS_AT[level] * LAG_LIMIT_SECONDS * 1.1
    for _ in range(SAMPLES):
        load.note(Sample(time.monotonic(), lag, in_flight=2 * CROWD, answered_per_s=100_000))


def relieve(load: Load) -> None:
    at = time.monotonic()
    while load.level > CALM:
        at += HOLD_SECONDS
        load.note(Sample(at))


@dataclass
class Crowd:
    """The running application, and the hand on what it measures."""

    load: Load
    line: WaitingLine
    valkey: Redis

    async def open_line(self, *, waiting: int, pace: float = 1.0) -> None:
        """With so many people in front whose turn has not come."""
        self.load.pressure = 0.0
        while not self.line.is_open:
            press(self.load, HEAVY)
            await self.line.beat()
        await self.valkey.hset("cho:hang", mapping={"rate": "1.0", "pace": repr(pace)})
        await self.valkey.hincrby("cho:hang", "issued", waiting)
        await self.line.beat()

    async def change_name(self, name: str) -> None:
        await db.pool().execute("UPDATE contest SET name = $1", name)

    async def serve_all(self) -> None:
        issued = await self.valkey.hget("cho:hang", "issued")
        await self.valkey.hset("cho:hang", "served", issued)
        await self.line.beat()


@asynccontextmanager
async def crowd_of(site: Site, settings: Settings) -> AsyncIterator[Crowd]:
    """The site with a hand on what it measures; as it was afterwards."""
    async with Redis.from_url(settings.redis_url, decode_responses=True) as valkey:
        found = Crowd(site.app.state.load, site.app.state.line, valkey)
        relieve(found.load)
        yield found
        relieve(found.load)
        await valkey.hset("cho:hang", "is_open", 0)
        await found.line.beat()


@pytest.fixture
async def arena(site: Site) -> Arena:
    return await build_arena()


@pytest.fixture
async def crowd(site: Site, arena: Arena, settings: Settings) -> AsyncIterator[Crowd]:
    async with crowd_of(site, settings) as found:
        yield found


def test_every_route_has_its_place_in_the_order() -> None:
    expected = {line: kind for kind, lines in SHED.items() for line in lines}
    newcomers = ("/dang-ky", "/tim-don-vi", "/tai-khoan", "/cuoc-thi/{slug}/khieu-nai")
    for method, path, *_ in TABLE:
        kind = NEWCOMER if path.startswith(newcomers) else INSIDE
        filled = re.sub(r"\{(\w+)(:path)?\}", r"\1", path)
        assert kind_of(method, filled) == expected.get(f"{method} {path}", kind), path
    assert {line.split(" ")[1] for line in expected} <= {path for _, path, *_ in TABLE}


async def test_dashboards_go_first_then_boards_then_newcomers_and_never_who_is_inside(
    crowd: Crowd, arena: Arena, sign_in: SignIn, visitor: httpx.AsyncClient
) -> None:
    mai = await sign_in(arena.person_ids[0])
    organiser = await sign_in(arena.person_ids[1])
    account_id = await _account(arena, 1)
    await grant_role(account_id, "organiser", unit_id=arena.unit_id, by=None)
    path = await begin(mai)
    seq = iter(range(1, 100))

    async def inside() -> list[int]:
        answers = [
            await mai.get(path),
            await mai.post(f"{path}/luu", data={"seq": str(next(seq)), "q1": "2"}, headers=JSON),
            await mai.get(f"{path}/ket-qua", headers=JSON),
            await mai.post(DOOR),
            await organiser.get("/quan-tri/cuoc-thi/thi/dieu-hanh"),
            await visitor.get("/dang-nhap"),
            await visitor.get("/"),
        ]
        return [answer.status_code for answer in answers]

    async def others() -> list[int]:
        answers = [
            await organiser.get("/quan-tri/cuoc-thi/thi/dang-dien-ra"),
            await mai.get("/cuoc-thi/thi/vi-tri"),
            await visitor.get(f"{BOARDS}?trang=7"),
            await visitor.get("/dang-ky"),
        ]
        return [answer.status_code for answer in answers]

    always = [200, 200, 200, 303, 200, 200, 200]
    assert (await inside(), await others()) == (always, [200, 200, 200, 200])
    press(crowd.load, BUSY)
    assert (await inside(), await others()) == (always, [503, 200, 200, 200])
    press(crowd.load, HEAVY)
    assert (await inside(), await others()) == (always, [503, 503, 200, 200])
    press(crowd.load, FULL)
    assert (await inside(), await others()) == (always, [503, 503, 200, 503])
    assert (await mai.post(f"{path}/nop", data={"seq": "0"})).status_code == 303


async def test_a_board_shows_its_copy_while_it_rests_and_says_of_when(
    crowd: Crowd, visitor: httpx.AsyncClient
) -> None:
    kept = await visitor.get(BOARDS)
    assert "Số liệu lúc" in kept.text
    press(crowd.load, HEAVY)
    assert (await visitor.get(BOARDS)).text == kept.text
    never_seen = await visitor.get(f"{BOARDS}?trang=2&dot=1")
    assert never_seen.status_code == 503


async def _account(arena: Arena, person: int) -> int:
    return await db.pool().fetchval(
        "SELECT id FROM account WHERE person_id = $1", arena.person_ids[person]
    )


async def test_who_is_turned_away_is_told_when_to_come_back_and_that_answers_are_safe(
    crowd: Crowd, visitor: httpx.AsyncClient
) -> None:
    press(crowd.load, FULL)
    waits = set()
    for _ in range(12):
        page = await visitor.get("/dang-ky")
        assert page.status_code == 503
        assert "Những câu trả lời đã lưu vẫn còn nguyên" in page.text
        assert page.headers["cache-control"] == "no-store"
        waits.add(int(page.headers["retry-after"]))
    assert len(waits) > 1  # spread
    assert min(waits) >= 1
    told = await visitor.get("/dang-ky", headers=JSON)
    assert (told.status_code, told.json()["code"]) == (503, "overloaded")
    assert told.json()["retry_after"] == int(told.headers["retry-after"])
    part = await visitor.get(f"{BOARDS}?trang=3", headers={"hx-request": "true"})
    assert (part.status_code, part.headers["hx-reswap"], part.content) == (503, "none", b"")


async def test_one_browser_that_asks_too_much_gets_429_and_the_others_are_answered(
    crowd: Crowd, arena: Arena, sign_in: SignIn
) -> None:
    mai, charlie = [await sign_in(arena.person_ids[person]) for person in (0, 1)]
    path = await begin(mai)
    await charlie.get(BOARDS)
    press(crowd.load, BUSY)
    answers = [await mai.get(BOARDS) for _ in range(MOST_IN_WINDOW + 1)]
    assert answers[-1].status_code == 429
    assert "retry-after" in answers[-1].headers
    assert (await charlie.get(BOARDS)).status_code == 200
    saved = await mai.post(f"{path}/luu", data={"seq": "1", "q1": "2"}, headers=JSON)
    assert saved.status_code == 200


async def test_lite_mode_turns_boards_away_without_a_crowd(
    crowd: Crowd, visitor: httpx.AsyncClient, site: Site
) -> None:
    async def board_is(status: int) -> None:
        site.app.state.contests.forget()
        give_up_at = time.monotonic() + 10
        page = 10
        while (await visitor.get(f"{BOARDS}?trang={page}")).status_code != status:
            assert time.monotonic() < give_up_at
            page += 1  # one that nobody has asked for

    await switch("lite", True, "Trực ban tập thử", None)
    await board_is(503)
    assert (await visitor.get("/dang-ky")).status_code == 200
    await switch("lite", False, "Tập xong", None)
    await board_is(200)


async def test_a_busy_platform_gives_a_page_again_for_a_second(
    crowd: Crowd, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    page = "/cuoc-thi/thi"
    press(crowd.load, BUSY)
    first = await visitor.get(page)
    again = await visitor.get(page)
    assert again.text == first.text
    assert again.headers["cache-control"] == first.headers["cache-control"]
    assert again.headers["content-security-policy"]  # it passed the edge like any other
    known = await visitor.get(page, headers={"if-none-match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    english = await visitor.get(page, headers={"cookie": "ngon_ngu=en"})
    assert 'lang="en"' in english.text
    await crowd.change_name("Tên mới")
    give_up_at = time.monotonic() + 10
    while "Tên mới" not in (await visitor.get(page)).text:
        assert time.monotonic() < give_up_at


async def test_mai_waits_her_turn_without_script_and_begins_when_it_has_come(
    crowd: Crowd, arena: Arena, sign_in: SignIn
) -> None:
    mai = await sign_in(arena.person_ids[0])
    await crowd.open_line(waiting=500)
    pressed = await mai.post(DOOR)
    assert (pressed.status_code, pressed.headers["location"]) == (303, ROOM)
    page = await mai.get(ROOM)
    assert page.status_code == 200
    assert int(page.headers["retry-after"]) > 0
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', page.text)
    assert re.search(r'id="truoc">(4[89]|5\d)0<', page.text)
    place = (await mai.get(ROOM, headers=JSON)).json()
    again = await mai.post(DOOR)  # pressing once more keeps the number
    assert again.headers["location"] == ROOM
    assert (await mai.get(ROOM, headers=JSON)).json()["place"] == place["place"]
    await crowd.serve_all()
    turn = await mai.get(f"{ROOM}/den-luot")
    assert turn.json()["served"] >= place["place"]
    assert turn.headers["cache-control"] == "public, max-age=1"
    page = await mai.get(ROOM)
    assert "Đến lượt bạn" in page.text
    assert "retry-after" not in page.headers
    assert f'<form method="post" action="{DOOR}">' in page.text
    begun = await mai.post(DOOR)
    assert begun.headers["location"].startswith("/bai-thi/")
    assert (await mai.get(begun.headers["location"])).status_code == 200


async def test_an_edited_or_borrowed_number_is_nobodys(
    crowd: Crowd, arena: Arena, sign_in: SignIn
) -> None:
    mai, charlie = [await sign_in(arena.person_ids[person]) for person in (0, 1)]
    await crowd.open_line(waiting=100)
    await mai.post(DOOR)
    name = "so_cho"
    held = mai.cookies[name]
    number = (await mai.get(ROOM, headers=JSON)).json()["place"]
    epoch, _, rest = held.partition(".")
    for forged in (f"{epoch}.1.{rest.partition('.')[2]}", f"1.{number}.x", "1.1", "", "é.1.1"):
        mai.cookies.delete(name)
        answer = await mai.post(DOOR, headers={b"cookie": _with(mai, name, forged)})
        assert answer.headers["location"] == ROOM, forged
        assert (await mai.get(ROOM, headers=JSON)).json()["place"] == number, forged
    await crowd.serve_all()
    await crowd.valkey.hincrby("cho:hang", "issued", 300)
    await crowd.line.beat()
    borrowed = await charlie.post(DOOR, headers={b"cookie": _with(charlie, name, held)})
    assert borrowed.headers["location"] == ROOM  # Mai's turn has come, Charlie's has not


def _with(client: httpx.AsyncClient, name: str, value: str) -> bytes:
    own = "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar if each.name != name)
    return f"{own}; {name}={value}".encode("latin-1")


async def test_a_used_ticket_does_not_open_the_door_twice(
    crowd: Crowd, arena: Arena, sign_in: SignIn
) -> None:
    mai = await sign_in(arena.person_ids[0])
    await crowd.open_line(waiting=100)
    await mai.post(DOOR)
    held = mai.cookies["so_cho"]
    await crowd.serve_all()
    path = (await mai.post(DOOR)).headers["location"]
    assert "so_cho" not in mai.cookies
    await mai.post(f"{path}/nop", data={"seq": "0"})
    await crowd.valkey.hincrby("cho:hang", "issued", 300)
    await crowd.line.beat()
    again = await mai.post(DOOR, headers={b"cookie": _with(mai, "so_cho", held)})
    assert again.headers["location"] == ROOM


async def test_where_many_were_called_at_once_one_is_told_when_to_press_again(
    crowd: Crowd, arena: Arena, sign_in: SignIn
) -> None:
    mai, charlie = await sign_in(arena.person_ids[0]), await sign_in(arena.person_ids[1])
    await crowd.open_line(waiting=100)
    await mai.post(DOOR)
    await charlie.post(DOOR)
    await crowd.serve_all()
    crowd.line.line = replace(crowd.line.line, rate=0.02)  # the next place is 50 seconds off
    assert (await mai.post(DOOR)).headers["location"].startswith("/bai-thi/")
    told = (await charlie.post(DOOR)).headers["location"]
    room, seconds = told.split("?sau=")
    assert room == ROOM
    assert 1 < int(seconds) <= 50
    page = await charlie.get(told)
    assert page.headers["retry-after"] == seconds
    assert f"sau khoảng {seconds} giây" in page.text
    assert 'action="/cuoc-thi/thi/vao-thi"' in page.text
    assert (await charlie.get(f"{ROOM}?sau=-1")).headers.get("retry-after") is None


async def test_who_has_an_open_attempt_never_waits(
    crowd: Crowd, arena: Arena, sign_in: SignIn
) -> None:
    phone = await sign_in(arena.person_ids[0])
    path = await begin(phone)
    await crowd.open_line(waiting=1000)
    other = await sign_in(arena.person_ids[0])
    assert (await other.post(DOOR)).headers["location"] == path
    assert (await other.get(DOOR)).headers["location"] == path
    charlie = await sign_in(arena.person_ids[1])
    assert (await charlie.get(DOOR)).headers["location"] == ROOM
    assert (await charlie.get(ROOM, headers=JSON)).json()[
        "place"
    ] is None  # looking takes no number
    nobody = await charlie.get(ROOM)
    assert "được cấp một số thứ tự" in nobody.text


async def test_while_valkey_is_away_people_get_in(
    crowd: Crowd, arena: Arena, sign_in: SignIn, site: Site, settings: Settings
) -> None:
    await crowd.open_line(waiting=1000)
    line = WaitingLine("redis://127.0.0.1:1/0", crowd.load)
    line.is_open, site.app.state.line = True, line
    try:
        clients = [await sign_in(person_id) for person_id in arena.person_ids]
        outside = {client: await client.post(DOOR) for client in clients}
        give_up_at = time.monotonic() + 20
        while outside and time.monotonic() < give_up_at:
            await line.beat()
            for client in list(outside):
                answer = await client.post(DOOR)
                if answer.headers["location"].startswith("/bai-thi/"):
                    del outside[client]
        assert not outside
    finally:
        site.app.state.line = crowd.line
        await line.close()
