"""What does a rehearsal play against: a copy of a round that nobody else sees and that leaves no trace?

The shadow is a contest of the state "rehearsal" with the same rules, blueprint and frozen papers. Its
address is drawn at random, only its invented people are on its list, and every list of contests
leaves it out. Removing it takes every row of it away, papers too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from core import db
from core.clock import now
from core.db import Connection
from core.errors import Refusal
from people.invented import invent_people, remove_invented
from quiz.contest_copying import copy_divisions, copy_lines, copy_settings
from quiz.contests import SHADOW_STATE
from quiz.standings import hold_round

# Longer than any rehearsal, so that no job ever meets a shadow that has closed.
OPEN_FOR = timedelta(hours=6)
# By round and without a foreign key: what was still being written may come after the round is gone.
_COUNTS = (
    "suspicion", "round_minute", "question_statistic", "round_statistic", "topic_statistic",
    "score_tally", "participation", "standing_bucket",
)  # fmt: skip
# In the order in which rows refer to each other.
_OF_ROUNDS = (
    *(f"DELETE FROM {table} WHERE round_id = ANY($1)" for table in _COUNTS),  # noqa: S608 — our own tables
    "DELETE FROM board_snapshot WHERE round_id = ANY($1)",
    "DELETE FROM standing WHERE round_id = ANY($1)",
    "DELETE FROM unscored WHERE round_id = ANY($1)",
    "DELETE FROM score WHERE attempt_id IN (SELECT id FROM attempt WHERE round_id = ANY($1))",
    "DELETE FROM attempt WHERE round_id = ANY($1)",
    "DELETE FROM pool WHERE round_id = ANY($1)",
)
_OF_CONTESTS = (
    "DELETE FROM participant WHERE contest_id = ANY($1)",
    "DELETE FROM contest WHERE id = ANY($1)",
)


@dataclass(frozen=True)
class Shadow:
    """Where the crowd plays, and the sessions that it plays with."""

    round_id: int
    slug: str
    tokens: Sequence[str]


@dataclass(frozen=True)
class Kept:
    """What the crowd was told of one attempt."""

    saved_seq: int
    receipt: str | None


async def make_shadow(round_id: int, people_count: int) -> Shadow:
    """Copy a published round and invent its people; refused while its papers are not frozen."""
    async with db.transaction() as connection:
        source = await connection.fetchrow("SELECT * FROM round WHERE id = $1", round_id)
        if source is None:
            raise Refusal("not_found", "Không tìm thấy đợt thi này.")
        slug = f"dien-tap-{secrets.token_hex(16)}"
        contest_id = await copy_settings(
            connection,
            source["contest_id"],
            slug=slug,
            name="Diễn tập",
            by=None,
            state=SHADOW_STATE,
        )
        divisions = await copy_divisions(connection, source["contest_id"], contest_id)
        shadow_id = await _copy_round(connection, round_id, contest_id)
        await copy_lines(connection, round_id, shadow_id, divisions)
        await _copy_papers(connection, round_id, shadow_id, divisions)
        await _copy_rules(connection, source["contest_id"], contest_id)
        codes = await connection.fetch(
            "SELECT code FROM division WHERE contest_id = $1 ORDER BY position, id", contest_id
        )
        invented = await invent_people(connection, people_count, [row["code"] for row in codes])
        await connection.execute(
            "INSERT INTO eligibility (contest_id, phone, note) "
            "SELECT $1, phone, '' FROM unnest($2::text[]) phone",
            contest_id,
            list(invented.phones),
        )
    return Shadow(shadow_id, slug, invented.tokens)


async def has_shadow() -> bool:
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # one boolean
        "SELECT EXISTS (SELECT FROM contest WHERE state = $1)", SHADOW_STATE
    )


async def remove_shadows() -> None:
    """Remove every shadow and whoever was invented for it; repeatable."""
    async with db.transaction() as connection:
        rows = await connection.fetch(
            "SELECT c.id AS contest_id, r.id AS round_id FROM contest c "
            "LEFT JOIN round r ON r.contest_id = c.id WHERE c.state = $1",
            SHADOW_STATE,
        )
        round_ids = [row["round_id"] for row in rows if row["round_id"] is not None]
        contest_ids = [row["contest_id"] for row in rows]
        for round_id in sorted(round_ids):
            await hold_round(connection, round_id)  # nobody writes a score of what is removed
        for statement in _OF_ROUNDS:
            await connection.execute(statement, round_ids)
        for statement in _OF_CONTESTS:
            await connection.execute(statement, contest_ids)
        await remove_invented(connection)


async def remove_late_counts(round_ids: Sequence[int]) -> None:
    """What some process had counted of a shadow and wrote after it was gone; repeatable."""
    for table in _COUNTS:
        await db.pool().execute(
            f"DELETE FROM {table} c WHERE round_id = ANY($1::bigint[]) "  # noqa: S608 — our own tables
            "AND NOT EXISTS (SELECT FROM round r WHERE r.id = c.round_id)",
            list(round_ids),
        )


async def count_lost(acknowledged: Mapping[UUID, Kept]) -> int:
    """How many attempts lack something that the crowd was told to be kept."""
    rows = await db.pool().fetch(
        "SELECT id, saved_seq, receipt FROM attempt WHERE id = ANY($1::uuid[])", list(acknowledged)
    )
    found = {row["id"]: row for row in rows}
    return sum(
        attempt_id not in found
        or found[attempt_id]["saved_seq"] < told.saved_seq
        or (told.receipt is not None and found[attempt_id]["receipt"] != told.receipt)
        for attempt_id, told in acknowledged.items()
    )


async def scoring_p95_seconds(round_id: int) -> float | None:
    """How long 95 of 100 papers waited for their score; None while some still wait or none came."""
    row = await db.pool().fetchrow(
        "SELECT count(*) FILTER (WHERE s.attempt_id IS NULL) AS waiting, "
        "percentile_cont(0.95) WITHIN GROUP "
        "  (ORDER BY extract(epoch FROM s.scored_at - a.closed_at)::float8) AS p95 "
        "FROM attempt a LEFT JOIN score s ON s.attempt_id = a.id "
        "WHERE a.round_id = $1 AND a.state <> 'open'",
        round_id,
    )
    if row is None or row["waiting"] or row["p95"] is None:
        return None
    return max(0.0, float(row["p95"]))


async def _copy_round(connection: Connection, round_id: int, contest_id: int) -> int:
    opens_at = now() - timedelta(minutes=1)
    return await connection.fetchval(  # type: ignore[no-any-return]  # one bigint
        "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
        "closes_as_written, time_limit_seconds, attempt_limit, counting, cooldown_seconds, result) "
        "SELECT $2, 1, 'Diễn tập', $3, $4, '', '', time_limit_seconds, attempt_limit, counting, "
        "cooldown_seconds, 'none' FROM round WHERE id = $1 RETURNING id",
        round_id,
        contest_id,
        opens_at,
        opens_at + OPEN_FOR,
    )


async def _copy_papers(
    connection: Connection, round_id: int, shadow_id: int, divisions: Mapping[int, int]
) -> None:
    done = await connection.execute(
        "INSERT INTO pool (round_id, division_id, content, digest, frozen_at) "
        "SELECT $2, d.id, p.content, p.digest, p.frozen_at FROM pool p "
        "LEFT JOIN unnest($3::bigint[], $4::bigint[]) AS d (old_id, id) "
        "ON d.old_id = p.division_id WHERE p.round_id = $1",
        round_id,
        shadow_id,
        list(divisions),
        list(divisions.values()),
    )
    if done == "INSERT 0 0":
        raise Refusal("no_paper", "Đợt thi chưa có đề đã khóa nên chưa diễn tập được.")


async def _copy_rules(connection: Connection, source_id: int, contest_id: int) -> None:
    await connection.execute(
        "UPDATE contest SET unit_id = NULL, youngest_age = NULL, oldest_age = NULL, "
        "is_by_list = true, board_freeze_seconds = 0 WHERE id = $1",
        contest_id,
    )
    await connection.execute(
        "INSERT INTO rules_text (contest_id, version, body, change_note, published_at) "
        "SELECT $2, 1, body, '', $3 FROM rules_text WHERE contest_id = $1 "
        "ORDER BY version DESC LIMIT 1",
        source_id,
        contest_id,
        now(),
    )
