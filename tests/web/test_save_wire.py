from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.errors import Refusal
from quiz.attempts import Save, Saved
from tests.quiz.arena import Arena, build_arena, instant
from tests.web.conftest import SignIn, Site
from web.forms import parse_form


@pytest.fixture
async def arena(site: Site) -> Arena:
    return await build_arena()


class Browser:
    """A connection that is written and read byte by byte, with an open paper."""

    def __init__(self, url: str, path: str, cookie: str) -> None:
        self.where = urlsplit(url)
        self._path, self._cookie = path, cookie

    async def connect(self) -> None:
        self.reader, self._writer = await asyncio.open_connection(
            self.where.hostname, self.where.port
        )

    def request(self, form: str, *, site: str = "same-origin", more: str = "") -> bytes:
        return (
            f"POST {self._path}/luu HTTP/1.1\r\nHost: {self.where.netloc}\r\n"
            f"Accept: application/json\r\nCookie: {self._cookie}\r\nSec-Fetch-Site: {site}\r\n"
            f"{more}Content-Length: {len(form)}\r\n\r\n{form}"
        ).encode()

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers, body

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
async def browser(arena: Arena, sign_in: SignIn, site: Site) -> AsyncIterator[Browser]:
    mai = await sign_in(arena.person_ids[0])
    begun = await mai.post("/cuoc-thi/thi/vao-thi")
    path = begun.headers["location"]
    assert (await mai.get(path)).status_code == 200
    made = Browser(site.url, path, begun.headers["set-cookie"].partition(";")[0])
    await made.connect()
    yield made
    made.close()


@pytest.fixture
def reached(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes what reaches the application behind the edge."""
    reached: list[str] = []
    edge = site.app.state.edge
    inner = edge._app

    async def noted(scope: dict[str, str], receive: object, send: object) -> None:
        reached.append(scope["path"])
        await inner(scope, receive, send)

    monkeypatch.setattr(edge, "_app", noted)
    return reached


async def answers() -> object:
    return await db.pool().fetchval("SELECT answers FROM attempt")


async def test_a_save_is_answered_without_the_application_and_is_durable(
    browser: Browser, reached: list[str]
) -> None:
    for seq in (1, 2):
        browser.send(browser.request(f"seq={seq}&q{seq}=2&lan=1"))
        status, headers, body = await browser.answer()
        assert (status, orjson.loads(body)["saved_seq"]) == (200, seq)
        assert headers["content-type"] == "application/json"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert re.fullmatch(r"[0-9a-f]{6}-[0-9a-f]+", headers["x-request-id"])
        assert headers["date"].endswith("GMT")
    assert reached == []
    assert await answers() == {"1": [2], "2": [2]}


async def test_both_ways_give_the_same_answer(browser: Browser) -> None:
    browser.send(browser.request("seq=1&q1=2&lan=1"))
    quick = await browser.answer()
    browser.send(browser.request("seq=1&q1=2&lan=1", more="Expect: 100-continue\r\n"))
    assert await browser.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    slow = await browser.answer()
    assert slow[2] == quick[2]
    changing = {"x-request-id", "date"}
    assert {k: v for k, v in slow[1].items() if k not in changing} == {
        k: v for k, v in quick[1].items() if k not in changing
    }


async def test_saves_in_pieces_and_one_behind_another_are_answered_in_order(
    browser: Browser,
) -> None:
    whole = browser.request("seq=1&q1=2&lan=1")
    for place in range(0, len(whole), 40):
        browser.send(whole[place : place + 40])
        await asyncio.sleep(0.002)
    browser.send(b"".join(browser.request(f"seq={seq}&q{seq}=1&lan=1") for seq in (2, 3)))
    told = [orjson.loads((await browser.answer())[2])["saved_seq"] for _ in range(3)]
    assert told == [1, 2, 3]
    assert await answers() == {"1": [2], "2": [1], "3": [1]}


@pytest.mark.parametrize(
    ("form", "site_header", "status", "code"),
    [
        ("seq=1&q99=1&lan=1", "same-origin", 422, "bad_answer"),
        ("q1=1&lan=1", "same-origin", 422, "bad_seq"),
        ("seq=1&q1=1&lan=0", "same-origin", 409, "taken_over"),
        ("seq=1&q1=1&lan=1", "cross-site", 403, None),
    ],
)
async def test_what_is_refused_is_said_as_ever(
    browser: Browser, form: str, site_header: str, status: int, code: str | None
) -> None:
    browser.send(browser.request(form, site=site_header))
    found, headers, body = await browser.answer()
    assert found == status
    assert headers["x-content-type-options"] == "nosniff"
    if code is not None:
        assert orjson.loads(body)["code"] == code
    browser.send(browser.request("seq=1&q1=2&lan=1"))
    assert (await browser.answer())[0] == 200


async def test_a_save_past_the_deadline_is_refused_by_its_arrival(browser: Browser) -> None:
    await db.pool().execute("UPDATE attempt SET deadline_at = $1", instant(-1))
    browser.send(browser.request("seq=1&q1=2&lan=1"))
    status, _, body = await browser.answer()
    assert (status, orjson.loads(body)["code"]) == (409, "late")
    assert await answers() == {}


async def test_a_save_that_waited_in_vain_is_answered_with_that_and_not_tried_again(
    browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Save] = []

    def put_save(save: Save) -> asyncio.Future[Saved]:
        tried.append(save)
        commit: asyncio.Future[Saved] = asyncio.get_running_loop().create_future()
        refusal = Refusal("busy", "Bạn đợi một chút.", retry_after_seconds=2)
        commit.get_loop().call_later(0.05, commit.set_exception, refusal)
        return commit

    monkeypatch.setattr(site.app.state.attempts, "put_save", put_save)
    browser.send(browser.request("seq=1&q1=2&lan=1"))
    status, headers, _ = await browser.answer()
    assert (status, headers["retry-after"], len(tried)) == (503, "2", 1)


async def test_who_hangs_up_is_saved_all_the_same(browser: Browser, site: Site) -> None:
    inside = site.app.state.load.in_flight
    browser.send(browser.request("seq=1&q1=2&lan=1"))
    browser.close()
    async with asyncio.timeout(5):
        while await answers() == {}:  # noqa: ASYNC110 — the fact is in the database
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert site.app.state.load.in_flight == inside


async def test_another_attempts_path_takes_no_lane(
    browser: Browser, arena: Arena, sign_in: SignIn
) -> None:
    charlie = await sign_in(arena.person_ids[1])
    path = (await charlie.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    foreign = browser.request("seq=1&q1=2&lan=1").replace(browser._path.encode(), path.encode())
    browser.send(foreign)
    assert (await browser.answer())[0] == 404


async def test_a_leaving_process_ends_the_connection_with_its_answer(
    browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = site.app.state.edge
    monkeypatch.setattr(edge, "is_leaving", True)
    monkeypatch.setattr(edge, "headers", [*edge.headers, (b"connection", b"close")])
    browser.send(browser.request("seq=1&q1=2&lan=1"))
    status, headers, _ = await browser.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert await browser.reader.read() == b""


NAMES = st.text(st.sampled_from("q0123456789lanseq=&%+ ,é\0"), max_size=6)


@given(st.lists(st.tuples(NAMES, NAMES), max_size=8))
def test_a_plain_form_is_read_as_parse_qsl_reads_it(pairs: list[tuple[str, str]]) -> None:
    for body in (urlencode(pairs), "&".join(f"{name}={value}" for name, value in pairs)):
        expected: dict[str, list[str]] = {}
        for name, value in parse_qsl(body, keep_blank_values=True):
            expected.setdefault(name, []).append(value.replace("\0", ""))
        assert parse_form(body.encode()) == expected
