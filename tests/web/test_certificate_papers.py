"""Papers in the browser: the holder's, by the code on the paper, the office's; designs of one's own."""

from __future__ import annotations

import base64
import io
import zipfile

import httpx
from PIL import Image

from certificates.changing import revoke
from certificates.issuing import issue_waiting
from core import db
from tests.web.cast import Stage
from tests.web.test_manage_certificates import PATH, propose, stage

__all__ = ["stage"]  # the fixture
DESIGNS = "/quan-tri/chung-nhan/mau"


async def issued(stage: Stage) -> tuple[str, str, int]:
    """Mai's paper: its address, its code, its id."""
    listed = await propose(stage)
    assert (await stage.clients["approver"].post(f"{listed}/duyet")).is_redirect
    await issue_waiting()
    row = await db.pool().fetchrow(
        "SELECT c.id, c.number, c.check_code FROM certificate c "
        "JOIN participant p ON p.id = c.participant_id WHERE p.person_id = $1",
        stage.arena.person_ids[0],
    )
    assert row is not None
    return f"/chung-nhan/{row['number'].replace('/', '-')}.pdf", row["check_code"], row["id"]


async def test_a_paper_is_for_its_holder_and_for_whoever_has_its_code(
    stage: Stage, visitor: httpx.AsyncClient
) -> None:
    address, code, certificate_id = await issued(stage)
    own = await stage.clients["mai"].get(address)
    assert own.headers["content-type"] == "application/pdf"
    assert own.headers["cache-control"] == "no-store"
    assert (await visitor.get(address, params={"ma": code})).content == own.content
    for stranger in (visitor, stage.clients["charlie"]):
        assert (await stranger.get(address)).status_code == 404
        assert (await stranger.get(address, params={"ma": "0000-0000-0000"})).status_code == 404
    listed = (await stage.clients["mai"].get("/tai-khoan/chung-nhan")).text
    assert f'href="{address}"' in listed
    await revoke(certificate_id, reason="nhầm", public_reason="Cấp nhầm", by=None)
    assert (await stage.clients["mai"].get(address)).status_code == 410


async def test_a_picture_to_share_is_the_holder_s_alone_and_tells_what_was_chosen(
    stage: Stage,
) -> None:
    _, _, certificate_id = await issued(stage)
    address = f"/tai-khoan/chung-nhan/{certificate_id}/chia-se.png"
    mai = stage.clients["mai"]
    pictures = {
        (await mai.get(address, params=chosen)).content
        for chosen in ({}, {"ten": "1"}, {"ket_qua": "1"}, {"ten": "1", "ket_qua": "1"})
    }
    assert len(pictures) == 4
    for content in pictures:
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.size == (1200, 630)
    assert (await stage.clients["charlie"].get(address)).status_code == 404


async def test_the_office_takes_one_or_all(stage: Stage) -> None:
    _, _, certificate_id = await issued(stage)
    organiser = stage.clients["organiser"]
    one = await organiser.get(f"{PATH}/giay/{certificate_id}/tep.pdf")
    assert one.content.startswith(b"%PDF")
    whole = await organiser.get(f"{PATH}/tai-ve.zip")
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert len(archive.namelist()) == 2
        assert one.content in {archive.read(name) for name in archive.namelist()}
    assert (await organiser.get(f"{PATH}/to-in.pdf")).content.startswith(b"%PDF")
    assert (await organiser.get(f"{PATH}/tai-ve.zip", params={"loai": "prize"})).status_code == 404


async def test_an_office_makes_a_design_of_its_own_whose_versions_stay(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    refused = await organiser.post(DESIGNS, data={"ten": " ", "goc": "../x"})
    assert refused.status_code == 422
    made = await organiser.post(DESIGNS, data={"ten": "Mẫu của Sở", "goc": "hien-dai"})
    own = made.headers["location"]
    assert (await organiser.post(own, data={"mau_sac": "url(x)"})).status_code == 422
    assert (await organiser.post(own, data={"mau_sac": "la", "loi_dan": "Khen"})).is_redirect
    picture = io.BytesIO()
    Image.new("RGB", (1200, 900), (180, 20, 30)).save(picture, "PNG")
    for content, status in ((picture.getvalue(), 303), (b"<svg onload=x>", 422), (b"", 422)):
        answer = await organiser.post(
            f"{own}/hinh", data={"hinh": "seal"}, files={"tep": ("a.png", content)}
        )
        assert answer.status_code == status
    page = (await organiser.get(own)).text
    assert "bản 3" in page
    assert "đã có" in page
    kept = await db.pool().fetchval("SELECT content FROM certificate_image")
    with Image.open(io.BytesIO(kept)) as small:
        assert max(small.size) <= 360
    tried = await organiser.get(f"{own}/xem-thu.pdf", params={"mau_sac": "than", "ten_thu": "dai"})
    assert tried.content.startswith(b"%PDF")
    await look_at_what_is_typed(organiser, own)
    assert (await organiser.get(own)).text.count("bản 3") == page.count("bản 3")
    assert (await organiser.post(f"{own}/thoi")).is_redirect
    assert (await organiser.get(own)).status_code == 404


async def look_at_what_is_typed(organiser: httpx.AsyncClient, own: str) -> None:
    """htmx gets the sheet alone, a browser without script the page with what was typed."""
    typed = {"loi_dan": "</p><script>alert(1)</script>", "ten_thu": "dai"}
    part = await organiser.get(own, params=typed, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "Mọi chữ in vừa giấy. Tên in cỡ" in part.text
    assert "<script" not in part.text
    picture = part.text.partition("data:image/webp;base64,")[2].partition('"')[0]
    with Image.open(io.BytesIO(base64.b64decode(picture))) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (1300, 920))
    whole = await organiser.get(own, params={"loi_dan": "Chưa lưu", "xem": "1"})
    assert 'value="Chưa lưu"' in whole.text
    assert "data:image/webp" in whole.text
    for lead, said in (("W" * 60, "không in vừa"), ("a" * 10_000, "dài quá 60 chữ cái")):
        refused = await organiser.get(own, params={"loi_dan": lead}, headers={"HX-Request": "true"})
        assert said in refused.text
        assert "<img" not in refused.text


async def test_the_finished_designs_are_not_edited(stage: Stage) -> None:
    organiser = stage.clients["organiser"]
    page = (await organiser.get(DESIGNS)).text
    assert page.count('class="line-item"') == 3
    finished = await db.pool().fetchval(
        "SELECT min(id) FROM certificate_design WHERE created_by_id IS NULL"
    )
    assert "Lưu bản mới" not in (await organiser.get(f"{DESIGNS}/{finished}")).text
    answer = await organiser.post(f"{DESIGNS}/{finished}", data={"mau_sac": "la"})
    assert answer.status_code == 422
