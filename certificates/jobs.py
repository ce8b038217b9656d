"""Which certificate jobs does the worker run? Each looks at the tables and may run twice."""

from __future__ import annotations

from typing import Any

from certificates import issuing

Context = dict[str, Any]


async def issue_certificates(_context: Context, batch_id: int | None = None) -> int:
    """Issue one approved list, or whatever the sweep finds approved and unfinished."""
    if batch_id is None:
        return await issuing.issue_waiting()
    return await issuing.issue_batch(batch_id)
