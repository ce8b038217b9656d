from __future__ import annotations

from core import db
from quiz import contest_making, contests
from quiz.blueprint_grid import grid_of
from quiz.blueprints import Expectation
from quiz.pools import PoolLine
from tests.quiz.conftest import Bank


async def test_the_grid_sets_what_is_wanted_beside_what_there_is(draft: int) -> None:
    shown = await contests.get_contest(draft)
    first = shown.rounds[0]
    await contest_making.set_blueprint(
        first.id, [PoolLine("du-lieu", "easy", 7), PoolLine("du-lieu", "medium", 1)]
    )
    grid = await grid_of(shown, first, None)
    assert [(row.topic_name, [c.wanted_count for c in row.cells]) for row in grid.rows] == [
        ("Chuyển đổi số", [0, 0, 0]),
        ("Dữ liệu", [7, 1, 0]),
    ]
    assert [[cell.available_count for cell in row.cells] for row in grid.rows] == [[6, 6, 0]] * 2
    assert [cell.is_short for cell in grid.rows[1].cells] == [True, False, False]
    assert grid.question_count == 8
    assert grid.expectation == Expectation((7 * 0.8 + 0.6) / 8, 8, 0)
    assert (await grid_of(shown, first, shown.divisions[0].id)).expectation is None


async def test_what_earlier_contests_measured_counts_instead_of_a_guess(
    draft: int, bank: Bank
) -> None:
    shown = await contests.get_contest(draft)
    first = shown.rounds[0]
    await contest_making.set_blueprint(
        first.id, [PoolLine("du-lieu", "easy", 3), PoolLine("du-lieu", "medium", 1)]
    )
    await db.pool().execute(
        "INSERT INTO question_statistic (round_id, question_id, question_version_id, content, "
        "computed_at) SELECT $1, v.question_id, v.id, jsonb_build_object('facility', 50.0), now() "
        "FROM question_version v JOIN topic t ON t.id = v.topic_id "
        "WHERE t.code = 'du-lieu' AND v.difficulty = 'easy'",
        first.id,
    )
    grid = await grid_of(shown, first, None)
    assert grid.expectation == Expectation((3 * 0.5 + 0.6) / 4, 4, 3)
