from __future__ import annotations

import asyncio
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from certificates import keys, payload
from certificates.face import Face
from core import clock, db
from core.errors import Refusal
from core.settings import settings

NOW = datetime(2026, 10, 20, 3, 0, tzinfo=UTC)
FACE = Face(
    number="00123/2026/GCN-BTC", kind="participation", superior="", issuer="BAN TỔ CHỨC",
    title="GIẤY CHỨNG NHẬN", printed_name="Lò Thị Mai", unit_name="Xã Mường Tè",
    statement="đã hoàn thành bài thi của", contest_title="Tìm hiểu chuyển đổi số", result="",
    place="Lai Châu", issued_on=date(2026, 10, 20), authority="", signer_title="TRƯỞNG BAN",
    signer_name="Giàng A Páo", check_url="https://a/chung-nhan/00123-2026-GCN-BTC?ma=X", qr="",
)  # fmt: skip


def change_key(monkeypatch: pytest.MonkeyPatch, path: Path) -> str:
    made = keys.make_key_file(path)
    monkeypatch.setenv("CERTIFICATE_KEY_FILE", str(path))
    settings.cache_clear()
    return made


async def test_the_first_to_ask_registers_the_key_once(clean: None) -> None:
    found = await asyncio.gather(*(keys.published_keys() for _ in range(8)))
    assert {tuple(each.id for each in those) for those in found} == {(keys.own_key_id(),)}
    assert await db.pool().fetchval("SELECT count(*) FROM audit_entry") == 1


async def test_a_published_key_vouches_for_what_the_qr_says(clean: None) -> None:
    address, _, signed = keys.make_qr(FACE).partition("#")
    assert address == FACE.check_url
    [key] = await keys.published_keys()
    public = {bytes.fromhex(key.id): keys.own_key().public_key()}
    assert payload.verify(signed, FACE.number, public).printed_name == "Lò Thị Mai"
    assert keys.is_trusted(key, FACE.issued_on)


async def test_an_old_key_vouches_for_old_days_only(
    clean: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock.freeze(NOW)
    old = keys.own_key_id()
    await keys.published_keys()
    clock.freeze(NOW + timedelta(days=30))
    made = change_key(monkeypatch, tmp_path / "key.pem")
    new_one, old_one = await keys.published_keys()
    assert (new_one.id, old_one.id) == (made, old)
    assert keys.is_trusted(old_one, date(2026, 11, 19))
    assert not keys.is_trusted(old_one, date(2026, 11, 20))
    assert new_one.ended_at is None


async def test_a_stolen_key_vouches_for_nothing(
    clean: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = keys.own_key_id()
    await keys.published_keys()
    with pytest.raises(Refusal, match="key_in_use"):
        await keys.distrust_key(old, by=None)
    change_key(monkeypatch, tmp_path / "key.pem")
    await keys.published_keys()
    await keys.distrust_key(old, by=None)
    await keys.distrust_key(old, by=None)
    _, old_one = await keys.published_keys()
    assert not keys.is_trusted(old_one, date(2026, 10, 20))
    with pytest.raises(Refusal, match="not_found"):
        await keys.distrust_key("00000000", by=None)


def test_a_key_file_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    keys.make_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Refusal):
        keys.make_key_file(path)


def test_a_file_that_is_no_key_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_text("a shopping list")
    monkeypatch.setenv("CERTIFICATE_KEY_FILE", str(path))
    settings.cache_clear()
    with pytest.raises(Refusal, match="CERTIFICATE_KEY_FILE"):
        keys.own_key()
