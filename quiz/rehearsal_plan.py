"""How big a crowd does a rehearsal need, and do its figures say that the doors may open?

Arithmetic alone. The shares are an estimate from Vietnamese contests of 25,000 to 100,000 people:
nobody has published figures by the second, so they stand on the sheet for everybody to judge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.text import number, percent

# Of everybody who takes part in a round: who comes on its last day, and of those in its last hour.
LAST_DAY_SHARE = 0.30
LAST_HOUR_SHARE = 0.25
# How much busier the busiest minute is than the average one of that hour.
BURST = 5
FEWEST_STARTS_PER_SECOND = 1.0
# One generator beside the programs that it tries: beyond this it would measure itself.
MOST_STARTS_PER_SECOND = 40.0
ARRIVING_SECONDS = 60
# A rehearsed attempt: short, so that the saves of many overlap soon.
ANSWERING_SECONDS = 30
MOST_EXPECTED = 1_000_000

# What a person notices, in milliseconds at the 99th of 100 requests (QL2).
SLOWEST_START_MS = 1_500
SLOWEST_SAVE_MS = 400
SLOWEST_SUBMIT_MS = 1_000
SLOWEST_SCORING_SECONDS = 30
BUSIEST_CPU = 0.80
LEAST_FREE_DISK = 0.20
# So much of what was planned must have been tried for the figures to mean anything.
LEAST_TRIED = 0.95


@dataclass(frozen=True)
class Plan:
    """Who comes when: so many starts a second for a while, then everybody answers and hands in."""

    expected_count: int
    wanted_per_second: float
    starts_per_second: float  # less than wanted beyond what one generator can do
    people_count: int
    arriving_seconds: float = ARRIVING_SECONDS
    answering_seconds: float = ANSWERING_SECONDS


@dataclass(frozen=True)
class Timing:
    """Of one kind of request: how many, and milliseconds that 50, 95 and 99 of 100 stay within."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Figures:
    """What a rehearsal measured; shares are between 0 and 1."""

    planned_count: int
    started_count: int
    handed_in_count: int
    wanted_per_second: float
    starts_per_second: float
    saves_per_second: float
    start: Timing
    save: Timing
    submit: Timing
    scoring_p95_seconds: float | None  # None: something was never scored
    error_count: int
    acknowledged_count: int
    lost_count: int
    was_turned_away: bool  # somebody was sent to wait, so the crowd left at once
    cpu_share: float
    free_disk_share: float


@dataclass(frozen=True)
class Reason:
    """Why the doors should stay shut, and what to change."""

    sentence: str
    advice: str


def plan_for(expected_count: int) -> Plan:
    """The busiest minute of a round in which so many people take part."""
    an_hour = expected_count * LAST_DAY_SHARE * LAST_HOUR_SHARE
    wanted = max(FEWEST_STARTS_PER_SECOND, an_hour / 3600 * BURST)
    tried = min(wanted, MOST_STARTS_PER_SECOND)
    people = math.ceil(round(tried * ARRIVING_SECONDS, 6))
    return Plan(expected_count, wanted, tried, people)


def timing(seconds: Sequence[float]) -> Timing:
    ordered = sorted(seconds)
    p50, p95, p99 = (_percentile(ordered, share) * 1000 for share in (0.50, 0.95, 0.99))
    return Timing(len(ordered), round(p50, 1), round(p95, 1), round(p99, 1))


def judge(found: Figures) -> list[Reason]:
    """Every reason against opening; none: go."""
    return [
        *_losses(found),
        *_reach(found),
        *_slowness(found),
        *_room(found),
    ]


def _losses(found: Figures) -> list[Reason]:
    reasons = []
    if found.lost_count:
        reasons.append(
            Reason(
                f"{found.lost_count} trong {found.acknowledged_count} lượt lưu đã báo “Đã lưu” "
                "không có trong cơ sở dữ liệu.",
                "Đây là lỗi nặng: không mở đợt thi. Kiểm tra fsync và synchronous_commit của "
                "PostgreSQL, rồi báo nhóm kỹ thuật.",
            )
        )
    if found.error_count:
        reasons.append(
            Reason(
                f"{found.error_count} lần máy chủ trả lời sai hoặc không trả lời.",
                "Xem nhật ký máy chủ vào giờ diễn tập; sửa xong thì diễn tập lại.",
            )
        )
    return reasons


def _reach(found: Figures) -> list[Reason]:
    reasons = []
    if found.was_turned_away:
        reasons.append(
            Reason(
                "Máy chủ đã quá tải: có người thử phải vào phòng chờ hoặc được hẹn quay lại, nên "
                "diễn tập dừng ngay.",
                "Thêm tiến trình web (WEB_PROCESSES) hoặc thêm máy chủ; chia giờ mở cho các đơn vị.",
            )
        )
    elif found.handed_in_count < LEAST_TRIED * found.planned_count:
        reasons.append(
            Reason(
                f"Chỉ {found.handed_in_count} trong {found.planned_count} người thử nộp được bài.",
                "Kết quả chưa đủ để kết luận; xem các lý do khác rồi diễn tập lại.",
            )
        )
    elif found.starts_per_second < LEAST_TRIED * found.wanted_per_second:
        reasons.append(
            Reason(
                f"Mới thử được {_shown(found.starts_per_second)} lượt bắt đầu mỗi giây, cần "
                f"{_shown(found.wanted_per_second)}.",
                "Đợt thi này lớn hơn sức của bộ diễn tập: nhờ nhóm kỹ thuật đo bằng `make load` "
                "từ máy khác, và chuẩn bị thêm máy chủ.",
            )
        )
    return reasons


def _slowness(found: Figures) -> list[Reason]:
    more_machines = (
        "Thêm tiến trình web (WEB_PROCESSES) hoặc thêm máy chủ web; chia giờ mở cho các đơn vị."
    )
    limits = (
        ("Bắt đầu làm bài", found.start, SLOWEST_START_MS, more_machines),
        (
            "Lưu câu trả lời",
            found.save,
            SLOWEST_SAVE_MS,
            "Đặt PostgreSQL trên đĩa SSD, tắt việc nặng khác trên máy dữ liệu; thêm máy chủ web.",
        ),
        ("Nộp bài", found.submit, SLOWEST_SUBMIT_MS, more_machines),
    )
    reasons = [
        Reason(
            f"{name} chậm: 99 trong 100 lần phải chờ đến {_seconds(each.p99_ms)}, mức cho phép "
            f"{_seconds(limit)}.",
            advice,
        )
        for name, each, limit, advice in limits
        if each.p99_ms > limit
    ]
    lag = found.scoring_p95_seconds
    if lag is None or lag > SLOWEST_SCORING_SECONDS:
        waited = "có bài chưa được chấm" if lag is None else f"phải chờ {_shown(lag)} giây"
        reasons.append(
            Reason(
                f"Chấm bài chậm: {waited}, mức cho phép {SLOWEST_SCORING_SECONDS} giây.",
                "Kiểm tra tiến trình chấm bài (worker) và Redis; thêm một worker ở máy khác.",
            )
        )
    return reasons


def _room(found: Figures) -> list[Reason]:
    reasons = []
    if found.cpu_share > BUSIEST_CPU:
        reasons.append(
            Reason(
                f"Bộ xử lý bận {percent(found.cpu_share, 0)}, không còn dư cho lúc đông hơn dự kiến.",
                "Dùng máy nhiều nhân hơn hoặc thêm máy chủ.",
            )
        )
    if found.free_disk_share < LEAST_FREE_DISK:
        reasons.append(
            Reason(
                f"Đĩa chỉ còn trống {percent(found.free_disk_share, 0)}.",
                "Dọn đĩa hoặc mở rộng đĩa trước khi mở đợt thi; nên còn trống ít nhất "
                f"{percent(LEAST_FREE_DISK, 0)}.",
            )
        )
    return reasons


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank; 0 of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _shown(value: float) -> str:
    return number(value, 1).removesuffix(",0")


def _seconds(milliseconds: float) -> str:
    return f"{number(milliseconds / 1000, 2)} giây"
