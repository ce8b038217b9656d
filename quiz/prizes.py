"""Which prizes does a contest give, to whom, in which order?"""

from __future__ import annotations

from dataclasses import dataclass

from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.text import clean
from quiz.contest_draft import lock_draft, lock_part, record_change, refuse_faults

KINDS = {"individual": "cá nhân", "collective": "tập thể"}
MEASURES = {
    "rate": "tỷ lệ người tham gia cao hơn",
    "people": "nhiều người tham gia hơn",
    "points": "tổng điểm cao hơn",
}
LONGEST_NAME, LONGEST_REWARD, LONGEST_BLOCK = 120, 255, 40
MOST_OF_ONE_PRIZE = 1_000
_PRIZES = """
SELECT p.id, p.contest_id, p.round_id, p.division_id, p.kind, p.measure, p.block, p.name,
       p.prize_count, p.reward, p.position, r.name AS round_name, d.name AS division_name
FROM prize p LEFT JOIN round r ON r.id = p.round_id LEFT JOIN division d ON d.id = p.division_id
"""


@dataclass(frozen=True, kw_only=True)
class PrizePlan:
    """A prize as it is announced; a round or a division left out means all of them."""

    name: str
    prize_count: int
    kind: str = "individual"
    reward: str = ""
    round_id: int | None = None
    division_id: int | None = None
    measure: str = ""
    block: str = ""


@dataclass(frozen=True)
class PrizeShown:
    id: int
    contest_id: int
    round_id: int | None
    division_id: int | None
    kind: str
    measure: str
    block: str
    name: str
    prize_count: int
    reward: str
    position: int
    round_name: str | None
    division_name: str | None


async def prizes_of(contest_id: int) -> list[PrizeShown]:
    """A contest's prizes, the highest first."""
    rows = await pool().fetch(f"{_PRIZES} WHERE p.contest_id = $1 ORDER BY p.position", contest_id)
    return [PrizeShown(**row) for row in rows]


async def add_prize(contest_id: int, plan: PrizePlan, *, by: int | None = None) -> int:
    """Add a prize below those that a draft has; return its id. Refuses "bad_prize" by field."""
    refuse_faults("bad_prize", _faults(plan))
    async with transaction() as connection:
        await lock_draft(connection, contest_id)
        await _refuse_strangers(connection, contest_id, plan)
        prize_id: int = await connection.fetchval(
            "INSERT INTO prize (contest_id, round_id, division_id, kind, measure, block, name, "
            "prize_count, reward, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
            "(SELECT coalesce(max(position), 0) + 1 FROM prize WHERE contest_id = $1)) "
            "RETURNING id",
            contest_id,
            *_columns(plan),
        )
        detail = {"name": clean(plan.name), "count": plan.prize_count}
        await record_change(connection, contest_id, by, "add_prize", detail)
    return prize_id


async def edit_prize(prize_id: int, plan: PrizePlan, *, by: int | None = None) -> None:
    """Put another prize in this one's place in the order; refuses as `add_prize`."""
    refuse_faults("bad_prize", _faults(plan))
    async with transaction() as connection:
        contest_id = await lock_part(connection, "prize", prize_id)
        await _refuse_strangers(connection, contest_id, plan)
        await connection.execute(
            "UPDATE prize SET round_id = $2, division_id = $3, kind = $4, measure = $5, "
            "block = $6, name = $7, prize_count = $8, reward = $9 WHERE id = $1",
            prize_id,
            *_columns(plan),
        )
        detail = {"prize_id": prize_id, "name": clean(plan.name), "count": plan.prize_count}
        await record_change(connection, contest_id, by, "edit_prize", detail)


async def remove_prize(prize_id: int, *, by: int | None = None) -> None:
    async with transaction() as connection:
        contest_id = await lock_part(connection, "prize", prize_id)
        name = await connection.fetchval("DELETE FROM prize WHERE id = $1 RETURNING name", prize_id)
        await record_change(connection, contest_id, by, "remove_prize", {"name": name})


async def move_prize(prize_id: int, *, up: bool, by: int | None = None) -> None:
    """Change places with the prize above or below; the first and the last stay where they are."""
    async with transaction() as connection:
        contest_id = await lock_part(connection, "prize", prize_id)
        order = [
            row["id"]
            for row in await connection.fetch(
                "SELECT id FROM prize WHERE contest_id = $1 ORDER BY position", contest_id
            )
        ]
        place = order.index(prize_id)
        other = place - 1 if up else place + 1
        if not 0 <= other < len(order):
            return
        order[place], order[other] = order[other], order[place]
        await connection.execute(
            "UPDATE prize p SET position = o.position FROM unnest($1::bigint[]) "
            "WITH ORDINALITY AS o (id, position) WHERE p.id = o.id",
            order,
        )
        await record_change(connection, contest_id, by, "move_prize", {"prize_id": prize_id})


def prize_sentence(prize: PrizeShown) -> str:
    """03 giải Nhì cá nhân, chung cuộc, bảng Người dân: 500.000 đồng."""
    parts = [
        f"{prize.prize_count:02d} {prize.name} {KINDS[prize.kind]}",
        prize.round_name or "chung cuộc",
        f"bảng {prize.division_name}" if prize.division_name else "",
        f"khối {prize.block}" if prize.block else "",
        f"xét theo {MEASURES[prize.measure]}" if prize.measure else "",
    ]
    reward = f": {prize.reward}" if prize.reward else ""
    return ", ".join(filter(None, parts)) + reward


async def unit_blocks() -> list[str]:
    """The blocks that units stand in, for collective prizes."""
    rows = await pool().fetch("SELECT DISTINCT block FROM unit WHERE block <> '' ORDER BY block")
    return [row["block"] for row in rows]


def _columns(plan: PrizePlan) -> tuple[object, ...]:
    return (
        plan.round_id,
        plan.division_id,
        plan.kind,
        plan.measure,
        clean(plan.block),
        clean(plan.name),
        plan.prize_count,
        clean(plan.reward),
    )


def _faults(plan: PrizePlan) -> dict[str, str]:
    faults = {}
    if not clean(plan.name) or len(clean(plan.name)) > LONGEST_NAME:
        faults["name"] = f"Hãy ghi tên giải, tối đa {LONGEST_NAME} ký tự."
    if not 1 <= plan.prize_count <= MOST_OF_ONE_PRIZE:
        faults["prize_count"] = f"Số giải từ 1 đến {MOST_OF_ONE_PRIZE}."
    if len(clean(plan.reward)) > LONGEST_REWARD:
        faults["reward"] = f"Trị giá giải tối đa {LONGEST_REWARD} ký tự."
    if plan.kind not in KINDS:
        faults["kind"] = "Giải dành cho cá nhân hoặc tập thể."
    elif plan.kind == "collective":
        if plan.measure not in MEASURES:
            faults["measure"] = "Hãy chọn cách xét giải tập thể."
        if len(clean(plan.block)) > LONGEST_BLOCK:
            faults["block"] = f"Tên khối tối đa {LONGEST_BLOCK} ký tự."
        if plan.division_id is not None:
            faults["division"] = "Giải tập thể xét mọi bảng của đơn vị."
    elif plan.measure or clean(plan.block):
        faults["measure"] = "Cách xét và khối đơn vị chỉ dành cho giải tập thể."
    return faults


async def _refuse_strangers(connection: Connection, contest_id: int, plan: PrizePlan) -> None:
    """A prize's round and division belong to its own contest."""
    for field, found, query in (
        ("round", plan.round_id, "SELECT contest_id FROM round WHERE id = $1"),
        ("division", plan.division_id, "SELECT contest_id FROM division WHERE id = $1"),
    ):
        if found is not None and await connection.fetchval(query, found) != contest_id:
            sentence = "Hãy chọn trong danh sách của cuộc thi này."
            raise Refusal("bad_prize", sentence, fields={field: sentence})
