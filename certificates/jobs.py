"""Which certificate jobs does the worker run? Each looks at the tables and may run twice."""

from __future__ import annotations

from typing import Any

from certificates import batch_signing, issuing, parcel_checks, printing

Context = dict[str, Any]


async def issue_certificates(_context: Context, batch_id: int | None = None) -> int:
    """Issue one approved list, or whatever the sweep finds approved and unfinished."""
    if batch_id is None:
        return await issuing.issue_waiting()
    return await issuing.issue_batch(batch_id)


async def render_certificates(_context: Context, batch_id: int | None = None) -> int:
    """Draw the papers of one list, or those of prizes that the sweep finds without one."""
    if batch_id is None:
        return await printing.render_waiting()
    return await printing.render_batch(batch_id)


async def sign_certificates(_context: Context) -> int:
    """Sign papers of the lists that wait for the office's signature."""
    return await batch_signing.sign_waiting()


async def check_parcels(_context: Context) -> int:
    """Look at papers that were signed elsewhere and sent back."""
    return await parcel_checks.check_waiting()


async def remove_papers(_context: Context) -> int:
    """Take the bytes of papers that were given up out of the store."""
    return await printing.remove_given_up()
