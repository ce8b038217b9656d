"""Which patterns were found in a round, by whom were they looked at, and with what conclusion?

Found by a job over closed attempts, off the way of those who take part. A flag changes nothing by
itself; a person looks at it, dismisses it or pursues it, and says why.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core import db
from core.db import Connection
from core.errors import Refusal
from core.queue import enqueue
from people.audit import record
from quiz.drawing import Paper
from quiz.frozen import paper_of
from quiz.patterns import TOGETHER, Chosen, Earlier, Flag, Seen, fast_pace_ms, find_flags
from quiz.scoring import POINT, question_points

STATES = ("new", "pursued", "dismissed")
LONGEST_NOTE = 1000
PAGE_SIZE = 30
# Each look goes back a little further than the time between two of them.
LOOK_BACK = timedelta(minutes=7)
BATCH = 2_000
BATCHES_A_JOB = 10
PACES_SAMPLED = 2_000
# Drawing papers is work of a third of a millisecond; scoring goes on in between.
PAPERS_WITHOUT_PAUSE = 25


@dataclass(frozen=True)
class SuspicionShown:
    """`evidence` as quiz.patterns wrote it; `others` names the participants whom it mentions."""

    id: int
    round_name: str
    participant_id: int
    full_name: str
    unit_name: str
    pattern: str
    evidence: Mapping[str, Any]
    others: Sequence[str]
    state: str
    note: str
    reviewed_by: str
    reviewed_at: datetime | None
    found_at: datetime


@dataclass(frozen=True)
class SuspicionPage:
    rows: Sequence[SuspicionShown]
    page: int
    page_count: int
    counts: Mapping[str, int]  # by state


async def look_at_running_rounds() -> int:
    """Look at what was closed lately in every round that runs or has just closed; repeatable."""
    rows = await db.pool().fetch(
        "SELECT DISTINCT round_id FROM round_minute "
        "WHERE minute_at > clock_timestamp() - $1::interval AND submit_count > 0",
        LOOK_BACK,
    )
    since = db.database_clock().now() - LOOK_BACK
    found = 0
    for row in rows:
        at: datetime | None = since
        while at is not None:
            flags, at = await _look(row["round_id"], at)
            found += flags
    return found


def ask_to_look_again(round_id: int) -> None:
    """Have the worker go through the whole round from its beginning."""
    enqueue("look_for_suspicions", round_id, 0)


async def look_again(round_id: int, since_us: int) -> int:
    """Go through a part of a round and ring for the next one; `since_us` is in epoch microseconds."""
    at: datetime | None = datetime.fromtimestamp(since_us / 1e6, UTC)
    found = 0
    for _ in range(BATCHES_A_JOB):
        if at is None:
            return found
        flags, at = await _look(round_id, at)
        found += flags
    if at is not None:
        enqueue("look_for_suspicions", round_id, round(at.timestamp() * 1e6))
    return found


async def suspicions_of(contest_id: int, *, state: str, page: int = 1) -> SuspicionPage:
    """The flags of a contest in one state, the newest first."""
    rows = await db.pool().fetch(
        "SELECT s.state, count(*)::int AS count FROM suspicion s JOIN round r ON r.id = s.round_id "
        "WHERE r.contest_id = $1 GROUP BY s.state",
        contest_id,
    )
    counts = dict.fromkeys(STATES, 0) | {row["state"]: row["count"] for row in rows}
    page_count = max(1, -(-counts.get(state, 0) // PAGE_SIZE))
    page = min(max(1, page), page_count)
    found = await db.pool().fetch(
        "SELECT s.id, r.name AS round_name, s.participant_id, h.full_name, u.name AS unit_name, "
        "s.pattern, s.evidence, s.state, s.note, coalesce(w.full_name, '') AS reviewed_by, "
        "s.reviewed_at, s.found_at "
        "FROM suspicion s JOIN round r ON r.id = s.round_id "
        "JOIN participant p ON p.id = s.participant_id JOIN person h ON h.id = p.person_id "
        "JOIN unit u ON u.id = p.unit_id "
        "LEFT JOIN account a ON a.id = s.reviewed_by_id LEFT JOIN person w ON w.id = a.person_id "
        "WHERE r.contest_id = $1 AND s.state = $2 ORDER BY s.found_at DESC, s.id DESC "
        "LIMIT $3 OFFSET $4",
        contest_id,
        state,
        PAGE_SIZE,
        (page - 1) * PAGE_SIZE,
    )
    names = await _names({other for row in found for other in row["evidence"].get("others", ())})
    return SuspicionPage(
        [
            SuspicionShown(
                **row, others=[names[other] for other in row["evidence"].get("others", ())]
            )
            for row in found
        ],
        page,
        page_count,
        counts,
    )


async def review_suspicion(
    contest_id: int, suspicion_id: int, *, state: str, note: str, by: int | None
) -> None:
    """Conclude about a flag, or open it again; each conclusion is recorded with its reason."""
    if state not in STATES:
        raise Refusal("bad_state", "Hãy chọn kết luận.", fields={"ket_luan": "Hãy chọn kết luận."})
    if not note or len(note) > LONGEST_NOTE:
        sentence = f"Hãy ghi căn cứ của kết luận, không quá {LONGEST_NOTE} chữ."
        raise Refusal("no_reason", sentence, fields={"ghi_chu": sentence})
    async with db.transaction() as connection:
        reviewed = await connection.fetchrow(
            "UPDATE suspicion s SET state = $3, note = $4, reviewed_by_id = $5, "
            "reviewed_at = clock_timestamp() FROM round r "
            "WHERE s.id = $2 AND r.id = s.round_id AND r.contest_id = $1 "
            "RETURNING s.participant_id, s.pattern",
            contest_id,
            suspicion_id,
            state,
            note,
            by,
        )
        if reviewed is None:
            raise Refusal("not_found", "Không tìm thấy dấu hiệu này.")
        await record(
            connection,
            by=by,
            action="review_suspicion",
            subject=f"contest:{contest_id}",
            detail={"suspicion_id": suspicion_id, "state": state, "note": note, **reviewed},
        )


async def _look(round_id: int, since: datetime) -> tuple[int, datetime | None]:
    """Flag one batch; also says from where the next one goes on, None at the end.

    The next batch begins a minute before the end of this one, so no pair falls between two.
    """
    rows = await db.pool().fetch(
        "SELECT a.id, a.participant_id, a.unit_id, a.pool_id, a.seed, a.drawing_version, "
        "a.answers, a.closed_at, s.duration_ms, s.correct_count, s.question_count "
        "FROM attempt a JOIN score s ON s.attempt_id = a.id "
        "WHERE a.round_id = $1 AND a.state <> 'open' AND a.closed_at >= $2 AND s.question_count > 0 "
        "ORDER BY a.closed_at LIMIT $3",
        round_id,
        since,
        BATCH,
    )
    seen = []
    for number, row in enumerate(rows):
        if number % PAPERS_WITHOUT_PAUSE == 0:
            await asyncio.sleep(0)
        paper = await paper_of(db.pool(), row["pool_id"], row["seed"], row["drawing_version"])
        seen.append(_seen(row, paper))
    earlier = await _earlier(round_id, {each.participant_id for each in seen})
    flags = find_flags(seen, earlier, fast_pace_ms(await _paces(round_id)))
    await _keep(round_id, flags)
    if len(rows) < BATCH:
        return len(flags), None
    last = rows[-1]["closed_at"]
    # So many within a minute: the minute cannot be looked at again, or the job would stand still.
    again = last - TOGETHER if last - TOGETHER > since else last
    return len(flags), again if again > since else last + timedelta(microseconds=1)


def _seen(row: Any, paper: Paper) -> Seen:
    chosen: dict[int, Chosen] = {}
    wrong = set()
    for position, each in enumerate(paper, start=1):
        picked = row["answers"].get(str(position), ())
        order = each.option_order
        places = frozenset(order[shown - 1] for shown in picked if 1 <= shown <= len(order))
        chosen[each.question.id] = places
        if places and question_points(each, picked) < POINT:
            wrong.add((each.question.id, places))
    return Seen(
        row["id"],
        row["participant_id"],
        row["unit_id"],
        row["closed_at"],
        row["duration_ms"],
        row["correct_count"],
        row["question_count"],
        chosen,
        frozenset(wrong),
    )


async def _earlier(round_id: int, participant_ids: Iterable[int]) -> dict[int, list[Earlier]]:
    found: dict[int, list[Earlier]] = defaultdict(list)
    for row in await db.pool().fetch(
        "SELECT a.participant_id, a.closed_at, s.duration_ms, s.correct_count, s.question_count "
        "FROM attempt a JOIN score s ON s.attempt_id = a.id "
        "WHERE a.participant_id = ANY($2::bigint[]) AND a.round_id = $1 AND s.question_count > 0",
        round_id,
        list(participant_ids),
    ):
        found[row["participant_id"]].append(
            Earlier(
                row["closed_at"], row["duration_ms"], row["correct_count"], row["question_count"]
            )
        )
    return found


async def _paces(round_id: int) -> list[float]:
    """What the latest attempts of the round took a question, in milliseconds."""
    rows = await db.pool().fetch(
        "SELECT s.duration_ms::float8 / s.question_count AS pace FROM attempt a "
        "JOIN score s ON s.attempt_id = a.id WHERE a.round_id = $1 AND a.state <> 'open' "
        "AND s.question_count > 0 ORDER BY a.closed_at DESC LIMIT $2",
        round_id,
        PACES_SAMPLED,
    )
    return [row["pace"] for row in rows]


async def _keep(round_id: int, flags: Sequence[Flag]) -> None:
    """New flags, and newer evidence for those that nobody has looked at yet."""
    if not flags:
        return
    connection: Connection = db.pool()
    await connection.execute(
        "INSERT INTO suspicion AS s (round_id, participant_id, pattern, evidence, state, note, "
        "found_at) SELECT $1, b.participant_id, b.pattern, b.evidence, 'new', '', "
        "clock_timestamp() FROM unnest($2::bigint[], $3::text[], $4::jsonb[]) "
        "  AS b (participant_id, pattern, evidence) "
        "ON CONFLICT (round_id, participant_id, pattern) DO UPDATE "
        "SET evidence = excluded.evidence, found_at = excluded.found_at "
        "WHERE s.state = 'new' AND s.evidence <> excluded.evidence",
        round_id,
        [flag.participant_id for flag in flags],
        [flag.pattern for flag in flags],
        [flag.evidence for flag in flags],
    )


async def _names(participant_ids: Iterable[int]) -> dict[int, str]:
    rows = await db.pool().fetch(
        "SELECT p.id, h.full_name FROM participant p JOIN person h ON h.id = p.person_id "
        "WHERE p.id = ANY($1::bigint[])",
        list(participant_ids),
    )
    return {row["id"]: row["full_name"] for row in rows}
