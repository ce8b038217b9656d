"""How are the passwords of staff kept, compared, and made up for a first sign-in?"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from core.errors import Refusal

Result = TypeVar("Result")

SHORTEST_PASSWORD = 8  # OWASP ASVS 5, 6.2.1
LONGEST_PASSWORD = 200
# Read from a screen and typed once: no letter that looks like another letter or a figure.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

# Argon2 takes 64 MiB and most of a core for each hash: two at a time, and never on the event loop.
_hasher = PasswordHasher()
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def hash_password(password: str, *, field: str = "mat_khau") -> str:
    """Return what is kept of a password; one that is too short or too long is refused."""
    if len(password) < SHORTEST_PASSWORD or len(password) > LONGEST_PASSWORD:
        sentence = f"Mật khẩu có từ {SHORTEST_PASSWORD} đến {LONGEST_PASSWORD} ký tự."
        raise Refusal("bad_password", sentence, fields={field: sentence})
    return await _in_thread(_hasher.hash, _composed(password))


async def is_password(kept: str | None, typed: str) -> bool:
    """Whether this is the password; without one to compare it takes the same time to say no."""
    return await _in_thread(_is_password, kept, typed)


def readable_secret(*, groups: int, letters: int = 4) -> str:
    """Random letters and figures in groups, about five bits each."""
    return "-".join(
        "".join(secrets.choice(READABLE) for _ in range(letters)) for _ in range(groups)
    )


def _is_password(kept: str | None, typed: str) -> bool:
    try:
        _hasher.verify(kept or _nobodys_hash(), _composed(typed))
    except VerificationError:
        return False
    return kept is not None


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def _composed(password: str) -> str:
    return unicodedata.normalize("NFC", password)


async def _in_thread(call: Callable[..., Result], *arguments: object) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_hashing, call, *arguments)
