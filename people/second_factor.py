"""Does the person who knows the password also hold the telephone: codes by time, codes in reserve?

Time-based codes of RFC 6238 (six figures, 30 seconds, SHA-1, as every authenticator reads them).
The shared secret lies encrypted in the account's row, with a key made from SECRET_KEY and bound to
the account, so neither a copy of the database nor a row moved to another account opens a door.
Codes in reserve are random enough for a plain hash, and outlive a change of SECRET_KEY.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.clock import now
from core.db import Connection, json_text, json_value, pool, transaction
from core.errors import Refusal
from core.settings import require_secret, settings
from people.audit import record
from people.passwords import readable_secret
from people.sessions import revoke_sessions
from people.tries import Try, count_try, note_failure, take_back

STEP_SECONDS = 30
STEPS_EITHER_WAY = 1  # a telephone's clock may be half a minute off
CODE_DIGITS = 6
RESERVE_CODES = 10
RESERVE_GROUPS = 4  # of four: 80 bits
NONCE_BYTES = 12
ISSUER = "Hiểu Số"


@dataclass(frozen=True)
class Factor:
    """How an account stands: `secret` and `address` only while it waits to be confirmed."""

    confirmed_at: datetime | None
    reserve_count: int
    secret: str | None = None
    address: str | None = None  # otpauth://…, what the QR code says


async def get_factor(account_id: int) -> Factor:
    """How the account's second factor stands; refused for accounts without a password."""
    row = await pool().fetchrow(
        "SELECT username, totp_secret, totp_confirmed_at, recovery_hashes FROM account "
        "WHERE id = $1 AND is_active AND password_hash IS NOT NULL",
        account_id,
    )
    if row is None:
        raise Refusal("not_found", "Xác thực hai lớp dành cho tài khoản cán bộ có mật khẩu.")
    confirmed_at, reserve = row["totp_confirmed_at"], row["recovery_hashes"] or []
    if confirmed_at or not row["totp_secret"]:
        return Factor(confirmed_at, len(reserve))
    secret = _opened(account_id, row["totp_secret"])
    address = pyotp.TOTP(secret, name=row["username"], issuer=ISSUER).provisioning_uri()
    return Factor(None, 0, secret, address)


async def begin(account_id: int) -> None:
    """Draw a secret that waits to be confirmed; one that is confirmed already stays."""
    await get_factor(account_id)
    await pool().execute(
        "UPDATE account SET totp_secret = $2, totp_last_step = NULL "
        "WHERE id = $1 AND totp_confirmed_at IS NULL",
        account_id,
        _closed(account_id, pyotp.random_base32()),
    )


async def confirm(account_id: int, typed: str) -> list[str]:
    """Switch the second factor on by its first code; return the codes in reserve, shown once."""
    async with transaction() as connection:
        row = await _lock(connection, account_id)
        if row["totp_confirmed_at"] or not row["totp_secret"]:
            raise Refusal("not_begun", "Xác thực hai lớp đã bật, hoặc bạn chưa bắt đầu thiết lập.")
        if not await _spend_time_code(connection, account_id, row, typed):
            raise wrong_code()
        await connection.execute(
            "UPDATE account SET totp_confirmed_at = $2 WHERE id = $1", account_id, now()
        )
        codes = await _write_reserve(connection, account_id)
        await _record(connection, "enable_second_factor", account_id, by=account_id)
    return codes


async def renew_reserve(account_id: int, typed: str) -> list[str]:
    """Replace the codes in reserve by new ones; a code proves that it is the owner."""
    tried = await _count(account_id)
    async with transaction() as connection:
        is_right = await spend_code(connection, account_id, typed)
        if is_right:
            codes = await _write_reserve(connection, account_id)
            await _record(connection, "renew_recovery_codes", account_id, by=account_id)
    await _settle(tried, is_right=is_right)
    return codes


async def switch_off(account_id: int, typed: str) -> None:
    """Switch the own second factor off; a code proves that it is the owner."""
    tried = await _count(account_id)
    async with transaction() as connection:
        is_right = await spend_code(connection, account_id, typed)
        if is_right:
            await _clear(connection, account_id)
            await _record(connection, "disable_second_factor", account_id, by=account_id)
    await _settle(tried, is_right=is_right)


async def reset(account_id: int, *, by: int | None) -> None:
    """Take the second factor off an account whose owner lost the telephone. May run again.

    Every browser is signed out: one of them may be the telephone that was lost.
    """
    async with transaction() as connection:
        await _clear(connection, account_id)
        await revoke_sessions(connection, account_id)
        await _record(connection, "reset_second_factor", account_id, by=by)


async def spend_code(connection: Connection, account_id: int, typed: str) -> bool:
    """Whether the code is right and unused, inside the caller's transaction; it then is used up."""
    row = await _lock(connection, account_id)
    if not row["totp_confirmed_at"]:
        return False
    if await _spend_time_code(connection, account_id, row, typed):
        return True
    kept: list[str] = json_value(row["recovery_hashes"] or "[]")
    tried = _hash(_plain(typed))
    if not any(hmac.compare_digest(tried, each) for each in kept):
        return False
    left = [each for each in kept if each != tried]
    await connection.execute(
        "UPDATE account SET recovery_hashes = $2::jsonb WHERE id = $1", account_id, json_text(left)
    )
    await _record(connection, "use_recovery_code", account_id, by=account_id, left=len(left))
    return True


def matching_step(secret: str, typed: str, at: datetime, *, after: int | None) -> int | None:
    """The 30-second step whose code was typed, if it is near enough and later than `after`."""
    present = int(at.timestamp()) // STEP_SECONDS
    codes = pyotp.HOTP(secret)
    for step in range(present - STEPS_EITHER_WAY, present + STEPS_EITHER_WAY + 1):
        is_same = hmac.compare_digest(codes.at(step), typed)
        if is_same and (after is None or step > after):
            return step
    return None


def wrong_code() -> Refusal:
    sentence = (
        "Mã chưa đúng hoặc đã dùng. Bạn chờ ứng dụng hiện mã mới rồi nhập lại; nếu vẫn sai, hãy "
        "xem giờ của điện thoại."
    )
    return Refusal("code_wrong", sentence, fields={"ma": sentence})


async def _count(account_id: int) -> Try:
    tried = await count_try(account_id)
    if tried is None:
        sentence = "Tài khoản đang tạm khóa vì nhập sai nhiều lần. Bạn hãy thử lại sau 15 phút."
        raise Refusal("code_wrong", sentence, fields={"ma": sentence})
    return tried


async def _settle(tried: Try, *, is_right: bool) -> None:
    if not is_right:
        await note_failure(tried)
        raise wrong_code()
    await take_back(tried)


async def _spend_time_code(
    connection: Connection, account_id: int, row: Mapping[str, Any], typed: str
) -> bool:
    code = _plain(typed)
    if len(code) != CODE_DIGITS or not code.isdigit():
        return False
    secret, last = _opened(account_id, row["totp_secret"]), row["totp_last_step"]
    step = matching_step(secret, code, now(), after=last)
    if step is None:
        return False
    await connection.execute(
        "UPDATE account SET totp_last_step = $2 WHERE id = $1", account_id, step
    )
    return True


async def _lock(connection: Connection, account_id: int) -> Mapping[str, Any]:
    row = await connection.fetchrow(
        "SELECT totp_secret, totp_confirmed_at, totp_last_step, recovery_hashes FROM account "
        "WHERE id = $1 FOR UPDATE",
        account_id,
    )
    if row is None:
        raise Refusal("unknown_account", "Không tìm thấy tài khoản này.")
    return dict(row)


async def _write_reserve(connection: Connection, account_id: int) -> list[str]:
    codes = [readable_secret(groups=RESERVE_GROUPS) for _ in range(RESERVE_CODES)]
    await connection.execute(
        "UPDATE account SET recovery_hashes = $2::jsonb WHERE id = $1",
        account_id,
        json_text([_hash(_plain(code)) for code in codes]),
    )
    return codes


async def _clear(connection: Connection, account_id: int) -> None:
    cleared = await connection.fetchval(
        "UPDATE account SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = NULL, "
        "recovery_hashes = NULL WHERE id = $1 AND username IS NOT NULL RETURNING id",
        account_id,
    )
    if cleared is None:
        raise Refusal("unknown_account", "Không tìm thấy tài khoản cán bộ này.")


async def _record(
    connection: Connection, action: str, account_id: int, *, by: int | None, **detail: object
) -> None:
    await record(
        connection, by=by, action=action, subject=f"account:{account_id}", detail=dict(detail)
    )


def _plain(typed: str) -> str:
    text = unicodedata.normalize("NFKC", typed).lower()
    return "".join(letter for letter in text if letter.isalnum())


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _closed(account_id: int, secret: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(_key(_master())).encrypt(nonce, secret.encode(), _owner(account_id))
    return base64.b64encode(nonce + sealed).decode()


def _opened(account_id: int, kept: str) -> str:
    raw = base64.b64decode(kept)
    nonce, sealed = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
    try:
        return AESGCM(_key(_master())).decrypt(nonce, sealed, _owner(account_id)).decode()
    except InvalidTag:
        raise Refusal(
            "second_factor_unreadable",
            "Máy chủ đã đổi khóa bí mật nên không đọc được xác thực hai lớp của tài khoản này. Bạn "
            "dùng một mã dự phòng, hoặc nhờ người quản trị đặt lại.",
        ) from None


def _owner(account_id: int) -> bytes:
    return f"account:{account_id}".encode()


def _master() -> str:
    return require_secret(settings())


@cache
def _key(master: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"hieu-so/second-factor").derive(
        master.encode()
    )
