"""Which jobs does this floor give the worker? Each may run twice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from campaigns.sign_in_codes import deliver_code, deliver_waiting_codes
from people.codes import purge_codes

# What the worker hands to a job; `job_try` counts from 1.
Context = dict[str, Any]


async def send_code(ctx: Context, code_id: str) -> None:
    await deliver_code(UUID(code_id), is_repeat=ctx.get("job_try", 1) > 1)


async def send_waiting_codes(_ctx: Context) -> None:
    await deliver_waiting_codes()


async def purge_sign_in_codes(_ctx: Context) -> None:
    await purge_codes()
