"""What does a certificate's QR say by itself, so that a telephone without a network can check it?

Behind the "#" of the check address, where no server ever sees it, stands a signed payload:

    byte 0       format: 1
    bytes 1–4    key id: the first four bytes of SHA-256 of the public key (32 bytes)
    byte 5       kind: place in KINDS
    bytes 6–7    day of issue: days since 1 January 2020, big-endian
    bytes 8–…    printed name, unit, contest, result: NFC, joined by line feeds, ended by NUL; packed
                 with the prefix code of payload_letters.json, filled with zero bits to whole bytes
    last 64      Ed25519 over "hieu-so/giay-chung-nhan/1", line feed, the number as the address has
                 it, line feed, and all bytes before the signature

The prefix code is canonical: in the file, letters and frequent pieces of words stand under the
length of their code in bits, in order; the empty one is followed by 21 bits, a code point that the
file lacks. The bytes are written like RFC 9285 (Base45), without the two letters that an address
cannot have, so that a QR takes them in its dense alphanumeric mode.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.text import clean

FORMAT = 1
KINDS = ("participation", "pass", "prize", "unit_prize")
FIRST_DAY = date(2020, 1, 1)
HEAD_BYTES, SIGNATURE_BYTES, KEY_ID_BYTES = 8, 64, 4
LONGEST_PAYLOAD_BYTES = 2_000  # a QR of the largest size holds 2,331 at level M
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$*+-./:"
CODE_POINT_BITS = 21
END, ESCAPE = "\0", ""
PURPOSE = "hieu-so/giay-chung-nhan/1"


class BadPayloadError(Exception):
    """It is no payload of ours, or not as it was signed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the payload vouches for; the number is the address's."""

    number: str
    kind: str
    printed_name: str
    unit_name: str
    contest_title: str
    result: str
    issued_on: date


@dataclass(frozen=True)
class PrefixCode:
    """The letters with their codes: bits as a number, and how many."""

    codes: Mapping[str, tuple[int, int]]
    letters: Mapping[tuple[int, int], str]
    pieces: re.Pattern[str]


def sign(claim: Claim, key: Ed25519PrivateKey) -> str:
    """The payload of a claim, ready to stand behind an address's "#"."""
    texts = (claim.printed_name, claim.unit_name, claim.contest_title, claim.result)
    text = "\n".join(clean(each.replace(END, " ")) for each in texts)
    body = (
        bytes([FORMAT])
        + key_id(key.public_key())
        + bytes([KINDS.index(claim.kind)])
        + (claim.issued_on - FIRST_DAY).days.to_bytes(2, "big")
        + pack(text)
    )
    return to_digits(body + key.sign(_signed(claim.number, body)))


def verify(payload: str, number: str, keys: Mapping[bytes, Ed25519PublicKey]) -> Claim:
    """The claim, when one of these keys, by id, signed it for this number.

    Raises BadPayloadError otherwise. Whether the key was still to be trusted on the day of issue is
    the caller's question: `certificates.keys`.
    """
    content = from_digits(payload)
    body, signature = content[:-SIGNATURE_BYTES], content[-SIGNATURE_BYTES:]
    key = keys.get(signed_by(payload))
    if key is None:
        raise BadPayloadError("unknown key")
    try:
        key.verify(signature, _signed(number, body))
    except InvalidSignature:
        raise BadPayloadError("signature") from None
    try:
        name, unit, contest, result = unpack(body[HEAD_BYTES:]).split("\n")
        kind = KINDS[body[5]]
    except (ValueError, IndexError):
        raise BadPayloadError("fields") from None
    issued_on = FIRST_DAY + timedelta(days=int.from_bytes(body[6:8], "big"))
    return Claim(url_number(number), kind, name, unit, contest, result, issued_on)


def signed_by(payload: str) -> bytes:
    """The id of the key that a payload names."""
    content = from_digits(payload)
    if len(content) < HEAD_BYTES + SIGNATURE_BYTES or content[0] != FORMAT:
        raise BadPayloadError("format")
    return content[1 : 1 + KEY_ID_BYTES]


def key_id(key: Ed25519PublicKey) -> bytes:
    return sha256(key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def url_number(number: str) -> str:
    """00123/2026/GCN-BTC as 00123-2026-GCN-BTC, as the address has it and the payload signs it."""
    return clean(number).upper().replace("/", "-")


def pack(text: str) -> bytes:
    """A text in the prefix code, with its end."""
    code = prefix_code()
    bits, length = 0, 0
    for piece in code.pieces.findall(text + END):
        added, added_length = code.codes.get(piece) or _escaped(piece)
        bits, length = bits << added_length | added, length + added_length
    filled = -length % 8
    return (bits << filled).to_bytes((length + filled) // 8, "big")


def unpack(packed: bytes) -> str:
    """What `pack` packed; raises BadPayloadError when it does not end."""
    code = prefix_code()
    bits = "".join(f"{byte:08b}" for byte in packed)
    text: list[str] = []
    start = place = 0
    while place < len(bits):
        place += 1
        letter = code.letters.get((int(bits[start:place], 2), place - start))
        if letter == END:
            return "".join(text)
        if letter == ESCAPE:
            letter = _code_point(bits[place : place + CODE_POINT_BITS])
            place += CODE_POINT_BITS
        if letter is not None:
            text.append(letter)
            start = place
    raise BadPayloadError("no end")


@cache
def prefix_code() -> PrefixCode:
    """The code that payload_letters.json says: of equal lengths the first in the file comes first."""
    codes: dict[str, tuple[int, int]] = {}
    value = length = 0
    for said, letters in letter_table().items():
        value <<= int(said) - length
        length = int(said)
        for letter in letters:
            codes[letter] = (value, length)
            value += 1
    longest_first = sorted(filter(None, codes), key=len, reverse=True)
    return PrefixCode(
        codes,
        {code: letter for letter, code in codes.items()},
        re.compile("|".join(map(re.escape, longest_first)) + "|.", re.DOTALL),
    )


@cache
def letter_table() -> dict[str, list[str]]:
    """The lengths of codes, each with its letters, as the published key set shows them."""
    content = Path(__file__).with_name("payload_letters.json").read_bytes()
    return orjson.loads(content)  # type: ignore[no-any-return]  # our own file


def to_digits(content: bytes) -> str:
    """Two bytes as three digits to base 43, the smallest first; a last single byte as two."""
    base = len(DIGITS)
    written: list[str] = []
    for first, second in zip(content[::2], content[1::2], strict=False):
        pair = first << 8 | second
        written += (DIGITS[pair % base], DIGITS[pair // base % base], DIGITS[pair // base**2])
    if len(content) % 2:
        written += (DIGITS[content[-1] % base], DIGITS[content[-1] // base])
    return "".join(written)


def from_digits(text: str) -> bytes:
    """What `to_digits` wrote; raises BadPayloadError for anything else."""
    if len(text) > LONGEST_PAYLOAD_BYTES * 3 // 2 or len(text) % 3 == 1:
        raise BadPayloadError("length")
    content = bytearray()
    for place in range(0, len(text), 3):
        number = 0
        for digit in reversed(text[place : place + 3]):
            value = DIGITS.find(digit)
            if value < 0:
                raise BadPayloadError("digit")
            number = number * len(DIGITS) + value
        try:
            content += number.to_bytes(len(text[place : place + 3]) - 1, "big")
        except OverflowError:
            raise BadPayloadError("digits") from None
    return bytes(content)


def _signed(number: str, body: bytes) -> bytes:
    return f"{PURPOSE}\n{url_number(number)}\n".encode() + body


def _escaped(letter: str) -> tuple[int, int]:
    value, length = prefix_code().codes[ESCAPE]
    return value << CODE_POINT_BITS | ord(letter), length + CODE_POINT_BITS


def _code_point(bits: str) -> str:
    if len(bits) < CODE_POINT_BITS or int(bits, 2) > sys.maxunicode:
        raise BadPayloadError("letter")
    return chr(int(bits, 2))
