from __future__ import annotations

import zipfile
from io import BytesIO

import httpx

from certificates import batch_signing, printing
from certificates.owed import Rule
from core import db
from people.roles import grant_role
from tests.certificates import offices
from tests.certificates.stage import Stage, build_stage
from tests.web.conftest import SignIn, Site

PLACE = "/quan-tri/cuoc-thi/thi/chung-nhan/ky-so"


async def opened(sign_in: SignIn) -> tuple[Stage, httpx.AsyncClient, int]:
    """A list that was issued and drawn, and Lan, who organises."""
    stage = await build_stage()
    batch_id = await stage.issued(Rule(kind="participation"))
    for row in await db.pool().fetch("SELECT id, number FROM certificate"):
        await printing.keep_paper(row["id"], "plain", offices.paper(row["number"]))
    await grant_role(stage.lan, "organiser", unit_id=stage.arena.unit_id, by=None)
    person_id = await db.pool().fetchval("SELECT person_id FROM account WHERE id = $1", stage.lan)
    return stage, await sign_in(person_id), batch_id


async def test_an_organiser_asks_for_signatures_and_sees_them_come(
    site: Site, sign_in: SignIn
) -> None:
    stage, lan, batch_id = await opened(sign_in)
    asked = await lan.post(PLACE, data={"danh_sach": str(batch_id)})
    assert (asked.status_code, asked.headers["location"]) == (303, PLACE)
    assert "Đang ký." in (await lan.get(PLACE)).text
    signed_count = await batch_signing.sign_waiting()
    shown = (await lan.get(PLACE)).text
    assert f"ký bằng khóa của hệ thống {signed_count}" in shown
    assert "Đang ký." not in shown
    assert (await lan.post(PLACE, data={"danh_sach": "999"})).status_code == 422
    assert stage.contest_id


async def test_what_comes_back_is_answered_file_by_file(site: Site, sign_in: SignIn) -> None:
    _, lan, batch_id = await opened(sign_in)
    given = await lan.get(f"{PLACE}/chua-ky.zip", params={"danh_sach": batch_id})
    with zipfile.ZipFile(BytesIO(given.content)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) > 1
    sent = await lan.post(f"{PLACE}/tai-len", files={"tep": ("a.zip", given.content)})
    assert sent.status_code == 200
    assert "Đã nhận 0 trong" in sent.text
    assert "Tệp chưa được ký bên ngoài." in sent.text
    refused = await lan.post(f"{PLACE}/tai-len", files={"tep": ("a.zip", b"no parcel")})
    assert refused.status_code == 422
    assert "Không mở được tệp nén" in refused.text
