"""What becomes of a draft's parts after they were made: changed, removed, repeated a week later?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Unpack

import asyncpg

from core.db import Connection, json_text, transaction
from core.errors import Refusal
from core.text import clean, datetime_shown, deadline_shown
from quiz.contest_draft import lock_draft, lock_part, record_change, refuse_faults
from quiz.contest_making import (
    ContestFields,
    RoundFields,
    contest_columns,
    contest_faults,
    ranking_faults,
    round_columns,
    slug_taken,
)

WEEK = timedelta(days=7)
MOST_CLONES = 20
_NUMBER_AT_END = re.compile(r"\d+$")


async def edit_contest(
    contest_id: int, *, by: int | None = None, **fields: Unpack[ContestFields]
) -> None:
    """Put what a draft says of itself in the place of what it said; refuses as `make_contest`."""
    refuse_faults("bad_contest", contest_faults(fields))
    async with transaction() as connection:
        await lock_draft(connection, contest_id)
        try:
            await connection.execute(
                "UPDATE contest SET slug = $2, name = $3, summary = $4, audience = $5, "
                "organiser = $6, unit_id = $7, youngest_age = $8, oldest_age = $9, "
                "is_by_list = $10, is_one_prize = $11, review = $12, board_freeze_seconds = $13 "
                "WHERE id = $1",
                contest_id,
                *contest_columns(fields),
            )
        except asyncpg.UniqueViolationError:
            raise slug_taken(fields["slug"]) from None
        await record_change(connection, contest_id, by, "edit_contest", {"slug": fields["slug"]})


async def set_ranking(
    contest_id: int, comparators: Sequence[str], prediction: str, *, by: int | None = None
) -> None:
    """Say by what a draft ranks, the weightiest first, and which number people predict."""
    refuse_faults("bad_ranking", ranking_faults(comparators, prediction))
    async with transaction() as connection:
        await lock_draft(connection, contest_id)
        await connection.execute(
            "UPDATE contest SET comparators = $2::jsonb, prediction = $3 WHERE id = $1",
            contest_id,
            json_text(list(comparators)),
            prediction,
        )
        detail = {"comparators": list(comparators), "prediction": prediction}
        await record_change(connection, contest_id, by, "set_ranking", detail)


def moved(names: Sequence[str], name: str, *, up: bool) -> list[str]:
    """The names with one of them a place further up or down; at the end it stays."""
    order = list(names)
    if name in order:
        place = order.index(name)
        other = place - 1 if up else place + 1
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
    return order


def with_prediction(comparators: Sequence[str], prediction: str) -> list[str]:
    """Comparators that fit a prediction: its gap comes in behind the points, or goes."""
    order = list(comparators)
    if not prediction:
        return [name for name in order if name != "prediction_gap"]
    if "prediction_gap" not in order:
        order.insert(order.index("points") + 1 if "points" in order else 0, "prediction_gap")
    return order


async def rename_division(division_id: int, name: str, *, by: int | None = None) -> None:
    """Give a draft's division another name; its code stays, because people have declared it."""
    if not clean(name):
        sentence = "Thiếu tên bảng."
        raise Refusal("bad_division", sentence, fields={"name": sentence})
    async with transaction() as connection:
        contest_id = await lock_part(connection, "division", division_id)
        await connection.execute(
            "UPDATE division SET name = $2 WHERE id = $1", division_id, clean(name)
        )
        detail = {"division_id": division_id, "name": clean(name)}
        await record_change(connection, contest_id, by, "rename_division", detail)


async def remove_division(division_id: int, *, by: int | None = None) -> None:
    """Take a division out of a draft, with the blueprints and prizes that were its own."""
    async with transaction() as connection:
        contest_id = await lock_part(connection, "division", division_id)
        code = await connection.fetchval(
            "DELETE FROM division WHERE id = $1 RETURNING code", division_id
        )
        await record_change(connection, contest_id, by, "remove_division", {"code": code})


async def edit_round(
    round_id: int, *, by: int | None = None, **fields: Unpack[RoundFields]
) -> None:
    """Put a draft round's window and policy in the place of the old; refuses as `add_round`."""
    columns = round_columns(fields)
    async with transaction() as connection:
        contest_id = await lock_part(connection, "round", round_id)
        await connection.execute(
            "UPDATE round SET name = $2, opens_at = $3, closes_at = $4, opens_as_written = $5, "
            "closes_as_written = $6, time_limit_seconds = $7, attempt_limit = $8, counting = $9, "
            "cooldown_seconds = $10 WHERE id = $1",
            round_id,
            *columns,
        )
        await record_change(connection, contest_id, by, "edit_round", {"round_id": round_id})


async def remove_round(round_id: int, *, by: int | None = None) -> None:
    """Take a round out of a draft, with its blueprint and its own prizes."""
    async with transaction() as connection:
        contest_id = await lock_part(connection, "round", round_id)
        number = await connection.fetchval(
            "DELETE FROM round WHERE id = $1 RETURNING number", round_id
        )
        await record_change(connection, contest_id, by, "remove_round", {"number": number})


async def clone_round(round_id: int, *, count: int = 1, by: int | None = None) -> list[int]:
    """Repeat a draft's round in the following weeks and return the new rounds' ids.

    Each has the settings and the blueprints of the first and opens and closes exactly seven days
    after the one before, by the clock of Việt Nam, which has no summer time.
    """
    if not 1 <= count <= MOST_CLONES:
        sentence = f"Mỗi lần nhân từ 1 đến {MOST_CLONES} tuần."
        raise Refusal("bad_count", sentence, fields={"count": sentence})
    async with transaction() as connection:
        contest_id = await lock_part(connection, "round", round_id)
        source = await connection.fetchrow("SELECT * FROM round WHERE id = $1", round_id)
        number: int = await connection.fetchval(
            "SELECT max(number) FROM round WHERE contest_id = $1", contest_id
        )
        made = []
        for step in range(1, count + 1):
            made.append(
                await insert_shifted(
                    connection, source, contest_id, number=number + step, by=step * WEEK
                )
            )
            await copy_lines(connection, round_id, made[-1])
        detail = {"round_id": round_id, "count": count}
        await record_change(connection, contest_id, by, "clone_round", detail)
    return made


async def copy_blueprint(round_id: int, *, by: int | None = None) -> int:
    """Give every other round of the draft this round's blueprints; returns how many rounds."""
    async with transaction() as connection:
        contest_id = await lock_part(connection, "round", round_id)
        others = await connection.fetch(
            "SELECT id FROM round WHERE contest_id = $1 AND id <> $2", contest_id, round_id
        )
        for each in others:
            await connection.execute("DELETE FROM blueprint_line WHERE round_id = $1", each["id"])
            await copy_lines(connection, round_id, each["id"])
        await record_change(connection, contest_id, by, "copy_blueprint", {"round_id": round_id})
    return len(others)


def next_name(name: str, old_number: int, number: int) -> str:
    """Tuần 1 → Tuần 2; a name that does not end in its round's number gets the new one."""
    found = _NUMBER_AT_END.search(name)
    if found and int(found[0]) == old_number:
        return f"{name[: found.start()]}{number}"
    return f"{name}, đợt {number}"


async def insert_shifted(
    connection: Connection,
    source: asyncpg.Record,
    contest_id: int,
    *,
    number: int,
    by: timedelta,
    name: str | None = None,
) -> int:
    """A round like another one, so much later; without its blueprint."""
    opens_at, closes_at = source["opens_at"] + by, source["closes_at"] + by
    round_id: int = await connection.fetchval(
        "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
        "closes_as_written, time_limit_seconds, attempt_limit, counting, cooldown_seconds, "
        "result) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'none') RETURNING id",
        contest_id,
        number,
        name or next_name(source["name"], source["number"], number),
        opens_at,
        closes_at,
        datetime_shown(opens_at),
        deadline_shown(closes_at),
        source["time_limit_seconds"],
        source["attempt_limit"],
        source["counting"],
        source["cooldown_seconds"],
    )
    return round_id


async def copy_lines(connection: Connection, from_round_id: int, to_round_id: int) -> None:
    """Copy blueprints within one contest, those of single divisions too."""
    await connection.execute(
        "INSERT INTO blueprint_line (round_id, division_id, topic_id, difficulty, question_count) "
        "SELECT $2, division_id, topic_id, difficulty, question_count FROM blueprint_line "
        "WHERE round_id = $1",
        from_round_id,
        to_round_id,
    )
