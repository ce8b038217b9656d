"""The province and the cast that the tests of people/ share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest

from core import clock
from core.settings import settings
from people.consents import publish_first_texts
from people.unit_writing import load_province
from tests.people.cast import NOW


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A signing secret, as every process that serves has one."""
    monkeypatch.setenv("SECRET_KEY", "a secret of the tests, long enough")
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
async def province(clean: None) -> AsyncIterator[None]:
    """Lai Châu with its 38 communes, the words of consent, and the clock standing still."""
    clock.freeze(NOW)
    await load_province(12, on=date(2025, 7, 1))
    await publish_first_texts()
    yield
    clock.freeze(None)
