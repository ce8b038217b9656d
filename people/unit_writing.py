"""How does a unit come into the tree, grow, take names and give way to another?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from vietnam_provinces import Province, Ward
from vn_collate import collate_key

from core.clock import local_day, now
from core.db import Connection, transaction
from core.errors import Refusal
from core.text import clean, fold
from people.audit import record
from people.units import unknown_unit

# Communes and provinces as they have been since districts ended (domain.md F, 103).
TWO_TIERS_SINCE = date(2025, 7, 1)
KINDS = ("province", "commune", "department", "agency", "school", "district")
LONGEST_NAME = 255
LONGEST_BLOCK = 40
_CODE = re.compile(r"[A-Za-z0-9._-]{1,40}")


@dataclass(frozen=True)
class NewUnit:
    """A unit to be placed in the tree; `parent_code` None makes a root."""

    code: str
    name: str
    kind: str
    parent_code: str | None
    block: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    aliases: Sequence[str] = ()


async def load_province(province_code: int, *, on: date) -> int:
    """Add a province and all its communes, valid from `on`; return how many were new.

    Codes are those of the General Statistics Office: "T12" for the province, "X03445" for a
    commune. May run again: a unit that is there stays as it is.
    """
    province = next((each for each in Province.iter_all() if each.code == province_code), None)
    if province is None:
        raise Refusal("unknown_province", f"Không có tỉnh mang mã {province_code}.")
    root = NewUnit(
        code=f"T{province_code:02d}",
        name=_province_name(province.name),
        kind="province",
        parent_code=None,
        valid_from=on,
        aliases=(province.name,),
    )
    communes = [
        NewUnit(f"X{ward.code:05d}", ward.name, "commune", root.code, valid_from=on)
        for ward in Ward.iter_by_province(province.code)
    ]
    async with transaction() as connection:
        return len(await place_units(connection, [root])) + len(
            await place_units(connection, communes)
        )


async def add_unit(
    *,
    code: str,
    name: str,
    kind: str,
    parent_code: str | None,
    block: str = "",
    valid_from: date | None = None,
    valid_to: date | None = None,
    aliases: Sequence[str] = (),
    headcount: int | None = None,
    counted_on: date | None = None,
) -> int:
    """Add one unit under its parent and return its id; a code that is taken is refused."""
    unit = NewUnit(code, name, kind, parent_code, block, valid_from, valid_to, aliases)
    async with transaction() as connection:
        placed = await place_units(connection, [unit])
        if not placed:
            raise Refusal(
                "unit_exists", f"Đã có đơn vị mang mã {code}.", fields={"ma": "Mã đã có."}
            )
        if headcount is not None:
            await write_headcount(
                connection, placed[code], headcount, counted_on or local_day(now())
            )
    return placed[code]


async def place_units(connection: Connection, units: Sequence[NewUnit]) -> dict[str, int]:
    """Put units under parents that are already there; the ids of the new ones by code.

    A code that is taken is left as it is. Takes the caller's transaction.
    """
    parents = await _parents(connection, {unit.parent_code for unit in units if unit.parent_code})
    for unit in units:
        check_unit(unit)
        if unit.parent_code and unit.parent_code not in parents:
            raise unknown_unit(unit.parent_code)
    names = [clean(unit.name) for unit in units]
    placed = await connection.fetch(
        """
        INSERT INTO unit (code, name, name_key, sort_key, kind, block, parent_id, path,
                          valid_from, valid_to)
        SELECT n.code, n.name, n.name_key, n.sort_key, n.kind, n.block, n.parent_id, '',
               n.valid_from, n.valid_to
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                    $7::bigint[], $8::date[], $9::date[])
            AS n (code, name, name_key, sort_key, kind, block, parent_id, valid_from, valid_to)
        ON CONFLICT (code) DO NOTHING
        RETURNING id, code
        """,
        [unit.code for unit in units],
        names,
        [fold(name)[:255] for name in names],
        [collate_key(name) for name in names],
        [unit.kind for unit in units],
        [clean(unit.block) for unit in units],
        [parents.get(unit.parent_code or "") for unit in units],
        [unit.valid_from for unit in units],
        [unit.valid_to for unit in units],
    )
    ids = {row["code"]: row["id"] for row in placed}
    await connection.execute(
        """
        UPDATE unit u SET path = coalesce(parent.path, '/') || u.id || '/'
        FROM unit own LEFT JOIN unit parent ON parent.id = own.parent_id
        WHERE own.id = u.id AND u.id = ANY($1)
        """,
        list(ids.values()),
    )
    for unit in units:
        if unit.code in ids:
            await write_aliases(connection, ids[unit.code], unit.aliases)
    return ids


def check_unit(unit: NewUnit) -> None:
    """Refuse what no unit may be called; the tree itself is not asked."""
    faults: dict[str, str] = {}
    if not _CODE.fullmatch(unit.code):
        faults["ma"] = "Mã gồm từ 1 đến 40 chữ không dấu, số, dấu chấm và gạch."
    if not fold(unit.name) or len(clean(unit.name)) > LONGEST_NAME:
        faults["ten"] = f"Tên đơn vị có từ 1 đến {LONGEST_NAME} ký tự."
    if unit.kind not in KINDS:
        faults["loai"] = "Không có loại đơn vị này."
    if len(clean(unit.block)) > LONGEST_BLOCK:
        faults["khoi"] = f"Tên khối dài quá {LONGEST_BLOCK} ký tự."
    if any(len(clean(alias)) > LONGEST_NAME for alias in unit.aliases):
        faults["ten_khac"] = f"Tên khác dài quá {LONGEST_NAME} ký tự."
    if faults:
        raise Refusal("bad_unit", " ".join(faults.values()), fields=faults)


async def write_aliases(connection: Connection, unit_id: int, aliases: Iterable[str]) -> None:
    """Add the names that the unit does not answer to yet, inside the caller's transaction."""
    names = list(dict.fromkeys(clean(alias) for alias in aliases if fold(alias)))
    await connection.execute(
        """
        INSERT INTO unit_alias (unit_id, name, name_key)
        SELECT $1, n.name, n.name_key FROM unnest($2::text[], $3::text[]) AS n (name, name_key)
        WHERE NOT EXISTS (SELECT FROM unit_alias a WHERE a.unit_id = $1 AND a.name = n.name)
        """,
        unit_id,
        names,
        [fold(name)[:255] for name in names],
    )


async def revise_unit(connection: Connection, unit: NewUnit) -> int:
    """Give the unit with this code another name, kind and block; its place and dates stay.

    A name that goes away is kept as an alias, because people go on looking for it.
    """
    name = clean(unit.name)
    former = await connection.fetchrow(
        "SELECT id, name FROM unit WHERE code = $1 FOR UPDATE", unit.code
    )
    if former is None:
        raise unknown_unit(unit.code)
    if former["name"] != name:
        await write_aliases(connection, former["id"], [former["name"]])
    await connection.execute(
        "UPDATE unit SET name = $2, name_key = $3, sort_key = $4, kind = $5, block = $6 "
        "WHERE id = $1",
        former["id"],
        name,
        fold(name)[:255],
        collate_key(name),
        unit.kind,
        clean(unit.block),
    )
    return int(former["id"])


async def record_headcount(
    *,
    unit_id: int,
    people_count: int,
    counted_on: date,
    source: str = "",
    by: int | None = None,
) -> None:
    """Keep how many people a unit had on a day; a second count of the same day replaces it."""
    async with transaction() as connection:
        await write_headcount(connection, unit_id, people_count, counted_on, source)
        await record(
            connection,
            by=by,
            action="add_headcount",
            subject=f"unit:{unit_id}",
            detail={"people": people_count, "on": counted_on.isoformat(), "source": source},
        )


async def write_headcount(
    connection: Connection, unit_id: int, people_count: int, counted_on: date, source: str = ""
) -> None:
    """Do the same inside the caller's transaction."""
    if people_count < 0:
        raise Refusal(
            "bad_headcount", "Số người không được âm.", fields={"bien_che": "Số từ 0 trở lên."}
        )
    await connection.execute(
        """
        INSERT INTO headcount (unit_id, counted_on, people_count, source) VALUES ($1, $2, $3, $4)
        ON CONFLICT (unit_id, counted_on)
        DO UPDATE SET people_count = excluded.people_count, source = excluded.source
        """,
        unit_id,
        counted_on,
        people_count,
        source,
    )


async def record_succession(
    *, predecessor_code: str, successor_codes: Sequence[str], on: date, by: int | None = None
) -> None:
    """End a unit on the day before `on` and name who took over; may be told again.

    A circle of successors is refused, since a search would never find its end.
    """
    async with transaction() as connection:
        units = await _parents(connection, {predecessor_code, *successor_codes})
        for code in (predecessor_code, *successor_codes):
            if code not in units:
                raise unknown_unit(code)
        predecessor = units[predecessor_code]
        successors = [units[code] for code in successor_codes]
        await _refuse_circle(connection, predecessor, successors)
        await connection.execute(
            "UPDATE unit SET valid_to = $2 WHERE id = $1", predecessor, on - timedelta(days=1)
        )
        await connection.execute(
            """
            INSERT INTO unit_succession (predecessor_id, successor_id, succeeded_on)
            SELECT $1, successor, $3 FROM unnest($2::bigint[]) AS successor
            ON CONFLICT (predecessor_id, successor_id)
            DO UPDATE SET succeeded_on = excluded.succeeded_on
            """,
            predecessor,
            successors,
            on,
        )
        await record(
            connection,
            by=by,
            action="record_succession",
            subject=f"unit:{predecessor}",
            detail={"successors": list(successor_codes), "on": on.isoformat()},
        )


def _province_name(name: str) -> str:
    return name if name.startswith("Thành phố ") else f"Tỉnh {name}"


async def _parents(connection: Connection, codes: set[str]) -> dict[str, int]:
    rows = await connection.fetch("SELECT code, id FROM unit WHERE code = ANY($1)", sorted(codes))
    return {row["code"]: row["id"] for row in rows}


async def _refuse_circle(
    connection: Connection, predecessor: int, successors: Sequence[int]
) -> None:
    later = await connection.fetch(
        """
        WITH RECURSIVE later AS (
            SELECT unnest($1::bigint[]) AS id
            UNION
            SELECT s.successor_id FROM later JOIN unit_succession s ON s.predecessor_id = later.id
        )
        SELECT id FROM later
        """,
        successors,
    )
    if predecessor in {row["id"] for row in later}:
        raise Refusal(
            "succession_circle", "Một đơn vị không thể kế thừa chính mình, dù qua đơn vị khác."
        )
