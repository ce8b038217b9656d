from __future__ import annotations

import re
from dataclasses import replace

import pytest

from quiz.rehearsal_plan import Figures, Timing, judge, plan_for, timing

FAST = Timing(count=600, p50_ms=12, p95_ms=40, p99_ms=90)
GOOD = Figures(
    planned_count=600, started_count=600, handed_in_count=600, wanted_per_second=10.0,
    starts_per_second=10.0, saves_per_second=200.0, start=FAST, save=FAST, submit=FAST,
    scoring_p95_seconds=2.0, error_count=0, acknowledged_count=12_000, lost_count=0,
    was_turned_away=False, cpu_share=0.4, free_disk_share=0.5,
)  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "wanted", "tried", "people"),
    [
        (100_000, 10.42, 10.42, 625),  # × 0.3 × 0.25 / 3600 × 5, as domain.md has it
        (2_000, 1.0, 1.0, 60),  # never fewer than one a second
        (1_000_000, 104.17, 40.0, 2_400),  # more than one generator can do
    ],
)
def test_the_crowd_is_the_busiest_minute_of_the_round(
    expected: int, wanted: float, tried: float, people: int
) -> None:
    plan = plan_for(expected)
    assert round(plan.wanted_per_second, 2) == wanted
    assert round(plan.starts_per_second, 2) == tried
    assert plan.people_count == people


def test_percentiles_are_of_what_happened() -> None:
    assert timing([n / 1000 for n in range(1, 101)]) == Timing(100, 50.0, 95.0, 99.0)
    assert timing([0.25]) == Timing(1, 250.0, 250.0, 250.0)
    assert timing([]) == Timing(0, 0, 0, 0)


def test_good_figures_say_go() -> None:
    assert judge(GOOD) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lost_count": 1}, "1 trong 12000 lượt lưu"),
        ({"error_count": 3}, "3 lần máy chủ trả lời sai"),
        ({"handed_in_count": 560}, "Chỉ 560 trong 600 người"),
        ({"was_turned_away": True, "handed_in_count": 30}, "Máy chủ đã quá tải"),
        ({"wanted_per_second": 104.2}, "10 lượt bắt đầu mỗi giây, cần 104,2"),
        ({"start": replace(FAST, p99_ms=1_501)}, "Bắt đầu làm bài chậm: .* 1,50 giây"),
        ({"save": replace(FAST, p99_ms=401)}, "Lưu câu trả lời chậm"),
        ({"submit": replace(FAST, p99_ms=1_001)}, "Nộp bài chậm"),
        ({"scoring_p95_seconds": 31.5}, "phải chờ 31,5 giây"),
        ({"scoring_p95_seconds": None}, "có bài chưa được chấm"),
        ({"cpu_share": 0.81}, "Bộ xử lý bận 81%"),
        ({"free_disk_share": 0.19}, "Đĩa chỉ còn trống 19%"),
    ],
)
def test_each_bad_figure_says_no_go_with_its_reason_and_a_way_out(
    change: dict[str, object], sentence: str
) -> None:
    reasons = judge(replace(GOOD, **change))  # type: ignore[arg-type]  # fields of a table of values
    assert len(reasons) == 1
    assert re.search(sentence, reasons[0].sentence)
    assert reasons[0].advice


def test_what_is_just_within_is_good() -> None:
    edge = replace(
        GOOD, handed_in_count=570, starts_per_second=9.5, cpu_share=0.80, free_disk_share=0.20,
        start=replace(FAST, p99_ms=1_500), save=replace(FAST, p99_ms=400), scoring_p95_seconds=30.0,
    )  # fmt: skip
    assert judge(edge) == []
