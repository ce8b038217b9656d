"""How does the synthetic past get into the ledger, as if everybody had really played?

Attempts are written closed, with the answers that give the planned result on the paper of their
seed, and then scored by the code that scores everybody: nothing here writes a score, a standing or
a counter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import Any
from uuid import UUID

from core.clock import local_day
from core.db import Connection, pool
from core.text import name_masked
from quiz import drawing
from quiz.drawing import Paper, shown_correct
from quiz.frozen import get_pool, paper_of
from quiz.receipts import receipt_code
from quiz.results import score_waiting
from web.demo.lai_chau import Unit
from web.demo.names import IN_COMMUNES, IN_OFFICES, make_names
from web.demo.people import PAST_PHONES, PHONES_A_RANGE, Citizen, write_citizens
from web.demo.plays import (
    CITIZENS,
    PUPILS,
    STAFF,
    Play,
    Window,
    participation_rates,
    plan,
    shared_out,
)

CHUNK = 2_000
# Drawing is most of the work, and quiz.frozen keeps more papers than this: the past shares them.
PAPERS = 500
_SEED = 12  # the province's code; any number gives another, equally invented, past
_NAMES_A_PEOPLE = 2_500

# Who belongs to a unit of each kind, in shares.
_DIVISIONS = {
    "commune": {STAFF: 0.72, CITIZENS: 0.2, PUPILS: 0.08},
    "school": {STAFF: 0.12, PUPILS: 0.88},
    "department": {STAFF: 1.0},
    "agency": {STAFF: 1.0},
}
_AGES = {STAFF: (23, 60), CITIZENS: (16, 78), PUPILS: (15, 19)}
_MESSAGES_SHARE = 0.6
_HARDNESS = {"easy": 1.0, "medium": 1.5, "hard": 2.2}  # how much likelier a mistake is


@dataclass(frozen=True, slots=True)
class Player:
    """An invented person who may take part."""

    person_id: int
    full_name: str
    unit_id: int
    division_code: str
    least_correct: float = 0.0  # which share of a paper they know at least


@dataclass(frozen=True, slots=True)
class Stage:
    """A round as its attempts need it."""

    slug: str
    contest_id: int
    round_id: int
    number: int
    opens_at: datetime
    closes_at: datetime
    limit: timedelta
    rules_version: int
    division_ids: Mapping[str, int]
    pool_ids: Mapping[str, int]  # by division code


@dataclass(frozen=True, slots=True)
class Sheet:
    """A drawn paper as somebody answers it: for each question the right and the wrong options."""

    seed: str
    correct: Sequence[Sequence[int]]
    wrong: Sequence[Sequence[int]]
    hardness: Sequence[float]


@dataclass(frozen=True, slots=True)
class Scene:
    """A stage with those who enter it; participant ids by person, papers by pool."""

    stage: Stage
    players: Sequence[Player]
    participants: Mapping[int, int]
    sheets: Mapping[int, Sequence[Sheet]]


async def invent_people(units: Sequence[Unit], count: int, *, at: datetime) -> list[Player]:
    """The invented people in the order of their telephones, made where there are none yet."""
    async with pool().acquire() as connection, connection.transaction():
        if not await _players(connection):
            await write_citizens(connection, _citizens(units, count, at))
        return await _players(connection)


async def play_round(
    stage: Stage, players: Sequence[Player], *, attempts: int, until: datetime
) -> None:
    """Let these people play a round until then, and score it; may run again after an interruption."""
    dice = Random(f"{_SEED} {stage.slug} {stage.number}")  # noqa: S311 — invented people's dice need no secrecy
    async with pool().acquire() as connection:
        first_pool = await get_pool(connection, next(iter(stage.pool_ids.values())))
        plays = plan(
            dice,
            [player.division_code for player in players],
            attempts=attempts,
            question_count=first_pool.question_count,
            window=Window(stage.opens_at, stage.closes_at, until, stage.limit),
        )
        plays = [_at_least(play, players[play.who], first_pool.question_count) for play in plays]
        pool_ids = set(stage.pool_ids.values())
        scene = Scene(
            stage=stage,
            players=players,
            participants=await _enter(connection, stage, players, plays),
            sheets={pool_id: await _draw_sheets(connection, pool_id) for pool_id in pool_ids},
        )
        for first in range(0, len(plays), CHUNK):
            async with connection.transaction():
                await _write_attempts(connection, scene, first, plays[first : first + CHUNK])
            while await score_waiting(limit=CHUNK):
                pass


def _at_least(play: Play, player: Player, question_count: int) -> Play:
    known = ceil(player.least_correct * question_count)
    return replace(play, correct_count=max(play.correct_count, known))


async def _players(connection: Connection) -> list[Player]:
    rows = await connection.fetch(
        "SELECT p.id AS person_id, p.full_name, p.unit_id, p.division_code "
        "FROM account a JOIN person p ON p.id = a.person_id "
        "WHERE a.phone >= $1 AND a.phone < $2 ORDER BY a.phone",
        f"+{PAST_PHONES}",
        f"+{PAST_PHONES + PHONES_A_RANGE}",
    )
    return [Player(**row) for row in rows]


def _citizens(units: Sequence[Unit], count: int, at: datetime) -> list[Citizen]:
    """Invent people for the units, in proportion to their size and zeal."""
    dice = Random(_SEED)  # noqa: S311 — invented people's dice need no secrecy
    rates = participation_rates([unit.code for unit in units])
    sizes = shared_out(
        count,
        [unit.people_count * rates[unit.code] for unit in units],
        [unit.people_count for unit in units],
    )
    offices = make_names(dice, _NAMES_A_PEOPLE, IN_OFFICES)
    communes = make_names(dice, _NAMES_A_PEOPLE, IN_COMMUNES)
    homes = [unit for unit, size in zip(units, sizes, strict=True) for _ in range(size)]
    dice.shuffle(homes)  # so that any first part of the list comes from everywhere
    return [
        _citizen(dice, unit, communes if unit.kind == "commune" else offices, number, at)
        for number, unit in enumerate(homes)
    ]


def _citizen(dice: Random, unit: Unit, names: Sequence[str], number: int, at: datetime) -> Citizen:
    shares = _DIVISIONS[unit.kind]
    division = dice.choices(list(shares), weights=list(shares.values()))[0]
    youngest, oldest = _AGES[division]
    return Citizen(
        full_name=dice.choice(names),
        birth_year=local_day(at).year - dice.randint(youngest, oldest),
        phone=f"+{PAST_PHONES + number}",
        unit_id=unit.id,
        division_code=division,
        wants_messages=dice.random() < _MESSAGES_SHARE,
        signed_up_at=at,
    )


async def _enter(
    connection: Connection, stage: Stage, players: Sequence[Player], plays: Sequence[Play]
) -> dict[int, int]:
    """Make the players participants from their first start on; participant ids by person."""
    entered_at: dict[int, datetime] = {}
    for play in plays:
        entered_at.setdefault(play.who, play.started_at)
    entrants = [(players[who], started_at) for who, started_at in sorted(entered_at.items())]
    await connection.execute(
        "INSERT INTO participant (contest_id, person_id, division_id, unit_id, shown_name, "
        "entered_at) SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], "
        "$5::text[], $6::timestamptz[]) ON CONFLICT (contest_id, person_id) DO NOTHING",
        stage.contest_id,
        [player.person_id for player, _ in entrants],
        [stage.division_ids[player.division_code] for player, _ in entrants],
        [player.unit_id for player, _ in entrants],
        [name_masked(player.full_name) for player, _ in entrants],
        [started_at for _, started_at in entrants],
    )
    rows = await connection.fetch(
        "SELECT person_id, id FROM participant WHERE contest_id = $1", stage.contest_id
    )
    return {row["person_id"]: row["id"] for row in rows}


async def _write_attempts(
    connection: Connection, scene: Scene, first: int, plays: Sequence[Play]
) -> None:
    """Write a chunk unless it is there: an interrupted run begins again with the same ids."""
    first_id = _attempt_id(scene.stage, first)
    if await connection.fetchval("SELECT 1 FROM attempt WHERE id = $1", first_id):
        return
    records = [
        _record(scene, _attempt_id(scene.stage, place), play)
        for place, play in enumerate(plays, start=first)
    ]
    await connection.copy_records_to_table(
        "attempt",
        records=records,
        columns=[
            "id", "participant_id", "round_id", "number", "division_id", "unit_id", "pool_id",
            "seed", "drawing_version", "rules_version", "state", "opening", "answers",
            "prediction", "saved_seq", "saved_at", "started_at", "deadline_at", "closed_at",
            "receipt",
        ],
    )  # fmt: skip


def _record(scene: Scene, attempt_id: UUID, play: Play) -> tuple[Any, ...]:
    stage, player = scene.stage, scene.players[play.who]
    pool_id = stage.pool_ids[player.division_code]
    dice = Random(attempt_id.int)  # noqa: S311 — invented people's dice need no secrecy
    sheet = dice.choice(scene.sheets[pool_id])
    answers = answers_for(dice, sheet, play.correct_count, leaves_gaps=play.is_expired)
    return (
        attempt_id,
        scene.participants[player.person_id],
        stage.round_id,
        play.number,
        stage.division_ids[player.division_code],
        player.unit_id,
        pool_id,
        sheet.seed,
        drawing.VERSION,
        stage.rules_version,
        "expired" if play.is_expired else "submitted",
        1,
        answers,
        play.prediction,
        len(answers) + 1,
        play.closed_at - timedelta(seconds=dice.uniform(1, 8)),
        play.started_at,
        min(play.started_at + stage.limit, stage.closes_at),
        play.closed_at,
        receipt_code(attempt_id),
    )


async def _draw_sheets(connection: Connection, pool_id: int) -> list[Sheet]:
    seeds = [hashlib.sha256(f"{pool_id} {n}".encode()).hexdigest()[:32] for n in range(PAPERS)]
    return [
        sheet_of(seed, await paper_of(connection, pool_id, seed, drawing.VERSION)) for seed in seeds
    ]


def sheet_of(seed: str, paper: Paper) -> Sheet:
    correct = [tuple(shown_correct(each)) for each in paper]
    return Sheet(
        seed=seed,
        correct=tuple(correct),
        wrong=tuple(
            tuple(shown for shown in range(1, len(each.option_order) + 1) if shown not in right)
            for each, right in zip(paper, correct, strict=True)
        ),
        hardness=tuple(_HARDNESS[each.question.difficulty] for each in paper),
    )


def answers_for(
    dice: Random, sheet: Sheet, correct_count: int, *, leaves_gaps: bool
) -> dict[str, list[int]]:
    """Answers of which exactly so many are right; the harder a question, the likelier a mistake."""
    weights = [dice.random() * hardness for hardness in sheet.hardness]
    mistaken = set(sorted(range(len(weights)), key=weights.__getitem__)[correct_count:])
    answers: dict[str, list[int]] = {}
    for place, correct in enumerate(sheet.correct):
        if place not in mistaken:
            answers[str(place + 1)] = list(correct)
        elif not (leaves_gaps and place > len(weights) // 2):
            # Of several right options most people find some.
            answers[str(place + 1)] = sorted([dice.choice(sheet.wrong[place]), *correct[1:]])
    return answers


def _attempt_id(stage: Stage, place: int) -> UUID:
    digest = hashlib.sha256(f"{stage.slug} {stage.number} {place}".encode()).digest()
    return UUID(bytes=digest[:16], version=4)
