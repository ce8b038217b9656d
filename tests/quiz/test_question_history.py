"""The life of a question: versions, uses in papers, item statistics, and who saw its key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from core import clock, db
from core.db import json_text
from people.audit import entries
from quiz.contests import ContestShown
from quiz.question_history import statistics_of, uses_of, versions_of
from quiz.question_secrecy import note_bank_seen, note_question_seen
from tests.quiz.conftest import Bank, Staff

Write = Callable[..., Awaitable[int]]
FIRST = "chuyen-doi-so-easy-1"


async def test_versions_keep_their_words_and_their_writers(
    bank: Bank, write_question: Write, staff: Staff
) -> None:
    await write_question(
        bank.id, FIRST, text="Chữ mới?", by=staff.minh, source="Luật", article="Điều 5",
        link_url="https://dichvucong.gov.vn/1",
    )  # fmt: skip
    newest, oldest = await versions_of(bank.question_ids[0])
    assert (newest.number, newest.author_id, newest.words.text) == (2, staff.minh, "Chữ mới?")
    assert (newest.words.source, newest.words.article) == ("Luật", "Điều 5")
    assert newest.words.link_url == "https://dichvucong.gov.vn/1"
    assert (oldest.number, oldest.author_id, oldest.words.source) == (1, staff.lan, "")
    assert oldest.words.options[0].is_correct


async def test_a_draft_contest_may_draw_it_and_a_published_one_holds_its_version(
    draft: int, bank: Bank
) -> None:
    uses = await uses_of(bank.question_ids[0])
    assert [(each.round_name, each.version_number) for each in uses] == [
        ("Tuần 2", None),
        ("Tuần 1", None),
    ]


async def test_a_frozen_pool_keeps_the_old_version_whatever_is_edited(
    contest: ContestShown, bank: Bank, write_question: Write
) -> None:
    await write_question(bank.id, FIRST, text="Chữ mới?")
    uses = await uses_of(bank.question_ids[0])
    assert [(each.slug, each.round_name, each.version_number) for each in uses] == [
        ("tim-hieu", "Tuần 2", 1),
        ("tim-hieu", "Tuần 1", 1),
    ]
    assert all(each.frozen_at for each in uses)


async def test_statistics_are_shown_with_their_moment(contest: ContestShown, bank: Bank) -> None:
    question_id = bank.question_ids[0]
    [version] = await versions_of(question_id)
    version_id = await db.pool().fetchval(
        "SELECT id FROM question_version WHERE question_id = $1", question_id
    )
    async with db.transaction() as connection:
        await connection.execute(
            "INSERT INTO question_statistic (round_id, question_id, question_version_id, content, "
            "computed_at) VALUES ($1, $2, $3, $4::jsonb, $5)",
            contest.rounds[0].id,
            question_id,
            version_id,
            json_text({"attempt_count": 12, "facility": 0.75}),
            clock.now(),
        )
    [found] = await statistics_of(question_id)
    assert (found.round_name, found.version_number) == ("Tuần 1", version.number)
    assert found.content["facility"] == 0.75


async def test_a_key_that_is_seen_before_the_opening_is_noted_once_an_hour(
    draft: int, bank: Bank, staff: Staff
) -> None:
    question_id = bank.question_ids[0]
    for by in (staff.minh, staff.minh, staff.lan):
        await note_question_seen(question_id, by=by)
        await note_bank_seen(bank.id, by=by)
    seen = await entries(f"question:{question_id}")
    assert [(each.action, each.by) for each in seen] == [
        ("see_question", staff.lan),
        ("see_question", staff.minh),
    ]
    assert seen[0].detail == {"code": FIRST, "version": 1, "contests": ["tim-hieu"]}
    lists = [each for each in await entries(f"bank:{bank.id}") if each.action == "see_bank"]
    assert [each.by for each in lists] == [staff.lan, staff.minh]
    clock.freeze(clock.now() + timedelta(hours=1, seconds=1))
    try:
        await note_question_seen(question_id, by=staff.minh)
    finally:
        clock.freeze(None)
    assert len(await entries(f"question:{question_id}")) == 3


async def test_nothing_is_noted_where_no_contest_is_to_open(bank: Bank, staff: Staff) -> None:
    await note_question_seen(bank.question_ids[0], by=staff.minh)
    await note_question_seen(404, by=staff.minh)
    await note_bank_seen(bank.id, by=staff.minh)
    assert await entries(f"question:{bank.question_ids[0]}") == []
    assert (await entries(f"bank:{bank.id}"))[0].action == "approve_questions"
