"""Whose certificate no longer holds, and how is it revoked or replaced by a right one?

A certificate rests on the attempt whose score it copied. A rescoring, a disqualification or a prize
that went to somebody else leaves it standing as it was; here it is found, and a list of corrections
is proposed that a second person approves like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import asyncpg

from certificates import owed
from certificates.books import series_of_year
from certificates.composing import Wording, face_from_json
from certificates.listing import source_of
from certificates.owed import PRIZE_KINDS, Owed, Rule, result_text
from certificates.writing import (
    Draft,
    Told,
    add_events,
    reserve_ids,
    write_certificates,
)
from core import clock
from core.db import Connection, json_value, transaction
from core.errors import Refusal
from core.settings import settings
from core.text import clean
from people.audit import record

LONGEST_REASON = 500


@dataclass(frozen=True)
class Outdated:
    """A certificate that no longer holds, and what would put it right."""

    certificate_id: int
    number: str
    kind: str
    printed_name: str
    unit_name: str
    result: str
    deed: str  # correct, revoke
    right_result: str  # "" when it is to be revoked


async def find_outdated(contest_id: int) -> list[Outdated]:
    """Certificates of a contest whose ground was taken away or moved, by their numbers."""
    async with transaction() as connection:
        rules = await _rules(connection, contest_id)
        found = [
            each
            for batch_id, rule in rules.items()
            for each in await _outdated(connection, contest_id, batch_id, rule)
        ]
    return sorted((each for each, _ in found), key=lambda each: each.certificate_id)


async def propose_mending(
    contest_id: int,
    certificate_ids: Sequence[int],
    *,
    reason: str,
    public_reason: str,
    by: int | None,
) -> int:
    """Send corrections and revocations to a second person; returns the batch.

    Only certificates that `find_outdated` names are taken. Refused: without both reasons, without
    any certificate, while another such list is open.
    """
    said, told = read_reasons(reason, public_reason)
    wanted = set(certificate_ids)
    lines = [each for each in await find_outdated(contest_id) if each.certificate_id in wanted]
    if not lines:
        sentence = "Hãy chọn ít nhất một giấy chứng nhận cần sửa."
        raise Refusal("nothing_chosen", sentence, fields={"chon": sentence})
    async with transaction() as connection:
        try:
            batch_id: int = await connection.fetchval(
                "INSERT INTO certificate_batch (contest_id, purpose, kind, rule, reason, "
                "public_reason, state, owed_count, made_by_id, made_at) "
                "VALUES ($1, 'mend', '', '{}'::jsonb, $2, $3, 'in_review', $4, $5, $6) "
                "RETURNING id",
                contest_id,
                said,
                told,
                len(lines),
                by,
                clock.now(),
            )
        except asyncpg.UniqueViolationError as error:
            raise Refusal(
                "batch_open", "Đang có một danh sách sửa giấy chứng nhận chưa xong."
            ) from error
        await connection.execute(
            "INSERT INTO certificate_owed (batch_id, position, deed, participant_id, unit_id, "
            "prize_id, replaces_id, state) SELECT $1, w.position, w.deed, c.participant_id, "
            "c.unit_id, c.prize_id, c.id, 'waiting' FROM unnest($2::bigint[], $3::text[]) "
            "WITH ORDINALITY AS w (id, deed, position) JOIN certificate c ON c.id = w.id",
            batch_id,
            [each.certificate_id for each in lines],
            [each.deed for each in lines],
        )
        await record(
            connection,
            by=by,
            action="propose_mending",
            subject=f"contest:{contest_id}",
            detail={"batch_id": batch_id, "count": len(lines), "reason": said},
        )
    return batch_id


async def mend_lines(
    connection: Connection, batch: Mapping[str, Any], lines: Sequence[Any], told: Told
) -> dict[int, int | str]:
    """By line of a mending: the certificate that was revoked or the new one, or why nothing was done."""
    told = replace(told, reason=batch["reason"], public_reason=batch["public_reason"])
    wanted = {line["replaces_id"]: line for line in lines}
    outcomes: dict[int, int | str] = {line["id"]: "holds_again" for line in lines}
    rules = await _rules(connection, batch["contest_id"])
    revoked: list[int] = []
    replaced: dict[int, tuple[Rule, Owed]] = {}
    for batch_id, rule in rules.items():
        found = await _outdated(connection, batch["contest_id"], batch_id, rule, only=list(wanted))
        for each, line in found:
            if each.deed != wanted[each.certificate_id]["deed"]:
                continue
            if line is None:
                revoked.append(each.certificate_id)
            else:
                replaced[each.certificate_id] = (rule, line)
    await revoke_certificates(connection, revoked, told)
    outcomes |= {wanted[each]["id"]: each for each in revoked}
    drafts = await _drafts(connection, replaced, batch["issued_on"])
    new = await replace_certificates(connection, drafts, told, day=batch["issued_on"])
    return outcomes | {wanted[old]["id"]: fresh for old, fresh in new.items()}


async def revoke_certificates(connection: Connection, ids: Sequence[int], told: Told) -> list[int]:
    """Revoke those of them that are in force; returns which."""
    rows = await connection.fetch(
        "UPDATE certificate SET state = 'revoked', state_at = $2, public_reason = $3 "
        "WHERE id = ANY($1::bigint[]) AND state = 'issued' RETURNING id",
        list(ids),
        told.at,
        told.public_reason,
    )
    done = [row["id"] for row in rows]
    await add_events(connection, done, "revoked", told)
    return done


async def replace_certificates(
    connection: Connection, drafts: Mapping[int, Draft], told: Told, *, day: date
) -> dict[int, int]:
    """Issue each draft in the place of an old certificate; returns the new one by the old.

    A new number from this year's book of the same symbol; the old one says by which it was
    replaced, and one that was revoked stays revoked.
    """
    new = dict(zip(drafts, await reserve_ids(connection, len(drafts)), strict=True))
    # First: of each kind only one is not superseded.
    rows = await connection.fetch(
        "UPDATE certificate c SET superseded_by_id = w.new_id, "
        "state = CASE c.state WHEN 'issued' THEN 'superseded' ELSE c.state END, "
        "state_at = CASE c.state WHEN 'issued' THEN $3 ELSE c.state_at END, "
        "public_reason = CASE c.state WHEN 'issued' THEN $4 ELSE c.public_reason END "
        "FROM unnest($1::bigint[], $2::bigint[]) AS w (old_id, new_id), certificate_series s "
        "WHERE c.id = w.old_id AND s.id = c.series_id RETURNING c.id, s.symbol, s.width",
        list(new),
        list(new.values()),
        told.at,
        told.public_reason,
    )
    books: dict[tuple[str, int], list[int]] = {}
    for row in sorted(rows, key=lambda row: (row["symbol"], row["id"])):
        books.setdefault((row["symbol"], row["width"]), []).append(row["id"])
    for (symbol, width), olds in books.items():
        series_id, _ = await series_of_year(connection, symbol, day.year, width, by=told.by)
        ids = [new[old] for old in olds]
        await write_certificates(
            connection, series_id, [drafts[old] for old in olds], told, ids=ids
        )
    await add_events(connection, list(new), "superseded", told)
    await add_events(connection, list(new.values()), "corrected", told)
    return new


async def kept_draft(connection: Connection, certificate_id: int, day: date) -> Draft | None:
    """A draft that says what a certificate says, dated anew; None when it cannot be replaced."""
    rows = await connection.fetch(f"{_KEPT} WHERE id = $1 FOR UPDATE", certificate_id)
    drafts = _as_drafts(rows, day)
    return drafts.get(certificate_id)


def read_reasons(reason: str, public_reason: str) -> tuple[str, str]:
    """Why, for the office and for whoever checks; refuses when one of them is missing."""
    told = {"reason": clean(reason), "public_reason": clean(public_reason)}
    faults = {}
    for name, value in told.items():
        if not value:
            faults[name] = _WHY[name]
        elif len(value) > LONGEST_REASON:
            faults[name] = f"Tối đa {LONGEST_REASON} ký tự."
    if faults:
        raise Refusal("no_reason", next(iter(faults.values())), fields=faults)
    return told["reason"], told["public_reason"]


_WHY = {
    "reason": "Hãy ghi lý do để lưu hồ sơ.",
    "public_reason": "Hãy ghi lý do mà người tra cứu giấy chứng nhận sẽ đọc.",
}
_KEPT = (
    "SELECT id, contest_id, prize_id, participant_id, unit_id, attempt_id, points, correct_count, "
    "question_count, duration_ms, face, design_version_id, batch_id, state, superseded_by_id, "
    "erased_at FROM certificate"
)


async def _drafts(
    connection: Connection, replaced: Mapping[int, tuple[Rule, Owed]], day: date
) -> dict[int, Draft]:
    rows = await connection.fetch(f"{_KEPT} WHERE id = ANY($1::bigint[])", list(replaced))
    kept = _as_drafts(rows, day)
    return {
        old: replace(
            draft,
            result=result_text(*replaced[old]),
            attempt_id=replaced[old][1].attempt_id,
            points=replaced[old][1].points,
            correct_count=replaced[old][1].correct_count,
            question_count=replaced[old][1].question_count,
            duration_ms=replaced[old][1].duration_ms,
        )
        for old, draft in kept.items()
    }


def _as_drafts(rows: Sequence[Any], day: date) -> dict[int, Draft]:
    found = {}
    for row in rows:
        if row["superseded_by_id"] is not None or row["erased_at"] is not None:
            continue
        face = face_from_json(json_value(row["face"]))
        wording = Wording(
            **{name: getattr(face, name) for name in _WORDING},
            issued_on=day,
            base_url=settings().base_url,
        )
        found[row["id"]] = Draft(
            wording=wording,
            printed_name=face.printed_name,
            unit_name=face.unit_name,
            result=face.result,
            **{name: row[name] for name in _COPIED},
        )
    return found


_WORDING = (
    "kind", "superior", "issuer", "title", "statement", "contest_title", "place", "authority",
    "signer_title", "signer_name",
)  # fmt: skip
_COPIED = (
    "contest_id", "prize_id", "participant_id", "unit_id", "attempt_id", "points",
    "correct_count", "question_count", "duration_ms", "design_version_id", "batch_id",
)  # fmt: skip


async def _rules(connection: Connection, contest_id: int) -> dict[int, Rule]:
    rows = await connection.fetch(
        "SELECT id, rule FROM certificate_batch WHERE contest_id = $1 AND purpose = 'issue' "
        "AND issued_count > 0 ORDER BY id",
        contest_id,
    )
    return {row["id"]: owed.from_json(json_value(row["rule"])) for row in rows}


async def _outdated(
    connection: Connection,
    contest_id: int,
    batch_id: int,
    rule: Rule,
    *,
    only: Sequence[int] | None = None,
) -> list[tuple[Outdated, Owed | None]]:
    source, values = source_of(contest_id, rule)
    rows = await connection.fetch(
        f"""
        SELECT c.id AS certificate_id, c.number, c.kind, c.printed_name, c.unit_name AS old_unit,
               c.result, f.*, f.participant_id IS NOT NULL OR f.unit_id IS NOT NULL AS is_owed
        FROM certificate c
        LEFT JOIN ({source}) f ON coalesce(f.participant_id, -f.unit_id)
                = coalesce(c.participant_id, -c.unit_id)
            AND coalesce(f.prize_id, 0) = coalesce(c.prize_id, 0) AND c.kind = $5
        WHERE c.batch_id = $6 AND c.state = 'issued' AND c.erased_at IS NULL
            AND ($7::bigint[] IS NULL OR c.id = ANY($7))
            AND ((f.participant_id IS NULL AND f.unit_id IS NULL) OR ($8 AND NOT {_HOLDS}))
        ORDER BY c.id
        """,  # noqa: S608 — our own queries
        *values,
        batch_id,
        None if only is None else list(only),
        rule.has_result and rule.kind not in PRIZE_KINDS,
    )
    found = []
    for row in rows:
        line = (
            Owed(**{name: row[name] for name in Owed.__dataclass_fields__})
            if row["is_owed"]
            else None
        )
        shown = Outdated(
            certificate_id=row["certificate_id"],
            number=row["number"],
            kind=row["kind"],
            printed_name=row["printed_name"],
            unit_name=row["old_unit"],
            result=row["result"],
            deed="correct" if line else "revoke",
            right_result=result_text(rule, line) if line else "",
        )
        found.append((shown, line))
    return found


# The attempt that was copied still has that score and still counts in its round.
_HOLDS = """EXISTS (
    SELECT FROM score k JOIN attempt t ON t.id = k.attempt_id
    JOIN standing s ON s.round_id = t.round_id AND s.participant_id = t.participant_id
    WHERE k.attempt_id = c.attempt_id AND k.points = c.points
        AND k.correct_count = c.correct_count AND k.question_count = c.question_count
        AND s.is_ranked AND NOT EXISTS (SELECT FROM disqualification d
            WHERE d.participant_id = c.participant_id AND d.lifted_at IS NULL
            AND coalesce(d.round_id, t.round_id) = t.round_id))"""
