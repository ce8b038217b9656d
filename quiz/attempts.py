"""How does a participant start, save and hand in an attempt, so that nothing acknowledged is lost?

This is the hot path: no ORM, and every write goes through a group committer of the process. The
deadline, the sequence number and the page that may save are all decided inside the statement, by
the instant at which the request arrived, on PostgreSQL's clock.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from core import db
from core.db import Connection
from core.errors import Refusal
from core.groupcommit import GroupCommitter
from core.queue import enqueue
from core.text import deadline_shown, time_shown
from quiz import drawing
from quiz.activity import ACTIVITY, REFUSAL, SAVE, START, SUBMIT
from quiz.granted import own_time
from quiz.receipts import receipt_code

# A row waits in a committer at most this long before its caller is refused …
LONGEST_WAIT_SECONDS = 30
# … so an attempt is closed for its owner only when no timely save can still be under way.
CLOSING_GRACE_SECONDS = 40
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

Answers = Mapping[str, Sequence[int]]


class Save(NamedTuple):
    """One request to save or to hand in; `answers` holds only the positions that it names.

    A tuple, as `Saved` is, because a frozen dataclass takes three times as long to make.
    """

    attempt_id: UUID
    seq: int
    answers: Answers
    arrived_at: datetime
    opening: int | None = None
    prediction: int | None = None
    sets_prediction: bool = False
    is_submit: bool = False


class Saved(NamedTuple):
    round_id: int
    saved_seq: int
    saved_at: datetime | None
    deadline_at: datetime
    state: str
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Start:
    """A wish to begin; who may is decided in `quiz.entering`, the counting in the statement."""

    contest_id: int
    round_id: int
    person_id: int
    division_id: int
    unit_id: int
    shown_name: str
    rules_version: int
    arrived_at: datetime
    attempt_id: UUID = field(default_factory=uuid4)
    seed: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Started:
    attempt_id: UUID
    is_resumed: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt as its page needs it."""

    attempt_id: UUID
    contest_id: int
    round_id: int
    participant_id: int
    number: int
    pool_id: int
    seed: str
    drawing_version: int
    rules_version: int
    state: str
    opening: int
    answers: Answers
    prediction: int | None
    saved_seq: int
    saved_at: datetime | None
    started_at: datetime
    deadline_at: datetime
    closed_at: datetime | None
    receipt: str | None


_OPENED = """
    a.id AS attempt_id, r.contest_id, a.round_id, a.participant_id, a.number, a.pool_id, a.seed,
    a.drawing_version, a.rules_version, a.state, a.opening, a.answers, a.prediction, a.saved_seq,
    a.saved_at, a.started_at, a.deadline_at, a.closed_at, a.receipt
"""

_SAVE = """
UPDATE attempt a SET
    answers = CASE WHEN b.seq > a.saved_seq THEN a.answers || b.answers ELSE a.answers END,
    prediction = CASE WHEN b.sets_prediction AND b.seq > a.saved_seq
                      THEN b.prediction ELSE a.prediction END,
    saved_at = CASE WHEN b.seq > a.saved_seq THEN b.arrived_at ELSE a.saved_at END,
    saved_seq = greatest(a.saved_seq, b.seq),
    state = CASE WHEN b.is_submit THEN 'submitted' ELSE a.state END,
    closed_at = CASE WHEN b.is_submit THEN b.arrived_at END,
    receipt = CASE WHEN b.is_submit THEN b.receipt END
FROM unnest($1::uuid[], $2::bigint[], $3::jsonb[], $4::timestamptz[], $5::int[], $6::bigint[],
            $7::bool[], $8::bool[], $9::text[]) WITH ORDINALITY
    AS b (id, seq, answers, arrived_at, opening, prediction, sets_prediction, is_submit, receipt,
          place)
WHERE a.id = b.id
    AND a.state = 'open'
    AND b.arrived_at <= a.deadline_at
    AND coalesce(b.opening, a.opening) >= a.opening
    AND (b.is_submit OR b.seq > a.saved_seq)
RETURNING b.place, a.round_id, a.saved_seq, a.saved_at, a.deadline_at, a.state, a.receipt
"""

_ENTER = """
INSERT INTO participant (contest_id, person_id, division_id, unit_id, shown_name, entered_at)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[],
                     $6::timestamptz[])
ON CONFLICT (contest_id, person_id) DO NOTHING
"""

_START = f"""
INSERT INTO attempt (id, participant_id, round_id, number, division_id, unit_id, pool_id, seed,
                     drawing_version, rules_version, state, opening, answers, saved_seq,
                     started_at, deadline_at)
SELECT b.id, p.id, r.id, past.count + 1, p.division_id, p.unit_id, q.id, b.seed,
       $7, b.rules_version, 'open', 0, '{{}}', 0,
       b.arrived_at, least(b.arrived_at + r.time_limit_seconds * interval '1 second',
                           r.closes_at + granted.time)
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::int[], $6::timestamptz[])
    AS b (id, round_id, person_id, seed, rules_version, arrived_at)
JOIN round r ON r.id = b.round_id AND r.opens_at <= b.arrived_at
JOIN participant p ON p.contest_id = r.contest_id AND p.person_id = b.person_id
CROSS JOIN LATERAL (
    SELECT {own_time(round_id="r.id", participant_id="p.id", unit_id="p.unit_id")} AS time
) granted
CROSS JOIN LATERAL (
    SELECT count(*)::int AS count, max(closed_at) AS last_closed_at
    FROM attempt x WHERE x.participant_id = p.id AND x.round_id = r.id
) past
CROSS JOIN LATERAL (
    SELECT id FROM pool
    WHERE round_id = r.id AND (division_id = p.division_id OR division_id IS NULL)
    ORDER BY division_id NULLS LAST LIMIT 1
) q
WHERE b.arrived_at < r.closes_at + granted.time
    AND (r.attempt_limit IS NULL OR past.count < r.attempt_limit)
    AND (past.last_closed_at IS NULL
         OR past.last_closed_at + r.cooldown_seconds * interval '1 second' <= b.arrived_at)
ON CONFLICT DO NOTHING
RETURNING id
"""  # noqa: S608 — only our own column names are put in

_OPEN_PAPER = f"""
UPDATE attempt a SET opening = a.opening + 1
FROM round r
WHERE a.id = ANY($1::uuid[]) AND r.id = a.round_id AND a.state = 'open'
RETURNING {_OPENED}
"""  # noqa: S608 — only our own column list is put in


class Attempts:
    """The writers of one process; `close` writes what still waits."""

    def __init__(self) -> None:
        pool = db.pool()
        self._saves: GroupCommitter[Save, Saved] = GroupCommitter(
            "saves",
            pool,
            write_saves,
            key=lambda save: save.attempt_id,
            after_commit=_ring_for_submissions,
            longest_wait_seconds=LONGEST_WAIT_SECONDS,
        )
        self._starts: GroupCommitter[Start, Started] = GroupCommitter(
            "starts",
            pool,
            write_starts,
            key=lambda start: (start.round_id, start.person_id),
            longest_wait_seconds=LONGEST_WAIT_SECONDS,
        )
        self._openings: GroupCommitter[UUID, Opened | None] = GroupCommitter(
            "openings", pool, write_openings, key=lambda attempt_id: attempt_id
        )

    @property
    def is_writing(self) -> bool:
        return all(each.is_writing for each in (self._starts, self._openings, self._saves))

    async def close(self) -> None:
        await self._starts.close()
        await self._openings.close()
        await self._saves.close()

    def longest_wait(self) -> float:
        """For how many seconds a save has waited, at most, since this was last asked."""
        return self._saves.longest_wait()

    async def save(self, save: Save) -> Saved:
        """Return once the answers are durable; an older `seq` changes nothing and is told so.

        Refused: unknown attempt, another page took over, past the deadline, already handed in.
        """
        return await self._saves.submit(save)

    def put_save(self, save: Save) -> asyncio.Future[Saved]:
        """`save` for a caller that is no task."""
        return self._saves.put(save)

    async def submit(self, save: Save) -> Saved:
        """Hand in, with the answers of this request if they are the newest; repeatable."""
        return await self._saves.submit(save)

    async def start(self, start: Start) -> Started:
        """Begin an attempt, or resume the one that is open."""
        return await self._starts.submit(start)

    async def open_paper(self, attempt_id: UUID) -> Opened:
        """Show the paper: from now on only this page may save. A closed attempt is just read."""
        opened = await self._openings.submit(attempt_id)
        return opened or await get_attempt(attempt_id)


async def get_attempt(attempt_id: UUID) -> Opened:
    row = await db.pool().fetchrow(
        f"SELECT {_OPENED} FROM attempt a JOIN round r ON r.id = a.round_id WHERE a.id = $1",  # noqa: S608 — only our own column list is put in
        attempt_id,
    )
    if row is None:
        raise refuse_unknown()
    return Opened(**row)


async def owner_of(attempt_id: UUID) -> int | None:
    """The person whose attempt it is."""
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # one column of one row
        "SELECT p.person_id FROM attempt a JOIN participant p ON p.id = a.participant_id "
        "WHERE a.id = $1",
        attempt_id,
    )


async def recent_attempts(person_id: int, *, limit: int = 50) -> list[UUID]:
    """The attempts whose cookies a browser may still hold."""
    rows = await db.pool().fetch(
        "SELECT a.id FROM participant p JOIN attempt a ON a.participant_id = p.id "
        "WHERE p.person_id = $1 ORDER BY a.started_at DESC LIMIT $2",
        person_id,
        limit,
    )
    return [row["id"] for row in rows]


async def write_saves(connection: Connection, saves: Sequence[Save]) -> list[Saved | Exception]:
    """Write a batch of saves and submissions of different attempts; one result a row."""
    rows = await connection.fetch(
        _SAVE,
        [save.attempt_id for save in saves],
        [save.seq for save in saves],
        [save.answers for save in saves],
        [save.arrived_at for save in saves],
        [save.opening for save in saves],
        [save.prediction for save in saves],
        [save.sets_prediction for save in saves],
        [save.is_submit for save in saves],
        [receipt_code(save.attempt_id) if save.is_submit else None for save in saves],
    )
    written: list[Saved | None] = [None] * len(saves)
    for place, *columns in rows:
        saved = written[place - 1] = Saved(*columns)
        ACTIVITY.count(saved.round_id, SUBMIT if saved.state == "submitted" else SAVE)
    missed = [save for save, saved in zip(saves, written, strict=True) if saved is None]
    found = await _why_not_written(connection, missed) if missed else {}
    return [
        saved or _explain(save, found.get(save.attempt_id))
        for save, saved in zip(saves, written, strict=True)
    ]


async def write_starts(
    connection: Connection, starts: Sequence[Start]
) -> list[Started | Exception]:
    """Write a batch of starts of different people; an open attempt is resumed instead.

    No transaction holds the two statements together: a participant without an attempt is one who
    has entered and not begun.
    """
    await connection.execute(
        _ENTER,
        [start.contest_id for start in starts],
        [start.person_id for start in starts],
        [start.division_id for start in starts],
        [start.unit_id for start in starts],
        [start.shown_name for start in starts],
        [start.arrived_at for start in starts],
    )
    begun = {
        row["id"]
        for row in await connection.fetch(
            _START,
            [start.attempt_id for start in starts],
            [start.round_id for start in starts],
            [start.person_id for start in starts],
            [start.seed for start in starts],
            [start.rules_version for start in starts],
            [start.arrived_at for start in starts],
            drawing.VERSION,
        )
    }
    others = [start for start in starts if start.attempt_id not in begun]
    resumed = await _open_attempts(connection, others) if others else {}
    results = [
        Started(start.attempt_id, is_resumed=False)
        if start.attempt_id in begun
        else resumed.get((start.round_id, start.person_id)) or _refuse_start()
        for start in starts
    ]
    for start, result in zip(starts, results, strict=True):
        if start.attempt_id in begun or isinstance(result, Refusal):
            ACTIVITY.count(start.round_id, START if start.attempt_id in begun else REFUSAL)
    return results


async def write_openings(
    connection: Connection, attempt_ids: Sequence[UUID]
) -> list[Opened | Exception | None]:
    rows = await connection.fetch(_OPEN_PAPER, list(attempt_ids))
    opened = {row["attempt_id"]: Opened(**row) for row in rows}
    return [opened.get(attempt_id) for attempt_id in attempt_ids]


async def close_expired(*, limit: int = 2_000) -> int:
    """Close attempts whose deadline is past, with the answers that are saved; may run anywhere.

    Each batch begins at the deadline where the one before ended: the index still leads to those that
    were just closed, and going through them again with every batch cost as much as closing them.
    """
    total, since = 0, _BEFORE_ALL
    while True:
        closed = await _close_batch(since, limit)
        total += len(closed)
        if len(closed) < limit:
            return total
        since = closed[-1]["deadline_at"]


async def _close_batch(since: datetime, limit: int) -> Sequence[Any]:
    async with db.pool().acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "SELECT id, deadline_at FROM attempt WHERE state = 'open' AND deadline_at >= $3 "
            "AND deadline_at < clock_timestamp() - $1::interval "
            "ORDER BY deadline_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            timedelta(seconds=CLOSING_GRACE_SECONDS),
            limit,
            since,
        )
        ids = [row["id"] for row in rows]
        await connection.execute(
            "UPDATE attempt a SET state = 'expired', closed_at = a.deadline_at, receipt = b.receipt "
            "FROM unnest($1::uuid[], $2::text[]) AS b (id, receipt) WHERE a.id = b.id",
            ids,
            [receipt_code(attempt_id) for attempt_id in ids],
        )
    if ids:
        enqueue("score_attempts")
    return rows


def refuse_unknown() -> Refusal:
    """The same for an attempt that does not exist and for somebody else's."""
    return Refusal("not_found", "Không tìm thấy bài thi này.")


def _saved(row: Mapping[str, Any]) -> Saved:
    return Saved(
        row["round_id"],
        row["saved_seq"],
        row["saved_at"],
        row["deadline_at"],
        row["state"],
        row["receipt"],
    )


async def _why_not_written(
    connection: Connection, missed: Sequence[Save]
) -> dict[UUID, Mapping[str, Any]]:
    rows = await connection.fetch(
        "SELECT id, round_id, state, saved_seq, saved_at, deadline_at, opening, receipt FROM attempt "
        "WHERE id = ANY($1::uuid[])",
        [save.attempt_id for save in missed],
    )
    return {row["id"]: row for row in rows}


def _explain(save: Save, row: Mapping[str, Any] | None) -> Saved | Refusal:
    """Why a save changed nothing: repeated, overtaken, too late, handed in, or unknown."""
    if row is None:
        return refuse_unknown()
    refusal = _refuse_save(save, row)
    if refusal is None:
        return _saved(row)
    ACTIVITY.count(row["round_id"], REFUSAL)
    return refusal


def _refuse_save(save: Save, row: Mapping[str, Any]) -> Refusal | None:
    if row["state"] == "submitted" and save.is_submit:
        return None
    if row["state"] == "submitted":
        return Refusal(
            "submitted",
            f"Bài đã nộp lúc {time_shown(row['saved_at'])}. Bạn không cần làm gì thêm."
            if row["saved_at"]
            else "Bài đã nộp. Bạn không cần làm gì thêm.",
        )
    if row["state"] == "expired" or save.arrived_at > row["deadline_at"]:
        return Refusal(
            "late",
            f"Đã hết giờ làm bài lúc {time_shown(row['deadline_at'])}. "
            "Những câu đã lưu trước đó vẫn được tính.",
            deadline_at=row["deadline_at"],
        )
    if save.opening is not None and save.opening < row["opening"]:
        return Refusal(
            "taken_over",
            "Bài đang mở trên một trang hay một máy khác. "
            "Bạn có thể làm tiếp tại đây; trang kia sẽ dừng lưu.",
        )
    return None


async def _open_attempts(
    connection: Connection, starts: Sequence[Start]
) -> dict[tuple[int, int], Started | Exception]:
    rows = await connection.fetch(
        "SELECT a.id, a.round_id, a.deadline_at, p.person_id, b.arrived_at "
        "FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) "
        "  AS b (round_id, person_id, arrived_at) "
        "JOIN round r ON r.id = b.round_id "
        "JOIN participant p ON p.contest_id = r.contest_id AND p.person_id = b.person_id "
        "JOIN attempt a ON a.participant_id = p.id AND a.round_id = r.id AND a.state = 'open'",
        [start.round_id for start in starts],
        [start.person_id for start in starts],
        [start.arrived_at for start in starts],
    )
    return {
        (row["round_id"], row["person_id"]): Started(row["id"], is_resumed=True) for row in rows
    }


def _refuse_start() -> Refusal:
    """The statement found no room: the reading before it explains in detail (quiz.entering)."""
    return Refusal(
        "cannot_start",
        "Bạn chưa bắt đầu được: đợt thi không mở, hoặc bạn đã dùng hết lượt.",
    )


def refuse_outside_window(opens_at: datetime, closes_at: datetime, at: datetime) -> Refusal:
    if at < opens_at:
        return Refusal("not_open_yet", f"Đợt thi mở lúc {deadline_shown(opens_at)}.")
    return Refusal("round_closed", f"Đợt thi đã đóng lúc {deadline_shown(closes_at)}.")


def _ring_for_submissions(saves: Sequence[Save]) -> None:
    if any(save.is_submit for save in saves):
        enqueue("score_attempts")
