"""How is the whole database put into one file while people answer, and brought back from it?

Everything comes from one snapshot: the tables are hashed in it and pg_dump reads it too, so the
hashes say what the dump must bring back, whatever was written meanwhile. Restoring into a database
that is in use puts the old tables aside first and drops them only when every hash agrees; whatever
fails before that brings them back.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from core import backup_file
from core.backup_file import Manifest, TableState
from core.clock import now
from core.db import Connection, known_migrations
from core.errors import Refusal
from core.postgresql_tools import Tools, find_tools, run_tool

# Where the tables wait while others are put in their place.
ASIDE = "before_restore"
# How rows are spelled does not depend on the server's or the account's own habits.
_SPELLING = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
# Level 1 costs a third of the usual one's CPU, which people who are answering need more.
_COMPRESSION = "--compress=1"

_TABLES = """
SELECT c.oid, c.relname AS name,
       coalesce((SELECT string_agg(quote_ident(a.attname)
                          || CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END, ', '
                          ORDER BY key.place)
        FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS key(number, place)
        JOIN pg_attribute a ON a.attnum = key.number
        WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid),
                't::text COLLATE "C"') AS key
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname
"""
# What belongs to us in a schema, as the words that follow ALTER or DROP; extensions stay untouched.
_OWN_OBJECTS = """
WITH own AS (
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END
               AS kind,
           format('%I.%I', n.nspname, c.relname) AS name, c.oid,
           'pg_class'::regclass AS catalogue,
           CASE WHEN c.relkind IN ('v', 'm') THEN 1 ELSE 2 END AS place
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
    UNION ALL
    SELECT 'SEQUENCE', format('%I.%I', n.nspname, c.relname), c.oid, 'pg_class'::regclass, 3
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind = 'S' AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
          AND d.deptype IN ('a', 'i'))
    UNION ALL
    SELECT 'ROUTINE', format('%I.%I(%s)', n.nspname, p.proname,
                             pg_get_function_identity_arguments(p.oid)), p.oid,
           'pg_proc'::regclass, 4
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1
)
SELECT kind || ' ' || name AS object FROM own
WHERE NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = own.catalogue AND d.objid = own.oid AND d.deptype = 'e')
ORDER BY place, name
"""


async def back_up(url: str, path: Path) -> Manifest:
    """Write everything that the database holds at this instant into a new file.

    People go on answering meanwhile; what they save after this instant is not in it.
    """
    await asyncio.to_thread(backup_file.refuse_place, path)
    async with _connected(url) as connection:
        server_major = _major(connection)
        tools = await find_tools(server_major)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as folder:
            dump = Path(folder) / backup_file.DUMP
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                made_at = now()
                snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
                await run_tool(
                    tools, "pg_dump", url, "--format=custom", _COMPRESSION, "--schema=public",
                    "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={dump}",
                )  # fmt: skip
                tables = await table_states(connection)
                migrations = await _applied(connection)
            manifest = Manifest(
                made_at, server_major, tools.major, migrations, tables,
                await asyncio.to_thread(backup_file.part_of, dump),
            )  # fmt: skip
            await asyncio.to_thread(backup_file.write_backup, path, manifest, dump)
    return manifest


async def restore(url: str, path: Path, *, replace: str | None = None) -> Manifest:
    """Bring a database back to what a file holds; it is all there and agrees, or nothing changed.

    A database that is not empty is refused unless `replace` is its name, and also one that other
    programs are connected to. The file is checked to its last byte before anything is touched.
    """
    manifest = await asyncio.to_thread(backup_file.read_manifest, path)
    _refuse_newer(manifest)
    async with _connected(url) as connection:
        await _refuse_older_server(connection, manifest)
        tools = await find_tools(_major(connection), reading=manifest.tools_major)
        await _refuse_in_use(connection)
        await _undo_interrupted(connection, replace)
        await _refuse_not_empty(connection, replace)
        await _move(connection, "public", ASIDE)
        try:
            await _fill(url, path, tools)
            await _compare(connection, manifest)
        except BaseException:
            await _put_back(connection)
            raise
        await connection.execute(f"DROP SCHEMA {ASIDE} CASCADE")
        await connection.execute("ANALYZE")
    return manifest


async def table_states(connection: Connection) -> dict[str, TableState]:
    """Every table's rows and SHA-256, on a connection whose spelling `_connected` has fixed."""
    states = {}
    for table in await connection.fetch(_TABLES):
        name = '"' + table["name"].replace('"', '""') + '"'
        states[table["name"]] = await _state(connection, name, table["key"])
    return states


async def read_states(url: str) -> dict[str, TableState]:
    """What every table of a database holds now, in one snapshot."""
    async with (
        _connected(url) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await table_states(connection)


async def _state(connection: Connection, name: str, key: str) -> TableState:
    total, rows = hashlib.sha256(), 0

    async def take(chunk: bytes) -> None:
        nonlocal rows
        total.update(chunk)
        rows += chunk.count(b"\n")  # COPY writes a line a row and spells line breaks in it as \n

    await connection.copy_from_query(
        f"SELECT * FROM public.{name} t ORDER BY {key}",  # noqa: S608 — a quoted name and the catalogue's own key
        output=take,
    )
    return TableState(rows, total.hexdigest())


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(url, server_settings=_SPELLING)
    try:
        yield connection
    finally:
        await connection.close()


def _major(connection: Connection) -> int:
    return int(connection.get_server_version().major)


async def _applied(connection: Connection) -> tuple[tuple[str, str], ...]:
    if await connection.fetchval("SELECT to_regclass('public.tortoise_migrations')") is None:
        raise Refusal(
            "nothing_to_back_up",
            "Cơ sở dữ liệu chưa có bảng nào của Hiểu Số, nên không có gì để sao lưu. / Nothing to "
            "back up: the database has no tables of ours.",
        )
    rows = await connection.fetch("SELECT app, name FROM tortoise_migrations ORDER BY app, name")
    return tuple((row["app"], row["name"]) for row in rows)


def _refuse_newer(manifest: Manifest) -> None:
    unknown = set(manifest.migrations) - known_migrations()
    if unknown:
        names = ", ".join(sorted(f"{app} {name}" for app, name in unknown))
        raise Refusal(
            "newer_backup",
            f"Bản sao lưu của một phiên bản Hiểu Số mới hơn ({names}). Hãy cập nhật chương trình "
            "rồi khôi phục. Chưa thay đổi gì. / A newer platform's backup: update first.",
        )


async def _refuse_older_server(connection: Connection, manifest: Manifest) -> None:
    if _major(connection) < manifest.server_major:
        raise Refusal(
            "older_server",
            f"Bản sao lưu lấy từ PostgreSQL {manifest.server_major}; máy chủ này là PostgreSQL "
            f"{_major(connection)}, cũ hơn. Hãy dùng máy chủ từ {manifest.server_major} trở lên. "
            "Chưa thay đổi gì. / The server is older than the one that was backed up.",
        )


async def _refuse_in_use(connection: Connection) -> None:
    others = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename = current_user AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    if others:
        raise Refusal(
            "database_in_use",
            f"Còn {others} kết nối đang dùng cơ sở dữ liệu này. Hãy dừng web, worker và PgBouncer "
            "rồi chạy lại. Chưa thay đổi gì. / Stop web, worker and PgBouncer first.",
        )


async def _refuse_not_empty(connection: Connection, replace: str | None) -> None:
    name = await connection.fetchval("SELECT current_database()")
    objects = await connection.fetch(_OWN_OBJECTS, "public")
    if replace is not None and replace != name:
        raise Refusal(
            "another_database",
            f"--replace ghi “{replace}” nhưng DATABASE_URL dẫn tới “{name}”. Chưa thay đổi gì. / "
            "--replace names another database.",
        )
    if objects and replace is None:
        raise Refusal(
            "not_empty",
            f"Cơ sở dữ liệu “{name}” đang có dữ liệu. Hãy khôi phục vào một cơ sở dữ liệu trống; "
            f"nếu đúng là muốn thay toàn bộ, thêm --replace {name}. Chưa thay đổi gì. / The "
            f"database is not empty: add --replace {name} to replace everything in it.",
        )


async def _undo_interrupted(connection: Connection, replace: str | None) -> None:
    """A restore that was killed half-way has left the old tables aside: they come back first."""
    if await connection.fetchval("SELECT to_regnamespace($1)", ASIDE) is None:
        return
    if replace is None:
        raise Refusal(
            "interrupted_restore",
            "Lần khôi phục trước bị ngắt giữa chừng; dữ liệu cũ còn nguyên trong lược đồ "
            f"{ASIDE}. Hãy chạy lại với --replace. / An earlier restore was interrupted.",
        )
    await _put_back(connection)


async def _move(connection: Connection, source: str, target: str) -> None:
    async with connection.transaction():
        if target == ASIDE:
            await connection.execute(f"CREATE SCHEMA {ASIDE}")
        for row in await connection.fetch(_OWN_OBJECTS, source):
            await connection.execute(f"ALTER {row['object']} SET SCHEMA {target}")
        if source == ASIDE:
            await connection.execute(f"DROP SCHEMA {ASIDE}")


async def _put_back(connection: Connection) -> None:
    async with connection.transaction():
        for row in await connection.fetch(_OWN_OBJECTS, "public"):
            await connection.execute(f"DROP {row['object']} CASCADE")
        await _move(connection, ASIDE, "public")


async def _fill(url: str, path: Path, tools: Tools) -> None:
    await run_tool(
        tools, "pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner",
        "--no-privileges", "--schema=public",
        fed=_read_apart(backup_file.dump_chunks(path)),
    )  # fmt: skip


async def _read_apart(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    each = iter(chunks)
    while chunk := await asyncio.to_thread(next, each, b""):
        yield chunk


async def _compare(connection: Connection, manifest: Manifest) -> None:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        found = await table_states(connection)
    names = found.keys() | manifest.tables.keys()
    wrong = [name for name in sorted(names) if found.get(name) != manifest.tables.get(name)]
    if wrong:
        raise Refusal(
            "restored_differs",
            f"Dữ liệu khôi phục không khớp bản sao lưu ở bảng {', '.join(wrong)}; đã trả lại như "
            "trước. / What came back differs from the backup; everything is as it was before.",
        )
