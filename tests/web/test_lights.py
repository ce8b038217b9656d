from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import clock
from core.queue import QueueState
from quiz.operations import PlatformNow
from web.lights import Scene, lights, worst
from web.watch import Sight

AT = datetime(2026, 10, 11, 16, 0, tzinfo=UTC)
GIGABYTE = 10**9


@pytest.fixture(autouse=True)
def frozen() -> Any:
    clock.freeze(AT)
    yield
    clock.freeze(None)


def card(kind: str, **changes: Any) -> dict[str, Any]:
    at = AT.timestamp()
    swept_at = at - 3 if kind == "worker" else None
    return {"kind": kind, "seen_at": at - 1, "edition": "a", "swept_at": swept_at, **changes}


NOW = PlatformNow(
    at=AT, is_writable=True, inside=120, unscored=3, unscorable=0, oldest=AT - timedelta(seconds=2), overdue=0,
    connections=20, most_connections=200, commits=1, rollbacks=0, deadlocks=0,
)  # fmt: skip
SIGHT = Sight(
    now=NOW, database_ms=4, queue=QueueState(2, 0.1), cards=[card("web"), card("worker")],
    is_valkey_up=True, disk_free_bytes=50 * GIGABYTE, disk_bytes=100 * GIGABYTE,
)  # fmt: skip
CALM = Scene(
    sight=SIGHT, at=AT, is_writing=True, load_level=0, has_line=False, is_lite=False, stopped=[],
    last_backup_at=AT - timedelta(hours=9), is_backup_known=True, has_papers=True,
)  # fmt: skip


def seen(**changes: Any) -> Scene:
    return replace(CALM, sight=replace(SIGHT, **changes))


def now(**changes: Any) -> Scene:
    return seen(now=replace(NOW, **changes))


def test_a_calm_house_shows_eleven_green_lights_and_nothing_to_do() -> None:
    shown = lights(CALM)
    assert len(shown) == 11
    assert {each.state for each in shown} == {"ok"}
    assert worst(shown) == "ok"
    assert not any(each.todo for each in shown)


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (seen(now=None, database_ms=None), {
            "Người mới vào thi": "bad", "Lưu câu trả lời": "bad", "Nộp bài và thu bài": "bad",
            "Chấm bài": "unknown", "Cơ sở dữ liệu": "bad",
        }),
        (now(is_writable=False), {
            "Người mới vào thi": "bad", "Lưu câu trả lời": "bad", "Nộp bài và thu bài": "bad",
            "Cơ sở dữ liệu": "bad",
        }),
        (replace(CALM, is_writing=False), {
            "Người mới vào thi": "bad", "Lưu câu trả lời": "bad", "Nộp bài và thu bài": "bad",
        }),
        (now(unscorable=2), {"Chấm bài": "warn"}),
        (replace(CALM, has_line=True), {"Người mới vào thi": "warn"}),
        (replace(CALM, stopped=["tạm dừng đăng ký mới"]), {"Người mới vào thi": "warn"}),
        (replace(CALM, is_lite=True), {"Sức chịu tải": "warn"}),
        (replace(CALM, load_level=1), {"Sức chịu tải": "warn"}),
        (replace(CALM, load_level=3), {"Sức chịu tải": "bad"}),
        (now(overdue=4), {"Nộp bài và thu bài": "warn"}),
        (now(oldest=AT - timedelta(seconds=59)), {}),
        (now(oldest=AT - timedelta(seconds=61)), {"Chấm bài": "warn"}),
        (now(oldest=AT - timedelta(seconds=301)), {"Chấm bài": "bad"}),
        (now(oldest=None), {}),
        (now(connections=160), {"Cơ sở dữ liệu": "warn"}),
        (seen(database_ms=501), {"Cơ sở dữ liệu": "warn"}),
        (seen(cards=[card("web")]), {"Hàng đợi và tiến trình chấm bài": "bad"}),
        (seen(cards=[card("web"), card("worker", swept_at=AT.timestamp() - 61)]),
         {"Hàng đợi và tiến trình chấm bài": "warn"}),
        (seen(cards=[card("web"), card("worker", swept_at=AT.timestamp() - 181)]),
         {"Hàng đợi và tiến trình chấm bài": "bad"}),
        (seen(cards=[card("web"), card("worker", swept_at=None)]),
         {"Hàng đợi và tiến trình chấm bài": "warn"}),
        (seen(cards=[card("web"), card("worker", seen_at=AT.timestamp() - 30)]),
         {"Hàng đợi và tiến trình chấm bài": "bad", "Các tiến trình": "warn"}),
        (seen(cards=[card("web"), card("worker"), card("web", seen_at=AT.timestamp() - 700)]), {}),
        (seen(queue=None, is_valkey_up=False), {"Hàng đợi và tiến trình chấm bài": "warn"}),
        (seen(queue=QueueState(900, 121.0)), {"Hàng đợi và tiến trình chấm bài": "warn"}),
        (seen(cards=[card("web"), card("web", edition="b"), card("worker")]),
         {"Các tiến trình": "warn"}),
        (seen(disk_free_bytes=4 * GIGABYTE), {"Đĩa": "warn"}),
        (seen(disk_free_bytes=GIGABYTE // 2), {"Đĩa": "bad"}),
        (replace(CALM, has_papers=False), {"Kho giấy chứng nhận": "warn"}),
        (replace(CALM, last_backup_at=None), {"Sao lưu": "warn"}),
        (replace(CALM, last_backup_at=AT - timedelta(hours=31)), {"Sao lưu": "warn"}),
        (replace(CALM, last_backup_at=AT - timedelta(days=4)), {"Sao lưu": "bad"}),
        (replace(CALM, is_backup_known=False), {"Sao lưu": "unknown"}),
    ],
)  # fmt: skip
def test_each_trouble_lights_its_own_lamp_and_says_what_to_do(
    scene: Scene, expected: dict[str, str]
) -> None:
    shown = lights(scene)
    assert {each.name: each.state for each in shown if each.state != "ok"} == expected
    assert all(each.todo for each in shown if each.state in {"warn", "bad"})


def test_the_worst_light_leads() -> None:
    assert worst(lights(seen(now=None, database_ms=None))) == "bad"
    assert worst(lights(replace(CALM, has_line=True))) == "warn"
    assert worst(lights(replace(CALM, is_backup_known=False))) == "unknown"
