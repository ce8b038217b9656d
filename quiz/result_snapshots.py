"""What exactly was the final result of a round or a contest, and since when may everybody see it?

A snapshot names nobody: it holds the rules, the counts, the frozen number, every correction and
draw, and the SHA-256 of the whole ranking, one line a participant by receipt. Whoever has the list
can show that it is the one that was signed; names stand in the awards alone, so erasing a person
changes no signed figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from core import clock, db
from core.db import Connection
from core.errors import Refusal
from people.audit import record
from quiz.contests import rules_sentence

VERSION = 1
_BATCH = 5_000

_ROUND = """
SELECT c.slug, c.name, c.organiser, c.comparators, c.prediction, r.id AS round_id, r.number,
       r.name AS round_name, r.opens_at, r.closes_at, r.result, r.prediction_actual,
       r.prediction_frozen_at, r.finalised_at,
       (SELECT max(version) FROM rules_text t WHERE t.contest_id = c.id) AS rules_version
FROM round r JOIN contest c ON c.id = r.contest_id WHERE r.id = $1
"""
_DIVISIONS = """
SELECT d.name, count(s.id)::int AS people_count, coalesce(sum(s.attempt_count), 0)::int AS attempt_count
FROM division d JOIN round r ON r.contest_id = d.contest_id
LEFT JOIN standing s ON s.round_id = r.id AND s.division_id = d.id AND s.is_ranked
WHERE r.id = $1 GROUP BY d.id ORDER BY d.position, d.id
"""
_LINES = """
SELECT d.code, rank() OVER (PARTITION BY s.division_id ORDER BY s.rank_key) AS rank, a.receipt,
       s.points, s.correct_count, s.duration_ms, s.prediction, s.closed_at
FROM standing s JOIN attempt a ON a.id = s.attempt_id JOIN division d ON d.id = s.division_id
WHERE s.round_id = $1 AND s.is_ranked
ORDER BY d.position, d.id, s.rank_key, a.receipt
"""


@dataclass(frozen=True)
class SnapshotShown:
    """A signed result; `content` as `_round_content` makes it."""

    id: int
    contest_id: int
    round_id: int | None
    content: Mapping[str, Any]
    digest: str
    created_at: datetime
    published_at: datetime | None


async def sign_result(round_id: int, *, by: int | None) -> int:
    """Keep the final result of a round as it stands and return the snapshot's id; once for all.

    Refuses "not_final" before the round's result is final. A second call returns the first one's.
    """
    async with db.transaction() as connection:
        # One reading for counts, list and corrections: nothing may move between them.
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = await connection.fetchrow(_ROUND, round_id)
        if row is None:
            raise Refusal("not_found", "Không tìm thấy đợt thi này.")
        if row["result"] != "final":
            raise Refusal(
                "not_final", "Đợt thi chưa có kết quả chính thức. Hãy chốt kết quả trước."
            )
        content = await _round_content(connection, row)
        return await _keep(connection, round_id, content, by)


async def publish_result(snapshot_id: int, *, by: int | None) -> None:
    """Let everybody see a signed result with its winners; repeatable."""
    async with db.transaction() as connection:
        contest_id = await connection.fetchval(
            "UPDATE result_snapshot SET published_at = $2 WHERE id = $1 AND published_at IS NULL "
            "RETURNING contest_id",
            snapshot_id,
            clock.now(),
        )
        if contest_id is not None:
            await record(
                connection,
                by=by,
                action="publish_result",
                subject=f"contest:{contest_id}",
                detail={"snapshot_id": snapshot_id},
            )


async def snapshots_of(contest_id: int, *, only_published: bool = False) -> list[SnapshotShown]:
    """In the order of the rounds."""
    rows = await db.pool().fetch(
        "SELECT s.id, s.contest_id, s.round_id, s.content, s.digest, s.created_at, s.published_at "
        "FROM result_snapshot s LEFT JOIN round r ON r.id = s.round_id WHERE s.contest_id = $1 "
        "AND (NOT $2 OR s.published_at IS NOT NULL) ORDER BY r.number NULLS LAST",
        contest_id,
        only_published,
    )
    return [SnapshotShown(**row) for row in rows]


async def ranking_lines(connection: Connection, round_id: int) -> tuple[str, int]:
    """SHA-256 over the whole ranking, and how many lines it has; see `ranking_line`."""
    digest, count = hashlib.sha256(), 0
    async for row in connection.cursor(_LINES, round_id, prefetch=_BATCH):
        digest.update(ranking_line(row).encode())
        count += 1
    return digest.hexdigest(), count


def ranking_line(row: Mapping[str, Any]) -> str:
    """One participant: division;rank;receipt;thousandths of points;right answers;ms;guess;instant.

    UTF-8, ended by a line feed; the instant in UTC as ISO 8601 with microseconds; no guess: empty.
    """
    guess = "" if row["prediction"] is None else row["prediction"]
    closed_at = row["closed_at"].isoformat(timespec="microseconds")
    return (
        f"{row['code']};{row['rank']};{row['receipt']};{row['points']};{row['correct_count']};"
        f"{row['duration_ms']};{guess};{closed_at}\n"
    )


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 over canonical JSON: keys sorted, no spaces, instants as ISO 8601 in UTC."""
    return hashlib.sha256(_json(content)).hexdigest()


async def _round_content(connection: Connection, row: Any) -> dict[str, Any]:
    comparators = db.json_value(row["comparators"])
    ranking_digest, ranked_count = await ranking_lines(connection, row["round_id"])
    seal = await connection.fetchrow(
        "SELECT number, seal FROM audit_seal ORDER BY number DESC LIMIT 1"
    )
    content = {
        "version": VERSION,
        "contest": {name: row[name] for name in ("slug", "name", "organiser")},
        "round": {
            "number": row["number"],
            "name": row["round_name"],
            "opens_at": row["opens_at"],
            "closes_at": row["closes_at"],
            "finalised_at": row["finalised_at"],
        },
        "rules_version": row["rules_version"],
        "comparators": comparators,
        "ranking": rules_sentence(comparators, row["prediction"]),
        "prediction": {
            "target": row["prediction"],
            "actual": row["prediction_actual"],
            "frozen_at": row["prediction_frozen_at"],
        },
        "divisions": [dict(each) for each in await connection.fetch(_DIVISIONS, row["round_id"])],
        "ranked_count": ranked_count,
        "ranking_digest": ranking_digest,
        "corrections": await _corrections(connection, row["round_id"]),
        "disqualified_count": await connection.fetchval(
            "SELECT count(*) FROM standing WHERE round_id = $1 AND NOT is_ranked", row["round_id"]
        ),
        "appeals": await _appeals(connection, row["round_id"]),
        "draws": await _draws(connection, row["round_id"]),
        "audit_seal": dict(seal) if seal else None,
    }
    # As it will come out of the database again, so that the digest is of what is kept.
    return orjson.loads(_json(content))  # type: ignore[no-any-return]  # the dictionary just made


async def _corrections(connection: Connection, round_id: int) -> list[dict[str, Any]]:
    rows = await connection.fetch(
        "SELECT c.kind, c.reason, c.applied_at, v.text AS question FROM correction c "
        "LEFT JOIN question_version v ON v.id = c.question_version_id "
        "WHERE c.round_id = $1 AND c.state = 'applied' ORDER BY c.applied_at, c.id",
        round_id,
    )
    return [dict(row) for row in rows]


async def _appeals(connection: Connection, round_id: int) -> dict[str, int]:
    rows = await connection.fetch(
        "SELECT state, count(*)::int AS count FROM appeal WHERE round_id = $1 GROUP BY state",
        round_id,
    )
    return {row["state"]: row["count"] for row in rows}


async def _draws(connection: Connection, round_id: int) -> list[dict[str, Any]]:
    rows = await connection.fetch(
        "SELECT id, title, purpose, entrants_digest, winner_count, commitment, beacon_rule, "
        "beacon, secret, outcome, revealed_at FROM draw "
        "WHERE round_id = $1 AND revealed_at IS NOT NULL ORDER BY id",
        round_id,
    )
    return [{**row, "outcome": db.json_value(row["outcome"])} for row in rows]


async def _keep(
    connection: Connection, round_id: int, content: Mapping[str, Any], by: int | None
) -> int:
    digest = digest_of(content)
    row = await connection.fetchrow(
        "INSERT INTO result_snapshot (contest_id, round_id, content, digest, created_by_id, "
        "created_at) SELECT contest_id, id, $2::jsonb, $3, $4, $5 FROM round WHERE id = $1 "
        "ON CONFLICT DO NOTHING RETURNING id, contest_id",
        round_id,
        db.json_text(content),
        digest,
        by,
        clock.now(),
    )
    if row is None:
        return await connection.fetchval(  # type: ignore[no-any-return]  # an id
            "SELECT id FROM result_snapshot WHERE round_id = $1", round_id
        )
    await record(
        connection,
        by=by,
        action="sign_result",
        subject=f"contest:{row['contest_id']}",
        detail={"round_id": round_id, "digest": digest},
    )
    return row["id"]  # type: ignore[no-any-return]  # an id


def _json(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
