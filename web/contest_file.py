"""How does a contest get into the tables from a text file, while there is no page for it?

The file is TOML; README names its keys. A contest that is refused somewhere leaves nothing behind.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import Refusal
from quiz import contest_making, entry_lists
from quiz.pools import PoolLine
from quiz.prizes import PrizePlan, add_prize
from quiz.questions import find_bank

_CONTEST_TEXTS = ("summary", "audience", "organiser", "prediction", "review")


async def make_contest(path: Path, *, by: int | None) -> str:
    """Make a draft of the file's contest and return its address; publishing stays with people.

    Refused with a sentence: a file that is no TOML, a missing or unknown key, whatever the verbs
    of `quiz.contest_making` refuse.
    """
    plan = _read(path)
    bank_id = await find_bank(plan["bank"])
    if bank_id is None:
        raise Refusal("not_found", f"Không có ngân hàng câu hỏi mang mã “{plan['bank']}”.")
    texts = {name: plan[name] for name in _CONTEST_TEXTS if name in plan}
    contest_id = await contest_making.make_contest(
        slug=plan["slug"],
        name=plan["name"],
        bank_id=bank_id,
        by=by,
        youngest_age=plan.get("youngest_age"),
        oldest_age=plan.get("oldest_age"),
        is_by_list="eligible_phones" in plan,
        is_one_prize=plan.get("one_prize", True),
        comparators=plan.get("comparators"),
        board_freeze_seconds=60 * plan.get("board_freeze_minutes", 0),
        **texts,
    )
    try:
        await _fill(contest_id, plan, by=by)
    except (Refusal, KeyError, TypeError) as error:
        await contest_making.discard_draft(contest_id, by=by)
        if isinstance(error, Refusal):
            raise
        raise _bad_file(path, f"thiếu hoặc sai khóa {error}") from None
    return f"/quan-tri/cuoc-thi/{plan['slug']}"


async def _fill(contest_id: int, plan: Mapping[str, Any], *, by: int | None) -> None:
    for division in plan["divisions"]:
        await contest_making.add_division(
            contest_id, code=division["code"], name=division["name"], by=by
        )
    for number, each in enumerate(plan["rounds"], start=1):
        round_id = await contest_making.add_round(
            contest_id,
            number=number,
            name=each["name"],
            opens=each["opens"],
            closes=each["closes"],
            time_limit_seconds=60 * each["minutes"],
            attempt_limit=each.get("attempts"),
            counting=each.get("counting", "best"),
            cooldown_seconds=60 * each.get("pause_minutes", 0),
            by=by,
        )
        await contest_making.set_blueprint(round_id, _lines(each["blueprint"]), by=by)
    await contest_making.publish_rules(contest_id, plan["rules"], by=by)
    for each in plan.get("prizes", ()):
        await add_prize(contest_id, _prize(each), by=by)
    if phones := plan.get("eligible_phones"):
        await entry_lists.admit(contest_id, phones, by=by)
    if phones := plan.get("excluded_phones"):
        await entry_lists.exclude(contest_id, phones, "Ban Tổ chức", by=by)


def _lines(blueprint: Sequence[Mapping[str, Any]]) -> list[PoolLine]:
    return [PoolLine(line["topic"], line["difficulty"], line["count"]) for line in blueprint]


def _prize(each: Mapping[str, Any]) -> PrizePlan:
    """An overall prize; those of single rounds and divisions are added in the browser."""
    return PrizePlan(
        name=each["name"],
        prize_count=each["count"],
        kind=each.get("kind", "individual"),
        measure=each.get("measure", ""),
        block=each.get("block", ""),
        reward=each.get("reward", ""),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        plan = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad_file(path, str(error.strerror)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad_file(path, str(error)) from None
    missing = {"slug", "name", "bank", "rules", "divisions", "rounds"} - plan.keys()
    if missing:
        raise _bad_file(path, f"thiếu {', '.join(sorted(missing))}")
    return plan


def _bad_file(path: Path, reason: str) -> Refusal:
    return Refusal("bad_file", f"Không dùng được tệp {path}: {reason}.")
