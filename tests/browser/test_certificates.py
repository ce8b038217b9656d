"""Certificates in the office: two people, their browsers, and a page for the one who holds the paper."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from certificates.issuing import issue_waiting
from certificates.parcel_checks import check_waiting
from core import db
from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, picture, require_node_modules
from tests.browser.paper import Person
from tests.web.conftest import Site
from web.demo.contests import PAST_SLUG

pytestmark = pytest.mark.browser
PAGE = f"/quan-tri/cuoc-thi/{PAST_SLUG}/chung-nhan"


async def give_to(person: Person) -> None:
    """The first certificate of the contest is this person's, who may look at it then."""
    await db.pool().execute(
        "UPDATE participant SET person_id = $1 WHERE id = "
        "(SELECT participant_id FROM certificate WHERE contest_id = (SELECT id FROM contest "
        " WHERE slug = $2) ORDER BY id DESC LIMIT 1)",
        person.person_id,
        PAST_SLUG,
    )


async def test_a_list_is_proposed_approved_issued_corrected_and_seen_by_its_holder(
    open_page: OpenPage, province: Site, mai: Person
) -> None:
    require_node_modules()
    await db.pool().execute(
        "UPDATE round SET result = 'final' WHERE contest_id = "
        "(SELECT id FROM contest WHERE slug = $1)",
        PAST_SLUG,
    )
    province.forget()
    lan = await open_page(await staff_member("organiser"), tolerates="422")
    minh = await open_page(await staff_member("approver"))
    await lan.goto("/quan-tri/chung-nhan")
    await lan.get_by_label("Mở sổ năm nay, ký hiệu").fill("GCN-BTC")
    await lan.get_by_role("button", name="Mở sổ").click()
    await lan.get_by_label("Cơ quan cấp giấy").fill("BAN TỔ CHỨC CUỘC THI TÌM HIỂU CHUYỂN ĐỔI SỐ")
    await lan.get_by_label("Họ và tên").fill("Giàng A Páo")
    await lan.get_by_role("button", name="Ghi người ký").click()
    faults = await faults_of(lan, "so-va-nguoi-ky")
    await picture(lan, "1-so")

    await lan.goto(PAGE)
    await lan.get_by_role("link", name="Lập danh sách cấp").click()
    await lan.get_by_label("Loại giấy").select_option("participation")
    await lan.get_by_role("button", name="Xem danh sách", exact=True).click()
    await lan.get_by_label("In kết quả bài thi").check()
    await lan.get_by_role("button", name="Xem danh sách", exact=True).click()
    await lan.get_by_label("Mẫu giấy").select_option(index=1)
    await lan.get_by_label("Sổ cấp số").select_option(index=1)
    await lan.get_by_label("Người ký").select_option(index=1)
    faults += await faults_of(lan, "lap")
    await picture(lan, "2-lap")
    await lan.get_by_role("button", name="Gửi duyệt danh sách này").click()

    await minh.goto(PAGE)
    await minh.get_by_role("link", name="Xem và duyệt").click()
    faults += await faults_of(minh, "danh-sach")
    await picture(minh, "3-duyet")
    await minh.get_by_role("button", name="Duyệt danh sách").click()
    await issue_waiting()

    await lan.goto(f"{PAGE}/ky-so")
    await lan.get_by_label("Các tệp .zip hoặc .pdf đã ký").set_input_files([
        {"name": "giay-da-ky.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"},
        {"name": "gói hỏng.zip", "mimeType": "application/zip", "buffer": b"PK"},
    ])  # fmt: skip
    await lan.get_by_role("button", name="Gửi và kiểm tra").click()
    await expect(lan.get_by_text("đang kiểm tra", exact=True)).to_have_count(2)
    await check_waiting()
    await expect(lan.get_by_role("heading", name="1 tệp không nhận")).to_be_visible()
    faults += await faults_of(lan, "ky-so")
    await picture(lan, "4-ky-so")

    await lan.goto(PAGE)
    faults += await faults_of(lan, "chung-nhan")
    await picture(lan, "4-danh-sach")
    await lan.locator("tbody th a").first.click()
    await lan.get_by_text("Sửa tên, đơn vị hoặc kết quả").click()
    await lan.get_by_role("textbox", name="Tên in trên giấy").fill("Lò Thị Mãi")
    await lan.get_by_role("button", name="Cấp giấy thay thế").click()
    await expect(lan.get_by_role("alert")).to_contain_text("Hãy ghi lý do")
    faults += await faults_of(lan, "giay, có lỗi")
    await picture(lan, "5-giay")
    await lan.get_by_label("Lý do, lưu hồ sơ").first.fill("Đơn ngày 02/11")
    await lan.get_by_label("Lý do công khai").first.fill("Đính chính họ tên")
    await lan.get_by_role("button", name="Cấp giấy thay thế").click()
    await expect(lan.get_by_text("Thay cho giấy số")).to_be_visible()

    await give_to(mai)
    citizen = await open_page(mai)
    await citizen.goto("/tai-khoan/chung-nhan")
    await expect(citizen.get_by_text("Lò Thị Mãi").first).to_be_visible()
    faults += await faults_of(citizen, "cua-toi")
    await picture(citizen, "6-cua-toi")

    await db.pool().execute(
        "INSERT INTO disqualification (participant_id, reason, created_at, lift_reason) "
        "SELECT participant_id, 'Thi hộ', now(), '' FROM certificate ORDER BY id LIMIT 1"
    )
    await lan.goto(f"{PAGE}/can-sua")
    faults += await faults_of(lan, "can-sua")
    await picture(lan, "7-can-sua")
    assert not faults, "\n".join(faults)


async def test_a_design_shows_itself_while_somebody_types(open_page: OpenPage) -> None:
    require_node_modules()
    lan = await open_page(await staff_member("organiser"))
    await lan.goto("/quan-tri/chung-nhan/mau")
    await lan.get_by_label("Tên mẫu").fill("Mẫu thử")
    await lan.get_by_label("Từ mẫu có sẵn").select_option("tap-the")
    await lan.get_by_role("button", name="Tạo mẫu").click()
    drawn = lan.get_by_role("img", name="Ảnh giấy chứng nhận")
    await expect(drawn).to_be_visible(timeout=60_000)  # a program of its own starts first
    before = await drawn.get_attribute("src")
    await lan.get_by_label("Lời dẫn phía trên tên").fill("Ghi nhận <i>tập thể</i>")
    await expect(drawn).not_to_have_attribute("src", before or "")
    faults = await faults_of(lan, "mau")
    await picture(lan, "8-mau")
    await lan.get_by_label("Lời dẫn phía trên tên").fill("W" * 60)
    await expect(lan.get_by_role("status")).to_contain_text("không in vừa")
    assert not faults, "\n".join(faults)
