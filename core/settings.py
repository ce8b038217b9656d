"""Which environment variables does the platform read, and what do they mean?

Every setting is one field of `Settings`, with its README line in `help`; a test compares README's
table with this class. Values come from the environment first, then from a `.env` file.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import Refusal

SHORTEST_SECRET = 32  # characters; 256 bits when they are random
_BUCKET = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9](/[\w-][\w.-]*)*", re.ASCII)
# Empty for Amazon's; the port is one of 65,535.
_ENDPOINT = re.compile(
    r"(https?://([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])"
    r"(:(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?)?"
)
_REGION = re.compile("[a-z0-9-]+")


def _setting(default: object, help: str, *, is_secret: bool = False) -> Any:  # noqa: A002 — reads as the word it is; Any: dataclass fields take their own type
    """A secret one, or an address with a password in it, is left out where settings are printed."""
    return field(default=default, metadata={"help": help}, repr=not is_secret)


@dataclass(frozen=True)
class Settings:
    """All settings, typed; made once a process by `settings()`."""

    database_url: str = _setting(
        "",
        "PostgreSQL 15–18, `postgresql://user:password@host/name`; empty: the embedded one",
        is_secret=True,
    )
    database_pool_size: int = _setting(
        10, "connections that one web or worker process may hold for pages and jobs"
    )
    pgbouncer: bool = _setting(False, "1 when DATABASE_URL leads to PgBouncer in transaction mode")
    database_direct_url: str = _setting(
        "",
        "PostgreSQL itself, for migrations and backups, when DATABASE_URL leads to PgBouncer",
        is_secret=True,
    )
    replica_url: str = _setting(
        "",
        "a streaming replica that answers boards and statistics; away or 5 s behind, DATABASE_URL "
        "does",
        is_secret=True,
    )
    redis_url: str = _setting(
        "", "Valkey or Redis, `redis://…`; empty: the embedded one", is_secret=True
    )
    secret_key: str = _setting(
        "",
        "signs cookies and receipts, ≥ 32 characters; local mode keeps its own in LOCAL_DIR",
        is_secret=True,
    )
    public_url: str = _setting(
        "", "the address that people type, such as `https://thi.example.gov.vn`; empty: local"
    )
    host: str = _setting("127.0.0.1", "the address that the web process listens on")
    port: int = _setting(8000, "the port that the web process listens on")
    web_processes: int = _setting(
        1, "web processes that `run` starts on this machine; one more waits for one of them to fall"
    )
    local_dir: str = _setting(
        ".local", "where the embedded PostgreSQL, Valkey and the local secret live"
    )
    certificate_dir: str = _setting(
        "",
        "a folder for the PDF files of certificates, shared by all web and worker processes; empty: "
        "LOCAL_DIR/certificates",
    )
    certificate_bucket: str = _setting(
        "",
        "keeps these files in an S3-compatible bucket instead, `s3://name` or `s3://name/folder`; "
        "its key must be allowed to read, write, delete and list",
    )
    certificate_bucket_endpoint: str = _setting(
        "", "where the bucket's service is, such as `https://s3.example.vn`; empty: Amazon's"
    )
    certificate_bucket_region: str = _setting(
        "us-east-1", "the bucket's region; many services know only this name"
    )
    certificate_bucket_key: str = _setting("", "the access key of CERTIFICATE_BUCKET")
    certificate_bucket_secret: str = _setting("", "the secret of this access key", is_secret=True)
    demo: bool | None = _setting(
        None,
        "1: demonstration province, accounts with known passwords, code 000000; refused unless "
        "HOST and PUBLIC_URL are loopback; default 1 with embedded servers, 0 otherwise",
    )
    drain_seconds: int = _setting(
        0,
        "seconds that a web process which is told to stop still serves while `/readyz` says 503, "
        "so that a proxy looks elsewhere first",
    )
    log_level: str = _setting("info", "debug, info, warning or error")
    trusted_proxies: str = _setting(
        "", "addresses, separated by commas, whose X-Forwarded-For is believed"
    )
    site_province: str = _setting("Lai Châu", "the province's name, shown in the header")
    site_organiser: str = _setting(
        "Sở Khoa học và Công nghệ tỉnh Lai Châu", "the agency named at the foot of every page"
    )
    site_hotline: str = _setting("", "the support telephone number at the foot of every page")
    sign_in_codes_per_hour: int = _setting(
        5, "one-time codes that one telephone number may ask for in an hour"
    )
    sign_in_codes_per_day: int = _setting(
        20000, "one-time codes that the whole platform may send in a day (they cost money)"
    )
    certificate_key_file: str = _setting(
        "",
        "the Ed25519 key (PEM) that signs what certificates' QR codes say, the same on every "
        "machine; empty: one that follows from SECRET_KEY",
    )
    signing_key_file: str = _setting(
        "",
        "a PKCS#12 file with the office's key, which signs certificates (PAdES); empty: local mode "
        "makes one that nobody trusts",
    )
    signing_password: str = _setting(
        "", "opens SIGNING_KEY_FILE, or the token as its user PIN", is_secret=True
    )
    signing_token_library: str = _setting(
        "", "the PKCS#11 library of a token or HSM that signs instead of a file, a path"
    )
    signing_token: str = _setting("", "the token's label; empty: the first that is there")
    signing_token_key: str = _setting("", "the label of key and certificate on the token")
    signing_timestamp_url: str = _setting(
        "", "a timestamp authority (RFC 3161), which makes signatures PAdES B-T; empty: B-B"
    )
    signing_trust_file: str = _setting(
        "",
        "certificates (PEM) of the authorities whose signatures count on papers that are signed "
        "elsewhere; empty: every intact signature is taken, its signer shown",
    )
    rehearsal_url: str = _setting(
        "",
        "where a rehearsal's crowd knocks, such as `http://10.0.0.5:8000`; empty: HOST and PORT of "
        "the worker's own machine",
    )
    chromium: str = _setting("", "path of a Chromium for browser tests; empty: Debian's")

    @property
    def is_embedded(self) -> bool:
        return not (self.database_url and self.redis_url)

    @property
    def direct(self) -> Settings:
        """These settings past PgBouncer, for what needs a session that lasts."""
        if not self.database_direct_url:
            return self
        return replace(self, database_url=self.database_direct_url, pgbouncer=False)

    @property
    def has_signing_key(self) -> bool:
        """Whether there is a key to sign certificates with; on one machine one is made for trials."""
        return bool(
            self.signing_key_file or self.signing_token_library or self.is_embedded or self.is_demo
        )

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def base_url(self) -> str:
        """Where people reach the platform; on one machine without a name, its own address."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def is_demo(self) -> bool:
        return self.is_embedded if self.demo is None else self.demo

    @property
    def local_path(self) -> Path:
        return Path(self.local_dir).resolve()


def variable_name(name: str) -> str:
    return name.upper()


def read(environment: Mapping[str, str]) -> Settings:
    """Read and check all settings; a malformed one is refused with its name and the reason."""
    values: dict[str, object] = {}
    for entry in fields(Settings):
        text = environment.get(variable_name(entry.name), "").strip()
        if text:
            values[entry.name] = _parse(variable_name(entry.name), text, str(entry.type))
    result = Settings(**values)  # type: ignore[arg-type]  # _parse returns what the field's type asks
    _check(result)
    return result


@cache
def settings() -> Settings:
    return read({**_dotenv(Path(".env")), **os.environ})


def require_secret(chosen: Settings) -> str:
    """The signing secret of a process that serves; local mode keeps one in LOCAL_DIR."""
    if chosen.secret_key:
        return chosen.secret_key
    kept = chosen.local_path / "secret_key"
    if chosen.is_embedded and kept.is_file():
        return kept.read_text(encoding="ascii").strip()
    raise Refusal(
        "missing_secret",
        "Thiếu SECRET_KEY. Hãy đặt một chuỗi ngẫu nhiên từ 32 ký tự trở lên, giống nhau trên mọi "
        "máy chủ. / SECRET_KEY is missing: set a random string of 32 characters or more, the same "
        "on every server.",
    )


def _parse(name: str, text: str, kind: str) -> object:
    if kind.startswith("bool"):
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise Refusal("bad_setting", f"{name} must be 1 or 0, not {text!r}.")
    if kind == "int":
        if not text.isascii() or not text.isdigit():
            raise Refusal("bad_setting", f"{name} must be a whole number, not {text!r}.")
        return int(text)
    return text


def _check(chosen: Settings) -> None:
    if chosen.secret_key and len(chosen.secret_key) < SHORTEST_SECRET:
        raise Refusal("bad_setting", f"SECRET_KEY must have at least {SHORTEST_SECRET} characters.")
    for name in ("database_url", "database_direct_url", "replica_url"):
        url: str = getattr(chosen, name)
        if url and urlsplit(url).scheme not in {"postgres", "postgresql"}:
            raise Refusal("bad_setting", f"{variable_name(name)} must start with postgresql://.")
    if chosen.redis_url and urlsplit(chosen.redis_url).scheme not in {"redis", "rediss", "unix"}:
        raise Refusal("bad_setting", "REDIS_URL must start with redis://, rediss:// or unix://.")
    if bool(chosen.database_url) != bool(chosen.redis_url):
        raise Refusal(
            "bad_setting",
            "DATABASE_URL and REDIS_URL go together: set both for your own servers, or neither "
            "for the embedded ones.",
        )
    if chosen.public_url and urlsplit(chosen.public_url).scheme not in {"http", "https"}:
        raise Refusal("bad_setting", "PUBLIC_URL must start with https:// (or http://).")
    if chosen.rehearsal_url and urlsplit(chosen.rehearsal_url).scheme != "http":
        raise Refusal("bad_setting", "REHEARSAL_URL must start with http:// (an inner address).")
    _check_bucket(chosen)
    if chosen.is_demo and not (
        is_loopback(chosen.host)
        and (not chosen.public_url or is_loopback(urlsplit(chosen.public_url).hostname or ""))
    ):
        raise Refusal(
            "demo_in_public",
            "DEMO=1 gives everybody known passwords, so it runs only on this machine: set DEMO=0, "
            "or HOST and PUBLIC_URL to a loopback address.",
        )


def _check_bucket(chosen: Settings) -> None:
    if not chosen.certificate_bucket:
        return
    # Checked to the letter: what the bucket's library cannot read it would stumble over much later.
    for name, form, example in (
        ("certificate_bucket", _BUCKET, "s3://name or s3://name/folder"),
        (
            "certificate_bucket_endpoint",
            _ENDPOINT,
            "https://s3.example.vn or https://10.0.0.9:9000",
        ),
        ("certificate_bucket_region", _REGION, "us-east-1 or another region's name"),
    ):
        if not form.fullmatch(getattr(chosen, name)):
            raise Refusal("bad_setting", f"{variable_name(name)} must be like {example}.")
    if chosen.certificate_dir:
        raise Refusal(
            "bad_setting",
            "CERTIFICATE_DIR and CERTIFICATE_BUCKET are two places for the same files: set one.",
        )
    if not (chosen.certificate_bucket_key and chosen.certificate_bucket_secret):
        raise Refusal(
            "bad_setting",
            "CERTIFICATE_BUCKET needs CERTIFICATE_BUCKET_KEY and CERTIFICATE_BUCKET_SECRET.",
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, found, value = line.strip().partition("=")
        if found and not name.startswith("#"):
            pairs[name.removeprefix("export ").strip()] = value.strip().strip("\"'")
    return pairs
