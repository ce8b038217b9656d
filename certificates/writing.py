"""How do numbers, certificates and their history get into the tables, inside the caller's transaction?

A number is taken by the statement that counts the series up, in the transaction that writes the
certificate: whoever comes second waits for the row, and what rolls back gives its numbers back. So
a series has neither gap nor double.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from certificates.composing import Holder, Wording, compose, face_to_json
from certificates.face import Face
from certificates.keys import make_qr
from certificates.numbers import number_text
from core.db import Connection, json_text
from core.text import fold
from quiz.receipts import spelled

CODE_BITS = 60
LONGEST_KEY = 255
# Issuing and mending of one contest take turns, whatever series they count in.
_CONTEST_LOCK = "hashtextextended('certificates of a contest', $1)"
_FACTS = ("attempt_id", "points", "correct_count", "question_count", "duration_ms")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A certificate that lacks its number."""

    wording: Wording
    contest_id: int
    prize_id: int | None
    participant_id: int | None
    unit_id: int | None
    printed_name: str
    unit_name: str
    result: str
    attempt_id: UUID | None
    points: int | None
    correct_count: int | None
    question_count: int | None
    duration_ms: int | None
    design_version_id: int
    batch_id: int


@dataclass(frozen=True, kw_only=True)
class Told:
    """Who did something to certificates, when, and why: for the office and for whoever checks."""

    by: int | None
    at: datetime
    reason: str = ""
    public_reason: str = ""


async def take_turns(connection: Connection, contest_id: int) -> None:
    """Until the transaction ends nobody else issues or mends certificates of this contest."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_CONTEST_LOCK})", contest_id)


async def reserve_ids(connection: Connection, count: int) -> list[int]:
    rows = await connection.fetch(
        "SELECT nextval(pg_get_serial_sequence('certificate', 'id')) AS id "
        "FROM generate_series(1, $1)",
        count,
    )
    return [row["id"] for row in rows]


async def write_certificates(
    connection: Connection,
    series_id: int,
    drafts: Sequence[Draft],
    told: Told,
    *,
    ids: Sequence[int],
) -> None:
    """Number the drafts in their order and write them as issued, with one event each."""
    row = await connection.fetchrow(
        "UPDATE certificate_series SET last_number = last_number + $2 WHERE id = $1 "
        "RETURNING last_number - $2 AS before, symbol, year, width",
        series_id,
        len(drafts),
    )
    places = range(row["before"] + 1, row["before"] + 1 + len(drafts))
    numbers = [number_text(place, row["year"], row["symbol"], row["width"]) for place in places]
    codes = [spelled(secrets.randbits(CODE_BITS)) for _ in drafts]
    faces = [_face(*each) for each in zip(drafts, numbers, codes, strict=True)]
    await connection.execute(
        "INSERT INTO certificate (id, number, series_id, series_number, check_code, contest_id, "
        "kind, prize_id, participant_id, unit_id, printed_name, name_key, unit_name, result, "
        "attempt_id, points, correct_count, question_count, duration_ms, face, "
        "design_version_id, batch_id, issued_on, issued_at, state, state_at) "
        "SELECT w.id, w.number, $2, w.place, w.code, w.contest_id, w.kind, w.prize_id, "
        "w.participant_id, w.unit_id, w.printed_name, w.name_key, w.unit_name, w.result, "
        "w.attempt_id, w.points, w.correct_count, w.question_count, w.duration_ms, w.face::jsonb, "
        "w.design_version_id, w.batch_id, w.issued_on, $1, 'issued', $1 "
        "FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], "
        "$8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], "
        "$14::text[], $15::text[], $16::uuid[], $17::bigint[], $18::int[], $19::int[], "
        "$20::bigint[], $21::text[], $22::bigint[], $23::bigint[], $24::date[]) AS w (id, number, "
        "place, code, contest_id, kind, prize_id, participant_id, unit_id, printed_name, name_key, "
        "unit_name, result, attempt_id, points, correct_count, question_count, duration_ms, face, "
        "design_version_id, batch_id, issued_on)",
        told.at,
        series_id,
        list(ids),
        numbers,
        list(places),
        codes,
        _each(drafts, "contest_id"),
        _each(drafts, "wording.kind"),
        _each(drafts, "prize_id"),
        _each(drafts, "participant_id"),
        _each(drafts, "unit_id"),
        _each(drafts, "printed_name"),
        [fold(draft.printed_name)[:LONGEST_KEY] for draft in drafts],
        _each(drafts, "unit_name"),
        _each(faces, "result"),
        *(_each(drafts, name) for name in _FACTS),
        [json_text(face_to_json(face)) for face in faces],
        _each(drafts, "design_version_id"),
        _each(drafts, "batch_id"),
        _each(drafts, "wording.issued_on"),
    )


async def add_events(
    connection: Connection, certificate_ids: Iterable[int], action: str, told: Told
) -> None:
    await connection.execute(
        "INSERT INTO certificate_event (certificate_id, action, reason, public_reason, by_id, "
        "happened_at) SELECT id, $2, $3, $4, $5, $6 FROM unnest($1::bigint[]) AS w (id)",
        list(certificate_ids),
        action,
        told.reason,
        told.public_reason,
        told.by,
        told.at,
    )


def _face(draft: Draft, number: str, code: str) -> Face:
    holder = Holder(
        number=number,
        check_code=code,
        printed_name=draft.printed_name,
        unit_name=draft.unit_name,
        result=draft.result,
    )
    composed = compose(draft.wording, holder)
    return replace(composed, qr=make_qr(composed))


def _each(values: Sequence[object], name: str) -> list[object]:
    return list(map(attrgetter(name), values))
