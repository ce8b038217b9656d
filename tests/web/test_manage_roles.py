from __future__ import annotations

import re

import httpx
import pytest

from core import db
from people import second_factor
from people.accounts import find_staff, make_staff
from people.audit import entries
from people.roles import grant_role, roles_of
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

PAGE = "/quan-tri/vai-tro"
NEW = {"ho_ten": "Lý Thị Hoa", "ten": "hoa", "don_vi": "xa binh lu"}


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def admin(stage: Stage) -> httpx.AsyncClient:
    return stage.clients["admin"]


@pytest.fixture
async def local_admin(stage: Stage, admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """Administers only the smaller commune, where the stranger organises."""
    stranger = await stage.account_id("stranger")
    await grant_role(stranger, "admin", unit_id=stage.other_unit_id, by=None)
    await db.pool().execute(
        "UPDATE person SET unit_id = $2 WHERE id = $1",
        stage.person_ids["stranger"],
        stage.other_unit_id,
    )
    return stage.clients["stranger"]


async def test_an_invited_colleague_starts_with_a_password_shown_once(
    stage: Stage, admin: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    made = await admin.post(PAGE, data=NEW)
    assert made.status_code == 200
    password = re.findall(r'<code class="receipt">([^<]+)</code>', made.text)[0]
    hoa = await find_staff("hoa")
    assert password not in (await admin.get(f"{PAGE}/{hoa}")).text
    granted = await admin.post(f"{PAGE}/{hoa}/giao", data={"vai_tro": "author", "don_vi": "X1"})
    assert granted.status_code == 303
    form = {"ten": "hoa", "mat_khau": password}
    entered = await visitor.post("/dang-nhap/can-bo", data=form)
    assert entered.headers["location"] == "/tai-khoan/mat-khau"
    by = await stage.account_id("admin")
    assert [(line.action, line.by) for line in await entries(f"account:{hoa}")] == [
        ("sign_in", hoa),
        ("grant_role", by),
        ("make_staff", by),
    ]


async def test_a_form_that_needs_mending_keeps_what_was_typed(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(PAGE, data={**NEW, "don_vi": "không có"})
    assert answer.status_code == 422
    assert "Không có đơn vị này" in answer.text
    assert 'value="Lý Thị Hoa"' in answer.text
    taken = await admin.post(PAGE, data={**NEW, "ten": "a b"})
    assert 'aria-describedby="ten-goi-y ten-loi"' in taken.text


@pytest.mark.parametrize(
    "text", ["lo thi mai", "0910000001", "xa binh lu"], ids=["name", "phone", "unit"]
)
async def test_an_account_is_found_by_name_phone_or_unit(
    stage: Stage, admin: httpx.AsyncClient, text: str
) -> None:
    mai = await stage.account_id("mai")
    page = (await admin.get(PAGE, params={"tim": text})).text
    assert f'href="{PAGE}/{mai}"' in page
    assert "0910***001" in page
    assert "+84910000001" not in page


async def test_a_role_is_granted_over_a_contest_and_ended(
    stage: Stage, admin: httpx.AsyncClient
) -> None:
    mai = await stage.account_id("mai")
    both = {"vai_tro": "author", "don_vi": "X1", "cuoc_thi": "thi"}
    assert (await admin.post(f"{PAGE}/{mai}/giao", data=both)).status_code == 422
    none = {"vai_tro": "author"}
    assert (await admin.post(f"{PAGE}/{mai}/giao", data=none)).status_code == 422
    assert (await admin.post(f"{PAGE}/{mai}/giao", data={"don_vi": "X1"})).status_code == 422
    await admin.post(f"{PAGE}/{mai}/giao", data={"vai_tro": "leader", "cuoc_thi": "thi"})
    (held,) = await roles_of(mai)
    assert (held.name, held.contest_id) == ("leader", stage.arena.contest_id)
    assert "Cuộc thi" in (await admin.get(f"{PAGE}/{mai}")).text
    await admin.post(f"{PAGE}/{mai}/ket-thuc/{held.id}")
    assert await roles_of(mai) == []


async def test_nobody_ends_the_own_last_administration(
    stage: Stage, admin: httpx.AsyncClient
) -> None:
    own = await stage.account_id("admin")
    (held,) = await roles_of(own)
    answer = await admin.post(f"{PAGE}/{own}/ket-thuc/{held.id}")
    assert answer.status_code == 409
    assert "quản trị toàn hệ thống cuối cùng" in answer.text
    assert len(await roles_of(own)) == 1


async def test_an_administrator_of_a_commune_stays_within_it(
    stage: Stage, local_admin: httpx.AsyncClient
) -> None:
    reviewer, own = await stage.account_id("reviewer"), await stage.account_id("stranger")
    assert (await local_admin.get(f"{PAGE}/{reviewer}")).status_code == 404
    over_root = await local_admin.post(
        f"{PAGE}/{own}/giao", data={"vai_tro": "admin", "don_vi": "X1"}
    )
    assert over_root.status_code == 422
    in_contest = await local_admin.post(
        f"{PAGE}/{own}/giao", data={"vai_tro": "admin", "cuoc_thi": "thi"}
    )
    assert in_contest.status_code == 422
    page = (await local_admin.get(PAGE)).text
    assert f'href="{PAGE}/{own}"' in page
    assert f'href="{PAGE}/{reviewer}"' not in page


async def test_a_password_is_reset_only_where_it_opens_nothing_out_of_reach(
    stage: Stage, admin: httpx.AsyncClient, local_admin: httpx.AsyncClient
) -> None:
    hoa = await make_staff(username="hoa", password="rừng xanh", full_name="Hoa", unit_code="X2")
    done = await local_admin.post(f"{PAGE}/{hoa}/mat-khau")
    assert "Mật khẩu dùng một lần" in done.text
    await grant_role(hoa, "approver", unit_id=stage.arena.unit_id, by=None)
    refused = await local_admin.post(f"{PAGE}/{hoa}/mat-khau")
    assert refused.status_code == 403
    assert (await admin.post(f"{PAGE}/{hoa}/mat-khau")).status_code == 200
    own = await find_staff("hoa")
    assert own == hoa


async def test_a_lost_second_factor_is_reset_and_written_down(
    stage: Stage, admin: httpx.AsyncClient
) -> None:
    hoa = await make_staff(username="hoa", password="rừng xanh", full_name="Hoa", unit_code="X1")
    await second_factor.begin(hoa)
    await db.pool().execute("UPDATE account SET totp_confirmed_at = now() WHERE id = $1", hoa)
    assert "Đặt lại xác thực hai lớp" in (await admin.get(f"{PAGE}/{hoa}")).text
    assert (await admin.post(f"{PAGE}/{hoa}/xac-thuc")).status_code == 303
    assert (await second_factor.get_factor(hoa)).confirmed_at is None
    assert (await entries(f"account:{hoa}"))[0].action == "reset_second_factor"
