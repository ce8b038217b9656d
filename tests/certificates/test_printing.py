"""A certificate gets its paper at first asking or ahead of time, keeps it, and loses it with its name."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pikepdf
import pytest

from certificates import bundles, changing, erasing, printing
from certificates.lookup import CertificateFilter, find_certificates
from certificates.owed import Rule
from core import db
from core.errors import Refusal
from core.settings import settings
from people.audit import entries
from tests.certificates.stage import Stage, give_prize

PARTICIPATION = Rule(kind="participation")


async def ids_of(stage: Stage) -> list[int]:
    found, _ = await find_certificates(CertificateFilter(contest_id=stage.contest_id))
    return [each.id for each in reversed(found)]


def kept_files() -> list[Path]:
    return [path for path in (settings().local_path / "certificates").rglob("*") if path.is_file()]


async def test_a_paper_is_drawn_once_and_then_found(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    first, *_ = await ids_of(stage)
    drawn = await printing.paper(first)
    await printing.drawing.close()  # nothing is left to draw with
    assert await printing.paper(first) == drawn
    assert drawn.content.startswith(b"%PDF-1.7")
    assert drawn.file_name.endswith("GCN-BTC.pdf")
    assert [path.name for path in kept_files()] == [drawn.digest]
    kept_files()[0].write_bytes(b"rotten")
    assert (await printing.paper(first)).content == drawn.content


async def test_prizes_are_drawn_ahead_of_time_and_others_are_not(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    assert await printing.render_waiting() == 0
    await give_prize(stage, "giải Nhất", 0)
    await stage.issued(Rule(kind="prize"))
    assert await printing.render_waiting() == 1
    assert await printing.render_waiting() == 0
    assert len(kept_files()) == 1


async def test_a_whole_list_is_drawn_and_one_that_cannot_be_holds_up_nothing(stage: Stage) -> None:
    batch_id = await stage.issued(PARTICIPATION)
    await print_another_name((await ids_of(stage))[0], "N" * 10_000)
    assert await printing.render_batch(batch_id) == 5
    assert await printing.render_batch(batch_id) == 0
    faults = await db.pool().fetch("SELECT fault FROM certificate_paper WHERE digest IS NULL")
    assert len(faults) == 1
    assert "dài quá" in faults[0]["fault"]
    parts = [part async for part in bundles.as_zip(await bundles.find_bundled(stage.contest_id))]
    assert len(parts) > 6
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == 6
        assert names[-1] == "chua-tao-duoc.txt"
        assert any(name.endswith("-y-moan-eban.pdf") for name in names)
    with pytest.raises(Refusal, match="does_not_fit"):
        await bundles.as_sheets(await bundles.find_bundled(stage.contest_id))


async def print_another_name(certificate_id: int, name: str) -> None:
    """Past the trigger that keeps a certificate as it was issued."""
    async with db.pool().acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE certificate SET face = jsonb_set(face, '{printed_name}', to_jsonb($2::text)) "
            "WHERE id = $1",
            certificate_id,
            name,
        )


async def test_a_print_shop_gets_two_to_a_sheet_with_crop_marks(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    bundled = await bundles.find_bundled(stage.contest_id, unit_id=stage.arena.unit_id)
    made = await bundles.as_sheets(bundled[:3])
    with pikepdf.open(io.BytesIO(made)) as book:
        assert len(book.pages) == 2
        assert [round(float(side) / 72 * 25.4) for side in book.pages[0].MediaBox] == [
            0,
            0,
            320,
            450,
        ]
        assert len(book.pages[0].Resources.XObject) == 2
        assert len(book.pages[1].Resources.XObject) == 1
        marks = [op for _, op in pikepdf.parse_content_stream(book.pages[0]) if str(op) == "S"]
        assert len(marks) == 10
    with pytest.raises(Refusal, match="not_found"):
        await bundles.as_sheets([])
    with pytest.raises(Refusal, match="too_many"):
        await bundles.as_sheets(bundled * 100)


async def test_what_does_not_count_any_more_is_not_handed_out(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    first, *_ = await ids_of(stage)
    await printing.paper(first)
    await changing.revoke(first, reason="nhầm", public_reason="Cấp nhầm", by=stage.lan)
    with pytest.raises(Refusal, match="not_in_force"):
        await printing.paper(first)
    assert len(await bundles.find_bundled(stage.contest_id)) == 5
    assert await entries()


async def test_an_erased_person_s_papers_go_with_the_name(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    person = stage.arena.person_ids[0]
    for each in await ids_of(stage):
        await printing.paper(each)
    before = len(kept_files())
    await erasing.erase_person(person, by=stage.lan)
    assert len(kept_files()) == before - 1
    assert await db.pool().fetchval("SELECT count(*) FROM certificate_paper") == before - 1


async def test_a_signed_paper_goes_before_the_plain_one(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    first, *_ = await ids_of(stage)
    plain = await printing.paper(first)
    signed = plain.content + b"\n% signed\n"
    await printing.keep_paper(first, "signed", signed)
    assert (await printing.paper(first)).content == signed
    assert (await printing.paper(first, "plain")).content == plain.content
    with pytest.raises(Refusal, match="not_found"):
        await printing.paper(first, "outside_signed")
    next(path for path in kept_files() if path.read_bytes() == signed).unlink()
    with pytest.raises(Refusal, match="not_found"):
        await printing.paper(first)
