"""A draft is changed part by part; a week is repeated to the second; what was sent stays."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db
from core.errors import Refusal
from quiz import contest_editing, contest_making, contests, prizes, publishing
from quiz.blueprint_grid import lines_of
from quiz.contest_editing import moved, next_name, with_prediction
from quiz.contests import PREDICTION_TARGETS, ContestShown, rules_sentence
from quiz.pools import PoolLine
from quiz.prizes import PrizePlan
from quiz.ranking import COMPARATORS
from tests.quiz.conftest import Staff

NAMES = tuple(COMPARATORS)


async def test_what_a_contest_says_of_itself_is_replaced_whole(draft: int, staff: Staff) -> None:
    await contest_editing.edit_contest(
        draft, slug="ten-moi", name=" Tên  mới ", summary="Một\nHai", youngest_age=14,
        oldest_age=30, is_by_list=True, is_one_prize=False, review="never",
        board_freeze_seconds=3600, unit_id=staff.unit_id, by=staff.lan,
    )  # fmt: skip
    shown = await contests.contest_by_slug("ten-moi")
    assert (shown.name, shown.summary, shown.organiser) == ("Tên mới", "Một\nHai", "")
    assert (shown.youngest_age, shown.oldest_age) == (14, 30)
    assert (shown.is_by_list, shown.is_one_prize) == (True, False)
    assert (shown.review, shown.board_freeze_seconds) == ("never", 3600)
    assert shown.unit_path.endswith(f"/{staff.unit_id}/")


async def test_another_contests_address_and_upside_down_ages_are_refused(
    draft: int, staff: Staff
) -> None:
    bank_id = (await contests.get_contest(draft)).bank_id
    await contest_making.make_contest(slug="khac", name="Khác", bank_id=bank_id, by=staff.lan)
    with pytest.raises(Refusal) as refusal:
        await contest_editing.edit_contest(draft, slug="khac", name="Tìm hiểu")
    assert (refusal.value.code, list(refusal.value.fields)) == ("slug_taken", ["slug"])
    with pytest.raises(Refusal) as refusal:
        await contest_editing.edit_contest(
            draft, slug="a", name="Tìm hiểu", youngest_age=30, oldest_age=14
        )
    assert list(refusal.value.fields) == ["oldest_age"]


@pytest.mark.parametrize("state", ["in_review", "approved"])
async def test_what_was_sent_or_published_is_changed_no_more(
    draft: int, staff: Staff, state: str
) -> None:
    shown = await contests.get_contest(draft)
    first, division = shown.rounds[0], shown.divisions[0]
    prize_id = await prizes.add_prize(draft, PrizePlan(name="Giải Nhất", prize_count=1))
    await publishing.send_to_review(draft, by=staff.lan)
    if state == "approved":
        await publishing.approve_contest(draft, by=staff.minh)
    before = await contests.get_contest(draft)
    attempts: list[Awaitable[object]] = [
        contest_editing.edit_contest(draft, slug="x", name="X"),
        contest_editing.set_ranking(draft, ["points"], ""),
        contest_editing.rename_division(division.id, "X"),
        contest_editing.remove_division(division.id),
        contest_editing.edit_round(
            first.id, name="X", opens=first.opens_at, closes=first.closes_at, time_limit_seconds=60
        ),
        contest_editing.remove_round(first.id),
        contest_editing.clone_round(first.id),
        contest_editing.copy_blueprint(first.id),
        contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "easy", 1)]),
        prizes.add_prize(draft, PrizePlan(name="Giải Nhì", prize_count=2)),
        prizes.edit_prize(prize_id, PrizePlan(name="Giải Ba", prize_count=2)),
        prizes.move_prize(prize_id, up=True),
        prizes.remove_prize(prize_id),
    ]
    for attempt in attempts:
        with pytest.raises(Refusal) as refusal:
            await attempt
        assert refusal.value.code == "not_draft"
        assert refusal.value.sentence
    assert await contests.get_contest(draft) == before
    assert [each.name for each in await prizes.prizes_of(draft)] == ["Giải Nhất"]


async def test_a_week_is_repeated_to_the_second_with_its_paper(draft: int, staff: Staff) -> None:
    shown = await contests.get_contest(draft)
    first, second = shown.rounds
    officials = shown.divisions[0]
    await contest_editing.edit_round(
        second.id, name="Tuần 2", opens="16:00 thứ Hai ngày 05/10/2026",
        closes="24 giờ ngày 11/10/2026", time_limit_seconds=900, attempt_limit=3,
        counting="last", cooldown_seconds=600, by=staff.lan,
    )  # fmt: skip
    await contest_making.set_blueprint(second.id, [PoolLine("du-lieu", "easy", 3)], officials.id)
    made = await contest_editing.clone_round(second.id, count=3, by=staff.lan)
    rounds = (await contests.get_contest(draft)).rounds
    assert [each.name for each in rounds] == [f"Tuần {number}" for number in range(1, 6)]
    source = rounds[1]
    for step, each in enumerate(rounds[2:], start=1):
        assert each.opens_at - source.opens_at == timedelta(days=7 * step)
        assert each.closes_at - source.closes_at == timedelta(days=7 * step)
        assert (each.time_limit_seconds, each.attempt_limit, each.counting) == (900, 3, "last")
        assert each.cooldown_seconds == 600
        for division_id in (None, officials.id):
            assert await lines_of(each.id, division_id) == await lines_of(source.id, division_id)
    assert rounds[2].closes_as_written == "24 giờ Chủ nhật, 18/10/2026"
    assert [each.id for each in rounds[2:]] == made
    assert await lines_of(first.id, officials.id) == []


@given(
    opens_at=st.datetimes(
        timezones=st.just(clock.VIETNAM),
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001 — hypothesis wants it without a zone
        max_value=datetime(2040, 1, 1),  # noqa: DTZ001 — the same
    ),
    hours=st.integers(1, 400),
    count=st.integers(1, 20),
)
def test_a_shifted_week_keeps_the_clock_and_the_weekday_in_viet_nam(
    opens_at: datetime, hours: int, count: int
) -> None:
    """What `clone_round` adds: whole weeks, in a country without summer time."""
    for instant in (opens_at, opens_at + timedelta(hours=hours)):
        later = clock.local(instant + count * contest_editing.WEEK)
        local = clock.local(instant)
        assert (later.time(), later.weekday()) == (local.time(), local.weekday())
        assert (later.date() - local.date()).days == 7 * count


@pytest.mark.parametrize("count", [0, -1, 21])
async def test_a_senseless_number_of_weeks_is_refused(draft: int, count: int) -> None:
    first = (await contests.get_contest(draft)).rounds[0]
    with pytest.raises(Refusal) as refusal:
        await contest_editing.clone_round(first.id, count=count)
    assert refusal.value.code == "bad_count"
    assert len((await contests.get_contest(draft)).rounds) == 2


async def test_one_blueprint_goes_to_every_round(draft: int, staff: Staff) -> None:
    shown = await contests.get_contest(draft)
    first, second = shown.rounds
    officials = shown.divisions[0]
    await contest_making.set_blueprint(second.id, [PoolLine("du-lieu", "easy", 1)], officials.id)
    await contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "medium", 4)])
    assert await contest_editing.copy_blueprint(first.id, by=staff.lan) == 1
    assert await lines_of(second.id, None) == [PoolLine("du-lieu", "medium", 4)]
    assert await lines_of(second.id, officials.id) == []


async def test_parts_are_renamed_and_removed_with_what_hangs_on_them(
    draft: int, staff: Staff
) -> None:
    shown = await contests.get_contest(draft)
    officials, citizens = shown.divisions
    first, second = shown.rounds
    await contest_making.set_blueprint(first.id, [PoolLine("du-lieu", "easy", 1)], officials.id)
    await prizes.add_prize(
        draft, PrizePlan(name="Giải Nhất", prize_count=1, division_id=officials.id)
    )
    await prizes.add_prize(draft, PrizePlan(name="Giải tuần", prize_count=1, round_id=second.id))
    await contest_editing.rename_division(citizens.id, "Nhân dân", by=staff.lan)
    await contest_editing.remove_division(officials.id, by=staff.lan)
    await contest_editing.remove_round(second.id, by=staff.lan)
    shown = await contests.get_contest(draft)
    assert [(each.code, each.name) for each in shown.divisions] == [("nguoi-dan", "Nhân dân")]
    assert [each.name for each in shown.rounds] == ["Tuần 1"]
    assert await prizes.prizes_of(draft) == []
    assert await db.pool().fetchval("SELECT count(*) FROM blueprint_line") == 4
    for attempt in (
        contest_editing.rename_division(officials.id, "X"),
        contest_editing.remove_round(second.id),
    ):
        with pytest.raises(Refusal) as refusal:
            await attempt
        assert refusal.value.code == "not_found"


async def test_a_new_round_takes_the_number_after_the_last(draft: int) -> None:
    opens = clock.now() + timedelta(days=30)
    await contest_making.add_round(
        draft, name="Chung kết", opens=opens, closes=opens + timedelta(days=1),
        time_limit_seconds=600,
    )  # fmt: skip
    assert (await contests.get_contest(draft)).rounds[-1].number == 3


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("Tuần 1", 1, 2, "Tuần 2"),
        ("Tuần 9", 9, 10, "Tuần 10"),
        ("Vòng chung kết", 1, 2, "Vòng chung kết, đợt 2"),
        ("Chặng tháng 10", 1, 2, "Chặng tháng 10, đợt 2"),
    ],
)
def test_the_next_weeks_name(name: str, old: int, new: int, expected: str) -> None:
    assert next_name(name, old, new) == expected


@pytest.mark.parametrize("order", list(permutations(NAMES)), ids="-".join)
def test_every_order_of_comparators_is_told_in_its_order(order: tuple[str, ...]) -> None:
    phrases = {
        "points": "điểm cao hơn",
        "prediction_gap": "dự đoán chênh ít hơn",
        "duration": "thời gian làm bài ngắn hơn",
        "closed_at": "nộp bài sớm hơn",
    }
    sentence = rules_sentence(order, "people")
    told = [sentence.index(f"({place}) {phrases[name]}") for place, name in enumerate(order, 1)
            if name in phrases]  # fmt: skip
    assert told == sorted(told)


@given(order=st.permutations(NAMES), name=st.sampled_from(NAMES), up=st.booleans())
def test_moving_changes_places_with_a_neighbour_and_back(
    order: list[str], name: str, up: bool
) -> None:
    once = moved(order, name, up=up)
    assert sorted(once) == sorted(order)
    if once != order:
        assert abs(once.index(name) - order.index(name)) == 1
        assert moved(once, name, up=not up) == order


@given(
    order=st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    prediction=st.sampled_from(["", *PREDICTION_TARGETS]),
)
def test_comparators_always_fit_the_prediction(order: list[str], prediction: str) -> None:
    fitted = with_prediction(order, prediction)
    assert ("prediction_gap" in fitted) == bool(prediction)
    assert [each for each in fitted if each != "prediction_gap"] == [
        each for each in order if each != "prediction_gap"
    ]


async def test_the_ranking_is_kept_as_it_was_put(draft: int, staff: Staff) -> None:
    await contest_editing.set_ranking(draft, ["points", "closed_at"], "", by=staff.lan)
    shown: ContestShown = await contests.get_contest(draft)
    assert (shown.comparators, shown.prediction) == (("points", "closed_at"), "")
    for comparators, prediction in product([["points"], ["luck"], []], ["people"]):
        with pytest.raises(Refusal) as refusal:
            await contest_editing.set_ranking(draft, comparators, prediction)
        assert refusal.value.code == "bad_ranking"
