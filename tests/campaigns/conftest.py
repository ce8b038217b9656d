"""An outbox of its own for each test of campaigns/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import settings


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Local mode without the demonstration, so that codes are really drawn."""
    monkeypatch.setenv("SECRET_KEY", "a secret of the tests, long enough")
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("DEMO", "0")
    settings.cache_clear()
    yield tmp_path / "outbox.jsonl"
    settings.cache_clear()
