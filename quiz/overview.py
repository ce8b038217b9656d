"""What do those who manage contests see at a glance: banks, blueprints, pools, running attempts?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.db import pool
from core.errors import Refusal
from quiz.contests import ContestShown
from quiz.questions import available_counts, topics_of


@dataclass(frozen=True)
class BankShown:
    id: int
    code: str
    name: str
    question_count: int
    waiting_count: int  # in review


@dataclass(frozen=True)
class BlueprintLineShown:
    topic_name: str
    difficulty: str
    needed_count: int
    available_count: int  # in force on every day of the round


@dataclass(frozen=True)
class BlueprintShown:
    """What one round asks of the bank, for one division or for all that have no own paper."""

    round_name: str
    division_name: str | None
    lines: Sequence[BlueprintLineShown]


@dataclass(frozen=True)
class PoolShown:
    round_id: int
    round_name: str
    division_name: str | None
    question_count: int
    frozen_at: datetime
    digest: str


async def banks() -> list[BankShown]:
    rows = await pool().fetch(
        "SELECT b.id, b.code, b.name, count(q.id)::int AS question_count, "
        "count(q.id) FILTER (WHERE q.state = 'in_review')::int AS waiting_count "
        "FROM question_bank b LEFT JOIN question q ON q.bank_id = b.id "
        "GROUP BY b.id ORDER BY b.name, b.id"
    )
    return [BankShown(**row) for row in rows]


async def choose_bank(code: str) -> BankShown:
    """The bank with this code, else the first by name; refuses a house without any ("no_bank")."""
    held = await banks()
    if not held:
        raise Refusal("no_bank", "Chưa có ngân hàng câu hỏi nào. Bạn hãy tạo một ngân hàng trước.")
    return next((each for each in held if each.code == code), held[0])


async def used_counts(question_ids: Sequence[int]) -> dict[int, int]:
    """In how many frozen pools each of these questions is, whatever its version."""
    rows = await pool().fetch(
        "SELECT (q->>'question_id')::bigint AS id, count(*)::int AS count "
        "FROM pool p JOIN round r ON r.id = p.round_id JOIN contest c ON c.id = r.contest_id "
        "CROSS JOIN LATERAL jsonb_array_elements(p.content->'questions') q "
        "WHERE c.state <> 'rehearsal' AND (q->>'question_id')::bigint = ANY($1::bigint[]) "
        "GROUP BY 1",
        list(question_ids),
    )
    return {row["id"]: row["count"] for row in rows}


async def blueprints_of(contest: ContestShown) -> list[BlueprintShown]:
    """By round and division, each line beside what the bank has for it now."""
    names = await topics_of(contest.bank_id)
    found = []
    for each in contest.rounds:
        since, through = each.days
        available = await available_counts(contest.bank_id, on=since, through=through)
        rows = await pool().fetch(
            "SELECT b.division_id, t.code, b.difficulty, b.question_count FROM blueprint_line b "
            "JOIN topic t ON t.id = b.topic_id WHERE b.round_id = $1 "
            "ORDER BY b.division_id NULLS FIRST, t.name, b.difficulty",
            each.id,
        )
        for division_id in dict.fromkeys(row["division_id"] for row in rows):
            lines = [
                BlueprintLineShown(
                    names[row["code"]],
                    row["difficulty"],
                    row["question_count"],
                    available.get((row["code"], row["difficulty"]), 0),
                )
                for row in rows
                if row["division_id"] == division_id
            ]
            found.append(BlueprintShown(each.name, _division_name(contest, division_id), lines))
    return found


async def pools_of(contest: ContestShown) -> list[PoolShown]:
    rows = await pool().fetch(
        "SELECT p.round_id, r.name AS round_name, d.name AS division_name, p.frozen_at, p.digest, "
        "jsonb_array_length(p.content->'questions') AS question_count "
        "FROM pool p JOIN round r ON r.id = p.round_id LEFT JOIN division d ON d.id = p.division_id "
        "WHERE r.contest_id = $1 ORDER BY r.number, d.position NULLS FIRST",
        contest.id,
    )
    return [PoolShown(**row) for row in rows]


async def open_attempt_counts(round_ids: Sequence[int], *, at: datetime) -> dict[int, int]:
    """How many people are answering at this moment; by the index of open attempts."""
    rows = await pool().fetch(
        "SELECT round_id, count(*)::int AS count FROM attempt "
        "WHERE state = 'open' AND deadline_at > $2 AND round_id = ANY($1::bigint[]) "
        "GROUP BY round_id",
        list(round_ids),
        at,
    )
    return {row["round_id"]: row["count"] for row in rows}


def _division_name(contest: ContestShown, division_id: int | None) -> str | None:
    return next((each.name for each in contest.divisions if each.id == division_id), None)
