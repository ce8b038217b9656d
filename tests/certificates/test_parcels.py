"""Papers go out in parts, are signed elsewhere and come back in parcels of any size."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest

from certificates import bundles, parcel_checks, parcels, printing, signing, uploads
from certificates.changing import revoke
from certificates.erasing import erase_person
from certificates.parcel_checks import check_waiting
from certificates.parcels import ParcelShown, Sending, parcels_of, refused_of
from core import clock, db
from core.errors import Refusal
from core.settings import Settings, settings
from tests.certificates import offices
from tests.certificates.offices import signed_outside
from tests.certificates.stage import Stage, laid_papers
from tests.certificates.test_examining import with_another_text
from tests.certificates.test_zips import zipped


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a parcel of a few papers is many pieces, and some slices."""
    monkeypatch.setattr(parcels, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(parcel_checks, "SLICE_FILES", 3)


@pytest.fixture
async def batch_id(stage: Stage) -> int:
    return await laid_papers(stage)


async def plain_papers(stage: Stage, batch_id: int) -> dict[str, bytes]:
    """What somebody downloads to sign."""
    found = await bundles.find_unsigned(stage.contest_id, batch_id, 1)
    content = b"".join([part async for part in bundles.as_zip(found, "plain")])
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def send(stage: Stage, files: Mapping[str, bytes]) -> None:
    await taken_in(Sending(stage.contest_id, by=stage.lan), files)


async def taken_in(sending: Sending, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        await sending.begin(name)
        for start in range(0, len(content), 7_000):
            await sending.add(content[start : start + 7_000])
    await sending.finish()


async def brought(stage: Stage, files: Mapping[str, bytes]) -> ParcelShown:
    """The last parcel once it has been looked at."""
    await send(stage, files)
    await check_waiting()
    return (await parcels_of(stage.contest_id))[0]


async def outcomes(parcel: ParcelShown) -> dict[str, tuple[str, str]]:
    rows = await db.pool().fetch(
        "SELECT file_name, outcome, sentence FROM certificate_parcel_file WHERE parcel_id = $1",
        parcel.id,
    )
    return {row["file_name"]: (row["outcome"], row["sentence"]) for row in rows}


def kept_bytes() -> int:
    """How much lies in the store."""
    folder = settings().local_path / "certificates"
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def test_papers_come_back_and_each_that_is_not_taken_has_its_reason(
    stage: Stage, batch_id: int, tmp_path: Path
) -> None:
    plain = await plain_papers(stage, batch_id)
    names = sorted(plain)
    assert names[0].startswith("00001-2026-GCN-BTC-")
    signed = {name: await signed_outside(plain[name], tmp_path) for name in names[:3]}
    await revoke(
        await db.pool().fetchval("SELECT id FROM certificate ORDER BY id OFFSET 2 LIMIT 1"),
        reason="thử", public_reason="Cấp nhầm", by=stage.lan,
    )  # fmt: skip
    before = kept_bytes()
    parcel = await brought(
        stage,
        {
            "đã ký.zip": zipped({
                "renamed by the tool.pdf": signed[names[0]],
                "twice.pdf": signed[names[0]],
                "slipped in.pdf": await signed_outside(with_another_text(plain[names[1]]), tmp_path),
                "added later.pdf": with_another_text(signed[names[1]]),
                "revoked.pdf": signed[names[2]],
                "not signed.pdf": plain[names[3]],
                "a stranger's.pdf": await signed_outside(offices.paper("somebody"), tmp_path),
                "no pdf.pdf": b"a shopping list",
                "bomb.pdf": bytes(100_000_000),
            })
        },
    )  # fmt: skip
    assert (parcel.file_name, parcel.state, parcel.fault) == ("đã ký.zip", "done", "")
    assert (parcel.file_count, parcel.checked_count) == (9, 9)
    assert (parcel.taken_count, parcel.known_count, parcel.refused_count) == (1, 0, 8)
    told = await outcomes(parcel)
    assert [name for name, (outcome, _) in told.items() if outcome == "taken"] == [
        "renamed by the tool.pdf"
    ]
    assert "Ban Tổ chức" in told["renamed by the tool.pdf"][1]
    for name, said in {
        "twice.pdf": "hai tệp", "slipped in.pdf": "thay đổi", "added later.pdf": "thay đổi",
        "revoked.pdf": "thu hồi", "not signed.pdf": "chưa được ký", "a stranger's.pdf": "Không khớp",
        "no pdf.pdf": "Không khớp", "bomb.pdf": "lớn hơn",
    }.items():  # fmt: skip
        assert said in told[name][1], name
    assert len(await refused_of(parcel.id)) == 8
    first = await db.pool().fetchval("SELECT min(id) FROM certificate")
    assert (await printing.paper(first)).content == signed[names[0]]
    assert kept_bytes() == before + len(signed[names[0]])  # nothing is left of the parcel itself
    again = await brought(stage, {"một.pdf": signed[names[0]]})
    assert (again.taken_count, again.known_count, again.refused_count) == (0, 1, 0)
    assert names[0] not in await plain_papers(stage, batch_id)


async def test_single_files_and_parcels_may_come_together(
    stage: Stage, batch_id: int, tmp_path: Path
) -> None:
    plain = list((await plain_papers(stage, batch_id)).values())
    signed = [await signed_outside(content, tmp_path) for content in plain]
    await send(
        stage,
        {
            "a.pdf": signed[0],
            "rest.ZIP": zipped({"b.pdf": signed[1], "c.pdf": signed[2]}),
            "d.PDF": signed[3],
            "broken.zip": b"no zip",
        },
    )
    assert await check_waiting() == 4
    found = {each.file_name: each for each in await parcels_of(stage.contest_id)}
    assert {name: (each.state, each.taken_count) for name, each in found.items()} == {
        "*.pdf": ("done", 2),
        "rest.ZIP": ("done", 2),
        "broken.zip": ("refused", 0),
    }
    assert "Không mở được" in found["broken.zip"].fault
    parts = await bundles.unsigned_parts(stage.contest_id)
    assert [each.waiting_count for each in parts[batch_id]] == [len(plain) - 4]


async def test_whoever_follows_a_worker_that_died_goes_on_behind_it(
    stage: Stage, batch_id: int, tmp_path: Path
) -> None:
    plain = await plain_papers(stage, batch_id)
    signed = {name: await signed_outside(content, tmp_path) for name, content in plain.items()}
    await send(stage, {"a.zip": zipped(signed)})
    dead = await parcel_checks._lease()
    assert dead is not None
    with (tmp_path / "parcel").open("w+b") as file:
        await parcel_checks._lay_together(dead.id, file)
        parcel = parcel_checks.open_parcel(file)
        first = await parcel_checks._check_slice(dead, parcel)
        assert await parcel_checks._note(dead, first, len(parcel))
        second = await parcel_checks._check_slice(dead, parcel)  # and died before it said so
    assert [each.outcome for each in first + second] == ["taken"] * 6
    assert await check_waiting() == 0  # it may still be alive
    await db.pool().execute("UPDATE certificate_parcel SET lease_until = now() - interval '1 s'")
    assert await check_waiting() == len(signed) - 3
    assert not await parcel_checks._note(dead, second, len(signed))  # it was only slow
    [shown] = await parcels_of(stage.contest_id)
    assert (shown.state, shown.checked_count, shown.taken_count) == ("done", 6, 6)


async def test_a_signer_whom_nobody_vouches_for_is_refused_where_that_is_asked(
    stage: Stage, batch_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = str(offices.trust_file(tmp_path))
    monkeypatch.setattr(uploads, "settings", lambda: Settings(signing_trust_file=trust))
    plain = next(iter((await plain_papers(stage, batch_id)).values()))
    async with signing.open_office(Settings(local_dir=str(tmp_path))) as stranger:
        refused = await brought(stage, {"a.pdf": await stranger.sign_pdf(plain)})
    assert "tin cậy" in (await refused_of(refused.id))[0].sentence
    taken = await brought(stage, {"a.pdf": await signed_outside(plain, tmp_path)})
    assert taken.taken_count == 1


@pytest.mark.parametrize(
    "files", [{}, {"a.zip": b""}, {"scan.jpg": b"x"}, {"a.zip": b"x", "scan.jpg": b"x"}]
)
async def test_a_sending_that_will_not_do_leaves_nothing_behind(
    stage: Stage, batch_id: int, files: Mapping[str, bytes]
) -> None:
    before = kept_bytes()
    sending = Sending(stage.contest_id, by=stage.lan)
    with pytest.raises(Refusal, match="no_file"):
        await taken_in(sending, {name: content * 30_000 for name, content in files.items()})
    await sending.drop()
    assert await db.pool().fetchval("SELECT count(*) FROM certificate_parcel") == 0
    assert kept_bytes() == before


async def test_what_was_broken_off_is_swept_away_and_old_answers_too(
    stage: Stage, batch_id: int
) -> None:
    before = kept_bytes()
    sending = Sending(stage.contest_id, by=stage.lan)
    await sending.begin("a.zip")
    await sending.add(bytes(50_000))
    shown = await brought(stage, {"b.pdf": b"%PDF"})
    assert kept_bytes() > before
    assert [each.id for each in await parcels_of(stage.contest_id)] == [shown.id]
    clock.freeze(clock.now() + parcels.RECEIVING * 2)
    await check_waiting()
    assert kept_bytes() == before
    assert await db.pool().fetchval("SELECT count(*) FROM certificate_parcel") == 1
    clock.freeze(clock.now() + parcel_checks.KEPT)
    await check_waiting()
    assert await db.pool().fetchval("SELECT count(*) FROM certificate_parcel") == 0


async def test_a_piece_that_is_lost_is_told_and_a_person_s_lines_go_with_the_name(
    stage: Stage, batch_id: int, tmp_path: Path
) -> None:
    plain = await plain_papers(stage, batch_id)
    await send(stage, {"a.zip": zipped(dict.fromkeys("ab", b"x") | {"a.pdf": bytes(40_000)})})
    digest = await db.pool().fetchval("SELECT digest FROM certificate_parcel_piece LIMIT 1")
    await printing.store_of(settings()).remove(digest)
    await check_waiting()
    [lost] = await parcels_of(stage.contest_id)
    assert (lost.state, "gửi lại" in lost.fault) == ("refused", True)

    names = {name: await signed_outside(content, tmp_path) for name, content in plain.items()}
    await brought(stage, {"a.zip": zipped(names)})
    lines = "SELECT count(*) FROM certificate_parcel_file"
    assert await db.pool().fetchval(lines) == len(names)
    await erase_person(stage.arena.person_ids[0], by=stage.minh)
    assert await db.pool().fetchval(lines) == len(names) - 1


async def test_a_long_list_goes_out_in_parts_that_stay_the_same(
    stage: Stage, batch_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "UNSIGNED_PART", 4)

    async def parts() -> list[tuple[int, int, int, int]]:
        found = (await bundles.unsigned_parts(stage.contest_id))[batch_id]
        return [(each.number, each.first, each.last, each.waiting_count) for each in found]

    assert await parts() == [(1, 1, 4, 4), (2, 5, 6, 2)]
    second = await bundles.find_unsigned(stage.contest_id, batch_id, 2)
    contents = [
        await signed_outside((await printing.paper(each.id, "plain")).content, tmp_path)
        for each in second
    ]
    shown = await brought(stage, {"a.pdf": contents[0], "b.pdf": contents[1]})
    assert shown.taken_count == 2
    assert await parts() == [(1, 1, 4, 4), (2, 5, 6, 0)]
    for contest_id, list_id, part in (
        (stage.contest_id, batch_id, 2),
        (stage.contest_id, batch_id, 3),
        (stage.contest_id + 1, batch_id, 1),
        (stage.contest_id, batch_id + 1, 1),
    ):
        with pytest.raises(Refusal, match="not_found"):
            await bundles.find_unsigned(contest_id, list_id, part)


async def test_while_the_store_is_away_a_parcel_waits(
    stage: Stage, batch_id: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = next(iter((await plain_papers(stage, batch_id)).values()))
    await send(stage, {"a.pdf": await signed_outside(plain, tmp_path)})
    at_nowhere(monkeypatch)
    with pytest.raises(Refusal, match="store_away"):
        await check_waiting()
    [shown] = await parcels_of(stage.contest_id)
    assert (shown.state, shown.checked_count) == ("waiting", 0)
    monkeypatch.delenv("CERTIFICATE_BUCKET")
    settings.cache_clear()
    assert await check_waiting() == 1


def at_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "": "s3://papers", "_KEY": "k", "_SECRET": "s", "_ENDPOINT": "http://127.0.0.1:1",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"CERTIFICATE_BUCKET{name}", value)
    settings.cache_clear()
