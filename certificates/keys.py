"""Which keys vouch for certificates: the private one here, the public ones for everybody, for ever?

The private key signs QR payloads and badges. It is the file CERTIFICATE_KEY_FILE names or, failing
that, follows from SECRET_KEY; it is never in the database. Whoever first asks for the key set after
a change of the key registers the new one, and from then on the one before it has an end. A key that
was stolen is distrusted: what it signed is then answered by the register alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from certificates import payload
from certificates.face import Face
from core import clock, db
from core.errors import Refusal
from core.settings import Settings, require_secret, settings
from people.audit import record


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key and how long its signatures count; `id` is eight hexadecimal digits."""

    id: str
    public_key: bytes
    registered_at: datetime
    ended_at: datetime | None
    distrusted_at: datetime | None


def own_key() -> Ed25519PrivateKey:
    """The private key of this platform, the same in every process of every machine."""
    return _read_key(settings())


def own_key_id() -> str:
    return payload.key_id(own_key().public_key()).hex()


def make_qr(face: Face) -> str:
    """What the QR of a certificate holds: its check address and, behind "#", the signed payload."""
    claim = payload.Claim(
        number=face.number,
        kind=face.kind,
        printed_name=face.printed_name,
        unit_name=face.unit_name,
        contest_title=face.contest_title,
        result=face.result,
        issued_on=face.issued_on,
    )
    return f"{face.check_url}#{payload.sign(claim, own_key())}"


async def published_keys() -> Sequence[PublishedKey]:
    """Every key that ever signed, the newest first; the own one is registered where it is new."""
    found = await _keys()
    if own_key_id() not in {each.id for each in found}:
        await _register(own_key().public_key())
        found = await _keys()
    return found


async def distrust_key(key: str, *, by: int | None) -> None:
    """Tell everybody that a key's signatures count for nothing any more; repeatable.

    Refuses "not_found", and "key_in_use" while it still signs: another key comes first.
    """
    if key == own_key_id():
        raise Refusal(
            "key_in_use",
            "Khóa này đang được dùng để ký. Hãy đặt khóa mới ở CERTIFICATE_KEY_FILE, khởi động lại, "
            "rồi mới thu hồi khóa cũ.",
        )
    async with db.transaction() as connection:
        found = await connection.fetchrow(
            "UPDATE certificate_key SET distrusted_at = coalesce(distrusted_at, $2), "
            "ended_at = coalesce(ended_at, $2) WHERE id = $1 RETURNING id",
            key,
            clock.now(),
        )
        if found is None:
            raise Refusal("not_found", f"Không có khóa mang mã “{key}”.")
        await record(
            connection, by=by, action="distrust_certificate_key", subject=f"certificate_key:{key}"
        )


def make_key_file(path: Path) -> str:
    """Write a new private key that only this account can read, and return its id."""
    made = Ed25519PrivateKey.generate()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refusal("bad_file", f"Không ghi được tệp {path}: {error.strerror}.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return payload.key_id(made.public_key()).hex()


def is_trusted(key: PublishedKey, issued_on: date) -> bool:
    """Whether a payload of that day, signed by this key, may be believed without the register."""
    if key.distrusted_at is not None:
        return False
    return key.ended_at is None or issued_on <= clock.local(key.ended_at).date()


@cache
def _read_key(chosen: Settings) -> Ed25519PrivateKey:
    if not chosen.certificate_key_file:
        derivation = HKDF(SHA256(), length=32, salt=None, info=b"hieu-so/certificate-key")
        seed = derivation.derive(require_secret(chosen).encode())
        return Ed25519PrivateKey.from_private_bytes(seed)
    path = Path(chosen.certificate_key_file)
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, TypeError, ValueError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise Refusal(
            "bad_setting",
            "CERTIFICATE_KEY_FILE không phải tệp khóa Ed25519 đọc được. Hãy tạo bằng lệnh "
            "`python -m web make-certificate-key TỆP`. / CERTIFICATE_KEY_FILE is no readable "
            "Ed25519 key in PEM.",
        )
    return found


async def _keys() -> list[PublishedKey]:
    rows = await db.pool().fetch(
        "SELECT id, public_key, registered_at, ended_at, distrusted_at FROM certificate_key "
        "ORDER BY registered_at DESC, id"
    )
    return [PublishedKey(**row) for row in rows]


async def _register(key: Ed25519PublicKey) -> None:
    made = PublishedKey(payload.key_id(key).hex(), key.public_bytes_raw(), clock.now(), None, None)
    async with db.transaction() as connection:
        # Processes of several machines may meet here; one of them ends the key before.
        is_new = await connection.fetchval(
            "INSERT INTO certificate_key (id, public_key, registered_at) VALUES ($1, $2, $3) "
            "ON CONFLICT (id) DO NOTHING RETURNING true",
            made.id,
            made.public_key,
            made.registered_at,
        )
        if not is_new:
            return
        await connection.execute(
            "UPDATE certificate_key SET ended_at = $2 WHERE id <> $1 AND ended_at IS NULL",
            made.id,
            made.registered_at,
        )
        await record(
            connection,
            by=None,
            action="register_certificate_key",
            subject=f"certificate_key:{made.id}",
            detail={"public_key": made.public_key.hex()},
        )
