"""Can anybody change the audit trail without its being noticed?

Each line that was committed gets a seal: SHA-256 over the seal before it and the line itself in
one fixed spelling. Whoever changes, removes or reorders a sealed line breaks every later seal.
Numbers are given in the order of sealing and have no gap; lines may commit in another order than
their ids. Cutting off the end is noticed by whoever wrote down a later seal, as minutes do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from core.db import Connection, json_value, pool, transaction

NO_SEAL_YET = "0" * 64
# Any constant serves, if every process takes the same one.
SEALING_LOCK = 5_281_907
SEALED_AT_ONCE = 2000
# How far behind the newest seal a line that committed late is looked for: far more lines than are
# written while one transaction is open.
LATE_BY = 10_000
VERIFIED_AT_ONCE = 5000
_ENTRY = "e.id, e.happened_at, e.account_id, e.action, e.subject, e.detail::text AS detail"


@dataclass(frozen=True)
class Seal:
    """The newest link: what minutes print and a later check asks for."""

    number: int
    seal: str


@dataclass(frozen=True)
class ChainReport:
    """What a check found; `fault` names the first broken link, None when all hold."""

    count: int
    last: Seal
    unsealed_count: int
    fault: str | None = None


async def seal_entries(*, limit: int = SEALED_AT_ONCE) -> int:
    """Seal what was committed since the last time; return how many lines. May run anywhere, often."""
    async with transaction() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", SEALING_LOCK):
            return 0
        rows = await connection.fetch(
            f"""
            SELECT {_ENTRY} FROM audit_entry e
            WHERE e.id > (SELECT coalesce(max(entry_id), 0) FROM audit_seal) - $1
              AND NOT EXISTS (SELECT FROM audit_seal s WHERE s.entry_id = e.id)
            ORDER BY e.id LIMIT $2
            """,  # noqa: S608 — only this module's own column list is put in
            LATE_BY,
            limit,
        )
        if rows:
            await _write_seals(connection, rows)
    return len(rows)


async def last_seal() -> Seal:
    """The newest seal; number 0 while there is none."""
    row = await pool().fetchrow("SELECT number, seal FROM audit_seal ORDER BY number DESC LIMIT 1")
    return Seal(**row) if row else Seal(0, NO_SEAL_YET)


async def has_seal(seal: str) -> bool:
    """Whether a seal that somebody wrote down is still in the chain."""
    return await pool().fetchval(  # type: ignore[no-any-return]  # one boolean
        "SELECT EXISTS (SELECT FROM audit_seal WHERE seal = $1)", seal.strip().lower()
    )


async def verify_chain() -> ChainReport:
    """Compute every seal anew and tell the first that does not hold."""
    seal, number = NO_SEAL_YET, 0
    fault: str | None = None
    while fault is None:
        rows = await pool().fetch(
            f"""
            SELECT s.number, s.entry_id, s.seal, {_ENTRY}
            FROM audit_seal s LEFT JOIN audit_entry e ON e.id = s.entry_id
            WHERE s.number > $1 ORDER BY s.number LIMIT $2
            """,  # noqa: S608 — only this module's own column list is put in
            number,
            VERIFIED_AT_ONCE,
        )
        if not rows:
            break
        for row in rows:
            fault = _fault(dict(row), seal, number + 1)
            if fault:
                break
            seal, number = row["seal"], row["number"]
    unsealed, skipped = await _unsealed()
    if fault is None and skipped:
        fault = (
            f"Dòng {skipped} không có dấu niêm phong, dù nhiều dòng ghi sau đã có: có thể nó được "
            "thêm vào sau, hoặc dấu của nó đã bị xóa."
        )
    return ChainReport(number, Seal(number, seal), unsealed, fault)


def seal_of(previous: str, number: int, entry: Mapping[str, Any]) -> str:
    """SHA-256 over the seal before and the line: keys sorted, instants in UTC with microseconds."""
    detail = entry["detail"]
    words = {
        "number": number,
        "id": entry["id"],
        "happened_at": entry["happened_at"].astimezone(UTC).isoformat(timespec="microseconds"),
        "account_id": entry["account_id"],
        "action": entry["action"],
        "subject": entry["subject"],
        "detail": json_value(detail) if isinstance(detail, str) else detail,
    }
    spelled = json.dumps(words, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((previous + spelled).encode()).hexdigest()


def _fault(row: Mapping[str, Any], previous: str, expected: int) -> str | None:
    if row["number"] != expected:
        return f"Thiếu dấu niêm phong số {expected}: sau số {expected - 1} là số {row['number']}."
    if row["id"] is None:
        return f"Thiếu dòng {row['entry_id']}, đã niêm phong với số {expected}."
    if seal_of(previous, expected, row) != row["seal"]:
        return (
            f"Dấu niêm phong số {expected} (dòng {row['id']}) không khớp: dòng này hoặc thứ tự đã "
            "bị sửa."
        )
    return None


async def _write_seals(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    last = await connection.fetchrow(
        "SELECT number, seal FROM audit_seal ORDER BY number DESC LIMIT 1"
    )
    number, seal = (last["number"], last["seal"]) if last else (0, NO_SEAL_YET)
    made = []
    for place, row in enumerate(rows, start=number + 1):
        seal = seal_of(seal, place, row)
        made.append((row["id"], place, seal))
    await connection.executemany(
        "INSERT INTO audit_seal (entry_id, number, seal) VALUES ($1, $2, $3)", made
    )


async def _unsealed() -> tuple[int, int | None]:
    """How many lines wait, and the first that should have been sealed long ago."""
    row = await pool().fetchrow(
        """
        SELECT count(*)::int AS waiting,
               min(e.id) FILTER (WHERE e.id <= (SELECT max(entry_id) FROM audit_seal) - $1)
                   AS skipped
        FROM audit_entry e
        WHERE NOT EXISTS (SELECT FROM audit_seal s WHERE s.entry_id = e.id)
        """,
        LATE_BY,
    )
    return (row["waiting"], row["skipped"]) if row else (0, None)
