"""The instant at which the tests of people/ happen."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)  # Monday, 09:00 in Lai Châu
