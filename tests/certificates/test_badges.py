from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from certificates import badges
from certificates.badges import Awarded, Issuer
from certificates.payload import key_id
from tests.certificates.test_keys import FACE

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OFFICE = Issuer("https://thi.laichau.gov.vn", "Sở Khoa học và Công nghệ", KEY)
MAI = Awarded(200_000, "tim-hieu", FACE)
NOW = datetime.now(UTC).replace(microsecond=0)
DID_URL = "https://thi.laichau.gov.vn/.well-known/did.json"
LIST_URL = "https://thi.laichau.gov.vn/huy-hieu/trang-thai/1"


def published(
    revoked: set[int], at: datetime = NOW, key: Ed25519PrivateKey = KEY
) -> Callable[[str], bytes]:
    """What the platform serves; the list by whoever holds `key`."""
    old = Ed25519PrivateKey.generate().public_key()
    known = {key_id(each).hex(): each.public_bytes_raw() for each in (old, KEY.public_key())}
    served = {
        DID_URL: orjson.dumps(badges.did_document(OFFICE, known)),
        LIST_URL: badges.status_list(replace(OFFICE, key=key), 1, revoked, at).encode(),
    }
    return lambda url: served[url]


def verify(token: str, download: Callable[[str], bytes]) -> None:
    verifier = OB3Verifier.for_issuer_did(OFFICE.did, download=download)
    verifier.verify(token, check_status=True, download=download)


def test_an_independent_reader_finds_the_badge_good() -> None:
    verify(badges.credential(OFFICE, MAI), published(set()))
    verify(badges.credential(OFFICE, MAI), published({199_999, 200_001}))


def test_a_revoked_one_is_refused() -> None:
    with pytest.raises(OB3VerificationError, match="'revocation' is set"):
        verify(badges.credential(OFFICE, MAI), published({200_000}))


def test_an_old_copy_of_the_list_proves_nothing() -> None:
    with pytest.raises(OB3VerificationError):
        verify(badges.credential(OFFICE, MAI), published(set(), NOW - timedelta(days=3)))


def test_nobody_else_can_issue_or_say_what_is_revoked() -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(OB3VerificationError):
        verify(badges.credential(replace(OFFICE, key=other), MAI), published(set()))
    with pytest.raises(OB3VerificationError):
        verify(badges.credential(OFFICE, MAI), published(set(), key=other))


def test_the_badge_names_nobody_and_is_always_the_same() -> None:
    token = badges.credential(OFFICE, MAI)
    import base64  # noqa: PLC0415 — for this look inside alone

    body = base64.urlsafe_b64decode(token.split(".")[1] + "==").decode()
    assert FACE.printed_name not in body
    assert FACE.unit_name not in body
    assert token == badges.credential(OFFICE, MAI)
    subject = orjson.loads(body)["credentialSubject"]["identifier"][0]
    other = badges.credential(OFFICE, replace(MAI, certificate_id=200_001))
    assert subject["salt"] not in base64.urlsafe_b64decode(other.split(".")[1] + "==").decode()


def test_a_port_stands_in_the_did_as_the_standard_wants() -> None:
    local = Issuer("http://127.0.0.1:8000", "", KEY)
    assert local.did == "did:web:127.0.0.1%3A8000"


def test_validity_begins_on_the_day_of_issue_in_every_zone() -> None:
    token = badges.credential(OFFICE, replace(MAI, face=replace(FACE, issued_on=date(2026, 1, 1))))
    import base64  # noqa: PLC0415 — for this look inside alone

    body = orjson.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert body["validFrom"] == "2026-01-01T05:00:00Z"
