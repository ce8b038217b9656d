from __future__ import annotations

import pytest

from core import db


async def test_a_verb_may_not_open_a_second_transaction_inside_its_own(clean: None) -> None:
    async with db.transaction():
        with pytest.raises(RuntimeError, match="second transaction"):
            async with db.transaction():
                pass


async def test_what_waits_for_the_commit_runs_after_it_and_not_after_a_failure(
    clean: None,
) -> None:
    rung: list[str] = []
    async with db.transaction():
        db.after_commit(lambda: rung.append("kept"))
        assert rung == []

    async def fail() -> None:
        async with db.transaction():
            db.after_commit(lambda: rung.append("lost"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert rung == ["kept"]


async def test_every_migration_has_been_applied(clean: None) -> None:
    assert await db.is_migrated()
