"""Which units does Lai Châu have since 1 July 2025, and how big might they be?

The names are real (two tiers: the province and its 38 communes; departments as merged in 2025).
The headcounts are invented, and say so in their source.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from core.clock import local_day, now
from core.db import Connection, pool, transaction
from people.unit_writing import (
    TWO_TIERS_SINCE,
    NewUnit,
    load_province,
    place_units,
    record_succession,
    write_aliases,
    write_headcount,
)

PROVINCE_CODE = 12
PROVINCE = "T12"
HEADCOUNT_SOURCE = "số liệu minh họa"

ADMINISTRATION = "Cơ quan hành chính"
PUBLIC_SERVICE = "Đơn vị sự nghiệp"
COMMUNES = "Cấp xã"

# Staff, teachers and registered learners of a commune: somewhere between these.
_SMALLEST_COMMUNE, _LARGEST_COMMUNE = 240, 620


@dataclass(frozen=True)
class Office:
    code: str
    name: str
    kind: str
    block: str
    people_count: int
    aliases: tuple[str, ...] = ()


def _department(code: str, name: str, people_count: int, *aliases: str) -> Office:
    return Office(code, name, "department", ADMINISTRATION, people_count, aliases)


def _agency(code: str, name: str, block: str, people_count: int, *aliases: str) -> Office:
    return Office(code, name, "agency", block, people_count, aliases)


def _school(code: str, name: str, people_count: int, *aliases: str) -> Office:
    return Office(code, name, "school", PUBLIC_SERVICE, people_count, aliases)


OFFICES = (
    _department("VPUBND", "Văn phòng Ủy ban nhân dân tỉnh", 92, "Văn phòng UBND tỉnh"),
    _department("SNV", "Sở Nội vụ", 128, "Sở Lao động - Thương binh và Xã hội"),
    _department(
        "SKHCN", "Sở Khoa học và Công nghệ", 74, "Sở KH&CN", "Sở Thông tin và Truyền thông"
    ),
    _department("STC", "Sở Tài chính", 121, "Sở Kế hoạch và Đầu tư"),
    _department("STP", "Sở Tư pháp", 48),
    _department("SYT", "Sở Y tế", 66),
    _department("SGDDT", "Sở Giáo dục và Đào tạo", 71, "Sở GD&ĐT"),
    _department(
        "SNNMT",
        "Sở Nông nghiệp và Môi trường",
        246,
        "Sở Nông nghiệp và Phát triển nông thôn",
        "Sở Tài nguyên và Môi trường",
    ),
    _department("SXD", "Sở Xây dựng", 104, "Sở Giao thông vận tải"),
    _department("SCT", "Sở Công Thương", 58),
    _department("SVHTTDL", "Sở Văn hóa, Thể thao và Du lịch", 83, "Sở VHTT&DL"),
    _department("SDTTG", "Sở Dân tộc và Tôn giáo", 41, "Ban Dân tộc"),
    _department("TTT", "Thanh tra tỉnh", 87),
    _agency("CAT", "Công an tỉnh", ADMINISTRATION, 910),
    _agency("BCHQS", "Bộ Chỉ huy Quân sự tỉnh", ADMINISTRATION, 540),
    _agency("THUE", "Thuế tỉnh", ADMINISTRATION, 132, "Cục Thuế tỉnh"),
    _agency("BHXH", "Bảo hiểm xã hội tỉnh", ADMINISTRATION, 96),
    _agency("MTTQ", "Ủy ban Mặt trận Tổ quốc Việt Nam tỉnh", ADMINISTRATION, 88, "Tỉnh đoàn"),
    _agency("BVDK", "Bệnh viện Đa khoa tỉnh", PUBLIC_SERVICE, 468),
    _agency(
        "CDC", "Trung tâm Kiểm soát bệnh tật tỉnh", PUBLIC_SERVICE, 143, "Trung tâm Y tế dự phòng"
    ),
    _agency(
        "BPTTH",
        "Báo và Phát thanh, Truyền hình Lai Châu",
        PUBLIC_SERVICE,
        118,
        "Báo Lai Châu",
        "Đài Phát thanh - Truyền hình tỉnh",
    ),
    _agency("TTHCC", "Trung tâm Phục vụ hành chính công tỉnh", PUBLIC_SERVICE, 36),
    _school("CDLC", "Trường Cao đẳng Lai Châu", 980),
    _school("LQD", "Trường THPT chuyên Lê Quý Đôn", 870, "Trường chuyên Lê Quý Đôn"),
    _school("DTNT", "Trường Phổ thông Dân tộc nội trú tỉnh", 640, "Trường PTDTNT tỉnh"),
    _school("THPTPT", "Trường THPT Phong Thổ", 760),
    _school("THPTTU", "Trường THPT Than Uyên", 1040),
    _school("THPTMT", "Trường THPT Mường Tè", 690),
    _school("THPTSH", "Trường THPT Sìn Hồ", 580),
)

# Districts until 30 June 2025 and the communes that took over, by the statistics office's codes,
# so that whoever looks for the old name finds the new ones.
DISTRICTS = {
    ("H105", "Thành phố Lai Châu"): ("X03408", "X03388"),
    ("H106", "Huyện Tam Đường"): ("X03424", "X03390", "X03405", "X03430"),
    ("H107", "Huyện Mường Tè"): (
        "X03466", "X03433", "X03445", "X03439", "X03442", "X03463", "X03451",
    ),
    ("H108", "Huyện Sìn Hồ"): (
        "X03529", "X03478", "X03508", "X03517", "X03532", "X03544", "X03538", "X03503",
    ),
    ("H109", "Huyện Phong Thổ"): ("X03394", "X03549", "X03562", "X03571", "X03583"),
    ("H110", "Huyện Than Uyên"): ("X03637", "X03640", "X03595", "X03618"),
    ("H111", "Huyện Tân Uyên"): ("X03616", "X03613", "X03598", "X03601"),
    ("H112", "Huyện Nậm Nhùn"): ("X03487", "X03434", "X03472", "X03460"),
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A unit that people belong to, as the synthetic past needs it."""

    id: int
    code: str
    kind: str
    people_count: int


async def place() -> None:
    """Put the whole tree in place; may run again."""
    await load_province(PROVINCE_CODE, on=TWO_TIERS_SINCE)
    async with transaction() as connection:
        await _place_offices(connection)
        await _name_blocks_and_count(connection)
    for (code, _), communes in DISTRICTS.items():
        await record_succession(predecessor_code=code, successor_codes=communes, on=TWO_TIERS_SINCE)


async def units_with_people() -> list[Unit]:
    """Every unit that has a headcount, in the order of codes."""
    rows = await pool().fetch(
        "SELECT DISTINCT ON (u.code) u.id, u.code, u.kind, h.people_count "
        "FROM unit u JOIN headcount h ON h.unit_id = u.id "
        "WHERE h.source = $1 ORDER BY u.code, h.counted_on DESC",
        HEADCOUNT_SOURCE,
    )
    return [Unit(**row) for row in rows]


async def _place_offices(connection: Connection) -> None:
    await place_units(
        connection,
        [
            *(
                NewUnit(each.code, each.name, each.kind, PROVINCE, each.block, aliases=each.aliases)
                for each in OFFICES
            ),
            *(
                NewUnit(
                    code,
                    name,
                    "district",
                    PROVINCE,
                    valid_to=TWO_TIERS_SINCE - timedelta(days=1),
                )
                for code, name in DISTRICTS
            ),
        ],
    )


async def _name_blocks_and_count(connection: Connection) -> None:
    await connection.execute(
        "UPDATE unit SET block = $1 WHERE kind = 'commune' AND block = '' "
        "AND parent_id = (SELECT id FROM unit WHERE code = $2)",
        COMMUNES,
        PROVINCE,
    )
    rows = await connection.fetch(
        "SELECT id, code, name, kind FROM unit WHERE parent_id = "
        "(SELECT id FROM unit WHERE code = $1) AND kind <> 'district' ORDER BY code",
        PROVINCE,
    )
    offices = {each.code: each.people_count for each in OFFICES}
    counted_on = date(local_day(now()).year, 1, 1)
    for row in rows:
        if row["kind"] == "commune":
            name = row["name"][:1].lower() + row["name"][1:]
            await write_aliases(connection, row["id"], [f"Ủy ban nhân dân {name}", f"UBND {name}"])
        people_count = offices.get(row["code"]) or _commune_size(row["code"])
        await write_headcount(connection, row["id"], people_count, counted_on, HEADCOUNT_SOURCE)


def _commune_size(code: str) -> int:
    share = hashlib.sha256(f"size {code}".encode()).digest()[0] / 255
    return round(_SMALLEST_COMMUNE + share * (_LARGEST_COMMUNE - _SMALLEST_COMMUNE))
