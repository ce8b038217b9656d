from __future__ import annotations

import base64
import csv
import re

import httpx
import pytest

from core import db
from core.documents import read_sheet, write_sheet
from people.audit import entries
from people.official_import import COLUMNS
from people.roles import grant_role
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

PAGE = "/quan-tri/nguoi"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def focal_point(stage: Stage) -> httpx.AsyncClient:
    """Charlie looks after the smaller commune, to which only Charlie belongs."""
    await grant_role(
        await stage.account_id("charlie"), "focal_point", unit_id=stage.other_unit_id, by=None
    )
    await db.pool().execute(
        "UPDATE person SET unit_id = $2, full_name = '=Charlie' WHERE id = $1",
        stage.person_ids["charlie"],
        stage.other_unit_id,
    )
    return stage.clients["charlie"]


async def test_numbers_are_masked_and_a_look_at_one_is_written_down(stage: Stage) -> None:
    organiser, mai = stage.clients["organiser"], stage.person_ids["mai"]
    listed = (await organiser.get(PAGE, params={"tim": "lo thi mai"})).text
    own = (await organiser.get(f"{PAGE}/{mai}")).text
    for page in (listed, own):
        assert "0910***001" in page
        assert "0910 000 001" not in page
    seen = await organiser.post(f"{PAGE}/{mai}/so-dien-thoai")
    assert "0910 000 001" in seen.text
    (line,) = await entries(f"person:{mai}")
    assert (line.action, line.by) == ("reveal_phone", await stage.account_id("organiser"))


async def test_a_focal_point_sees_only_people_of_the_own_unit(
    stage: Stage, focal_point: httpx.AsyncClient
) -> None:
    page = (await focal_point.get(PAGE)).text
    assert "1 người" in page
    assert "Lò Thị Mai" not in page
    mai = stage.person_ids["mai"]
    for path in (f"{PAGE}/{mai}", f"{PAGE}/{stage.person_ids['charlie']}/gop/{mai}"):
        assert (await focal_point.get(path)).status_code in {403, 404}
    assert (await focal_point.post(f"{PAGE}/{mai}/so-dien-thoai")).status_code == 404
    assert (await focal_point.post(f"{PAGE}/xuat", data={"ly_do": "x"})).status_code == 403
    assert await entries(f"person:{mai}") == []


async def test_an_export_holds_numbers_as_text_and_no_formula(
    stage: Stage, focal_point: httpx.AsyncClient
) -> None:
    organiser = stage.clients["organiser"]
    without = await organiser.post(f"{PAGE}/xuat", data={"dang": "xlsx"})
    assert without.status_code == 422
    assert 'href="#ly_do"' in without.text
    form = {"ly_do": "Lập danh sách mời", "don_vi": "nam hang"}
    sheet = await organiser.post(f"{PAGE}/xuat", data={**form, "dang": "xlsx"})
    assert read_sheet(sheet.content)[1].cells[:3] == ("=Charlie", "1990", "0910 000 002")
    table = await organiser.post(f"{PAGE}/xuat", data={**form, "dang": "csv"})
    rows = list(csv.reader(table.content.decode("utf-8-sig").splitlines()))
    assert rows[1][0] == "'=Charlie"
    assert rows[1][2] == "0910 000 002"
    (line, _) = await entries("people")
    assert (line.detail["people"], line.detail["reason"]) == (1, "Lập danh sách mời")


async def test_a_list_comes_in_and_its_wrong_rows_go_home_with_the_page(stage: Stage) -> None:
    rows = [
        ("Vàng A Sử", "0911 222 333", "1980", "X1", "", ""),
        ("Lý Thị Hoa", "sai", "1980", "X1", "", ""),
    ]
    files = {"tep": ("cán bộ.xlsx", write_sheet("x", list(COLUMNS.values()), rows), "x/y")}
    organiser = stage.clients["organiser"]
    tried = await organiser.post(f"{PAGE}/nhap", files=files, data={"viec": "thu"})
    assert "Chỉ thử, chưa nhập gì" in tried.text
    assert "Người mới 1" in tried.text
    done = await organiser.post(f"{PAGE}/nhap", files=files, data={"viec": "nhap"})
    assert "Đã nhập" in done.text
    assert "sai" in done.text
    encoded = re.findall(r'href="data:[^"]*;base64,([^"]+)"', done.text)[0]
    assert read_sheet(base64.b64decode(encoded))[1].cells[0] == "Lý Thị Hoa"
    found = (await organiser.get(PAGE, params={"tim": "0911222333"})).text
    assert "Vàng A Sử" in found


async def test_two_records_are_compared_and_merged(stage: Stage) -> None:
    organiser, mai = stage.clients["organiser"], stage.person_ids["mai"]
    twin = next(
        row["id"]
        for row in await db.pool().fetch(
            "SELECT id FROM person WHERE full_name = 'Lò Thị Mai' AND id <> $1 "
            "AND NOT EXISTS (SELECT FROM account a JOIN role r ON r.account_id = a.id "
            "WHERE a.person_id = person.id) UNION ALL SELECT $2",
            mai,
            stage.person_ids["charlie"],
        )
    )
    url = f"{PAGE}/{mai}/gop/{twin}"
    assert "Giữ hồ sơ nào?" in (await organiser.get(url)).text
    assert (await organiser.post(url, data={"giu": "7777"})).status_code == 422
    done = await organiser.post(url, data={"giu": str(mai)})
    assert done.headers["location"] == f"{PAGE}/{mai}"
    assert f"{PAGE}/{mai}" in (await organiser.get(f"{PAGE}/{twin}")).text
    assert (await organiser.get(url)).status_code == 404
