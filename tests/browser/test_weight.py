"""QU1: what the first quiz page costs somebody who pays for each megabyte."""

from __future__ import annotations

import pytest
from playwright.async_api import Request

from tests.browser.conftest import OpenPage
from tests.browser.paper import Person, begin

pytestmark = pytest.mark.browser


async def test_the_first_quiz_page_is_light(open_page: OpenPage, mai: Person) -> None:
    page = await open_page(mai)
    paper = await begin(page)
    finished: list[Request] = []

    def note(request: Request) -> None:
        finished.append(request)

    page.on("requestfinished", note)
    await page.goto(paper.path, wait_until="networkidle")
    weights: dict[str, int] = {}
    script = 0
    for request in finished:
        sizes = await request.sizes()
        weights[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]
        if request.resource_type == "script":
            script += sizes["responseBodySize"]
    assert len(weights) <= 8, weights
    assert sum(weights.values()) <= 60_000, weights
    assert script <= 25_000, weights
    assert "gzip" in (await finished[0].response()).headers["content-encoding"]
