from __future__ import annotations

import re

import httpx
import pytest

from core import db
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn, Site

DESK = "/quan-tri/cuoc-thi/thi"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


async def doors(client: httpx.AsyncClient, address: str = DESK) -> list[str]:
    answer = await client.get(address)
    assert answer.status_code == 200
    [tabs] = re.findall(r'<nav class="desk-tabs".*?</nav>', answer.text, re.DOTALL) or [""]
    assert tabs.count("aria-current") == bool(tabs)
    return re.findall(r'href="([^"]+)"', tabs)


async def test_every_page_about_a_contest_leads_to_every_other(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    pages = await doors(organiser)
    assert len(pages) == 9
    beneath = [f"{DESK}/{page}" for page in ("dieu-hanh", "dau-hieu", "dot/1", "the-le")]
    for page in [*pages, *beneath]:
        assert await doors(organiser, page) == pages


@pytest.mark.parametrize("who", ["organiser", "reviewer", "approver", "leader", "auditor", "admin"])
async def test_no_page_is_offered_that_would_be_refused(stage: Stage, who: str) -> None:
    for page in await doors(stage.clients[who]):
        assert (await stage.clients[who].get(page)).status_code == 200


async def test_a_draft_has_its_desk_alone(stage: Stage, running_site: Site) -> None:
    await db.pool().execute("UPDATE contest SET state = 'draft'")
    running_site.forget()
    assert await doors(stage.clients["organiser"]) == []


async def test_the_first_page_says_whose_turn_it_is_with_a_result(stage: Stage) -> None:
    organiser, approver = stage.clients["organiser"], stage.clients["approver"]
    await db.pool().execute(
        "UPDATE round SET opens_at = now() - interval '9 days', "
        "closes_at = now() - interval '1 day', result = 'provisional'"
    )
    assert "Tuần 1 chờ khóa kết quả" in (await organiser.get("/quan-tri")).text
    assert "kết quả</p>" not in (await approver.get("/quan-tri")).text
    await db.pool().execute("UPDATE round SET prediction_frozen_at = now()")
    assert "kết quả</p>" not in (await organiser.get("/quan-tri")).text
    assert "Tuần 1 chờ chốt kết quả" in (await approver.get("/quan-tri")).text
