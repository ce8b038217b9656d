"""How do organisers stop a part of a contest at once, and let it go on again?

Web processes read the switches with the public contests (web.contest_cache), so a switch holds
everywhere within two seconds. People who are inside are never touched.
"""

from __future__ import annotations

from typing import Literal

from core.db import transaction
from core.errors import Refusal
from people.audit import record

Switch = Literal["entry", "start", "board"]

LONGEST_REASON = 500
_COLUMNS: dict[Switch, str] = {
    "entry": "entry_stopped_at",
    "start": "start_stopped_at",
    "board": "board_hidden_at",
}
SWITCHES: tuple[Switch, ...] = tuple(_COLUMNS)


async def throw_switch(
    contest_id: int, switch: Switch, *, is_thrown: bool, reason: str, by: int | None
) -> bool:
    """Stop new entries, starts or the public board, or let them go on; whether anything changed.

    Repeating it changes nothing and records nothing.
    """
    if not reason or len(reason) > LONGEST_REASON:
        sentence = f"Hãy ghi lý do, không quá {LONGEST_REASON} chữ."
        raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
    column = _COLUMNS[switch]
    async with transaction() as connection:
        changed = await connection.fetchval(
            f"UPDATE contest SET {column} = CASE WHEN $2 THEN clock_timestamp() END "  # noqa: S608 — a column of ours
            f"WHERE id = $1 AND ({column} IS NOT NULL) <> $2 RETURNING id",
            contest_id,
            is_thrown,
        )
        if changed is None:
            return False
        await record(
            connection,
            by=by,
            action="throw_switch" if is_thrown else "release_switch",
            subject=f"contest:{contest_id}",
            detail={"switch": switch, "reason": reason},
        )
    return True
