"""Who gets more time in a round, and how does every open attempt come to know of it?

An extension is a row that is only added. The deadlines of open attempts follow from all rows of
the round by one formula, so moving them is repeatable: it never takes time away, and whoever
started or saved at the very moment of the grant is reached by the next pass.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import db
from core.db import Connection
from core.errors import Refusal
from core.text import deadline_shown, fold, phone_e164, time_shown
from people.audit import record
from quiz.attempts import CLOSING_GRACE_SECONDS
from quiz.granted import LAST_CLOSE, is_for_all, own_time, reaches

SHORTEST_SECONDS = 60
LONGEST_SECONDS = 24 * 3600
LONGEST_REASON = 500
# The same grant twice within this time is a form that was sent twice.
REPEAT_SECONDS = 60
# A start that read the rows before a grant is written long before this.
SETTLING_SECONDS = 120
MOST_PASSES = 40
PASS_SECONDS = 0.05
MOST_FOUND = 20

# What every open attempt that extension $1 reaches is due: its own limit and what was granted while
# it ran, but not beyond the close that holds for its participant. An attempt whose time was over
# before the grant is not reopened.
_DUE = f"""
SELECT a.id, least(
    a.started_at + (r.time_limit_seconds + more.inside_seconds) * interval '1 second',
    r.closes_at + more.own_seconds * interval '1 second') AS deadline_at
FROM extension x
JOIN round r ON r.id = x.round_id
JOIN attempt a ON a.round_id = r.id AND a.state = 'open' AND a.deadline_at >= x.created_at
JOIN participant p ON p.id = a.participant_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.seconds) FILTER (WHERE e.created_at > a.started_at), 0) AS inside_seconds,
           coalesce(sum(e.seconds) FILTER (WHERE NOT {is_for_all("e")}), 0) AS own_seconds
    FROM extension e
    WHERE e.round_id = r.id
        AND ({is_for_all("e")} OR {reaches("e", participant_id="p.id", unit_id="p.unit_id")})
) more
WHERE x.id = $1
    AND ({is_for_all("x")} OR {reaches("x", participant_id="p.id", unit_id="p.unit_id")})
    AND a.deadline_at < least(
        a.started_at + (r.time_limit_seconds + more.inside_seconds) * interval '1 second',
        r.closes_at + more.own_seconds * interval '1 second')
"""  # noqa: S608 — only our own conditions are put in
# A row that is being saved at this instant is left to the next pass: waiting for it while holding
# others would be a deadlock with a batch of saves.
_MOVE = f"""
WITH due AS ({_DUE} FOR NO KEY UPDATE OF a SKIP LOCKED)
UPDATE attempt a SET deadline_at = due.deadline_at FROM due WHERE a.id = due.id
"""  # noqa: S608 — as above


@dataclass(frozen=True)
class Granted:
    """What came of a grant; `attempt_count` open attempts have more time."""

    extension_id: int
    attempt_count: int
    closes_at: datetime  # for those whom it reaches


@dataclass(frozen=True)
class ExtensionShown:
    id: int
    round_name: str
    scope: str  # all, unit, person
    scope_name: str
    seconds: int
    reason: str
    by_name: str
    created_at: datetime


@dataclass(frozen=True)
class Candidate:
    """Somebody in a contest who may be given time."""

    participant_id: int
    full_name: str
    phone: str | None
    unit_name: str
    deadline_at: datetime | None  # of the open attempt


async def extend(
    round_id: int,
    *,
    seconds: int,
    reason: str,
    unit_id: int | None = None,
    participant_id: int | None = None,
    by: int | None,
) -> Granted:
    """Give more time to a participant, to a unit and all beneath it, or to everybody.

    Two grants add up; the same grant within a minute is refused, so a form that is sent twice
    counts once. Attempts that are over stay over. Refused: a final round, one that would be closed
    all the same, one that has closed and shown its key, and one whose result is frozen: the number
    that everybody is ranked by has been counted.
    """
    _check(seconds, reason)
    async with db.transaction() as connection:
        found = await _locked_round(connection, round_id)
        own = await _own_time(connection, round_id, unit_id=unit_id, participant_id=participant_id)
        closes_at = found["closes_at"] + own + timedelta(seconds=seconds)
        _refuse_closed(found, closes_at)
        await _refuse_repeat(connection, round_id, seconds, unit_id, participant_id)
        if unit_id is None and participant_id is None:
            await _move_close(connection, round_id, seconds)
        await connection.execute(
            "UPDATE round SET result = 'none' WHERE id = $1 AND result = 'provisional'", round_id
        )
        extension_id = await connection.fetchval(
            "INSERT INTO extension (round_id, unit_id, participant_id, seconds, reason, "
            "created_by_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) "
            "RETURNING id",
            round_id,
            unit_id,
            participant_id,
            seconds,
            reason,
            by,
        )
        moved = await _move(connection, extension_id)
        await record(
            connection,
            by=by,
            action="extend_time",
            subject=f"contest:{found['contest_id']}",
            detail={
                "round_id": round_id,
                "unit_id": unit_id,
                "participant_id": participant_id,
                "seconds": seconds,
                "reason": reason,
                "attempt_count": moved,
            },
        )
    moved += await _settle(extension_id)
    return Granted(extension_id, moved, closes_at)


async def settle_recent() -> int:
    """Reach whoever was starting while time was granted; for the sweep, repeatable."""
    rows = await db.pool().fetch(
        "SELECT id FROM extension WHERE created_at > clock_timestamp() - $1::interval",
        timedelta(seconds=SETTLING_SECONDS),
    )
    return sum([await _settle(row["id"]) for row in rows])


async def extensions_of(contest_id: int) -> list[ExtensionShown]:
    """Every grant of a contest, the newest first."""
    rows = await db.pool().fetch(
        f"SELECT e.id, r.name AS round_name, "  # noqa: S608 — only our own condition is put in
        f"CASE WHEN {is_for_all('e')} THEN 'all' WHEN e.unit_id IS NULL THEN 'person' "
        "ELSE 'unit' END AS scope, coalesce(u.name, h.full_name, '') AS scope_name, e.seconds, "
        "e.reason, coalesce(w.full_name, '') AS by_name, e.created_at "
        "FROM extension e JOIN round r ON r.id = e.round_id "
        "LEFT JOIN unit u ON u.id = e.unit_id "
        "LEFT JOIN participant p ON p.id = e.participant_id "
        "LEFT JOIN person h ON h.id = p.person_id "
        "LEFT JOIN account a ON a.id = e.created_by_id LEFT JOIN person w ON w.id = a.person_id "
        "WHERE r.contest_id = $1 ORDER BY e.id DESC",
        contest_id,
    )
    return [ExtensionShown(**row) for row in rows]


async def find_candidates(contest_id: int, typed: str) -> list[Candidate]:
    """Participants of a contest by telephone number, receipt or any part of the name."""
    rows = await db.pool().fetch(
        "SELECT p.id AS participant_id, h.full_name, c.phone, u.name AS unit_name, "
        "(SELECT max(a.deadline_at) FROM attempt a "
        " WHERE a.participant_id = p.id AND a.state = 'open') AS deadline_at "
        "FROM participant p JOIN person h ON h.id = p.person_id JOIN unit u ON u.id = p.unit_id "
        "LEFT JOIN account c ON c.person_id = h.id "
        "WHERE p.contest_id = $1 AND (c.phone = $2 "
        " OR p.id IN (SELECT participant_id FROM attempt WHERE receipt = $3) "
        " OR ($4 <> '' AND position($4 IN h.name_key) > 0)) "
        "ORDER BY deadline_at DESC NULLS LAST, h.sort_key, p.id LIMIT $5",
        contest_id,
        phone_e164(typed),
        typed.strip().upper(),
        fold(typed),
        MOST_FOUND,
    )
    return [Candidate(**row) for row in rows]


def _check(seconds: int, reason: str) -> None:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        sentence = "Gia hạn từ 1 phút đến 24 giờ (1440 phút)."
        raise Refusal("bad_minutes", sentence, fields={"phut": sentence})
    if not reason or len(reason) > LONGEST_REASON:
        sentence = f"Hãy ghi lý do, không quá {LONGEST_REASON} chữ."
        raise Refusal("no_reason", sentence, fields={"ly_do": sentence})


async def _locked_round(connection: Connection, round_id: int) -> Any:
    """The round's row, which makes grants of one round wait for each other."""
    found = await connection.fetchrow(
        f"SELECT r.contest_id, r.opens_at, r.closes_at, {LAST_CLOSE} AS last_closes_at, r.result, "  # noqa: S608 — only our own condition is put in
        "r.prediction_frozen_at, c.state, c.review, clock_timestamp() AS at FROM round r JOIN contest c ON c.id = r.contest_id "
        "WHERE r.id = $1 FOR NO KEY UPDATE OF r",
        round_id,
    )
    if found is None or found["state"] not in {"approved", "final"}:
        raise Refusal("not_found", "Không tìm thấy đợt thi này.")
    if found["result"] == "final":
        raise Refusal("round_final", "Kết quả đợt thi đã chốt nên không gia hạn được nữa.")
    if found["prediction_frozen_at"] is not None:
        raise Refusal("result_frozen", "Kết quả đợt thi đã khóa nên không gia hạn được nữa.")
    if found["at"] < found["opens_at"]:
        raise Refusal("not_open_yet", "Đợt thi chưa mở; hãy sửa giờ đóng thay vì gia hạn.")
    return found


async def _own_time(
    connection: Connection, round_id: int, *, unit_id: int | None, participant_id: int | None
) -> timedelta:
    """What those whom a grant would reach have been granted already, beyond the public close."""
    if participant_id is not None:
        time = await connection.fetchval(
            f"SELECT {own_time(round_id='r.id', participant_id='p.id', unit_id='p.unit_id')} "  # noqa: S608 — only our own condition is put in
            "FROM round r JOIN participant p ON p.contest_id = r.contest_id "
            "WHERE r.id = $1 AND p.id = $2",
            round_id,
            participant_id,
        )
        if time is None:
            raise Refusal("unknown_person", "Người này chưa vào cuộc thi.")
    elif unit_id is not None:
        time = await connection.fetchval(
            f"SELECT {own_time(round_id='$1', participant_id='0', unit_id='u.id')} "  # noqa: S608 — as above
            "FROM unit u WHERE u.id = $2",
            round_id,
            unit_id,
        )
        if time is None:
            raise Refusal("unknown_unit", "Không tìm thấy đơn vị này.")
    else:
        time = timedelta(0)
    return time  # type: ignore[no-any-return]  # an interval column


def _refuse_closed(found: Any, closes_at: datetime) -> None:
    if closes_at <= found["at"]:
        raise Refusal(
            "round_closed",
            f"Gia hạn như vậy thì đợt thi vẫn đóng lúc {deadline_shown(closes_at)}, đã qua rồi.",
        )
    shown_from = found["last_closes_at"] + timedelta(seconds=CLOSING_GRACE_SECONDS)
    if found["review"] == "after_close" and found["at"] >= shown_from:
        raise Refusal(
            "key_shown",
            "Đợt thi đã đóng và đáp án đã được mở cho người dự thi xem, nên không gia hạn được nữa.",
        )


async def _refuse_repeat(
    connection: Connection,
    round_id: int,
    seconds: int,
    unit_id: int | None,
    participant_id: int | None,
) -> None:
    before = await connection.fetchval(
        "SELECT max(created_at) FROM extension WHERE round_id = $1 AND seconds = $2 "
        "AND unit_id IS NOT DISTINCT FROM $3 AND participant_id IS NOT DISTINCT FROM $4 "
        "AND created_at > clock_timestamp() - $5::interval",
        round_id,
        seconds,
        unit_id,
        participant_id,
        timedelta(seconds=REPEAT_SECONDS),
    )
    if before is not None:
        raise Refusal(
            "extended_already",
            f"Đã gia hạn đúng như vậy lúc {time_shown(before)}. "
            "Nếu muốn gia hạn thêm lần nữa, bạn chờ một phút rồi gửi lại.",
        )


async def _move_close(connection: Connection, round_id: int, seconds: int) -> None:
    """The public close; a board that was frozen too early comes alive again."""
    await connection.execute(
        "UPDATE round SET closes_at = closes_at + $2::interval, closes_as_written = '' "
        "WHERE id = $1",
        round_id,
        timedelta(seconds=seconds),
    )
    await connection.execute(
        "DELETE FROM board_snapshot b USING round r JOIN contest c ON c.id = r.contest_id "
        "WHERE b.round_id = r.id AND r.id = $1 "
        "AND r.closes_at - c.board_freeze_seconds * interval '1 second' > clock_timestamp()",
        round_id,
    )


async def _settle(extension_id: int) -> int:
    """Passes until every attempt that the extension reaches has its time."""
    moved = 0
    for _ in range(MOST_PASSES):
        moved += await _move(db.pool(), extension_id)
        if not await db.pool().fetchval(f"SELECT EXISTS ({_DUE})", extension_id):
            break
        await asyncio.sleep(PASS_SECONDS)
    return moved


async def _move(connection: Connection, extension_id: int) -> int:
    told: str = await connection.execute(_MOVE, extension_id)
    return int(told.rsplit(" ", 1)[1])  # "UPDATE 12"
