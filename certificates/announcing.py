"""What may a message tell somebody about their certificate, and where does it lead?

To the page where the holder signs in, the same address for everybody: an SMS lies open on a shared
telephone and in the logs of whoever carries it, and Zalo approves a text with a fixed address. The
check code is never in it: with the code anybody reads the name and takes the paper. It stands on the
paper and on the holder's page, and whom it is shown to is the holder's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.db import pool
from core.settings import settings

OWN_PAGE = "/tai-khoan/chung-nhan"


@dataclass(frozen=True, slots=True)
class Announced:
    """One person's certificates of one contest that are in force: what their message is made of."""

    person_id: int
    contest_name: str
    numbers: tuple[str, ...]  # as printed, the newest first
    url: str


async def holders(contest_id: int) -> list[int]:
    """Every person who holds a certificate of a contest that is in force: whom a message may be for."""
    rows = await pool().fetch(
        "SELECT DISTINCT m.person_id FROM certificate c "
        "JOIN participant m ON m.id = c.participant_id WHERE c.contest_id = $1 "
        "AND c.state = 'issued' AND c.erased_at IS NULL ORDER BY m.person_id",
        contest_id,
    )
    return [row["person_id"] for row in rows]


async def announced(contest_id: int, person_ids: Sequence[int]) -> list[Announced]:
    """What to tell these people, by person; whoever holds none that is in force is left out.

    Asked right before sending, so that nobody hears of a certificate that was revoked meanwhile.
    """
    rows = await pool().fetch(
        "SELECT m.person_id, t.name AS contest_name, array_agg(c.number ORDER BY c.id DESC) "
        "AS numbers FROM participant m JOIN contest t ON t.id = m.contest_id "
        "JOIN certificate c ON c.participant_id = m.id "
        "WHERE m.contest_id = $1 AND m.person_id = ANY($2::bigint[]) "
        "AND c.state = 'issued' AND c.erased_at IS NULL GROUP BY 1, 2 ORDER BY 1",
        contest_id,
        list(person_ids),
    )
    url = f"{settings().base_url}{OWN_PAGE}"
    return [
        Announced(row["person_id"], row["contest_name"], tuple(row["numbers"]), url) for row in rows
    ]
