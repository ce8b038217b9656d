"""Questions: words make versions, and a second person approves them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz.pools import PoolOption
from quiz.question_writing import (
    add_source,
    add_topic,
    approve_questions,
    make_bank,
    retire_questions,
    save_question,
)
from quiz.questions import (
    find_bank,
    find_questions,
    topics_of,
)
from tests.quiz.conftest import Staff

Write = Callable[..., Awaitable[int]]
DAY = date(2026, 10, 5)
RIGHT, WRONG = PoolOption("Đúng", is_correct=True), PoolOption("Sai", is_correct=False)


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
