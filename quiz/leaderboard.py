"""Who stands where in a round, without counting a crowd's rows on a page view?

Ranks come from the index on (round, division, rank key); how many stand in better buckets comes
from `standing_bucket`, so only one bucket is ever counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from core import db
from core.clock import local_day
from core.reading import Reader
from people.units import headcounts
from quiz.ranking import bucket

PAGE_SIZE = 50
SNAPSHOT_PAGES = 4
LAST_PAGE = 200  # nobody leafs further; "Tìm vị trí của tôi" finds the rest

# A stretch of the board is found in the index alone, which has these columns; only those who stand
# in it are looked up.
_RANKED = (
    "SELECT participant_id FROM standing WHERE round_id = $1 AND division_id = $2 AND is_ranked"
)
_NAMED = """
SELECT s.participant_id, s.rank_key, p.shown_name, u.name AS unit_name, s.points, s.correct_count,
       s.question_count, s.duration_ms, s.closed_at, s.prediction, s.attempt_count
FROM ({stretch}) k JOIN standing s ON s.round_id = $1 AND s.participant_id = k.participant_id
JOIN participant p ON p.id = s.participant_id JOIN unit u ON u.id = s.unit_id
ORDER BY s.rank_key, s.participant_id
"""
# The number of lines is written out: plans are made without the values, and one for a tenth of the
# board would read every participant.
_PAGE = _NAMED.format(
    stretch=f"{_RANKED} ORDER BY rank_key, participant_id LIMIT {PAGE_SIZE} OFFSET $3"
)


def _around(reach: int) -> str:
    return _NAMED.format(
        stretch=f"""
        ({_RANKED} AND (rank_key, participant_id) < ($3, $4)
         ORDER BY rank_key DESC, participant_id DESC LIMIT {reach:d})
        UNION ALL
        ({_RANKED} AND (rank_key, participant_id) >= ($3, $4)
         ORDER BY rank_key, participant_id LIMIT {reach + 1:d})
        """
    )


@dataclass(frozen=True)
class BoardRow:
    """One line of a board; people with the same key share the rank."""

    rank: int
    participant_id: int
    shown_name: str
    unit_name: str
    points: int
    correct_count: int
    question_count: int
    duration_ms: int
    closed_at: datetime
    prediction: int | None
    attempt_count: int


@dataclass(frozen=True)
class Board:
    rows: Sequence[BoardRow]
    page: int
    page_count: int
    people_count: int


@dataclass(frozen=True)
class Place:
    """Where one participant stands; `around` holds the neighbours and the participant."""

    rank: int
    people_count: int
    participant_id: int
    around: Sequence[BoardRow]


@dataclass(frozen=True)
class UnitRow:
    """One unit in a round; `rate` is people over headcount, None where no headcount is known."""

    unit_id: int
    name: str
    block: str
    people_count: int
    attempt_count: int
    headcount: int | None
    rate: float | None


@dataclass(frozen=True)
class Totals:
    people_count: int
    attempt_count: int


async def board(round_id: int, division_id: int, *, page: int = 1) -> Board:
    reader = db.reading_pool()
    people_count = await _people_count(reader, round_id, division_id)
    page_count = min(LAST_PAGE, max(1, -(-people_count // PAGE_SIZE)))
    page = min(max(1, page), page_count)
    rows = await reader.fetch(
        _PAGE,
        round_id,
        division_id,
        (page - 1) * PAGE_SIZE,
    )
    ranked = await _with_ranks(
        reader, round_id, division_id, rows, first_position=(page - 1) * PAGE_SIZE
    )
    return Board(ranked, page, page_count, people_count)


async def place_of(round_id: int, participant_id: int, *, reach: int = 2) -> Place | None:
    """The participant's place with `reach` neighbours on each side.

    None before the first score, and while the participant is out of the ranking.
    """
    reader = db.pool()  # somebody looks for what they have just handed in
    own = await reader.fetchrow(
        "SELECT division_id, rank_key FROM standing "
        "WHERE round_id = $1 AND participant_id = $2 AND is_ranked",
        round_id,
        participant_id,
    )
    if own is None:
        return None
    division_id, key = own["division_id"], own["rank_key"]
    rows = await reader.fetch(
        _around(reach),
        round_id,
        division_id,
        key,
        participant_id,
    )
    around = await _with_ranks(reader, round_id, division_id, rows, first_position=None)
    rank = next(row.rank for row in around if row.participant_id == participant_id)
    people_count = await _people_count(reader, round_id, division_id)
    return Place(rank, people_count, participant_id, around)


async def unit_board(round_id: int, *, at: datetime) -> list[UnitRow]:
    """Units by participation rate, then by people; units without a headcount come last."""
    rows = await db.reading_pool().fetch(
        "SELECT n.unit_id, u.name, u.block, sum(n.people_count)::int AS people_count, "
        "sum(n.attempt_count)::int AS attempt_count FROM participation n "
        "JOIN unit u ON u.id = n.unit_id WHERE n.round_id = $1 GROUP BY n.unit_id, u.name, u.block",
        round_id,
    )
    counted = await headcounts([row["unit_id"] for row in rows], on=local_day(at))
    units = [
        UnitRow(
            **row,
            headcount=counted.get(row["unit_id"]),
            rate=rate(row["people_count"], counted.get(row["unit_id"])),
        )
        for row in map(dict, rows)
    ]
    return sorted(units, key=lambda unit: (-(unit.rate or 0), -unit.people_count, unit.unit_id))


def rate(people_count: int, headcount: int | None) -> float | None:
    return people_count / headcount if headcount else None


async def totals(round_ids: Sequence[int]) -> dict[int, Totals]:
    rows = await db.reading_pool().fetch(
        "SELECT round_id, sum(people_count)::int AS people_count, "
        "sum(attempt_count)::int AS attempt_count FROM participation "
        "WHERE round_id = ANY($1::bigint[]) GROUP BY round_id",
        list(round_ids),
    )
    return {row["round_id"]: Totals(row["people_count"], row["attempt_count"]) for row in rows}


async def take_snapshots(*, at: datetime) -> int:
    """Keep the board of every round whose freeze has begun; repeatable."""
    rounds = await db.pool().fetch(
        "SELECT r.id, array_agg(d.id ORDER BY d.position, d.id) AS division_ids FROM round r "
        "JOIN contest c ON c.id = r.contest_id JOIN division d ON d.contest_id = c.id "
        "WHERE c.board_freeze_seconds > 0 AND c.state = 'approved' AND r.closes_at > $1 "
        "AND r.closes_at - c.board_freeze_seconds * interval '1 second' <= $1 "
        "AND NOT EXISTS (SELECT FROM board_snapshot b WHERE b.round_id = r.id) GROUP BY r.id",
        at,
    )
    for row in rounds:
        content = {
            "divisions": {
                str(division_id): [
                    asdict(await board(row["id"], division_id, page=page))
                    for page in range(1, SNAPSHOT_PAGES + 1)
                ]
                for division_id in row["division_ids"]
            },
            "units": [asdict(unit) for unit in await unit_board(row["id"], at=at)],
        }
        await db.pool().execute(
            "INSERT INTO board_snapshot (round_id, content, taken_at) VALUES ($1, $2, $3) "
            "ON CONFLICT (round_id) DO NOTHING",
            row["id"],
            content,
            at,
        )
    return len(rounds)


async def find_snapshot(round_id: int) -> Any | None:
    """{"content", "taken_at"} of a frozen board."""
    return await db.reading_pool().fetchrow(
        "SELECT content, taken_at FROM board_snapshot WHERE round_id = $1", round_id
    )


async def board_from_snapshot(
    content: Mapping[str, Any], round_id: int, division_id: int, page: int
) -> Board:
    """A page of a frozen board, with the names of today, without who has left the ranking since."""
    pages = content["divisions"][str(division_id)]
    kept = pages[min(max(1, page), len(pages)) - 1]
    rows = [
        BoardRow(**{**row, "closed_at": datetime.fromisoformat(row["closed_at"])})
        for row in kept["rows"]
    ]
    participants = await db.reading_pool().fetch(
        "SELECT p.id, p.shown_name FROM participant p JOIN standing s ON s.participant_id = p.id "
        "WHERE p.id = ANY($1::bigint[]) AND s.round_id = $2 AND s.is_ranked",
        [row.participant_id for row in rows],
        round_id,
    )
    names = {row["id"]: row["shown_name"] for row in participants}
    rows = [
        replace(row, shown_name=names[row.participant_id])
        for row in rows
        if row.participant_id in names
    ]
    return Board(rows, kept["page"], min(kept["page_count"], len(pages)), kept["people_count"])


def units_from_snapshot(content: Mapping[str, Any]) -> list[UnitRow]:
    return [UnitRow(**unit) for unit in content["units"]]


async def _people_count(reader: Reader, round_id: int, division_id: int) -> int:
    return await reader.fetchval(  # type: ignore[no-any-return]  # one number
        "SELECT coalesce(sum(people_count), 0)::int FROM standing_bucket "
        "WHERE round_id = $1 AND division_id = $2",
        round_id,
        division_id,
    )


async def _rank_of_key(reader: Reader, round_id: int, division_id: int, key: bytes) -> int:
    return await reader.fetchval(  # type: ignore[no-any-return]  # one number
        "SELECT 1 + (SELECT coalesce(sum(people_count), 0) FROM standing_bucket "
        "            WHERE round_id = $1 AND division_id = $2 AND bucket < $4)::int "
        "         + (SELECT count(*) FROM standing WHERE round_id = $1 AND division_id = $2 "
        "            AND is_ranked AND rank_key >= $4 AND rank_key < $3)::int",
        round_id,
        division_id,
        key,
        bucket(key),
    )


async def _with_ranks(
    reader: Reader,
    round_id: int,
    division_id: int,
    rows: Sequence[Any],
    *,
    first_position: int | None,
) -> list[BoardRow]:
    """Number rows that follow each other on the board; equal keys share a rank."""
    if not rows:
        return []
    rank = await _rank_of_key(reader, round_id, division_id, rows[0]["rank_key"])
    if first_position is None:
        first_position = await _position(reader, round_id, division_id, rows[0], rank)
    ranked: list[BoardRow] = []
    previous = rows[0]["rank_key"]
    for position, row in enumerate(rows, start=first_position + 1):
        if row["rank_key"] != previous:
            rank, previous = position, row["rank_key"]
        fields = {name: value for name, value in row.items() if name != "rank_key"}
        ranked.append(BoardRow(rank=rank, **fields))
    return ranked


async def _position(
    reader: Reader, round_id: int, division_id: int, row: Mapping[str, Any], rank: int
) -> int:
    """How many rows come before this one, those that share its key included."""
    same_key_before = await reader.fetchval(
        "SELECT count(*)::int FROM standing WHERE round_id = $1 AND division_id = $2 "
        "AND is_ranked AND rank_key = $3 AND participant_id < $4",
        round_id,
        division_id,
        row["rank_key"],
        row["participant_id"],
    )
    return rank - 1 + int(same_key_before)
