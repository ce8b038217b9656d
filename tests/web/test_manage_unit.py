from __future__ import annotations

from datetime import date

import httpx
import pytest

from core import db
from people.audit import entries
from people.units import headcounts
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

PAGE = "/quan-tri/don-vi/X2"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def organiser(stage: Stage) -> httpx.AsyncClient:
    return stage.clients["organiser"]


async def test_counts_are_kept_with_day_and_source_and_the_newest_of_a_day_counts(
    stage: Stage, organiser: httpx.AsyncClient
) -> None:
    for count, day in (("120", "2026-01-01"), ("130", "2026-06-01")):
        form = {"so_nguoi": count, "ngay": day, "nguon": "Quyết định 12"}
        assert (await organiser.post(f"{PAGE}/so-nguoi", data=form)).status_code == 303
    page = (await organiser.get(PAGE)).text
    assert page.index("01/06/2026") < page.index("01/01/2026")
    assert page.count("Quyết định 12") == 2
    unit = stage.other_unit_id
    assert await headcounts([unit], on=date(2026, 5, 31)) == {unit: 120}
    assert await headcounts([unit], on=date(2026, 6, 1)) == {unit: 130}
    assert [line.action for line in await entries(f"unit:{unit}")] == ["add_headcount"] * 2


@pytest.mark.parametrize(
    ("deed", "form", "field"),
    [
        ("so-nguoi", {"so_nguoi": "nhiều", "ngay": "2026-01-01"}, "so_nguoi"),
        ("so-nguoi", {"so_nguoi": "5", "ngay": "01/01/2026"}, "ngay"),
        ("ten-khac", {"ten_khac": " "}, "ten_khac"),
        ("ke-thua", {"ke_thua": "", "tu_ngay": "2026-01-01"}, "ke_thua"),
        ("ke-thua", {"ke_thua": "Xã Không Có", "tu_ngay": "2026-01-01"}, "ke_thua"),
        ("chuyen-nguoi", {"den": "X1"}, "den"),
    ],
)
async def test_a_form_that_needs_mending_says_where(
    organiser: httpx.AsyncClient, deed: str, form: dict[str, str], field: str
) -> None:
    answer = await organiser.post(f"{PAGE}/{deed}", data=form)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text


async def test_a_unit_gives_way_to_another_and_its_people_follow_when_told(
    stage: Stage, organiser: httpx.AsyncClient
) -> None:
    mai = stage.person_ids["mai"]
    await db.pool().execute(
        "UPDATE person SET unit_id = $2 WHERE id = $1", mai, stage.other_unit_id
    )
    ended = {"ke_thua": "xa binh lu", "tu_ngay": "2026-01-01"}
    assert (await organiser.post(f"{PAGE}/ke-thua", data=ended)).status_code == 303
    page = (await organiser.get(PAGE)).text
    assert "đến hết 31/12/2025" in page
    assert "Được kế thừa bởi" in page
    unit_of_mai = "SELECT unit_id FROM person WHERE id = $1"
    assert await db.pool().fetchval(unit_of_mai, mai) == stage.other_unit_id
    assert (await organiser.post(f"{PAGE}/chuyen-nguoi", data={"den": "X1"})).status_code == 303
    assert await db.pool().fetchval(unit_of_mai, mai) == stage.arena.unit_id
    actions = [line.action for line in await entries(f"unit:{stage.other_unit_id}")]
    assert actions == ["move_persons", "record_succession"]


async def test_one_more_name_finds_the_unit(stage: Stage, organiser: httpx.AsyncClient) -> None:
    for _ in range(2):
        await organiser.post(f"{PAGE}/ten-khac", data={"ten_khac": "Nậm Hàng cũ"})
    assert (await organiser.get(PAGE)).text.count("<li>Nậm Hàng cũ</li>") == 1
