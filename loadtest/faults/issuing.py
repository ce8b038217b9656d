"""What if workers die in the middle of a batch of certificates: who gets none, two, or a wrong number?

A contest of its own with a final round and so many people is laid beside the demonstration, a list
is proposed and approved, and real worker processes are killed while they issue it. Sometimes the
harness rings for the list again, sometimes the sweep has to find it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from certificates import books, issuing
from certificates.books import Signature
from certificates.issuing import Proposal
from certificates.owed import STATEMENTS, USUAL_TITLE, Rule
from core import db
from loadtest.faults import broken
from loadtest.faults.trial import (
    GIVE_UP_SECONDS,
    ONE_WEB_PROCESS,
    Fault,
    Needs,
    Seen,
    start_carelessly,
)
from loadtest.stack import Person, Program, Stack

NAMES = ("Lò Thị Mai", "Y Moan Êban", "K'Brôih", "Nguyễn Văn Ế", "Ủn", "Giàng A Páo", "Đặng Thị Ơ")


@dataclass(frozen=True)
class Size:
    """So many certificates and kills; every `sweeps`-th time nobody rings.

    A kill comes up to `pause` seconds after a slice was seen.
    """

    owed: int
    kills: int
    sweeps: int
    pause: float


FULL = Size(owed=20_000, kills=10, sweeps=4, pause=0.3)
SMALL = Size(owed=2_500, kills=1, sweeps=100, pause=0.1)
# Slow enough to be met where it is wrong; often enough to be met at all.
CARELESS = Size(owed=2_500, kills=4, sweeps=100, pause=0.9)


@dataclass
class Watch:
    """One list and how far it is."""

    connection: asyncpg.Connection[asyncpg.Record]
    batch_id: int

    async def issued(self) -> int:
        return await self.connection.fetchval(  # type: ignore[no-any-return]  # a count
            "SELECT count(*) FROM certificate WHERE batch_id = $1", self.batch_id
        )

    async def is_done(self) -> bool:
        return await self.connection.fetchval(  # type: ignore[no-any-return]  # a boolean
            "SELECT state = 'done' FROM certificate_batch WHERE id = $1", self.batch_id
        )

    async def wait_beyond(self, count: int) -> bool:
        """Whether more than so many were issued before time ran out or the list was done."""
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            if await self.is_done():
                return False
            if await self.issued() > count:
                return True
            await asyncio.sleep(0.005)
        return False


def kill_issuing(stack: Stack, _people: Sequence[Person], small: bool) -> Seen:
    return asyncio.run(_kill_issuing(stack, SMALL if small else FULL))


def kill_issuing_carelessly(stack: Stack, _people: Sequence[Person], _small: bool) -> Seen:
    start_carelessly(stack, stack.workers, broken.issuing_without_transaction)
    return asyncio.run(_kill_issuing(stack, CARELESS, until_caught=True))


async def _kill_issuing(stack: Stack, size: Size, *, until_caught: bool = False) -> Seen:
    await db.open_database(stack.database_url)
    connection = await asyncpg.connect(stack.database_url)
    try:
        contest_id = await _lay(connection, size.owed)
        watch = Watch(connection, await _approved_list(contest_id))
        began = time.monotonic()
        kills, in_the_middle, caught = await _break(stack, watch, size, until_caught=until_caught)
        for worker in stack.workers:
            _start_again(worker)
        done = not caught and await _finish(stack, watch)
        seconds = time.monotonic() - began
        wrong = caught or await _wrong(connection, watch.batch_id, _FAULTS)
        figures = {
            "lost": size.owed - await watch.issued(),
            "duplicates": sum("twice" in each for each in wrong),
            "recovered_ms": None,
            "acknowledged": size.owed,
            "kills": kills,
            "in_the_middle": in_the_middle,
            "issued_in_s": round(seconds, 1),
            "is_done": done,
        }
    finally:
        await connection.close()
        await db.close_database()
    complaints = [] if done else ["the list was not done in time"]
    if in_the_middle < max(1, size.kills // 2):
        complaints.append("hardly a worker was killed in the middle of the list")
    return Seen(figures, complaints=complaints, wrong=wrong)


async def _break(
    stack: Stack, watch: Watch, size: Size, *, until_caught: bool
) -> tuple[int, int, list[str]]:
    """How often a worker was killed, how often in the middle, and what was wrong when none lived."""
    kills = in_the_middle = 0
    before = 0
    while kills < size.kills:
        if kills % size.sweeps < size.sweeps - 1:
            await _ring(stack, watch.batch_id)
        is_running = await watch.wait_beyond(before)
        await asyncio.sleep(random.random() * size.pause)
        before = await watch.issued()
        in_the_middle += is_running and not await watch.is_done()
        # One falls while the other may take over at once, or all of them.
        fallen = [random.choice(stack.workers)] if kills % 2 and not until_caught else stack.workers
        for worker in fallen:
            worker.kill()
        kills += 1
        # Half of a list may be missing while nobody works at it, but never a number.
        caught = await _wrong(watch.connection, watch.batch_id, _NEVER) if until_caught else []
        if caught:
            return kills, in_the_middle, caught
        for worker in fallen:
            worker.start()
    return kills, in_the_middle, []


async def _finish(stack: Stack, watch: Watch) -> bool:
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    await _ring(stack, watch.batch_id)
    while time.monotonic() < give_up_at:
        if await watch.is_done():
            return True
        await asyncio.sleep(0.05)
    return False


async def _ring(stack: Stack, batch_id: int) -> None:
    """As a verb of ours rings: by a job's name and an id."""
    from core.queue import close_queue, enqueue, open_queue  # noqa: PLC0415 — one doorbell a ring

    open_queue(stack.addresses.redis_url)
    enqueue("issue_certificates", batch_id)
    await close_queue()


def _start_again(worker: Program) -> None:
    if worker.process is None or worker.process.poll() is not None:
        worker.start()


async def _approved_list(contest_id: int) -> int:
    signature = Signature(
        superior="", issuer="BAN TỔ CHỨC", place="Lai Châu", authority="TM. BAN TỔ CHỨC",
        title="TRƯỞNG BAN", name="Giàng A Páo",
    )  # fmt: skip
    rule = Rule(kind="participation", has_result=True)
    proposal = Proposal(
        rule=rule,
        design_version_id=(await books.designs_shown())[0].version_id,
        series_id=await books.open_series("GCN-PT", by=None),
        signer_id=await books.add_signer(signature, by=None),
        title=USUAL_TITLE,
        statement=STATEMENTS[rule.kind],
    )
    batch_id = await issuing.propose(contest_id, proposal, by=None)
    await issuing.approve(batch_id, by=None)
    return batch_id


async def _lay(connection: asyncpg.Connection[asyncpg.Record], people: int) -> int:
    """A contest whose round was closed yesterday, with one counted attempt for each."""
    async with connection.transaction():
        contest_id: int = await connection.fetchval(
            "INSERT INTO contest (slug, name, summary, audience, organiser, bank_id, state, "
            "comparators, prediction, review, board_freeze_seconds, created_at) "
            "SELECT 'phat-' || count(*), 'Cuộc thi để cấp giấy', '', '', '', min(bank_id), 'final', "
            "'[\"points\"]', '', 'never', 0, now() FROM contest RETURNING id"
        )
        division_id = await connection.fetchval(
            "INSERT INTO division (contest_id, code, name, position) "
            "VALUES ($1, 'nguoi-dan', 'Người dân', 1) RETURNING id",
            contest_id,
        )
        round_id = await connection.fetchval(
            "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
            "closes_as_written, time_limit_seconds, counting, cooldown_seconds, result) "
            "VALUES ($1, 1, 'Tuần 1', now() - interval '9 days', now() - interval '2 days', '', '', "
            "1200, 'best', 0, 'final') RETURNING id",
            contest_id,
        )
        await connection.execute(_PEOPLE, people, list(NAMES), contest_id, division_id, round_id)
    return contest_id


_PEOPLE = """
WITH laid AS (
    SELECT n, nextval(pg_get_serial_sequence('person', 'id')) AS person_id,
           nextval(pg_get_serial_sequence('participant', 'id')) AS participant_id,
           ($2::text[])[1 + n % cardinality($2)] || ' ' || n AS name,
           (SELECT min(id) FROM unit) AS unit_id
    FROM generate_series(1, $1::int) AS n
), persons AS (
    INSERT INTO person (id, full_name, name_key, sort_key, unit_id, division_code, created_at)
    SELECT person_id, name, '', lpad(n::text, 9, '0'), unit_id, '', now() FROM laid
), participants AS (
    INSERT INTO participant (id, contest_id, person_id, division_id, unit_id, shown_name, entered_at)
    SELECT participant_id, $3::bigint, person_id, $4::bigint, unit_id, '', now() FROM laid
    RETURNING id
)
INSERT INTO standing (round_id, participant_id, division_id, unit_id, attempt_id, attempt_count,
                      points, correct_count, question_count, duration_ms, closed_at, rank_key,
                      bucket)
SELECT $5::bigint, l.participant_id, $4, l.unit_id, gen_random_uuid(), 1, 18000, 18, 20, 600000,
       now(), int8send(l.n), int8send(1)
FROM laid l JOIN participants p ON p.id = l.participant_id
"""
# Each is a question whose only right answer is that there is none.
_FAULTS = {
    "a participant has none": "SELECT o.participant_id FROM certificate_owed o WHERE o.batch_id = $1 "
    "AND NOT EXISTS (SELECT FROM certificate c WHERE c.participant_id = o.participant_id "
    "AND c.batch_id = $1)",
    "a participant has one twice": "SELECT participant_id FROM certificate WHERE batch_id = $1 "
    "GROUP BY 1 HAVING count(*) > 1",
    "a number was left out": "SELECT n FROM certificate_series s JOIN certificate_batch b "
    "ON b.series_id = s.id CROSS JOIN generate_series(1, s.last_number) AS n "
    "WHERE b.id = $1 AND NOT EXISTS (SELECT FROM certificate c WHERE c.series_id = s.id "
    "AND c.series_number = n)",
    "a number stands twice": "SELECT number FROM certificate WHERE batch_id = $1 GROUP BY 1 "
    "HAVING count(*) > 1",
    "a line says otherwise than the certificates": "SELECT o.id FROM certificate_owed o "
    "LEFT JOIN certificate c ON c.id = o.certificate_id WHERE o.batch_id = $1 "
    "AND (o.state <> 'issued' OR c.participant_id IS DISTINCT FROM o.participant_id)",
    "a certificate has not one event": "SELECT c.id FROM certificate c LEFT JOIN certificate_event e "
    "ON e.certificate_id = c.id WHERE c.batch_id = $1 GROUP BY 1 HAVING count(e.id) <> 1",
    "the list's counts are wrong": "SELECT b.id FROM certificate_batch b CROSS JOIN LATERAL "
    "(SELECT count(*) AS n FROM certificate c WHERE c.batch_id = b.id) k WHERE b.id = $1 "
    "AND (b.issued_count <> k.n OR b.owed_count <> k.n)",
}


_NEVER = {
    name: _FAULTS[name]
    for name in (
        "a participant has one twice",
        "a number was left out",
        "a number stands twice",
    )
}


async def _wrong(
    connection: asyncpg.Connection[asyncpg.Record], batch_id: int, questions: Mapping[str, str]
) -> list[str]:
    found = {name: await connection.fetch(text, batch_id) for name, text in questions.items()}
    return [f"{name}: {len(rows)}, such as {rows[0][0]}" for name, rows in found.items() if rows]


ISSUING = Fault(
    kill_issuing, kill_issuing_carelessly, "numbers and certificates committed apart", 1, 1,
    Needs(web_processes=1, worker_processes=2), needs_small=ONE_WEB_PROCESS,
)  # fmt: skip
