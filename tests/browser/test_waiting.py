"""The waiting room in a browser: nothing read aloud while she waits, the button when her turn comes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from core.settings import Settings
from tests.browser.conftest import OpenPage
from tests.browser.looking import faults_of, require_node_modules
from tests.browser.paper import Person
from tests.web.conftest import Site
from tests.web.test_admission import Crowd, crowd_of, press, relieve
from web.demo.contests import OPEN_SLUG
from web.load_level import FULL

pytestmark = pytest.mark.browser
NET_NOISE = r"^Failed to load resource"


@pytest.fixture
async def crowd(province: Site, settings: Settings) -> AsyncIterator[Crowd]:
    async with crowd_of(province, settings) as found:
        yield found


async def test_mai_sees_her_place_and_starts_only_when_she_presses(
    open_page: OpenPage, mai: Person, crowd: Crowd
) -> None:
    require_node_modules()
    await crowd.open_line(waiting=1250, pace=300.0)  # soon her turn: the page asks often
    page = await open_page(mai, tolerates=NET_NOISE)
    await page.goto(f"/cuoc-thi/{OPEN_SLUG}")
    await page.get_by_role("link", name="Vào thi").first.click()
    await page.get_by_role("button", name="Vào thi").click()
    await expect(page.locator("h1").first).to_have_text("Bạn đang trong hàng chờ vào thi")
    await expect(page.locator("#truoc")).to_have_text(re.compile(r"^1\.[12]\d0$"))
    await expect(page.locator("#bao")).to_be_empty()
    faults = await faults_of(page, "waiting")
    await crowd.serve_all()
    await expect(page.get_by_role("heading", name="Đến lượt bạn")).to_be_visible()
    await expect(page.locator("#bao")).to_have_text("Đến lượt bạn")
    faults += await faults_of(page, "served")
    await page.get_by_role("button", name="Vào thi").click()
    await page.wait_for_url("**/bai-thi/**")
    press(crowd.load, FULL)
    await page.goto("/dang-ky")
    faults += await faults_of(page, "turned away")
    relieve(crowd.load)
    assert not faults, "\n".join(faults)
