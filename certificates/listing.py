"""Which people and units stand on the list of a contest's certificates, and what is wrong with it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from certificates.owed import LONG_NAME, POINT, PRIZE_KINDS, WHOLE_PERCENT, Owed, Rule, rule_faults
from core import clock
from core.clock import local_day
from core.db import Connection, pool
from core.errors import Refusal

PAGE_LINES = 50
# One line a participant: the best attempt that counts. $1 contest, $2 round, $3 points, $4 percent.
_PEOPLE = f"""
SELECT m.id AS participant_id, NULL::bigint AS unit_id, NULL::bigint AS prize_id, b.attempt_id,
       b.points, b.correct_count, b.question_count, b.duration_ms, e.full_name AS name,
       u.name AS unit_name, u.valid_to AS unit_ended_on, '' AS prize_name, '' AS round_name,
       '' AS division_name, u.sort_key AS first_key, e.sort_key AS second_key, 0 AS place,
       e.erased_at IS NOT NULL AS is_erased, btrim(e.full_name) = '' AS is_nameless
FROM (
    SELECT DISTINCT ON (s.participant_id) s.participant_id, s.attempt_id, s.points::bigint,
           s.correct_count::int, s.question_count::int, s.duration_ms::bigint
    FROM standing s JOIN round r ON r.id = s.round_id
    WHERE r.contest_id = $1 AND r.result = 'final' AND ($2::bigint IS NULL OR r.id = $2)
        AND s.is_ranked AND ($3::bigint IS NULL OR s.points >= $3)
        AND ($4::bigint IS NULL OR s.question_count > 0
             AND s.points::bigint * {WHOLE_PERCENT} >= $4 * s.question_count * {POINT})
        AND NOT EXISTS (SELECT FROM disqualification d WHERE d.participant_id = s.participant_id
            AND d.lifted_at IS NULL AND coalesce(d.round_id, s.round_id) = s.round_id)
        {{only}}
    ORDER BY s.participant_id, s.points::float / greatest(s.question_count, 1) DESC,
             s.points DESC, s.duration_ms, s.closed_at, s.round_id
) b
JOIN participant m ON m.id = b.participant_id JOIN person e ON e.id = m.person_id
JOIN unit u ON u.id = m.unit_id
"""  # noqa: S608 — our own constants, and a condition of ours
# One line an award. $1 contest, $2 round, $3 prizes, $4 individual or collective.
_AWARDS = """
SELECT a.participant_id, a.unit_id, a.prize_id, s.attempt_id, s.points::bigint,
       s.correct_count::int, s.question_count::int, s.duration_ms::bigint, a.printed_name AS name,
       CASE WHEN a.unit_id IS NULL THEN a.unit_name ELSE '' END AS unit_name,
       u.valid_to AS unit_ended_on, p.name AS prize_name, coalesce(r.name, '') AS round_name,
       coalesce(d.name, '') AS division_name, '' AS first_key, '' AS second_key,
       (p.position * 100000 + a.place)::bigint AS place,
       coalesce(e.erased_at IS NOT NULL, false) AS is_erased,
       btrim(a.printed_name) = '' AS is_nameless
FROM award a JOIN prize p ON p.id = a.prize_id
LEFT JOIN round r ON r.id = p.round_id LEFT JOIN division d ON d.id = p.division_id
LEFT JOIN participant m ON m.id = a.participant_id LEFT JOIN person e ON e.id = m.person_id
LEFT JOIN unit u ON u.id = coalesce(a.unit_id, m.unit_id)
LEFT JOIN standing s ON s.participant_id = a.participant_id AND s.round_id = p.round_id
WHERE p.contest_id = $1 AND a.state = 'given' AND ($2::bigint IS NULL OR p.round_id = $2)
    AND ($3::bigint[] IS NULL OR p.id = ANY($3)) AND p.kind = $4
    AND NOT EXISTS (SELECT FROM disqualification q WHERE q.participant_id = a.participant_id
        AND q.lifted_at IS NULL AND (q.round_id IS NULL OR q.round_id = p.round_id))
    {only}
"""
HAS_ONE = """EXISTS (SELECT FROM certificate c WHERE c.contest_id = $1 AND c.kind = $5
    AND coalesce(c.prize_id, 0) = coalesce(f.prize_id, 0)
    AND coalesce(c.participant_id, -c.unit_id) = coalesce(f.participant_id, -f.unit_id)
    AND c.superseded_by_id IS NULL)"""
_ORDER = "f.place, f.first_key, f.second_key, f.participant_id, f.unit_id"
_FIELDS = (
    "f.participant_id, f.unit_id, f.prize_id, f.attempt_id, f.points, f.correct_count, "
    "f.question_count, f.duration_ms, f.name, f.unit_name, f.unit_ended_on, f.prize_name, "
    "f.round_name, f.division_name"
)


@dataclass(frozen=True)
class Counts:
    """What a rule finds: so many lines, and who is not on the list or worth a look."""

    owed_count: int
    has_one_count: int  # they already hold one of this kind
    erased_count: int  # asked to be forgotten
    nameless_count: int
    long_name_count: int
    ended_unit_count: int
    waiting_round_count: int  # rounds whose result is not final: nobody is owed anything for them


@dataclass(frozen=True)
class Preview:
    counts: Counts
    lines: Sequence[Owed]


async def preview(contest_id: int, rule: Rule, *, page: int = 1) -> Preview:
    """The list as it would be proposed now, fifty lines a page; refuses "bad_rule" by field."""
    refuse_bad_rule(rule)
    source, values = source_of(contest_id, rule)
    counted = await pool().fetchrow(
        f"SELECT count(*) FILTER (WHERE is_on_list) AS owed_count, "  # noqa: S608 — our own queries
        f"count(*) FILTER (WHERE has_one) AS has_one_count, "
        f"count(*) FILTER (WHERE is_erased) AS erased_count, "
        f"count(*) FILTER (WHERE is_nameless) AS nameless_count, "
        f"count(*) FILTER (WHERE is_on_list AND length(name) > {LONG_NAME}) AS long_name_count, "
        f"count(*) FILTER (WHERE is_on_list AND unit_ended_on < $6) AS ended_unit_count, "
        f"(SELECT count(*) FROM round r WHERE r.contest_id = $1 AND r.result <> 'final' "
        f" AND ($2::bigint IS NULL OR r.id = $2)) AS waiting_round_count "
        f"FROM (SELECT *, NOT (is_erased OR is_nameless OR has_one) AS is_on_list "
        f"FROM (SELECT f.*, {HAS_ONE} AS has_one FROM ({source}) f) g) h",
        *values,
        local_day(clock.now()),
    )
    rows = await pool().fetch(
        f"SELECT {_FIELDS} FROM ({source}) f WHERE NOT (f.is_erased OR f.is_nameless) "  # noqa: S608 — as above
        f"AND NOT {HAS_ONE} ORDER BY {_ORDER} LIMIT {PAGE_LINES} OFFSET $6",
        *values,
        PAGE_LINES * (page - 1),
    )
    return Preview(Counts(**dict(counted or {})), [Owed(**row) for row in rows])


async def freeze_list(connection: Connection, batch_id: int, contest_id: int, rule: Rule) -> int:
    """Write a batch's list as it is now, in the order of its numbers; returns how many lines."""
    source, values = source_of(contest_id, rule)
    status = await connection.execute(
        "INSERT INTO certificate_owed (batch_id, position, deed, participant_id, unit_id, "  # noqa: S608 — as above
        f"prize_id, state) SELECT $6, row_number() OVER (ORDER BY {_ORDER}), 'issue', "
        f"f.participant_id, f.unit_id, f.prize_id, 'waiting' FROM ({source}) f "
        f"WHERE NOT (f.is_erased OR f.is_nameless) AND NOT {HAS_ONE}",
        *values,
        batch_id,
    )
    return int(status.rpartition(" ")[2])


async def owed_now(
    connection: Connection, contest_id: int, rule: Rule, holders: Sequence[int]
) -> list[Owed]:
    """Which of these are owed one at this moment; `holders` are participants, or units."""
    column = "unit_id" if rule.kind == "unit_prize" else "participant_id"
    alias = "a" if rule.kind in PRIZE_KINDS else "s"
    source, values = source_of(contest_id, rule, f"AND {alias}.{column} = ANY($6::bigint[])")
    rows = await connection.fetch(
        f"SELECT {_FIELDS} FROM ({source}) f WHERE NOT (f.is_erased OR f.is_nameless) "  # noqa: S608 — as above
        "AND $5::text IS NOT NULL",
        *values,
        list(holders),
    )
    return [Owed(**row) for row in rows]


async def holders_with_one(
    connection: Connection, contest_id: int, kind: str, lines: Sequence[Any]
) -> set[tuple[int, int]]:
    """Which (participant or minus unit, prize or 0) hold a certificate of this kind already."""
    rows = await connection.fetch(
        "SELECT coalesce(c.participant_id, -c.unit_id) AS holder, coalesce(c.prize_id, 0) AS prize "
        "FROM unnest($3::bigint[], $4::bigint[]) AS w (holder, prize) JOIN certificate c "
        "ON c.contest_id = $1 AND c.kind = $2 AND c.superseded_by_id IS NULL "
        "AND coalesce(c.prize_id, 0) = w.prize "
        "AND coalesce(c.participant_id, -c.unit_id) = w.holder",
        contest_id,
        kind,
        [holder for holder, _ in lines],
        [prize for _, prize in lines],
    )
    return {(row["holder"], row["prize"]) for row in rows}


def refuse_bad_rule(rule: Rule) -> None:
    faults = rule_faults(rule)
    if faults:
        raise Refusal("bad_rule", next(iter(faults.values())), fields=faults)


def source_of(contest_id: int, rule: Rule, only: str = "") -> tuple[str, list[object]]:
    """The query of a rule's lines and its five values; $5 is the kind of certificate."""
    if rule.kind in PRIZE_KINDS:
        values = [rule.round_id, list(rule.prize_ids) or None, PRIZE_KINDS[rule.kind]]
        return _AWARDS.format(only=only), [contest_id, *values, rule.kind]
    values = [rule.round_id, rule.points, rule.percent]
    return _PEOPLE.format(only=only), [contest_id, *values, rule.kind]


@dataclass(frozen=True)
class LineShown:
    """A line of a frozen list: whom it is for, and what became of it."""

    deed: str
    name: str
    unit_name: str
    result: str
    old_number: str | None  # of the certificate that is corrected or revoked
    number: str | None
    certificate_id: int | None
    skipped_because: str


async def lines_of(batch_id: int, *, page: int = 1) -> list[LineShown]:
    """Fifty lines of a list in the order of its numbers; names as issued, else as they are now."""
    rows = await pool().fetch(
        "SELECT o.deed, coalesce(c.printed_name, old.printed_name, a.printed_name, e.full_name, "
        " w.name) AS name, coalesce(c.unit_name, old.unit_name, "
        " CASE WHEN o.unit_id IS NULL THEN coalesce(a.unit_name, u.name) END, '') AS unit_name, "
        "coalesce(c.result, old.result, p.name, '') AS result, old.number AS old_number, "
        "CASE WHEN o.deed <> 'revoke' THEN c.number END AS number, "
        "coalesce(c.id, old.id) AS certificate_id, o.skipped_because FROM certificate_owed o "
        "LEFT JOIN certificate c ON c.id = o.certificate_id "
        "LEFT JOIN certificate old ON old.id = o.replaces_id "
        "LEFT JOIN prize p ON p.id = o.prize_id "
        "LEFT JOIN LATERAL (SELECT printed_name, unit_name FROM award x WHERE x.prize_id = o.prize_id "
        " AND coalesce(x.participant_id, -x.unit_id) = coalesce(o.participant_id, -o.unit_id) "
        " ORDER BY x.id DESC LIMIT 1) a ON true "
        "LEFT JOIN participant m ON m.id = o.participant_id LEFT JOIN person e ON e.id = m.person_id "
        "LEFT JOIN unit u ON u.id = m.unit_id LEFT JOIN unit w ON w.id = o.unit_id "
        "WHERE o.batch_id = $1 ORDER BY o.position LIMIT $2 OFFSET $3",
        batch_id,
        PAGE_LINES,
        PAGE_LINES * (page - 1),
    )
    return [LineShown(**row) for row in rows]
