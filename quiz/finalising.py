"""How does a closed round get its true number and its final ranks?

The number that people predicted is counted once, frozen, and from then on ranks everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core import db
from core.db import Connection
from core.errors import Refusal
from people.audit import record
from quiz.granted import LAST_CLOSE
from quiz.ranking import Counted, bucket, rank_key
from quiz.standings import count_buckets_again

_ACTUAL = {
    "people": "SELECT count(*) FROM standing WHERE round_id = $1 AND is_ranked",
    "attempts": "SELECT coalesce(sum(attempt_count), 0) FROM standing "
    "WHERE round_id = $1 AND is_ranked",
    "people_all_correct": "SELECT count(*) FROM standing WHERE round_id = $1 AND is_ranked "
    "AND correct_count = question_count AND question_count > 0",
}
_BATCH = 10_000


async def mark_provisional() -> int:
    """Rounds that have closed for everybody and whose attempts are all scored; repeatable."""
    rows = await db.pool().fetch(
        "UPDATE round r SET result = 'provisional' WHERE r.result = 'none' "  # noqa: S608 — only our own condition is put in
        f"AND {LAST_CLOSE} < clock_timestamp() AND NOT EXISTS (SELECT FROM attempt a "
        "WHERE a.round_id = r.id AND (a.state = 'open' OR NOT a.is_scored)) RETURNING r.id"
    )
    return len(rows)


async def freeze_prediction(round_id: int, *, by: int | None) -> int | None:
    """Count the true number once, freeze it and rank everybody by it; returns the number.

    A second call changes nothing. Refused while the round is open or attempts wait for a score.
    """
    async with db.transaction() as connection:
        row = await connection.fetchrow(
            "SELECT r.result, r.prediction_actual, c.prediction, c.comparators, c.id AS contest_id "
            "FROM round r JOIN contest c ON c.id = r.contest_id WHERE r.id = $1 FOR UPDATE OF r",
            round_id,
        )
        if row is None:
            raise Refusal("not_found", "Không tìm thấy đợt thi này.")
        if row["result"] == "final":
            return row["prediction_actual"]  # type: ignore[no-any-return]  # a bigint column
        if row["result"] == "none":
            raise Refusal(
                "not_provisional", "Đợt thi chưa đóng hoặc còn bài chưa chấm; hãy thử lại sau."
            )
        actual = (
            await connection.fetchval(_ACTUAL[row["prediction"]], round_id)
            if row["prediction"]
            else None
        )
        await connection.execute(
            "UPDATE round SET prediction_actual = $2, result = 'final' WHERE id = $1",
            round_id,
            actual,
        )
        comparators = db.json_value(row["comparators"])
        await rank_again(connection, round_id, comparators, actual)
        await record(
            connection,
            by=by,
            action="freeze_prediction",
            subject=f"contest:{row['contest_id']}",
            detail={"round_id": round_id, "actual": actual},
        )
    return actual


async def rank_again(
    connection: Connection, round_id: int, comparators: Sequence[str], actual: int | None
) -> None:
    """Write every rank key of a round anew, and the bucket counts with them."""
    last_id = 0
    while rows := await connection.fetch(
        "SELECT id, points, duration_ms, closed_at, prediction, draw_order FROM standing "
        "WHERE round_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        round_id,
        last_id,
        _BATCH,
    ):
        keys = [rank_key(comparators, _counted(row), actual, row["draw_order"]) for row in rows]
        await connection.execute(
            "UPDATE standing s SET rank_key = b.key, bucket = b.bucket "
            "FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS b (id, key, bucket) "
            "WHERE s.id = b.id",
            [row["id"] for row in rows],
            keys,
            [bucket(key) for key in keys],
        )
        last_id = rows[-1]["id"]
    await count_buckets_again(connection, round_id)


def _counted(row: Any) -> Counted:
    return Counted(row["points"], row["duration_ms"], row["closed_at"], row["prediction"])
