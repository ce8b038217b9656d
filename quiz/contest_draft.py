"""How is a contest held while its makers change it, and when may they no longer?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.db import Connection
from core.errors import Refusal
from people.audit import record
from quiz.contests import unknown_contest

Part = Literal["round", "division", "prize"]
_OWNERS: dict[Part, tuple[str, str]] = {
    "round": ("SELECT contest_id FROM round WHERE id = $1", "Không tìm thấy đợt thi này."),
    "division": (
        "SELECT contest_id FROM division WHERE id = $1",
        "Không tìm thấy bảng dự thi này.",
    ),
    "prize": ("SELECT contest_id FROM prize WHERE id = $1", "Không tìm thấy giải thưởng này."),
}
_WHY_FIXED = {
    "in_review": "Cuộc thi đang chờ duyệt. Hãy nhờ người duyệt trả lại rồi mới sửa.",
    "approved": "Cuộc thi đã công bố: đề, giờ thi và cách tính không sửa được nữa.",
    "final": "Cuộc thi đã có kết quả chính thức, không sửa được nữa.",
}


def why_fixed(state: str) -> str | None:
    """Why a contest in this state is not edited; None for a draft."""
    return _WHY_FIXED.get(state)


async def lock_contest(connection: Connection, contest_id: int | None) -> str:
    """Hold a contest for this transaction and return its state."""
    state: str | None = await connection.fetchval(
        "SELECT state FROM contest WHERE id = $1 FOR UPDATE", contest_id
    )
    if state is None:
        raise unknown_contest()
    return state


async def lock_draft(connection: Connection, contest_id: int | None) -> int:
    """Hold a draft for this transaction and return its bank's id; refuses "not_draft"."""
    sentence = why_fixed(await lock_contest(connection, contest_id))
    if sentence is not None:
        raise Refusal("not_draft", sentence)
    bank_id: int = await connection.fetchval(
        "SELECT bank_id FROM contest WHERE id = $1", contest_id
    )
    return bank_id


async def lock_part(connection: Connection, part: Part, part_id: int) -> int:
    """Hold the draft that a round, a division or a prize belongs to and return the contest's id."""
    query, sentence = _OWNERS[part]
    contest_id: int | None = await connection.fetchval(query, part_id)
    if contest_id is None:
        raise Refusal("not_found", sentence)
    await lock_draft(connection, contest_id)
    return contest_id


async def record_change(
    connection: Connection,
    contest_id: int,
    by: int | None,
    action: str,
    detail: Mapping[str, object],
) -> None:
    """Whoever is named here may not approve the contest (`quiz.publishing`)."""
    await record(
        connection, by=by, action=action, subject=f"contest:{contest_id}", detail=dict(detail)
    )


def refuse_faults(code: str, faults: Mapping[str, str]) -> None:
    if faults:
        raise Refusal(code, next(iter(faults.values())), fields=faults)
