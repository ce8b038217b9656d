"""How is a wrong key mended: proposed, looked at, approved by a second person, done to everybody?

A correction lives in one round. While it is proposed its preview is computed from the real
attempts; once approved, a job writes what the preview said, in one transaction that nobody can
score into. Rounds that are still open may be corrected too: who hands in later is scored by the
new key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from core.db import Connection, after_commit, json_text, json_value, pool, transaction
from core.errors import Refusal
from core.queue import enqueue
from core.text import clean
from people.audit import record
from quiz.corrections import Correction, Overlay, find_fault
from quiz.effects import Remarked
from quiz.frozen import overlay_of
from quiz.pools import PoolQuestion
from quiz.remarking import Effect, in_batches, pools_with, work_out
from quiz.results import TallyId, count_tally
from quiz.standings import RoundRules, count_buckets, hold_round, write_standings
from quiz.unscorable import try_round_again


@dataclass(frozen=True)
class CorrectionShown:
    """A correction as the organisers see it; `preview` and `outcome` as quiz.remarking says."""

    id: int
    round_id: int
    question_version_id: int
    kind: str
    right_options: tuple[int, ...]
    reason: str
    state: str
    preview: Mapping[str, Any] | None
    outcome: Mapping[str, Any] | None
    proposed_by_id: int | None
    proposed_by_name: str
    approved_by_id: int | None
    approved_by_name: str
    created_at: datetime
    applied_at: datetime | None

    @property
    def is_waiting(self) -> bool:
        return self.state in {"proposed", "approved"}


async def propose_correction(
    round_id: int,
    question_version_id: int,
    kind: str,
    right_options: Sequence[int],
    reason: str,
    *,
    by: int | None,
) -> int:
    """Put a correction on record and have its effect computed; nothing changes for anybody yet.

    `right_options` are places in the frozen question, from 0. Refused: without a reason, for a
    question that this round does not have, without any change, after the final result, beside
    another waiting correction of the same question, after a draw that has not been taken back.
    """
    said = clean(reason)
    if not said:
        sentence = "Hãy ghi lý do: thí sinh sẽ đọc được lý do này trong bài của mình."
        raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
    asked = Correction(kind, tuple(sorted(set(right_options))), said)
    async with transaction() as connection:
        row = await _lock_round(connection, round_id)
        question = await _question(round_id, question_version_id)
        overlay = await overlay_of(pool(), round_id, row["scoring_version"])
        fault = find_fault(question, asked, overlay.get(question_version_id))
        if fault is not None:
            code, sentence = fault
            raise Refusal(code, sentence, fields={"dap_an": sentence})
        correction_id = await _insert(connection, round_id, question_version_id, asked, by)
        await _record(connection, "propose_correction", by, row["contest_id"], correction_id, asked)
        after_commit(_ring)
    return correction_id


async def preview_correction(correction_id: int) -> bool:
    """Compute what a proposed correction would change, if nobody has; returns whether it did.

    Sees one state of the round and holds up nobody.
    """
    async with transaction() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = await connection.fetchrow(
            "SELECT * FROM correction WHERE id = $1 AND state = 'proposed' AND preview IS NULL "
            "FOR UPDATE SKIP LOCKED",
            correction_id,
        )
        if row is None:
            return False
        effect = await _effect(connection, row)
        await connection.execute(
            "UPDATE correction SET preview = $2::jsonb WHERE id = $1",
            correction_id,
            json_text(effect.summary),
        )
    return True


async def preview_again(correction_id: int, *, by: int | None) -> None:
    """Have the preview of a proposed correction computed anew, as the round stands now."""
    async with transaction() as connection:
        contest_id = await connection.fetchval(
            "UPDATE correction k SET preview = NULL FROM round r WHERE k.id = $1 "
            "AND k.state = 'proposed' AND r.id = k.round_id RETURNING r.contest_id",
            correction_id,
        )
        if contest_id is None:
            raise _refuse_moved_on()
        await _record(connection, "preview_correction", by, contest_id, correction_id)
        after_commit(_ring)


async def approve_correction(correction_id: int, *, by: int | None) -> None:
    """Let a correction be done: a second person, who has seen a preview that still holds.

    Refused: the own proposal, without a preview, when another correction came between.
    """
    async with transaction() as connection:
        row = await _lock_correction(connection, correction_id)
        if row["state"] != "proposed":
            raise _refuse_moved_on()
        if by is not None and row["proposed_by_id"] == by:
            raise Refusal(
                "own_correction", "Bạn là người đề nghị điều chỉnh này. Hãy nhờ người khác duyệt."
            )
        if row["preview"] is None:
            raise Refusal("no_preview", "Bản xem trước đang được tính. Hãy đợi rồi tải lại trang.")
        if json_value(row["preview"])["scoring_version"] != row["scoring_version"]:
            raise Refusal(
                "preview_stale",
                "Đợt thi vừa được điều chỉnh một câu khác, bản xem trước không còn đúng. "
                "Hãy tính lại bản xem trước.",
            )
        if await connection.fetchval(
            "SELECT EXISTS (SELECT FROM correction WHERE round_id = $1 AND state = 'approved')",
            row["round_id"],
        ):
            raise Refusal(
                "rescoring", "Đợt thi đang được chấm lại theo một điều chỉnh khác. Hãy đợi xong."
            )
        await connection.execute(
            "UPDATE correction SET state = 'approved', approved_by_id = $2 WHERE id = $1",
            correction_id,
            by,
        )
        await _record(connection, "approve_correction", by, row["contest_id"], correction_id)
        after_commit(_ring)


async def withdraw_correction(correction_id: int, reason: str, *, by: int | None) -> None:
    """Take back a correction that has not been approved."""
    async with transaction() as connection:
        row = await _lock_correction(connection, correction_id)
        if row["state"] != "proposed":
            raise _refuse_moved_on()
        await connection.execute(
            "UPDATE correction SET state = 'withdrawn' WHERE id = $1", correction_id
        )
        await _record(
            connection, "withdraw_correction", by, row["contest_id"], correction_id, clean(reason)
        )


async def rescore_round(correction_id: int) -> bool:
    """Do an approved correction to everybody, once; returns whether this call did it.

    Scores, the attempt that counts, standings, buckets and tallies are one transaction; attempts
    that are handed in meanwhile wait and are scored by the new key.
    """
    async with transaction() as connection:
        row = await connection.fetchrow(
            "SELECT * FROM correction WHERE id = $1 AND state = 'approved' FOR UPDATE SKIP LOCKED",
            correction_id,
        )
        if row is None:
            return False
        await hold_round(connection, row["round_id"])
        effect = await _effect(connection, row)
        await _write(connection, effect, row["round_id"])
        await connection.execute(
            "UPDATE correction SET state = 'applied', outcome = $2::jsonb, "
            "applied_at = clock_timestamp() WHERE id = $1",
            correction_id,
            json_text(effect.summary),
        )
        contest_id = await connection.fetchval(
            "UPDATE round SET scoring_version = scoring_version + 1 WHERE id = $1 "
            "RETURNING contest_id",
            row["round_id"],
        )
        await try_round_again(connection, row["round_id"])
        await _record(connection, "rescore_round", None, contest_id, correction_id)
    return True


async def rescore_waiting() -> int:
    """Do what nobody rang for: previews to compute, approved corrections to apply."""
    rows = await pool().fetch(
        "SELECT id, state FROM correction "
        "WHERE state = 'approved' OR (state = 'proposed' AND preview IS NULL) ORDER BY id"
    )
    done = 0
    for row in rows:
        work = rescore_round if row["state"] == "approved" else preview_correction
        done += await work(row["id"])
    return done


async def corrections_of(round_id: int) -> list[CorrectionShown]:
    """The newest first."""
    rows = await pool().fetch(
        "SELECT k.id, k.round_id, k.question_version_id, k.kind, k.right_options, k.reason, "
        "k.state, k.preview, k.outcome, k.proposed_by_id, k.approved_by_id, k.created_at, "
        "k.applied_at, coalesce(p.full_name, '') AS proposed_by_name, "
        "coalesce(q.full_name, '') AS approved_by_name FROM correction k "
        "LEFT JOIN account a ON a.id = k.proposed_by_id LEFT JOIN person p ON p.id = a.person_id "
        "LEFT JOIN account b ON b.id = k.approved_by_id LEFT JOIN person q ON q.id = b.person_id "
        "WHERE k.round_id = $1 ORDER BY k.id DESC",
        round_id,
    )
    return [
        CorrectionShown(**{**row, "right_options": tuple(row["right_options"] or ())})
        for row in rows
    ]


async def names_of(participant_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """(shown name, unit) of the people whom a preview names by number: names may be erased."""
    rows = await pool().fetch(
        "SELECT p.id, p.shown_name, u.name FROM participant p JOIN unit u ON u.id = p.unit_id "
        "WHERE p.id = ANY($1::bigint[])",
        list(participant_ids),
    )
    return {row["id"]: (row["shown_name"], row["name"]) for row in rows}


async def _effect(connection: Connection, row: Any) -> Effect:
    rules = await _rules(connection, row["round_id"])
    # The cache is keyed by committed versions: what is being tried here must not get into it.
    now = await overlay_of(pool(), row["round_id"], rules.scoring_version)
    right_options = json_value(row["right_options"]) if row["right_options"] else []
    tried: Overlay = {
        **now,
        row["question_version_id"]: Correction(row["kind"], tuple(right_options), row["reason"]),
    }
    return await work_out(connection, row["round_id"], row["question_version_id"], tried, rules)


async def _rules(connection: Connection, round_id: int) -> RoundRules:
    row = await connection.fetchrow(
        "SELECT r.counting, c.comparators, r.prediction_actual, r.scoring_version "
        "FROM round r JOIN contest c ON c.id = r.contest_id WHERE r.id = $1",
        round_id,
    )
    return RoundRules(**{**row, "comparators": json_value(row["comparators"])})


async def _write(connection: Connection, effect: Effect, round_id: int) -> None:
    for changed in in_batches(effect.changed):
        await _write_scores(connection, changed, round_id)
    tally: Counter[TallyId] = Counter()
    for each in effect.changed:
        division_id = each.after.division_id
        tally[round_id, division_id, each.before.correct_count] -= 1
        tally[round_id, division_id, each.after.scored.correct_count] += 1
    await count_tally(connection, tally)
    for which in in_batches(list(effect.after)):
        await write_standings(connection, [effect.after[each] for each in which])
    await count_buckets(connection, effect.before, effect.after)


async def _write_scores(connection: Connection, changed: Sequence[Remarked], round_id: int) -> None:
    scored = [each.after.scored for each in changed]
    await connection.execute(
        "UPDATE score s SET points = b.points, correct_count = b.correct_count, "
        "question_count = b.question_count, scored_at = clock_timestamp(), "
        "scoring_version = r.scoring_version + 1 "
        "FROM unnest($2::uuid[], $3::int[], $4::smallint[], $5::smallint[]) "
        "AS b (attempt_id, points, correct_count, question_count), round r "
        "WHERE s.attempt_id = b.attempt_id AND r.id = $1",
        round_id,
        [each.after.attempt_id for each in changed],
        [each.points for each in scored],
        [each.correct_count for each in scored],
        [each.question_count for each in scored],
    )


async def _lock_round(connection: Connection, round_id: int) -> Any:
    """The round, while nobody else decides about its result."""
    row = await connection.fetchrow(
        "SELECT contest_id, result, scoring_version FROM round WHERE id = $1 FOR NO KEY UPDATE",
        round_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy đợt thi này.")
    if row["result"] == "final":
        raise Refusal(
            "already_final", "Đợt thi đã có kết quả chính thức, không điều chỉnh được nữa."
        )
    if await connection.fetchval(
        "SELECT EXISTS (SELECT FROM draw WHERE round_id = $1 AND outcome->'void' IS NULL)", round_id
    ):
        raise Refusal(
            "drawn", "Đợt thi đã bốc thăm theo kết quả hiện có. Hãy hủy lần bốc thăm đó trước."
        )
    return row


async def _lock_correction(connection: Connection, correction_id: int) -> Any:
    round_id = await connection.fetchval(
        "SELECT round_id FROM correction WHERE id = $1", correction_id
    )
    if round_id is None:
        raise Refusal("not_found", "Không tìm thấy điều chỉnh này.")
    await _lock_round(connection, round_id)
    row = await connection.fetchrow(
        "SELECT k.*, r.contest_id, r.scoring_version FROM correction k "
        "JOIN round r ON r.id = k.round_id WHERE k.id = $1 FOR UPDATE OF k SKIP LOCKED",
        correction_id,
    )
    if row is None:  # its job holds it, and wants the round that we hold
        raise Refusal("rescoring", "Điều chỉnh này đang được tính. Hãy đợi rồi tải lại trang.")
    return row


async def _question(round_id: int, question_version_id: int) -> PoolQuestion:
    pools = await pools_with(round_id, question_version_id)
    if not pools:
        sentence = "Đợt thi này không có câu hỏi đó."
        raise Refusal("unknown_question", sentence, fields={"cau": sentence})
    return next(iter(pools.values())).by_id[question_version_id]


async def _insert(
    connection: Connection,
    round_id: int,
    question_version_id: int,
    asked: Correction,
    by: int | None,
) -> int:
    try:
        return await connection.fetchval(  # type: ignore[no-any-return]  # one number
            "INSERT INTO correction (round_id, question_version_id, kind, right_options, reason, "
            "state, proposed_by_id, created_at) "
            "VALUES ($1, $2, $3, $4::jsonb, $5, 'proposed', $6, clock_timestamp()) RETURNING id",
            round_id,
            question_version_id,
            asked.kind,
            json_text(asked.right_options) if asked.kind == "rekey" else None,
            asked.reason,
            by,
        )
    except asyncpg.UniqueViolationError as error:
        sentence = "Câu hỏi này đang có một điều chỉnh chờ duyệt."
        raise Refusal("correction_waiting", sentence, fields={"cau": sentence}) from error


async def _record(
    connection: Connection,
    action: str,
    by: int | None,
    contest_id: int,
    correction_id: int,
    asked: Correction | str = "",
) -> None:
    detail: dict[str, object] = {"correction_id": correction_id}
    if isinstance(asked, Correction):
        detail |= {"kind": asked.kind, "right_options": asked.right_options}
    reason = asked.reason if isinstance(asked, Correction) else asked
    if reason:
        detail["reason"] = reason
    await record(connection, by=by, action=action, subject=f"contest:{contest_id}", detail=detail)


def _ring() -> None:
    enqueue("rescore_waiting")


def _refuse_moved_on() -> Refusal:
    return Refusal("wrong_state", "Điều chỉnh này đã chuyển trạng thái. Hãy tải lại trang.")
