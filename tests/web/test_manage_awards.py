"""The papers of a final result: who took one stands in the audit trail."""

from __future__ import annotations

import httpx
import pytest

from core import db
from core.official_paper import DOCX
from people.audit import entries
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

PAPER = "/quan-tri/cuoc-thi/thi/giai-thuong/van-ban"
ASKED = {
    "dot": "1", "loai": "danh-sach", "co_quan": "Ban Tổ chức", "dia_danh": "Lai Châu",
    "chuc_vu": "Trưởng ban",
}  # fmt: skip


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


async def test_every_list_of_winners_that_is_taken_is_put_on_record(stage: Stage) -> None:
    await db.pool().execute("UPDATE round SET result = 'final', prediction_actual = 1")
    organiser = stage.clients["organiser"]
    assert (await organiser.get(PAPER, params={**ASKED, "co_quan": ""})).status_code == 422
    for _ in range(2):
        answer = await organiser.get(PAPER, params=ASKED)
        assert answer.headers["content-type"] == DOCX
    told = await entries(f"contest:{stage.arena.contest_id}")
    taken = [each for each in told if each.action == "export_results"]
    assert [each.detail["paper"] for each in taken] == ["danh-sach-doat-giai"] * 2
    assert {each.by for each in taken} == {await stage.account_id("organiser")}
