"""What stays of a person's certificates when the person asks to be forgotten?

The record of an office stays: number, book, kind, day, state, who approved it. What goes is what
names the person: name, unit, result, the whole face with its QR, the reasons of corrections. Whoever
holds the paper and its code still learns that it was issued and whether it counts.
"""

from __future__ import annotations

from certificates.printing import forget_papers
from certificates.writing import Told, add_events
from core import clock
from core.db import Connection, transaction
from people import persons


async def erase_person(person_id: int, *, by: int | None) -> None:
    """Make a person anonymous for good, their certificates with them. May run again."""
    async with transaction() as connection:
        await persons.erase_in(connection, person_id, by=by)
        await forget_names(connection, person_id, by=by)


async def forget_names(connection: Connection, person_id: int, *, by: int | None) -> list[int]:
    """Take the person off the own certificates; returns which. Inside the caller's transaction."""
    told = Told(by=by, at=clock.now())
    rows = await connection.fetch(
        "UPDATE certificate c SET erased_at = $2, printed_name = '', name_key = '', "
        "unit_name = '', result = '', face = '{}'::jsonb FROM participant m JOIN person p "
        "ON p.id = m.person_id WHERE c.participant_id = m.id AND c.erased_at IS NULL "
        "AND (p.id = $1 OR p.merged_into_id = $1) RETURNING c.id",
        person_id,
        told.at,
    )
    erased = [row["id"] for row in rows]
    await connection.execute(
        "UPDATE certificate SET public_reason = '' WHERE id = ANY($1::bigint[])", erased
    )
    await connection.execute(
        "UPDATE certificate_event SET reason = '', public_reason = '' "
        "WHERE certificate_id = ANY($1::bigint[]) AND (reason <> '' OR public_reason <> '')",
        erased,
    )
    await add_events(connection, erased, "erased", told)
    await forget_papers(connection, erased)
    return erased
