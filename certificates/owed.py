"""Who is owed a certificate of which kind, and what makes somebody look at a name again?

`participation`: at least one attempt handed in, in a round whose result is final. `pass`: the best
counted attempt of such rounds reaches a share of the points or a number of points. `prize` and
`unit_prize`: an award that is given and not declined or replaced. Never whoever is disqualified,
and never whoever asked to be forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from core.text import clean, duration_shown

KINDS = {
    "participation": "Chứng nhận tham gia",
    "pass": "Chứng nhận đạt yêu cầu",
    "prize": "Chứng nhận đạt giải cá nhân",
    "unit_prize": "Chứng nhận đạt giải tập thể",
}
PRIZE_KINDS = {"prize": "individual", "unit_prize": "collective"}
STATEMENTS = {
    "participation": "đã tham gia cuộc thi",
    "pass": "đã hoàn thành và đạt yêu cầu của cuộc thi",
    "prize": "đã đạt giải tại cuộc thi",
    "unit_prize": "đã đạt giải tập thể tại cuộc thi",
}
USUAL_TITLE = "GIẤY CHỨNG NHẬN"
POINT = 1000  # points are kept in thousandths
WHOLE_PERCENT = 100
MOST_POINTS = 1_000_000
# Longer ones still fit every design; a person should look at the paper first.
LONG_NAME = 40
# Why a line is worth a look, in the order in which it is told.
WARNINGS = {
    "long_name": "tên dài",
    "one_word": "tên một chữ",
    "ended_unit": "đơn vị đã kết thúc",
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Whom a batch is for; without a round every final round of the contest counts."""

    kind: str
    round_id: int | None = None
    percent: int | None = None  # of the points that were to be had
    points: int | None = None  # thousandths
    prize_ids: tuple[int, ...] = ()  # none: every prize
    has_result: bool = False  # "Đúng 18/20 câu …" is printed


@dataclass(frozen=True)
class Owed:
    """One person or unit that is owed a certificate, with what it rests on."""

    participant_id: int | None
    unit_id: int | None
    prize_id: int | None
    attempt_id: UUID | None
    points: int | None
    correct_count: int | None
    question_count: int | None
    duration_ms: int | None
    name: str
    unit_name: str
    unit_ended_on: date | None
    prize_name: str
    round_name: str
    division_name: str


Who = tuple[int, int]  # participant or minus unit, prize or 0


def who(line: Any) -> Who:
    """What one certificate of a kind is unique by; `line` has participant, unit and prize by name."""
    fields = vars(line) if isinstance(line, Owed) else line
    holder = fields["participant_id"] or -fields["unit_id"]
    return holder, fields["prize_id"] or 0


def rule_faults(rule: Rule) -> dict[str, str]:
    """What is wrong with a rule, by field."""
    if rule.kind not in KINDS:
        return {"kind": "Hãy chọn loại giấy chứng nhận."}
    if rule.kind != "pass":
        return {}
    if (rule.percent is None) == (rule.points is None):
        return {"percent": "Hãy ghi mức đạt: theo tỷ lệ phần trăm, hoặc theo số điểm."}
    if rule.percent is not None and not 1 <= rule.percent <= WHOLE_PERCENT:
        return {"percent": "Tỷ lệ đạt từ 1 đến 100 phần trăm."}
    if rule.points is not None and not 1 <= rule.points <= MOST_POINTS:
        return {"points": "Số điểm đạt từ 1 đến 1.000."}
    return {}


def result_text(rule: Rule, line: Owed) -> str:
    """Đạt giải Nhất, Tuần 1, bảng Người dân · Đúng 18/20 câu trong 12 phút 5 giây"""
    if rule.kind in PRIZE_KINDS:
        prize = line.prize_name[:1].lower() + line.prize_name[1:]
        named = prize if prize.startswith("giải") else f"giải {line.prize_name}"
        division = f"bảng {line.division_name}" if line.division_name else ""
        return ", ".join(filter(None, (f"Đạt {named}", line.round_name, division)))
    if not rule.has_result or line.duration_ms is None:
        return ""
    taken = duration_shown(line.duration_ms)
    return f"Đúng {line.correct_count}/{line.question_count} câu trong {taken}"


def warnings(line: Owed, on: date) -> tuple[str, ...]:
    """Which of WARNINGS a line deserves; the paper is made all the same."""
    words = clean(line.name).split(" ")
    found = {
        "long_name": len(line.name) > LONG_NAME,
        "one_word": line.unit_id is None and len(words) == 1,
        "ended_unit": line.unit_ended_on is not None and line.unit_ended_on < on,
    }
    return tuple(code for code in WARNINGS if found[code])


def to_json(rule: Rule) -> dict[str, Any]:
    return asdict(rule)


def from_json(kept: Mapping[str, Any]) -> Rule:
    return Rule(**{**kept, "prize_ids": tuple(kept.get("prize_ids", ()))})
