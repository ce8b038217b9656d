"""Which books of numbers, signers and designs may a batch be issued from?"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256

from certificates.designs import BASES, BUILT_IN, stored
from certificates.numbers import SYMBOL, number_text
from core import clock
from core.clock import local_day
from core.db import Connection, json_text, pool, transaction
from core.errors import Refusal
from core.text import clean
from people.audit import record

LONGEST_SYMBOL, LONGEST_LINE, LONGEST_NAME = 40, 255, 120
USUAL_WIDTH = 5


@dataclass(frozen=True)
class SeriesShown:
    """A book of numbers; `next_number` is what the next certificate gets."""

    id: int
    symbol: str
    year: int
    width: int
    last_number: int

    @property
    def next_number(self) -> str:
        return number_text(self.last_number + 1, self.year, self.symbol, self.width)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who signs in whose name, as it is printed."""

    superior: str
    issuer: str
    place: str
    authority: str
    title: str
    name: str


@dataclass(frozen=True)
class SignerShown:
    id: int
    superior: str
    issuer: str
    place: str
    authority: str
    title: str
    name: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class DesignShown:
    """The newest version of a design."""

    version_id: int
    design_id: int
    number: int
    base: str
    name: str


async def series_shown() -> list[SeriesShown]:
    """Every book, the newest year first."""
    rows = await pool().fetch(
        "SELECT id, symbol, year, width, last_number FROM certificate_series "
        "ORDER BY year DESC, symbol"
    )
    return [SeriesShown(**row) for row in rows]


async def open_series(symbol: str, *, by: int | None) -> int:
    """Open this year's book of a symbol; a book that is there stays as it is. Returns its id.

    One symbol counts once a year over the whole platform, so that a number names one certificate.
    """
    wanted = clean(symbol).upper()
    if len(wanted) > LONGEST_SYMBOL or SYMBOL.fullmatch(wanted) is None:
        sentence = "Ký hiệu gồm chữ hoa không dấu, chữ số và dấu gạch ngang, ví dụ GCN-BTC."
        raise Refusal("bad_symbol", sentence, fields={"symbol": sentence})
    year = local_day(clock.now()).year
    async with transaction() as connection:
        series_id, is_new = await series_of_year(connection, wanted, year, USUAL_WIDTH, by=by)
        if is_new:
            await record(
                connection,
                by=by,
                action="open_series",
                subject="certificates",
                detail={"symbol": wanted, "year": year},
            )
    return series_id


async def series_of_year(
    connection: Connection, symbol: str, year: int, width: int, *, by: int | None
) -> tuple[int, bool]:
    """The id of a symbol's book of a year, and whether it was opened just now."""
    opened = await connection.fetchval(
        "INSERT INTO certificate_series (symbol, year, width, created_by_id, created_at) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (symbol, year) DO NOTHING RETURNING id",
        symbol,
        year,
        width,
        by,
        clock.now(),
    )
    if opened is not None:
        return int(opened), True
    found = await connection.fetchval(
        "SELECT id FROM certificate_series WHERE symbol = $1 AND year = $2", symbol, year
    )
    return int(found), False


async def signers_shown(*, with_ended: bool = False) -> list[SignerShown]:
    rows = await pool().fetch(
        "SELECT id, superior, issuer, place, authority, title, name, created_at, ended_at "
        "FROM certificate_signer WHERE $1 OR ended_at IS NULL ORDER BY ended_at NULLS FIRST, id",
        with_ended,
    )
    return [SignerShown(**row) for row in rows]


async def add_signer(signature: Signature, *, by: int | None) -> int:
    """Note who signs; what is printed is never edited, a change is another line."""
    told = {field.name: clean(getattr(signature, field.name)) for field in fields(Signature)}
    faults = {}
    for name, value in told.items():
        longest = LONGEST_NAME if name in {"place", "name"} else LONGEST_LINE
        if not value and name != "superior":
            faults[name] = "Hãy điền chỗ này."
        elif len(value) > longest:
            faults[name] = f"Tối đa {longest} ký tự."
    if faults:
        raise Refusal("bad_signer", next(iter(faults.values())), fields=faults)
    async with transaction() as connection:
        signer_id: int = await connection.fetchval(
            "INSERT INTO certificate_signer (superior, issuer, place, authority, title, name, "
            "created_by_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
            *told.values(),
            by,
            clock.now(),
        )
        await record(
            connection, by=by, action="add_signer", subject="certificates", detail=dict(told)
        )
    return signer_id


async def end_signer(signer_id: int, *, by: int | None) -> None:
    """This signer signs no new batch; what was issued stays. May run again."""
    async with transaction() as connection:
        name = await connection.fetchval(
            "UPDATE certificate_signer SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL "
            "RETURNING name",
            signer_id,
            clock.now(),
        )
        if name is not None:
            await record(
                connection,
                by=by,
                action="end_signer",
                subject="certificates",
                detail={"signer_id": signer_id, "name": name},
            )


async def designs_shown() -> list[DesignShown]:
    """The designs that are in use, each by its newest version; the finished ones are always there."""
    await _keep_finished_designs()
    rows = await pool().fetch(
        "SELECT DISTINCT ON (d.id) v.id AS version_id, d.id AS design_id, v.number, d.base, d.name "
        "FROM certificate_design d JOIN certificate_design_version v ON v.design_id = d.id "
        "WHERE d.ended_at IS NULL ORDER BY d.id, v.number DESC"
    )
    return [DesignShown(**row) for row in rows]


async def _keep_finished_designs() -> None:
    """A version of each finished design, for the lists that are issued from it; repeatable."""
    kept = await pool().fetchval(
        "SELECT count(*) FROM certificate_design WHERE created_by_id IS NULL"
    )
    if kept >= len(BASES):
        return
    async with transaction() as connection:
        await connection.execute("LOCK TABLE certificate_design IN SHARE ROW EXCLUSIVE MODE")
        for base, name in BASES.items():
            content = json_text(stored(BUILT_IN[base]))
            await connection.execute(
                "WITH d AS (INSERT INTO certificate_design (base, name, created_at) "
                "SELECT $1::text, $2, $3 WHERE NOT EXISTS (SELECT FROM certificate_design "
                " WHERE base = $1::text AND created_by_id IS NULL) RETURNING id) "
                "INSERT INTO certificate_design_version (design_id, number, content, digest, "
                "created_at) SELECT id, 1, $4::jsonb, $5, $3 FROM d",
                base,
                name,
                clock.now(),
                content,
                sha256(content.encode()).hexdigest(),
            )
