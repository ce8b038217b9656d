from __future__ import annotations

import json
import socket

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


async def test_both_ends_soon_notice_that_the_other_machine_has_vanished(clean: None) -> None:
    async with db.transaction() as ours, db.pool().acquire() as crowds:
        for connection in (ours, crowds):
            server = await connection.fetchval(
                "SELECT json_object_agg(name, setting)::text FROM pg_settings WHERE name ~ '^tcp_'"
            )
            assert json.loads(server) == db.SILENCE_SETTINGS
            wire = connection._transport.get_extra_info("socket")
            told = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert told == db.UNHEARD_MS
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
