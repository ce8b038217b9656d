"""A round that is open right now, laid straight into the tables: the stage of the hot path's tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core import db
from core.text import fold, name_sort_key
from quiz import frozen, pools
from quiz.attempts import Save, Start
from quiz.drawing import Paper, shown_correct
from quiz.pools import Pool, PoolLine, PoolOption, PoolQuestion

QUESTION_COUNT = 5
CAST = ("Lò Thị Mai", "Y Moan Êban", "K'Brôih", "Nguyễn Văn Ế")


def small_pool() -> Pool:
    questions = tuple(
        PoolQuestion(
            id=number,
            question_id=number,
            topic="a",
            difficulty="easy",
            kind="single",
            text=f"Câu {number}",
            options=tuple(PoolOption(f"{number}.{place}", place == 0) for place in range(4)),
            explanation="Vì thế.",
            link="https://dichvucong.gov.vn/1",
        )
        for number in range(1, 21)
    )
    return Pool(questions, (PoolLine("a", "easy", QUESTION_COUNT),))


@dataclass(frozen=True)
class Arena:
    """One contest with one division and one open round, and people who may enter."""

    contest_id: int
    round_id: int
    division_id: int
    unit_id: int
    person_ids: tuple[int, ...]

    def start(self, person: int = 0, at: datetime | None = None) -> Start:
        return Start(
            contest_id=self.contest_id,
            round_id=self.round_id,
            person_id=self.person_ids[person],
            division_id=self.division_id,
            unit_id=self.unit_id,
            shown_name="Lò Thị M.",
            rules_version=1,
            arrived_at=at or instant(),
        )


def instant(seconds: float = 0) -> datetime:
    """So many seconds from now, on PostgreSQL's clock."""
    return db.database_clock().now() + timedelta(seconds=seconds)


def save(attempt_id: UUID, seq: int, answers: dict[str, list[int]], **more: object) -> Save:
    return Save(
        **{
            "attempt_id": attempt_id,
            "seq": seq,
            "answers": answers,
            "arrived_at": instant(),
            **more,
        }  # type: ignore[arg-type]  # the fields of a dictionary have no types
    )


async def paper_of_attempt(attempt_id: UUID) -> Paper:
    row = await db.pool().fetchrow(
        "SELECT pool_id, seed, drawing_version FROM attempt WHERE id = $1", attempt_id
    )
    assert row is not None
    return await frozen.paper_of(db.pool(), *row)


async def right_answers(attempt_id: UUID, count: int = QUESTION_COUNT) -> dict[str, list[int]]:
    """The right options of the first `count` questions, wrong ones for the rest."""
    answers = {}
    for position, each in enumerate(await paper_of_attempt(attempt_id), start=1):
        right = list(shown_correct(each))
        answers[str(position)] = right if position <= count else [right[0] % 4 + 1]
    return answers


async def build_arena(
    *,
    people: int = 4,
    attempt_limit: int | None = None,
    counting: str = "best",
    cooldown_seconds: int = 0,
    time_limit_seconds: int = 1200,
    closes_in_seconds: int = 3600,
    comparators: tuple[str, ...] = ("points", "prediction_gap", "duration", "closed_at"),
    prediction: str = "people",
) -> Arena:
    frozen.forget_pools()
    connection = db.pool()
    at = datetime.now(UTC)
    unit_id = await connection.fetchval(
        "INSERT INTO unit (code, name, name_key, sort_key, kind, block, path, valid_from) "
        "VALUES ('X1', 'Xã Bình Lư', 'xa binh lu', 'x', 'commune', '', '/1/', '2025-07-01') "
        "RETURNING id"
    )
    bank_id = await connection.fetchval(
        "INSERT INTO question_bank (code, name) VALUES ('b', 'B') RETURNING id"
    )
    contest_id = await connection.fetchval(
        "INSERT INTO contest (slug, name, summary, audience, organiser, bank_id, state, "
        "comparators, prediction, review, board_freeze_seconds, created_at) "
        "VALUES ('thi', 'Cuộc thi', '', '', '', $1, 'approved', $2, $3, 'after_close', 0, $4) "
        "RETURNING id",
        bank_id,
        list(comparators),
        prediction,
        at,
    )
    division_id = await connection.fetchval(
        "INSERT INTO division (contest_id, code, name, position) "
        "VALUES ($1, 'nguoi-dan', 'Người dân', 1) RETURNING id",
        contest_id,
    )
    round_id = await connection.fetchval(
        "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
        "closes_as_written, time_limit_seconds, attempt_limit, counting, cooldown_seconds, result) "
        "VALUES ($1, 1, 'Tuần 1', $2, $3, '', '', $4, $5, $6, $7, 'none') RETURNING id",
        contest_id,
        at - timedelta(hours=1),
        at + timedelta(seconds=closes_in_seconds),
        time_limit_seconds,
        attempt_limit,
        counting,
        cooldown_seconds,
    )
    topic_id = await connection.fetchval(
        "INSERT INTO topic (bank_id, code, name) VALUES ($1, 'a', 'A') RETURNING id", bank_id
    )
    await connection.execute(
        "INSERT INTO blueprint_line (round_id, topic_id, difficulty, question_count) "
        "VALUES ($1, $2, 'easy', $3)",
        round_id,
        topic_id,
        QUESTION_COUNT,
    )
    await connection.execute(
        "INSERT INTO pool (round_id, content, digest, frozen_at) VALUES ($1, $2, $3, $4)",
        round_id,
        pools.to_json(small_pool()),
        pools.digest(small_pool()),
        at,
    )
    person_ids = [
        await connection.fetchval(
            "INSERT INTO person (full_name, name_key, sort_key, birth_year, unit_id, "
            "division_code, created_at) VALUES ($1, $2, $3, 1990, $4, 'nguoi-dan', $5) "
            "RETURNING id",
            name,
            fold(name),
            name_sort_key(name),
            unit_id,
            at,
        )
        for name in (CAST[number % len(CAST)] for number in range(people))
    ]
    return Arena(contest_id, round_id, division_id, unit_id, tuple(person_ids))


async def account_of(arena: Arena, person: int) -> int:
    """An account for somebody of the cast who works in the office."""
    return await db.pool().fetchval(
        "INSERT INTO account (person_id, username, is_active, failed_count, created_at) "
        "VALUES ($1, $2, true, 0, now()) RETURNING id",
        arena.person_ids[person],
        f"person-{person}",
    )


async def close_round(arena: Arena) -> None:
    """Let the round's window end now."""
    await db.pool().execute(
        "UPDATE round SET closes_at = $2 WHERE id = $1", arena.round_id, instant(-1)
    )


async def forget_scores() -> None:
    """As if every attempt that is closed had just been handed in."""
    for table in (
        "unscored", "score", "standing", "standing_bucket", "participation", "score_tally",
    ):  # fmt: skip
        await db.pool().execute(f"DELETE FROM {table}")
    await db.pool().execute(
        "INSERT INTO unscored (attempt_id, round_id, closed_at) "
        "SELECT id, round_id, closed_at FROM attempt WHERE state <> 'open' ORDER BY closed_at"
    )
