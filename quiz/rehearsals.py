"""Who asked for a rehearsal, how far is it, and what came of it?

One at a time on the whole platform, never near a real round. The worker that runs one holds a
lease; when it dies the lease lapses, and whoever sweeps next says that it failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import asyncpg

from core import db
from core.clock import now
from core.db import Connection, json_text
from core.errors import Refusal
from core.queue import enqueue
from core.text import datetime_shown
from people.audit import record
from quiz.contests import PUBLIC_STATES
from quiz.granted import LAST_CLOSE
from quiz.rehearsal_plan import MOST_EXPECTED

LEASE = timedelta(seconds=30)
# A worker that has not begun by then is not there.
LONGEST_WAIT = timedelta(minutes=5)
# Before a real round opens no rehearsal begins, and one that runs stops.
QUIET_BEFORE = timedelta(minutes=30)
STOPS_BEFORE = timedelta(minutes=10)
# A web process writes what it has counted every few seconds; a sweep looks for so long.
LATE_FOR = timedelta(minutes=10)
ACTIVE = ("waiting", "preparing", "running")
MOST_SHOWN = 20

Ending = Literal["done", "failed", "cancelled"]


@dataclass(frozen=True)
class Claimed:
    """A rehearsal that this worker now runs."""

    id: int
    round_id: int
    expected_count: int


@dataclass(frozen=True)
class RehearsalShown:
    id: int
    round_id: int
    round_number: int
    round_name: str
    state: str
    expected_count: int
    asked_by_name: str
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    stop_asked_at: datetime | None
    progress: Mapping[str, Any] | None
    sheet: Mapping[str, Any] | None
    reason: str

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


_SHOWN = """
SELECT h.id, h.round_id, r.number AS round_number, r.name AS round_name, h.state, h.expected_count,
       coalesce(p.full_name, '') AS asked_by_name, h.asked_at, h.began_at, h.ended_at,
       h.stop_asked_at, h.progress, h.sheet, h.reason
FROM rehearsal h JOIN round r ON r.id = h.round_id
LEFT JOIN account a ON a.id = h.asked_by_id LEFT JOIN person p ON p.id = a.person_id
WHERE r.contest_id = $1 AND ($2::bigint IS NULL OR h.id = $2)
ORDER BY h.id DESC LIMIT $3
"""


async def ask(round_id: int, expected_count: int, *, by: int | None) -> int:
    """Ask for a rehearsal of a coming round of a published contest and return its id.

    Refused while another one runs, and while a real round is open or about to open.
    """
    if not 1 <= expected_count <= MOST_EXPECTED:
        sentence = f"Hãy ghi số người dự kiến, từ 1 đến {MOST_EXPECTED}."
        raise Refusal("bad_number", sentence, fields={"so_nguoi": sentence})
    try:
        async with db.transaction() as connection:
            await _refuse_round(connection, round_id)
            await _refuse_now(connection, QUIET_BEFORE)
            rehearsal_id: int = await connection.fetchval(
                "INSERT INTO rehearsal (round_id, state, expected_count, asked_by_id, asked_at) "
                "VALUES ($1, 'waiting', $2, $3, $4) RETURNING id",
                round_id,
                expected_count,
                by,
                now(),
            )
            await record(
                connection,
                by=by,
                action="ask_rehearsal",
                subject=f"round:{round_id}",
                detail={"rehearsal": rehearsal_id, "people": expected_count},
            )
            db.after_commit(lambda: enqueue("rehearse"))
    except asyncpg.UniqueViolationError:
        raise Refusal(
            "rehearsal_running",
            "Đang có một buổi diễn tập khác. Bạn đợi xong rồi bấm lại.",
        ) from None
    return rehearsal_id


async def stop(contest_id: int, rehearsal_id: int, *, by: int | None) -> None:
    """Have a rehearsal stopped; one that nobody runs yet is cancelled at once. Repeatable."""
    async with db.transaction() as connection:
        round_id = await connection.fetchval(
            "UPDATE rehearsal h SET stop_asked_at = $3, "
            "state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END, "
            "ended_at = CASE state WHEN 'waiting' THEN $3 ELSE ended_at END "
            "FROM round r WHERE h.id = $2 AND r.id = h.round_id AND r.contest_id = $1 "
            "AND h.state = ANY($4::text[]) AND h.stop_asked_at IS NULL RETURNING h.round_id",
            contest_id,
            rehearsal_id,
            now(),
            list(ACTIVE),
        )
        if round_id is not None:
            await record(
                connection,
                by=by,
                action="stop_rehearsal",
                subject=f"round:{round_id}",
                detail={"rehearsal": rehearsal_id},
            )


async def rehearsals_of(contest_id: int) -> list[RehearsalShown]:
    """Those of a contest, the newest first."""
    rows = await db.pool().fetch(_SHOWN, contest_id, None, MOST_SHOWN)
    return [RehearsalShown(**row) for row in rows]


async def get_rehearsal(contest_id: int, rehearsal_id: int) -> RehearsalShown:
    row = await db.pool().fetchrow(_SHOWN, contest_id, rehearsal_id, 1)
    if row is None:
        raise Refusal("not_found", "Không tìm thấy buổi diễn tập này.")
    return RehearsalShown(**row)


async def claim() -> Claimed | None:
    """Take the rehearsal that waits, for as long as `hold` is called in time."""
    row = await db.pool().fetchrow(
        "UPDATE rehearsal SET state = 'preparing', began_at = $1, lease_until = $2 "
        "WHERE id = (SELECT id FROM rehearsal WHERE state = 'waiting' ORDER BY id LIMIT 1 "
        "FOR UPDATE SKIP LOCKED) RETURNING id, round_id, expected_count",
        now(),
        now() + LEASE,
    )
    return Claimed(**row) if row else None


async def begin(rehearsal_id: int, shadow_round_id: int) -> None:
    """The shadow is there, and the crowd comes."""
    await db.pool().execute(
        "UPDATE rehearsal SET state = 'running', shadow_round_id = $2 "
        "WHERE id = $1 AND state = 'preparing'",
        rehearsal_id,
        shadow_round_id,
    )


async def hold(rehearsal_id: int, progress: Mapping[str, Any]) -> None:
    """Keep the lease and say how far it is; refused with the reason for which it must stop."""
    async with db.pool().acquire() as connection:
        row = await connection.fetchrow(
            "UPDATE rehearsal SET lease_until = $2, progress = $3::jsonb "
            "WHERE id = $1 AND state = ANY($4::text[]) RETURNING stop_asked_at",
            rehearsal_id,
            now() + LEASE,
            progress,
            list(ACTIVE),
        )
        if row is None or row["stop_asked_at"] is not None:
            raise Refusal("rehearsal_stopped", "Đã dừng theo yêu cầu.")
        await _refuse_now(connection, STOPS_BEFORE)


async def end(
    rehearsal_id: int, state: Ending, *, sheet: Mapping[str, Any] | None = None, reason: str = ""
) -> None:
    """Say what came of it; once."""
    async with db.transaction() as connection:
        round_id = await connection.fetchval(
            "UPDATE rehearsal SET state = $2, sheet = $3::jsonb, reason = $4, ended_at = $5, "
            "progress = NULL, lease_until = NULL WHERE id = $1 AND state = ANY($6::text[]) "
            "RETURNING round_id",
            rehearsal_id,
            state,
            None if sheet is None else json_text(sheet),
            reason,
            now(),
            list(ACTIVE),
        )
        if round_id is not None:
            await record(
                connection,
                by=None,
                action="end_rehearsal",
                subject=f"round:{round_id}",
                detail={
                    "rehearsal": rehearsal_id,
                    "state": state,
                    "ready": None if sheet is None else not sheet["reasons"],
                },
            )


async def fail_lapsed() -> int:
    """End those whose worker has died, or that no worker ever took; returns how many."""
    rows = await db.pool().fetch(
        "SELECT id, state FROM rehearsal WHERE (state IN ('preparing', 'running') "
        "AND lease_until < $1) OR (state = 'waiting' AND asked_at < $2)",
        now(),
        now() - LONGEST_WAIT,
    )
    for row in rows:
        reason = (
            "Tiến trình nền chưa chạy nên không ai bắt đầu buổi diễn tập."
            if row["state"] == "waiting"
            else "Tiến trình nền bị dừng hoặc khởi động lại giữa buổi diễn tập. Bạn bấm lại nhé."
        )
        await end(row["id"], "failed", reason=reason)
    return len(rows)


async def late_shadows() -> list[int]:
    """The shadows' rounds of rehearsals that have ended a moment ago."""
    rows = await db.pool().fetch(
        "SELECT shadow_round_id FROM rehearsal WHERE ended_at > $1 AND shadow_round_id IS NOT NULL",
        now() - LATE_FOR,
    )
    return [row["shadow_round_id"] for row in rows]


async def is_any_active() -> bool:
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # one boolean
        "SELECT EXISTS (SELECT FROM rehearsal WHERE state = ANY($1::text[]))", list(ACTIVE)
    )


async def _refuse_round(connection: Connection, round_id: int) -> None:
    row = await connection.fetchrow(
        "SELECT r.opens_at, c.state FROM round r JOIN contest c ON c.id = r.contest_id "
        "WHERE r.id = $1",
        round_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy đợt thi này.")
    if row["state"] != "approved" or row["opens_at"] <= now():
        raise Refusal(
            "not_coming",
            "Chỉ diễn tập được một đợt sắp mở của cuộc thi đã duyệt.",
            fields={"dot": "Hãy chọn một đợt sắp mở."},
        )


async def _refuse_now(connection: Connection, before: timedelta) -> None:
    """While people take part, or are about to, the machines are theirs."""
    row = await connection.fetchrow(
        "SELECT r.name, c.name AS contest, r.opens_at FROM round r "  # noqa: S608 — only our own expression is put in
        f"JOIN contest c ON c.id = r.contest_id WHERE c.state = ANY($1::text[]) "
        f"AND r.opens_at <= $2 AND {LAST_CLOSE} > $3 ORDER BY r.opens_at LIMIT 1",
        list(PUBLIC_STATES),
        now() + before,
        now(),
    )
    if row is not None:
        is_open = row["opens_at"] <= now()
        state = "đang mở" if is_open else f"mở lúc {datetime_shown(row['opens_at'])}"
        raise Refusal(
            "round_near",
            f"{row['name']} của “{row['contest']}” {state}, nên không diễn tập lúc này: máy chủ "
            "phải dành cho người thi thật.",
        )
