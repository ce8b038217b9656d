"""Which receipt code does an attempt get when it is handed in?"""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

# Crockford's base 32: no I, L, O, U, so a code survives being read over the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def receipt_code(attempt_id: UUID) -> str:
    """Twelve characters (60 bits) of SHA-256("receipt" ‖ id): the same however often it is asked."""
    number = int.from_bytes(sha256(b"receipt" + attempt_id.bytes).digest()[:8], "big") >> 4
    return spelled(number)


def spelled(number: int) -> str:
    """A number of sixty bits as people write and read it aloud: 7K2M-Q4TN-0XBD."""
    letters = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(55, -1, -5))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def read_spelled(typed: str) -> str:
    """The code that somebody typed: capitals, with its dashes, O as 0 and I or L as 1."""
    letters = typed.upper().translate(_MISREAD)
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"
