"""A process that draws may hang, crash or eat memory; only its own request suffers."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from core.errors import Refusal
from core.killable import KillablePool, Limits, serve

LIMITS = Limits(seconds=1.0, memory_bytes=600_000_000, requests=3, idle_seconds=0.2)


def answer(request: bytes) -> bytes:
    word, _, rest = request.partition(b" ")
    match word:
        case b"hang":
            time.sleep(60)
        case b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case b"raise":
            raise ValueError(rest)
        case b"eat":
            return bytes(1_000_000_000)
        case b"refuse":
            raise Refusal("too_long", "Dài quá.", fields={"name": "Dài quá."})
        case b"print":
            print("a library talks", flush=True)  # noqa: T201 — that is what is tested
    return str(os.getpid()).encode()


@pytest.fixture
async def pool() -> AsyncIterator[KillablePool]:
    made = KillablePool("tests.core.test_killable", 2, LIMITS)
    await made.ask(b"hello")
    yield made
    await made.close()


@pytest.mark.parametrize("deed", [b"hang", b"crash", b"raise x", b"eat"])
async def test_what_goes_wrong_refuses_one_request_and_the_next_is_served(
    pool: KillablePool, deed: bytes
) -> None:
    with pytest.raises(Refusal, match="no_pdf"):
        await pool.ask(deed)
    assert await pool.ask(b"hello")


async def test_a_refusal_and_what_a_library_prints_break_nothing(pool: KillablePool) -> None:
    first = await pool.ask(b"print")
    with pytest.raises(Refusal, match="too_long") as refused:
        await pool.ask(b"refuse")
    assert refused.value.fields == {"name": "Dài quá."}
    assert first.isdigit()


async def test_a_process_is_renewed_after_its_share_and_ended_when_idle(pool: KillablePool) -> None:
    processes = [int(await pool.ask(b"hello")) for _ in range(5)]
    assert len(set(processes)) == 2
    for _ in range(50):
        await asyncio.sleep(0.1)
        if not os.path.exists(f"/proc/{processes[-1]}/fd/0"):  # noqa: PTH110, ASYNC240 — a look at /proc
            break
    else:
        pytest.fail("an idle process stayed")


async def test_two_requests_run_at_once_and_a_third_waits(pool: KillablePool) -> None:
    answers = await asyncio.gather(*(pool.ask(b"hello") for _ in range(6)))
    assert 2 <= len(set(answers)) <= 4


if __name__ == "__main__":
    serve(answer)
