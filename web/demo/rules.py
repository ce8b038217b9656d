"""Which rules do the demonstration's contests have? Written for this project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_PREDICTIONS = {
    "people": (
        "Có bao nhiêu người có bài thi được ghi nhận trong đợt?",
        "Số đúng là số người có ít nhất một bài thi được ghi nhận trong đợt, tính chung các bảng, "
        "sau khi đợt thi đóng và mọi bài đã chấm xong.",
    ),
    "people_all_correct": (
        "Có bao nhiêu người trả lời đúng tất cả các câu trong đợt?",
        "Số đúng là số người có bài được tính đạt đúng tất cả các câu, tính chung các bảng, sau "
        "khi đợt thi đóng và mọi bài đã chấm xong.",
    ),
}


@dataclass(frozen=True)
class RulesFacts:
    """What differs from one contest's rules to another's."""

    name: str
    organiser: str
    purpose: str
    windows: Sequence[str]  # "Tuần 1: từ … đến …"
    question_count: int
    minutes: int
    attempt_limit: int | None
    prediction: str
    youngest_age: int
    ranking: str  # the sentence that its comparators make


def rules_body(facts: RulesFacts) -> str:
    """The rules in the form that quiz.models.RulesText keeps: headings, list items, paragraphs."""
    return "\n".join(
        [
            f"Thể lệ này áp dụng cho cuộc thi “{facts.name}” do {facts.organiser} tổ chức. Cuộc "
            "thi, người dự thi và số liệu trong bản trình diễn này là minh họa.",
            *_who(facts),
            *_when(facts),
            *_paper(facts),
            *_deadline(facts),
            *_ranking(facts),
            *_unit_prizes(),
            *_key_and_complaints(),
            *_personal_data(facts),
        ]
    )


def _who(facts: RulesFacts) -> list[str]:
    return [
        "## 1. Mục đích và người dự thi",
        facts.purpose,
        f"- Công dân Việt Nam từ {facts.youngest_age} tuổi trở lên (tính theo năm sinh) đang sinh "
        "sống, học tập hoặc làm việc tại tỉnh Lai Châu.",
        "- Mỗi người dùng một số điện thoại và khai đúng họ tên, năm sinh, đơn vị hoặc xã, phường "
        "của mình. Người không có điện thoại có thể dùng số của người thân.",
        "- Người dự thi được xếp hạng riêng theo bảng: cán bộ, công chức, viên chức, lực lượng vũ "
        "trang; người dân; học sinh, sinh viên. Bảng đã chọn ở lượt thi đầu được giữ đến hết cuộc "
        "thi.",
        "- Thành viên Ban Tổ chức, Tổ Giúp việc, người soạn và người thẩm định câu hỏi không dự "
        "thi.",
    ]


def _when(facts: RulesFacts) -> list[str]:
    return [
        "## 2. Thời gian",
        "Giờ mở và giờ đóng tính theo đồng hồ của máy chủ, giờ Việt Nam. “24 giờ” là nửa đêm kết "
        "thúc ngày được ghi.",
        *(f"- {window}." for window in facts.windows),
    ]


def _paper(facts: RulesFacts) -> list[str]:
    attempts = (
        "Số lượt thi trong mỗi đợt không giới hạn; lượt tốt nhất được tính."
        if facts.attempt_limit is None
        else f"Mỗi đợt, mỗi người được thi tối đa {facts.attempt_limit} lượt; lượt tốt nhất được "
        "tính."
    )
    return [
        "## 3. Đề thi và lượt thi",
        f"- Mỗi đề có {facts.question_count} câu trắc nghiệm và một câu dự đoán, làm trong "
        f"{facts.minutes} phút. Câu hỏi được chọn từ ngân hàng theo ma trận chung, nên hai người "
        "có thể nhận đề khác nhau nhưng cùng độ khó.",
        "- Mỗi câu đúng được 1 điểm. Câu có nhiều đáp án đúng: lấy số ý đúng đã chọn trừ số ý sai "
        "đã chọn, chia cho số ý đúng, không thấp hơn 0. Bỏ trống không bị trừ điểm.",
        f"- {attempts}",
        f"- Câu dự đoán: {_PREDICTIONS[facts.prediction][0]} "
        f"{_PREDICTIONS[facts.prediction][1]} Câu này không tính vào điểm.",
    ]


def _deadline(facts: RulesFacts) -> list[str]:
    return [
        "## 4. Hết giờ và mất mạng",
        f"- Hạn của một lượt thi là thời điểm đến trước: {facts.minutes} phút kể từ khi bắt đầu, "
        "hoặc giờ đóng của đợt. Người bắt đầu sát giờ đóng có ít thời gian hơn; trang vào thi nói "
        "rõ hạn này trước khi đồng hồ chạy.",
        "- Mỗi lựa chọn được lưu ngay lên máy chủ. Mất mạng, câu trả lời được giữ trên máy và tự "
        "gửi lại khi có mạng; đồng hồ không dừng. Có thể làm tiếp trên máy khác với cùng đề và "
        "cùng hạn.",
        "- Câu trả lời đến máy chủ trước hạn được tính, dù trang báo chậm. Đến sau hạn thì không "
        "được tính.",
        "- Hết hạn mà chưa bấm nộp, bài được thu với những câu đã lưu và vẫn được chấm.",
        "- Sau khi nộp, bạn nhận mã biên nhận. Hãy giữ mã này để đối chiếu.",
    ]


def _ranking(facts: RulesFacts) -> list[str]:
    return [
        "## 5. Xếp hạng cá nhân",
        "Mỗi đợt xếp hạng riêng từng bảng.",
        facts.ranking,
        "Dự đoán thừa hay thiếu như nhau; không dự đoán xếp sau. Số đúng của câu dự đoán được chốt "
        "một lần. Mỗi người nhận nhiều nhất một giải cá nhân trong cả cuộc thi, lấy giải cao nhất.",
    ]


def _unit_prizes() -> list[str]:
    return [
        "## 6. Giải tập thể",
        "Đơn vị được xếp theo khối: cơ quan hành chính, đơn vị sự nghiệp, cấp xã. Tỷ lệ tham gia "
        "là số người dự thi chia cho số người của đơn vị đã khai trước khi cuộc thi mở; một người "
        "thi nhiều lượt chỉ tính một lần.",
    ]


def _key_and_complaints() -> list[str]:
    return [
        "## 7. Xem lại đáp án, khiếu nại và vi phạm",
        "- Điểm hiện ra sau khi nộp bài. Đáp án và giải thích chỉ mở sau khi đợt thi đóng.",
        "- Nếu một câu hỏi hoặc đáp án có sai sót, Ban Tổ chức công bố cách xử lý và chấm lại cho "
        "mọi người đã gặp câu đó.",
        "- Khiếu nại gửi Ban Tổ chức trong 3 ngày làm việc kể từ khi công bố kết quả của đợt, kèm "
        "mã biên nhận.",
        "- Kết quả bị hủy khi dùng thông tin của người khác, thi hộ, nhờ thi hộ hoặc dùng công cụ "
        "tự động để làm bài.",
    ]


def _personal_data(facts: RulesFacts) -> list[str]:
    return [
        "## 8. Dữ liệu cá nhân",
        f"- {facts.organiser} dùng họ tên, năm sinh, số điện thoại, đơn vị và bài thi để tổ chức "
        "cuộc thi, xếp hạng và trao giải. Không yêu cầu số định danh hay ảnh giấy tờ.",
        "- Bảng xếp hạng công khai viết tắt tên gọi, ví dụ “Lò Thị M.”, kèm đơn vị; không hiện số "
        "điện thoại.",
        "- Bạn có thể xem, tải về, sửa, rút lại sự đồng ý hoặc yêu cầu xóa dữ liệu của mình trong "
        "mục Tài khoản. Người dưới 16 tuổi cần được cha, mẹ hoặc người giám hộ biết và đồng ý.",
        "- Nhận tin nhắn là tùy chọn riêng; không nhận tin vẫn được dự thi.",
    ]
