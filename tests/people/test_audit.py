from __future__ import annotations

import asyncpg
import pytest

from core import db
from people import audit


async def test_a_line_stands_or_falls_with_the_deed(clean: None) -> None:
    async def fail_after_recording() -> None:
        async with db.transaction() as connection:
            await audit.record(connection, by=None, action="open", subject="contest:1")
            1 / 0  # noqa: B018 — any failure will do

    with pytest.raises(ZeroDivisionError):
        await fail_after_recording()
    assert await audit.entries() == []


async def test_lines_come_newest_first_and_by_subject(clean: None) -> None:
    async with db.transaction() as connection:
        for subject in ("contest:1", "contest:2", "contest:1"):
            await audit.record(
                connection, by=None, action="open", subject=subject, detail={"lý do": "thử"}
            )
    assert [line.id for line in await audit.entries()] == [3, 2, 1]
    assert [line.id for line in await audit.entries("contest:1")] == [3, 1]
    assert [line.id for line in await audit.entries(limit=1)] == [3]
    assert (await audit.entries())[0].detail == {"lý do": "thử"}


@pytest.mark.parametrize(
    "change", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"]
)
async def test_a_line_is_never_changed_or_removed(clean: None, change: str) -> None:
    async with db.transaction() as connection:
        await audit.record(connection, by=None, action="open", subject="contest:1")
    with pytest.raises(asyncpg.RaiseError, match="rows are only added"):
        await db.pool().execute(change)
