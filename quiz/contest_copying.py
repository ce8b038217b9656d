"""How does last year's contest become the draft of this year's?"""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg

from core import clock
from core.clock import local_day
from core.db import Connection, transaction
from core.errors import Refusal
from core.text import clean
from quiz.contest_draft import record_change, refuse_faults
from quiz.contest_editing import WEEK, insert_shifted
from quiz.contest_making import contest_faults, slug_taken


async def copy_contest(
    source_id: int, *, slug: str, name: str, by: int | None, opens_on: date | None = None
) -> int:
    """Make a draft with the settings of another contest and return its id.

    Texts, divisions, rounds, blueprints, ranking and prizes come along; rules, lists of people and
    results do not. Rounds keep their clock times and distances: the first opens on `opens_on`, or
    on the same weekday of the next week to come.
    """
    refuse_faults("bad_contest", contest_faults({"slug": slug, "name": name}))
    async with transaction() as connection:
        contest_id = await copy_settings(connection, source_id, slug=slug, name=name, by=by)
        divisions = await copy_divisions(connection, source_id, contest_id)
        rounds = await connection.fetch(
            "SELECT * FROM round WHERE contest_id = $1 ORDER BY number", source_id
        )
        later = _shift(rounds, opens_on)
        made = {}
        for each in rounds:
            made[each["id"]] = await insert_shifted(
                connection, each, contest_id, number=each["number"], by=later, name=each["name"]
            )
            await copy_lines(connection, each["id"], made[each["id"]], divisions)
        await _copy_prizes(connection, source_id, contest_id, made, divisions)
        await record_change(connection, contest_id, by, "copy_contest", {"from": source_id})
    return contest_id


async def copy_settings(
    connection: Connection,
    source_id: int,
    *,
    slug: str,
    name: str,
    by: int | None,
    state: str = "draft",
) -> int:
    """The contest's own row under another slug and name, inside the caller's transaction."""
    try:
        contest_id: int | None = await connection.fetchval(
            "INSERT INTO contest (slug, name, summary, audience, organiser, bank_id, unit_id, "
            "youngest_age, oldest_age, is_by_list, is_one_prize, state, comparators, prediction, "
            "review, board_freeze_seconds, created_by_id, created_at) "
            "SELECT $2, $3, summary, audience, organiser, bank_id, unit_id, youngest_age, "
            "oldest_age, is_by_list, is_one_prize, $6, comparators, prediction, review, "
            "board_freeze_seconds, $4, $5 FROM contest WHERE id = $1 RETURNING id",
            source_id,
            slug,
            clean(name),
            by,
            clock.now(),
            state,
        )
    except asyncpg.UniqueViolationError:
        raise slug_taken(slug) from None
    if contest_id is None:
        raise Refusal("not_found", "Không tìm thấy cuộc thi để sao chép.")
    return contest_id


async def copy_divisions(connection: Connection, source_id: int, contest_id: int) -> dict[int, int]:
    """The copies by the ids of what was copied."""
    rows = await connection.fetch(
        "WITH made AS (INSERT INTO division (contest_id, code, name, position) "
        "SELECT $2, code, name, position FROM division WHERE contest_id = $1 RETURNING id, code) "
        "SELECT old.id AS old_id, made.id FROM made JOIN division old USING (code) "
        "WHERE old.contest_id = $1",
        source_id,
        contest_id,
    )
    return {row["old_id"]: row["id"] for row in rows}


async def copy_lines(
    connection: Connection, old_round_id: int, round_id: int, divisions: dict[int, int]
) -> None:
    """A round's blueprint, for the divisions as `copy_divisions` gives them."""
    await connection.execute(
        "INSERT INTO blueprint_line (round_id, division_id, topic_id, difficulty, question_count) "
        "SELECT $2, d.id, b.topic_id, b.difficulty, b.question_count FROM blueprint_line b "
        "LEFT JOIN unnest($3::bigint[], $4::bigint[]) AS d (old_id, id) "
        "ON d.old_id = b.division_id WHERE b.round_id = $1",
        old_round_id,
        round_id,
        list(divisions),
        list(divisions.values()),
    )


async def _copy_prizes(
    connection: Connection,
    source_id: int,
    contest_id: int,
    rounds: dict[int, int],
    divisions: dict[int, int],
) -> None:
    await connection.execute(
        "INSERT INTO prize (contest_id, round_id, division_id, kind, measure, block, name, "
        "prize_count, reward, position) SELECT $2, r.id, d.id, p.kind, p.measure, p.block, "
        "p.name, p.prize_count, p.reward, p.position FROM prize p "
        "LEFT JOIN unnest($3::bigint[], $4::bigint[]) AS r (old_id, id) ON r.old_id = p.round_id "
        "LEFT JOIN unnest($5::bigint[], $6::bigint[]) AS d (old_id, id) "
        "ON d.old_id = p.division_id WHERE p.contest_id = $1",
        source_id,
        contest_id,
        list(rounds),
        list(rounds.values()),
        list(divisions),
        list(divisions.values()),
    )


def _shift(rounds: list[asyncpg.Record], opens_on: date | None) -> timedelta:
    """Whole days, so that every clock time stays; Việt Nam has no summer time."""
    if not rounds:
        return timedelta()
    first = min(local_day(each["opens_at"]) for each in rounds)
    if opens_on is not None:
        return opens_on - first
    later = timedelta()
    while first + later <= local_day(clock.now()):
        later += WEEK
    return later
