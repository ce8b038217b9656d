"""Which attempts has a person made, across contests?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import clock, db
from quiz.leaderboard import place_of

MOST_SHOWN = 100


@dataclass(frozen=True)
class AttemptShown:
    """One attempt with its score; `rank` only where this attempt counts and the board is open."""

    id: UUID
    contest_slug: str
    contest_name: str
    round_id: int
    round_name: str
    round_result: str
    participant_id: int
    number: int
    state: str
    started_at: datetime
    deadline_at: datetime
    closed_at: datetime | None
    receipt: str | None
    prediction: int | None
    points: int | None
    correct_count: int | None
    question_count: int | None
    duration_ms: int | None
    is_counted: bool
    is_board_frozen: bool  # or hidden
    rank: int | None = None

    def exported(self) -> dict[str, Any]:
        """What the person may take along; internal numbers stay here."""
        inner = {"round_id", "participant_id", "is_board_frozen", "rank"}
        return {name: value for name, value in asdict(self).items() if name not in inner}


async def attempts_of(person_id: int) -> list[AttemptShown]:
    """The newest first, at most `MOST_SHOWN`."""
    rows = await db.pool().fetch(
        "SELECT a.id, c.slug AS contest_slug, c.name AS contest_name, a.round_id, "
        "r.name AS round_name, r.result AS round_result, a.participant_id, a.number, a.state, "
        "a.started_at, a.deadline_at, a.closed_at, a.receipt, a.prediction, s.points, "
        "s.correct_count, s.question_count, s.duration_ms, "
        "coalesce(t.attempt_id = a.id, false) AS is_counted, "
        "(c.board_hidden_at IS NOT NULL OR r.result <> 'final' AND r.closes_at > $3 AND c.board_freeze_seconds > 0 "
        " AND r.closes_at - c.board_freeze_seconds * interval '1 second' <= $3) AS is_board_frozen "
        "FROM participant p JOIN attempt a ON a.participant_id = p.id "
        "JOIN round r ON r.id = a.round_id JOIN contest c ON c.id = r.contest_id "
        "LEFT JOIN score s ON s.attempt_id = a.id "
        "LEFT JOIN standing t ON t.round_id = a.round_id AND t.participant_id = p.id "
        "WHERE p.person_id = $1 ORDER BY a.started_at DESC LIMIT $2",
        person_id,
        MOST_SHOWN,
        clock.now(),
    )
    return [await _with_rank(AttemptShown(**row)) for row in rows]


async def _with_rank(attempt: AttemptShown) -> AttemptShown:
    if not attempt.is_counted or attempt.is_board_frozen:
        return attempt
    place = await place_of(attempt.round_id, attempt.participant_id, reach=0)
    return AttemptShown(**{**asdict(attempt), "rank": place.rank if place else None})


async def decisions_about(person_id: int) -> dict[str, Any]:
    """What was asked and decided about a person, ready for JSON: appeals, prizes, exclusions."""
    [row] = await db.pool().fetch(
        """
        SELECT coalesce((
                   SELECT jsonb_agg(jsonb_build_object('number', x.case_number, 'round_id', x.round_id,
                       'subject', x.subject, 'question_position', x.question_position,
                       'body', x.body, 'state', x.state, 'decision', x.decision,
                       'created_at', x.created_at, 'decided_at', x.decided_at) ORDER BY x.id)
                   FROM appeal x WHERE x.participant_id = ANY(own.ids)), '[]') AS appeals,
               coalesce((
                   SELECT jsonb_agg(jsonb_build_object('prize', z.name, 'reward', z.reward,
                       'place', w.place, 'printed_name', w.printed_name, 'unit', w.unit_name,
                       'state', w.state, 'note', w.note, 'created_at', w.created_at) ORDER BY w.id)
                   FROM award w JOIN prize z ON z.id = w.prize_id
                   WHERE w.participant_id = ANY(own.ids)), '[]') AS awards,
               coalesce((
                   SELECT jsonb_agg(jsonb_build_object('round_id', d.round_id, 'reason', d.reason,
                       'created_at', d.created_at, 'lift_reason', d.lift_reason,
                       'lifted_at', d.lifted_at) ORDER BY d.id)
                   FROM disqualification d WHERE d.participant_id = ANY(own.ids)), '[]')
                   AS exclusions
        FROM (SELECT array_agg(id) AS ids FROM participant WHERE person_id = $1) own
        """,
        person_id,
    )
    return dict(row)


@dataclass(frozen=True)
class ContestEntered:
    """A contest that a person takes part in, for the office's page of the person."""

    contest_id: int
    name: str
    slug: str
    division_name: str
    entered_at: datetime
    attempt_count: int


async def contests_of(person_id: int) -> list[ContestEntered]:
    """List the contests that a person has entered, the newest first."""
    rows = await db.pool().fetch(
        """
        SELECT c.id AS contest_id, c.name, c.slug, d.name AS division_name, p.entered_at,
               (SELECT count(*)::int FROM attempt a WHERE a.participant_id = p.id) AS attempt_count
        FROM participant p
        JOIN contest c ON c.id = p.contest_id
        JOIN division d ON d.id = p.division_id
        WHERE p.person_id = $1
        ORDER BY p.entered_at DESC, p.id DESC
        """,
        person_id,
    )
    return [ContestEntered(**row) for row in rows]
