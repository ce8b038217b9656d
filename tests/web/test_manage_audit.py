from __future__ import annotations

import ast
import csv

import httpx
import pytest

from core import db
from core.documents import read_sheet
from people.audit import entries, record
from people.audit_chain import seal_entries
from tests.test_house import PACKAGES, python_files
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn
from web.audit_words import ACTIONS, detail_words, subject_words

TRAIL = "/quan-tri/nhat-ky"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


async def write(action: str, subject: str, by: int | None = None, **detail: object) -> None:
    async with db.transaction() as connection:
        await record(connection, by=by, action=action, subject=subject, detail=detail)


async def test_the_auditor_reads_who_did_what_in_words(stage: Stage) -> None:
    organiser = await stage.account_id("organiser")
    await write("save_question", "question:7", organiser, phone="+84912345678")
    await seal_entries()
    page = (await stage.clients["auditor"].get(TRAIL)).text
    assert "Sửa câu hỏi" in page
    assert "Câu hỏi 7" in page
    assert "0912***678" in page
    assert "912345678" not in page
    assert await db.pool().fetchval("SELECT max(seal) FROM audit_seal WHERE number = 9") in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, {"a1", "b2", "b12"}),
        ({"viec": "make_contest"}, {"a1", "b2"}),
        ({"loai": "contest", "ma": "12"}, {"b12"}),
        ({"loai": "contest"}, {"b2", "b12"}),
        ({"nguoi": "lo thi mai"}, {"a1"}),
        ({"tu_ngay": "2001-01-01", "den_ngay": "2001-01-02"}, set()),
        ({"tu_ngay": "2001-01-01", "den_ngay": "9999-01-02x"}, {"a1", "b2", "b12"}),
    ],
)
async def test_lines_are_narrowed_down(
    stage: Stage, query: dict[str, str], shown: set[str]
) -> None:
    mai = await stage.account_id("mai")
    await write("make_contest", "bank:1", mai, mark="a1")
    await write("make_contest", "contest:2", mark="b2")
    await write("approve_contest", "contest:12", mark="b12")
    page = (await stage.clients["auditor"].get(TRAIL, params=query)).text
    assert {mark for mark in ("a1", "b2", "b12") if f"mark: {mark}<" in page} == shown


async def test_older_lines_are_a_page_away(stage: Stage) -> None:
    for number in range(60):
        await write("make_contest", f"contest:{number}")
    page = (await stage.clients["auditor"].get(TRAIL, params={"viec": "make_contest"})).text
    assert page.count("<tr><td") == 50
    older = page.split('href="/quan-tri/nhat-ky?')[1].split('"')[0].replace("&amp;", "&")
    assert (await stage.clients["auditor"].get(f"{TRAIL}?{older}")).text.count("<tr><td") == 10


async def test_an_export_needs_a_reason_and_is_a_line_itself(stage: Stage) -> None:
    auditor = stage.clients["auditor"]
    await write("make_contest", "contest:2", note='=HYPERLINK("x")')
    refused = await auditor.post(f"{TRAIL}/xuat", data={"dang": "xlsx"})
    assert refused.status_code == 422
    form = {"ly_do": "Kiểm tra định kỳ", "viec": "make_contest"}
    sheet = await auditor.post(f"{TRAIL}/xuat", data={**form, "dang": "xlsx"})
    assert read_sheet(sheet.content)[1].cells[3:5] == ("Lập cuộc thi", "Cuộc thi 2")
    table = await auditor.post(f"{TRAIL}/xuat", data={**form, "dang": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.content.startswith(b"\xef\xbb\xbf")
    assert len(list(csv.reader(table.content.decode("utf-8-sig").splitlines()))) == 2
    (newest, *_) = await entries("audit")
    assert newest.action == "export_audit"
    assert newest.detail["reason"] == "Kiểm tra định kỳ"


async def test_an_auditor_of_one_commune_does_not_read_the_whole_trail(stage: Stage) -> None:
    await db.pool().execute(
        "UPDATE role SET unit_id = $1 WHERE name = 'auditor'", stage.other_unit_id
    )
    assert (await stage.clients["auditor"].get(TRAIL)).status_code == 404


def said_in(call: ast.Call) -> set[str]:
    """The actions that a call records, where they stand as words of their own."""
    if getattr(call.func, "id", "") == "record_change":
        nodes = list(call.args[3:4])
    else:
        nodes = [keyword.value for keyword in call.keywords if keyword.arg == "action"]
    nodes += [
        each for node in nodes if isinstance(node, ast.IfExp) for each in (node.body, node.orelse)
    ]
    return {str(node.value) for node in nodes if isinstance(node, ast.Constant)}


def test_every_action_of_the_code_has_its_words() -> None:
    recorders = {"record", "_record", "record_change"}
    used = {
        action
        for name, text in python_files(*PACKAGES)
        for call in ast.walk(ast.parse(text, name))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in recorders
        for action in said_in(call)
    }
    assert {"set_blueprint", "throw_switch", "release_switch", "finalise_round"} <= used
    assert used - ACTIONS.keys() == set()


def test_objects_and_details_read_as_words() -> None:
    assert subject_words("contest:12") == "Cuộc thi 12"
    assert subject_words("units") == "Cây đơn vị"
    assert detail_words({"a": None, "b": [1, True], "c": {"d": "x" * 300}}).endswith("…")
    assert detail_words({"số": "+84912345678 và +84987654321"}) == "số: 0912***678 và 0987***321"
