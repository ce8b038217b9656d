"""How is the demonstration province filled, once, so that an interrupted filling can go on?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.db import pool, transaction
from core.errors import Refusal
from core.settings import Settings
from people.audit import record
from people.consents import publish_first_texts
from quiz.contests import ContestShown, RoundShown
from web.demo import contests, lai_chau
from web.demo.accounts import CITIZENS, make_cast, phone_of
from web.demo.certificates import give_certificates
from web.demo.ending import end_contest, hear_first_week
from web.demo.past import Player, Stage, invent_people, play_round
from web.demo.plays import ATTEMPTS_A_PERSON

ATTEMPTS = 20_000  # of the contest that is over
_WEEK_SHARE = 0.16  # of those: week 1 of the open contest
_DAY_SHARE = 0.02  # and each day of its open week so far
_BEGUN, _FILLED = "begin_demonstration", "fill_demonstration"


@dataclass(frozen=True)
class Beginning:
    """When the filling first began and for how many attempts: what a later run goes on with."""

    at: datetime
    attempts: int


async def fill_once(settings: Settings) -> None:
    """Fill the province on the first start; when it has been filled, change nothing."""
    if not await _has_happened(_FILLED):
        await fill(settings, attempts=ATTEMPTS)


async def fill(settings: Settings, *, attempts: int) -> None:
    """Fill units, people, bank and contests, with so many attempts at the contest that is over.

    Every step looks for what is there already, so a run that was interrupted is simply run again;
    it goes on with the first run's moment and number of attempts. Refused outside DEMO=1, because
    the accounts have known passwords, and when the province has been filled.
    """
    refuse_unless_demo(settings)
    if await _has_happened(_FILLED):
        raise Refusal(
            "already_filled",
            "Tỉnh trình diễn đã có dữ liệu. Muốn làm lại, hãy đặt LOCAL_DIR khác. / The "
            "demonstration province is filled; for another one set another LOCAL_DIR.",
        )
    begun = await _begin(attempts)
    await lai_chau.place()
    await publish_first_texts()
    staff = await make_cast()
    bank_id = await contests.fill_bank(staff)
    past = await contests.publish(contests.past_contest(begun.at), bank_id, staff)
    current = await contests.publish(contests.open_contest(begun.at), bank_id, staff)
    await contests.publish(contests.coming_contest(begun.at), bank_id, staff)
    await _play(past, current, begun)
    await end_contest(past, staff)
    await give_certificates(past.id, staff)
    await hear_first_week(current, staff)
    await _remember(_FILLED, begun.attempts)


def refuse_unless_demo(settings: Settings) -> None:
    if not settings.is_demo:
        raise Refusal(
            "not_demo",
            "Chỉ tạo dữ liệu trình diễn khi DEMO=1. / Demonstration data needs DEMO=1.",
        )


async def _play(past: ContestShown, current: ContestShown, begun: Beginning) -> None:
    at, attempts = begun.at, begun.attempts
    people_count = max(1, round(attempts / ATTEMPTS_A_PERSON))
    units = await lai_chau.units_with_people()
    opens_at = past.rounds[0].opens_at
    players = await invent_people(units, people_count, at=opens_at - timedelta(days=2))
    # Those who sign in to the demonstration played too, in the place of the last two.
    known = await _those_who_sign_in()
    everybody = [*players[: max(0, people_count - len(known))], *known]
    await _play_round(past, past.rounds[0], everybody, attempts, at)
    week_one, week_two = current.rounds[0], current.rounds[contests.CURRENT_ROUND - 1]
    await _play_round(current, week_one, players, round(attempts * _WEEK_SHARE), at)
    days = (at - week_two.opens_at) / timedelta(days=1)
    await _play_round(current, week_two, players, round(attempts * _DAY_SHARE * days), at)


async def _those_who_sign_in() -> list[Player]:
    rows = await pool().fetch(
        "SELECT a.phone, p.id, p.unit_id FROM account a JOIN person p ON p.id = a.person_id "
        "WHERE a.phone = ANY($1)",
        [phone_of(each) for each in CITIZENS],
    )
    found = {row["phone"]: row for row in rows}
    return [
        Player(
            person_id=found[phone_of(each)]["id"],
            full_name=each.full_name,
            unit_id=found[phone_of(each)]["unit_id"],
            division_code=each.division_code,
            least_correct=each.least_correct,
        )
        for each in CITIZENS
    ]


async def _play_round(
    contest: ContestShown,
    chosen: RoundShown,
    players: list[Player],
    attempts: int,
    at: datetime,
) -> None:
    until = min(chosen.closes_at, at)
    if until - chosen.opens_at < timedelta(hours=3) or not attempts:
        return  # a round that has only just opened is still empty
    pools = await contests.pools_of_round(chosen.id)
    await play_round(
        Stage(
            slug=contest.slug,
            contest_id=contest.id,
            round_id=chosen.id,
            number=chosen.number,
            opens_at=chosen.opens_at,
            closes_at=chosen.closes_at,
            limit=timedelta(seconds=chosen.time_limit_seconds),
            rules_version=contest.rules_version,
            division_ids={each.code: each.id for each in contest.divisions},
            pool_ids={each.code: pools.get(each.id) or pools[None] for each in contest.divisions},
        ),
        players[: max(1, round(attempts / ATTEMPTS_A_PERSON))],
        attempts=attempts,
        until=until,
    )


async def _begin(attempts: int) -> Beginning:
    if not await _has_happened(_BEGUN):
        await _remember(_BEGUN, attempts)
    row = await pool().fetchrow(
        "SELECT happened_at, detail FROM audit_entry WHERE action = $1 ORDER BY id LIMIT 1", _BEGUN
    )
    assert row is not None  # it was there, or has just been written
    return Beginning(row["happened_at"], row["detail"]["attempts"])


async def _has_happened(action: str) -> bool:
    return bool(
        await pool().fetchval("SELECT 1 FROM audit_entry WHERE action = $1 LIMIT 1", action)
    )


async def _remember(action: str, attempts: int) -> None:
    async with transaction() as connection:
        await record(
            connection,
            by=None,
            action=action,
            subject=f"unit:{lai_chau.PROVINCE}",
            detail={"attempts": attempts},
        )
