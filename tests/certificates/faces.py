"""The cast of certificates: names that break printing, and a face to put them on."""

from __future__ import annotations

from datetime import date
from typing import Any

from certificates.face import Face

HARD_NAMES = (
    "Nguyễn Văn Ế",
    "Ế",
    "Ổ",
    "Lò Thị Mai",
    "Y Moan Êban",
    "K'Brôih",
    "K’Brơi Mlô Duôn Du",
    "H'Hen Niê",
    "H’Mông Vàng A Pó",
    "Ayŭn Kpă Ksor Ƀlô",
    "Rơ Ô Hƀrek Ư̆m",
    "Giàng A Páo",
    "Sùng Thị Sảy",
    "Tòng Văn Ọt",
    "Đặng Nguyễn Hoàng Phương Thảo Vy",
    "Công Tằng Tôn Nữ Thị Ngọc Quỳnh Như Phương Hoàng Yến",
    "Nguyễn Phúc Bảo Long Hồng Đăng Khoa Thiên Ân Trường Thọ Vĩnh Cửu Ức Niên",
    "Tôn Nữ Quỳnh-Trâm Nguyễn-Phước",
    "ẪẨẦẤẬẰẲẴẮẶỄỂỀẾỆ",
    "ỮỬỪỨỰ ỠỞỜỚỢ ỖỔỒỐỘ",
    "Ngô Ỷ Ỹ Ý Ỳ Ỵ",
    "nguyễn thị nhỏ",
    "NGUYỄN THỊ NGHIÊNG",
    "Trương Nghiêng Nghiễng Nghuyệch",
    "Lê  Thị   Cách",
    "Mã A Lềnh (Mã A Sử)",
    "Phàn Tả Mẩy & Chảo Láo Lở",
    "Vừ A Dính 2",
    "Wừ Mí Sính",
    "Quách Ngọc Ngoạn, Jr.",
)
LONG_UNITS = (
    "",
    "Ủy ban nhân dân xã Sìn Hồ, tỉnh Lai Châu",
    "Trường Phổ thông dân tộc bán trú Trung học cơ sở và Tiểu học Nậm Cuổi, xã Nậm Cuổi, tỉnh Lai Châu",
    "Buôn Kŭm, xã Ea Ƀar, tỉnh Đắk Lắk",
)


def a_face(**changes: Any) -> Face:
    number = changes.get("number", "00123/2026/GCN-BTC")
    address = f"https://thi.laichau.gov.vn/chung-nhan/{number.replace('/', '-')}?ma=ABCDE-FGHJK"
    return Face(
        **{
            "number": number,
            "kind": "prize",
            "superior": "ỦY BAN NHÂN DÂN TỈNH LAI CHÂU",
            "issuer": "BAN TỔ CHỨC CUỘC THI TÌM HIỂU CẢI CÁCH HÀNH CHÍNH",
            "title": "GIẤY CHỨNG NHẬN",
            "printed_name": "Lò Thị Mai",
            "unit_name": "Ủy ban nhân dân xã Sìn Hồ, tỉnh Lai Châu",
            "statement": "đã hoàn thành bài thi của",
            "contest_title": "Cuộc thi trực tuyến “Tìm hiểu cải cách hành chính tỉnh Lai Châu năm 2026”",
            "result": "Đạt giải Nhất",
            "place": "Lai Châu",
            "issued_on": date(2026, 2, 5),
            "authority": "TM. BAN TỔ CHỨC",
            "signer_title": "TRƯỞNG BAN",
            "signer_name": "Giàng Páo Mỷ",
            "check_url": address,
            "qr": f"{address}#{'ABC1.:' * 30}",
            **changes,
        }
    )
