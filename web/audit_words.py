"""How do the lines of the audit trail read in Vietnamese?"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.text import phone_masked
from people.audit import AuditShown

# Every action that `people.audit.record` is called with; a test walks the code for them.
ACTIONS = {
    "add_division": "Thêm bảng dự thi",
    "add_headcount": "Ghi số người của đơn vị",
    "add_prize": "Thêm giải thưởng",
    "add_round": "Thêm đợt thi",
    "add_signer": "Ghi người ký giấy chứng nhận",
    "add_unit_alias": "Thêm tên khác cho đơn vị",
    "admit": "Thêm vào danh sách dự thi",
    "add_certificate_design": "Tạo mẫu giấy chứng nhận",
    "approve_certificates": "Duyệt danh sách giấy chứng nhận",
    "approve_contest": "Duyệt cuộc thi",
    "approve_correction": "Duyệt điều chỉnh câu hỏi",
    "approve_questions": "Duyệt câu hỏi",
    "ask_rehearsal": "Yêu cầu diễn tập một đợt thi",
    "ask_signing": "Yêu cầu ký số giấy chứng nhận",
    "back_up": "Sao lưu dữ liệu",
    "begin_demonstration": "Bắt đầu tạo dữ liệu trình diễn",
    "bring_back_questions": "Dùng lại câu hỏi",
    "change_password": "Đổi mật khẩu của mình",
    "clone_round": "Nhân đợt thi sang các tuần sau",
    "comment_question": "Góp ý câu hỏi",
    "commit_draw": "Công bố danh sách bốc thăm",
    "copy_blueprint": "Chép ma trận đề sang các đợt khác",
    "copy_contest": "Lập cuộc thi từ cuộc thi trước",
    "change_certificate_design": "Lưu bản mới của mẫu giấy chứng nhận",
    "correct_certificate": "Cấp giấy chứng nhận thay thế",
    "decide_appeal": "Giải quyết khiếu nại",
    "decline_award": "Rút một giải",
    "disable_second_factor": "Tắt xác thực hai lớp",
    "discard_draft": "Bỏ bản nháp cuộc thi",
    "discard_import": "Bỏ một tệp câu hỏi đang chờ",
    "disqualify": "Loại một thí sinh khỏi xếp hạng",
    "end_certificate_design": "Thôi dùng mẫu giấy chứng nhận",
    "distrust_certificate_key": "Không tin một khóa ký giấy chứng nhận nữa",
    "edit_contest": "Sửa giới thiệu cuộc thi",
    "edit_prize": "Sửa giải thưởng",
    "edit_round": "Sửa đợt thi",
    "empty_eligibility": "Xóa hết danh sách dự thi",
    "empty_exclusion": "Xóa hết danh sách không dự thi",
    "enable_second_factor": "Bật xác thực hai lớp",
    "end_notice": "Gỡ thông báo",
    "end_rehearsal": "Diễn tập kết thúc",
    "end_role": "Kết thúc vai trò",
    "end_signer": "Cho một người thôi ký giấy chứng nhận",
    "erase_person": "Xóa dữ liệu cá nhân",
    "exclude": "Thêm vào danh sách không dự thi",
    "export_audit": "Xuất nhật ký",
    "export_people": "Xuất danh sách người",
    "export_questions": "Xuất câu hỏi",
    "export_results": "Xuất kết quả",
    "export_statistics": "Xuất thống kê câu hỏi",
    "extend_time": "Gia hạn thời gian làm bài",
    "file_appeal": "Gửi khiếu nại",
    "fill_demonstration": "Tạo xong dữ liệu trình diễn",
    "finalise_round": "Chốt kết quả một đợt",
    "freeze_prediction": "Khóa kết quả và con số của câu dự đoán",
    "give_awards": "Trao giải",
    "grant_role": "Giao vai trò",
    "import_bank": "Nhập câu hỏi",
    "import_officials": "Nhập danh sách cán bộ",
    "import_units": "Nhập đơn vị",
    "issue_certificates": "Cấp xong một danh sách giấy chứng nhận",
    "keep_pdf": "Đính kèm thể lệ đã ký",
    "lift_disqualification": "Bỏ việc loại một thí sinh",
    "lock_account": "Tài khoản tạm khóa vì nhập sai nhiều lần",
    "make_bank": "Tạo ngân hàng câu hỏi",
    "make_contest": "Lập cuộc thi",
    "make_staff": "Tạo tài khoản cán bộ",
    "make_topic": "Thêm chủ đề",
    "merge_persons": "Gộp hai hồ sơ",
    "move_persons": "Chuyển người sang đơn vị khác",
    "move_prize": "Đổi thứ tự giải thưởng",
    "open_series": "Mở sổ cấp số giấy chứng nhận",
    "preview_correction": "Tính lại bản xem trước của điều chỉnh",
    "propose_certificates": "Lập danh sách giấy chứng nhận",
    "propose_correction": "Đề nghị điều chỉnh câu hỏi",
    "propose_mending": "Đề nghị sửa giấy chứng nhận",
    "publish_result": "Công bố kết quả",
    "publish_rules": "Công bố thể lệ",
    "reclassify_questions": "Đổi mức độ hoặc chủ đề câu hỏi",
    "record_succession": "Ghi đơn vị kế thừa",
    "release_platform_switch": "Trả một công tắc chung về bình thường",
    "release_switch": "Cho tiếp tục phần đã dừng",
    "register_certificate_key": "Bắt đầu dùng một khóa ký giấy chứng nhận",
    "remove_division": "Xóa bảng dự thi",
    "remove_eligibility": "Bỏ một số khỏi danh sách dự thi",
    "remove_exclusion": "Bỏ một số khỏi danh sách không dự thi",
    "remove_prize": "Xóa giải thưởng",
    "remove_round": "Xóa đợt thi",
    "remove_topic": "Xóa chủ đề",
    "rename_division": "Đổi tên bảng dự thi",
    "rename_topic": "Đổi tên chủ đề",
    "renew_recovery_codes": "Lấy mã dự phòng mới",
    "rescore_round": "Chấm lại theo điều chỉnh",
    "reset_second_factor": "Đặt lại xác thực hai lớp",
    "restore_backup": "Khôi phục dữ liệu từ bản sao lưu",
    "retire_questions": "Cho ngừng dùng câu hỏi",
    "return_questions": "Trả lại câu hỏi để sửa",
    "return_to_draft": "Trả cuộc thi về bản nháp",
    "reveal_draw": "Bốc thăm và công bố",
    "reveal_phone": "Xem số điện thoại",
    "review_suspicion": "Xem xét một dấu hiệu bất thường",
    "revise_source": "Sửa văn bản căn cứ",
    "revoke_certificate": "Thu hồi giấy chứng nhận",
    "save_question": "Sửa câu hỏi",
    "score_again": "Cho chấm lại các bài không chấm được",
    "see_bank": "Xem câu hỏi chưa mở",
    "see_question": "Xem một câu hỏi chưa mở",
    "send_questions": "Gửi thẩm định câu hỏi",
    "send_to_review": "Gửi duyệt cuộc thi",
    "set_blueprint": "Sửa ma trận đề",
    "set_password": "Đặt lại mật khẩu",
    "set_ranking": "Sửa cách xếp hạng",
    "sign_in": "Đăng nhập",
    "sign_result": "Ký kết quả",
    "stage_import": "Đưa tệp câu hỏi vào xem trước",
    "stop_rehearsal": "Dừng buổi diễn tập",
    "tag_questions": "Gắn, bỏ nhãn câu hỏi",
    "take_signed_papers": "Nhận giấy chứng nhận đã ký bên ngoài",
    "throw_platform_switch": "Bật một công tắc chung của hệ thống",
    "throw_switch": "Dừng một phần cuộc thi",
    "use_recovery_code": "Dùng một mã dự phòng",
    "void_draw": "Hủy lần bốc thăm",
    "withdraw_certificates": "Rút danh sách giấy chứng nhận",
    "withdraw_correction": "Rút điều chỉnh câu hỏi",
    "write_notice": "Gửi thông báo cho người đang thi",
}
SUBJECTS = {
    "account": "Tài khoản",
    "backup": "Bản sao lưu",
    "bank": "Ngân hàng câu hỏi",
    "certificate_key": "Khóa ký giấy chứng nhận",
    "certificate": "Giấy chứng nhận",
    "certificates": "Giấy chứng nhận",
    "contest": "Cuộc thi",
    "person": "Người",
    "platform": "Hệ thống",
    "question": "Câu hỏi",
    "round": "Đợt thi",
    "source": "Văn bản",
    "unit": "Đơn vị",
    "units": "Cây đơn vị",
    "people": "Danh sách người",
    "audit": "Nhật ký",
}
_PHONE = re.compile(r"\+84[0-9]{9}")
LONGEST_VALUE = 200


def action_words(action: str) -> str:
    return ACTIONS.get(action, action)


def subject_words(subject: str) -> str:
    """The object of "contest:12" as "Cuộc thi 12"."""
    kind, _, key = subject.partition(":")
    return f"{SUBJECTS.get(kind, kind)} {key}".strip()


def detail_words(detail: Mapping[str, object]) -> str:
    """The detail as "name: value" pairs; telephone numbers masked."""
    return "; ".join(f"{name}: {_value(value)}" for name, value in detail.items())


def line_words(line: AuditShown) -> tuple[str, str, str]:
    return action_words(line.action), subject_words(line.subject), detail_words(line.detail)


def _value(value: object) -> str:
    match value:
        case None:
            return "không"
        case bool():
            return "có" if value else "không"
        case int():
            return str(value)
        case list():
            shown = ", ".join(_value(each) for each in value)
        case dict():
            shown = f"({detail_words(value)})"
        case _:
            shown = _PHONE.sub(lambda found: phone_masked(found[0]), str(value))
    return shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}…"
