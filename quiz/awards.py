"""Which people and units are owed a contest's prizes, and who was given one?

Individual prizes of a round follow its ranking; overall ones add up every round's counted attempt:
points ↓, then the sum of prediction gaps ↑ where there is a prediction, then durations ↑, then the
last hand-in ↑. Collective prizes rank units by participation rate (people over headcount), people,
or the sum of their points. Only rounds whose result is final count; overall prizes wait for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import clock, db
from core.clock import local_day
from core.db import Connection
from core.errors import Refusal
from core.text import clean
from people.audit import record
from people.units import headcounts
from quiz.allotting import Allotment, Offer, Ranked, allot
from quiz.prizes import PrizeShown, prizes_of

# Places that are looked at beyond the prizes themselves, for those who already have one.
_SPARE = 1000
_LARGEST = 2**63 - 1
FEWEST_UNIT_PEOPLE = 5  # a unit of three people reaches 100 % too easily
LONGEST_REASON = 500

_OVERALL = """
SELECT s.participant_id AS who, sum(s.points) AS points, sum(s.duration_ms) AS duration_ms,
       CASE WHEN count(s.prediction) = count(*)
            THEN sum(abs(s.prediction - r.prediction_actual)) END AS gap,
       max(s.closed_at) AS closed_at
FROM standing s JOIN round r ON r.id = s.round_id
WHERE r.contest_id = $1 AND s.is_ranked AND ($2::bigint IS NULL OR s.division_id = $2)
GROUP BY s.participant_id
ORDER BY points DESC, gap NULLS LAST, duration_ms, closed_at, participant_id LIMIT $3
"""
_UNITS = """
SELECT s.unit_id AS who, count(DISTINCT s.participant_id)::int AS people_count,
       sum(s.points)::float AS points
FROM standing s JOIN round r ON r.id = s.round_id JOIN unit u ON u.id = s.unit_id
WHERE r.contest_id = $1 AND s.is_ranked AND ($2::bigint IS NULL OR r.id = $2)
    AND ($3 = '' OR u.block = $3) AND ($4::bigint IS NULL OR s.division_id = $4)
GROUP BY s.unit_id
"""


@dataclass(frozen=True)
class AwardShown:
    """One prize given to one person or unit."""

    id: int
    prize_id: int
    place: int
    participant_id: int | None
    unit_id: int | None
    printed_name: str
    unit_name: str
    phone: str | None
    points: int | None
    correct_count: int | None
    question_count: int | None
    duration_ms: int | None
    prediction: int | None
    receipt: str | None
    state: str
    note: str
    is_name_public: bool  # the person agreed that the name is published, or has none any more


@dataclass(frozen=True)
class TieShown:
    """Equals among whom prizes are left to be drawn."""

    prize_id: int
    prize_name: str
    round_id: int | None
    division_id: int | None
    left_count: int
    participant_ids: Sequence[int]
    names: Sequence[str]


@dataclass(frozen=True)
class Drafted:
    """What giving out the prizes now would write."""

    given_count: int
    ties: Sequence[TieShown]
    waiting: Sequence[PrizeShown]  # their rounds are not final yet


async def awards_of(contest_id: int, *, round_id: int | None = None) -> list[AwardShown]:
    """What was given, with what it rests on; of one round, or of the whole contest."""
    rows = await db.pool().fetch(
        "SELECT a.id, a.prize_id, a.place, a.participant_id, a.unit_id, a.printed_name, "
        "a.unit_name, ac.phone, s.points, s.correct_count, s.question_count, s.duration_ms, "
        "s.prediction, t.receipt, a.state, a.note, "
        "e.erased_at IS NOT NULL OR coalesce((SELECT c.is_given FROM consent c JOIN consent_text x ON x.id = c.text_id "
        " WHERE c.person_id = m.person_id AND x.purpose = 'publish_name' "
        " ORDER BY c.id DESC LIMIT 1), false) AS is_name_public "
        "FROM award a JOIN prize p ON p.id = a.prize_id "
        "LEFT JOIN participant m ON m.id = a.participant_id "
        "LEFT JOIN person e ON e.id = m.person_id "
        "LEFT JOIN account ac ON ac.person_id = m.person_id "
        "LEFT JOIN standing s ON s.participant_id = a.participant_id AND s.round_id = p.round_id "
        "LEFT JOIN attempt t ON t.id = s.attempt_id "
        "LEFT JOIN round r ON r.id = p.round_id WHERE p.contest_id = $1 "
        "AND ($2::bigint IS NULL OR p.round_id = $2) "
        "ORDER BY p.position, r.number NULLS FIRST, p.id, a.place, a.id",
        contest_id,
        round_id,
    )
    return [AwardShown(**row) for row in rows]


async def draft_awards(contest_id: int) -> Drafted:
    """What is due now, without writing anything."""
    async with db.pool().acquire() as connection:
        due, waiting = await _due(contest_id)
        individual, collective = await _allot(connection, contest_id, due)
        return Drafted(
            given_count=len(individual.given) + len(collective.given),
            ties=await _ties_shown(connection, due, individual)
            + await _ties_shown(connection, due, collective, are_units=True),
            waiting=waiting,
        )


async def give_awards(contest_id: int, *, by: int | None) -> int:
    """Write who is owed each prize that is due; returns how many awards changed. Repeatable.

    What a correction, a disqualification or a declined prize moved is given to whoever is owed it
    now; the old award stays with the state "replaced". Refuses "ties_left" while equals wait for a
    draw, and "no_prizes" where nothing is due.
    """
    due, _ = await _due(contest_id)
    if not due:
        raise Refusal(
            "no_prizes",
            "Chưa có giải nào đến lúc trao: cuộc thi chưa có giải, hoặc chưa chốt kết quả.",
        )
    async with db.transaction() as connection:
        # One at a time for a contest: two clicks give each prize once.
        await connection.execute("SELECT FROM contest WHERE id = $1 FOR UPDATE", contest_id)
        individual, collective = await _allot(connection, contest_id, due)
        ties = [*individual.ties, *collective.ties]
        if ties:
            names = {each.id: each.name for each in due}
            listed = ", ".join(dict.fromkeys(names[tie.prize_id] for tie in ties))
            raise Refusal(
                "ties_left",
                f"Còn người bằng nhau ở vị trí nhận giải: {listed}. Hãy bốc thăm trước khi lập danh sách.",
            )
        people = {(each.prize_id, each.place): each.who for each in individual.given}
        units = {(each.prize_id, each.place): each.who for each in collective.given}
        changed = await _write(connection, contest_id, people, "participant_id")
        changed += await _write(connection, contest_id, units, "unit_id")
        if changed:
            await record(
                connection,
                by=by,
                action="give_awards",
                subject=f"contest:{contest_id}",
                detail={"award_count": len(people) + len(units), "changed_count": changed},
            )
    return changed


async def decline_award(award_id: int, reason: str, *, by: int | None) -> None:
    """A winner does not take the prize or was not entitled to it; the next in rank gets it."""
    told = clean(reason)[:LONGEST_REASON]
    if not told:
        sentence = "Hãy ghi lý do; dòng này vào biên bản."
        raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
    async with db.transaction() as connection:
        contest_id = await connection.fetchval(
            "UPDATE award a SET state = 'declined', note = $2 FROM prize p "
            "WHERE a.id = $1 AND p.id = a.prize_id AND a.state = 'given' RETURNING p.contest_id",
            award_id,
            told,
        )
        if contest_id is None:
            raise Refusal("not_found", "Giải này đã được thay đổi. Hãy tải lại trang.")
        await record(
            connection,
            by=by,
            action="decline_award",
            subject=f"contest:{contest_id}",
            detail={"award_id": award_id, "reason": told},
        )
    await give_awards(contest_id, by=by)


async def _due(contest_id: int) -> tuple[list[PrizeShown], list[PrizeShown]]:
    """The prizes whose rankings are final, and those that still wait."""
    prizes = await prizes_of(contest_id)
    rows = await db.pool().fetch("SELECT id, result FROM round WHERE contest_id = $1", contest_id)
    final = {row["id"] for row in rows if row["result"] == "final"}
    is_over = bool(rows) and len(final) == len(rows)
    due = [each for each in prizes if each.round_id in final or (not each.round_id and is_over)]
    return due, [each for each in prizes if each not in due]


async def _allot(
    connection: Connection, contest_id: int, due: Sequence[PrizeShown]
) -> tuple[Allotment, Allotment]:
    is_one_prize = await connection.fetchval(
        "SELECT is_one_prize FROM contest WHERE id = $1", contest_id
    )
    declined = {
        (row["prize_id"], row["who"])
        for row in await connection.fetch(
            "SELECT a.prize_id, coalesce(a.participant_id, a.unit_id) AS who FROM award a "
            "JOIN prize p ON p.id = a.prize_id WHERE p.contest_id = $1 AND a.state = 'declined'",
            contest_id,
        )
    }
    limit = _SPARE + 2 * sum(each.prize_count for each in due)
    offers: dict[str, list[Offer]] = {"individual": [], "collective": []}
    for each in due:
        ranking = (
            await _people(connection, contest_id, each, limit)
            if each.kind == "individual"
            else await _units(connection, contest_id, each)
        )
        open_to = [line for line in ranking if (each.id, line.who) not in declined]
        offers[each.kind].append(Offer(each.id, each.prize_count, open_to))
    return (
        allot(offers["individual"], is_one_prize=is_one_prize),
        allot(offers["collective"], is_one_prize=is_one_prize),
    )


async def _people(
    connection: Connection, contest_id: int, prize: PrizeShown, limit: int
) -> list[Ranked]:
    if prize.round_id is None:
        rows = await connection.fetch(_OVERALL, contest_id, prize.division_id, limit)
        return sorted(
            (Ranked(row["who"], overall_key(row)) for row in rows),
            key=lambda each: (each.key, each.who),
        )
    rows = await connection.fetch(
        "SELECT participant_id AS who, rank_key AS key FROM standing WHERE round_id = $1 "
        "AND is_ranked AND ($2::bigint IS NULL OR division_id = $2) "
        "ORDER BY rank_key, participant_id LIMIT $3",
        prize.round_id,
        prize.division_id,
        limit,
    )
    return [Ranked(**row) for row in rows]


async def _units(connection: Connection, contest_id: int, prize: PrizeShown) -> list[Ranked]:
    rows = [
        row
        for row in await connection.fetch(
            _UNITS, contest_id, prize.round_id, prize.block, prize.division_id
        )
        if row["people_count"] >= FEWEST_UNIT_PEOPLE
    ]
    day = local_day(await _closing(connection, contest_id, prize.round_id))
    known = await headcounts([row["who"] for row in rows], on=day)
    ranked = [
        Ranked(row["who"], unit_key(prize.measure, row, known.get(row["who"])))
        for row in rows
        if prize.measure != "rate" or known.get(row["who"])
    ]
    return sorted(ranked, key=lambda each: (each.key, each.who))


async def _closing(connection: Connection, contest_id: int, round_id: int | None) -> datetime:
    return await connection.fetchval(  # type: ignore[no-any-return]  # one instant
        "SELECT max(closes_at) FROM round WHERE contest_id = $1 AND ($2::bigint IS NULL OR id = $2)",
        contest_id,
        round_id,
    )


def overall_key(row: Mapping[str, Any]) -> bytes:
    """The sortable key of one participant's sums; a guess missing in any round ranks last."""
    values = (
        _LARGEST - int(row["points"]),
        _LARGEST if row["gap"] is None else int(row["gap"]),
        int(row["duration_ms"]),
        int(row["closed_at"].timestamp() * 1000),
    )
    return b"".join(value.to_bytes(8, "big") for value in values)


def unit_key(measure: str, row: Mapping[str, Any], headcount: int | None) -> bytes:
    """The sortable key of one unit: the measure in millionths, then people, both the more the better."""
    value = {
        "rate": row["people_count"] / headcount if headcount else 0.0,
        "people": float(row["people_count"]),
        "points": row["points"] / 1000,
    }[measure]
    return b"".join(
        (_LARGEST - each).to_bytes(8, "big")
        for each in (round(value * 1_000_000), row["people_count"])
    )


async def _ties_shown(
    connection: Connection,
    prizes: Sequence[PrizeShown],
    allotment: Allotment,
    *,
    are_units: bool = False,
) -> list[TieShown]:
    by_id = {each.id: each for each in prizes}
    shown = []
    for tie in allotment.ties:
        names = await connection.fetch(
            "SELECT name FROM unit WHERE id = ANY($1::bigint[]) ORDER BY sort_key"
            if are_units
            else "SELECT e.full_name AS name FROM participant p JOIN person e ON e.id = p.person_id "
            "WHERE p.id = ANY($1::bigint[]) ORDER BY e.sort_key",
            list(tie.who),
        )
        prize = by_id[tie.prize_id]
        shown.append(
            TieShown(
                prize_id=prize.id,
                prize_name=prize.name,
                round_id=prize.round_id,
                division_id=prize.division_id,
                left_count=tie.left_count,
                participant_ids=[] if are_units else tie.who,
                names=[row["name"] for row in names],
            )
        )
    return shown


async def _write(
    connection: Connection, contest_id: int, wanted: Mapping[tuple[int, int], int], column: str
) -> int:
    """Bring the given awards of people or of units to what is wanted; how many were written."""
    held = {
        (row["prize_id"], row["place"]): row
        for row in await connection.fetch(
            f"SELECT a.id, a.prize_id, a.place, a.{column} AS who FROM award a "  # noqa: S608 — one of our two columns
            f"JOIN prize p ON p.id = a.prize_id WHERE p.contest_id = $1 AND a.state = 'given' "
            f"AND a.{column} IS NOT NULL",
            contest_id,
        )
    }
    gone = [row["id"] for where, row in held.items() if wanted.get(where) != row["who"]]
    await connection.execute(
        "UPDATE award SET state = 'replaced' WHERE id = ANY($1::bigint[])", gone
    )
    new = [
        (prize_id, place, who)
        for (prize_id, place), who in wanted.items()
        if (prize_id, place) not in held or held[prize_id, place]["who"] != who
    ]
    await connection.execute(
        f"INSERT INTO award (prize_id, {column}, place, printed_name, unit_name, state, note, "  # noqa: S608 — as above
        "created_at) SELECT b.prize_id, b.who, b.place, n.name, n.unit_name, 'given', '', $4 "
        "FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS b (prize_id, place, who) "
        f"CROSS JOIN LATERAL ({_NAMES[column]}) n",
        [prize_id for prize_id, _, _ in new],
        [place for _, place, _ in new],
        [who for _, _, who in new],
        clock.now(),
    )
    return len(gone) + len(new)


_NAMES = {
    "participant_id": "SELECT e.full_name AS name, u.name AS unit_name FROM participant m "
    "JOIN person e ON e.id = m.person_id JOIN unit u ON u.id = m.unit_id WHERE m.id = b.who",
    "unit_id": "SELECT u.name, coalesce(p.name, '') AS unit_name FROM unit u "
    "LEFT JOIN unit p ON p.id = u.parent_id WHERE u.id = b.who",
}
