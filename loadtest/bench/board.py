"""How quickly do the boards answer when a million attempts have been scored? (QL4)

The attempts are laid into the open round by set-based SQL; the crowd takes the places of people who
stand somewhere among them. Each page is asked for cold, under an address that nobody has asked for
yet, and warm, as the rest of a crowd gets it. Afterwards PostgreSQL is asked what was read: a page
that goes through attempts or answers fails the run.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import db
from loadtest.bench.laying import Stage, find_stage, lay_scored
from loadtest.client import Client, get
from loadtest.report import Figures, Outcome, latencies_ms, say, sync_ms, table
from loadtest.stack import HOST, SLUG, Stack, wait_ready
from people.sessions import open_session
from quiz.leaderboard import LAST_PAGE
from web.tokens import Tokens

FULL, SMALL = 1_000_000, 300
LAID_AT_ONCE = 250_000
GOAL_MS = 100.0  # QL4, p95
CROWD = 40
OFFICER = "bantochuc"  # the demonstration's organiser
ROWS_A_REQUEST = 500  # of attempt and score; a scan of a million would show
OK = 200
# One address a spelling of the round's number: pages are kept by the address as it was typed.
ROUND_SPELLINGS = ("2", "02", "002")
OFFICE_PAGES = {
    "office_home": "/quan-tri",
    "office_contest": f"/quan-tri/cuoc-thi/{SLUG}",
    "office_running": f"/quan-tri/cuoc-thi/{SLUG}/dang-dien-ra",
    "office_analysis": f"/quan-tri/cuoc-thi/{SLUG}/phan-tich",
}


@dataclass(frozen=True)
class Request:
    path: str
    cookie: str = ""


def people_needed(*, small: bool) -> int:
    return 4 if small else CROWD


def bench_board(stack: Stack, *, small: bool) -> Outcome:
    return asyncio.run(_measure(stack, SMALL if small else FULL))


async def _measure(stack: Stack, count: int) -> Outcome:
    floor_ms = sync_ms(stack.folder)
    await db.open_database(stack.database_url)
    try:
        stage = await find_stage()
        began = time.monotonic()
        for start in range(0, count, LAID_AT_ONCE):
            await lay_scored(stage, min(LAID_AT_ONCE, count - start))
        lay_seconds = time.monotonic() - began
        say(f"{count} scored attempts laid in {lay_seconds:.0f} s")
        await _take_places(stack, stage)
        for program in stack.workers:  # its sweeps read the same tables
            program.stop()
        officer = await _officer_cookie(stack)
        await db.pool().execute("SELECT pg_stat_reset()")
        asked = _requests(stack, stage, officer)
        times, errors = await _ask(stack, asked)
        for program in stack.web:  # PostgreSQL counts what a connection read when it ends
            program.stop()
        faults = [*errors, *await _scans(sum(map(len, asked.values())), at_full_size=count == FULL)]
        _start_again(stack)
    finally:
        await db.close_database()
    return Outcome(
        {
            "attempts": count,
            **_figures(times),
            "goal_ms": GOAL_MS,
            "lay_seconds": round(lay_seconds, 1),
            "errors": len(errors),
            "lost": len(faults) - len(errors),
            "sync_ms": floor_ms,
        },
        faults,
    )


def _figures(times: Mapping[str, Sequence[float]]) -> Figures:
    shown = {name: latencies_ms(taken) for name, taken in times.items()}
    say(table(
        ("page", "requests", "p50_ms", "p95_ms", "max_ms"),
        [(name, len(times[name]), each["p50_ms"], each["p95_ms"], each["max_ms"])
         for name, each in shown.items()],
    ))  # fmt: skip
    return {f"{name}_p95_ms": each["p95_ms"] for name, each in shown.items()}


def _requests(stack: Stack, stage: Stage, officer: str) -> Mapping[str, Sequence[Request]]:
    """By the name of the figure, in the order in which they are made."""
    board = f"/cuoc-thi/{SLUG}/bang-xep-hang"
    tops = [
        f"{board}?dot={number}&bang={code}&trang={page}"
        for number in ROUND_SPELLINGS
        for code in stage.division_codes
        for page in range(1, 11)
    ]
    deep = [
        f"{board}?dot=2&bang={code}&trang={page}"
        for code in stage.division_codes
        for page in range(LAST_PAGE - 19, LAST_PAGE + 1)
    ]
    units = [f"{board}?dot={number}&bang=don-vi" for number in ROUND_SPELLINGS]
    figures = [f"/cuoc-thi/{SLUG}/thong-ke?dot={number}" for number in ROUND_SPELLINGS]
    mine = [Request(f"/cuoc-thi/{SLUG}/vi-tri", person.cookie) for person in stack.crowd]
    return {
        "top": [*map(Request, tops)],
        "deep": [*map(Request, deep)],
        "top_warm": [*map(Request, tops[-20:])] * 5,
        "my_rank": mine * 5,
        "units": [*map(Request, units)],
        "units_warm": [*map(Request, units)] * 20,
        "statistics": [*map(Request, figures)],
        **{
            name: [Request(path, officer)] * 60 for name, path in OFFICE_PAGES.items()
        },
    }  # fmt: skip


async def _ask(
    stack: Stack, asked: Mapping[str, Sequence[Request]]
) -> tuple[dict[str, list[float]], list[str]]:
    """One request after the other: what is measured is the page, not the queue before it."""
    client, errors = Client(HOST, stack.port), []
    await client.send(get("/", stack.port))
    times: dict[str, list[float]] = {}
    for name, requests in asked.items():
        taken = times[name] = []
        for request in requests:
            began = time.perf_counter()
            answer = await client.send(get(request.path, stack.port, cookie=request.cookie))
            taken.append(time.perf_counter() - began)
            if answer.status != OK:
                errors.append(f"{request.path} answered {answer.status}")
    client.close()
    return times, errors


async def _take_places(stack: Stack, stage: Stage) -> None:
    """Let each of the crowd be one of those who stand somewhere on the board."""
    dice = random.Random(stage.round_id)
    phones = [f"+84{person.phone.removeprefix('0')}" for person in stack.crowd]
    participants = await db.pool().fetch(
        "SELECT participant_id FROM standing WHERE round_id = $1 ORDER BY participant_id",
        stage.round_id,
    )
    await db.pool().execute(
        "UPDATE participant p SET person_id = a.person_id FROM unnest($1::text[], $2::bigint[]) "
        "AS b (phone, participant_id) JOIN account a ON a.phone = b.phone "
        "WHERE p.id = b.participant_id",
        phones,
        [row["participant_id"] for row in dice.sample(participants, len(phones))],
    )


async def _officer_cookie(stack: Stack) -> str:
    async with db.pool().acquire() as connection, connection.transaction():
        account_id = await connection.fetchval(
            "SELECT id FROM account WHERE username = $1", OFFICER
        )
        token = await open_session(connection, account_id, "bench")
    secret = (stack.folder / "secret_key").read_text(encoding="ascii").strip()
    tokens = Tokens(secret, is_https=False)
    return f"{tokens.session_cookie}={tokens.session_value(token)}"


def _start_again(stack: Stack) -> None:
    for program in (*stack.web, *stack.workers):
        program.start()
    for program in stack.web:
        assert program.process is not None
        wait_ready(stack.folder, program.name, program.process, f"{stack.url}/readyz")


async def _scans(request_count: int, *, at_full_size: bool) -> list[str]:
    """Tables of attempts that were read through; small ones PostgreSQL reads whole anyway."""
    rows = await db.pool().fetch(
        "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) AS read_count "
        "FROM pg_stat_user_tables WHERE relname IN ('attempt', 'score', 'standing')"
    )
    read = {row["relname"]: row["read_count"] for row in rows}
    say("rows read: " + ", ".join(f"{name} {count}" for name, count in read.items()))
    if not read["standing"]:
        return ["PostgreSQL has not counted what was read"]
    return [
        f"{request_count} requests read {read[name]} rows of {name}"
        for name in ("attempt", "score")
        if at_full_size and read[name] > ROWS_A_REQUEST * request_count
    ]
