"""Questions: words make versions, a second person approves them, and law decides how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz.pools import PoolOption
from quiz.questions import (
    PAGE_SIZE,
    QuestionDraft,
    add_source,
    add_topic,
    approve_questions,
    available_counts,
    cleaned,
    count_questions,
    faults_of,
    find_bank,
    find_questions,
    make_bank,
    retire_questions,
    save_question,
    topics_of,
    usable_questions,
)
from tests.quiz.conftest import Bank, Staff

Write = Callable[..., Awaitable[int]]
DAY = date(2026, 10, 5)
EASY = ("chuyen-doi-so", "easy")
RIGHT, WRONG = PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False)


def draft(**changes: Any) -> QuestionDraft:
    good: dict[str, Any] = {
        "code": "Q1", "topic": "a", "difficulty": "easy", "kind": "single", "text": "Gì?",
        "options": (RIGHT, WRONG),
    }  # fmt: skip
    return QuestionDraft(**{**good, **changes})


async def version_count() -> int:
    count: int = await db.pool().fetchval("SELECT count(*) FROM question_version")
    return count


async def test_the_same_words_make_no_new_version(empty_bank: int, write_question: Write) -> None:
    first = await write_question(empty_bank, "Q1")
    assert await write_question(empty_bank, "Q1") == first
    assert await write_question(empty_bank, " Q1 ", text="Câu  hỏi mang mã\u200b Q1? ") == first
    assert await version_count() == 1


async def test_other_words_make_a_version_that_waits_for_approval(
    empty_bank: int, write_question: Write, staff: Staff
) -> None:
    first = await write_question(empty_bank, "Q1")
    question_id = (await find_questions(empty_bank))[0].id
    await approve_questions([question_id], by=staff.minh)
    second = await write_question(empty_bank, "Q1", text="Chữ khác?", by=staff.minh)
    assert second != first
    shown = (await find_questions(empty_bank))[0]
    assert (shown.version_id, shown.number, shown.state) == (second, 2, "draft")
    assert (shown.author_id, shown.approver_id) == (staff.minh, None)
    kept = await db.pool().fetchval("SELECT text FROM question_version WHERE id = $1", first)
    assert kept == "Câu hỏi mang mã Q1?"


@pytest.mark.parametrize(
    "change",
    [
        {"explanation": "Khác."},
        {"source": "Luật số 148/2025/QH15"},
        {"article": "Điều 32"},
        {"valid_to": DAY},
        {"difficulty": "hard"},
        {"topic": "du-lieu"},
        {"options": [RIGHT, WRONG, PoolOption("Không biết", is_correct=False, is_pinned=True)]},
    ],
)
async def test_every_part_of_a_question_counts_as_its_words(
    empty_bank: int, write_question: Write, change: dict[str, object]
) -> None:
    first = await write_question(empty_bank, "Q1")
    assert await write_question(empty_bank, "Q1", **change) != first


async def test_nobody_approves_own_words(
    empty_bank: int, write_question: Write, staff: Staff
) -> None:
    await write_question(empty_bank, "Q1")
    await write_question(empty_bank, "Q2", by=staff.minh)
    both = [each.id for each in await find_questions(empty_bank)]
    with pytest.raises(Refusal, match="Câu Q1 do chính bạn viết") as refusal:
        await approve_questions(both, by=staff.lan)
    assert refusal.value.code == "own_question"
    assert [each.state for each in await find_questions(empty_bank)] == ["draft", "draft"]
    assert await approve_questions(both[1:], by=staff.lan) == 1
    assert await approve_questions(both[1:], by=staff.lan) == 0


async def test_who_rewrites_a_question_may_not_approve_it_either(
    empty_bank: int, write_question: Write, staff: Staff
) -> None:
    await write_question(empty_bank, "Q1")
    await write_question(empty_bank, "Q1", text="Chữ của Minh?", by=staff.minh)
    question_id = (await find_questions(empty_bank))[0].id
    with pytest.raises(Refusal):
        await approve_questions([question_id], by=staff.minh)
    assert await approve_questions([question_id], by=staff.lan) == 1


async def test_the_command_line_approves_and_the_trail_says_so(
    empty_bank: int, write_question: Write
) -> None:
    await write_question(empty_bank, "Q1", by=None)
    question_id = (await find_questions(empty_bank))[0].id
    assert await approve_questions([question_id], by=None) == 1
    newest = (await entries(f"bank:{empty_bank}"))[0]
    assert (newest.action, newest.by) == ("approve_questions", None)
    assert newest.detail == {"question_ids": [question_id]}


async def test_a_twin_under_another_code_is_refused(empty_bank: int, write_question: Write) -> None:
    await write_question(empty_bank, "Q1", text="Chuyển đổi số là gì?")
    with pytest.raises(Refusal, match="trùng với câu Q1") as refusal:
        await write_question(empty_bank, "Q2", text="CHUYỂN ĐỔI SỐ LÀ GÌ")
    assert list(refusal.value.fields) == ["text"]
    await retire_questions([(await find_questions(empty_bank))[0].id], by=None)
    await write_question(empty_bank, "Q2", text="CHUYỂN ĐỔI SỐ LÀ GÌ")


async def test_two_editors_at_once_make_one_question(
    empty_bank: int, write_question: Write
) -> None:
    ids = await asyncio.gather(*(write_question(empty_bank, "Q1") for _ in range(5)))
    assert len(set(ids)) == 1
    assert await version_count() == 1


async def test_an_unknown_topic_and_bank_are_refused(
    empty_bank: int, write_question: Write
) -> None:
    with pytest.raises(Refusal) as refusal:
        await write_question(empty_bank, "Q1", topic="khong-co")
    assert list(refusal.value.fields) == ["topic"]
    with pytest.raises(Refusal) as refusal:
        await write_question(404, "Q1")
    assert refusal.value.code == "not_found"


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ([], {}),
        ([], {"kind": "true_false"}),
        ([], {"kind": "multiple", "options": (RIGHT, PoolOption("Đủ", is_correct=True), WRONG)}),
        ([], {"options": (PoolOption("5", is_correct=True), PoolOption("5%", is_correct=False))}),
        (["code"], {"code": ""}),
        (["text"], {"text": " "}),
        (["text"], {"text": "x" * 2001}),
        (["difficulty"], {"difficulty": "extreme"}),
        (["kind"], {"kind": "essay"}),
        (["image_alt"], {"image_id": 1}),
        (["valid_to"], {"valid_from": DAY, "valid_to": date(2026, 10, 4)}),
        (["option_b"], {"options": (RIGHT,)}),
        (["option_c"], {"kind": "true_false", "options": (RIGHT, WRONG, PoolOption("?", False))}),
        (["option_i"], {"options": (RIGHT, *(PoolOption(str(n), False) for n in range(8)))}),
        (["option_b"], {"options": (RIGHT, PoolOption("", is_correct=False))}),
        (["option_b"], {"options": (RIGHT, PoolOption("x" * 501, is_correct=False))}),
        (["option_b"], {"options": (RIGHT, PoolOption(" ĐÚNG. ", is_correct=False))}),
        (["answer"], {"options": (WRONG, PoolOption("Khác", is_correct=False))}),
        (["answer"], {"options": (RIGHT, PoolOption("Cũng đúng", is_correct=True))}),
        (["answer"], {"kind": "multiple"}),
        (["answer"], {"kind": "multiple", "options": (RIGHT, PoolOption("Đủ", is_correct=True))}),
    ],
)
def test_a_question_is_checked_by_its_kind(fields: list[str], changes: dict[str, Any]) -> None:
    assert list(faults_of(cleaned(draft(**changes)))) == fields


@given(st.text(max_size=30), st.lists(st.tuples(st.text(max_size=9), st.booleans()), max_size=10))
def test_any_words_are_a_question_or_have_faults(
    text: str, options: list[tuple[str, bool]]
) -> None:
    found = cleaned(draft(text=text, options=tuple(PoolOption(*each) for each in options)))
    assert cleaned(found) == found
    right_count = sum(option.is_correct for option in found.options)
    if not faults_of(found):
        assert found.text
        assert right_count == 1
        assert 2 <= len(found.options) <= 8


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


async def test_banks_topics_and_sources_are_made_once(clean: None) -> None:
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    assert await find_bank("cds") == bank_id
    assert await find_bank("khac") is None
    with pytest.raises(Refusal) as refusal:
        await make_bank(code="cds", name="Khác")
    assert refusal.value.code == "bank_exists"
    first = await add_topic(bank_id, code="du-lieu", name="Dữ liệu")
    assert await add_topic(bank_id, code="du-lieu", name="Dữ liệu mở") == first
    assert await topics_of(bank_id) == {"du-lieu": "Dữ liệu mở"}
    source = await add_source("Luật", url="https://vanban.chinhphu.vn")
    assert await add_source("  Luật ", valid_to=DAY) == source
    with pytest.raises(Refusal):
        await add_source("Luật", valid_from=DAY, valid_to=date(2020, 1, 1))


async def test_a_picture_comes_with_words_into_the_pool(
    empty_bank: int, write_question: Write
) -> None:
    image_id = await db.pool().fetchval(
        "INSERT INTO image (digest, media_type, content) VALUES ('abc', 'image/png', 'x') "
        "RETURNING id"
    )
    for code in ("Q1", "Q2"):  # pictures may share the words that ask about them
        await write_question(
            empty_bank, code, text="Biểu tượng sau là gì?", image_id=image_id, image_alt="Hình",
            by=None,
        )  # fmt: skip
    shown = await find_questions(empty_bank)
    assert [(each.image_digest, each.image_alt) for each in shown] == [("abc", "Hình")] * 2
    with pytest.raises(Refusal):
        await save_question(
            empty_bank, code="Q3", topic="du-lieu", difficulty="easy", kind="single", text="Hình?",
            options=[RIGHT, WRONG], image_id=image_id, by=None,
        )  # fmt: skip
