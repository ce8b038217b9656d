"""How did a round's questions and topics do, as computed off the peak from everybody's first attempt?

First attempts only: later ones remember earlier ones, which the formulas do not allow for (Moodle's
report takes the first attempts for the same reason). Of a large round a sample is taken, by the
random ids of the attempts, so that a computation ends within a job's time.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from core import clock, db
from core.clock import local
from core.db import Connection
from core.errors import Refusal
from core.queue import enqueue
from quiz.corrections import Correction, Overlay
from quiz.drawing import PaperQuestion
from quiz.frozen import get_pool, overlay_of, paper_of
from quiz.item_analysis import PaperFigures, Response, Responses
from quiz.pools import Pool
from quiz.scoring import POINT, corrected_points

SAMPLE_SIZE = 50_000  # about 40 s of one core; the figures' own error is then below half a percent
# So much is computed between two looks at the worker's other jobs: some 30 ms.
_BATCH = 100
_IDS = 16**4  # attempts are chosen by the first four digits of their ids
NIGHT_HOURS = range(5)  # open rounds are computed at night, Việt Nam's time
NIGHTLY = timedelta(hours=20)

# Fewer answers than this say nothing about a question.
FEWEST_ANSWERS = 30
# Percent: beyond these a question hardly tells people apart (Moodle's guide to its report).
TOO_EASY, TOO_HARD, WEAK = 95.0, 20.0, 20.0
HARDLY_CHOSEN = 0.02

_FIRST_ATTEMPTS = """
SELECT a.pool_id, a.seed, a.drawing_version, a.answers, a.unit_id FROM attempt a
WHERE a.round_id = $1 AND a.state <> 'open' AND a.number = 1
    AND ('x' || left(a.id::text, 4))::bit(16)::int < $2
"""
_DUE = """
SELECT r.id FROM round r LEFT JOIN round_statistic s ON s.round_id = r.id
WHERE EXISTS (SELECT FROM attempt a WHERE a.round_id = r.id AND a.state <> 'open')
    AND (CASE WHEN r.result <> 'none'
              THEN s.computed_at IS NULL OR s.computed_at < r.closes_at
                   OR (s.content->>'scoring_version')::int <> r.scoring_version
              ELSE $1 AND (s.computed_at IS NULL OR s.computed_at < $2) END)
ORDER BY r.closes_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class PaperShown:
    """The figures of one paper; without a division it was everybody's."""

    division_name: str | None
    figures: PaperFigures


@dataclass(frozen=True)
class OptionShown:
    """An option with its words and who chose it; shares from 0 to 1."""

    text: str
    is_correct: bool
    count: int
    share: float
    upper: float
    lower: float


@dataclass(frozen=True)
class QuestionJudged:
    """One question with its figures in percent."""

    question_id: int
    question_version_id: int
    code: str
    topic: str
    difficulty: str
    text: str
    attempt_count: int
    facility: float
    discrimination_index: float | None
    discrimination_efficiency: float | None
    unanswered_share: float
    options: Sequence[OptionShown]

    @property
    def advice(self) -> tuple[str, ...]:
        """What to look at: few_answers; wrong_key?, too_easy, too_hard, weak, idle_option."""
        if self.attempt_count < FEWEST_ANSWERS:
            return ("few_answers",)
        index = self.discrimination_index
        right_upper = sum(option.upper for option in self.options if option.is_correct)
        found = {
            # The strong lean to something else than the key: the key is the first suspect.
            "wrong_key": (index is not None and index < 0)
            or any(o.upper > right_upper for o in self.options if not o.is_correct),
            "too_hard": self.facility <= TOO_HARD,
            "too_easy": self.facility >= TOO_EASY,
            "weak": index is not None and 0 <= index < WEAK and self.facility < TOO_EASY,
            "idle_option": any(
                option.share < HARDLY_CHOSEN for option in self.options if not option.is_correct
            )
            and self.facility < TOO_EASY,
        }
        return tuple(code for code, holds in found.items() if holds)


@dataclass(frozen=True)
class RoundJudged:
    """Everything that was computed of a round; `sampled_count` attempts of `attempt_count`."""

    computed_at: datetime
    attempt_count: int
    sampled_count: int
    papers: Sequence[PaperShown]
    questions: Sequence[QuestionJudged]


@dataclass(frozen=True)
class TopicCell:
    """How many answers of a unit's people to a topic's questions were wholly right."""

    answer_count: int
    correct_count: int

    @property
    def share(self) -> float:
        return self.correct_count / self.answer_count


@dataclass(frozen=True)
class UnitKnowledge:
    """One row of the knowledge map; topics that nobody of the unit was asked are missing."""

    unit_id: int
    name: str
    people_count: int
    topics: Mapping[str, TopicCell]


@dataclass(frozen=True)
class KnowledgeMap:
    """Topics (code → name) × units, the units that know least first."""

    topics: Mapping[str, str]
    overall: Mapping[str, TopicCell]
    units: Sequence[UnitKnowledge]


class _Gathering:
    """What one reading of a round's attempts adds up to."""

    def __init__(self) -> None:
        self.questions = Responses()
        self.papers: defaultdict[int, Responses] = defaultdict(Responses)
        self.people: Counter[int] = Counter()
        self.answers: Counter[tuple[int, str]] = Counter()
        self.correct: Counter[tuple[int, str]] = Counter()
        self.question_ids: dict[int, int] = {}  # by version

    def add(
        self, pool_id: int, unit_id: int, responses: Sequence[tuple[PaperQuestion, Response]]
    ) -> None:
        self.people[unit_id] += 1
        for asked, response in responses:
            self.question_ids[response.question] = asked.question.question_id
            where = (unit_id, asked.question.topic)
            self.answers[where] += 1
            self.correct[where] += response.points == POINT
        self.questions.add(response for _, response in responses)
        self.papers[pool_id].add(response for _, response in responses)


async def compute_due() -> int:
    """Compute one round that waits for its figures, and ring again if it found one."""
    at = clock.now()
    round_id = await db.pool().fetchval(_DUE, local(at).hour in NIGHT_HOURS, at - NIGHTLY)
    if round_id is None:
        return 0
    await compute(round_id)
    enqueue("compute_statistics")
    return 1


async def compute(round_id: int) -> int:
    """Compute and keep the figures of one round; returns of how many attempts. Repeatable."""
    async with db.pool().acquire() as connection:
        row = await connection.fetchrow(
            "SELECT r.scoring_version, (SELECT coalesce(sum(people_count), 0)::int "
            "FROM participation p WHERE p.round_id = r.id) AS people_count "
            "FROM round r WHERE r.id = $1",
            round_id,
        )
        if row is None:
            raise Refusal("not_found", "Không tìm thấy đợt thi này.")
        overlay = await overlay_of(connection, round_id, row["scoring_version"])
        threshold = _threshold(row["people_count"])
        gathered = await _gather(connection, round_id, threshold, overlay)
        # Sorting and correlating a sample takes seconds: not in the worker's own thread.
        questions = await asyncio.to_thread(gathered.questions.questions)
        papers = {
            pool_id: await asyncio.to_thread(responses.paper)
            for pool_id, responses in gathered.papers.items()
        }
        content = {
            "scoring_version": row["scoring_version"],
            "attempt_count": row["people_count"],
            "sampled_count": gathered.people.total(),
            "papers": [
                {"pool_id": pool_id, "figures": asdict(figures)}
                for pool_id, figures in sorted(papers.items())
                if figures
            ],
        }
        async with connection.transaction():
            await _write(
                connection, round_id, content, gathered, [asdict(each) for each in questions]
            )
    return gathered.people.total()


async def round_judged(round_id: int) -> RoundJudged | None:
    """The figures as last computed, the hardest question first; None before the first time."""
    row = await db.pool().fetchrow(
        "SELECT content, computed_at FROM round_statistic WHERE round_id = $1", round_id
    )
    if row is None:
        return None
    content = row["content"]
    overlay = await overlay_of(db.pool(), round_id, content["scoring_version"])
    divisions = {
        each["id"]: each["name"]
        for each in await db.pool().fetch(
            "SELECT p.id, d.name FROM pool p LEFT JOIN division d ON d.id = p.division_id "
            "WHERE p.round_id = $1",
            round_id,
        )
    }
    questions = await db.pool().fetch(
        "SELECT s.content AS figures, s.question_version_id, q.id AS question_id, q.code, "
        "t.name AS topic, v.difficulty, v.text, v.options FROM question_statistic s "
        "JOIN question_version v ON v.id = s.question_version_id "
        "JOIN question q ON q.id = v.question_id JOIN topic t ON t.id = v.topic_id "
        "WHERE s.round_id = $1 ORDER BY (s.content->>'facility')::float, q.code",
        round_id,
    )
    return RoundJudged(
        computed_at=row["computed_at"],
        attempt_count=content["attempt_count"],
        sampled_count=content["sampled_count"],
        papers=[
            PaperShown(divisions.get(each["pool_id"]), PaperFigures(**each["figures"]))
            for each in content["papers"]
        ],
        questions=[_judged(each, overlay.get(each["question_version_id"])) for each in questions],
    )


async def knowledge_map(round_id: int, *, fewest_people: int) -> KnowledgeMap | None:
    """Topics by unit; units with fewer people than `fewest_people` count in `overall` only."""
    rows = await db.pool().fetch(
        "SELECT s.unit_id, u.name, u.sort_key, s.topic, t.name AS topic_name, s.answer_count, "
        "s.correct_count, s.people_count FROM topic_statistic s JOIN unit u ON u.id = s.unit_id "
        "JOIN round r ON r.id = s.round_id JOIN contest c ON c.id = r.contest_id "
        "JOIN topic t ON t.bank_id = c.bank_id AND t.code = s.topic "
        "WHERE s.round_id = $1 ORDER BY t.name",
        round_id,
    )
    if not rows:
        return None
    answers: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    units: dict[int, UnitKnowledge] = {}
    for row in rows:
        answers[row["topic"]] += row["answer_count"]
        correct[row["topic"]] += row["correct_count"]
        if row["people_count"] >= fewest_people:
            unit = units.setdefault(
                row["unit_id"], UnitKnowledge(row["unit_id"], row["name"], row["people_count"], {})
            )
            cell = TopicCell(row["answer_count"], row["correct_count"])
            units[row["unit_id"]] = UnitKnowledge(
                unit.unit_id, unit.name, unit.people_count, {**unit.topics, row["topic"]: cell}
            )
    return KnowledgeMap(
        topics={row["topic"]: row["topic_name"] for row in rows},
        overall={topic: TopicCell(answers[topic], correct[topic]) for topic in answers},
        units=sorted(units.values(), key=_share_of_all),
    )


def _share_of_all(unit: UnitKnowledge) -> float:
    answers = sum(cell.answer_count for cell in unit.topics.values())
    return sum(cell.correct_count for cell in unit.topics.values()) / answers


def _threshold(people_count: int) -> int:
    """Attempts whose ids begin below this are taken."""
    return _IDS if people_count <= SAMPLE_SIZE else _IDS * SAMPLE_SIZE // people_count


async def _gather(
    connection: Connection, round_id: int, threshold: int, overlay: Overlay
) -> _Gathering:
    gathered = _Gathering()
    slots: dict[int, dict[tuple[str, str], Hashable]] = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(_FIRST_ATTEMPTS, round_id, threshold)
        while rows := await cursor.fetch(_BATCH):
            for row in rows:
                pool_id = row["pool_id"]
                if pool_id not in slots:
                    slots[pool_id] = _shared_slots(await get_pool(connection, pool_id))
                paper = await paper_of(connection, pool_id, row["seed"], row["drawing_version"])
                responses = [
                    (asked, response)
                    for position, asked in enumerate(paper, start=1)
                    if (
                        response := _response(
                            asked, row["answers"].get(str(position), ()), slots[pool_id], overlay
                        )
                    )
                ]
                gathered.add(pool_id, row["unit_id"], responses)
            await asyncio.sleep(0)
    return gathered


def _shared_slots(pool: Pool) -> dict[tuple[str, str], Hashable]:
    """The blueprint lines that leave a choice: their places are one another's equals."""
    return {
        (line.topic, line.difficulty): (line.topic, line.difficulty)
        for line, candidates in zip(pool.lines, pool.ids_by_line, strict=True)
        if len(candidates) > line.question_count
    }


def _response(
    asked: PaperQuestion,
    chosen: Sequence[int],
    slots: Mapping[tuple[str, str], Hashable],
    overlay: Overlay,
) -> Response | None:
    """By the key that holds now; None for a question that was taken out."""
    question, order = asked.question, asked.option_order
    points = corrected_points(asked, chosen, overlay.get(question.id))
    if points is None:
        return None
    return Response(
        question=question.id,
        slot=slots.get((question.topic, question.difficulty), question.id),
        points=points,
        chosen=[order[shown - 1] for shown in chosen if 1 <= shown <= len(order)],
    )


async def _write(
    connection: Connection,
    round_id: int,
    content: Mapping[str, Any],
    gathered: _Gathering,
    questions: Sequence[Mapping[str, Any]],
) -> None:
    at = clock.now()
    # The round's row goes first and is the lock: two computations at once write one after another.
    await connection.execute(
        "INSERT INTO round_statistic (round_id, content, computed_at) VALUES ($1, $2, $3) "
        "ON CONFLICT (round_id) DO UPDATE SET content = excluded.content, "
        "computed_at = excluded.computed_at",
        round_id,
        content,
        at,
    )
    await connection.execute("DELETE FROM question_statistic WHERE round_id = $1", round_id)
    await connection.executemany(
        "INSERT INTO question_statistic (round_id, question_id, question_version_id, content, "
        "computed_at) VALUES ($1, $2, $3, $4, $5)",
        [
            (round_id, gathered.question_ids[each["question"]], each["question"], each, at)
            for each in questions
        ],
    )
    await connection.execute("DELETE FROM topic_statistic WHERE round_id = $1", round_id)
    await connection.executemany(
        "INSERT INTO topic_statistic (round_id, unit_id, topic, answer_count, correct_count, "
        "people_count) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (round_id, unit, topic, count, gathered.correct[unit, topic], gathered.people[unit])
            for (unit, topic), count in sorted(gathered.answers.items())
        ],
    )


def _judged(row: Any, correction: Correction | None) -> QuestionJudged:
    mended = correction.right_options if correction and correction.kind == "rekey" else None
    figures = row["figures"]
    by_place = {each["place"]: each for each in figures["options"]}
    nobody = {"count": 0, "share": 0.0, "upper": 0.0, "lower": 0.0}
    return QuestionJudged(
        question_id=row["question_id"],
        question_version_id=row["question_version_id"],
        code=row["code"],
        topic=row["topic"],
        difficulty=row["difficulty"],
        text=row["text"],
        attempt_count=figures["attempt_count"],
        facility=figures["facility"],
        discrimination_index=figures["discrimination_index"],
        discrimination_efficiency=figures["discrimination_efficiency"],
        unanswered_share=figures["unanswered_share"],
        options=[
            OptionShown(
                option["text"],
                option["is_correct"] if mended is None else place in mended,
                **{name: by_place.get(place, nobody)[name] for name in nobody},
            )
            for place, option in enumerate(row["options"])
        ],
    )
