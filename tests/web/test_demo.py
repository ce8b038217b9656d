from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificates import changing, issuing, lookup
from core import db
from core.clock import now
from core.errors import Refusal
from core.local import Addresses
from core.settings import Settings
from core.text import phone_e164
from people.roles import ROLES, roles_of
from people.sessions import find_session
from people.staff_sign_in import sign_in_staff
from people.units import find_units
from quiz import frozen
from quiz.appeals import appeals_of
from quiz.awards import awards_of
from quiz.contests import contest_by_slug, open_round
from quiz.drawing import draw
from quiz.pools import from_json
from quiz.ranking import bucket
from quiz.receipts import receipt_code
from quiz.rescoring import corrections_of
from quiz.result_snapshots import digest_of, snapshots_of
from quiz.scoring import score
from web.demo import contests, ending, past, province
from web.demo.accounts import CITIZENS, DEMO_ACCOUNTS, demo_accounts, phone_of
from web.demo.crowd import make_crowd
from web.demo.plays import Window, participation_rates, plan, shared_out
from web.tokens import Tokens

ATTEMPTS = 300
Verb = Callable[..., Awaitable[Any]]


class PowerCut(Exception):
    """The machine went down in the middle of something."""


def cut_at(call_number: int, verb: Verb) -> Verb:
    calls = 0

    async def cut(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call_number:
            raise PowerCut
        return await verb(*arguments, **named)

    return cut


async def empty_every_table() -> None:
    tables = await db.pool().fetchval(
        "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables "
        "WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'"
    )
    await db.pool().execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    frozen.forget_pools()


@pytest.fixture(scope="module")
async def filled(database: Addresses, settings: Settings) -> AsyncIterator[None]:
    """A small province whose filling was cut off twice and gone on with."""
    await empty_every_table()
    for module, verb, call_number in (
        (contests, "set_blueprint", 3),
        (past, "score_waiting", 2),
        (ending, "file_appeal", 2),
        (ending, "approve_correction", 1),
        (ending, "give_awards", 1),
        (issuing, "approve", 2),
        (changing, "revoke", 1),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, verb, cut_at(call_number, getattr(module, verb)))
            with pytest.raises(PowerCut):
                await province.fill(settings, attempts=ATTEMPTS)
    await province.fill(settings, attempts=ATTEMPTS * 2)  # the first run's number counts
    yield
    await empty_every_table()


async def rows(query: str, *values: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await db.pool().fetch(query, *values)]


async def test_the_past_has_as_many_attempts_as_were_asked_for(filled: None) -> None:
    past_round = (await contest_by_slug(contests.PAST_SLUG)).rounds[0]
    assert await rows("SELECT count(*) FROM attempt WHERE round_id = $1", past_round.id) == [
        (ATTEMPTS,)
    ]
    assert not await rows(
        "SELECT id FROM attempt WHERE state = 'open' UNION ALL SELECT attempt_id FROM unscored"
    )


async def test_every_paper_scores_to_its_score(filled: None) -> None:
    pools = {
        row["id"]: from_json(row["content"])
        for row in await db.pool().fetch("SELECT id, content FROM pool")
    }
    attempts = await db.pool().fetch(
        "SELECT a.*, r.scoring_version, s.points, s.correct_count, s.question_count, s.duration_ms "
        "FROM attempt a JOIN score s ON s.attempt_id = a.id JOIN round r ON r.id = a.round_id"
    )
    assert len(attempts) > ATTEMPTS
    for each in attempts:
        overlay = await frozen.overlay_of(db.pool(), each["round_id"], each["scoring_version"])
        scored = score(draw(pools[each["pool_id"]], each["seed"]), each["answers"], overlay)
        assert (scored.points, scored.correct_count, scored.question_count) == (
            each["points"],
            each["correct_count"],
            each["question_count"],
        )
        assert each["receipt"] == receipt_code(each["id"])
        assert each["started_at"] < each["closed_at"] <= each["deadline_at"]
        assert (each["state"] == "expired") == (each["closed_at"] == each["deadline_at"])


async def test_the_counters_say_what_a_recount_says(filled: None) -> None:
    assert await rows(
        "SELECT round_id, unit_id, division_id, sum(attempt_count) FROM participation "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ) == await rows(
        "SELECT round_id, unit_id, division_id, count(*) FROM attempt "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    assert await rows(
        "SELECT round_id, hour_at, sum(people_count) FROM participation "
        "GROUP BY 1, 2 HAVING sum(people_count) > 0 ORDER BY 1, 2"
    ) == await rows(
        "SELECT round_id, first_hour, count(*) FROM (SELECT round_id, date_trunc('hour', "
        "min(closed_at)) AS first_hour FROM attempt GROUP BY round_id, participant_id) people "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert await rows(
        "SELECT round_id, division_id, correct_count, attempt_count FROM score_tally "
        "WHERE attempt_count > 0 ORDER BY 1, 2, 3"
    ) == await rows(
        "SELECT a.round_id, a.division_id, s.correct_count, count(*) FROM attempt a "
        "JOIN score s ON s.attempt_id = a.id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )


async def test_the_best_attempt_of_everybody_stands(filled: None) -> None:
    standings = await db.pool().fetch("SELECT * FROM standing")
    best = await rows(
        "SELECT a.round_id, a.participant_id, max(s.points), count(*) FROM attempt a "
        "JOIN score s ON s.attempt_id = a.id GROUP BY 1, 2"
    )
    assert {
        (each["round_id"], each["participant_id"], each["points"], each["attempt_count"])
        for each in standings
    } == set(best)
    counted = Counter(
        (each["round_id"], each["division_id"], bucket(each["rank_key"])) for each in standings
    )
    assert {
        (round_id, division_id, key): count
        for round_id, division_id, key, count in await rows(
            "SELECT round_id, division_id, bucket, people_count FROM standing_bucket "
            "WHERE people_count > 0"
        )
    } == counted


async def test_the_true_number_of_the_past_is_frozen(filled: None) -> None:
    chosen = (await contest_by_slug(contests.PAST_SLUG)).rounds[0]
    assert chosen.result == "final"
    assert await rows(
        "SELECT count(*) FROM standing WHERE round_id = $1 AND correct_count = question_count",
        chosen.id,
    ) == [(chosen.prediction_actual,)]


async def test_the_past_was_appealed_mended_awarded_and_published(filled: None) -> None:
    past_contest = await contest_by_slug(contests.PAST_SLUG)
    answered = await appeals_of(past_contest.id)
    assert sorted(each.state for each in answered) == ["accepted", "rejected"]
    [correction] = await corrections_of(past_contest.rounds[0].id)
    assert correction.state == "applied"
    assert correction.proposed_by_id != correction.approved_by_id
    assert {each.state for each in await awards_of(past_contest.id)} == {"given"}
    [signed] = await snapshots_of(past_contest.id, only_published=True)
    assert digest_of(signed.content) == signed.digest


async def test_those_who_sign_in_hold_certificates_and_each_state_is_there(filled: None) -> None:
    held = {
        each.full_name: [
            (shown.kind, shown.state)
            for shown in await lookup.of_person(
                await db.pool().fetchval(
                    "SELECT person_id FROM account WHERE phone = $1", phone_of(each)
                )
            )
            if shown.kind == "pass"
        ]
        for each in CITIZENS
    }
    assert held == {
        "Lò Thị Mai": [("pass", "issued"), ("pass", "superseded")],
        "Giàng A Páo": [("pass", "issued")],
    }
    past_contest = await contest_by_slug(contests.PAST_SLUG)
    counts = await lookup.state_counts(past_contest.id)
    assert (counts["revoked"], counts["superseded"]) == (1, 1)
    lists = await issuing.batches_of(past_contest.id)
    assert {each.kind for each in lists} == {"prize", "unit_prize", "pass"}
    assert {each.state for each in lists} == {"done"}
    assert all(each.made_by_name != each.approved_by_name for each in lists)


async def test_the_week_that_is_over_waits_for_an_answer(filled: None) -> None:
    current = await contest_by_slug(contests.OPEN_SLUG)
    assert current.rounds[0].result == "provisional"
    assert [each.state for each in await appeals_of(current.id)] == ["open"]


async def test_one_contest_is_open_one_is_coming_one_is_over(filled: None) -> None:
    at = now()
    current = await contest_by_slug(contests.OPEN_SLUG)
    week = open_round(current, at)
    assert week is not None
    assert (week.number, week.question_count, week.attempt_limit) == (2, 20, None)
    assert week.closes_at - at > timedelta(days=3)
    assert [each.state_at(at) for each in current.rounds] == ["closed", "open", "coming", "coming"]
    coming = await contest_by_slug(contests.COMING_SLUG)
    assert [each.state_at(at) for each in coming.rounds] == ["coming"]
    over = await contest_by_slug(contests.PAST_SLUG)
    assert [each.state_at(at) for each in over.rounds] == ["closed"]
    for contest in (current, coming, over):
        assert contest.state == ("final" if contest is over else "approved")
        assert None not in (contest.created_by_id, contest.approved_by_id)
        assert contest.created_by_id != contest.approved_by_id


async def test_filling_once_more_changes_nothing(filled: None, settings: Settings) -> None:
    tables = [
        name
        for (name,) in await rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]

    async def fingerprint() -> dict[str, Any]:
        return {
            table: await rows(f"SELECT count(*), sum(hashtext(t::text)) FROM {table} t")
            for table in tables
        }

    before = await fingerprint()
    await province.fill_once(settings)
    assert await fingerprint() == before


async def test_a_filled_province_is_not_filled_anew(filled: None, settings: Settings) -> None:
    with pytest.raises(Refusal, match="LOCAL_DIR"):
        await province.fill(settings, attempts=ATTEMPTS * 2)


async def test_filling_is_refused_outside_the_demonstration(filled: None) -> None:
    with pytest.raises(Refusal, match="DEMO=1"):
        await province.fill(Settings(demo=False), attempts=1)


async def test_each_role_signs_in_with_the_password_that_is_shown(filled: None) -> None:
    held = []
    for _, username, password in DEMO_ACCOUNTS:
        signed_in = await sign_in_staff(username, password, browser="a test")
        held += [role.name for role in await roles_of(signed_in.account_id)]
    assert sorted(held) == sorted(ROLES)
    shown = demo_accounts()
    assert len(shown) == len(ROLES) + 2
    citizens = [each["login"] for each in shown if each["password"] is None]
    assert len(await rows(
        "SELECT id FROM account WHERE phone = ANY($1)",
        [phone_e164(login or "") for login in citizens],
    )) == 2  # fmt: skip


async def test_people_find_their_unit_by_its_old_names(filled: None) -> None:
    found = await find_units("so thong tin va truyen thong")
    assert [unit.name for unit in found] == ["Sở Khoa học và Công nghệ"]
    communes = {unit.name for unit in await find_units("huyện Nậm Nhùn")}
    assert communes == {"Xã Lê Lợi", "Xã Nậm Hàng", "Xã Mường Mô", "Xã Hua Bum"}


async def test_a_crowd_is_signed_in_by_its_cookies(
    filled: None, settings: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "crowd.csv"
    assert await make_crowd(settings, 40, out) == 0
    assert out.stat().st_mode & 0o077 == 0
    with out.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len({line["phone"] for line in lines}) == 40
    tokens = Tokens(settings.secret_key, is_https=False)
    divisions = set()
    for line in lines:
        name, _, value = line["cookie"].partition("=")
        assert name == tokens.session_cookie
        viewer = await find_session(tokens.read_session(value) or "")
        assert viewer is not None
        assert viewer.phone == phone_e164(line["phone"])
        assert viewer.unit_id is not None
        divisions.add(viewer.division_code)
    assert divisions == {"can-bo", "nguoi-dan", "hoc-sinh"}


async def test_a_second_crowd_has_other_people(
    filled: None, settings: Settings, tmp_path: Path
) -> None:
    await asyncio.gather(
        *(make_crowd(settings, 5, tmp_path / f"{number}.csv") for number in range(2))
    )
    phones = [
        line.partition(",")[0]
        for number in range(2)
        for line in (tmp_path / f"{number}.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    assert len(set(phones)) == 10


async def test_a_crowd_is_refused_outside_the_demonstration(filled: None, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="DEMO=1"):
        await make_crowd(Settings(demo=False), 1, tmp_path / "crowd.csv")


OPENS_AT = datetime(2026, 10, 5, 1, 0, tzinfo=UTC)


@given(
    seed=st.integers(),
    people=st.integers(1, 60),
    extra_share=st.floats(0, 0.5),
    days=st.integers(1, 14),
    is_still_open=st.booleans(),
)
def test_nobody_plays_two_attempts_at_once_or_outside_the_window(
    seed: int, people: int, extra_share: float, days: int, is_still_open: bool
) -> None:
    closes_at = OPENS_AT + timedelta(days=days)
    until = closes_at - timedelta(hours=12) if is_still_open else closes_at
    limit = timedelta(minutes=20)
    attempts = people + int(people * extra_share)
    plays = plan(
        Random(seed),
        ["can-bo"] * people,
        attempts=attempts,
        question_count=15,
        window=Window(OPENS_AT, closes_at, until, limit),
    )
    assert len(plays) == attempts
    by_person: dict[int, list[Any]] = {}
    for play in plays:
        by_person.setdefault(play.who, []).append(play)
    assert len(by_person) == people
    for own in by_person.values():
        assert [play.number for play in own] == list(range(1, len(own) + 1))
        for earlier, later in pairwise(own):
            assert earlier.closed_at < later.started_at
        for play in own:
            assert OPENS_AT <= play.started_at < play.closed_at <= min(until, closes_at)
            assert play.closed_at <= play.started_at + limit
            assert 0 <= play.correct_count <= 15


@given(
    total=st.integers(0, 500),
    parts=st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 40)), min_size=1, max_size=30),
)
def test_a_total_is_shared_out_whole_and_within_bounds(
    total: int, parts: list[tuple[float, int]]
) -> None:
    most = [bound for _, bound in parts]
    shared = shared_out(total, [weight for weight, _ in parts], most)
    assert sum(shared) == min(total, sum(most))
    assert all(0 <= part <= bound for part, bound in zip(shared, most, strict=True))


def test_units_take_part_very_unevenly() -> None:
    rates = sorted(participation_rates([f"X{number}" for number in range(67)]).values())
    assert rates[0] == 0.02
    assert rates[-4:] == [1.0] * 4


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_the_open_week_has_room(today: date) -> None:
    first = contests.current_week(today)
    assert first <= today
    assert first + timedelta(days=7) > today + timedelta(days=3)
