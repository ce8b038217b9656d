"""How does a telephone prove that it is its owner's, for a bounded price and against guessing?

Every bound is a fact in PostgreSQL: how often a number, an address and the whole platform may
ask, how often a code may be tried, and that it serves once. Known and unknown numbers take the
same path, so nobody learns here who has an account.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from core.clock import ceil_to_second, local_day, now
from core.db import Connection, after_commit, json_text, pool, transaction
from core.errors import Refusal
from core.queue import enqueue
from core.settings import require_secret, settings

VALID_FOR = timedelta(minutes=10)  # QS3
TRIES = 5  # QS3
COOL_DOWN = timedelta(seconds=60)
# Whole schools and offices share one address (QS3), so this stops only machines.
PER_ADDRESS_PER_HOUR = 200
KEPT_FOR = timedelta(hours=24)
# A row that the doorbell's job has had this long to take was not rung for.
UNHEARD_AFTER = timedelta(seconds=5)
DEMO_CODE = "000000"  # interfaces.md
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class ProvenCode:
    """A telephone whose owner typed the right code, and the sign-up that waited for it."""

    phone: str
    sign_up: dict[str, Any] | None


async def ask_code(
    *,
    phone: str,
    sign_up: Mapping[str, object] | None,
    asked_from: str,
    per_number_per_hour: int,
    per_day: int,
    per_address_per_hour: int = PER_ADDRESS_PER_HOUR,
) -> UUID:
    """Ask for a code to be sent; return the unguessable id that the browser keeps meanwhile.

    Refused when the number, the address or the platform has asked too often. The bounds of a
    number and of the day are exact; an address may overshoot by what it asks at one moment.
    """
    code_id = uuid4()
    address = _keyed("address", asked_from) if asked_from else ""
    at = now()
    async with transaction() as connection:
        await lock_phone(connection, phone)
        await _refuse_often_asked_number(connection, phone, at, per_number_per_hour)
        await _refuse_busy_address(connection, address, at, per_address_per_hour)
        await _spend_budget(connection, at, per_day)
        await connection.execute(
            "INSERT INTO sign_in_code (id, phone, sign_up, state, tries_count, asked_from, "
            "asked_at, expires_at) VALUES ($1, $2, $3::jsonb, 'asked', 0, $4, $5, $6)",
            code_id,
            phone,
            json_text(sign_up) if sign_up else None,
            address,
            at,
            at + VALID_FOR,
        )
        after_commit(lambda: enqueue("send_code", str(code_id)))
    return code_id


async def draw_code(
    code_id: UUID, *, demo: bool, is_repeat: bool = False
) -> tuple[str, str] | None:
    """Draw the digits, commit their hash, and return (phone, code) for the caller to send.

    None when somebody else has drawn them, or they are no longer wanted. A job that runs again
    (`is_repeat`) cannot know whether it sent, nor read the code back, so it draws anew and the
    newer code counts.
    """
    code = DEMO_CODE if demo else f"{secrets.randbelow(1_000_000):06d}"
    at = now()
    phone = await pool().fetchval(
        """
        UPDATE sign_in_code SET state = 'sent', code_hash = $2, sent_at = $3, expires_at = $4
        WHERE id = $1 AND expires_at > $3 AND (state = 'asked' OR ($5 AND state = 'sent'))
        RETURNING phone
        """,
        code_id,
        _hash(code_id, code),
        at,
        at + VALID_FOR,
        is_repeat,
    )
    return (phone, code) if phone else None


async def put_back_code(code_id: UUID) -> None:
    """Let the sweep draw and send again a code that the provider could not take just now."""
    await pool().execute(
        "UPDATE sign_in_code SET state = 'asked', code_hash = NULL "
        "WHERE id = $1 AND state = 'sent'",
        code_id,
    )


async def refuse_code(code_id: UUID) -> None:
    """Close a code that the provider refused for good."""
    await pool().execute(
        "UPDATE sign_in_code SET state = 'refused', code_hash = NULL, sign_up = NULL "
        "WHERE id = $1 AND state = 'sent'",
        code_id,
    )


async def waiting_codes(*, limit: int = 100) -> list[UUID]:
    """List the codes that nobody rang for, the oldest first."""
    rows = await pool().fetch(
        "SELECT id FROM sign_in_code WHERE state = 'asked' AND asked_at <= $1 AND expires_at > $2 "
        "ORDER BY asked_at LIMIT $3",
        now() - UNHEARD_AFTER,
        now(),
        limit,
    )
    return [row["id"] for row in rows]


async def prove_code(code_id: UUID, typed: str) -> ProvenCode:
    """Accept the right digits, once; of several at the same time one wins.

    A try is counted and committed before it is compared, so guessing in parallel gains nothing.
    """
    tried = await pool().fetchrow(
        """
        UPDATE sign_in_code SET tries_count = tries_count + 1
        WHERE id = $1 AND state = 'sent' AND expires_at > $2 AND tries_count < $3
        RETURNING phone, sign_up, code_hash, tries_count
        """,
        code_id,
        now(),
        TRIES,
    )
    if tried is None:
        raise await _why_not(code_id)
    if not hmac.compare_digest(tried["code_hash"], _hash(code_id, _digits(typed))):
        raise _wrong_code(TRIES - tried["tries_count"])
    won = await pool().fetchval(
        "UPDATE sign_in_code SET state = 'used', sign_up = NULL "
        "WHERE id = $1 AND state = 'sent' AND code_hash = $2 RETURNING id",
        code_id,
        tried["code_hash"],
    )
    if won is None:
        raise _gone_code()
    return ProvenCode(tried["phone"], tried["sign_up"])


async def get_asked(code_id: UUID) -> ProvenCode:
    """Return the number and the sign-up that a code was asked for, so that it can be asked anew."""
    row = await pool().fetchrow(
        "SELECT phone, sign_up FROM sign_in_code WHERE id = $1 AND state IN ('asked', 'sent')",
        code_id,
    )
    if row is None:
        raise _gone_code()
    return ProvenCode(row["phone"], row["sign_up"])


async def purge_codes() -> int:
    """Forget codes and day counts older than a day; return how many codes went."""
    at = now()
    gone = await pool().fetch(
        "DELETE FROM sign_in_code WHERE asked_at < $1 RETURNING id", at - KEPT_FOR
    )
    await pool().execute("DELETE FROM sign_in_code_day WHERE day < $1", local_day(at - KEPT_FOR))
    return len(gone)


async def lock_phone(connection: Connection, phone: str) -> None:
    """Let nobody else decide about this number until the caller's transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('phone:' || $1, 0))", phone
    )


async def _refuse_often_asked_number(
    connection: Connection, phone: str, at: datetime, per_hour: int
) -> None:
    asked = await connection.fetchrow(
        "SELECT count(*) AS count, max(asked_at) AS latest, min(asked_at) AS earliest "
        "FROM sign_in_code WHERE phone = $1 AND asked_at > $2",
        phone,
        at - _HOUR,
    )
    if asked["count"] and asked["latest"] + COOL_DOWN > at:
        wait = ceil_to_second(asked["latest"] + COOL_DOWN - at)
        raise Refusal(
            "code_too_soon",
            f"Mã vừa được gửi. Bạn hãy chờ {wait} giây nữa rồi xin mã mới.",
            retry_after_seconds=wait,
        )
    if asked["count"] >= per_hour:
        wait = ceil_to_second(asked["earliest"] + _HOUR - at)
        raise Refusal(
            "code_limit_number",
            f"Số điện thoại này đã xin {per_hour} mã trong một giờ. "
            f"Bạn hãy thử lại sau {-(-wait // 60)} phút.",
            retry_after_seconds=wait,
        )


async def _refuse_busy_address(
    connection: Connection, address: str, at: datetime, per_hour: int
) -> None:
    if not address:
        return
    count = await connection.fetchval(
        "SELECT count(*) FROM sign_in_code WHERE asked_from = $1 AND asked_at > $2",
        address,
        at - _HOUR,
    )
    if count >= per_hour:
        raise Refusal(
            "code_limit_address",
            "Từ mạng này đã có nhiều lần xin mã trong một giờ. Bạn hãy thử lại sau ít phút, hoặc dùng "
            "mạng di động của điện thoại.",
            retry_after_seconds=600,
        )


async def _spend_budget(connection: Connection, at: datetime, per_day: int) -> None:
    # The last step before the insert: everybody queues for this one row until the commit.
    asked_count = await connection.fetchval(
        """
        INSERT INTO sign_in_code_day (day, asked_count) SELECT $1, 1 WHERE $2 > 0
        ON CONFLICT (day) DO UPDATE SET asked_count = sign_in_code_day.asked_count + 1
            WHERE sign_in_code_day.asked_count < $2
        RETURNING asked_count
        """,
        local_day(at),
        per_day,
    )
    if asked_count is None:
        raise Refusal(
            "code_budget",
            "Hôm nay đã hết lượt gửi tin nhắn mã xác nhận. Bạn hãy thử lại vào ngày mai.",
            retry_after_seconds=3600,
        )


async def _why_not(code_id: UUID) -> Refusal:
    row = await pool().fetchrow(
        "SELECT state, tries_count, expires_at FROM sign_in_code WHERE id = $1", code_id
    )
    if row is None or row["expires_at"] <= now() or row["state"] in {"used", "refused"}:
        return _gone_code()
    if row["state"] == "asked":
        return _code_refusal(
            "code_not_sent", "Mã đang được gửi. Bạn hãy chờ tin nhắn rồi nhập lại."
        )
    return _wrong_code(0)


def _wrong_code(tries_left: int) -> Refusal:
    if tries_left > 0:
        return _code_refusal("code_wrong", f"Mã chưa đúng. Bạn còn {tries_left} lần thử.")
    return _code_refusal(
        "code_spent", f"Mã này không dùng được nữa sau {TRIES} lần nhập. Bạn hãy xin mã mới."
    )


def _gone_code() -> Refusal:
    return _code_refusal("code_gone", "Mã đã dùng hoặc đã hết hạn. Bạn hãy xin mã mới.")


def _code_refusal(code: str, sentence: str) -> Refusal:
    return Refusal(code, sentence, fields={"ma": sentence})


def _digits(typed: str) -> str:
    return re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", typed))


def _hash(code_id: UUID, code: str) -> str:
    # A million codes are soon tried against a bare hash; without the secret none can be.
    return _keyed("sign-in code", f"{code_id}:{code}")


def _keyed(purpose: str, text: str) -> str:
    secret = require_secret(settings()).encode()
    return hmac.new(secret, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
