from __future__ import annotations

import httpx
import pytest

from core import db
from quiz.platform_switches import PlatformSwitch, switch
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn, Site

JSON = {"Accept": "application/json"}


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


async def throw(site: Site, name: PlatformSwitch, *, is_on: bool = True) -> None:
    await switch(name, is_on, "Quá tải giờ chót", by=None)
    site.forget()


async def test_closed_sign_up_says_so_and_lets_everybody_else_in(
    site: Site, stage: Stage, visitor: httpx.AsyncClient
) -> None:
    await throw(site, "sign_up")
    page = await visitor.get("/dang-ky")
    assert "tạm dừng nhận đăng ký mới" in page.text
    assert 'name="ho_ten"' not in page.text
    typed = await visitor.post("/dang-ky", data={"ho_ten": "Lò Thị Mai"})
    assert typed.status_code == 409
    assert 'value="Lò Thị Mai"' in typed.text
    assert await db.pool().fetchval("SELECT count(*) FROM sign_in_code") == 0
    assert (await visitor.get("/dang-nhap")).status_code == 200
    entered = await stage.clients["mai"].post("/cuoc-thi/thi/vao-thi")
    assert entered.headers["location"].startswith("/bai-thi/")
    await throw(site, "sign_up", is_on=False)
    assert 'name="ho_ten"' in (await visitor.get("/dang-ky")).text


async def test_stopped_starts_hold_in_every_contest_and_touch_nobody_inside(
    site: Site, stage: Stage
) -> None:
    mai = stage.clients["mai"]
    paper = (await mai.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    await throw(site, "starts")
    outside = await stage.clients["charlie"].post("/cuoc-thi/thi/vao-thi")
    assert outside.status_code == 409
    assert "tạm dừng cho bắt đầu bài mới" in outside.text
    saved = await mai.post(f"{paper}/luu", data={"seq": "1", "q1": "1"}, headers=JSON)
    assert saved.status_code == 200
    handed_in = await mai.post(f"{paper}/nop", data={})
    assert handed_in.headers["location"] == f"{paper}/ket-qua"


async def test_lite_mode_is_known_from_memory(site: Site, visitor: httpx.AsyncClient) -> None:
    contests = site.app.state.contests
    assert contests.is_lite is False
    await throw(site, "lite")
    assert (await contests.switches()).is_lite
    assert contests.is_lite is True
    await throw(site, "lite", is_on=False)
    await contests.switches()
    assert contests.is_lite is False
