"""How often may somebody try a password or a code before the account waits?

Every try is counted and committed before anything is compared, passwords and codes in one count of
the account: guessing in parallel gains nothing, and knowing the password gives no more guesses at
the code. No address is ever locked out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.clock import now
from core.db import pool, transaction
from core.log import logger
from people.audit import record

FAILURES_BEFORE_LOCK = 10
LOCKED_FOR = timedelta(minutes=15)
_COUNT_TRY = """
UPDATE account SET
    failed_count = CASE WHEN locked_until IS NULL THEN failed_count + 1 ELSE 1 END,
    locked_until = CASE WHEN locked_until IS NULL AND failed_count + 1 >= $3
        THEN $2::timestamptz + $4::interval END
WHERE {named} AND is_active AND password_hash IS NOT NULL
  AND (locked_until IS NULL OR locked_until <= $2)
RETURNING id AS account_id, password_hash, locked_until IS NOT NULL AS has_locked,
          totp_confirmed_at IS NOT NULL AS has_second_factor
"""


@dataclass(frozen=True)
class Try:
    """A counted try; `has_locked` says that it was the one too many, unless it turns out right."""

    account_id: int
    password_hash: str
    has_locked: bool
    has_second_factor: bool


async def count_try_of(username: str) -> Try | None:
    """Count a try at an account by its name; None when there is none, or it is locked."""
    return await _count("username = $1", username)


async def count_try(account_id: int) -> Try | None:
    return await _count("id = $1", account_id)


async def take_back(tried: Try) -> None:
    """It was right: this try does not count, nor does the lock if it was this one that set it."""
    await pool().execute(
        "UPDATE account SET failed_count = greatest(failed_count - 1, 0), "
        "locked_until = CASE WHEN $2 THEN NULL ELSE locked_until END WHERE id = $1",
        tried.account_id,
        tried.has_locked,
    )


async def note_failure(tried: Try | None) -> None:
    """Write down that the account is locked now, if this failure did it."""
    if tried is None or not tried.has_locked:
        return
    logger.warning("account_locked", account_id=tried.account_id)
    async with transaction() as connection:
        await record(
            connection, by=None, action="lock_account", subject=f"account:{tried.account_id}"
        )


async def _count(named: str, who: str | int) -> Try | None:
    row = await pool().fetchrow(
        _COUNT_TRY.format(named=named), who, now(), FAILURES_BEFORE_LOCK, LOCKED_FOR
    )
    return Try(**row) if row else None
