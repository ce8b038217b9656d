"""Makers try their paper as a participant would, and nothing of it stays."""

from __future__ import annotations

from itertools import product

import pytest

from core import db
from core.errors import Refusal
from quiz import contest_making, contests, trial
from quiz.contests import ContestShown
from quiz.drawing import shown_correct
from quiz.pools import PoolLine
from quiz.question_review import retire_questions
from tests.quiz.conftest import TOPICS, Bank, Staff


async def every_count() -> dict[str, int]:
    tables = await db.pool().fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return {
        row["tablename"]: await db.pool().fetchval(f'SELECT count(*) FROM "{row["tablename"]}"')
        for row in tables
    }


async def test_a_trial_leaves_no_row_anywhere(draft: int) -> None:
    shown = await contests.get_contest(draft)
    before = await every_count()
    drawn = await trial.draw_trial(shown, shown.rounds[0], shown.divisions[0].id)
    assert len(drawn.paper) == shown.rounds[0].question_count
    assert not drawn.is_frozen
    answers = {str(place): list(shown_correct(each)) for place, each in enumerate(drawn.paper, 1)}
    answers["1"] = []
    result = await trial.score_trial(
        shown, shown.rounds[0], shown.divisions[0].id,
        seed=drawn.seed, pool_digest=drawn.digest, answers=answers,
    )  # fmt: skip
    assert result.scored.correct_count == result.scored.question_count - 1
    assert [each["is_right"] for each in result.review] == [False] + [True] * 7
    assert await every_count() == before


async def test_two_trials_give_two_papers(draft: int) -> None:
    shown = await contests.get_contest(draft)
    seeds = {(await trial.draw_trial(shown, shown.rounds[0], None)).seed for _ in range(3)}
    assert len(seeds) == 3


async def test_a_published_contest_is_tried_with_its_frozen_paper(
    contest: ContestShown, bank: Bank, staff: Staff
) -> None:
    await retire_questions(bank.question_ids, by=staff.minh)
    drawn = await trial.draw_trial(contest, contest.rounds[0], contest.divisions[0].id)
    assert drawn.is_frozen
    assert len(drawn.paper) == 8


async def test_a_division_with_its_own_blueprint_gets_its_own_paper(draft: int) -> None:
    shown = await contests.get_contest(draft)
    officials, citizens = shown.divisions
    first = shown.rounds[0]
    await contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "easy", 3)], officials.id)
    assert len((await trial.draw_trial(shown, first, officials.id)).paper) == 3
    assert len((await trial.draw_trial(shown, first, citizens.id)).paper) == 8


async def test_a_paper_that_cannot_be_drawn_says_why(draft: int) -> None:
    shown = await contests.get_contest(draft)
    first = shown.rounds[0]
    await contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "easy", 7)])
    with pytest.raises(Refusal) as refusal:
        await trial.draw_trial(shown, first, None)
    assert refusal.value.code == "bank_short"
    await contest_making.set_blueprint(first.id, [])
    with pytest.raises(Refusal) as refusal:
        await trial.draw_trial(shown, first, None)
    assert refusal.value.code == "no_blueprint"


async def test_answers_to_another_paper_are_refused(draft: int) -> None:
    shown = await contests.get_contest(draft)
    first = shown.rounds[0]
    drawn = await trial.draw_trial(shown, first, None)
    lines = [PoolLine(*pair, question_count=1) for pair in product(TOPICS, ["easy"])]
    await contest_making.set_blueprint(first.id, lines)
    for seed in (drawn.seed, "x" * 32, "", "0" * 31):
        with pytest.raises(Refusal) as refusal:
            await trial.score_trial(
                shown, first, None, seed=seed, pool_digest=drawn.digest, answers={}
            )
        assert refusal.value.code == "trial_changed"
