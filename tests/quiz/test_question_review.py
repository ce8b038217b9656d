"""Review: who wrote does not approve, who returns says why, and nothing said is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from core import db
from core.clock import local_day, now
from core.errors import Refusal
from people.audit import entries
from quiz.question_history import comments_of
from quiz.question_review import (
    approve_questions,
    bring_back_questions,
    comment,
    retire_questions,
    return_questions,
    send_to_review,
    waiting_counts,
)
from quiz.question_writing import add_source
from quiz.questions import find_question, find_questions, get_question
from tests.quiz.conftest import Staff

Write = Callable[..., Awaitable[int]]


@pytest.fixture
def write(empty_bank: int, write_question: Write) -> Callable[..., Awaitable[int]]:
    """Save a question by Lan, but for what is named, and return the question's id."""

    async def make(code: str, **changes: object) -> int:
        await write_question(empty_bank, code, **changes)
        question_id = await find_question(empty_bank, code)
        assert question_id is not None
        return question_id

    return make


async def state_of(question_id: int) -> str:
    return (await get_question(question_id)).state


async def said_of(question_id: int) -> list[tuple[str, int, str]]:
    return [(each.kind, each.version_number, each.body) for each in await comments_of(question_id)]


async def refused(call: Awaitable[object]) -> str:
    with pytest.raises(Refusal) as refusal:
        await call
    return refusal.value.code


async def test_a_question_goes_to_its_reader_and_back_and_is_approved(
    write: Write, staff: Staff
) -> None:
    question_id = await write("Q1")
    assert await send_to_review([question_id], assignee_id=staff.minh, by=staff.lan) == 1
    assert await state_of(question_id) == "in_review"
    assert await waiting_counts(staff.minh) == {"cds": 1}
    assert await return_questions([question_id], "Đáp án B\nchưa rõ.", by=staff.minh) == 1
    assert await state_of(question_id) == "draft"
    assert await waiting_counts(staff.minh) == {}
    await write("Q1", text="Chữ rõ hơn?")
    await send_to_review([question_id], assignee_id=staff.minh, by=staff.lan)
    assert await approve_questions([question_id], by=staff.minh) == 1
    shown = await get_question(question_id)
    assert (shown.state, shown.approver_id) == ("approved", staff.minh)
    assert await said_of(question_id) == [
        ("sent", 1, ""),
        ("returned", 1, "Đáp án B\nchưa rõ."),
        ("sent", 2, ""),
        ("approved", 2, ""),
    ]


async def test_nobody_approves_own_words_and_then_nothing_is_approved(
    write: Write, staff: Staff
) -> None:
    both = [await write("Q1"), await write("Q2", by=staff.minh)]
    await send_to_review(both, by=staff.lan)
    with pytest.raises(Refusal, match="Câu Q1 do chính bạn viết") as refusal:
        await approve_questions(both, by=staff.lan)
    assert refusal.value.code == "own_question"
    assert [await state_of(each) for each in both] == ["in_review", "in_review"]
    assert await approve_questions(both[1:], by=staff.lan) == 1
    assert await approve_questions(both[1:], by=staff.lan) == 0


async def test_who_wrote_any_version_since_the_last_approval_does_not_approve(
    write: Write, staff: Staff
) -> None:
    question_id = await write("Q1")
    await write("Q1", text="Chữ của Minh?", by=staff.minh)
    await send_to_review([question_id], by=staff.minh)
    for writer in (staff.minh, staff.lan):
        assert await refused(approve_questions([question_id], by=writer)) == "own_question"
    await approve_questions([question_id], by=None)
    await write("Q1", text="Chữ mới của Minh?", by=staff.minh)  # Lan's words are approved by now
    await send_to_review([question_id], by=staff.minh)
    assert await approve_questions([question_id], by=staff.lan) == 1


async def test_a_person_approves_what_was_sent_only(write: Write, staff: Staff) -> None:
    question_id = await write("Q1")
    assert await refused(approve_questions([question_id], by=staff.minh)) == "not_sent"
    assert await state_of(question_id) == "draft"


async def test_words_changed_while_somebody_reads_are_not_approved(
    write: Write, staff: Staff
) -> None:
    question_id = await write("Q1")
    await send_to_review([question_id], by=staff.lan)
    await write("Q1", text="Chữ khác?")
    assert await refused(approve_questions([question_id], by=staff.minh)) == "not_sent"


async def test_a_question_that_lapsed_is_not_approved(write: Write, staff: Staff) -> None:
    yesterday = local_day(now()) - timedelta(days=1)
    await add_source("Luật cũ", valid_to=yesterday)
    lapsed = [await write("Q1", source="Luật cũ"), await write("Q2", valid_to=yesterday)]
    await send_to_review(lapsed, by=staff.lan)
    for each in lapsed:
        assert await refused(approve_questions([each], by=staff.minh)) == "lapsed"
    await add_source("Luật cũ", valid_to=None)  # it turned out to be in force
    assert await approve_questions(lapsed[:1], by=staff.minh) == 1


async def test_a_writer_is_not_asked_to_review_the_own_words(write: Write, staff: Staff) -> None:
    question_id = await write("Q1")
    sending = send_to_review([question_id], assignee_id=staff.lan, by=staff.minh)
    assert await refused(sending) == "own_question"
    assert await state_of(question_id) == "draft"


async def test_sending_again_changes_the_reader_only(write: Write, staff: Staff) -> None:
    question_id = await write("Q1")
    assert await send_to_review([question_id], by=staff.lan) == 1
    assert await send_to_review([question_id], assignee_id=staff.minh, by=staff.lan) == 0
    assert (await get_question(question_id)).assignee_id == staff.minh
    assert await said_of(question_id) == [("sent", 1, "")]


async def test_two_approvals_at_once_make_one(write: Write, staff: Staff) -> None:
    question_id = await write("Q1")
    await send_to_review([question_id], by=staff.lan)
    counts = await asyncio.gather(
        *(approve_questions([question_id], by=staff.minh) for _ in range(4))
    )
    assert sorted(counts) == [0, 0, 0, 1]
    assert [kind for kind, *_ in await said_of(question_id)] == ["sent", "approved"]


async def test_the_command_line_approves_drafts_and_the_trail_says_so(
    write: Write, empty_bank: int
) -> None:
    question_id = await write("Q1", by=None)
    assert await approve_questions([question_id], by=None) == 1
    newest = (await entries(f"bank:{empty_bank}"))[0]
    assert (newest.action, newest.by) == ("approve_questions", None)
    assert newest.detail == {"question_ids": [question_id]}


async def test_returning_and_commenting_need_words(write: Write, staff: Staff) -> None:
    question_id = await write("Q1")
    await send_to_review([question_id], by=staff.lan)
    for body in ("", " \n ", "a" * 2001):
        assert await refused(return_questions([question_id], body, by=staff.minh)) == "bad_comment"
        assert await refused(comment(question_id, body, by=staff.minh)) == "bad_comment"
    assert await state_of(question_id) == "in_review"
    await comment(question_id, "Xem lại nguồn.", by=staff.minh)
    assert await said_of(question_id) == [("sent", 1, ""), ("said", 1, "Xem lại nguồn.")]
    assert await refused(comment(question_id + 1, "Ở đâu?", by=staff.minh)) == "not_found"


async def test_what_was_said_is_never_changed(write: Write, staff: Staff) -> None:
    question_id = await write("Q1")
    await comment(question_id, "Một ý.", by=staff.minh)
    with pytest.raises(asyncpg.PostgresError):
        await db.pool().execute("UPDATE question_comment SET body = 'Ý khác.'")
    assert [body for *_, body in await said_of(question_id)] == ["Một ý."]


async def test_a_retired_question_comes_back_as_a_draft(
    write: Write, empty_bank: int, staff: Staff
) -> None:
    question_id = await write("Q1")
    await approve_questions([question_id], by=None)
    assert await retire_questions([question_id], by=staff.minh) == 1
    assert await retire_questions([question_id], by=staff.minh) == 0
    assert await approve_questions([question_id], by=None) == 0
    assert await bring_back_questions([question_id], by=staff.minh) == 1
    assert await bring_back_questions([question_id], by=staff.minh) == 0
    assert [each.state for each in await find_questions(empty_bank)] == ["draft"]
    trail = [each.action for each in await entries(f"bank:{empty_bank}")]
    assert trail[:2] == ["bring_back_questions", "retire_questions"]
