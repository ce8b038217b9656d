"""What the tests of quiz/ share: a commune and its people, a bank, and a contest that is open now.

Everything is made by the platform's own verbs. Where the subject is the hot path alone,
tests/quiz/arena.py lays a smaller stage.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from core import clock, db
from people.persons import make_person
from people.unit_writing import add_unit
from quiz import frozen
from quiz.attempts import Attempts
from quiz.contest_making import add_division, add_round, make_contest, publish_rules, set_blueprint
from quiz.contests import ContestShown, get_contest
from quiz.pools import PoolLine, PoolOption
from quiz.publishing import approve_contest, send_to_review
from quiz.question_review import approve_questions
from quiz.question_review import send_to_review as send_questions
from quiz.question_writing import add_topic, make_bank, save_question
from quiz.questions import find_questions

TOPICS = {"chuyen-doi-so": "Chuyển đổi số", "du-lieu": "Dữ liệu"}
DIFFICULTIES = ("easy", "medium")
QUESTIONS_EACH = 6
CAST = ("Lò Thị Mai", "Y Moan Êban", "K'Brôih", "Nguyễn Văn Ế", "Đặng Thị Ơ", "Ủn")


@dataclass(frozen=True)
class Staff:
    """Accounts: Lan writes questions and makes contests, Minh approves."""

    lan: int
    minh: int
    unit_id: int  # the commune of everybody in these tests


@dataclass(frozen=True)
class Bank:
    """24 approved questions: six for each of two topics, easy and medium; option A is right."""

    id: int
    question_ids: tuple[int, ...]


@dataclass(frozen=True)
class Participant:
    """Somebody who has entered the contest; the first three stand in "can-bo"."""

    id: int
    person_id: int
    division_id: int
    unit_id: int
    full_name: str


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


@pytest.fixture
async def staff(clean: None) -> Staff:
    frozen.forget_pools()
    await add_unit(
        code="T12", name="Tỉnh Lai Châu", kind="province", parent_code=None,
        valid_from=date(2025, 7, 1),
    )  # fmt: skip
    unit_id = await add_unit(
        code="X03445", name="Xã Bình Lư", kind="commune", parent_code="T12",
        valid_from=date(2025, 7, 1), headcount=200, counted_on=date(2025, 7, 1),
    )  # fmt: skip
    lan, minh = [
        await db.pool().fetchval(
            "INSERT INTO account (person_id, username, is_active, failed_count, created_at) "
            "VALUES ($1, $2, true, 0, $3) RETURNING id",
            await _person(full_name, unit_id, "can-bo"),
            username,
            clock.now(),
        )
        for username, full_name in (("lan", "Vàng Thị Lan"), ("minh", "Phạm Văn Minh"))
    ]
    return Staff(lan=lan, minh=minh, unit_id=unit_id)


@pytest.fixture
def write_question(staff: Staff) -> Callable[..., Awaitable[int]]:
    """Save a right single-choice question by Lan, but for what is named; returns its version id."""

    async def write(bank_id: int, code: str, **changes: Any) -> int:
        question: dict[str, Any] = {
            "topic": "chuyen-doi-so",
            "difficulty": "easy",
            "kind": "single",
            "text": f"Câu hỏi mang mã {code}?",
            "options": [PoolOption(f"Phương án {n} của {code}", n == 1) for n in range(1, 5)],
            "explanation": "Theo luật.",
            "by": staff.lan,
        }
        return await save_question(bank_id, code=code, **{**question, **changes})

    return write


@pytest.fixture
async def empty_bank(staff: Staff) -> int:
    """A bank with two topics and no question."""
    bank_id = await make_bank(code="cds", name="Chuyển đổi số", by=staff.lan)
    for code, name in TOPICS.items():
        await add_topic(bank_id, code=code, name=name)
    return bank_id


@pytest.fixture
async def bank(
    empty_bank: int, staff: Staff, write_question: Callable[..., Awaitable[int]]
) -> Bank:
    for topic, difficulty, number in product(TOPICS, DIFFICULTIES, range(1, QUESTIONS_EACH + 1)):
        code = f"{topic}-{difficulty}-{number}"
        await write_question(empty_bank, code, topic=topic, difficulty=difficulty)
    question_ids = tuple(each.id for each in await find_questions(empty_bank))
    await send_questions(question_ids, by=staff.lan)
    await approve_questions(question_ids, by=staff.minh)
    return Bank(empty_bank, question_ids)


@pytest.fixture
async def draft(bank: Bank, staff: Staff) -> int:
    """A draft that lacks nothing: two divisions, a round open now and one next week, 8 questions."""
    contest_id = await make_contest(
        slug="tim-hieu", name="Tìm hiểu chuyển đổi số", bank_id=bank.id, organiser="Sở KH&CN",
        audience="Dành cho người dân trong tỉnh", prediction="people", by=staff.lan,
    )  # fmt: skip
    await add_division(contest_id, code="can-bo", name="Cán bộ", by=staff.lan)
    await add_division(contest_id, code="nguoi-dan", name="Người dân", by=staff.lan)
    at = clock.now()
    for number in (1, 2):
        opens_at = at + timedelta(days=7 * (number - 1), hours=-1)
        round_id = await add_round(
            contest_id, number=number, name=f"Tuần {number}", opens=opens_at,
            closes=opens_at + timedelta(days=6), time_limit_seconds=1200, by=staff.lan,
        )  # fmt: skip
        lines = [PoolLine(*pair, question_count=2) for pair in product(TOPICS, DIFFICULTIES)]
        await set_blueprint(round_id, lines, by=staff.lan)
    await publish_rules(contest_id, "## Điều 1\nAi cũng được dự thi.", by=staff.lan)
    return contest_id


@pytest.fixture
async def contest(draft: int, staff: Staff) -> ContestShown:
    """The draft, published: Lan sent it to review, Minh approved it."""
    await send_to_review(draft, by=staff.lan)
    await approve_contest(draft, by=staff.minh)
    return await get_contest(draft)


@pytest.fixture
async def participants(contest: ContestShown, staff: Staff) -> tuple[Participant, ...]:
    found = []
    for position, full_name in enumerate(CAST):
        division = contest.divisions[position // 3]
        person_id = await _person(full_name, staff.unit_id, division.code)
        participant_id = await db.pool().fetchval(
            "INSERT INTO participant (contest_id, person_id, division_id, unit_id, shown_name, "
            "entered_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            contest.id,
            person_id,
            division.id,
            staff.unit_id,
            full_name,
            clock.now(),
        )
        found.append(Participant(participant_id, person_id, division.id, staff.unit_id, full_name))
    return tuple(found)


async def _person(full_name: str, unit_id: int, division_code: str) -> int:
    async with db.transaction() as connection:
        return await make_person(
            connection,
            full_name=full_name,
            birth_year=1990,
            unit_id=unit_id,
            division_code=division_code,
        )
