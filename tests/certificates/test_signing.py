from __future__ import annotations

import re
import stat
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from certificates import signing
from certificates.designs import BUILT_IN
from certificates.drawing import draw
from certificates.examining import examine
from core import clock
from core.errors import Refusal
from core.settings import Settings
from tests.certificates import offices
from tests.certificates.faces import a_face

NOW = datetime(2026, 10, 20, 3, 4, 5, tzinfo=UTC)


async def sign(chosen: Settings, content: bytes) -> bytes:
    async with signing.open_office(chosen) as office:
        return await office.sign_pdf(content, location="Lai Châu")


async def test_a_key_file_signs_the_whole_paper_and_changes_nothing_on_it(tmp_path: Path) -> None:
    plain = offices.paper()
    chosen = offices.with_key_file(tmp_path)
    signed = await sign(chosen, plain)
    assert signed.startswith(plain)
    trust = str(offices.trust_file(tmp_path))
    found = await examine(signed, base_size=len(plain), trust_file=trust)
    assert (found.fault, found.only_signed) == ("", True)
    [signature] = found.signatures
    assert (signature.name, signature.agency) == ("Ban Tổ chức", "Sở Khoa học và Công nghệ")
    assert signature.is_intact
    assert signature.covers_all
    assert signature.is_trusted
    assert not signature.has_timestamp


async def test_the_mark_says_who_and_when_and_can_be_read_out(tmp_path: Path) -> None:
    clock.freeze(NOW)
    try:
        chosen = offices.with_key_file(tmp_path)
        signed = await sign(chosen, offices.paper())
    finally:
        clock.freeze(None)
    with pikepdf.open(BytesIO(signed)) as pdf:
        [widget] = pdf.pages[0].Annots
        mark = widget.AP.N
        [font] = mark.Resources.Font.values()
        table = font.ToUnicode.read_bytes().decode()
        codes = dict(re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]{4})>$", table, re.MULTILINE))
        said = mark.read_bytes().decode()
    lines = [
        "".join(
            bytes.fromhex(codes[glyphs[i : i + 4]]).decode("utf-16-be")
            for i in range(0, len(glyphs), 4)
        )
        for glyphs in (part.split(">")[0] for part in said.split("<")[1:])
    ]
    assert lines == [
        "Ký bởi: Ban Tổ chức",
        "Cơ quan: Sở Khoa học và Công nghệ",
        "Thời gian ký: 20-10-2026 10:04:05 +07:00",
    ]


async def test_many_papers_by_one_hand_are_all_valid(tmp_path: Path) -> None:
    """The room for a signature is measured once: it must do for those after it."""
    chosen = offices.with_key_file(tmp_path)
    async with signing.open_office(chosen) as office:
        signed = [await office.sign_pdf(offices.paper(name)) for name in ("A", "B", "C")]
    for each in signed[1:]:
        [signature] = (await examine(each)).signatures
        assert signature.is_intact
        assert signature.covers_all


async def test_a_timestamp_authority_says_the_time(tmp_path: Path) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    with offices.timestamp_authority(at) as url:
        chosen = offices.with_key_file(tmp_path, signing_timestamp_url=url)
        signed = await sign(chosen, offices.paper())
    found = await examine(signed, trust_file=str(offices.trust_file(tmp_path)))
    [signature] = found.signatures
    assert signature.has_timestamp
    assert signature.signed_at == at
    # The authority is gone now: a paper without its word is not handed out.
    with pytest.raises(Refusal, match="not_signed"):
        await sign(chosen, offices.paper())


async def test_a_token_signs_without_giving_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = Settings(
        signing_token_library=offices.token(tmp_path, monkeypatch),
        signing_token="so-khcn",
        signing_token_key="ban-to-chuc",
        signing_password=offices.PASSWORD,
    )
    signed = await sign(chosen, offices.paper())
    found = await examine(signed, trust_file=str(offices.trust_file(tmp_path)))
    [signature] = found.signatures
    assert signature.is_intact
    assert signature.is_trusted


async def test_local_mode_makes_a_key_that_nobody_trusts(tmp_path: Path) -> None:
    local = Settings(local_dir=str(tmp_path))
    signed = await sign(local, offices.paper())
    assert stat.S_IMODE((tmp_path / signing.LOCAL_KEY).stat().st_mode) == 0o600
    found = await examine(signed, trust_file=str(offices.trust_file(tmp_path)))
    [signature] = found.signatures
    assert signature.is_intact
    assert not signature.is_trusted


def test_without_a_key_the_office_is_told_so(tmp_path: Path) -> None:
    server = Settings(database_url="postgresql://a/b", redis_url="redis://a", demo=False)
    assert not server.has_signing_key
    with pytest.raises(Refusal, match="no_signing_key"):
        signing.open_office(server)
    with pytest.raises(Refusal, match="bad_signing_key"):
        signing.open_office(
            Settings(signing_key_file=str(offices.key_file(tmp_path)), signing_password="wrong")
        )


async def test_qpdf_finds_no_fault_in_a_signed_paper(tmp_path: Path) -> None:
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(await sign(Settings(local_dir=str(tmp_path)), offices.paper()))
    with pikepdf.open(signed) as pdf:
        assert pdf.check_pdf_syntax() == []


async def test_a_real_paper_keeps_all_that_it_was(tmp_path: Path) -> None:
    """What it says of itself (PDF/A, PDF/UA, title, dates) is not touched by the signature."""
    plain = draw(a_face(), BUILT_IN["trang-trong"], {})
    signed = await sign(Settings(local_dir=str(tmp_path)), plain)
    found = await examine(signed, base_size=len(plain))
    assert found.only_signed
    assert found.signatures[0].covers_all
    with pikepdf.open(BytesIO(plain)) as before, pikepdf.open(BytesIO(signed)) as after:
        assert before.Root.Metadata.read_bytes() == after.Root.Metadata.read_bytes()
        assert after.Root.MarkInfo.Marked
