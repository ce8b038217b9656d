"""A contest whose only round is final, laid straight into the tables, and an office that issues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from certificates import printing
from certificates.books import Signature, add_signer, open_series
from certificates.issuing import Proposal, approve, issue_batch, propose
from certificates.owed import STATEMENTS, USUAL_TITLE, Rule
from core import clock, db
from tests.certificates import offices
from tests.quiz.arena import Arena, account_of, build_arena

QUESTIONS = 20
SIGNATURE = Signature(
    superior="ỦY BAN NHÂN DÂN TỈNH LAI CHÂU",
    issuer="BAN TỔ CHỨC CUỘC THI TÌM HIỂU CHUYỂN ĐỔI SỐ",
    place="Lai Châu",
    authority="TM. BAN TỔ CHỨC",
    title="TRƯỞNG BAN",
    name="Giàng A Páo",
)


@dataclass(frozen=True)
class Stage:
    """Lan proposes, Minh approves; participant `n` had 20 - n answers right in 600 + n seconds."""

    arena: Arena
    participant_ids: tuple[int, ...]
    attempt_ids: tuple[UUID, ...]
    lan: int
    minh: int
    series_id: int
    signer_id: int
    design_version_id: int

    @property
    def contest_id(self) -> int:
        return self.arena.contest_id

    def proposal(self, rule: Rule) -> Proposal:
        return Proposal(
            rule=rule,
            design_version_id=self.design_version_id,
            series_id=self.series_id,
            signer_id=self.signer_id,
            title=USUAL_TITLE,
            statement=STATEMENTS[rule.kind],
        )

    async def approved(self, rule: Rule) -> int:
        """A list that Lan proposed and Minh approved."""
        batch_id = await propose(self.contest_id, self.proposal(rule), by=self.lan)
        await approve(batch_id, by=self.minh)
        return batch_id

    async def issued(self, rule: Rule) -> int:
        batch_id = await self.approved(rule)
        await issue_batch(batch_id)
        return batch_id


async def build_stage(people: int = 6) -> Stage:
    arena = await build_arena(people=people + 2)
    await make_final(arena.round_id)
    lan, minh = await account_of(arena, people), await account_of(arena, people + 1)
    played = [await play(arena, person, QUESTIONS - person) for person in range(people)]
    return Stage(
        arena=arena,
        participant_ids=tuple(participant_id for participant_id, _ in played),
        attempt_ids=tuple(attempt_id for _, attempt_id in played),
        lan=lan,
        minh=minh,
        series_id=await open_series("GCN-BTC", by=lan),
        signer_id=await add_signer(SIGNATURE, by=lan),
        design_version_id=await lay_design(),
    )


async def make_final(round_id: int) -> None:
    await db.pool().execute(
        "UPDATE round SET result = 'final', opens_at = $2::timestamptz - interval '7 days', "
        "closes_at = $2, finalised_at = $2 WHERE id = $1",
        round_id,
        clock.now() - timedelta(days=1),
    )


async def play(
    arena: Arena, person: int, right_count: int, *, round_id: int | None = None
) -> tuple[int, UUID]:
    """A participant with one scored attempt that counts, as quiz.results leaves them."""
    at = clock.now() - timedelta(days=2)
    participant_id: int = await db.pool().fetchval(
        "INSERT INTO participant (contest_id, person_id, division_id, unit_id, shown_name, "
        "entered_at) VALUES ($1, $2, $3, $4, 'Lò Thị M.', $5) "
        "ON CONFLICT (contest_id, person_id) DO UPDATE SET entered_at = excluded.entered_at "
        "RETURNING id",
        arena.contest_id,
        arena.person_ids[person],
        arena.division_id,
        arena.unit_id,
        at,
    )
    attempt_id, played = uuid4(), round_id or arena.round_id
    await db.pool().execute(
        "INSERT INTO attempt (id, participant_id, round_id, number, division_id, unit_id, pool_id, "
        "seed, drawing_version, rules_version, state, opening, answers, saved_seq, started_at, "
        "deadline_at, closed_at, receipt) SELECT $1, $2, $3, 1, $4, $5, p.id, 'x', 1, 1, "
        "'submitted', 1, '{}', 1, $6, $6, $6, $7 FROM pool p LIMIT 1",
        attempt_id,
        participant_id,
        played,
        arena.division_id,
        arena.unit_id,
        at,
        f"R-{participant_id}-{played}",
    )
    await db.pool().execute("DELETE FROM unscored WHERE attempt_id = $1", attempt_id)
    await db.pool().execute(
        "INSERT INTO score (attempt_id, points, correct_count, question_count, duration_ms, "
        "scored_at) VALUES ($1, $2 * 1000, $2, $3, $4, $5)",
        attempt_id,
        right_count,
        QUESTIONS,
        600_000 + person * 1000,
        at,
    )
    await db.pool().execute(
        "INSERT INTO standing (round_id, participant_id, division_id, unit_id, attempt_id, "
        "attempt_count, points, correct_count, question_count, duration_ms, closed_at, rank_key, "
        "bucket) SELECT $1, $2, $3, $4, $5, 1, points, correct_count, question_count, duration_ms, "
        "scored_at, int8send(points), int8send(points) FROM score WHERE attempt_id = $5",
        played,
        participant_id,
        arena.division_id,
        arena.unit_id,
        attempt_id,
    )
    return participant_id, attempt_id


async def lay_design() -> int:
    """A design as somebody made it, its content left to tests/certificates of the designs."""
    return await db.pool().fetchval(  # type: ignore[no-any-return]  # an id
        "WITH d AS (INSERT INTO certificate_design (base, name, created_at) "
        "VALUES ('trang-trong', 'Trang trọng', now()) RETURNING id) "
        "INSERT INTO certificate_design_version (design_id, number, content, digest, created_at) "
        "SELECT id, 1, '{}', '', now() FROM d RETURNING id"
    )


async def rescore(stage: Stage, person: int, right_count: int) -> None:
    """A correction of a key gave this person's attempt another score."""
    for table in ("score", "standing"):
        await db.pool().execute(
            f"UPDATE {table} SET points = $2 * 1000, correct_count = $2 WHERE attempt_id = $1",
            stage.attempt_ids[person],
            right_count,
        )


async def disqualify(stage: Stage, person: int) -> None:
    await db.pool().execute(
        "INSERT INTO disqualification (participant_id, reason, created_at, lift_reason) "
        "VALUES ($1, 'Thi hộ', now(), '')",
        stage.participant_ids[person],
    )


async def give_prize(
    stage: Stage, name: str, person: int | None, *, place: int = 1, position: int = 1
) -> int:
    """An award of this person or, without one, of their unit; returns the prize."""
    kind = "collective" if person is None else "individual"
    prize_id: int = await db.pool().fetchval(
        "INSERT INTO prize (contest_id, round_id, kind, measure, block, name, prize_count, reward, "
        "position) VALUES ($1, $2, $3, '', '', $4, 1, '', $5) RETURNING id",
        stage.contest_id,
        stage.arena.round_id,
        kind,
        name,
        position,
    )
    await db.pool().execute(
        "INSERT INTO award (prize_id, participant_id, unit_id, place, printed_name, unit_name, "
        "state, note, created_at) SELECT $1, $2, $3, $4, CASE WHEN $2::bigint IS NULL THEN u.name "
        "ELSE e.full_name END, u.name, 'given', '', now() FROM unit u "
        "LEFT JOIN participant m ON m.id = $2 LEFT JOIN person e ON e.id = m.person_id",
        prize_id,
        None if person is None else stage.participant_ids[person],
        stage.arena.unit_id if person is None else None,
        place,
    )
    return prize_id


async def numbers_of(series_id: int) -> list[int]:
    rows = await db.pool().fetch(
        "SELECT series_number FROM certificate WHERE series_id = $1 ORDER BY series_number",
        series_id,
    )
    return [row["series_number"] for row in rows]


async def laid_papers(stage: Stage) -> int:
    """A list that was issued, each certificate with a small paper as if it had been drawn."""
    batch_id = await stage.issued(Rule(kind="participation"))
    for row in await db.pool().fetch("SELECT id, number FROM certificate ORDER BY id"):
        await printing.keep_paper(row["id"], "plain", offices.paper(row["number"]))
    return batch_id
