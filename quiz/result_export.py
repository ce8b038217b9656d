"""Which lines does the file of a round's whole ranking have?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core import db
from core.db import Connection
from core.errors import Refusal
from core.text import phone_shown
from people.audit import record

HEADER = (
    "Hạng", "Họ và tên", "Điện thoại", "Năm sinh", "Đơn vị", "Bảng", "Điểm", "Số câu đúng",
    "Số câu", "Thời gian (giây)", "Dự đoán", "Lệch dự đoán", "Nộp lúc", "Số lượt", "Mã biên nhận",
    "Ghi chú",
)  # fmt: skip
MOST_LINES = 200_000  # what a sheet of Excel opens without stalling an office machine

_LINES = """
SELECT CASE WHEN s.is_ranked THEN rank() OVER (PARTITION BY s.division_id, s.is_ranked
           ORDER BY s.rank_key) END AS rank,
       e.full_name, ac.phone, e.birth_year, u.name AS unit_name, d.name AS division_name, s.points,
       s.correct_count, s.question_count, s.duration_ms, s.prediction,
       abs(s.prediction - r.prediction_actual) AS gap, s.closed_at, s.attempt_count, a.receipt,
       s.is_ranked
FROM standing s JOIN round r ON r.id = s.round_id
JOIN participant p ON p.id = s.participant_id JOIN person e ON e.id = p.person_id
LEFT JOIN account ac ON ac.person_id = e.id
JOIN unit u ON u.id = s.unit_id JOIN division d ON d.id = s.division_id
JOIN attempt a ON a.id = s.attempt_id
WHERE s.round_id = $1
ORDER BY d.position, d.id, s.is_ranked DESC, s.rank_key, s.participant_id LIMIT $2
"""


async def result_lines(round_id: int, *, by: int | None) -> list[tuple[object, ...]]:
    """Every participant of a round under `HEADER`, division by division; the export is recorded.

    Refuses "too_many_rows" beyond 200,000 lines.
    """
    async with db.transaction() as connection:
        rows = await connection.fetch(_LINES, round_id, MOST_LINES + 1)
        if len(rows) > MOST_LINES:
            raise Refusal(
                "too_many_rows",
                "Danh sách quá dài cho một tệp. Hãy liên hệ người quản trị hệ thống.",
            )
        await _record(connection, round_id, by, row_count=len(rows))
    return [tuple(_line(row)) for row in rows]


async def note_paper_taken(round_id: int, paper: str, *, by: int | None) -> None:
    """Put on record that somebody took minutes or a list of winners, which name people."""
    async with db.transaction() as connection:
        await _record(connection, round_id, by, paper=paper)


async def _record(connection: Connection, round_id: int, by: int | None, **detail: object) -> None:
    contest_id = await connection.fetchval("SELECT contest_id FROM round WHERE id = $1", round_id)
    await record(
        connection,
        by=by,
        action="export_results",
        subject=f"contest:{contest_id}",
        detail={"round_id": round_id, **detail},
    )


def _line(row: Any) -> Iterator[object]:
    yield row["rank"]
    yield row["full_name"]
    yield phone_shown(row["phone"]) if row["phone"] else ""
    yield row["birth_year"]
    yield row["unit_name"]
    yield row["division_name"]
    yield row["points"] / 1000
    yield row["correct_count"]
    yield row["question_count"]
    yield round(row["duration_ms"] / 1000, 3)
    yield row["prediction"]
    yield row["gap"]
    yield row["closed_at"]
    yield row["attempt_count"]
    yield row["receipt"]
    yield "" if row["is_ranked"] else "không xếp hạng"
