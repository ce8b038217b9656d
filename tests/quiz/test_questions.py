"""Questions are found by their words, and asked while they and their law are in force."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from core import db
from quiz.question_writing import (
    add_source,
    approve_questions,
    retire_questions,
)
from quiz.questions import (
    PAGE_SIZE,
    available_counts,
    count_questions,
    find_questions,
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


async def test_wildcards_of_sql_are_ordinary_letters(bank: Bank) -> None:
    assert len(await find_questions(bank.id, "mang ma")) == 24
    assert await find_questions(bank.id, "mang_ma") == []
