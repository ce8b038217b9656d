"""How do two records of one human become one, with everything that was entered and played?"""

from __future__ import annotations

from core.db import Connection, transaction
from core.errors import Refusal
from people.merging import absorb

# Contests keep lists of numbers: whoever was kept out, or admitted, by the number that closes is so
# by the one that stays.
_CARRY_LISTS = (
    "INSERT INTO exclusion (contest_id, phone, reason) SELECT e.contest_id, kept.phone, e.reason "
    "FROM account gone JOIN exclusion e ON e.phone = gone.phone "
    "JOIN account kept ON kept.person_id = $2 AND kept.phone IS NOT NULL "
    "WHERE gone.person_id = $1 ON CONFLICT (contest_id, phone) DO NOTHING",
    "INSERT INTO eligibility (contest_id, phone, note) SELECT e.contest_id, kept.phone, e.note "
    "FROM account gone JOIN eligibility e ON e.phone = gone.phone "
    "JOIN account kept ON kept.person_id = $2 AND kept.phone IS NOT NULL "
    "WHERE gone.person_id = $1 ON CONFLICT (contest_id, phone) DO NOTHING",
)


async def merge_persons(from_id: int, into_id: int, *, by: int) -> None:
    """Make one person's record part of another's: entries, account, consents, lists.

    All in one transaction. Refused while both have entered the same contest: two participants of a contest are two
    results, and which of them counts is decided in that contest, not here.
    """
    async with transaction() as connection:
        await absorb(connection, from_id, into_id, by=by)
        await move_participants(connection, from_id, into_id)
        for statement in _CARRY_LISTS:
            await connection.execute(statement, from_id, into_id)


async def move_participants(connection: Connection, from_id: int, into_id: int) -> int:
    """Give a person's entries to another, inside the caller's transaction; return how many."""
    both = await connection.fetchval(
        "SELECT string_agg(c.name, ', ' ORDER BY c.id) FROM participant a "
        "JOIN participant b ON b.contest_id = a.contest_id AND b.person_id = $2 "
        "JOIN contest c ON c.id = a.contest_id WHERE a.person_id = $1",
        from_id,
        into_id,
    )
    if both:
        raise Refusal(
            "both_entered",
            f"Cả hai hồ sơ đều đã dự thi “{both}” nên chưa gộp được. Nếu đúng là một người thi hai "
            "lần, Ban Tổ chức xử lý trong cuộc thi đó; hai hồ sơ vẫn để riêng.",
        )
    moved = await connection.fetch(
        "UPDATE participant SET person_id = $2 WHERE person_id = $1 RETURNING id", from_id, into_id
    )
    return len(moved)
