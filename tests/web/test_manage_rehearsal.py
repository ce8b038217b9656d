from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import httpx
import pytest

from core import clock, db
from quiz import rehearsals
from quiz.rehearsal_plan import judge, plan_for
from tests.quiz.test_rehearsal_plan import FAST, GOOD
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

DESK = "/quan-tri/cuoc-thi/thi/dien-tap"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    made = await build_stage(sign_in, visitor)
    await db.pool().execute(
        "UPDATE round SET opens_at = $1, closes_at = $2",
        clock.now() + timedelta(days=7),
        clock.now() + timedelta(days=14),
    )
    return made


def kept(**changes: object) -> dict[str, object]:
    figures = replace(GOOD, **changes)  # type: ignore[arg-type]  # fields of a table of values
    return {
        "plan": asdict(plan_for(50_000)),
        "figures": asdict(figures),
        "reasons": [asdict(each) for each in judge(figures)],
        "failure_lines": ["StepFailed: save: 500"] if figures.error_count else [],
        "crowd_cpu_share": 0.03,
    }


async def test_an_organiser_asks_watches_and_stops(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    page = await organiser.get(DESK)
    assert "Bắt đầu một buổi" in page.text
    assert "50.000 người × 30% thi vào ngày cuối" in page.text
    assert "= 5,2 lượt bắt đầu mỗi giây" in page.text
    asked = await organiser.post(DESK, data={"dot": "1", "so_nguoi": "50000"})
    assert asked.status_code == 303
    page = await organiser.get(DESK)
    assert "đang chờ bắt đầu" in page.text
    assert "Bắt đầu một buổi" not in page.text
    claimed = await rehearsals.claim()
    assert claimed is not None
    await rehearsals.hold(
        claimed.id, {"planned": 313, "started": 40, "saves": 200, "handed_in": 7, "failures": 0}
    )
    part = await organiser.get(DESK, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "trong 313 người thử" in part.text
    for client in (organiser, organiser):  # pressed twice
        stopped = await client.post(f"{DESK}/{claimed.id}/dung")
        assert stopped.status_code == 303
    assert "đang dừng" in (await organiser.get(DESK)).text


async def test_what_was_typed_wrong_is_said_and_kept(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    page = await organiser.post(DESK, data={"dot": "1", "so_nguoi": "nhiều lắm"})
    assert page.status_code == 422
    assert 'value="nhiều lắm"' in page.text
    page = await organiser.post(DESK, data={"dot": "9", "so_nguoi": "500"})
    assert "Hãy chọn một đợt sắp mở." in page.text
    await db.pool().execute("UPDATE round SET opens_at = $1", clock.now() + timedelta(minutes=5))
    page = await organiser.post(DESK, data={"dot": "1", "so_nguoi": "500"})
    assert page.status_code == 409
    assert "không diễn tập lúc này" in page.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Sẵn sàng"),
        ({"error_count": 2, "save": replace(FAST, p99_ms=900.0)}, "Chưa sẵn sàng"),
    ],
)
async def test_the_sheet_says_go_or_no_go_with_its_reasons(
    stage: Stage, changes: dict[str, object], words: str
) -> None:
    rehearsal_id = await rehearsals.ask(stage.arena.round_id, 50_000, by=None)
    await rehearsals.claim()
    await rehearsals.end(rehearsal_id, "done", sheet=kept(**changes))
    for name in ("organiser", "approver", "leader"):
        page = await stage.clients[name].get(f"{DESK}/{rehearsal_id}")
        assert f"</svg>{words}</h2>" in page.text
    assert "12.000, mất 0" in page.text
    if changes:
        assert "Lưu câu trả lời chậm: 99 trong 100 lần phải chờ đến 0,90 giây" in page.text
        assert "StepFailed: save: 500" in page.text
    approver = stage.clients["approver"]
    assert "Bắt đầu một buổi" not in (await approver.get(DESK)).text
    assert (await approver.post(DESK, data={"dot": "1", "so_nguoi": "500"})).status_code == 403


async def test_another_contest_s_rehearsal_is_not_found(stage: Stage) -> None:
    rehearsal_id = await rehearsals.ask(stage.arena.round_id, 500, by=None)
    organiser = stage.clients["organiser"]
    assert (await organiser.get(f"{DESK}/{rehearsal_id}")).status_code == 303  # no sheet yet
    assert (await organiser.get(f"{DESK}/{rehearsal_id + 1}")).status_code == 404
    assert (await stage.clients["stranger"].get(f"{DESK}/{rehearsal_id}")).status_code == 404
