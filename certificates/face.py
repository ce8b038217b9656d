"""What is printed on one certificate?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What is printed on one certificate, as it was copied at issue; nothing on it is looked up again.

    Images and layout come from the design's version. Texts are NFC; those marked "may be empty" are
    left out of the paper with what belongs to them.
    """

    number: str  # "00123/2026/GCN-BTC"
    kind: str  # participation, pass, prize or unit_prize
    superior: str  # "ỦY BAN NHÂN DÂN TỈNH LAI CHÂU"; may be empty
    issuer: str  # "BAN TỔ CHỨC CUỘC THI …"
    title: str  # "GIẤY CHỨNG NHẬN"
    printed_name: str  # the person, or the unit
    unit_name: str  # the person's unit; empty for a unit's own
    statement: str  # "đã hoàn thành bài thi của"
    contest_title: str
    result: str  # "Đạt giải Nhất", "Đúng 18/20 câu trong 12 phút 05 giây"; may be empty
    place: str  # "Lai Châu"
    issued_on: date
    authority: str  # "TM. BAN TỔ CHỨC"; may be empty
    signer_title: str  # "TRƯỞNG BAN"
    signer_name: str
    check_url: str  # the short address that is printed
    qr: str  # what the QR holds: check_url, and the signed payload behind its "#"
