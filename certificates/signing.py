"""How does a paper get the office's digital signature (PAdES), by a key file or a token?

B-B, or B-T where a timestamp authority is set. The key is a PKCS#12 file, or lives in a token or
HSM behind PKCS#11 and never leaves it. Signing appends to the file: what was printed stays as it
was, byte by byte. The key is opened once a process and kept: opening it takes longer than signing.
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, load_der_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID
from pyhanko.config.pkcs11 import TokenCriteria
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session
from pyhanko.sign.timestamps import HTTPTimeStamper

from certificates.signature_mark import HEIGHT, MARGIN, WIDTH, MarkStyle
from core import clock
from core.errors import Refusal
from core.killable import serve
from core.settings import Settings, settings

FIELD = "ChuKySo"
DIGEST = "sha256"
LOCAL_KEY = "signing.p12"
LOCAL_NAME = "Khóa thử của hệ thống chạy tại chỗ"
LOCAL_LIFE = timedelta(days=3650)
TIMESTAMP_SECONDS = 10
_CONTENTS = re.compile(rb"/Contents <([0-9a-fA-F]+)>")
_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


class SignerWithOpenKey(signers.SimpleSigner):
    """pyHanko's signer by a key in memory, which would parse and prove the key for every paper."""

    def __init__(self, read: signers.SimpleSigner) -> None:
        super().__init__(read.signing_cert, read.signing_key, read.cert_registry)
        self._kept = load_der_private_key(read.signing_key.dump(), password=None)

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        digest = _HASHES[digest_algorithm]
        if isinstance(self._kept, rsa.RSAPrivateKey):
            return self._kept.sign(data, padding.PKCS1v15(), digest)
        assert isinstance(self._kept, ec.EllipticCurvePrivateKey)  # as `_from_file` lets in
        return self._kept.sign(data, ec.ECDSA(digest))


class PaperWriter(IncrementalPdfFileWriter):
    """Appends to a paper and leaves what it says of itself alone: pyHanko would write its metadata
    anew, in a form that is no PDF/A any more.
    """

    def _update_meta(self) -> None:
        """Nothing: the paper was made when it was made."""


@dataclass(frozen=True)
class Mark:
    """Who the visible mark says has signed, beneath each other."""

    name: str
    agency: str = ""

    def lines(self, at: datetime) -> tuple[str, ...]:
        """The annex wants the time as ISO 8601 has it, with the zone, day first."""
        local = clock.local(at)
        zone = local.strftime("%z")
        when = f"{local:%d-%m-%Y %H:%M:%S} {zone[:3]}:{zone[3:]}"
        names = [f"Ký bởi: {self.name}", *([f"Cơ quan: {self.agency}"] if self.agency else [])]
        return (*names, f"Thời gian ký: {when}")


class Office:
    """The office's signing hand: the open key, the timestamp authority, the mark."""

    def __init__(self, signer: signers.Signer, timestamp_url: str = "") -> None:
        self._signer = signer
        self._timestamp_url = timestamp_url
        self._stamper: HTTPTimeStamper | None = None
        self._reserved: int | None = None
        self._closing = AsyncExitStack()
        self.mark = _mark_of(signer)

    async def __aenter__(self) -> Self:
        if self._timestamp_url:
            stamper = HTTPTimeStamper(self._timestamp_url, timeout=TIMESTAMP_SECONDS)
            self._stamper = stamper
            self._closing.push_async_callback(_close_stamper, stamper)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._closing.aclose()

    async def sign_pdf(self, content: bytes, *, location: str = "") -> bytes:
        """The paper with a signature over all of it, and a mark in its upper right corner.

        Refuses "not_signed" when the token or the timestamp authority does not answer.
        """
        writer = PaperWriter(BytesIO(content))
        signer = signers.PdfSigner(
            signers.PdfSignatureMetadata(
                field_name=FIELD,
                md_algorithm=DIGEST,
                subfilter=fields.SigSeedSubFilter.PADES,
                location=location or None,
            ),
            self._signer,
            timestamper=self._stamper,
            stamp_style=MarkStyle(border_width=0),
            new_field_spec=fields.SigFieldSpec(
                FIELD,
                on_page=0,
                box=_corner(writer),
                readable_field_name="Chữ ký số của cơ quan cấp giấy",
            ),
        )
        signed = BytesIO()
        try:
            await signer.async_sign_pdf(
                writer,
                output=signed,
                # pyHanko would sign each paper twice, to learn how long a signature is.
                bytes_reserved=self._reserved,
                appearance_text_params={"lines": self.mark.lines(clock.now())},
            )
        except Exception as error:
            raise Refusal(
                "not_signed",
                "Chưa ký được: khóa ký hoặc máy chủ cấp dấu thời gian không trả lời. Hãy thử lại, "
                "hoặc báo người quản trị hệ thống.",
                reason=type(error).__name__,
            ) from error
        made = signed.getvalue()
        if self._reserved is None:
            self._reserved = len(_CONTENTS.findall(made)[-1])
        return made


def open_office(chosen: Settings) -> Office:
    """The office's hand by the settings; local mode makes a key that nobody trusts.

    Refuses "no_signing_key" where none is set, "bad_signing_key" where it does not open.
    """
    try:
        if chosen.signing_token_library:
            signer = _from_token(chosen)
        else:
            signer = _from_file(_key_file(chosen), chosen.signing_password)
    except (OSError, ValueError, pkcs11.PKCS11Error, LookupError) as error:
        raise Refusal(
            "bad_signing_key",
            "Không mở được khóa ký. Hãy xem lại SIGNING_KEY_FILE, SIGNING_PASSWORD và các biến "
            "SIGNING_TOKEN. / The signing key does not open.",
            reason=type(error).__name__,
        ) from error
    return Office(signer, chosen.signing_timestamp_url)


def _key_file(chosen: Settings) -> Path:
    if chosen.signing_key_file:
        return Path(chosen.signing_key_file)
    if not chosen.has_signing_key:
        raise Refusal(
            "no_signing_key",
            "Chưa có khóa ký số. Hãy đặt SIGNING_KEY_FILE, hoặc ký ở ngoài rồi tải lên.",
        )
    path = chosen.local_path / LOCAL_KEY
    if not path.is_file():
        make_key_file(path, LOCAL_NAME)
    return path


def make_key_file(path: Path, name: str) -> None:
    """A self-made key with its certificate, for trying out: nobody outside trusts it."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    at = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(minutes=5))
        .not_valid_after(at + LOCAL_LIFE)
        .add_extension(_for_signing(), critical=True)
        .sign(key, hashes.SHA256())
    )
    content = serialize_key_and_certificates(b"hieu-so", key, certificate, None, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and moved, so that two processes that start together end up with one key.
    made = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()


def _for_signing() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _from_file(path: Path, password: str) -> signers.Signer:
    found = signers.SimpleSigner.load_pkcs12_data(
        path.read_bytes(), other_certs=[], passphrase=password.encode() or None
    )
    if found is None or found.signing_key.algorithm not in {"rsa", "ec"}:
        raise ValueError("no PKCS#12 file with an RSA or EC key")
    return SignerWithOpenKey(found)


def _from_token(chosen: Settings) -> signers.Signer:
    session = open_pkcs11_session(
        chosen.signing_token_library,
        token_criteria=TokenCriteria(label=chosen.signing_token or None),
        user_pin=chosen.signing_password or None,
    )
    label = chosen.signing_token_key or None
    signer = PKCS11Signer(session, cert_label=label, key_label=label)
    if signer.signing_cert is None:
        raise ValueError("no certificate on the token")
    return signer


def _mark_of(signer: signers.Signer) -> Mark:
    assert signer.signing_cert is not None  # as both ways to open it made sure
    subject: dict[str, Any] = signer.signing_cert.subject.native
    name = subject.get("common_name") or subject.get("organization_name") or "?"
    agency = subject.get("organization_name") or ""
    return Mark(_first(name), _first(agency) if agency != name else "")


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _corner(writer: IncrementalPdfFileWriter) -> tuple[int, int, int, int]:
    page = writer.prev.root["/Pages"]["/Kids"][0]
    while "/Kids" in page:
        page = page["/Kids"][0]
    box = page.get("/MediaBox") or page["/Parent"]["/MediaBox"]
    right, top = float(box[2]) - MARGIN, float(box[3]) - MARGIN
    return tuple(map(round, (right - WIDTH, top - HEIGHT, right, top)))  # type: ignore[return-value]  # four of them


async def _close_stamper(stamper: HTTPTimeStamper) -> None:
    close = getattr(stamper, "async_close", None) or getattr(stamper, "close", None)
    if close is not None:
        await close()


_opened: list[Office] = []


def answer(content: bytes) -> bytes:
    """Sign a paper in the process that signs for a worker; the key is opened with the first one."""
    if not _opened:
        _opened.append(open_office(settings()))
    return asyncio.run(_sign_with(_opened[0], content))


async def _sign_with(office: Office, content: bytes) -> bytes:
    async with office:
        return await office.sign_pdf(content)


if __name__ == "__main__":
    serve(answer)
