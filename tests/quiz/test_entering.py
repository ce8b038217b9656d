"""The door: who may enter by list, by age and in spite of which list, each with its sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core import clock, db
from core.errors import Refusal
from quiz import contest_editing, contests, entering, entry_lists, publishing
from quiz.contests import ContestShown
from quiz.entering import EntryRules, check, entry_rules, find_entrant
from tests.quiz.conftest import Staff

PHONE = "+84912345678"


@pytest.fixture
async def mai(staff: Staff) -> int:
    """A person of the commune, born 1990, with a telephone."""
    person_id = await db.pool().fetchval("SELECT person_id FROM account WHERE id = $1", staff.lan)
    await db.pool().execute("UPDATE account SET phone = $1 WHERE id = $2", PHONE, staff.lan)
    return person_id


def rules_of(contest: ContestShown) -> EntryRules:
    return entry_rules(contest, contest.rounds[0], contest.unit_path)


async def refusal_of(rules: EntryRules, person_id: int) -> str | None:
    entrant = await find_entrant(person_id, rules.contest_id, rules.round_id)
    try:
        check(rules, entrant, clock.now())
    except Refusal as refusal:
        return refusal.code
    return None


async def test_a_contest_by_list_lets_in_who_is_listed(draft: int, staff: Staff, mai: int) -> None:
    shown = await contests.get_contest(draft)
    await contest_editing.edit_contest(draft, slug=shown.slug, name=shown.name, is_by_list=True)
    await publishing.send_to_review(draft, by=staff.minh)
    rules = rules_of(await contests.get_contest(draft))
    assert await refusal_of(rules, mai) == "not_listed"
    await db.pool().execute("UPDATE contest SET state = 'approved'")
    await entry_lists.admit(draft, ["0912 345 678"])
    assert await refusal_of(rules, mai) is None
    await entry_lists.exclude(draft, ["0912345678"], "Tổ ra đề")
    assert await refusal_of(rules, mai) == "excluded"  # the stronger of two lists


async def test_a_list_of_another_contest_opens_no_door(contest: ContestShown, mai: int) -> None:
    await entry_lists.admit(contest.id, [PHONE])
    rules = replace(rules_of(contest), contest_id=contest.id + 1, is_by_list=True)
    assert await refusal_of(rules, mai) == "not_listed"


@pytest.mark.parametrize(
    ("youngest", "oldest", "code"),
    [(None, None, None), (14, 60, None), (60, None, "too_young"), (None, 30, "too_old")],
)
async def test_ages_have_two_ends(
    contest: ContestShown, mai: int, youngest: int | None, oldest: int | None, code: str | None
) -> None:
    rules = replace(rules_of(contest), youngest_age=youngest, oldest_age=oldest)
    assert await refusal_of(rules, mai) == code


async def test_the_oldest_age_counts_by_the_year(contest: ContestShown, mai: int) -> None:
    entrant = await find_entrant(mai, contest.id, contest.rounds[0].id)
    at = clock.now()
    rules = rules_of(contest)
    just = replace(rules, oldest_age=clock.local(at).year - 1990)
    check(just, entrant, at)
    with pytest.raises(Refusal, match="không quá"):
        check(replace(just, oldest_age=(just.oldest_age or 0) - 1), entrant, at)
    nobody_knows = replace(entrant, birth_year=None)
    check(replace(just, oldest_age=1), nobody_knows, at)
    assert entering.is_still_open(entrant, at + timedelta(1)) is False


async def test_a_person_comes_to_the_door_as_they_are_on_record(mai: int) -> None:
    found = await find_entrant(mai, 1, 1)
    row = await db.pool().fetchrow(
        "SELECT p.full_name, p.unit_id, u.path, p.division_code FROM person p "
        "JOIN unit u ON u.id = p.unit_id WHERE p.id = $1",
        mai,
    )
    on_record = (found.full_name, found.unit_id, found.unit_path, found.division_code)
    assert on_record == tuple(row)
