"""A signing secret for every test of certificates/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import settings


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("SECRET_KEY", "a secret of the tests, long enough")
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()
