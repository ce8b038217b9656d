"""Who can sign in to the demonstration province, and with which known password?"""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import now
from core.db import pool
from core.text import phone_e164, phone_shown
from people.accounts import make_staff
from people.roles import RoleName, grant_role
from people.units import get_unit
from web.demo.lai_chau import PROVINCE
from web.demo.people import Citizen, write_citizens


@dataclass(frozen=True)
class StaffMember:
    """One role's account; the role reaches over the unit and all beneath it."""

    role: RoleName
    label: str
    username: str
    password: str
    full_name: str
    unit_code: str
    about: str
    reach: str = PROVINCE


@dataclass(frozen=True)
class DemoCitizen:
    """A citizen who signs in by telephone and the code 000000."""

    label: str
    phone: str
    full_name: str
    birth_year: int
    unit_code: str
    division_code: str
    least_correct: float  # share of a paper of the contest that is over


STAFF = (
    StaffMember(
        "admin", "Quản trị hệ thống", "quantri", "hieuso-quantri",
        "Nguyễn Minh Khánh", "SKHCN", "Đơn vị, tài khoản, vai trò",
    ),
    StaffMember(
        "organiser", "Ban Tổ chức", "bantochuc", "hieuso-bantochuc",
        "Lường Thị Hương", "SKHCN", "Lập cuộc thi và gửi duyệt",
    ),
    StaffMember(
        "author", "Người soạn câu hỏi", "soande", "hieuso-soande",
        "Trần Thu Trang", "STP", "Soạn và nhập ngân hàng câu hỏi",
    ),
    StaffMember(
        "reviewer", "Người thẩm định", "thamdinh", "hieuso-thamdinh",
        "Vàng Văn Hùng", "STP", "Thẩm định, duyệt câu hỏi",
    ),
    StaffMember(
        "approver", "Người phê duyệt", "pheduyet", "hieuso-pheduyet",
        "Phạm Quang Tiến", "VPUBND", "Phê duyệt cuộc thi, chốt kết quả",
    ),
    StaffMember(
        "campaign_staff", "Cán bộ tuyên truyền", "tuyentruyen", "hieuso-tuyentruyen",
        "Giàng Thị Mỷ", "SVHTTDL", "Chuẩn bị tin và kế hoạch tuyên truyền",
    ),
    StaffMember(
        "focal_point", "Đầu mối đơn vị", "daumoi", "hieuso-daumoi",
        "Tẩn A San", "SYT", "Theo dõi người dự thi của Sở Y tế", reach="SYT",
    ),
    StaffMember(
        "leader", "Lãnh đạo", "lanhdao", "hieuso-lanhdao",
        "Lò Đức Thắng", "VPUBND", "Xem số liệu toàn tỉnh",
    ),
    StaffMember(
        "auditor", "Người kiểm tra", "kiemtra", "hieuso-kiemtra",
        "Vũ Thanh Giang", "TTT", "Xem nhật ký thao tác",
    ),
)  # fmt: skip

CITIZENS = (
    DemoCitizen("Cán bộ dự thi", "0912345678", "Lò Thị Mai", 1991, "SYT", "can-bo", 1.0),
    DemoCitizen("Người dân", "0987654321", "Giàng A Páo", 1978, "X03478", "nguoi-dan", 1.0),
)

DEMO_ACCOUNTS = [(each.label, each.username, each.password) for each in STAFF]


def demo_accounts() -> list[dict[str, str | None]]:
    """What the sign-in page lists; a citizen has no password but the one-time code."""
    staff: list[dict[str, str | None]] = [
        {
            "role": each.label,
            "name": each.full_name,
            "login": each.username,
            "password": each.password,
            "about": each.about,
        }
        for each in STAFF
    ]
    citizens: list[dict[str, str | None]] = [
        {
            "role": each.label,
            "name": each.full_name,
            "login": phone_shown(phone_of(each)),
            "password": None,
            "about": "Đăng nhập bằng số điện thoại",
        }
        for each in CITIZENS
    ]
    return [*citizens, *staff]


async def make_cast() -> dict[RoleName, int]:
    """Make the accounts that are missing and return the staff's ids by role; may run again."""
    accounts: dict[RoleName, int] = {}
    for member in STAFF:
        account_id = await _find_account(member.username) or await make_staff(
            username=member.username,
            password=member.password,
            full_name=member.full_name,
            unit_code=member.unit_code,
        )
        reach = await get_unit(member.reach)
        await grant_role(account_id, member.role, unit_id=reach.id, by=None)
        accounts[member.role] = account_id
    await _make_citizens()
    return accounts


async def _find_account(username: str) -> int | None:
    account_id: int | None = await pool().fetchval(
        "SELECT id FROM account WHERE username = $1", username
    )
    return account_id


async def _make_citizens() -> None:
    async with pool().acquire() as connection, connection.transaction():
        taken = {
            row["phone"]
            for row in await connection.fetch(
                "SELECT phone FROM account WHERE phone = ANY($1)",
                [phone_of(each) for each in CITIZENS],
            )
        }
        await write_citizens(
            connection,
            [
                Citizen(
                    full_name=each.full_name,
                    birth_year=each.birth_year,
                    phone=phone_of(each),
                    unit_id=(await get_unit(each.unit_code)).id,
                    division_code=each.division_code,
                    wants_messages=True,
                    signed_up_at=now(),
                )
                for each in CITIZENS
                if phone_of(each) not in taken
            ],
        )


def phone_of(citizen: DemoCitizen) -> str:
    phone = phone_e164(citizen.phone)
    assert phone is not None  # written above, in a valid form
    return phone
