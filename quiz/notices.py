"""Which lines do organisers show to everybody who is inside a contest, and until when?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.db import pool, transaction
from core.errors import Refusal
from people.audit import record

LONGEST_BODY = 300
SHORTEST_MINUTES, LONGEST_MINUTES = 1, 7 * 24 * 60
MOST_AT_ONCE = 3
REPEAT_SECONDS = 60


@dataclass(frozen=True)
class NoticeShown:
    id: int
    contest_id: int
    body: str
    created_at: datetime
    ends_at: datetime


async def write_notice(contest_id: int, body: str, *, minutes: int, by: int | None) -> int:
    """Show a line for so many minutes; the same line twice within a minute is one.

    Refused: an empty or long line, and more lines at once than a telephone shows beside a question.
    """
    _check(body, minutes)
    async with transaction() as connection:
        # The contest's row makes two writers of one contest wait for each other.
        await connection.execute("SELECT FROM contest WHERE id = $1 FOR NO KEY UPDATE", contest_id)
        current = await connection.fetch(
            "SELECT id, body, created_at > clock_timestamp() - $2::interval AS is_recent "
            "FROM notice WHERE contest_id = $1 AND ends_at > clock_timestamp()",
            contest_id,
            timedelta(seconds=REPEAT_SECONDS),
        )
        for row in current:
            if row["is_recent"] and row["body"] == body:
                return int(row["id"])
        if len(current) >= MOST_AT_ONCE:
            sentence = f"Đang hiện {MOST_AT_ONCE} thông báo. Hãy gỡ bớt một thông báo trước."
            raise Refusal("too_many_notices", sentence, fields={"noi_dung": sentence})
        notice_id: int = await connection.fetchval(
            "INSERT INTO notice (contest_id, body, created_by_id, created_at, ends_at) "
            "VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + $4::interval) RETURNING id",
            contest_id,
            body,
            by,
            timedelta(minutes=minutes),
        )
        await record(
            connection,
            by=by,
            action="write_notice",
            subject=f"contest:{contest_id}",
            detail={"notice_id": notice_id, "body": body, "minutes": minutes},
        )
    return notice_id


async def end_notice(contest_id: int, notice_id: int, *, by: int | None) -> None:
    """Take a line down before its time; one that has ended stays as it is."""
    async with transaction() as connection:
        ended = await connection.fetchval(
            "UPDATE notice SET ends_at = clock_timestamp() "
            "WHERE id = $1 AND contest_id = $2 AND ends_at > clock_timestamp() RETURNING id",
            notice_id,
            contest_id,
        )
        if ended is None:
            return
        await record(
            connection,
            by=by,
            action="end_notice",
            subject=f"contest:{contest_id}",
            detail={"notice_id": notice_id},
        )


async def current_notices() -> list[NoticeShown]:
    """What people see now, of all contests, the oldest first."""
    rows = await pool().fetch(
        "SELECT id, contest_id, body, created_at, ends_at FROM notice "
        "WHERE ends_at > clock_timestamp() ORDER BY id"
    )
    return [NoticeShown(**row) for row in rows]


def _check(body: str, minutes: int) -> None:
    if not body or len(body) > LONGEST_BODY:
        sentence = f"Hãy ghi nội dung, không quá {LONGEST_BODY} chữ."
        raise Refusal("bad_notice", sentence, fields={"noi_dung": sentence})
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        sentence = "Thông báo hiện từ 1 phút đến 7 ngày."
        raise Refusal("bad_minutes", sentence, fields={"phut": sentence})
