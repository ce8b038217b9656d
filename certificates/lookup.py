"""Which certificate is this, whose are they, and what happened to it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hmac import compare_digest

from certificates.composing import face_from_json
from certificates.face import Face
from certificates.numbers import number_text, read_number
from core.db import pool
from core.errors import Refusal
from core.text import clean, fold
from quiz.receipts import read_spelled

PAGE_LINES = 50


@dataclass(frozen=True)
class CertificateShown:
    """A certificate as the office and its holder see it; names are empty once it is nameless."""

    id: int
    number: str
    check_code: str
    contest_id: int
    contest_name: str
    contest_slug: str
    kind: str
    prize_id: int | None
    participant_id: int | None
    unit_id: int | None
    printed_name: str
    unit_name: str
    result: str
    issued_on: date
    issued_at: datetime
    state: str  # issued, revoked, superseded
    state_at: datetime
    public_reason: str
    superseded_by_id: int | None
    superseded_by_number: str | None
    replaces_id: int | None
    replaces_number: str | None
    design_version_id: int
    batch_id: int
    erased_at: datetime | None


@dataclass(frozen=True)
class Checked:
    """What whoever holds number and code may know: what is printed, and whether it counts."""

    certificate: CertificateShown
    face: Face


@dataclass(frozen=True)
class EventShown:
    """A line of a certificate's history, the newest first."""

    id: int
    action: str
    reason: str
    public_reason: str
    by_name: str
    happened_at: datetime


@dataclass(frozen=True, kw_only=True)
class CertificateFilter:
    """Which certificates of a contest; what is empty does not narrow.

    `text` is a number, the end of a check code, or words of a name without marks.
    """

    contest_id: int
    text: str = ""
    kind: str = ""
    state: str = ""
    batch_id: int | None = None


_SHOWN = """
SELECT c.id, c.number, c.check_code, c.contest_id, t.name AS contest_name, t.slug AS contest_slug,
       c.kind, c.prize_id, c.participant_id, c.unit_id, c.printed_name, c.unit_name, c.result,
       c.issued_on, c.issued_at, c.state, c.state_at, c.public_reason, c.superseded_by_id,
       n.number AS superseded_by_number, o.id AS replaces_id, o.number AS replaces_number,
       c.design_version_id, c.batch_id, c.erased_at {more}
FROM certificate c JOIN contest t ON t.id = c.contest_id
LEFT JOIN certificate n ON n.id = c.superseded_by_id
LEFT JOIN certificate o ON o.superseded_by_id = c.id
"""


async def find_by_number(number: str, code: str) -> Checked | None:
    """The certificate of this number, for whoever also has its check code; else None.

    Both may be typed as people type: dashes or slashes, zeros in front or none, small letters.
    """
    place = read_number(number)
    if place is None:
        return None
    row = await pool().fetchrow(
        _SHOWN.format(more=", c.face") + "JOIN certificate_series s ON s.id = c.series_id "
        "WHERE c.series_number = $1 AND s.year = $2 AND s.symbol = $3",
        *place,
    )
    typed = read_spelled(clean(code))
    # Compared in any case: how long an answer takes does not tell whether the number is known.
    is_right = compare_digest(typed.encode(), (row["check_code"] if row else "").encode())
    if row is None or not is_right:
        return None
    face = face_from_json(row["face"])
    return Checked(_shown(row), face)


async def get(certificate_id: int) -> CertificateShown:
    row = await pool().fetchrow(f"{_SHOWN.format(more='')} WHERE c.id = $1", certificate_id)
    if row is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    return CertificateShown(**row)


async def face_of(certificate_id: int) -> Face:
    """What is printed on a certificate; refuses "not_found" once it is nameless."""
    row = await pool().fetchrow(
        "SELECT face FROM certificate WHERE id = $1 AND erased_at IS NULL", certificate_id
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    return face_from_json(row["face"])


async def of_person(person_id: int) -> list[CertificateShown]:
    """A person's own certificates, the newest first; those of records merged into it too."""
    rows = await pool().fetch(
        f"{_SHOWN.format(more='')} WHERE c.participant_id IN "  # noqa: S608 — our own query
        "(SELECT id FROM participant WHERE person_id = $1) ORDER BY c.id DESC",
        person_id,
    )
    return [CertificateShown(**row) for row in rows]


async def invalid_ids(first: int, end: int) -> list[int]:
    """Which certificates of a stretch of ids count no more."""
    rows = await pool().fetch(
        "SELECT id FROM certificate WHERE id >= $1 AND id < $2 AND state <> 'issued'", first, end
    )
    return [row["id"] for row in rows]


async def find_held(person_id: int, number: str) -> CertificateShown | None:
    """The person's own certificate of this number, typed in any form."""
    place = read_number(number)
    if place is None:
        return None
    row = await pool().fetchrow(
        _SHOWN.format(more="") + "JOIN certificate_series s ON s.id = c.series_id "  # noqa: S608 — our own query
        "WHERE c.series_number = $1 AND s.year = $2 AND s.symbol = $3 AND c.participant_id IN "
        "(SELECT id FROM participant WHERE person_id = $4)",
        *place,
        person_id,
    )
    return CertificateShown(**row) if row else None


async def is_holder(certificate_id: int, person_id: int) -> bool:
    return await pool().fetchval(  # type: ignore[no-any-return]  # one boolean
        "SELECT EXISTS (SELECT FROM certificate c JOIN participant m ON m.id = c.participant_id "
        "WHERE c.id = $1 AND m.person_id = $2)",
        certificate_id,
        person_id,
    )


async def find_certificates(
    wanted: CertificateFilter, *, page: int = 1
) -> tuple[list[CertificateShown], int]:
    """Fifty certificates a page, the newest number first, and how many there are in all."""
    condition, values = _condition(wanted)
    total = await pool().fetchval(
        f"SELECT count(*) FROM certificate c WHERE {condition}",  # noqa: S608 — our own conditions
        *values,
    )
    rows = await pool().fetch(
        f"{_SHOWN.format(more='')} WHERE {condition} ORDER BY c.id DESC "
        f"LIMIT {PAGE_LINES} OFFSET $8",
        *values,
        PAGE_LINES * (page - 1),
    )
    return [CertificateShown(**row) for row in rows], int(total)


def _condition(wanted: CertificateFilter) -> tuple[str, Sequence[object]]:
    place = read_number(wanted.text)
    number = number_text(place[0], place[1], place[2], 1) if place else ""
    return (
        "c.contest_id = $1 AND ($2 = '' OR c.kind = $2) AND ($3 = '' OR c.state = $3) "
        "AND ($4::bigint IS NULL OR c.batch_id = $4) "
        "AND ($5 = '' OR ltrim(c.number, '0') = $6 OR c.check_code = $7 "
        "OR ($5 <> '' AND string_to_array(c.name_key, ' ') @> string_to_array($5, ' ')))",
        [
            wanted.contest_id,
            wanted.kind,
            wanted.state,
            wanted.batch_id,
            fold(wanted.text),
            number,
            read_spelled(clean(wanted.text)),
        ],
    )


async def state_counts(contest_id: int) -> dict[str, int]:
    """How many certificates of a contest are in each state."""
    rows = await pool().fetch(
        "SELECT state, count(*) AS certificate_count FROM certificate WHERE contest_id = $1 "
        "GROUP BY state",
        contest_id,
    )
    return {row["state"]: row["certificate_count"] for row in rows}


async def events_of(certificate_id: int) -> list[EventShown]:
    rows = await pool().fetch(
        "SELECT e.id, e.action, e.reason, e.public_reason, coalesce(p.full_name, '') AS by_name, "
        "e.happened_at FROM certificate_event e LEFT JOIN account a ON a.id = e.by_id "
        "LEFT JOIN person p ON p.id = a.person_id WHERE e.certificate_id = $1 ORDER BY e.id DESC",
        certificate_id,
    )
    return [EventShown(**row) for row in rows]


def _shown(row: object) -> CertificateShown:
    fields = dict(row)  # type: ignore[call-overload]  # a record of asyncpg
    fields.pop("face", None)
    return CertificateShown(**fields)
