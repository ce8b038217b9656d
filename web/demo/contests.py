"""Which contests does the demonstration have? One open, one coming, one over, made by the verbs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from core.clock import local_day, now
from core.db import pool
from people.accounts import DIVISIONS
from people.roles import RoleName
from people.units import get_unit
from quiz.bank_import import import_questions
from quiz.blueprints import question_count
from quiz.contest_making import (
    add_division,
    add_round,
    make_contest,
    publish_rules,
    set_blueprint,
)
from quiz.contests import ContestShown, all_contests, get_contest, rules_sentence
from quiz.entry_lists import exclude
from quiz.pools import PoolLine
from quiz.prizes import PrizePlan, add_prize, prizes_of
from quiz.publishing import approve_contest, send_to_review
from quiz.question_review import approve_questions
from quiz.question_review import send_to_review as send_questions
from quiz.question_writing import add_topic, make_bank
from quiz.questions import find_bank, find_questions
from quiz.windows import parse_instant
from web.demo.lai_chau import COMMUNES, PROVINCE
from web.demo.rules import RulesFacts, rules_body

QUESTIONS = Path(__file__).with_name("questions.json")
BANK = "chinh-quyen-so"
BANK_NAME = "Chính quyền số và dịch vụ công trực tuyến"
TOPICS = {
    "chuyen-doi-so": "Chuyển đổi số",
    "thu-tuc-dien-tu": "Thủ tục hành chính trên môi trường điện tử",
    "dich-vu-cong": "Dịch vụ công trực tuyến",
    "du-lieu": "Dữ liệu số",
    "dinh-danh-chu-ky-so": "Định danh điện tử và chữ ký số",
    "an-toan-thong-tin": "Dữ liệu cá nhân và an toàn thông tin",
    "chinh-quyen": "Tổ chức chính quyền và văn bản",
    "lich-su": "Quy định đã hết hiệu lực",
}
LIVE_TOPICS = tuple(topic for topic in TOPICS if topic != "lich-su")

OPEN_SLUG = "tim-hieu-chuyen-doi-so"
COMING_SLUG = "an-toan-thong-tin-cho-moi-nha"
PAST_SLUG = "cai-cach-hanh-chinh-2026"
CURRENT_ROUND = 2  # of the open contest

_SCIENCE = "Sở Khoa học và Công nghệ tỉnh Lai Châu"
_HOME_AFFAIRS = "Sở Nội vụ tỉnh Lai Châu"
_WEEK = timedelta(days=7)
# Of each division apart; the highest first.
_PRIZES = (
    ("giải Nhất", 1, "1.000.000 đồng"),
    ("giải Nhì", 2, "500.000 đồng"),
    ("giải Ba", 3, "300.000 đồng"),
)
# Nobody has these numbers (web.demo.people); they show what an exclusion list does.
_ORGANISERS_PHONES = ("0530 000 001", "0530 000 002", "0530 000 003")


@dataclass(frozen=True)
class RoundPlan:
    number: int
    name: str
    opens: str  # as organisers write it
    closes: str
    minutes: int
    attempt_limit: int | None
    lines: Sequence[PoolLine]


@dataclass(frozen=True)
class ContestPlan:
    slug: str
    name: str
    summary: str
    audience: str
    purpose: str
    organiser: str
    prediction: str
    rounds: Sequence[RoundPlan]
    youngest_age: int = 14

    @property
    def approved_at(self) -> datetime:
        """The day before the first opening: the contests of the past were approved in time."""
        return parse_instant(self.rounds[0].opens) - timedelta(days=1)


async def fill_bank(staff: Mapping[RoleName, int]) -> int:
    """Bring the questions in and have a second person approve them; may run again."""
    author = staff["author"]
    bank_id = await find_bank(BANK) or await make_bank(code=BANK, name=BANK_NAME, by=author)
    for code, name in TOPICS.items():
        await add_topic(bank_id, code=code, name=name)
    await import_questions(bank_id, json.loads(QUESTIONS.read_text(encoding="utf-8")), by=author)
    while drafts := await find_questions(bank_id, state="draft"):
        await send_questions([each.id for each in drafts], assignee_id=staff["reviewer"], by=author)
    today = local_day(now())
    while waiting := await find_questions(bank_id, state="in_review"):
        in_force = [each.id for each in waiting if each.lapse(today) != "lapsed"]
        await approve_questions(in_force, by=staff["reviewer"])
        # Approved long ago, as it were, while they were in force: today nobody could.
        lapsed = [each.id for each in waiting if each.lapse(today) == "lapsed"]
        await approve_questions(lapsed, by=None)
    return bank_id


async def publish(plan: ContestPlan, bank_id: int, staff: Mapping[RoleName, int]) -> ContestShown:
    """Make, describe, review and approve one contest; goes on where an earlier run stopped."""
    organiser = staff["organiser"]
    made = {each.slug: each.id for each in await all_contests()}
    contest_id = made.get(plan.slug) or await make_contest(
        slug=plan.slug,
        name=plan.name,
        bank_id=bank_id,
        by=organiser,
        summary=plan.summary,
        audience=plan.audience,
        organiser=plan.organiser,
        unit_id=(await get_unit(PROVINCE)).id,
        youngest_age=plan.youngest_age,
        prediction=plan.prediction,
    )
    contest = await get_contest(contest_id)
    if contest.state == "draft":
        await _describe(plan, contest, organiser)
        await send_to_review(contest_id, by=organiser, at=plan.approved_at)
        contest = await get_contest(contest_id)
    if contest.state == "in_review":
        await approve_contest(contest_id, by=staff["approver"], at=plan.approved_at)
        contest = await get_contest(contest_id)
    return contest


async def _describe(plan: ContestPlan, contest: ContestShown, by: int) -> None:
    divisions = {each.code for each in contest.divisions}
    for code, name in DIVISIONS:
        if code not in divisions:
            await add_division(contest.id, code=code, name=name, by=by)
    rounds = {each.number: each.id for each in contest.rounds}
    for each in plan.rounds:
        round_id = rounds.get(each.number) or await add_round(
            contest.id,
            number=each.number,
            name=each.name,
            opens=each.opens,
            closes=each.closes,
            time_limit_seconds=each.minutes * 60,
            attempt_limit=each.attempt_limit,
            by=by,
        )
        await set_blueprint(round_id, each.lines, by=by)
    if not contest.rules_version:
        await publish_rules(contest.id, rules_body(_facts(plan, contest)), by=by)
    await exclude(contest.id, _ORGANISERS_PHONES, "Thành viên Ban Tổ chức", by=by)
    await _announce_prizes(contest.id, by)


async def _announce_prizes(contest_id: int, by: int) -> None:
    """Prizes for people of each division, one for a commune; those that are there stay."""
    there = {(each.name, each.division_id) for each in await prizes_of(contest_id)}
    contest = await get_contest(contest_id)
    # Where there is one round, its own ranking decides, with the figures that people know.
    round_id = contest.rounds[0].id if len(contest.rounds) == 1 else None
    plans = [
        PrizePlan(
            name=name,
            prize_count=count,
            reward=reward,
            round_id=round_id,
            division_id=division.id,
        )
        for name, count, reward in _PRIZES
        for division in contest.divisions
    ]
    plans.append(
        PrizePlan(
            round_id=round_id,
            name="giải Phong trào", prize_count=1, kind="collective", measure="rate",
            block=COMMUNES, reward="3.000.000 đồng",
        )
    )  # fmt: skip
    for plan in plans:
        if (plan.name, plan.division_id) not in there:
            await add_prize(contest_id, plan, by=by)


def _facts(plan: ContestPlan, contest: ContestShown) -> RulesFacts:
    first = plan.rounds[0]
    return RulesFacts(
        name=plan.name,
        organiser=plan.organiser,
        purpose=plan.purpose,
        windows=[f"{each.name}: từ {each.opens} đến {each.closes}" for each in plan.rounds],
        question_count=question_count(first.lines),
        minutes=first.minutes,
        attempt_limit=first.attempt_limit,
        prediction=plan.prediction,
        youngest_age=plan.youngest_age,
        ranking=rules_sentence(contest.comparators, contest.prediction),
    )


async def pools_of_round(round_id: int) -> dict[int | None, int]:
    """Pool ids by division; None stands for all divisions that have no paper of their own."""
    rows = await pool().fetch("SELECT division_id, id FROM pool WHERE round_id = $1", round_id)
    return {row["division_id"]: row["id"] for row in rows}


def open_contest(at: datetime) -> ContestPlan:
    """Four weeks, the second open at that moment and for three days more at least."""
    first_day = current_week(local_day(at)) - _WEEK
    lines = [
        PoolLine(topic, difficulty, 1)
        for topic in LIVE_TOPICS
        for difficulty in ("easy", "medium", "hard")
        if (topic, difficulty) != (LIVE_TOPICS[-1], "hard")  # twenty questions, not twenty-one
    ]
    return ContestPlan(
        slug=OPEN_SLUG,
        name="Tìm hiểu chuyển đổi số và dịch vụ công trực tuyến",
        summary=(
            "Bốn tuần, mỗi tuần một đề 20 câu về chuyển đổi số, dịch vụ công trực tuyến, định danh "
            "điện tử và an toàn thông tin. Thi bao nhiêu lượt cũng được, lượt tốt nhất được tính."
        ),
        audience="Dành cho mọi người từ 14 tuổi đang sống, học tập, làm việc tại Lai Châu.",
        purpose=(
            "Cuộc thi giúp cán bộ và người dân hiểu các quy định về chuyển đổi số đang có hiệu lực "
            "và tự tin dùng dịch vụ công trực tuyến."
        ),
        organiser=_SCIENCE,
        prediction="people_all_correct",
        rounds=[
            RoundPlan(
                number=number,
                name=f"Tuần {number}",
                opens=_written(0, first_day + (number - 1) * _WEEK),
                closes=_written(24, first_day + number * _WEEK - timedelta(days=1)),
                minutes=20,
                attempt_limit=None,
                lines=lines,
            )
            for number in range(1, 5)
        ],
    )


def coming_contest(at: datetime) -> ContestPlan:
    """One round of fifteen questions, from next Monday 08:00 for two weeks."""
    today = local_day(at)
    monday = today + timedelta(days=7 - today.weekday())
    return ContestPlan(
        slug=COMING_SLUG,
        name="An toàn thông tin cho mọi nhà",
        summary=(
            "15 câu trong 15 phút: nhận ra tin nhắn lừa đảo, giữ mật khẩu và mã xác nhận, bảo vệ "
            "dữ liệu cá nhân của cả gia đình."
        ),
        audience="Dành cho mọi gia đình ở Lai Châu, từ 14 tuổi.",
        purpose="Cuộc thi giúp mỗi gia đình tự bảo vệ mình trên mạng.",
        organiser=_SCIENCE,
        prediction="people",
        rounds=[
            RoundPlan(
                number=1,
                name="Đợt thi trực tuyến",
                opens=_written(8, monday),
                closes=_written(17, monday + timedelta(days=11)),
                minutes=15,
                attempt_limit=2,
                lines=[
                    PoolLine("an-toan-thong-tin", "easy", 4),
                    PoolLine("an-toan-thong-tin", "medium", 4),
                    PoolLine("an-toan-thong-tin", "hard", 1),
                    PoolLine("dinh-danh-chu-ky-so", "easy", 3),
                    PoolLine("dinh-danh-chu-ky-so", "medium", 2),
                    PoolLine("dinh-danh-chu-ky-so", "hard", 1),
                ],
            )
        ],
    )


def past_contest(at: datetime) -> ContestPlan:
    """Two weeks that ended on a Sunday about a month ago."""
    today = local_day(at)
    last_sunday = today - timedelta(days=today.weekday() + 1 + 4 * 7)
    return ContestPlan(
        slug=PAST_SLUG,
        name="Tìm hiểu cải cách hành chính năm 2026",
        summary=(
            "15 câu về thủ tục hành chính trên môi trường điện tử, dịch vụ công trực tuyến và tổ "
            "chức chính quyền hai cấp."
        ),
        audience="Dành cho cán bộ, công chức, viên chức và người dân trong tỉnh.",
        purpose=(
            "Cuộc thi nâng cao hiểu biết về cải cách hành chính, về tiếp nhận và giải quyết thủ "
            "tục trên môi trường điện tử."
        ),
        organiser=_HOME_AFFAIRS,
        prediction="people_all_correct",
        rounds=[
            RoundPlan(
                number=1,
                name="Đợt thi toàn tỉnh",
                opens=_written(8, last_sunday - timedelta(days=13)),
                closes=_written(24, last_sunday),
                minutes=20,
                attempt_limit=3,
                lines=[
                    *_lines("thu-tuc-dien-tu", easy=2, medium=1, hard=1),
                    *_lines("dich-vu-cong", easy=2, medium=1, hard=1),
                    *_lines("chinh-quyen", easy=1, medium=2, hard=1),
                    *_lines("dinh-danh-chu-ky-so", easy=1, medium=1, hard=1),
                ],
            )
        ],
    )


def current_week(today: date) -> date:
    """The first day of a week that holds today and at least three days after it.

    Weeks begin on Monday; late in the week that leaves too little, so they begin on Thursday.
    """
    late = today.weekday() > 3  # noqa: PLR2004 — Friday, Saturday, Sunday
    return today - timedelta(days=today.weekday() - (3 if late else 0))


def _lines(topic: str, **counts: int) -> list[PoolLine]:
    return [PoolLine(topic, difficulty, count) for difficulty, count in counts.items()]


def _written(hour: int, day: date) -> str:
    return f"{hour} giờ ngày {day.day}/{day.month}/{day.year}"
