"""How does the platform reach PostgreSQL: which packages have tables, and who holds connections?

Two ways lead there. Managing pages use Tortoise, inside `transaction()`. Whatever a crowd does
goes through `pool()`, an asyncpg pool of its own, because the ORM costs three to five times as
much (quality.md).
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import pkgutil
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
import orjson
from tortoise import Tortoise
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.migrations.api import migrate as run_migrations
from tortoise.transactions import in_transaction

from core import notes
from core.clock import DatabaseClock
from core.log import REQUEST_ID
from core.metrics import POOL
from core.notes import note_statement
from core.reading import Reader, ReadingPool

# Lower floors first: the order in which migrations run.
TABLE_PACKAGES = ("people", "quiz", "certificates")
# Any constant serves, if every process takes the same one.
MIGRATION_LOCK = 5_281_906
# Each keeps a connection of the crowd's pool to itself (quiz.attempts.Attempts).
GROUP_COMMITTERS = 3
# A machine that loses its power or its cable says no good-bye, and the kernel asks after it for a
# quarter of an hour. Meanwhile our callers would wait, and PostgreSQL would hold the locks of a
# worker that is gone. Both sides notice within these seconds.
SILENCE_SECONDS, PROBE_SECONDS, PROBES = 5, 3, 3
UNHEARD_MS = 1000 * (SILENCE_SECONDS + PROBE_SECONDS * PROBES)
SILENCE_SETTINGS = {
    "tcp_keepalives_idle": str(SILENCE_SECONDS),
    "tcp_keepalives_interval": str(PROBE_SECONDS),
    "tcp_keepalives_count": str(PROBES),
    "tcp_user_timeout": str(UNHEARD_MS),
}

AfterCommit = Callable[[], Awaitable[None] | None]
# asyncpg types a pooled connection as a proxy class of its own; both speak the same methods.
Connection = Any

_pool: asyncpg.Pool[asyncpg.Record] | None = None
_reading: ReadingPool | None = None
_clock: DatabaseClock | None = None
_after_commit: ContextVar[list[AfterCommit] | None] = ContextVar("after_commit", default=None)


def tortoise_config(url: str, *, pool_size: int, pgbouncer: bool) -> dict[str, Any]:
    connection = expand_db_url(url)
    connection["credentials"] |= {
        "minsize": 0,
        "maxsize": pool_size,
        "connection_class": _OwnNamesConnection,
        "init": _notice_silence,
    }
    if pgbouncer:
        connection["credentials"]["statement_cache_size"] = 0
    else:
        connection["credentials"]["server_settings"] = SILENCE_SETTINGS
    return {
        "connections": {"default": connection},
        "apps": {
            package: {
                "models": [f"{package}.models"],
                "migrations": f"{package}.migrations",
                "default_connection": "default",
            }
            for package in TABLE_PACKAGES
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def open_database(
    url: str, *, pool_size: int = 10, pgbouncer: bool = False, replica_url: str = ""
) -> None:
    """Open both ways to PostgreSQL for this process; `close_database` closes them."""
    global _pool, _reading, _clock  # noqa: PLW0603 — one database a process is this module's whole subject
    # Without the global fallback every request fails with "No TortoiseContext": Starlette's
    # lifespan runs in another context than its requests.
    await Tortoise.init(
        config=tortoise_config(url, pool_size=pool_size, pgbouncer=pgbouncer),
        _enable_global_fallback=True,
    )
    half = max(2, pool_size // 2)
    _pool = await _crowd_pool(url, 1, half + GROUP_COMMITTERS, pgbouncer=pgbouncer)
    if replica_url:
        # None at first: a process must start while the replica is away.
        replica = await _crowd_pool(replica_url, 0, half, pgbouncer=pgbouncer)
        _reading = ReadingPool(_pool, replica)
    _clock = DatabaseClock(_read_database_time)
    for _ in range(3):
        await _clock.sample()


async def _crowd_pool(
    url: str, smallest: int, largest: int, *, pgbouncer: bool
) -> asyncpg.Pool[asyncpg.Record]:
    return await asyncpg.create_pool(
        url,
        min_size=smallest,
        max_size=largest,
        init=_prepare_crowd,
        connection_class=_CrowdConnection,
        statement_cache_size=0 if pgbouncer else 200,
        # The crowd's statements are few and their best plan does not depend on their values;
        # planning a start anew costs more than running it.
        server_settings=None
        if pgbouncer
        else {**SILENCE_SETTINGS, "plan_cache_mode": "force_generic_plan"},
    )


async def close_database() -> None:
    global _pool, _reading, _clock  # noqa: PLW0603 — see open_database
    if _reading is not None:
        await _reading.close()
    if _pool is not None:
        await _pool.close()
    _pool = _reading = _clock = None
    await Tortoise.close_connections()


def pool() -> asyncpg.Pool[asyncpg.Record]:
    """The crowd's connections; jsonb comes and goes as Python values."""
    if _pool is None:
        msg = "open_database has not been called"
        raise RuntimeError(msg)
    return _pool


def reading_pool() -> Reader:
    """For pages of the public that may be some seconds old: a replica, while one keeps up.

    Never for what somebody has just written or is about to decide by.
    """
    return _reading or pool()


def _in_pool(state: str) -> int:
    if _pool is None:
        return 0
    idle = _pool.get_idle_size()
    return idle if state == "idle" else _pool.get_size() - idle


for _state in ("used", "idle"):
    POOL.labels(_state).set_function(partial(_in_pool, _state))


def database_clock() -> DatabaseClock:
    if _clock is None:
        msg = "open_database has not been called"
        raise RuntimeError(msg)
    return _clock


@asynccontextmanager
async def transaction() -> AsyncIterator[Connection]:
    """One transaction for models and raw SQL alike; yields its asyncpg connection.

    jsonb arrives here as text (Tortoise owns the connection): use `json_text` for parameters.
    """
    if _after_commit.get() is not None:
        msg = "a verb opened a second transaction inside its own"
        raise RuntimeError(msg)
    waiting: list[AfterCommit] = []
    token = _after_commit.set(waiting)
    try:
        async with in_transaction("default") as wrapper:
            yield wrapper._connection  # noqa: SLF001 — the asyncpg connection of this transaction
    finally:
        _after_commit.reset(token)
    for call in waiting:
        result = call()
        if inspect.isawaitable(result):
            await result


def after_commit(call: AfterCommit) -> None:
    """Run `call` once the open transaction is durable; at once when there is none."""
    waiting = _after_commit.get()
    if waiting is None:
        msg = "after_commit belongs inside transaction()"
        raise RuntimeError(msg)
    waiting.append(call)


def json_text(value: object) -> str:
    return orjson.dumps(value).decode()


def json_value(text: str | bytes) -> Any:
    """What a jsonb column of a transaction() connection holds."""
    return orjson.loads(text)


async def migrate(url: str) -> None:
    """Bring every package's tables up to date; one process at a time, others wait."""
    guard = await asyncpg.connect(url, statement_cache_size=0)
    # Tortoise makes every model anew for every step: thousands of classes, which the collector
    # would walk again and again for half of the time that an empty database takes.
    gc.disable()
    try:
        await guard.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        await run_migrations(config=tortoise_config(url, pool_size=2, pgbouncer=True))
        await Tortoise.close_connections()
    finally:
        gc.enable()
        gc.collect()
        await guard.close()


async def is_migrated() -> bool:
    """Whether the newest migration of every package has been applied."""
    applied = {
        (row["app"], row["name"])
        for row in await pool().fetch("SELECT app, name FROM tortoise_migrations")
    }
    newest = {(package, max(_migration_names(package))) for package in TABLE_PACKAGES}
    return newest <= applied


def known_migrations() -> set[tuple[str, str]]:
    """Every migration of this version of the platform, as (package, name)."""
    return {(package, name) for package in TABLE_PACKAGES for name in _migration_names(package)}


def _migration_names(package: str) -> list[str]:
    module = importlib.import_module(f"{package}.migrations")
    return [info.name for info in pkgutil.iter_modules(module.__path__)]


_PROCESS = secrets.token_hex(4)


class _OwnNamesConnection(asyncpg.Connection):
    """A connection whose statements no other process names alike.

    asyncpg counts from one in every process. Behind PgBouncer the connection to PostgreSQL, and
    with it a cursor's statement, is the next process's a moment later.
    """

    def _get_unique_id(self, prefix: str) -> str:
        return f"{super()._get_unique_id(prefix)}{_PROCESS}"  # type: ignore[misc]  # asyncpg's own, which has no types


def _watched(name: str) -> Any:
    """One of asyncpg's methods that also notes what was slow.

    asyncpg's own query log makes each statement 4 to 14 µs dearer, this one half a microsecond.
    """
    method = getattr(_OwnNamesConnection, name)

    async def ask(self: _OwnNamesConnection, query: str, *args: Any, **options: Any) -> Any:
        asked_at = time.monotonic()
        try:
            return await method(self, query, *args, **options)
        finally:
            seconds = time.monotonic() - asked_at
            if seconds >= notes.SLOW_STATEMENT_SECONDS:
                note_statement(query, seconds, request_id=REQUEST_ID.get())

    return ask


class _CrowdConnection(_OwnNamesConnection):
    """A connection that is given back as it is: the crowd's statements leave nothing behind.

    asyncpg would send RESET ALL and more at every release, a second round trip a query.
    """

    execute = _watched("execute")
    fetch = _watched("fetch")
    fetchrow = _watched("fetchrow")
    fetchval = _watched("fetchval")

    def get_reset_query(self) -> str:
        return ""


async def _prepare_crowd(connection: Connection) -> None:
    await _notice_silence(connection)
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )


async def _notice_silence(connection: Connection) -> None:
    """See SILENCE_SECONDS; over TCP, that is: a socket file cannot lose its cable."""
    found = connection._transport.get_extra_info("socket")  # noqa: SLF001 — asyncpg does not hand it out
    if found.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    with socket.socket(fileno=os.dup(found.fileno())) as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (socket.TCP_KEEPIDLE, SILENCE_SECONDS),
            (socket.TCP_KEEPINTVL, PROBE_SECONDS),
            (socket.TCP_KEEPCNT, PROBES),
            (socket.TCP_USER_TIMEOUT, UNHEARD_MS),
        ):
            ours.setsockopt(socket.IPPROTO_TCP, option, value)


async def _read_database_time() -> datetime:
    return await pool().fetchval("SELECT clock_timestamp()")  # type: ignore[no-any-return]  # one column of one row


__all__ = [
    "Connection",
    "after_commit",
    "close_database",
    "database_clock",
    "is_migrated",
    "json_text",
    "json_value",
    "known_migrations",
    "migrate",
    "open_database",
    "pool",
    "reading_pool",
    "transaction",
]
