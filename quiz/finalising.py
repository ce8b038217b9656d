"""How does a closed round get its true number and its final ranks?

A round's result goes one way: none → provisional (closed, everything scored) → provisional with
the prediction frozen, while appeals are heard → final. Corrections and disqualifications are
possible until it is final; the true number is counted once and stays, whatever comes after.

The number counts those who are in the ranking at the moment of freezing, after all corrections and
disqualifications made until then: `people` with at least one scored attempt; `attempts`, all the
scored attempts of these people; `people_all_correct`, people whose counted attempt has every
question right that was not taken out. All divisions of the round together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import db
from core.db import Connection
from core.errors import Refusal
from core.text import clean
from people.audit import record
from quiz.granted import LAST_CLOSE
from quiz.ranking import Counted, bucket, rank_key
from quiz.standings import count_buckets_again, hold_round

_ACTUAL = {
    "people": "SELECT count(*) FROM standing WHERE round_id = $1 AND is_ranked",
    "attempts": "SELECT coalesce(sum(attempt_count), 0) FROM standing "
    "WHERE round_id = $1 AND is_ranked",
    "people_all_correct": "SELECT count(*) FROM standing WHERE round_id = $1 AND is_ranked "
    "AND correct_count = question_count AND question_count > 0",
}
_BATCH = 10_000
_NOT_PROVISIONAL = (
    "not_provisional",
    "Đợt thi chưa đóng hoặc còn bài chưa chấm; hãy thử lại sau.",
)
# Those who are inside have a small index, those who wait for a score a table of their own.
_SOMEBODY_WAITS = """
    (EXISTS (SELECT FROM attempt WHERE round_id = {round_id} AND state = 'open')
     OR EXISTS (SELECT FROM unscored WHERE round_id = {round_id}))
"""
_WAITING = {
    "not_provisional": (  # somebody was given more time after the close
        f"SELECT {_SOMEBODY_WAITS.format(round_id='$1')}",
        _NOT_PROVISIONAL[1],
    ),
    "corrections_waiting": (
        "SELECT EXISTS (SELECT FROM correction WHERE round_id = $1 "
        "AND state IN ('proposed', 'approved'))",
        "Còn điều chỉnh đáp án chưa xử lý xong. Hãy duyệt hoặc rút lại trước.",
    ),
    "draw_waiting": (
        "SELECT EXISTS (SELECT FROM draw WHERE round_id = $1 AND outcome IS NULL)",
        "Còn lần bốc thăm chưa công bố kết quả. Hãy hoàn tất hoặc hủy trước.",
    ),
    "appeals_open": (
        "SELECT EXISTS (SELECT FROM appeal WHERE round_id = $1 AND state = 'open')",
        "Còn khiếu nại chưa có quyết định. Hãy trả lời hết trước khi chốt.",
    ),
}


async def mark_provisional() -> int:
    """Rounds that have closed and whose attempts are all scored; repeatable."""
    rows = await db.pool().fetch(
        "UPDATE round r SET result = 'provisional' WHERE r.result = 'none' "  # noqa: S608 — only our own condition is put in
        f"AND {LAST_CLOSE} < clock_timestamp() "
        f"AND NOT {_SOMEBODY_WAITS.format(round_id='r.id')} RETURNING r.id"
    )
    return len(rows)


async def freeze_prediction(
    round_id: int, *, by: int | None, appeals_until: datetime | None = None
) -> int | None:
    """Count the true number once, freeze it and rank everybody by it; returns the number.

    The result stays provisional until `finalise_round`; appeals are taken until `appeals_until`,
    None where the rules know none. A second call changes nothing. Refused while the round is open,
    attempts wait for a score or corrections wait for a decision.
    """
    async with db.transaction() as connection:
        row = await _hold(connection, round_id)
        if row["prediction_frozen_at"] is not None:
            return row["prediction_actual"]  # type: ignore[no-any-return]  # a bigint column
        if row["result"] != "provisional":
            raise Refusal(*_NOT_PROVISIONAL)
        await _refuse_waiting(connection, round_id, ["not_provisional", "corrections_waiting"])
        actual = (
            await connection.fetchval(_ACTUAL[row["prediction"]], round_id)
            if row["prediction"]
            else None
        )
        await connection.execute(
            "UPDATE round SET prediction_actual = $2, prediction_frozen_at = clock_timestamp(), "
            "appeals_until = $3 WHERE id = $1",
            round_id,
            actual,
            appeals_until,
        )
        comparators = db.json_value(row["comparators"])
        await rank_again(connection, round_id, comparators, actual)
        await record(
            connection,
            by=by,
            action="freeze_prediction",
            subject=f"contest:{row['contest_id']}",
            detail={"round_id": round_id, "actual": actual, "appeals_until": appeals_until},
        )
    return actual


async def finalise_round(round_id: int, *, by: int | None, waiver: str = "") -> None:
    """Make a round's ranks final, and the contest when it was the last round.

    A second call changes nothing. Refused: before the prediction is frozen, by the one who froze
    it, while corrections, draws or appeals wait, and before the time for appeals is over unless
    `waiver` says why nobody has to wait for it.
    """
    async with db.transaction() as connection:
        row = await _hold(connection, round_id)
        if row["result"] == "final":
            return
        if row["prediction_frozen_at"] is None:
            raise Refusal("not_frozen", "Hãy khóa kết quả và mở thời gian khiếu nại trước.")
        if row["result"] != "provisional":  # somebody may still be let in
            raise Refusal(*_NOT_PROVISIONAL)
        await _refuse_waiting(connection, round_id, list(_WAITING))
        if row["appeals_are_open"] and not clean(waiver):
            sentence = "Chưa hết thời gian khiếu nại. Hãy đợi, hoặc ghi lý do không cần đợi."
            raise Refusal("appeals_not_over", sentence, fields={"mien": sentence})
        if by is not None and by == await _who_froze(connection, row["contest_id"], round_id):
            raise Refusal(
                "own_freeze", "Bạn là người khóa kết quả đợt này. Hãy nhờ người khác chốt."
            )
        await connection.execute(
            "UPDATE round SET result = 'final', finalised_at = clock_timestamp(), "
            "finalised_by_id = $2 WHERE id = $1",
            round_id,
            by,
        )
        await connection.execute(
            "UPDATE contest c SET state = 'final' WHERE c.id = $1 AND c.state = 'approved' "
            "AND NOT EXISTS (SELECT FROM round r WHERE r.contest_id = c.id "
            "AND r.result <> 'final')",
            row["contest_id"],
        )
        await record(
            connection,
            by=by,
            action="finalise_round",
            subject=f"contest:{row['contest_id']}",
            detail={"round_id": round_id, "waiver": clean(waiver)},
        )


async def find_what_waits(round_id: int) -> list[str]:
    """What still has to be decided before the round may be final: sentences."""
    return [
        sentence for sql, sentence in _WAITING.values() if await db.pool().fetchval(sql, round_id)
    ]


async def _hold(connection: Connection, round_id: int) -> Any:
    await hold_round(connection, round_id)
    row = await connection.fetchrow(
        "SELECT r.result, r.prediction_actual, r.prediction_frozen_at, "
        "coalesce(r.appeals_until > clock_timestamp(), false) AS appeals_are_open, "
        "c.prediction, c.comparators, c.id AS contest_id "
        "FROM round r JOIN contest c ON c.id = r.contest_id WHERE r.id = $1 FOR NO KEY UPDATE OF r",
        round_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy đợt thi này.")
    return row


async def _refuse_waiting(connection: Connection, round_id: int, codes: Sequence[str]) -> None:
    for code in codes:
        sql, sentence = _WAITING[code]
        if await connection.fetchval(sql, round_id):
            raise Refusal(code, sentence)


async def _who_froze(connection: Connection, contest_id: int, round_id: int) -> int | None:
    return await connection.fetchval(  # type: ignore[no-any-return]  # one number or none
        "SELECT account_id FROM audit_entry WHERE subject = $1 AND action = 'freeze_prediction' "
        "AND (detail->>'round_id')::bigint = $2 ORDER BY id DESC LIMIT 1",
        f"contest:{contest_id}",
        round_id,
    )


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
