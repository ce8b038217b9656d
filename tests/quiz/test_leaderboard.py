from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core import db
from quiz import leaderboard, results, statistics
from quiz.attempts import Attempts
from tests.quiz.arena import Arena, build_arena, instant
from tests.quiz.test_results import play


@pytest.fixture
async def attempts(clean: None) -> AsyncIterator[Attempts]:
    writers = Attempts()
    yield writers
    await writers.close()


async def played(attempts: Attempts, people: int = 4) -> Arena:
    arena = await build_arena(people=people)
    for person in range(people):
        await play(attempts, arena, person, correct=person % 6, seconds=60 + person)
    while await results.score_waiting():
        pass
    return arena


async def test_a_frozen_board_is_kept_as_it_was_when_the_freeze_began(attempts: Attempts) -> None:
    arena = await played(attempts)
    assert await leaderboard.take_snapshots(at=instant()) == 0
    await db.pool().execute("UPDATE contest SET board_freeze_seconds = 7200")
    assert await leaderboard.take_snapshots(at=instant()) == 1
    before = await leaderboard.board(arena.round_id, arena.division_id)
    await play(attempts, arena, 0, correct=5, seconds=1)
    await results.score_waiting()
    assert await leaderboard.take_snapshots(at=instant()) == 0  # the first one stays
    kept = await leaderboard.find_snapshot(arena.round_id)
    await db.pool().execute("UPDATE participant SET shown_name = 'Người đã xóa dữ liệu'")
    frozen = await leaderboard.board_from_snapshot(
        kept["content"], arena.round_id, arena.division_id, 1
    )
    assert {row.shown_name for row in frozen.rows} == {"Người đã xóa dữ liệu"}
    assert [row.participant_id for row in frozen.rows] == [
        row.participant_id for row in before.rows
    ]
    now = await leaderboard.board(arena.round_id, arena.division_id)
    assert now.rows[0].participant_id != frozen.rows[0].participant_id
    units = leaderboard.units_from_snapshot(kept["content"])
    assert [unit.people_count for unit in units] == [4]


async def test_units_are_ranked_by_the_share_of_their_people(attempts: Attempts) -> None:
    arena = await played(attempts)
    await db.pool().execute(
        "INSERT INTO headcount (unit_id, counted_on, people_count, source) "
        "VALUES ($1, '2026-01-01', 8, '')",
        arena.unit_id,
    )
    (unit,) = await leaderboard.unit_board(arena.round_id, at=instant())
    assert (unit.people_count, unit.headcount, unit.rate) == (4, 8, 0.5)


@pytest.mark.parametrize(
    ("people", "headcount", "rate"), [(5, 10, 0.5), (5, None, None), (5, 0, None)]
)
def test_a_rate_needs_a_headcount(people: int, headcount: int | None, rate: float | None) -> None:
    assert leaderboard.rate(people, headcount) == rate


async def test_pages_beyond_the_last_show_the_last(attempts: Attempts) -> None:
    arena = await played(attempts)
    board = await leaderboard.board(arena.round_id, arena.division_id, page=99)
    assert (board.page, board.page_count, len(board.rows)) == (1, 1, 4)
    empty = await leaderboard.board(arena.round_id, 999)
    assert (empty.people_count, list(empty.rows)) == (0, [])


async def test_figures_add_up(attempts: Attempts) -> None:
    arena = await played(attempts)
    await play(attempts, arena, 0, correct=5, seconds=60)
    await results.score_waiting()
    figures = await statistics.round_figures(arena.round_id, 5)
    assert (figures.people_count, figures.attempt_count) == (4, 5)
    assert sum(each.attempt_count for each in figures.scores) == 5
    assert sum(each.attempt_count for each in figures.hours) == 5
    assert figures.all_correct_count == 1
    assert figures.hours[0].hour_at <= instant() < figures.hours[0].hour_at + timedelta(hours=2)
