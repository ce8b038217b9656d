"""What does a certificate look like in a digital wallet: Open Badges 3.0, W3C Verifiable Credential?

A credential is a VC-JWT signed with the key that signs QR codes (EdDSA). Its issuer is the platform's
did:web, whose document lists every key; whether it was revoked stands in a Bitstring Status List, a
signed list of bits, in which a certificate's place is its own number in the table. Nothing here is
about anybody but the credential itself, which its holder gets, and that names nobody: the printed
name is in it as a salted hash, so whoever is told the name can compare it.
"""

from __future__ import annotations

import base64
import gzip
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certificates.face import Face
from certificates.numbers import url_form
from certificates.owed import KINDS
from certificates.payload import key_id

CONTEXTS = [
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
]
LIST_BITS = 131_072  # the smallest that the standard allows, so that nobody stands out
LIST_LIVES = timedelta(days=1)  # an older copy proves nothing
LIST_SECONDS = 300
NOON = time(5, tzinfo=UTC)  # in Lai Châu: the day is the same in every zone that matters
PLACE = "/huy-hieu"
CRITERIA = {
    "participation": "Dự thi và hoàn thành ít nhất một bài thi theo thể lệ.",
    "pass": "Đạt số điểm mà thể lệ yêu cầu.",
    "prize": "Được trao giải theo kết quả chính thức đã công bố.",
    "unit_prize": "Đơn vị được trao giải tập thể theo kết quả chính thức đã công bố.",
}


@dataclass(frozen=True, slots=True)
class Awarded:
    """A certificate as far as its credential speaks of it."""

    certificate_id: int
    contest_slug: str
    face: Face


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues: the platform's address, the agency's name, the key."""

    base_url: str
    name: str
    key: Ed25519PrivateKey

    @property
    def did(self) -> str:
        """did:web has the host alone; the colon of a port is written %3A."""
        return f"did:web:{quote(urlsplit(self.base_url).netloc, safe='.')}"

    @property
    def method(self) -> str:
        return f"{self.did}#{key_id(self.key.public_key()).hex()}"

    def address(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}{PLACE}/{path}"


def credential(issuer: Issuer, awarded: Awarded) -> str:
    """The signed credential; the same bytes however often it is asked for."""
    face = awarded.face
    issued_at = datetime.combine(face.issued_on, NOON)
    list_number, index = divmod(awarded.certificate_id, LIST_BITS)
    list_url = issuer.address(f"trang-thai/{list_number}")
    body = {
        "@context": CONTEXTS,
        "id": f"{issuer.base_url.rstrip('/')}/chung-nhan/{quote(url_form(face.number))}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": f"{KINDS[face.kind]}: {face.contest_title}",
        "issuer": profile(issuer),
        "validFrom": _instant(issued_at),
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "identifier": [_identity(issuer, awarded)],
            "achievement": achievement(issuer, awarded.contest_slug, face.kind, face.contest_title),
        },
        "credentialStatus": {
            "id": f"{list_url}#{index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(index),
            "statusListCredential": list_url,
        },
    }
    return _signed(issuer, body, issued_at)


def achievement(issuer: Issuer, slug: str, kind: str, contest_title: str) -> dict[str, Any]:
    """What is achieved, for everybody to read."""
    return {
        "id": issuer.address(f"{slug}/{kind}"),
        "type": ["Achievement"],
        "achievementType": "Certificate",
        "inLanguage": "vi",
        "name": f"{KINDS[kind]}: {contest_title}",
        "description": f"{KINDS[kind]} của {contest_title}.",
        "criteria": {"narrative": CRITERIA[kind]},
    }


def profile(issuer: Issuer) -> dict[str, Any]:
    return {
        "id": issuer.did,
        "type": ["Profile"],
        "name": issuer.name,
        "url": issuer.base_url,
    }


def did_document(issuer: Issuer, keys: Mapping[str, bytes]) -> dict[str, Any]:
    """The issuer with its keys by id, those first that sign now; distrusted ones are left out."""
    own = key_id(issuer.key.public_key()).hex()
    ordered = sorted(keys, key=lambda each: each != own)
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
        "id": issuer.did,
        "verificationMethod": [
            {
                "id": f"{issuer.did}#{each}",
                "type": "JsonWebKey",
                "controller": issuer.did,
                "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": _base64(keys[each])},
            }
            for each in ordered
        ],
        "assertionMethod": [f"{issuer.did}#{each}" for each in ordered],
    }


def status_list(issuer: Issuer, number: int, revoked_ids: Iterable[int], at: datetime) -> str:
    """The signed list of a stretch of certificates: a bit is set where one counts no more."""
    bits = bytearray(LIST_BITS // 8)
    for certificate_id in revoked_ids:
        index = certificate_id - number * LIST_BITS
        bits[index // 8] |= 0x80 >> index % 8
    url = issuer.address(f"trang-thai/{number}")
    body = {
        "@context": CONTEXTS[:1],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.did,
        "validFrom": _instant(at),
        "validUntil": _instant(at + LIST_LIVES),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "ttl": LIST_SECONDS * 1000,
            "encodedList": "u" + _base64(gzip.compress(bytes(bits), 9, mtime=0)),
        },
    }
    return _signed(issuer, body, at)


def _identity(issuer: Issuer, awarded: Awarded) -> dict[str, Any]:
    """The printed name as a hash; the salt follows from the key, so that it is the same each time."""
    subject = f"hieu-so/huy-hieu/{awarded.certificate_id}".encode()
    salt = hmac.new(issuer.key.private_bytes_raw(), subject, sha256).hexdigest()[:32]
    hashed = sha256((awarded.face.printed_name + salt).encode()).hexdigest()
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${hashed}",
        "identityType": "name",
        "salt": salt,
    }


def _signed(issuer: Issuer, body: Mapping[str, Any], at: datetime) -> str:
    head = {"alg": "EdDSA", "typ": "JWT", "kid": issuer.method}
    claims = {**body, "iss": issuer.did, "jti": body["id"], "nbf": int(at.timestamp())}
    signed = f"{_base64(orjson.dumps(head))}.{_base64(orjson.dumps(claims))}"
    return f"{signed}.{_base64(issuer.key.sign(signed.encode()))}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
