from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from certificates import batch_signing, parcel_checks, parcels
from core import db
from people.roles import grant_role
from tests.certificates import offices
from tests.certificates.stage import Stage, build_stage, laid_papers
from tests.web.conftest import SignIn, Site

FILE = b'--a\r\nContent-Disposition: form-data; name="tep"; filename="a.zip"\r\n\r\ncontent\r\n--a--\r\n'
PLACE = "/quan-tri/cuoc-thi/thi/chung-nhan/ky-so"


async def opened(sign_in: SignIn) -> tuple[Stage, httpx.AsyncClient, int]:
    """A list that was issued and drawn, and Lan, who organises."""
    stage = await build_stage()
    batch_id = await laid_papers(stage)
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


async def test_what_comes_back_is_answered_file_by_file(
    site: Site, sign_in: SignIn, tmp_path: Path
) -> None:
    _, lan, batch_id = await opened(sign_in)
    shown = (await lan.get(PLACE)).text
    assert "Tải 6 giấy chưa ký" in shown
    given = await lan.get(f"{PLACE}/chua-ky.zip", params={"danh_sach": batch_id, "phan": 1})
    with zipfile.ZipFile(BytesIO(given.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        signed = await offices.signed_outside(archive.read(names[0]), tmp_path)
    files = [
        ("tep", ("a.zip", given.content)),
        ("tep", ("đã ký.pdf", signed)),
        ("tep", ("hỏng.zip", b"no parcel")),
        ("khac", ("b.zip", given.content)),
    ]
    sent = await lan.post(f"{PLACE}/tai-len", files=files)
    assert (sent.status_code, sent.headers["location"]) == (303, PLACE)
    shown = (await lan.get(PLACE)).text
    assert shown.count("đang kiểm tra") == 3
    assert 'data-hx-trigger="every 3s"' in shown
    await parcel_checks.check_waiting()
    part = await lan.get(PLACE, headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith('<div id="da-gui"')
    assert "every 3s" not in part.text
    assert "Không mở được tệp nén" in part.text
    assert "Đã xem 1 trong 1 tệp, nhận 1." in part.text
    assert "Đã xem 6 trong 6 tệp, nhận 0, không nhận 6." in part.text
    assert part.text.count("Tệp chưa được ký bên ngoài.") == 6
    second = await lan.post(f"{PLACE}/tai-len", files={"tep": ("lạ.pdf", offices.paper("x"))})
    assert second.status_code == 303
    await parcel_checks.check_waiting()
    shown = (await lan.get(PLACE)).text
    assert "Không khớp với giấy nào" in shown
    [parcel_id] = re.findall(r"\?goi=(\d+)", shown)
    refused = (await lan.get(PLACE, params={"goi": parcel_id})).text
    assert refused.count("Tệp chưa được ký bên ngoài.") == 6
    assert "Tải 5 giấy chưa ký" in refused


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"tep=x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"no part"),
        ("multipart/form-data; boundary=a", FILE.replace(b"--a--", b"")),
        ("multipart/form-data; boundary=a", FILE.replace(b"a.zip", b"")),
        ("multipart/form-data; boundary=a", FILE.replace(b"a.zip", b"a.jpg")),
        ("multipart/form-data; boundary=a", FILE.replace(b"content", b"")),
    ],
)
async def test_a_sending_that_will_not_do_is_told_at_once(
    site: Site, sign_in: SignIn, kind: str, body: bytes
) -> None:
    _, lan, _ = await opened(sign_in)
    refused = await lan.post(f"{PLACE}/tai-len", content=body, headers={"Content-Type": kind})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert await db.pool().fetchval("SELECT count(*) FROM certificate_parcel") == 0


async def test_more_than_may_come_at_once_is_refused_as_it_comes(
    site: Site, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "LARGEST_BYTES", 1_000_000)
    _, lan, _ = await opened(sign_in)
    refused = await lan.post(f"{PLACE}/tai-len", files={"tep": ("a.zip", bytes(2_000_000))})
    assert refused.status_code == 413
    assert "tối đa 1 MB" in refused.text
    assert await db.pool().fetchval("SELECT count(*) FROM certificate_parcel") == 0
