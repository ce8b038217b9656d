"""An office that signs: papers, keys, a token in software and a timestamp authority on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper

from certificates import signing
from core.settings import Settings

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")
PASSWORD = "1234"


@cache
def office_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate(name: str = "Ban Tổ chức", *, is_stamper: bool = False) -> x509.Certificate:
    """Self-signed, so the same certificate is also the authority that vouches for it."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sở Khoa học và Công nghệ"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(office_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=400))
        .not_valid_after(datetime.now(UTC) + timedelta(days=400))
        .add_extension(
            x509.KeyUsage(True, True, False, False, False, not is_stamper, False, False, False),
            critical=True,
        )
    )
    if is_stamper:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        made = made.add_extension(usage, critical=True)
    return made.sign(office_key(), hashes.SHA256())


def key_file(folder: Path) -> Path:
    path = folder / "office.p12"
    path.write_bytes(
        serialize_key_and_certificates(
            b"office", office_key(), certificate(), None, BestAvailableEncryption(PASSWORD.encode())
        )
    )
    return path


def with_key_file(folder: Path, **others: str) -> Settings:
    """The settings of an office that signs by a key file."""
    return Settings(signing_key_file=str(key_file(folder)), signing_password=PASSWORD, **others)


def trust_file(folder: Path) -> Path:
    path = folder / "trusted.pem"
    stamper = certificate("Cấp dấu thời gian", is_stamper=True)
    path.write_bytes(certificate().public_bytes(Encoding.PEM) + stamper.public_bytes(Encoding.PEM))
    return path


async def signed_outside(content: bytes, folder: Path) -> bytes:
    """The state's tool, as far as we can tell."""
    async with signing.open_office(with_key_file(folder)) as office:
        return await office.sign_pdf(content)


@contextmanager
def timestamp_authority(at: datetime) -> Iterator[str]:
    """RFC 3161 over HTTP, with a clock of its own."""
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(
            certificate("Cấp dấu thời gian", is_stamper=True).public_bytes(Encoding.DER)
        ),
        asn1_keys.PrivateKeyInfo.load(
            office_key().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        ),
        fixed_dt=at,
    )

    class Authority(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"]))
            answer = stamper.request_tsa_response(tsp.TimeStampReq.load(asked)).dump()
            self.send_response(200)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Authority)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A SoftHSM token with the office's key and certificate; returns the library's path."""
    library = next((each for each in LIBRARIES if Path(each).is_file()), None)
    if library is None or not shutil.which("softhsm2-util"):
        sentence = "No SoftHSM: apt-get install softhsm2"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    (folder / "tokens").mkdir()
    (folder / "softhsm.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm.conf"))
    key = office_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    label = ["--token", "so-khcn", "--label", "ban-to-chuc", "--id", "01"]
    begin = ["--init-token", "--free", "--label", "so-khcn", "--so-pin", PASSWORD]
    for asked in (
        [*begin, "--pin", PASSWORD],
        ["--import", str(folder / "key.pem"), *label, "--pin", PASSWORD],
    ):
        subprocess.run(["softhsm2-util", *asked], check=True, capture_output=True)
    _put_certificate(library)
    return library


def _put_certificate(library: str) -> None:
    import pkcs11  # noqa: PLC0415 — it reads SOFTHSM2_CONF when it opens the library
    from pkcs11.util.x509 import decode_x509_certificate  # noqa: PLC0415 — the same

    held = pkcs11.lib(library).get_token(token_label="so-khcn")
    with held.open(user_pin=PASSWORD, rw=True) as session:
        described = decode_x509_certificate(certificate().public_bytes(Encoding.DER))
        session.create_object(
            described
            | {
                pkcs11.Attribute.LABEL: "ban-to-chuc",
                pkcs11.Attribute.ID: b"\x01",
                pkcs11.Attribute.TOKEN: True,
            }
        )


@cache
def paper(name: str = "Lò Thị Mai") -> bytes:
    """A page of A4 with a line of text, written by pikepdf: quick, and whole."""
    from io import BytesIO  # noqa: PLC0415 — the same

    import pikepdf  # noqa: PLC0415 — half a second, and not every test needs it

    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(842, 595))
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
    )
    page = pdf.pages[0]
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    page.Contents = pdf.make_stream(
        f"BT /F1 24 Tf 100 300 Td ({name.encode('ascii', 'replace').decode()}) Tj ET".encode()
    )
    written = BytesIO()
    pdf.save(written, static_id=True)
    return written.getvalue()
