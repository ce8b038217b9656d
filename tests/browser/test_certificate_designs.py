"""An office makes a design of its own, puts its seal in, and looks at it without a script's help."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from tests.browser.conftest import OpenPage, staff_member
from tests.browser.looking import faults_of, picture, require_node_modules

pytestmark = pytest.mark.browser


def seal() -> bytes:
    drawn = Image.new("RGBA", (500, 500))
    ImageDraw.Draw(drawn).ellipse((20, 20, 480, 480), outline=(200, 20, 30, 255), width=24)
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()


async def test_a_design_is_made_changed_and_stamped(open_page: OpenPage) -> None:
    require_node_modules()
    lan = await open_page(await staff_member("organiser"))
    await lan.goto("/quan-tri/chung-nhan/mau")
    await lan.get_by_label("Tên mẫu").fill("Mẫu của Sở Khoa học và Công nghệ tỉnh Lai Châu")
    await lan.get_by_label("Từ mẫu có sẵn").select_option("hien-dai")
    faults = await faults_of(lan, "cac-mau")
    await picture(lan, "mau-1-danh-sach")
    await lan.get_by_role("button", name="Tạo mẫu").click()
    await lan.get_by_label("Màu", exact=True).select_option("la")
    await lan.get_by_role("button", name="Lưu bản mới").click()
    await lan.get_by_label("Hình nào").select_option("seal")
    await lan.get_by_label("Tệp hình").set_input_files(
        {"name": "dau.png", "mimeType": "image/png", "buffer": seal()}
    )
    await lan.get_by_role("button", name="Đặt hình").click()
    await lan.get_by_text("bản 3").first.wait_for()
    faults += await faults_of(lan, "mau-cua-so")
    await picture(lan, "mau-2-sua")
    assert faults == []
