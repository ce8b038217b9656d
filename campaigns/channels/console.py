"""How does a code reach somebody who sits at this machine, where no provider is connected?"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson

from campaigns.channels.outcome import Outcome
from core.clock import now
from core.log import logger
from core.settings import settings
from core.text import phone_masked

OUTBOX = "outbox.jsonl"


async def send(phone: str, text: str, reference: str) -> Outcome:
    """Append the message to LOCAL_DIR/outbox.jsonl, which only this account may read.

    With the embedded servers the log tells the text too, for the person who has just typed
    `make run`; a server's log is read by more people than its codes are for, so there it does not.
    """
    chosen = settings()
    line = orjson.dumps(
        {"sent_at": now(), "phone": phone, "text": text, "reference": reference},
        option=orjson.OPT_APPEND_NEWLINE,
    )
    try:
        await asyncio.to_thread(_append, chosen.local_path / OUTBOX, line)
    except OSError as error:
        logger.exception("outbox_not_written", reason=type(error).__name__)
        return Outcome.TRY_LATER
    shown = {"text": text} if chosen.is_embedded else {}
    logger.info("message_in_outbox", to=phone_masked(phone), reference=reference, **shown)
    return Outcome.ACCEPTED


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, line)  # one write, so that lines of several processes do not mix
    finally:
        os.close(handle)
