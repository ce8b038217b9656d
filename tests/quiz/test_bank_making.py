"""Banks, topics and legal documents as staff set them up by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from core import db
from core.clock import local_day, now
from core.errors import Refusal
from people.audit import entries
from quiz.bank_making import (
    name_bank,
    name_topic,
    remove_topic,
    rename_topic,
    revise_source,
    sources,
    topics_shown,
)
from quiz.question_review import approve_questions
from quiz.questions import available_counts, find_bank, find_questions
from tests.quiz.conftest import Bank, Staff

Write = Callable[..., Awaitable[int]]


async def refused(call: Awaitable[object]) -> str:
    with pytest.raises(Refusal) as refusal:
        await call
    return refusal.value.code


async def test_a_bank_gets_its_code_from_its_name(staff: Staff) -> None:
    code = await name_bank(" Định danh  điện tử ", by=staff.lan)
    assert code == "dinh-danh-dien-tu"
    bank_id = await find_bank(code)
    assert (await entries(f"bank:{bank_id}"))[0].by == staff.lan
    assert await refused(name_bank("ĐỊNH DANH ĐIỆN TỬ", by=staff.lan)) == "bank_exists"
    for wrong in ("", " … ", "a" * 256):
        assert await refused(name_bank(wrong, by=staff.lan)) == "bad_name"


async def test_names_that_fold_to_one_code_are_numbered(staff: Staff) -> None:
    long = "Cải cách hành chính " * 5
    assert len(await name_bank(f"{long} một", by=staff.lan)) <= 60
    second = await name_bank(f"{long} hai", by=staff.lan)
    assert second.endswith("-2")
    assert len(second) <= 60


async def test_topics_are_added_renamed_and_removed_while_unused(bank: Bank, staff: Staff) -> None:
    assert await name_topic(bank.id, "An toàn thông tin", by=staff.lan) == "an-toan-thong-tin"
    assert await refused(name_topic(bank.id, "an toan thong tin", by=staff.lan)) == "topic_exists"
    await rename_topic(bank.id, "an-toan-thong-tin", "An ninh mạng", by=staff.lan)
    await rename_topic(bank.id, "an-toan-thong-tin", "An Ninh mạng", by=staff.lan)
    shown = [(each.name, each.question_count, each.is_used) for each in await topics_shown(bank.id)]
    assert shown == [
        ("An Ninh mạng", 0, False),
        ("Chuyển đổi số", 12, True),
        ("Dữ liệu", 12, True),
    ]
    assert await refused(remove_topic(bank.id, "du-lieu", by=staff.lan)) == "topic_used"
    await remove_topic(bank.id, "an-toan-thong-tin", by=staff.lan)
    assert await refused(remove_topic(bank.id, "an-toan-thong-tin", by=staff.lan)) == "not_found"
    again = rename_topic(bank.id, "an-toan-thong-tin", "Khác", by=staff.lan)
    assert await refused(again) == "not_found"
    assert await refused(name_topic(404, "Khác", by=staff.lan)) == "not_found"
    assert len(await topics_shown(bank.id)) == 2


async def test_a_lapsed_document_takes_its_questions_out_of_later_pools(
    empty_bank: int, write_question: Write, staff: Staff
) -> None:
    for code in ("Q1", "Q2"):
        await write_question(empty_bank, code, source="Luật số 51/2005/QH11", by=None)
    await approve_questions([(await find_questions(empty_bank))[0].id], by=None)
    today = local_day(now())
    [source] = await sources()
    assert (source.question_count, source.approved_count, source.is_lapsed) == (2, 1, False)
    assert sum((await available_counts(empty_bank, on=today)).values()) == 1
    touched = await revise_source(
        source.id, url="https://vanban.chinhphu.vn/1", valid_from=None,
        valid_to=today - timedelta(days=1), by=staff.lan,
    )  # fmt: skip
    assert touched == 2
    assert (await sources())[0].is_lapsed
    assert await available_counts(empty_bank, on=today) == {}
    newest = (await entries(f"source:{source.id}"))[0]
    assert (newest.action, newest.by) == ("revise_source", staff.lan)
    assert newest.detail["question_count"] == 2


async def test_a_document_with_a_wrong_address_or_dates_is_refused(
    empty_bank: int, write_question: Write, staff: Staff
) -> None:
    await write_question(empty_bank, "Q1", source="Luật", by=None)
    source_id = await db.pool().fetchval("SELECT id FROM legal_source")
    today = local_day(now())
    with pytest.raises(Refusal) as refusal:
        await revise_source(
            source_id, url="http://x.vn", valid_from=today, valid_to=today - timedelta(days=1),
            by=staff.lan,
        )  # fmt: skip
    assert list(refusal.value.fields) == ["url", "valid_to"]
    unknown = revise_source(404, url="", valid_from=None, valid_to=None, by=staff.lan)
    assert await refused(unknown) == "not_found"
