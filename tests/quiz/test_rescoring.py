from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import db
from core.errors import Refusal
from people.audit import entries
from quiz import frozen, rescoring, results, review
from quiz.attempts import Attempts
from tests.quiz.arena import (
    Arena,
    account_of,
    build_arena,
    close_round,
    forget_scores,
    paper_of_attempt,
    right_answers,
    save,
)
from tests.quiz.test_results import play, recount

COUNTED = ("score", "standing", "standing_bucket", "participation", "score_tally")


async def played(attempts: Attempts, *, people: int = 12, tries: int = 1, **more: Any) -> Arena:
    """A closed round in which everybody made so many attempts, some good, some bad."""
    arena = await build_arena(people=people, **more)
    dice = random.Random(people)
    for person in list(range(people)) * tries:
        correct, seconds = dice.randrange(6), dice.randrange(60, 900)
        await play(attempts, arena, person, correct=correct, seconds=seconds)
    while await results.score_waiting():
        pass
    await close_round(arena)
    return arena


async def mend(
    arena: Arena, question: int, kind: str = "rekey", right: tuple[int, ...] = (1,)
) -> dict[str, Any]:
    """Propose, preview, approve and apply; returns the outcome, which equals the preview."""
    correction_id = await rescoring.propose_correction(
        arena.round_id, question, kind, right if kind == "rekey" else (), "Đáp án in nhầm", by=None
    )
    assert await rescoring.preview_correction(correction_id)
    await rescoring.approve_correction(correction_id, by=None)
    assert await rescoring.rescore_round(correction_id)
    shown = (await rescoring.corrections_of(arena.round_id))[0]
    assert shown.state == "applied"
    assert shown.outcome is not None
    assert shown.outcome == shown.preview
    return dict(shown.outcome)


async def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Scores, standings and counters, but for the instant and version of scoring."""
    columns = {
        "score": "attempt_id, points, correct_count, question_count, duration_ms",
        "standing": "participant_id, attempt_id, attempt_count, points, correct_count, "
        "question_count, duration_ms, rank_key, bucket, is_ranked, draw_order",
        "standing_bucket": "division_id, bucket, people_count",
        "participation": "unit_id, division_id, hour_at, people_count, attempt_count",
        "score_tally": "division_id, correct_count, attempt_count",
    }
    counted = {"standing_bucket": "people_count <> 0", "score_tally": "attempt_count <> 0"}
    return {
        table: [
            tuple(row)
            for row in await db.pool().fetch(
                f"SELECT {columns[table]} FROM {table} WHERE {counted.get(table, 'true')} "
                f"ORDER BY {columns[table]}"
            )
        ]
        for table in COUNTED
    }


async def score_from_scratch() -> None:
    await forget_scores()
    while await results.score_waiting(limit=7):
        pass


async def most_asked() -> int:
    """The question that most papers of the round have."""
    seen: dict[int, int] = {}
    for row in await db.pool().fetch("SELECT id FROM attempt"):
        for each in await paper_of_attempt(row["id"]):
            seen[each.question.id] = seen.get(each.question.id, 0) + 1
    return max(seen, key=lambda question: seen[question])


@pytest.mark.parametrize("kind", ["rekey", "full_marks", "drop"])
@pytest.mark.parametrize("counting", ["best", "last", "first"])
async def test_a_rescored_round_is_as_if_it_had_been_scored_by_the_mended_key_at_once(
    attempts: Attempts, kind: str, counting: str
) -> None:
    arena = await played(attempts, people=10, tries=3, counting=counting)
    before = await everything()
    outcome = await mend(arena, await most_asked(), kind)
    rescored = await everything()
    assert rescored != before
    assert outcome["had_count"] > 0
    await recount()
    await score_from_scratch()
    assert await everything() == rescored
    await recount()


@pytest.fixture
async def arena(attempts: Attempts) -> Arena:
    return await played(attempts, people=6, tries=2)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(1, 20),
            st.sampled_from(["rekey", "full_marks", "drop"]),
            st.sets(st.integers(0, 3), min_size=1, max_size=3).map(lambda s: tuple(sorted(s))),
        ),
        min_size=1,
        max_size=4,
    )
)
async def test_any_corrections_in_a_row_end_where_scoring_from_scratch_ends(
    arena: Arena, corrections: list[tuple[int, str, tuple[int, ...]]]
) -> None:
    await db.pool().execute("DELETE FROM correction")
    await db.pool().execute("UPDATE round SET scoring_version = 1")
    frozen.forget_pools()
    await score_from_scratch()
    for question, kind, right in corrections:
        try:
            await mend(arena, question, kind, right)
        except Refusal as refusal:
            if refusal.code != "no_change":
                raise
    rescored = await everything()
    await recount()
    await score_from_scratch()
    assert await everything() == rescored


async def test_the_preview_counts_and_names_what_then_happens(attempts: Attempts) -> None:
    arena = await played(attempts, people=12, comparators=("points",))
    board = {
        row["participant_id"]: (row["points"], row["rank"])
        for row in await db.pool().fetch(
            "SELECT participant_id, points, rank() OVER (ORDER BY rank_key)::int FROM standing"
        )
    }
    outcome = await mend(arena, await most_asked(), "full_marks")
    after = {
        row["participant_id"]: (row["points"], row["rank"])
        for row in await db.pool().fetch(
            "SELECT participant_id, points, rank() OVER (ORDER BY rank_key)::int FROM standing"
        )
    }
    gained = sum(after[who][0] > board[who][0] for who in board)
    assert (outcome["gained_count"], outcome["lost_count"]) == (gained, 0)
    assert outcome["attempt_count"] == 12
    (division,) = outcome["divisions"]
    assert division["moved_count"] == sum(after[who][1] != board[who][1] for who in board)
    listed = division["entering"] + division["leaving"] + division["staying"]
    for row in listed:
        who = row["participant_id"]
        assert (row["old_points"], row["old_rank"]) == board[who]
        assert (row["new_points"], row["new_rank"]) == after[who]
    assert {row["participant_id"] for row in listed} == {
        who for who in board if min(board[who][1], after[who][1]) <= 10
    }


async def test_rescoring_twice_equals_once(attempts: Attempts) -> None:
    arena = await played(attempts)
    await mend(arena, await most_asked())
    once = await everything()
    (shown,) = await rescoring.corrections_of(arena.round_id)
    assert not await rescoring.rescore_round(shown.id)
    assert await rescoring.rescore_waiting() == 0
    assert await everything() == once
    assert await db.pool().fetchval("SELECT scoring_version FROM round") == 2


async def test_a_key_that_is_mended_back_leaves_no_trace_in_the_scores(attempts: Attempts) -> None:
    arena = await played(attempts, tries=2)
    before = await everything()
    question = await most_asked()
    await mend(arena, question, "drop")
    assert await everything() != before
    await mend(arena, question, "rekey", (0,))
    assert await everything() == before


async def test_attempts_scored_while_a_round_is_rescored_get_the_mended_key(
    attempts: Attempts,
) -> None:
    arena = await build_arena(people=30)
    for person in range(30):
        await play(attempts, arena, person, correct=person % 6, seconds=60 + person)
    while await results.score_waiting(limit=15):
        break
    question = await most_asked()
    correction_id = await rescoring.propose_correction(
        arena.round_id, question, "rekey", (2,), "Đáp án in nhầm", by=None
    )
    await rescoring.preview_correction(correction_id)
    await rescoring.approve_correction(correction_id, by=None)
    await asyncio.gather(
        rescoring.rescore_round(correction_id),
        rescoring.rescore_round(correction_id),
        *(results.score_waiting(limit=4) for _ in range(6)),
    )
    while await results.score_waiting():
        pass
    together = await everything()
    await recount()
    await score_from_scratch()
    assert await everything() == together


async def test_the_sweep_finds_what_nobody_rang_for(attempts: Attempts) -> None:
    arena = await played(attempts)
    correction_id = await rescoring.propose_correction(
        arena.round_id, await most_asked(), "drop", (), "Văn bản hết hiệu lực", by=None
    )
    assert await rescoring.rescore_waiting() == 1
    await rescoring.approve_correction(correction_id, by=None)
    assert await rescoring.rescore_waiting() == 1
    (shown,) = await rescoring.corrections_of(arena.round_id)
    assert shown.state == "applied"


async def test_a_participant_reads_what_was_mended_and_why(attempts: Attempts) -> None:
    arena = await build_arena()
    started = await attempts.start(arena.start(0))
    answers = await right_answers(started.attempt_id, 0)
    await attempts.submit(save(started.attempt_id, 1, answers, is_submit=True))
    await results.score_waiting()
    paper = await paper_of_attempt(started.attempt_id)
    (chosen,) = answers["1"]
    place = paper[0].option_order[chosen - 1]
    await mend(arena, paper[0].question.id, "rekey", (place,))
    await mend(arena, paper[1].question.id, "full_marks")
    await mend(arena, paper[2].question.id, "drop")
    found = await review.find_result(started.attempt_id)
    assert (found.points, found.correct_count, found.question_count) == (2000, 2, 4)
    reviewed = await review.reviewed_paper(found)
    assert [each["is_right"] for each in reviewed] == [True, True, False, False, False]
    assert [option["is_right"] for option in reviewed[0]["options"]].index(True) == chosen - 1
    assert not any(option["is_right"] for each in reviewed[1:3] for option in each["options"])
    assert reviewed[0]["correction"] == {"kind": "rekey", "reason": "Đáp án in nhầm"}
    assert reviewed[4]["correction"] is None


async def test_what_is_tried_in_a_preview_is_seen_by_nobody(attempts: Attempts) -> None:
    arena = await played(attempts)
    before = await everything()
    await rescoring.propose_correction(
        arena.round_id, await most_asked(), "full_marks", (), "Câu hỏi sai", by=None
    )
    await rescoring.rescore_waiting()
    assert await everything() == before
    assert await frozen.overlay_of(db.pool(), arena.round_id, 1) == {}


@pytest.mark.parametrize(
    ("question", "kind", "right", "reason", "code"),
    [
        (1, "rekey", (1,), " ", "no_reason"),
        (99, "rekey", (1,), "Sai", "unknown_question"),
        (1, "rekey", (0,), "Sai", "no_change"),
        (1, "rekey", (), "Sai", "no_right_option"),
        (1, "rekey", (4,), "Sai", "unknown_option"),
        (1, "rekey", (0, 1, 2, 3), "Sai", "all_right"),
        (1, "double", (), "Sai", "unknown_kind"),
    ],
)
async def test_what_cannot_be_corrected_is_refused(
    clean: None, question: int, kind: str, right: tuple[int, ...], reason: str, code: str
) -> None:
    arena = await build_arena()
    with pytest.raises(Refusal) as refused:
        await rescoring.propose_correction(arena.round_id, question, kind, right, reason, by=None)
    assert refused.value.code == code


async def test_the_same_annulment_twice_is_no_change(attempts: Attempts) -> None:
    arena = await played(attempts, people=2)
    await mend(arena, 1, "drop")
    with pytest.raises(Refusal, match="no_change"):
        await mend(arena, 1, "drop")


async def test_nobody_approves_the_own_proposal(attempts: Attempts) -> None:
    arena = await played(attempts, people=2)
    lan, minh = await account_of(arena, 0), await account_of(arena, 1)
    correction_id = await rescoring.propose_correction(
        arena.round_id, 1, "drop", (), "Văn bản hết hiệu lực", by=lan
    )
    with pytest.raises(Refusal, match="correction_waiting"):
        await rescoring.propose_correction(arena.round_id, 1, "drop", (), "Lại", by=minh)
    with pytest.raises(Refusal, match="no_preview"):
        await rescoring.approve_correction(correction_id, by=minh)
    await rescoring.preview_correction(correction_id)
    with pytest.raises(Refusal, match="own_correction"):
        await rescoring.approve_correction(correction_id, by=lan)
    assert not await rescoring.rescore_round(correction_id)
    await rescoring.approve_correction(correction_id, by=minh)
    with pytest.raises(Refusal, match="wrong_state"):
        await rescoring.approve_correction(correction_id, by=minh)
    with pytest.raises(Refusal, match="wrong_state"):
        await rescoring.withdraw_correction(correction_id, "Nhầm", by=lan)
    assert await rescoring.rescore_round(correction_id)
    done = [(each.action, each.by) for each in await entries(f"contest:{arena.contest_id}")]
    assert done == [
        ("rescore_round", None),
        ("approve_correction", minh),
        ("propose_correction", lan),
    ]


async def test_a_preview_holds_only_until_another_correction_is_done(attempts: Attempts) -> None:
    arena = await played(attempts, people=3)
    waiting = await rescoring.propose_correction(arena.round_id, 1, "drop", (), "Sai", by=None)
    await rescoring.preview_correction(waiting)
    await mend(arena, 2, "full_marks")
    with pytest.raises(Refusal, match="preview_stale"):
        await rescoring.approve_correction(waiting, by=None)
    await rescoring.preview_again(waiting, by=None)
    assert await rescoring.rescore_waiting() == 1
    await rescoring.approve_correction(waiting, by=None)


async def test_a_final_result_is_not_corrected(attempts: Attempts) -> None:
    arena = await played(attempts, people=2)
    correction_id = await rescoring.propose_correction(
        arena.round_id, 1, "drop", (), "Sai", by=None
    )
    await db.pool().execute("UPDATE round SET result = 'final'")
    with pytest.raises(Refusal, match="already_final"):
        await rescoring.propose_correction(arena.round_id, 2, "drop", (), "Sai", by=None)
    with pytest.raises(Refusal, match="already_final"):
        await rescoring.approve_correction(correction_id, by=None)
