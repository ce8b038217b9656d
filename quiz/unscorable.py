"""Which attempts cannot be scored, why, and who has them tried again?

Data that no rule can mark must not hold up the scores of everybody else: an attempt that was proved
to stop its batch (quiz.results) is put aside with the reason. It has no score, so its round
gets no result, until staff or a rescoring have it tried again and it can be scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from core.db import Connection, after_commit, pool, transaction
from core.log import logger
from core.queue import enqueue
from people.audit import record

# What data can do to marking, ranking and writing. Anything else, an outage above all, says nothing
# about an attempt and fails the batch, which is found again.
DATA_FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
)
LONGEST_REASON = 200
MOST_SHOWN = 20


@dataclass(frozen=True)
class UnscorableShown:
    """An attempt that was put aside, by its receipt: the list names nobody."""

    receipt: str
    contest_name: str
    round_name: str
    reason: str
    found_at: datetime


async def put_aside(place: int, round_id: int, error: Exception) -> None:
    """Let nobody try this one again for now; `place` is its number in the table `unscored`."""
    reason = reason_of(error)
    await pool().execute(
        "UPDATE unscored SET fault = $2, fault_at = clock_timestamp() WHERE id = $1", place, reason
    )
    logger.error("attempt_unscorable", round_id=round_id, reason=reason, exc_info=error)


def reason_of(error: Exception) -> str:
    """The kind of fault and its first line: what PostgreSQL adds may quote a whole row."""
    first_line, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first_line}"[:LONGEST_REASON].replace("\x00", "")


async def newest_unscorable() -> Sequence[UnscorableShown]:
    """The last ones that were put aside, the newest first."""
    rows = await pool().fetch(
        "SELECT coalesce(a.receipt, '') AS receipt, c.name AS contest_name, r.name AS round_name, "
        "u.fault AS reason, u.fault_at AS found_at FROM unscored u JOIN attempt a ON a.id = u.attempt_id "
        "JOIN round r ON r.id = u.round_id JOIN contest c ON c.id = r.contest_id "
        "WHERE u.fault IS NOT NULL ORDER BY u.fault_at DESC, u.id LIMIT $1",
        MOST_SHOWN,
    )
    return [UnscorableShown(**row) for row in rows]


async def try_all_again(*, by: int | None) -> int:
    """Have everything that was put aside scored again, after its data were mended; how many."""
    async with transaction() as connection:
        count = await _take_back(connection, "true")
        if count:
            await record(
                connection,
                by=by,
                action="score_again",
                subject="platform:unscorable",
                detail={"attempt_count": count},
            )
    return count


async def try_round_again(connection: Connection, round_id: int) -> None:
    """Within a transaction that changed what a round's attempts are scored by."""
    await _take_back(connection, "round_id = $1", round_id)


async def _take_back(connection: Connection, condition: str, *arguments: object) -> int:
    rows = await connection.fetch(
        "UPDATE unscored SET fault = NULL, fault_at = NULL "  # noqa: S608 — our own conditions
        f"WHERE fault IS NOT NULL AND {condition} RETURNING id",
        *arguments,
    )
    if rows:
        after_commit(lambda: enqueue("score_attempts"))
    return len(rows)
