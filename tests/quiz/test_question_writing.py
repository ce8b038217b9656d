"""Questions: words make versions, tags do not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz.pools import PoolOption
from quiz.question_review import approve_questions, retire_questions
from quiz.question_writing import (
    add_source,
    add_topic,
    make_bank,
    reclassify_questions,
    save_question,
    tag_questions,
)
from quiz.questions import (
    find_bank,
    find_questions,
    tags_of,
    topics_of,
)
from tests.quiz.conftest import Bank, Staff

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
    await approve_questions([question_id], by=None)
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
        {"link_url": "https://dichvucong.gov.vn/thu-tuc/1"},
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


async def test_a_twin_under_another_code_is_refused(empty_bank: int, write_question: Write) -> None:
    await write_question(empty_bank, "Q1", text="Chuyển đổi số là gì?")
    with pytest.raises(Refusal, match="trùng với câu Q1") as refusal:
        await write_question(empty_bank, "Q2", text="CHUYỂN ĐỔI SỐ LÀ GÌ")
    assert list(refusal.value.fields) == ["text"]
    await retire_questions([(await find_questions(empty_bank))[0].id], by=None)
    await write_question(empty_bank, "Q2", text="CHUYỂN ĐỔI SỐ LÀ GÌ")


async def test_an_editor_who_saw_an_older_version_is_refused(
    empty_bank: int, write_question: Write, staff: Staff
) -> None:
    await write_question(empty_bank, "Q1", seen_number=0)
    await write_question(empty_bank, "Q1", text="Chữ của Minh?", by=staff.minh, seen_number=1)
    with pytest.raises(Refusal) as refusal:
        await write_question(empty_bank, "Q1", text="Chữ của Lan?", seen_number=1)
    assert refusal.value.code == "edited_meanwhile"
    with pytest.raises(Refusal) as refusal:
        await write_question(empty_bank, "Q1", text="Câu mới?", seen_number=0)
    assert (refusal.value.code, list(refusal.value.fields)) == ("code_taken", ["code"])
    assert (await find_questions(empty_bank))[0].text == "Chữ của Minh?"
    await write_question(empty_bank, "Q1", text="Chữ của Lan?", seen_number=2)
    assert await version_count() == 3


async def test_another_topic_or_difficulty_is_a_version_that_waits_for_approval(
    bank: Bank, staff: Staff
) -> None:
    topic_id = await db.pool().fetchval("SELECT id FROM topic WHERE code = 'du-lieu'")
    some = bank.question_ids[:7]  # six easy ones of another topic, then a medium one
    assert await reclassify_questions(some, topic_id=topic_id, by=staff.minh) == 7
    assert await reclassify_questions(some, topic_id=topic_id, by=staff.minh) == 0
    assert await reclassify_questions(some, difficulty="medium", by=staff.lan) == 6
    shown = {each.id: each for each in await find_questions(bank.id)}
    assert {(shown[each].topic, shown[each].difficulty, shown[each].state) for each in some} == {
        ("du-lieu", "medium", "draft")
    }
    assert sorted(shown[each].number for each in some) == [2, 3, 3, 3, 3, 3, 3]
    assert shown[bank.question_ids[7]].state == "approved"
    kept = "SELECT count(DISTINCT (text, options)) FROM question_version WHERE question_id = $1"
    assert await db.pool().fetchval(kept, some[0]) == 1


async def test_a_topic_of_another_bank_is_refused(bank: Bank, staff: Staff) -> None:
    other = await make_bank(code="khac", name="Khác")
    topic_id = await add_topic(other, code="khac", name="Khác")
    with pytest.raises(Refusal) as refusal:
        await reclassify_questions(bank.question_ids[:1], topic_id=topic_id, by=staff.lan)
    assert refusal.value.code == "other_bank"
    with pytest.raises(Refusal):
        await reclassify_questions(bank.question_ids[:1], difficulty="siêu khó", by=staff.lan)


async def test_tags_come_and_go_without_a_new_version(bank: Bank, staff: Staff) -> None:
    one, two = bank.question_ids[:2]
    assert await tag_questions([one, two], add=[" Khó  hiểu "], by=staff.minh) == 2
    assert await tag_questions([one], add=["khó hiểu"], by=staff.minh) == 0
    assert await tag_questions([one], add=["cấp xã"], remove=["khó hiểu"], by=staff.minh) == 1
    assert [each.id for each in await find_questions(bank.id, tag="khó hiểu")] == [two]
    assert await tags_of(bank.id) == ["cấp xã", "khó hiểu"]
    tagged = (await find_questions(bank.id, tag="cấp xã"))[0]
    assert (tagged.tags, tagged.number, tagged.state) == (("cấp xã",), 1, "approved")
    newest = (await entries(f"bank:{bank.id}"))[0]
    assert (newest.action, newest.detail) == ("tag_questions", {"question_ids": [one]})
    for wrong in (["a" * 41], ["a,b"], [" "], [str(n) for n in range(11)]):
        with pytest.raises(Refusal):
            await tag_questions([one], add=wrong, by=staff.minh)


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
