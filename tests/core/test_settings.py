from __future__ import annotations

from pathlib import Path

import pytest

from core import settings
from core.errors import Refusal

OWN_SERVERS = {
    "DATABASE_URL": "postgresql://u:p@db/hieuso",
    "REDIS_URL": "redis://valkey/0",
}
BUCKET = {
    "CERTIFICATE_BUCKET": "s3://papers/2026",
    "CERTIFICATE_BUCKET_KEY": "key",
    "CERTIFICATE_BUCKET_SECRET": "hidden-bucket",
}


@pytest.mark.parametrize(
    "endpoint",
    ["", "https://s3.example.vn", "http://10.0.0.9:9000", "http://minio:9000", "https://[::1]:443"],
)
def test_a_bucket_may_be_anywhere(endpoint: str) -> None:
    chosen = settings.read(BUCKET | {"CERTIFICATE_BUCKET_ENDPOINT": endpoint})
    assert chosen.certificate_bucket == "s3://papers/2026"


def test_no_secret_is_printed_with_the_settings() -> None:
    environment = {
        "DATABASE_URL": "postgresql://u:hidden-db@db/x",
        "DATABASE_DIRECT_URL": "postgresql://u:hidden-direct@db/x",
        "REPLICA_URL": "postgresql://u:hidden-replica@db/x",
        "REDIS_URL": "redis://:hidden-queue@valkey/0",
        "SECRET_KEY": "hidden" * 8,
        "SIGNING_PASSWORD": "hidden-pin",
    }
    printed = repr(settings.read(BUCKET | environment))
    assert "s3://papers/2026" in printed
    assert "hidden" not in printed


def test_without_any_setting_the_embedded_servers_run_with_the_demonstration() -> None:
    chosen = settings.read({})
    assert chosen.is_embedded
    assert chosen.is_demo
    assert not chosen.is_https


def test_own_servers_come_without_the_demonstration() -> None:
    chosen = settings.read(OWN_SERVERS)
    assert not chosen.is_embedded
    assert not chosen.is_demo


@pytest.mark.parametrize(
    "environment",
    [
        {"PORT": "eighty"},
        {"PORT": "-1"},
        {"DEMO": "maybe"},
        {"SECRET_KEY": "short"},
        {"DATABASE_URL": "mysql://db/x", "REDIS_URL": "redis://valkey"},
        {"DATABASE_URL": "postgresql://db/x"},
        {"REDIS_URL": "redis://valkey"},
        OWN_SERVERS | {"REDIS_URL": "http://valkey"},
        {"PUBLIC_URL": "thi.example.gov.vn"},
        BUCKET | {"CERTIFICATE_BUCKET": "papers"},
        BUCKET | {"CERTIFICATE_BUCKET": "s3://"},
        BUCKET | {"CERTIFICATE_BUCKET": "s3://papers/../x"},
        BUCKET | {"CERTIFICATE_BUCKET": "s3://papers/a//b"},
        BUCKET | {"CERTIFICATE_BUCKET_ENDPOINT": "s3.example.vn"},
        BUCKET | {"CERTIFICATE_BUCKET_ENDPOINT": "https://"},
        BUCKET | {"CERTIFICATE_BUCKET_ENDPOINT": "https://s3.example.vn:99999"},
        BUCKET | {"CERTIFICATE_BUCKET_ENDPOINT": "https://bad host"},
        BUCKET | {"CERTIFICATE_BUCKET_REGION": "Hà Nội"},
        BUCKET | {"CERTIFICATE_DIR": "/srv/papers"},
        {"CERTIFICATE_BUCKET": "s3://papers", "CERTIFICATE_BUCKET_KEY": "key"},
    ],
)
def test_a_malformed_setting_is_refused_loudly(environment: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        settings.read(environment)
    assert refused.value.code == "bad_setting"


@pytest.mark.parametrize(
    "environment",
    [
        {"DEMO": "1", "HOST": "0.0.0.0"},  # noqa: S104 — what must be refused
        {"DEMO": "1", "PUBLIC_URL": "https://thi.example.gov.vn"},
        OWN_SERVERS | {"DEMO": "1", "HOST": "10.0.0.5"},
    ],
)
def test_known_passwords_are_never_offered_beyond_this_machine(
    environment: dict[str, str],
) -> None:
    with pytest.raises(Refusal) as refused:
        settings.read(environment)
    assert refused.value.code == "demo_in_public"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_the_demonstration_runs_on_loopback(host: str) -> None:
    assert settings.read({"DEMO": "1", "HOST": host}).is_demo


def test_a_server_without_a_secret_does_not_start() -> None:
    with pytest.raises(Refusal) as refused:
        settings.require_secret(settings.read(OWN_SERVERS))
    assert refused.value.code == "missing_secret"


def test_local_mode_keeps_its_secret_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("kept here\n", encoding="ascii")
    assert settings.require_secret(settings.read({"LOCAL_DIR": str(tmp_path)})) == "kept here"


def test_a_dotenv_file_may_quote_and_export(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nexport PORT='9000'\nSITE_PROVINCE=\"Lai Châu\"\n", encoding="utf-8")
    chosen = settings.read(settings._dotenv(file))
    assert (chosen.port, chosen.site_province) == (9000, "Lai Châu")
