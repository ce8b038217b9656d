"""With which names does an office try its design: usual ones, and those that are hard to print?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from certificates.face import Face

USUAL = "ngan"
LONGEST = "dai"
EXAMPLES = {
    USUAL: "Tên thường gặp",
    LONGEST: "Tên và nội dung rất dài",
    "hmong": "Tên H’Mông",
    "e-de": "Tên Ê Đê",
    "mot-chu": "Tên một chữ",
}


@dataclass(frozen=True)
class _Names:
    person: str
    unit_of_person: str
    unit: str  # of a unit's own certificate


_NAMES = {
    USUAL: _Names("Nguyễn Văn Ế", "Ủy ban nhân dân xã Sìn Hồ", "Ủy ban nhân dân xã Sìn Hồ"),
    LONGEST: _Names(
        "Công Tằng Tôn Nữ Thị Ngọc Quỳnh Như Phương Hoàng Yến",
        "Trường Phổ thông dân tộc bán trú Trung học cơ sở và Tiểu học Nậm Cuổi, xã Nậm Cuổi",
        "Trường Phổ thông dân tộc bán trú Trung học cơ sở và Tiểu học Nậm Cuổi, xã Nậm Cuổi",
    ),
    "hmong": _Names(
        "H’Mông Vàng A Pó", "Bản Sin Suối Hồ, xã Sin Suối Hồ", "Bản Sin Suối Hồ, xã Sin Suối Hồ"
    ),
    "e-de": _Names(
        "H’Bluôm Kbuôr Mlô Duôn Du", "Buôn Kŭm, xã Ea Ƀar", "Buôn Kŭm, xã Ea Ƀar, tỉnh Đắk Lắk"
    ),
    "mot-chu": _Names("Ổ", "", "Đoàn"),
}
_CONTEST = "Tìm hiểu chuyển đổi số tỉnh Lai Châu"
_LONG_CONTEST = (
    "Tìm hiểu pháp luật về chuyển đổi số, định danh và xác thực điện tử, bảo vệ dữ liệu cá nhân "
    "và dịch vụ công trực tuyến trên địa bàn tỉnh Lai Châu năm 2026"
)
_RESULT = "Đạt giải Nhất"
_LONG_RESULT = "Đạt giải Khuyến khích, Tuần 4, bảng Cán bộ, công chức, viên chức và người lao động"
_ADDRESS = "https://thi.example.gov.vn/chung-nhan/00123-2026-GCN-BTC?ma=7K2M-Q4TN-0XBD"


def example_face(base: str, example: str, day: date) -> Face:
    """A face for a design of this base; an unknown example is the usual one."""
    names = _NAMES.get(example, _NAMES[USUAL])
    is_long = example == LONGEST
    is_unit = base == "tap-the"
    return Face(
        number="00123/2026/GCN-BTC",
        kind="unit_prize" if is_unit else "prize",
        superior="ỦY BAN NHÂN DÂN TỈNH LAI CHÂU",
        issuer="BAN TỔ CHỨC CUỘC THI TÌM HIỂU CHUYỂN ĐỔI SỐ",
        title="GIẤY CHỨNG NHẬN",
        printed_name=names.unit if is_unit else names.person,
        unit_name="" if is_unit else names.unit_of_person,
        statement="đã đạt giải tập thể tại cuộc thi" if is_unit else "đã đạt giải tại cuộc thi",
        contest_title=_LONG_CONTEST if is_long else _CONTEST,
        result=_LONG_RESULT if is_long else _RESULT,
        place="Lai Châu",
        issued_on=day,
        authority="TM. BAN TỔ CHỨC",
        signer_title="TRƯỞNG BAN",
        signer_name="Giàng A Páo",
        check_url=_ADDRESS,
        qr=_ADDRESS,
    )
