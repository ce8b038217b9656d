"""Questions are found by their words, and asked while they and their law are in force."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from core import db
from core.clock import local_day, now
from core.errors import Refusal
from quiz import pools
from quiz.question_review import approve_questions, retire_questions, send_to_review
from quiz.question_writing import add_source
from quiz.questions import (
    LAPSING_DAYS,
    PAGE_SIZE,
    authors_of,
    available_counts,
    count_questions,
    find_question,
    find_questions,
    get_question,
    usable_questions,
)
from tests.quiz.conftest import Bank, Staff

Write = Callable[..., Awaitable[int]]
DAY = date(2026, 10, 5)
EASY = ("chuyen-doi-so", "easy")


async def test_only_approved_current_and_valid_questions_are_available(
    bank: Bank, write_question: Write, staff: Staff
) -> None:
    assert (await available_counts(bank.id, on=DAY))[EASY] == 6
    await write_question(bank.id, "chuyen-doi-so-easy-1", text="Chưa duyệt?")
    await retire_questions(bank.question_ids[1:2], by=staff.minh)
    assert (await available_counts(bank.id, on=DAY))[EASY] == 4


@pytest.mark.parametrize(
    ("question", "law", "day", "is_asked"),
    [
        ((None, None), (None, None), DAY, True),
        ((DAY, DAY), (DAY, DAY), DAY, True),
        ((date(2026, 10, 6), None), (None, None), DAY, False),
        ((None, date(2026, 10, 4)), (None, None), DAY, False),
        ((None, None), (date(2026, 10, 6), None), DAY, False),
        ((None, None), (None, date(2026, 10, 4)), DAY, False),
        ((None, date(2026, 12, 31)), (None, date(2026, 10, 4)), DAY, False),
    ],
)
async def test_a_question_is_asked_while_it_and_its_law_are_in_force(
    empty_bank: int,
    write_question: Write,
    question: tuple[date | None, date | None],
    law: tuple[date | None, date | None],
    day: date,
    *,
    is_asked: bool,
) -> None:
    await add_source("Luật", valid_from=law[0], valid_to=law[1])
    await write_question(
        empty_bank, "Q1", source="Luật", article="Điều 5", valid_from=question[0],
        valid_to=question[1], by=None,
    )  # fmt: skip
    await approve_questions([(await find_questions(empty_bank))[0].id], by=None)
    assert (await available_counts(empty_bank, on=day)) == ({EASY: 1} if is_asked else {})
    async with db.transaction() as connection:
        found = await usable_questions(connection, empty_bank, since=day, through=day)
    assert [each.source for each in found] == (["Điều 5, Luật"] if is_asked else [])


async def test_questions_are_found_by_words_without_marks_and_by_filters(
    bank: Bank, write_question: Write, staff: Staff
) -> None:
    await write_question(bank.id, "Q10", text="Định danh điện tử là gì?", topic="du-lieu")
    await write_question(bank.id, "Q2", text="Chữ ký số là gì?", topic="du-lieu")
    assert [each.code for each in await find_questions(bank.id, "dinh danh")] == ["Q10"]
    assert [each.code for each in await find_questions(bank.id, "q2")] == ["Q2"]
    assert [each.code for each in await find_questions(bank.id, state="draft")] == ["Q2", "Q10"]
    assert len(await find_questions(bank.id, topic="du-lieu", difficulty="medium")) == 6
    assert await count_questions(bank.id, "là gì") == 2
    assert await count_questions(bank.id) == 26
    assert await find_questions(bank.id, page=2) == []
    assert PAGE_SIZE > 26


async def test_questions_are_found_by_who_wrote_them_who_reads_them_and_when_they_lapse(
    bank: Bank, write_question: Write, staff: Staff
) -> None:
    today = local_day(now())
    await add_source("Luật cũ", valid_to=today - timedelta(days=1))
    await add_source("Luật sắp cũ", valid_to=today)
    await write_question(bank.id, "Q1", source="Luật cũ", by=staff.minh)
    await write_question(bank.id, "Q2", source="Luật sắp cũ")
    await write_question(bank.id, "Q3", valid_to=today + timedelta(days=LAPSING_DAYS + 1))
    [q1, q2, _] = ids = [
        each.id for each in await find_questions(bank.id, state="draft", order="code")
    ]
    await send_to_review(ids[:2], assignee_id=None, by=staff.lan)
    await send_to_review([q2], assignee_id=staff.minh, by=staff.lan)
    assert [each.id for each in await find_questions(bank.id, author_id=staff.minh)] == [q1]
    assert [each.id for each in await find_questions(bank.id, assignee_id=staff.minh)] == [q2]
    assert [each.id for each in await find_questions(bank.id, lapse="lapsed")] == [q1]
    assert [each.id for each in await find_questions(bank.id, lapse="lapsing")] == [q2]
    assert await count_questions(bank.id, lapse="lapsing", state="approved") == 0
    assert [each.lapse(today) for each in await find_questions(bank.id, state="draft")] == [None]
    assert (await find_questions(bank.id, order="newest"))[0].code == "Q3"
    assert set(await authors_of(bank.id)) == {staff.lan, staff.minh}


async def test_a_question_is_got_by_its_id_and_found_by_its_code(
    empty_bank: int, write_question: Write
) -> None:
    await write_question(empty_bank, "Q1", link_url="https://dichvucong.gov.vn/1")
    question_id = await find_question(empty_bank, " Q1 ")
    assert question_id is not None
    shown = await get_question(question_id)
    assert (shown.code, shown.bank_id) == ("Q1", empty_bank)
    assert shown.link_url == "https://dichvucong.gov.vn/1"
    assert await find_question(empty_bank, "Q2") is None
    with pytest.raises(Refusal):
        await get_question(question_id + 1)


async def test_the_link_goes_into_the_pool_with_the_question(
    empty_bank: int, write_question: Write
) -> None:
    await write_question(empty_bank, "Q1", link_url="https://dichvucong.gov.vn/1", by=None)
    await approve_questions([(await find_questions(empty_bank))[0].id], by=None)
    async with db.transaction() as connection:
        found = await usable_questions(connection, empty_bank, since=DAY, through=DAY)
    assert [each.link for each in found] == ["https://dichvucong.gov.vn/1"]
    frozen = pools.to_json(pools.Pool(found, ()))
    assert pools.from_json(frozen).questions == found
    for question in frozen["questions"]:  # as pools were frozen before there were links
        del question["link"]
    assert pools.from_json(frozen).questions[0].link == ""


async def test_wildcards_of_sql_are_ordinary_letters(bank: Bank) -> None:
    assert len(await find_questions(bank.id, "mang ma")) == 24
    assert await find_questions(bank.id, "mang_ma") == []
