from __future__ import annotations

import asyncio
import stat
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from core import backup, backup_file
from core.backup_file import Manifest, TableState
from core.errors import Refusal
from core.local import Addresses
from quiz.attempts import Attempts
from tests.quiz.arena import build_arena, save

PEOPLE = 12


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


@pytest.fixture
async def kept(clean: None, addresses: Addresses, tmp_path: Path) -> Path:
    """A backup of a small contest."""
    await build_arena()
    file = tmp_path / "kept.tar"
    await backup.back_up(addresses.database_url, file)
    return file


def database_name(url: str) -> str:
    return url.rsplit("/", 1)[1]


async def run(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def answer_without_rest(
    attempts: Attempts, attempt_id: UUID, acknowledged: dict[UUID, int], warm: asyncio.Barrier
) -> None:
    for seq in range(1, 1_000_000):
        saved = await attempts.save(save(attempt_id, seq, {"1": [seq % 4 + 1]}))
        acknowledged[attempt_id] = saved.saved_seq
        if seq == 5:
            await warm.wait()
        await asyncio.sleep(0.002)


async def test_a_backup_taken_while_people_answer_comes_back_to_the_last_row(
    attempts: Attempts, addresses: Addresses, spare_database: str, tmp_path: Path
) -> None:
    arena = await build_arena(people=PEOPLE)
    ids = [(await attempts.start(arena.start(person))).attempt_id for person in range(PEOPLE)]
    acknowledged: dict[UUID, int] = dict.fromkeys(ids, 0)
    warm = asyncio.Barrier(PEOPLE + 1)
    crowd = [
        asyncio.create_task(answer_without_rest(attempts, each, acknowledged, warm)) for each in ids
    ]
    await warm.wait()
    before = dict(acknowledged)
    manifest = await backup.back_up(addresses.database_url, tmp_path / "rush.tar")
    after = dict(acknowledged)
    for each in crowd:
        each.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(after.values()) > sum(before.values())  # they did answer meanwhile
    await backup.restore(spare_database, tmp_path / "rush.tar")
    assert await backup.read_states(spare_database) == manifest.tables
    assert manifest.tables["attempt"].rows == PEOPLE
    connection = await asyncpg.connect(spare_database)
    restored = dict(await connection.fetch("SELECT id, saved_seq FROM attempt"))
    await connection.close()
    assert [each for each in ids if restored[each] < before[each]] == []
    assert await backup.read_states(addresses.database_url) != manifest.tables


def test_only_this_account_may_read_the_file(kept: Path) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [each.name for each in kept.parent.iterdir()] == [kept.name]  # nothing lies about


async def test_the_hash_is_the_same_for_the_same_rows_and_another_for_one_letter(
    clean: None, addresses: Addresses
) -> None:
    await build_arena()
    first = await backup.read_states(addresses.database_url)
    await run(addresses.database_url, "UPDATE person SET full_name = full_name || '' RETURNING 1")
    assert await backup.read_states(addresses.database_url) == first
    await run(addresses.database_url, "UPDATE person SET full_name = 'Ế' WHERE id = 1 RETURNING 1")
    second = await backup.read_states(addresses.database_url)
    assert {name for name in first if first[name] != second[name]} == {"person"}
    assert second["person"].rows == first["person"].rows == 4


async def test_a_database_in_use_or_not_empty_is_not_overwritten(
    kept: Path, spare_database: str
) -> None:
    await run(spare_database, "CREATE TABLE precious (word text)", "SELECT 1")
    with pytest.raises(Refusal, match="not_empty"):
        await backup.restore(spare_database, kept)
    with pytest.raises(Refusal, match="another_database"):
        await backup.restore(spare_database, kept, replace="hieuso")
    somebody = await asyncpg.connect(spare_database)
    with pytest.raises(Refusal, match="database_in_use: Còn 1 kết nối"):
        await backup.restore(spare_database, kept, replace=database_name(spare_database))
    await somebody.close()
    assert list(await backup.read_states(spare_database)) == ["precious"]


async def test_replacing_takes_the_old_away_and_can_be_done_again(
    kept: Path, spare_database: str
) -> None:
    name = database_name(spare_database)
    await run(
        spare_database,
        "CREATE EXTENSION pg_trgm",
        "CREATE TABLE precious (id serial PRIMARY KEY, word text)",
        "CREATE VIEW seen AS SELECT word FROM precious",
        "SELECT 1",
    )
    manifest = await backup.restore(spare_database, kept, replace=name)
    assert await backup.read_states(spare_database) == manifest.tables
    # what was put aside by a restore that was killed then comes back first
    await run(spare_database, f"CREATE SCHEMA {backup.ASIDE}", "SELECT 1")
    with pytest.raises(Refusal, match="interrupted_restore"):
        await backup.restore(spare_database, kept)
    await run(spare_database, "ALTER TABLE person SET SCHEMA before_restore", "SELECT 1")
    await backup.restore(spare_database, kept, replace=name)
    assert await backup.read_states(spare_database) == manifest.tables
    assert await run(spare_database, "SELECT similarity('mai', 'mai')") == 1.0
    again = kept.with_name("again.tar")
    assert (await backup.back_up(spare_database, again)).tables == manifest.tables


@pytest.mark.parametrize("damage", ["cut", "cut in the manifest", "one bit", "other file", "none"])
async def test_a_damaged_file_is_refused_before_anything_is_touched(
    kept: Path, spare_database: str, damage: str
) -> None:
    damage_file(kept, damage)
    await run(spare_database, "CREATE TABLE precious (word text)", "SELECT 1")
    before = await backup.read_states(spare_database)
    name = database_name(spare_database)
    if damage == "none":  # the same call succeeds when nothing is wrong
        await backup.restore(spare_database, kept, replace=name)
        return
    with pytest.raises(Refusal, match="đã bị hỏng hay bị cắt"):
        await backup.restore(spare_database, kept, replace=name)
    assert await backup.read_states(spare_database) == before


def damage_file(kept: Path, damage: str) -> None:
    content = bytearray(kept.read_bytes())
    match damage:
        case "cut":
            content = content[: len(content) * 2 // 3]
        case "cut in the manifest":
            content = content[:700]
        case "one bit":
            content[len(content) * 2 // 3] ^= 4
        case "other file":
            content = bytearray(b"PGDMP" + bytes(4000))
    kept.write_bytes(content)


def rewritten(kept: Path, manifest: Manifest, dump: bytes | None = None) -> Path:
    """The same backup, but with another manifest or another dump."""
    content = kept.with_name("dump")
    content.write_bytes(dump or b"".join(backup_file.dump_chunks(kept)))
    made = kept.with_name("rewritten.tar")
    backup_file.write_backup(made, replace(manifest, dump=backup_file.part_of(content)), content)
    return made


@pytest.mark.parametrize("fault", ["differs", "no dump"])
async def test_what_cannot_come_back_whole_leaves_the_old_in_place(
    kept: Path, spare_database: str, fault: str
) -> None:
    manifest = backup_file.read_manifest(kept)
    if fault == "differs":
        state = manifest.tables["person"]
        tables = manifest.tables | {"person": TableState(state.rows, state.sha256[::-1])}
        file, code = rewritten(kept, replace(manifest, tables=tables)), "restored_differs"
    else:
        file, code = rewritten(kept, manifest, b"no dump at all"), "postgresql_tool_failed"
    name = database_name(spare_database)
    await run(
        spare_database,
        "CREATE TABLE precious (word text)",
        "CREATE FUNCTION asked() RETURNS int LANGUAGE sql AS 'SELECT 42'",
        "INSERT INTO precious VALUES ('còn') RETURNING 1",
    )
    before = await backup.read_states(spare_database)
    with pytest.raises(Refusal, match=code):
        await backup.restore(spare_database, file, replace=name)
    assert await backup.read_states(spare_database) == before
    assert await run(spare_database, "SELECT asked()") == 42
    assert await run(spare_database, f"SELECT to_regnamespace('{backup.ASIDE}')") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"migrations": (("quiz", "9999_of_the_future"),)}, "newer_backup"),
        ({"server_major": 99}, "older_server"),
        ({"tools_major": 99}, "no_postgresql_tools"),
    ],
)
async def test_what_is_newer_than_this_house_is_refused(
    kept: Path, spare_database: str, change: dict[str, object], code: str
) -> None:
    manifest = replace(backup_file.read_manifest(kept), **change)  # type: ignore[arg-type]  # fields of a table of values
    with pytest.raises(Refusal, match=code):
        await backup.restore(spare_database, rewritten(kept, manifest))
    assert await backup.read_states(spare_database) == {}


async def test_a_place_where_no_file_can_be_and_an_empty_house_are_refused(
    kept: Path, addresses: Addresses, spare_database: str, tmp_path: Path
) -> None:
    with pytest.raises(Refusal, match="file_exists"):
        await backup.back_up(addresses.database_url, kept)
    with pytest.raises(Refusal, match="no_folder"):
        await backup.back_up(addresses.database_url, tmp_path / "nowhere" / "b.tar")
    with pytest.raises(Refusal, match="not_found"):
        await backup.restore(spare_database, tmp_path / "missing.tar")
    with pytest.raises(Refusal, match="nothing_to_back_up"):
        await backup.back_up(spare_database, tmp_path / "empty.tar")
    assert not (tmp_path / "empty.tar").exists()


async def test_the_manifest_can_be_read_without_us(kept: Path) -> None:
    with tarfile.open(kept) as tar:
        assert tar.getnames() == ["manifest.json", "manifest.sha256", "database.dump"]
        words = tar.extractfile("manifest.json")
        assert words is not None
        text = words.read().decode()
    assert "Có dữ liệu cá nhân" in text
    assert '"person"' in text
