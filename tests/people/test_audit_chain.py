from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from core import db
from core.local import Addresses
from people import audit_chain
from people.audit import record
from people.audit_chain import has_seal, last_seal, seal_entries, verify_chain


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check of many batches, with few lines."""
    monkeypatch.setattr(audit_chain, "VERIFIED_AT_ONCE", 2)


async def write(*actions: str) -> None:
    for action in actions:
        async with db.transaction() as connection:
            await record(
                connection,
                by=None,
                action=action,
                subject="contest:1",
                detail={"lý do": "thử", "số": [1, 2.5, None], "b": {"a": 1}},
            )


@asynccontextmanager
async def as_superuser() -> Any:
    """What the table's own rules cannot stop: its owner switches them off."""
    async with db.pool().acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        yield connection


async def test_an_untouched_trail_verifies_to_its_last_seal(clean: None) -> None:
    assert (await verify_chain()).count == 0
    await write("a", "b", "c")
    assert await seal_entries() == 3
    await write("d")
    assert await seal_entries() == 1
    assert await seal_entries() == 0
    report = await verify_chain()
    assert (report.count, report.fault, report.unsealed_count) == (4, None, 0)
    assert report.last == await last_seal()
    assert report.last.number == 4
    assert await has_seal(report.last.seal.upper() + " ")
    assert not await has_seal("0" * 64)


async def test_lines_wait_for_their_seal_without_being_a_fault(clean: None) -> None:
    await write("a", "b")
    await seal_entries(limit=1)
    report = await verify_chain()
    assert (report.count, report.unsealed_count, report.fault) == (1, 1, None)


async def test_a_line_that_commits_late_is_sealed_in_its_turn(
    clean: None, database: Addresses
) -> None:
    late = await asyncpg.connect(database.database_url)
    waiting = late.transaction()
    await waiting.start()
    await record(late, by=None, action="late", subject="contest:1")  # takes the lower id
    await write("b", "c")
    assert await seal_entries() == 2
    await waiting.commit()
    await late.close()
    assert await seal_entries() == 1
    order = await db.pool().fetch("SELECT entry_id FROM audit_seal ORDER BY number")
    assert [row["entry_id"] for row in order] == [2, 3, 1]
    assert (await verify_chain()).fault is None


async def test_two_who_seal_at_once_make_one_chain(clean: None) -> None:
    await write("a", "b", "c", "d")
    counts = await asyncio.gather(*(seal_entries(limit=2) for _ in range(5)))
    await seal_entries()
    assert sum(counts) <= 4
    assert ((await verify_chain()).count, (await verify_chain()).fault) == (4, None)


@pytest.mark.parametrize("table", ["audit_seal", "audit_entry"])
@pytest.mark.parametrize("deed", ["DELETE FROM {}", "UPDATE {} SET {} = 'x'"])
async def test_seals_and_lines_are_only_added(clean: None, table: str, deed: str) -> None:
    await write("a")
    await seal_entries()
    column = "seal" if table == "audit_seal" else "action"
    with pytest.raises(asyncpg.RaiseError, match="rows are only added"):
        await db.pool().execute(deed.format(table, column))


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("UPDATE audit_entry SET detail = '{\"lý do\": \"khác\"}' WHERE id = 3", "số 3 (dòng 3)"),
        ("UPDATE audit_entry SET happened_at = happened_at + interval '1 microsecond' "
         "WHERE id = 1", "số 1 (dòng 1)"),
        ("UPDATE audit_entry SET account_id = 7 WHERE id = 2", "số 2 (dòng 2)"),
        ("DELETE FROM audit_entry WHERE id = 2", "Thiếu dòng 2"),
        ("DELETE FROM audit_seal WHERE entry_id = 2", "Thiếu dấu niêm phong số 2"),
        ("UPDATE audit_seal SET entry_id = CASE entry_id WHEN 2 THEN 30 ELSE 2 END "
         "WHERE entry_id IN (2, 3)", "số 2"),
        ("UPDATE audit_seal SET seal = repeat('a', 64) WHERE number = 4", "số 4 (dòng 4)"),
    ],
    ids=["words", "instant", "account", "line gone", "seal gone", "reordered", "seal"],
)  # fmt: skip
async def test_the_first_broken_link_is_told(clean: None, deed: str, words: str) -> None:
    await write("a", "b", "c", "d")
    await seal_entries()
    async with as_superuser() as connection:
        await connection.execute(deed)
    fault = (await verify_chain()).fault
    assert fault is not None
    assert words in fault


async def test_two_lines_that_changed_places_are_noticed(clean: None) -> None:
    await write("a", "b")
    await seal_entries()
    async with as_superuser() as connection:
        await connection.execute(
            "UPDATE audit_entry SET action = CASE action WHEN 'a' THEN 'b' ELSE 'a' END"
        )
    assert "số 1 (dòng 1)" in str((await verify_chain()).fault)


async def test_a_cut_off_end_is_noticed_by_who_wrote_a_seal_down(clean: None) -> None:
    await write("a", "b", "c")
    await seal_entries()
    written_down = (await last_seal()).seal
    async with as_superuser() as connection:
        await connection.execute("DELETE FROM audit_seal WHERE number = 3")
        await connection.execute("DELETE FROM audit_entry WHERE id = 3")
    assert (await verify_chain()).fault is None
    assert not await has_seal(written_down)


async def test_a_line_that_was_slipped_in_long_ago_is_noticed(
    clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_chain, "LATE_BY", 2)
    await write("a", "b", "c", "d", "e")
    await seal_entries()
    async with as_superuser() as connection:
        await connection.execute("DELETE FROM audit_entry WHERE id = 1")
        await connection.execute("DELETE FROM audit_seal")
        await connection.execute("UPDATE audit_entry SET id = id + 100")
    await seal_entries()
    await db.pool().execute(
        "INSERT INTO audit_entry (id, happened_at, action, subject, detail) "
        "VALUES (50, now(), 'x', 'y', '{}')"
    )
    await seal_entries()
    assert "Dòng 50 không có dấu" in str((await verify_chain()).fault)
