"""Who is out of the ranking, why, and since when? Attempts and scores stay as they are.

A disqualification is a case: it names a round or, without one, the whole contest; lifting it puts
everything back. Rounds whose result is final keep the ranking that was signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.text import clean
from people.audit import record
from quiz.standings import (
    count_buckets,
    find_excluded,
    find_standings,
    hold_round,
    write_standings,
)


@dataclass(frozen=True)
class DisqualificationShown:
    """One case; `lifted_at` is None while it holds."""

    id: int
    participant_id: int
    shown_name: str
    unit_name: str
    round_id: int | None
    reason: str
    by_name: str
    created_at: datetime
    lift_reason: str
    lifted_by_name: str
    lifted_at: datetime | None


@dataclass(frozen=True)
class Exclusion:
    """What a participant who is out of the ranking is told."""

    reason: str
    since: datetime
    is_whole_contest: bool


async def disqualify(
    participant_id: int, round_id: int | None, reason: str, *, by: int | None
) -> int:
    """Take a participant out of the ranking of one round, or of all that are not final.

    Refused: without a reason, twice, when every round concerned is final, while a draw that they
    may have entered waits for its number.
    """
    said = _reason(reason)
    async with transaction() as connection:
        contest_id, round_ids = await _hold(connection, participant_id, round_id)
        await _refuse_drawn(connection, round_ids, also_revealed=False)
        try:
            case_id = await connection.fetchval(
                "INSERT INTO disqualification (participant_id, round_id, reason, created_by_id, "
                "created_at, lift_reason) VALUES ($1, $2, $3, $4, clock_timestamp(), '') "
                "RETURNING id",
                participant_id,
                round_id,
                said,
                by,
            )
        except asyncpg.UniqueViolationError as error:
            raise Refusal(
                "already_disqualified", "Người này đã bị loại khỏi xếp hạng rồi."
            ) from error
        await _rank_again(connection, participant_id, round_ids)
        await record(
            connection,
            by=by,
            action="disqualify",
            subject=f"contest:{contest_id}",
            detail={"participant_id": participant_id, "round_id": round_id, "reason": said},
        )
    return int(case_id)


async def lift_disqualification(case_id: int, reason: str, *, by: int | None) -> None:
    """Put a participant back where their score belongs.

    Refused: without a reason, twice, when the rounds are final or places in them were drawn: the
    one who comes back would have had a lot in that draw.
    """
    said = _reason(reason)
    async with transaction() as connection:
        case = await connection.fetchrow(
            "SELECT participant_id, round_id FROM disqualification WHERE id = $1", case_id
        )
        if case is None:
            raise Refusal("not_found", "Không tìm thấy quyết định này.")
        contest_id, round_ids = await _hold(connection, case["participant_id"], case["round_id"])
        await _refuse_drawn(connection, round_ids, also_revealed=True)
        if not await connection.fetchval(
            "UPDATE disqualification SET lifted_at = clock_timestamp(), lifted_by_id = $2, "
            "lift_reason = $3 WHERE id = $1 AND lifted_at IS NULL RETURNING id",
            case_id,
            by,
            said,
        ):
            raise Refusal("wrong_state", "Quyết định này đã được gỡ rồi.")
        await _rank_again(connection, case["participant_id"], round_ids)
        await record(
            connection,
            by=by,
            action="lift_disqualification",
            subject=f"contest:{contest_id}",
            detail={**dict(case), "reason": said},
        )


async def disqualifications_of(contest_id: int) -> list[DisqualificationShown]:
    """Every case of a contest, those that hold first, then the newest."""
    rows = await pool().fetch(
        "SELECT d.id, d.participant_id, p.shown_name, u.name AS unit_name, d.round_id, d.reason, "
        "coalesce(x.full_name, '') AS by_name, d.created_at, d.lift_reason, "
        "coalesce(y.full_name, '') AS lifted_by_name, d.lifted_at FROM disqualification d "
        "JOIN participant p ON p.id = d.participant_id JOIN unit u ON u.id = p.unit_id "
        "LEFT JOIN account a ON a.id = d.created_by_id LEFT JOIN person x ON x.id = a.person_id "
        "LEFT JOIN account b ON b.id = d.lifted_by_id LEFT JOIN person y ON y.id = b.person_id "
        "WHERE p.contest_id = $1 ORDER BY d.lifted_at IS NOT NULL, d.id DESC",
        contest_id,
    )
    return [DisqualificationShown(**row) for row in rows]


async def find_exclusion(round_id: int, participant_id: int) -> Exclusion | None:
    """Why a participant is out of a round's ranking now; None when they are in it."""
    row = await pool().fetchrow(
        "SELECT reason, created_at, round_id IS NULL AS is_whole FROM disqualification "
        "WHERE participant_id = $2 AND lifted_at IS NULL AND coalesce(round_id, $1) = $1 "
        "ORDER BY round_id NULLS FIRST LIMIT 1",
        round_id,
        participant_id,
    )
    return None if row is None else Exclusion(row["reason"], row["created_at"], row["is_whole"])


async def _hold(
    connection: Connection, participant_id: int, round_id: int | None
) -> tuple[int, list[int]]:
    """The contest, and its rounds concerned that are not final, held in the order of their ids."""
    rows = await connection.fetch(
        "SELECT r.id, r.contest_id FROM participant p JOIN round r ON r.contest_id = p.contest_id "
        "WHERE p.id = $1 AND r.id = coalesce($2, r.id) ORDER BY r.id",
        participant_id,
        round_id,
    )
    if not rows:
        raise Refusal("not_found", "Không tìm thấy người dự thi này trong đợt thi.")
    for row in rows:
        await hold_round(connection, row["id"])
    open_ids = await connection.fetch(
        "SELECT id FROM round WHERE id = ANY($1::bigint[]) AND result <> 'final' ORDER BY id "
        "FOR SHARE",
        [row["id"] for row in rows],
    )
    if not open_ids:
        raise Refusal("already_final", "Kết quả đã chính thức, không thay đổi xếp hạng được nữa.")
    return rows[0]["contest_id"], [row["id"] for row in open_ids]


async def _refuse_drawn(
    connection: Connection, round_ids: Sequence[int], *, also_revealed: bool
) -> None:
    if await connection.fetchval(
        "SELECT EXISTS (SELECT FROM draw WHERE round_id = ANY($1::bigint[]) "
        "AND (outcome IS NULL OR ($2 AND outcome->'void' IS NULL)))",
        list(round_ids),
        also_revealed,
    ):
        raise Refusal(
            "drawn", "Đợt thi đang có bốc thăm theo danh sách hiện tại. Hãy hủy lần bốc thăm đó."
        )


async def _rank_again(
    connection: Connection, participant_id: int, round_ids: Sequence[int]
) -> None:
    which = [(round_id, participant_id) for round_id in round_ids]
    before = await find_standings(connection, which)
    excluded = await find_excluded(connection, before)
    after = {
        each: standing._replace(is_ranked=each not in excluded) for each, standing in before.items()
    }
    await write_standings(connection, after.values())
    await count_buckets(connection, before, after)


def _reason(reason: str) -> str:
    said = clean(reason)
    if not said:
        sentence = "Hãy ghi lý do: người dự thi sẽ đọc được lý do này."
        raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
    return said
