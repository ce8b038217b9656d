"""How do contests and rounds look to templates: the plain values that several pages share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quiz.contests import PUBLIC_STATES, ContestShown, RoundShown
from quiz.leaderboard import BoardRow, Totals
from quiz.statistics import is_small
from web.forms import whole

LARGEST_ROUND_NUMBER = 999
PREDICTION_UNITS = {"people": "người", "attempts": "lượt", "people_all_correct": "người"}

_COUNTING = {
    "best": "tính lượt có kết quả tốt nhất",
    "last": "tính lượt cuối cùng",
    "first": "tính lượt đầu tiên",
}


def current_round(contest: ContestShown, at: datetime) -> RoundShown | None:
    """The open round, else the next one, else the last one."""
    rounds = sorted(contest.rounds, key=lambda each: each.opens_at)
    coming_or_open = [each for each in rounds if each.closes_at > at]
    if coming_or_open:
        return coming_or_open[0]
    return rounds[-1] if rounds else None


def contest_state(contest: ContestShown, at: datetime) -> str:
    """open, coming, between (two rounds), closed or final."""
    states = [each.state_at(at) for each in contest.rounds]
    if "open" in states:
        return "open"
    if "coming" in states:
        return "between" if "closed" in states else "coming"
    is_final = bool(states) and all(each.result == "final" for each in contest.rounds)
    return "final" if is_final else "closed"


def round_state(contest: ContestShown, each: RoundShown, at: datetime) -> str:
    """The state of a round as manage/_state.html names it."""
    if contest.state not in PUBLIC_STATES:
        return contest.state
    if each.result == "final":
        return "final"
    state = each.state_at(at)
    return "approved" if state == "coming" else state


def hidden(count: int) -> int | None:
    """A public count; groups too small to stay anonymous become None, "dưới 5"."""
    return None if is_small(count) else count


def short_attempts(each: RoundShown) -> str:
    """For a list of facts: "1 lượt", "3 lượt", "không giới hạn lượt"."""
    return "không giới hạn lượt" if each.attempt_limit is None else f"{each.attempt_limit} lượt"


def attempt_policy(each: RoundShown) -> str:
    """One sentence for people: how many attempts, which one counts, how far apart."""
    if each.attempt_limit == 1:
        return "Mỗi người một lượt trong đợt này."
    count = (
        "Không giới hạn số lượt"
        if each.attempt_limit is None
        else f"Mỗi người tối đa {each.attempt_limit} lượt"
    )
    pause = (
        f"; hai lượt cách nhau ít nhất {each.cooldown_seconds // 60} phút"
        if each.cooldown_seconds
        else ""
    )
    return f"{count}, {_COUNTING[each.counting]}{pause}."


def attempts_left(each: RoundShown, made_count: int) -> int | None:
    return None if each.attempt_limit is None else max(0, each.attempt_limit - made_count)


def hero(contest: ContestShown, totals: Mapping[int, Totals], at: datetime) -> dict[str, Any]:
    """{contest, round} as `contests/_hero.html` wants them."""
    chosen = current_round(contest, at)
    return {
        "contest": {
            "slug": contest.slug,
            "title": contest.name,
            "audience": contest.audience,
            "state": contest_state(contest, at),
        },
        "round": None if chosen is None else round_facts(contest, chosen, totals),
    }


def round_facts(
    contest: ContestShown, chosen: RoundShown, totals: Mapping[int, Totals]
) -> dict[str, Any]:
    found = totals.get(chosen.id)
    return {
        "number": chosen.number,
        "name": chosen.name,
        "of_count": len(contest.rounds) if len(contest.rounds) > 1 else None,
        "opens_at": chosen.opens_at,
        "closes_at": chosen.closes_at,
        "opens_ms": epoch_ms(chosen.opens_at),
        "closes_ms": epoch_ms(chosen.closes_at),
        "question_count": chosen.question_count,
        "has_prediction": bool(contest.prediction),
        "minutes": chosen.time_limit_seconds // 60,
        "attempts": short_attempts(chosen),
        "people_count": hidden(found.people_count) if found else None,
    }


def board_row(row: BoardRow, *, actual: int | None, me: int | None = None) -> dict[str, Any]:
    """A line of `leaderboard/_people.html`."""
    return {
        "rank": row.rank,
        "name": row.shown_name,
        "unit": row.unit_name,
        "correct_count": row.correct_count,
        "question_count": row.question_count,
        "duration_ms": row.duration_ms,
        "prediction_gap": None
        if actual is None or row.prediction is None
        else abs(row.prediction - actual),
        "is_me": row.participant_id == me,
        "gap_before": False,
    }


def epoch_ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def round_or_current(contest: ContestShown, number: str, at: datetime) -> RoundShown | None:
    """The round of ?dot=, else the current one that has begun."""
    if number:
        wanted = whole(number, largest=LARGEST_ROUND_NUMBER)
        return next((each for each in contest.rounds if each.number == wanted), None)
    begun = [each for each in contest.rounds if each.opens_at <= at]
    return max(begun, key=lambda each: each.opens_at) if begun else current_round(contest, at)
