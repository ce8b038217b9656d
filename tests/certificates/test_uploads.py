from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest

from certificates import printing, signing, uploads
from certificates.changing import revoke
from certificates.owed import Rule
from certificates.uploads import check_file, take_signed, unsigned_archive
from core import db
from core.errors import Refusal
from core.settings import Settings
from tests.certificates import offices
from tests.certificates.stage import Stage
from tests.certificates.test_examining import with_another_text


@pytest.fixture
async def batch_id(stage: Stage) -> int:
    """Four certificates, each with a small paper, as if they had been drawn."""
    made = await stage.issued(Rule(kind="participation"))
    rows = await db.pool().fetch("SELECT id, number FROM certificate ORDER BY id")
    for row in rows:
        await printing.keep_paper(row["id"], "plain", offices.paper(row["number"]))
    return made


async def outside(content: bytes, folder: Path) -> bytes:
    """The state's tool, as far as we can tell."""
    chosen = offices.with_key_file(folder)
    async with signing.open_office(chosen) as office:
        return await office.sign_pdf(content)


def zipped(files: Mapping[str, bytes]) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


async def test_papers_go_out_are_signed_elsewhere_and_come_back(
    stage: Stage, batch_id: int, tmp_path: Path
) -> None:
    with zipfile.ZipFile(BytesIO(await unsigned_archive(stage.contest_id, batch_id))) as archive:
        plain = {name: archive.read(name) for name in archive.namelist()}
    names = sorted(plain)
    assert names[0] == "00001-2026-GCN-BTC.pdf"
    signed = {name: await outside(plain[name], tmp_path) for name in names[:3]}
    await revoke(
        await db.pool().fetchval("SELECT id FROM certificate ORDER BY id OFFSET 2 LIMIT 1"),
        reason="thử", public_reason="Cấp nhầm", by=stage.lan,
    )  # fmt: skip
    upload = {
        "renamed by the tool.pdf": signed[names[0]],
        "twice.pdf": signed[names[0]],
        "slipped in.pdf": await outside(with_another_text(plain[names[1]]), tmp_path),
        "added later.pdf": with_another_text(signed[names[1]]),
        "revoked.pdf": signed[names[2]],
        "not signed.pdf": plain[names[3]],
        "a stranger's.pdf": await outside(offices.paper("somebody"), tmp_path),
        "no pdf.pdf": b"a shopping list",
    }
    brought = await take_signed(stage.contest_id, zipped(upload), by=stage.lan)
    assert [(each.file_name, each.is_taken) for each in brought] == [
        (name, name == "renamed by the tool.pdf") for name in upload
    ]
    assert "Ban Tổ chức" in brought[0].sentence
    assert all(each.sentence for each in brought)
    assert "thay đổi" in brought[2].sentence
    first = await db.pool().fetchval("SELECT min(id) FROM certificate")
    assert (await printing.paper(first)).content == signed[names[0]]
    again = await take_signed(stage.contest_id, signed[names[0]], by=stage.lan)
    assert [each.is_taken for each in again] == [False]
    left = zipfile.ZipFile(BytesIO(await unsigned_archive(stage.contest_id, batch_id)))
    assert names[0] not in left.namelist()


async def test_a_signer_whom_nobody_vouches_for_is_refused_where_that_is_asked(
    stage: Stage, batch_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = str(offices.trust_file(tmp_path))
    monkeypatch.setattr(uploads, "settings", lambda: Settings(signing_trust_file=trust))
    plain = (
        await printing.paper(await db.pool().fetchval("SELECT min(id) FROM certificate"))
    ).content
    async with signing.open_office(Settings(local_dir=str(tmp_path))) as stranger:
        [refused] = await take_signed(
            stage.contest_id, await stranger.sign_pdf(plain), by=stage.lan
        )
    assert "tin cậy" in refused.sentence
    [taken] = await take_signed(stage.contest_id, await outside(plain, tmp_path), by=stage.lan)
    assert taken.is_taken


@pytest.mark.parametrize(
    "content",
    [b"", b"no zip", zipped({"a.txt": b"x"}), zipped({f"{n}.pdf": b"%PDF" for n in range(301)})],
    ids=["empty", "no zip", "no papers", "too many"],
)
async def test_what_is_no_parcel_of_papers_is_refused_whole(
    stage: Stage, batch_id: int, content: bytes
) -> None:
    with pytest.raises(Refusal, match="bad_zip"):
        await take_signed(stage.contest_id, content, by=stage.lan)


async def test_a_bomb_in_a_parcel_is_not_unpacked(stage: Stage, batch_id: int) -> None:
    bomb = zipped({"bomb.pdf": bytes(100_000_000)})
    with pytest.raises(Refusal, match="bad_zip"):
        await take_signed(stage.contest_id, bomb, by=stage.lan)


async def test_whoever_holds_a_file_learns_what_became_of_it(
    stage: Stage, batch_id: int, tmp_path: Path
) -> None:
    first = await db.pool().fetchval("SELECT min(id) FROM certificate")
    plain = (await printing.paper(first)).content
    signed = await outside(plain, tmp_path)
    assert (await check_file(plain)).kind == "ours"
    found = await check_file(signed)
    assert found.kind == "signed"
    assert found.certificate is not None
    assert found.certificate.id == first
    assert [each.name for each in found.signatures] == ["Ban Tổ chức"]
    assert (await check_file(with_another_text(plain))).kind == "changed"
    assert (await check_file(with_another_text(signed))).kind == "changed"
    assert (await check_file(offices.paper("somebody"))).kind == "unknown"
    await revoke(first, reason="thử", public_reason="Cấp nhầm", by=stage.lan)
    late = await check_file(plain)
    assert late.certificate is not None
    assert late.certificate.state == "revoked"
