"""How does a list of certificates become numbered ones: proposed, approved by a second person, issued?

The list is frozen when it is proposed and stands on the paper that the second person approves. A
job issues it, 500 lines a transaction: numbers, certificates, history and what became of each line
are committed together, so a worker that dies at any moment leaves a whole number of slices, and
whoever rings next goes on behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from certificates import listing, owed
from certificates.composing import Wording
from certificates.listing import freeze_list, holders_with_one, owed_now, refuse_bad_rule
from certificates.mending import mend_lines
from certificates.owed import PRIZE_KINDS, Owed, Rule, result_text, who
from certificates.writing import (
    Draft,
    Told,
    add_events,
    reserve_ids,
    take_turns,
    write_certificates,
)
from core import clock
from core.clock import local_day
from core.db import Connection, after_commit, json_text, json_value, pool, transaction
from core.errors import Refusal
from core.queue import enqueue
from core.settings import settings
from core.text import clean
from people.audit import record
from quiz.contests import PUBLIC_STATES

SLICE_LINES = 500
LONGEST_TITLE, LONGEST_STATEMENT = 120, 255
preview = listing.preview


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a batch is made of; `title` and `statement` are printed as they are."""

    rule: Rule
    design_version_id: int
    series_id: int
    signer_id: int
    title: str
    statement: str


async def propose(contest_id: int, proposal: Proposal, *, by: int | None) -> int:
    """Freeze the list of a rule and send it to a second person; returns the batch.

    Refused: a bad rule or wording, an unknown book, signer or design, while another list of this
    kind is open, and when nobody is owed anything.
    """
    refuse_bad_rule(proposal.rule)
    told = replace(proposal, title=clean(proposal.title), statement=clean(proposal.statement))
    _refuse_wording(told)
    async with transaction() as connection:
        await _refuse_unknown(connection, contest_id, told)
        try:
            batch_id: int = await connection.fetchval(
                "INSERT INTO certificate_batch (contest_id, purpose, kind, rule, "
                "design_version_id, series_id, signer_id, title, statement, state, owed_count, "
                "made_by_id, made_at) VALUES ($1, 'issue', $2, $3::jsonb, $4, $5, $6, $7, $8, "
                "'in_review', 0, $9, $10) RETURNING id",
                contest_id,
                told.rule.kind,
                json_text(owed.to_json(told.rule)),
                told.design_version_id,
                told.series_id,
                told.signer_id,
                told.title,
                told.statement,
                by,
                clock.now(),
            )
        except asyncpg.UniqueViolationError as error:
            raise Refusal(
                "batch_open",
                "Cuộc thi đang có một danh sách cùng loại chưa xong. Hãy duyệt hoặc rút danh sách đó.",
            ) from error
        count = await freeze_list(connection, batch_id, contest_id, told.rule)
        if not count:
            raise Refusal("nobody_owed", "Chưa có ai được cấp giấy chứng nhận theo điều kiện này.")
        await connection.execute(
            "UPDATE certificate_batch SET owed_count = $2 WHERE id = $1", batch_id, count
        )
        await _record(connection, "propose_certificates", by, contest_id, batch_id, count=count)
    return batch_id


async def approve(batch_id: int, *, by: int | None) -> None:
    """Let a list be issued: a second person, in the year of its book.

    The day of the approval is printed on every certificate.
    """
    today = local_day(clock.now())
    async with transaction() as connection:
        row = await _lock(connection, batch_id)
        if row["state"] != "in_review":
            raise _moved_on()
        if by is not None and row["made_by_id"] == by:
            raise Refusal("own_batch", "Bạn là người lập danh sách này. Hãy nhờ người khác duyệt.")
        if row["year"] is not None and row["year"] != today.year:
            raise Refusal(
                "series_of_another_year",
                f"Sổ cấp số của danh sách này là sổ năm {row['year']}. "
                f"Hãy rút danh sách và lập lại với sổ năm {today.year}.",
            )
        await connection.execute(
            "UPDATE certificate_batch SET state = 'approved', approved_by_id = $2, "
            "approved_at = $3, issued_on = $4 WHERE id = $1",
            batch_id,
            by,
            clock.now(),
            today,
        )
        await _record(
            connection,
            "approve_certificates",
            by,
            row["contest_id"],
            batch_id,
            count=row["owed_count"],
        )
        after_commit(lambda: enqueue("issue_certificates", batch_id))


async def withdraw(batch_id: int, reason: str, *, by: int | None) -> None:
    """Take a list back that nobody has approved."""
    said = clean(reason)
    async with transaction() as connection:
        row = await _lock(connection, batch_id)
        if row["state"] != "in_review":
            raise _moved_on()
        await connection.execute(
            "UPDATE certificate_batch SET state = 'withdrawn', closed_at = $2 WHERE id = $1",
            batch_id,
            clock.now(),
        )
        await _record(
            connection, "withdraw_certificates", by, row["contest_id"], batch_id, reason=said
        )


async def issue_batch(batch_id: int) -> int:
    """Issue what is left of an approved list; returns how many lines were settled. Repeatable.

    While another worker is at it nothing is done: that worker goes on.
    """
    settled = 0
    while count := await _issue_slice(batch_id):
        settled += count
    return settled


async def issue_waiting() -> int:
    """The sweep: approved lists that nobody rang for, or whose worker died."""
    rows = await pool().fetch(
        "SELECT id FROM certificate_batch WHERE state IN ('approved', 'issuing') ORDER BY id"
    )
    return sum([await issue_batch(row["id"]) for row in rows])


async def _issue_slice(batch_id: int) -> int:
    async with transaction() as connection:
        batch = await connection.fetchrow(_BATCH, batch_id)
        if batch is None:
            return 0
        lines = await connection.fetch(
            "SELECT id, deed, participant_id, unit_id, prize_id, replaces_id FROM certificate_owed "
            "WHERE batch_id = $1 AND state = 'waiting' ORDER BY position LIMIT $2",
            batch_id,
            SLICE_LINES,
        )
        await take_turns(connection, batch["contest_id"])
        told = Told(by=batch["approved_by_id"], at=clock.now())
        if batch["purpose"] == "mend":
            outcomes = await mend_lines(connection, batch, lines, told)
        else:
            outcomes = await _issue_lines(connection, batch, lines, told)
        await _settle(connection, batch, outcomes)
    return len(lines)


_BATCH = """
SELECT b.*, s.superior, s.issuer, s.place, s.authority, s.title AS signer_title,
       s.name AS signer_name, c.name AS contest_title
FROM certificate_batch b JOIN contest c ON c.id = b.contest_id
LEFT JOIN certificate_signer s ON s.id = b.signer_id
WHERE b.id = $1 AND b.state IN ('approved', 'issuing') FOR UPDATE OF b SKIP LOCKED
"""


async def _issue_lines(
    connection: Connection, batch: Mapping[str, Any], lines: Sequence[Any], told: Told
) -> dict[int, int | str]:
    """By line: the certificate that was issued, or why none was."""
    rule = owed.from_json(json_value(batch["rule"]))
    holders = [line["participant_id"] or line["unit_id"] for line in lines]
    found = {
        who(each): each for each in await owed_now(connection, batch["contest_id"], rule, holders)
    }
    keys = [who(line) for line in lines]
    held = await holders_with_one(connection, batch["contest_id"], rule.kind, keys)
    due = [key for key in keys if key in found and key not in held]
    wording = _wording(batch, rule)
    ids = await reserve_ids(connection, len(due))
    drafts = [_draft(batch, rule, wording, found[key]) for key in due]
    if drafts:
        await write_certificates(connection, batch["series_id"], drafts, told, ids=ids)
        await add_events(connection, ids, "issued", told)
    issued = dict(zip(due, ids, strict=True))
    return {
        line["id"]: issued.get(key) or ("has_one" if key in held else "not_owed")
        for line, key in zip(lines, keys, strict=True)
    }


def _draft(batch: Mapping[str, Any], rule: Rule, wording: Wording, line: Owed) -> Draft:
    return Draft(
        wording=wording,
        contest_id=batch["contest_id"],
        prize_id=line.prize_id,
        participant_id=line.participant_id,
        unit_id=line.unit_id,
        printed_name=clean(line.name),
        unit_name=clean(line.unit_name),
        result=result_text(rule, line),
        attempt_id=line.attempt_id,
        points=line.points,
        correct_count=line.correct_count,
        question_count=line.question_count,
        duration_ms=line.duration_ms,
        design_version_id=batch["design_version_id"],
        batch_id=batch["id"],
    )


def _wording(batch: Mapping[str, Any], rule: Rule) -> Wording:
    return Wording(
        kind=rule.kind,
        superior=batch["superior"],
        issuer=batch["issuer"],
        title=batch["title"],
        statement=batch["statement"],
        contest_title=batch["contest_title"],
        place=batch["place"],
        issued_on=batch["issued_on"],
        authority=batch["authority"],
        signer_title=batch["signer_title"],
        signer_name=batch["signer_name"],
        base_url=settings().base_url,
    )


async def _settle(
    connection: Connection, batch: Mapping[str, Any], outcomes: Mapping[int, int | str]
) -> None:
    """Note what became of each line, move the counts with it, and end the list when it is through."""
    done = {line: found for line, found in outcomes.items() if isinstance(found, int)}
    skipped = {line: why for line, why in outcomes.items() if isinstance(why, str)}
    await connection.execute(
        "UPDATE certificate_owed o SET state = 'issued', certificate_id = w.certificate_id "
        "FROM unnest($1::bigint[], $2::bigint[]) AS w (id, certificate_id) WHERE o.id = w.id",
        list(done),
        list(done.values()),
    )
    await connection.execute(
        "UPDATE certificate_owed o SET state = 'skipped', skipped_because = w.why "
        "FROM unnest($1::bigint[], $2::text[]) AS w (id, why) WHERE o.id = w.id",
        list(skipped),
        list(skipped.values()),
    )
    row = await connection.fetchrow(
        "UPDATE certificate_batch SET issued_count = issued_count + $2, "
        "skipped_count = skipped_count + $3, "
        "state = CASE WHEN issued_count + skipped_count + $2 + $3 = owed_count "
        " THEN 'done' ELSE 'issuing' END, "
        "closed_at = CASE WHEN issued_count + skipped_count + $2 + $3 = owed_count THEN $4::timestamptz END "
        "WHERE id = $1 RETURNING state, issued_count, skipped_count",
        batch["id"],
        len(done),
        len(skipped),
        clock.now(),
    )
    if row["state"] != "done":
        return
    if batch["kind"] in PRIZE_KINDS:
        after_commit(lambda: enqueue("render_certificates", batch["id"]))
    await _record(
        connection,
        "issue_certificates",
        None,
        batch["contest_id"],
        batch["id"],
        issued=row["issued_count"],
        skipped=row["skipped_count"],
    )


async def _refuse_unknown(connection: Connection, contest_id: int, told: Proposal) -> None:
    if not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM contest WHERE id = $1 AND state = ANY($2::text[]))",
        contest_id,
        list(PUBLIC_STATES),
    ):
        raise Refusal("not_published", "Cuộc thi này chưa được công bố.")
    for field, found, query in (
        ("series", told.series_id, "SELECT year = $2::int FROM certificate_series WHERE id = $1"),
        (
            "signer",
            told.signer_id,
            "SELECT ended_at IS NULL AND $2::int > 0 FROM certificate_signer WHERE id = $1",
        ),
        (
            "design",
            told.design_version_id,
            "SELECT d.ended_at IS NULL AND $2::int > 0 FROM certificate_design_version v "
            "JOIN certificate_design d ON d.id = v.design_id WHERE v.id = $1",
        ),
    ):
        if not await connection.fetchval(query, found, local_day(clock.now()).year):
            sentence = _NOT_CHOSEN[field]
            raise Refusal("bad_proposal", sentence, fields={field: sentence})
    for table, ids, field in (
        ("round", [told.rule.round_id] if told.rule.round_id else [], "round"),
        ("prize", list(told.rule.prize_ids), "prizes"),
    ):
        strangers = await connection.fetchval(
            f"SELECT count(*) FROM unnest($2::bigint[]) AS w (id) WHERE NOT EXISTS "  # noqa: S608 — one of our two tables
            f"(SELECT FROM {table} t WHERE t.id = w.id AND t.contest_id = $1)",
            contest_id,
            ids,
        )
        if strangers:
            sentence = "Hãy chọn trong danh sách của cuộc thi này."
            raise Refusal("bad_proposal", sentence, fields={field: sentence})


_NOT_CHOSEN = {
    "series": "Hãy chọn sổ cấp số của năm nay.",
    "signer": "Hãy chọn người ký trong danh sách.",
    "design": "Hãy chọn mẫu giấy trong danh sách.",
}


def _refuse_wording(told: Proposal) -> None:
    faults = {}
    if not told.title or len(told.title) > LONGEST_TITLE:
        faults["title"] = f"Hãy ghi tên giấy, tối đa {LONGEST_TITLE} ký tự."
    if not told.statement or len(told.statement) > LONGEST_STATEMENT:
        faults["statement"] = f"Hãy ghi câu chứng nhận, tối đa {LONGEST_STATEMENT} ký tự."
    if faults:
        raise Refusal("bad_proposal", next(iter(faults.values())), fields=faults)


async def _lock(connection: Connection, batch_id: int) -> Any:
    row = await connection.fetchrow(
        "SELECT b.state, b.contest_id, b.made_by_id, b.owed_count, s.year FROM certificate_batch b "
        "LEFT JOIN certificate_series s ON s.id = b.series_id WHERE b.id = $1 FOR UPDATE OF b",
        batch_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy danh sách này.")
    return row


async def _record(
    connection: Connection,
    action: str,
    by: int | None,
    contest_id: int,
    batch_id: int,
    **detail: object,
) -> None:
    await record(
        connection,
        by=by,
        action=action,
        subject=f"contest:{contest_id}",
        detail={"batch_id": batch_id, **detail},
    )


def _moved_on() -> Refusal:
    return Refusal("wrong_state", "Danh sách này đã được xử lý rồi. Hãy tải lại trang.")


@dataclass(frozen=True)
class BatchShown:
    """A list and how far it is."""

    id: int
    contest_id: int
    purpose: str
    kind: str
    rule: Mapping[str, Any]
    title: str
    statement: str
    reason: str
    public_reason: str
    state: str
    owed_count: int
    issued_count: int
    skipped_count: int
    made_by_id: int | None
    made_by_name: str
    made_at: datetime
    approved_by_name: str
    approved_at: datetime | None
    closed_at: datetime | None
    series_symbol: str
    series_year: int | None
    signer_name: str
    design_name: str


_SHOWN = """
SELECT b.id, b.contest_id, b.purpose, b.kind, b.rule, b.title, b.statement, b.reason,
       b.public_reason, b.state, b.owed_count, b.issued_count, b.skipped_count, b.made_by_id,
       coalesce(x.full_name, '') AS made_by_name, b.made_at,
       coalesce(y.full_name, '') AS approved_by_name, b.approved_at, b.closed_at,
       coalesce(r.symbol, '') AS series_symbol, r.year AS series_year,
       coalesce(g.name, '') AS signer_name, coalesce(d.name, '') AS design_name
FROM certificate_batch b
LEFT JOIN account a ON a.id = b.made_by_id LEFT JOIN person x ON x.id = a.person_id
LEFT JOIN account o ON o.id = b.approved_by_id LEFT JOIN person y ON y.id = o.person_id
LEFT JOIN certificate_series r ON r.id = b.series_id
LEFT JOIN certificate_signer g ON g.id = b.signer_id
LEFT JOIN certificate_design_version v ON v.id = b.design_version_id
LEFT JOIN certificate_design d ON d.id = v.design_id
"""


async def batches_of(contest_id: int) -> list[BatchShown]:
    """A contest's lists, the newest first."""
    rows = await pool().fetch(f"{_SHOWN} WHERE b.contest_id = $1 ORDER BY b.id DESC", contest_id)
    return [BatchShown(**row) for row in rows]


async def get_batch(batch_id: int) -> BatchShown:
    row = await pool().fetchrow(f"{_SHOWN} WHERE b.id = $1", batch_id)
    if row is None:
        raise Refusal("not_found", "Không tìm thấy danh sách này.")
    return BatchShown(**row)
