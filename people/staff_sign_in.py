"""How do staff sign in: name, password, and a second factor where one is on?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.db import transaction
from core.errors import Refusal
from people.accounts import SignedIn, open_account, username_of
from people.audit import record
from people.passwords import hash_password, is_password
from people.second_factor import spend_code, wrong_code
from people.sessions import revoke_sessions
from people.tries import Try, count_try, count_try_of, note_failure, take_back


@dataclass(frozen=True)
class HalfWay:
    """The password was right, the code is still missing; `mark` ends with the password."""

    account_id: int
    mark: str


async def sign_in_staff(
    username: str, password: str, code: str = "", *, browser: str
) -> SignedIn | HalfWay:
    """Sign in by name and password; where a second factor is on, a code must come or follow.

    After ten failures the account waits for 15 minutes. Wrong name, wrong password and locked
    account sound alike and cost the same time.
    """
    tried = await count_try_of(username_of(username))
    if not await is_password(tried.password_hash if tried else None, password) or tried is None:
        await note_failure(tried)
        raise Refusal(
            "sign_in_failed",
            "Tên đăng nhập hoặc mật khẩu chưa đúng. Sau 10 lần nhập chưa đúng, tài khoản tạm khóa "
            "15 phút.",
        )
    if tried.has_second_factor and not code.strip():
        await take_back(tried)
        return HalfWay(tried.account_id, _mark(tried))
    return await _finish(tried, code, browser)


async def finish_sign_in(half_way: HalfWay, code: str, *, browser: str) -> SignedIn:
    """Sign in with the code, after a password that was right a few minutes ago."""
    tried = await count_try(half_way.account_id)
    if tried is None or _mark(tried) != half_way.mark:
        raise Refusal(
            "sign_in_failed",
            "Lần đăng nhập này không dùng tiếp được. Bạn hãy đăng nhập lại từ đầu; nếu đã nhập sai "
            "nhiều lần, hãy chờ 15 phút.",
        )
    return await _finish(tried, code, browser)


async def change_password(
    account_id: int, present: str, wanted: str, *, keep_session_id: int
) -> None:
    """Give the own account a new password; every other browser is signed out."""
    tried = await count_try(account_id)
    if not await is_password(tried.password_hash if tried else None, present) or tried is None:
        await note_failure(tried)
        sentence = "Mật khẩu đang dùng chưa đúng. Sau 10 lần nhập chưa đúng, tài khoản tạm khóa."
        raise Refusal("bad_password", sentence, fields={"mat_khau_cu": sentence})
    await take_back(tried)
    if present == wanted:
        sentence = "Mật khẩu mới phải khác mật khẩu đang dùng."
        raise Refusal("bad_password", sentence, fields={"mat_khau_moi": sentence})
    password_hash = await hash_password(wanted, field="mat_khau_moi")
    async with transaction() as connection:
        await connection.execute(
            "UPDATE account SET password_hash = $2, must_change_password = false, "
            "failed_count = 0, locked_until = NULL WHERE id = $1",
            account_id,
            password_hash,
        )
        await revoke_sessions(connection, account_id, but=keep_session_id)
        await record(
            connection, by=account_id, action="change_password", subject=f"account:{account_id}"
        )


async def _finish(tried: Try, code: str, browser: str) -> SignedIn:
    async with transaction() as connection:
        if not tried.has_second_factor or await spend_code(connection, tried.account_id, code):
            account = await connection.fetchrow(
                "UPDATE account a SET failed_count = 0, locked_until = NULL FROM person p "
                "WHERE a.id = $1 AND p.id = a.person_id RETURNING a.id, a.person_id, p.full_name",
                tried.account_id,
            )
            await record(
                connection,
                by=tried.account_id,
                action="sign_in",
                subject=f"account:{tried.account_id}",
                detail={"second_factor": tried.has_second_factor},
            )
            return await open_account(connection, account, browser)
    await note_failure(tried)
    raise wrong_code()


def _mark(tried: Try) -> str:
    return hashlib.sha256(tried.password_hash.encode()).hexdigest()[:16]
