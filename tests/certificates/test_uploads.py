from __future__ import annotations

from pathlib import Path

from certificates import printing
from certificates.changing import revoke
from certificates.uploads import check_file
from core import db
from tests.certificates import offices
from tests.certificates.stage import Stage, laid_papers
from tests.certificates.test_examining import with_another_text


async def test_whoever_holds_a_file_learns_what_became_of_it(stage: Stage, tmp_path: Path) -> None:
    await laid_papers(stage)
    first = await db.pool().fetchval("SELECT min(id) FROM certificate")
    plain = (await printing.paper(first)).content
    signed = await offices.signed_outside(plain, tmp_path)
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
