"""How does a one-time code get from the table to a telephone?"""

from __future__ import annotations

from uuid import UUID

from campaigns.channels import console
from campaigns.channels.outcome import Outcome
from core.settings import settings
from people.codes import draw_code, put_back_code, refuse_code, waiting_codes


async def deliver_code(code_id: UUID, *, is_repeat: bool = False) -> None:
    """Draw a code, whose hash is then durable, and send it; nothing when it is not wanted any more.

    An unknown outcome is left as it is: the person asks for another code within the cool-down,
    which costs less than every doubtful code sent twice.
    """
    drawn = await draw_code(code_id, demo=settings().is_demo, is_repeat=is_repeat)
    if drawn is None:
        return
    phone, code = drawn
    outcome = await console.send(phone, f"Mã của bạn là {code}", str(code_id))
    if outcome is Outcome.REFUSED:
        await refuse_code(code_id)
    elif outcome is Outcome.TRY_LATER:
        await put_back_code(code_id)


async def deliver_waiting_codes() -> None:
    """Send every code that nobody rang for."""
    for code_id in await waiting_codes():
        await deliver_code(code_id)
