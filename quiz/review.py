"""What may a participant see of an attempt after handing it in?

The key leaves the server only when the contest's review policy says so (features.md T13):
`at_once` right after handing in, `after_close` once the round has closed, `after_final` once its
result is final, `never`. What the organisers corrected since is shown as it holds now.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import db
from core.groupread import GroupReader
from quiz.attempts import CLOSING_GRACE_SECONDS, refuse_unknown
from quiz.corrections import NOTHING, Correction, Overlay, corrected
from quiz.drawing import Paper, PaperQuestion
from quiz.frozen import overlay_of, paper_of
from quiz.scoring import POINT, corrected_points

POLICIES = ("at_once", "after_close", "after_final", "never")


@dataclass(frozen=True)
class Result:
    """An attempt with its score; the score's fields are None until it has one."""

    attempt_id: UUID
    contest_id: int
    round_id: int
    participant_id: int
    division_id: int
    number: int
    pool_id: int
    seed: str
    drawing_version: int
    state: str
    receipt: str | None
    answers: Mapping[str, Sequence[int]]
    prediction: int | None
    deadline_at: datetime
    closed_at: datetime | None
    points: int | None
    correct_count: int | None
    question_count: int | None
    duration_ms: int | None
    scoring_version: int  # of the round, now
    is_counted: bool
    is_ranked: bool
    attempt_count: int

    @property
    def answered_count(self) -> int:
        return sum(1 for chosen in self.answers.values() if chosen)


@dataclass(frozen=True)
class Outcome:
    """The little of an attempt that is asked again and again while it is being scored."""

    state: str
    receipt: str | None
    points: int | None
    correct_count: int | None
    question_count: int | None
    duration_ms: int | None


async def find_outcome(attempt_id: UUID) -> Outcome:
    found = await _OUTCOMES.find(attempt_id)
    if found is None:
        raise refuse_unknown()
    return found


async def _read_outcomes(attempt_ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    rows = await db.pool().fetch(
        "SELECT a.id, a.state, a.receipt, s.points, s.correct_count, s.question_count, "
        "s.duration_ms FROM attempt a LEFT JOIN score s ON s.attempt_id = a.id "
        "WHERE a.id = ANY($1::uuid[])",
        attempt_ids,
    )
    return {attempt_id: Outcome(*columns) for attempt_id, *columns in rows}


_OUTCOMES = GroupReader(_read_outcomes)


async def find_result(attempt_id: UUID) -> Result:
    row = await db.pool().fetchrow(
        "SELECT a.id AS attempt_id, r.contest_id, a.round_id, a.participant_id, a.division_id, "
        "a.number, a.pool_id, a.seed, a.drawing_version, a.state, a.receipt, a.answers, "
        "a.prediction, a.deadline_at, a.closed_at, s.points, s.correct_count, "
        "s.question_count, s.duration_ms, r.scoring_version, "
        "coalesce(t.attempt_id = a.id, true) AS is_counted, "
        "coalesce(t.is_ranked, true) AS is_ranked, "
        "(SELECT count(*)::int FROM attempt x WHERE x.participant_id = a.participant_id "
        " AND x.round_id = a.round_id) AS attempt_count "
        "FROM attempt a JOIN round r ON r.id = a.round_id "
        "LEFT JOIN score s ON s.attempt_id = a.id "
        "LEFT JOIN standing t ON t.round_id = a.round_id AND t.participant_id = a.participant_id "
        "WHERE a.id = $1",
        attempt_id,
    )
    if row is None:
        raise refuse_unknown()
    return Result(**row)


def shows_key(policy: str, closes_at: datetime, round_result: str, at: datetime) -> bool:
    """Whether the key may be shown now; after a close, only when nobody can still be answering."""
    if policy == "at_once":
        return True
    if policy == "after_close":
        return (at - closes_at).total_seconds() > CLOSING_GRACE_SECONDS
    return policy == "after_final" and round_result == "final"


async def reviewed_paper(found: Result) -> list[dict[str, Any]]:
    """The paper with the participant's answers, the key, explanations and sources."""
    paper = await paper_of(db.pool(), found.pool_id, found.seed, found.drawing_version)
    overlay = await overlay_of(db.pool(), found.round_id, found.scoring_version)
    return reviewed(paper, found.answers, overlay)


def reviewed(
    paper: Paper, answers: Mapping[str, Sequence[int]], overlay: Overlay = NOTHING
) -> list[dict[str, Any]]:
    """Any paper beside the answers that somebody gave to it, corrections applied."""
    return [
        _reviewed(position, each, answers.get(str(position), ()), overlay.get(each.question.id))
        for position, each in enumerate(paper, start=1)
    ]


def _reviewed(
    position: int, each: PaperQuestion, chosen: Sequence[int], correction: Correction | None
) -> dict[str, Any]:
    held = corrected(each.question, correction)
    options = [held.options[place] for place in each.option_order]
    has_key = correction is None or correction.kind == "rekey"  # else nothing is called right
    return {
        "position": position,
        "text": each.question.text,
        "kind": each.question.kind,
        "is_right": corrected_points(each, chosen, correction) == POINT,
        "is_answered": bool(chosen),
        "correction": correction and {"kind": correction.kind, "reason": correction.reason},
        "options": [
            {
                "letter": string.ascii_uppercase[shown - 1],
                "text": option.text,
                "is_chosen": shown in chosen,
                "is_right": has_key and option.is_correct,
            }
            for shown, option in enumerate(options, start=1)
        ],
        "explanation": each.question.explanation or None,
        "source": each.question.source or None,
        "link": each.question.link or None,
    }
