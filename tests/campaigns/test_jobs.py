from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from arq.connections import create_pool

from campaigns import jobs, sign_in_codes
from campaigns.channels.outcome import Outcome
from core import clock, db
from core.local import Addresses
from core.queue import close_queue, deserialize, redis_settings, serialize
from people.codes import ask_code, prove_code

NOW = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
MAI = "+84912345678"


@pytest.fixture(autouse=True)
def standing_clock(clean: None) -> None:
    clock.freeze(NOW)


async def ask() -> UUID:
    return await ask_code(phone=MAI, sign_up=None, asked_from="", per_number_per_hour=5, per_day=10)


def sent(outbox: Path) -> list[str]:
    if not outbox.exists():
        return []
    return [json.loads(line)["text"] for line in outbox.read_text(encoding="utf-8").splitlines()]


async def state() -> str:
    return str(await db.pool().fetchval("SELECT state FROM sign_in_code"))


async def test_asking_for_a_code_rings_for_the_job_that_sends_it(
    outbox: Path, queue: None, addresses: Addresses
) -> None:
    redis = await create_pool(
        redis_settings(addresses.redis_url), job_serializer=serialize, job_deserializer=deserialize
    )
    await redis.flushdb()
    code_id = await ask()
    await close_queue()
    (job,) = await redis.queued_jobs()
    await redis.aclose()
    assert (job.function, list(job.args)) == ("send_code", [str(code_id)])


async def test_the_code_in_the_outbox_is_the_one_that_proves_the_number(outbox: Path) -> None:
    code_id = await ask()
    await jobs.send_code({}, str(code_id))
    (text,) = sent(outbox)
    assert text.startswith("Mã của bạn là ")
    assert (await prove_code(code_id, text.rsplit(" ", 1)[1])).phone == MAI


async def test_a_code_that_two_jobs_go_for_is_sent_once(outbox: Path) -> None:
    code_id = await ask()
    clock.freeze(NOW + timedelta(seconds=10))
    await jobs.send_code({"job_try": 1}, str(code_id))
    await jobs.send_waiting_codes({})
    await jobs.send_code({"job_try": 1}, str(code_id))
    assert len(sent(outbox)) == 1


async def test_a_job_that_died_and_runs_again_sends_a_new_code_that_counts(outbox: Path) -> None:
    code_id = await ask()
    await jobs.send_code({"job_try": 1}, str(code_id))
    await jobs.send_code({"job_try": 2}, str(code_id))
    newest = sent(outbox)[1]
    assert (await prove_code(code_id, newest.rsplit(" ", 1)[1])).phone == MAI


async def test_the_hash_is_durable_before_the_provider_is_spoken_to(
    outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_id = await ask()
    seen: list[str] = []

    async def provider(_phone: str, _text: str, _reference: str) -> Outcome:
        seen.append(await state())
        return Outcome.UNKNOWN

    monkeypatch.setattr(sign_in_codes.console, "send", provider)
    await jobs.send_code({}, str(code_id))
    assert seen == ["sent"]
    assert await state() == "sent"


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.ACCEPTED, "sent"),
        (Outcome.REFUSED, "refused"),
        (Outcome.TRY_LATER, "asked"),
        (Outcome.UNKNOWN, "sent"),
    ],
)
async def test_each_answer_of_a_provider_leads_to_its_state(
    outbox: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, expected: str
) -> None:
    async def provider(_phone: str, _text: str, _reference: str) -> Outcome:
        return outcome

    code_id = await ask()
    monkeypatch.setattr(sign_in_codes.console, "send", provider)
    await jobs.send_code({}, str(code_id))
    assert await state() == expected


async def test_the_sweep_sends_what_nobody_rang_for(outbox: Path) -> None:
    await ask()
    await jobs.send_waiting_codes({})
    assert sent(outbox) == []
    clock.freeze(NOW + timedelta(seconds=5))
    await jobs.send_waiting_codes({})
    await jobs.send_waiting_codes({})
    assert len(sent(outbox)) == 1


async def test_a_code_that_is_gone_is_nobodys_job(outbox: Path) -> None:
    await jobs.send_code({}, str(uuid4()))
    assert sent(outbox) == []


async def test_old_codes_are_purged(outbox: Path) -> None:
    await ask()
    clock.freeze(NOW + timedelta(hours=25))
    await jobs.purge_sign_in_codes({})
    await jobs.purge_sign_in_codes({})
    assert await db.pool().fetchval("SELECT count(*) FROM sign_in_code") == 0
