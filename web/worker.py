"""Every job and every cron line of the platform."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from arq.connections import create_pool
from arq.cron import cron
from arq.worker import Worker, func

import campaigns.jobs
import certificates.jobs
import people.jobs
import quiz.jobs
from certificates.printing import drawing
from core import db
from core.garbage import spare_the_collector
from core.log import REQUEST_ID, logger
from core.pulse import Pulse
from core.queue import close_queue, deserialize, open_queue, redis_settings, serialize
from core.settings import Settings
from web import rehearsing

JOBS = [
    quiz.jobs.score_attempts,
    quiz.jobs.close_expired_attempts,
    quiz.jobs.take_board_snapshots,
    quiz.jobs.mark_provisional_results,
    quiz.jobs.compute_statistics,
    quiz.jobs.rescore_waiting,
    quiz.jobs.look_for_suspicions,
    campaigns.jobs.send_code,
    campaigns.jobs.send_waiting_codes,
    campaigns.jobs.purge_sign_in_codes,
    people.jobs.seal_audit_entries,
    certificates.jobs.issue_certificates,
    certificates.jobs.render_certificates,
    certificates.jobs.sign_certificates,
    certificates.jobs.check_parcels,
    certificates.jobs.remove_papers,
    rehearsing.rehearse,
]
# The sweep that finds what nobody rang for.
EVERY_TEN_SECONDS = set(range(0, 60, 10))
EVERY_FIVE_SECONDS = set(range(0, 60, 5))
EVERY_FIVE_MINUTES = set(range(2, 60, 5))
JOB_SECONDS = 120
# These see one state of a whole round, or show it at once: no slices. A million attempts take
# minutes; meanwhile whoever else picks the job up finds its row held and goes away.
LONG_JOB_SECONDS = 1800
LONG_JOBS = (
    quiz.jobs.rescore_waiting,
    quiz.jobs.compute_statistics,
    certificates.jobs.issue_certificates,
    certificates.jobs.render_certificates,
)
RESTART_SECONDS = 1.0


def cron_lines() -> list[Any]:
    every: Any = cron  # arq's protocol wants *args; a job with named ones is as good
    return [
        every(quiz.jobs.score_attempts, second=EVERY_TEN_SECONDS, keep_result=0),
        every(quiz.jobs.close_expired_attempts, second=EVERY_FIVE_SECONDS, keep_result=0),
        every(quiz.jobs.take_board_snapshots, second=EVERY_TEN_SECONDS, keep_result=0),
        every(quiz.jobs.mark_provisional_results, second={7, 37}, keep_result=0),
        every(
            quiz.jobs.compute_statistics,
            minute={11, 41},
            second=23,
            keep_result=0,
            timeout=LONG_JOB_SECONDS,
            run_at_startup=True,  # a demonstration has a closed round from its first minute
        ),
        every(
            quiz.jobs.rescore_waiting,
            second={3, 23, 43},
            keep_result=0,
            timeout=LONG_JOB_SECONDS,
        ),
        every(quiz.jobs.look_for_suspicions, minute=EVERY_FIVE_MINUTES, second=33, keep_result=0),
        every(campaigns.jobs.send_waiting_codes, second=EVERY_TEN_SECONDS, keep_result=0),
        every(campaigns.jobs.purge_sign_in_codes, minute={13}, second=0, keep_result=0),
        every(people.jobs.seal_audit_entries, second=EVERY_TEN_SECONDS, keep_result=0),
        every(
            certificates.jobs.issue_certificates,
            second=EVERY_TEN_SECONDS,
            keep_result=0,
            timeout=LONG_JOB_SECONDS,
        ),
        every(
            certificates.jobs.render_certificates,
            second={5, 25, 45},
            keep_result=0,
            timeout=LONG_JOB_SECONDS,
        ),
        every(certificates.jobs.sign_certificates, second={15, 35, 55}, keep_result=0),
        every(certificates.jobs.check_parcels, second={8, 28, 48}, keep_result=0),
        every(certificates.jobs.remove_papers, second={28}, keep_result=0),
        every(rehearsing.rehearse, second=EVERY_TEN_SECONDS, keep_result=0),
    ]


async def work(settings: Settings) -> None:
    """Run jobs until cancelled. arq's worker ends when Valkey goes away: it is made anew."""
    await db.open_database(
        settings.database_url, pool_size=settings.database_pool_size, pgbouncer=settings.pgbouncer
    )
    open_queue(settings.redis_url)
    pulse = Pulse("worker", folder=settings.local_path, redis_url=settings.redis_url)
    pulse.start()
    spare_the_collector()
    try:
        while True:
            started = time.monotonic()
            try:
                await _work_once(settings, pulse)
            except Exception as error:  # noqa: BLE001 — whatever ended the worker, the next one looks at the tables
                logger.warning("worker_restarts", reason=type(error).__name__)
            await asyncio.sleep(max(0.0, RESTART_SECONDS - (time.monotonic() - started)))
    finally:
        await pulse.close()
        await drawing.close()
        await close_queue()
        await db.close_database()


def _seconds_of(job: Any) -> int:
    return LONG_JOB_SECONDS if job in LONG_JOBS else JOB_SECONDS


async def _name_job(context: dict[str, Any]) -> None:
    """What a job logs bears its number, as what a request logs does."""
    REQUEST_ID.set(f"job-{str(context['job_id'])[:12]}")


async def _swept(pulse: Pulse) -> None:
    pulse.swept()


async def _work_once(settings: Settings, pulse: Pulse) -> None:
    redis = await create_pool(
        redis_settings(settings.redis_url), job_serializer=serialize, job_deserializer=deserialize
    )
    worker = Worker(
        functions=[
            func(job, keep_result=0, timeout=_seconds_of(job), max_tries=5)  # type: ignore[arg-type]  # arq's protocol wants *args
            for job in JOBS
        ],
        cron_jobs=cron_lines(),
        redis_pool=redis,
        job_serializer=serialize,
        job_deserializer=deserialize,
        handle_signals=False,
        max_jobs=20,
        poll_delay=0.05,
        health_check_interval=30,
        on_job_start=_name_job,  # type: ignore[arg-type]  # arq takes any async function of the context
        after_job_end=lambda _context: _swept(pulse),
        ctx={"settings": settings},
    )
    try:
        await worker.main()
    finally:
        await worker.close()
