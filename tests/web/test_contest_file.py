from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core import clock, db
from core.errors import Refusal
from people import accounts, units
from people.roles import grant_role
from quiz import contests, publishing, question_review, question_writing, questions
from quiz.pools import PoolOption
from quiz.prizes import prize_sentence, prizes_of
from web import commands, contest_file

PLAN = """
slug = "tim-hieu-cai-cach"
name = "Tìm hiểu cải cách hành chính"
bank = "cchc"
prediction = "people"
rules = "## Ai được dự thi\\nMọi người dân."
excluded_phones = ["0912 345 678"]
eligible_phones = ["0987 654 321", "0987 654 322"]
oldest_age = 35
prizes = [{{ name = "giải Nhất", count = 2, reward = "1 triệu đồng" }}]
[[divisions]]
code = "nguoi-dan"
name = "Người dân"
[[rounds]]
name = "Tuần 1"
opens = "{opens}"
closes = "{closes}"
minutes = 15
attempts = 2
blueprint = [{{ topic = "a", difficulty = "easy", count = {count} }}]
"""


def plan(folder: Path, *, count: int = 3, text: str = PLAN) -> Path:
    day = clock.local(clock.now())
    path = folder / "contest.toml"
    path.write_text(
        text.format(
            opens=f"8 giờ ngày {day + timedelta(days=1):%d/%m/%Y}",
            closes=f"24 giờ ngày {day + timedelta(days=7):%d/%m/%Y}",
            count=count,
        ),
        encoding="utf-8",
    )
    return path


@pytest.fixture
async def house(clean: None) -> dict[str, int]:
    """What a province has after the first three commands: units, an administrator, a bank."""
    await commands.load_province(12)
    await commands.make_admin("alice", "Lò Thị Mai", "T12", "a long password")
    bob = await accounts.make_staff(username="bob", password="another one", full_name="Bob")
    await grant_role(bob, "approver", unit_id=(await units.get_unit("T12")).id, by=None)
    bank_id = await question_writing.make_bank(code="cchc", name="CCHC")
    await question_writing.add_topic(bank_id, code="a", name="A")
    for number in range(5):
        await question_writing.save_question(
            bank_id,
            code=f"Q{number}",
            topic="a",
            difficulty="easy",
            kind="single",
            text=f"Câu hỏi số {number} là gì?",
            options=[PoolOption(f"{place} của {number}", place == 0) for place in range(3)],
            by=None,
        )
    found = await questions.find_questions(bank_id)
    await question_review.approve_questions([each.id for each in found], by=None)
    return {"alice": await accounts.find_staff("alice") or 0, "bob": bob}


async def test_from_an_empty_house_to_a_published_contest_by_commands(
    house: dict[str, int], tmp_path: Path
) -> None:
    assert await commands.make_contest(plan(tmp_path), "alice") == 0
    made = await contests.contest_by_slug("tim-hieu-cai-cach")
    assert made.state == "draft"
    await publishing.send_to_review(made.id, by=house["alice"])
    with pytest.raises(Refusal, match="own_contest"):
        await publishing.approve_contest(made.id, by=house["alice"])
    await publishing.approve_contest(made.id, by=house["bob"])
    published = (await contests.open_to_entry())[0]
    assert published.rounds[0].question_count == 3
    assert published.rounds[0].attempt_limit == 2
    assert await db.pool().fetchval("SELECT count(*) FROM exclusion") == 1
    assert await db.pool().fetchval("SELECT count(*) FROM eligibility") == 2
    assert (published.is_by_list, published.oldest_age, published.is_one_prize) == (True, 35, True)
    assert [prize_sentence(each) for each in await prizes_of(made.id)] == [
        "02 giải Nhất cá nhân, chung cuộc: 1 triệu đồng"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "not toml at all",
        'slug = "x"',
        PLAN.replace("minutes = 15", ""),
        PLAN.replace('topic = "a"', 'topic = "không có"'),
        PLAN.replace('bank = "cchc"', 'bank = "khác"'),
        PLAN.replace("minutes = 15", 'minutes = "lâu"'),
    ],
)
async def test_a_plan_that_is_refused_leaves_nothing_behind(
    house: dict[str, int], tmp_path: Path, text: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await contest_file.make_contest(plan(tmp_path, text=text), by=house["alice"])
    assert refused.value.sentence.endswith(".")
    assert await contests.all_contests() == []
