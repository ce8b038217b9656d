"""What do the rules say of what was set up? A first text that organisers go on writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.text import datetime_shown, deadline_shown, number
from quiz.contests import PREDICTION_TARGETS, ContestShown, RoundShown, rules_sentence
from quiz.prizes import PrizeShown, prize_sentence

_COUNTED = {
    "best": "lượt có kết quả tốt nhất được tính",
    "last": "lượt cuối cùng được tính",
    "first": "lượt đầu tiên được tính",
}
_REVIEWS = {
    "at_once": "Đáp án và giải thích hiện ngay sau khi nộp bài.",
    "after_close": "Đáp án và giải thích mở sau khi đợt thi đóng.",
    "after_final": "Đáp án và giải thích mở sau khi có kết quả chính thức của đợt.",
    "never": "Đáp án không công bố trên trang thi.",
}


@dataclass(frozen=True)
class RulesFacts:
    """What the rules speak of, besides the contest itself."""

    contest: ContestShown
    prizes: Sequence[PrizeShown]
    unit_name: str | None  # whose people may enter; None: everybody


def compose_rules(facts: RulesFacts) -> str:
    """The rules in the form that quiz.models.RulesText keeps: headings, list items, paragraphs."""
    contest = facts.contest
    organiser = contest.organiser or "Ban Tổ chức"
    return "\n".join(
        [
            f"Thể lệ này áp dụng cho cuộc thi “{contest.name}” do {organiser} tổ chức.",
            *_who(facts),
            "## 2. Thời gian",
            "Giờ tính theo đồng hồ máy chủ, giờ Việt Nam. “24 giờ” là nửa đêm kết thúc ngày được "
            "ghi.",
            *(f"- {window_sentence(each)}." for each in contest.rounds),
            *_papers(contest),
            *ranking_section(contest),
            *_prizes(facts),
            "## 6. Đáp án và khiếu nại",
            f"- {_REVIEWS[contest.review]}",
            "- Câu hỏi hoặc đáp án có sai sót thì Ban Tổ chức công bố cách xử lý và chấm lại cho "
            "mọi người đã gặp câu đó.",
            "- Khiếu nại gửi Ban Tổ chức kèm mã biên nhận của bài thi.",
            "- Hủy kết quả của người dùng thông tin của người khác, thi hộ, nhờ thi hộ hoặc dùng "
            "công cụ tự động để làm bài.",
        ]
    )


def with_ranking(body: str, contest: ContestShown) -> str:
    """The same rules with the ranking as it is set now: its section is replaced or added."""
    kept: list[str] = []
    is_inside = is_written = False
    title = ranking_section(contest)[0]
    for line in body.split("\n"):
        if line.startswith("## "):
            is_inside = "xếp hạng" in line.casefold()
            if is_inside and not is_written:
                kept += [line, *ranking_section(contest)[1:]]
                is_written = True
                continue
        if not is_inside:
            kept.append(line)
    return "\n".join(kept if is_written else [*kept, title, *ranking_section(contest)[1:]])


def ranking_section(contest: ContestShown) -> list[str]:
    lines = [
        "## 4. Xếp hạng",
        f"- {rules_sentence(contest.comparators, contest.prediction)}",
    ]
    if len(contest.divisions) > 1:
        names = "; ".join(each.name for each in contest.divisions)
        lines.append(f"- Các bảng xếp hạng riêng: {names}.")
    return lines


def window_sentence(each: RoundShown) -> str:
    """Tuần 1: từ 16:00 05/10/2026 đến 24 giờ Chủ nhật, 11/10/2026, in one way of writing."""
    opens = datetime_shown(each.opens_at)
    return f"{each.name}: từ {opens} đến {deadline_shown(each.closes_at)}"


def _who(facts: RulesFacts) -> list[str]:
    contest = facts.contest
    lines = ["## 1. Người dự thi"]
    if contest.audience:
        lines.append(f"- {contest.audience.rstrip('.')}.")
    if facts.unit_name:
        lines.append(f"- Người thuộc {facts.unit_name} và các đơn vị trực thuộc.")
    if contest.is_by_list:
        lines.append("- Chỉ người có số điện thoại trong danh sách dự thi.")
    if contest.youngest_age is not None or contest.oldest_age is not None:
        youngest = f"từ {contest.youngest_age} tuổi" if contest.youngest_age is not None else ""
        oldest = f"đến {contest.oldest_age} tuổi" if contest.oldest_age is not None else ""
        ages = " ".join(filter(None, (youngest, oldest)))
        lines.append(f"- Tuổi dự thi {ages}, tính theo năm sinh.")
    return [
        *lines,
        "- Thành viên Ban Tổ chức, Ban Giám khảo, Tổ Giúp việc và Tổ ra đề không dự thi.",
    ]


def _papers(contest: ContestShown) -> list[str]:
    lines = ["## 3. Đề thi và lượt thi"]
    if contest.rounds:
        alike = {_paper_sentence(each) for each in contest.rounds}
        lines += (
            [f"- {alike.pop()}"]
            if len(alike) == 1
            else [f"- {each.name}: {_paper_sentence(each)}" for each in contest.rounds]
        )
    lines.append(
        "- Hạn của một lượt là thời điểm đến trước: hết thời gian làm bài, hoặc giờ đóng của đợt. "
        "Hết hạn mà chưa bấm nộp, phần đã lưu vẫn được chấm."
    )
    if contest.prediction:
        lines.append(
            f"- Câu dự đoán hỏi {PREDICTION_TARGETS[contest.prediction]}; câu này không tính vào "
            "điểm."
        )
    return lines


def _paper_sentence(each: RoundShown) -> str:
    if each.attempt_limit is None:
        attempts = f"không giới hạn số lượt, {_COUNTED[each.counting]}"
    elif each.attempt_limit == 1:
        attempts = "mỗi người thi một lượt"
    else:
        attempts = f"mỗi người thi tối đa {each.attempt_limit} lượt, {_COUNTED[each.counting]}"
    pause = (
        f", hai lượt cách nhau ít nhất {number(each.cooldown_seconds // 60)} phút"
        if each.cooldown_seconds and each.attempt_limit != 1
        else ""
    )
    minutes = number(each.time_limit_seconds // 60)
    return f"Mỗi đề có {each.question_count} câu, làm trong {minutes} phút; {attempts}{pause}."


def _prizes(facts: RulesFacts) -> list[str]:
    lines = ["## 5. Giải thưởng"]
    lines += [f"- {prize_sentence(each)}." for each in facts.prizes]
    if not facts.prizes:
        lines.append("Cuộc thi không trao giải.")
    elif facts.contest.is_one_prize:
        lines.append("Mỗi người nhận nhiều nhất một giải cá nhân, lấy giải cao nhất.")
    return lines
