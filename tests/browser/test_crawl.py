"""Everything that can be reached from the home page: no error, no violation of the policy, valid HTML."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.looking import ROOT, require_node_modules
from tests.browser.paper import ENTER, Person, begin

pytestmark = pytest.mark.browser
MOST_PAGES = 130
# Files to keep, and the other language, whose pages are the same.
NOT_FOLLOWED = re.compile(
    r"^/(ngon-ngu|quan-tri/.*/mau$|anh/|tai-khoan/chung-nhan/)|\.(pdf|xlsx|csv|json|py|zip)$"
)


async def crawl(page: Page, folder: Path, *, most_of_a_kind: int) -> dict[str, int]:
    """Follow links from the home page, breadth first; each page is kept as the server sent it.

    Boards have a page for each round, division and number, questions one each: so many of each
    path are enough, whatever its number.
    """
    seen: dict[str, int] = {}
    kinds: dict[str, int] = {}
    waiting = ["/"]
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        path = urlsplit(address).path
        if address in seen or NOT_FOLLOWED.search(path):
            continue
        kind = re.sub(r"/\d+(?=/|$)", "/1", path)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] > most_of_a_kind:
            continue
        answer = await page.goto(address)
        assert answer is not None
        seen[address] = answer.status
        name = re.sub(r"\W+", "-", address)[:120]
        (folder / f"{name}.html").write_bytes(await answer.body())
        links = await page.locator("a[href]").evaluate_all("all => all.map(a => a.href)")
        for link in links:
            parts = urlsplit(link)
            if parts.netloc == urlsplit(page.url).netloc:
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return seen


async def validate(folder: Path) -> None:
    require_node_modules()
    names = sorted(entry.path for entry in os.scandir(folder))
    program = await asyncio.create_subprocess_exec(
        "npx", "--no-install", "html-validate",
        "--config", str(Path(__file__).with_name("htmlvalidate.json")),
        "--formatter", "text", *names,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()[:4000]


async def expect_sound(page: Page, folder: Path, *, least: int, most_of_a_kind: int = 1) -> None:
    seen = await crawl(page, folder, most_of_a_kind=most_of_a_kind)
    refused = {address for address, status in seen.items() if status >= 400}
    assert refused <= {ENTER}, refused  # staff who take no part are told why at the door
    assert len(seen) >= least, sorted(seen)
    await validate(folder)


async def test_everything_that_a_visitor_can_reach(open_page: OpenPage, tmp_path: Path) -> None:
    page = await open_page()
    await expect_sound(page, tmp_path, least=20, most_of_a_kind=4)


async def test_everything_that_a_citizen_can_reach(
    open_page: OpenPage, mai: Person, tmp_path: Path
) -> None:
    page = await open_page(mai)
    done, running = await begin(page), None
    await page.request.post(f"{done.path}/nop", form={"seq": "1", "q1": "1"})
    running = await begin(page)
    (tmp_path / "paper.html").write_bytes(await (await page.request.get(running.path)).body())
    (tmp_path / "confirm.html").write_bytes(
        await (await page.request.get(f"{running.path}/xac-nhan-nop")).body()
    )
    await expect_sound(page, tmp_path, least=18)


async def test_everything_that_the_administrator_can_reach(
    open_page: OpenPage, admin: Person, tmp_path: Path
) -> None:
    page = await open_page(
        admin, viewport={"width": 1280, "height": 800}, tolerates=r"status of 409"
    )
    await expect_sound(page, tmp_path, least=20)
