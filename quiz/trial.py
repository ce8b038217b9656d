"""What would a participant get? A paper drawn and scored for its makers, of which nothing stays."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.db import pool
from core.errors import Refusal
from quiz.blueprint_grid import lines_of
from quiz.blueprints import check
from quiz.contests import ContestShown, RoundShown
from quiz.drawing import Paper, draw
from quiz.pools import Pool, digest, from_json
from quiz.questions import available_counts, usable_questions
from quiz.review import reviewed
from quiz.scoring import Scored, score

SEED_BYTES = 16


@dataclass(frozen=True)
class Trial:
    """A paper that nobody sits; pool digest and seed say which one, so it can be scored later."""

    paper: Paper
    seed: str
    digest: str
    is_frozen: bool  # from the published pool, not from what the bank has today


@dataclass(frozen=True)
class TrialResult:
    scored: Scored
    review: Sequence[Mapping[str, Any]]


async def draw_trial(
    contest: ContestShown, each: RoundShown, division_id: int | None, *, seed: str | None = None
) -> Trial:
    """Draw a paper as participants of that division will get one; refused while none can be drawn."""
    found = await _frozen_pool(each.id, division_id)
    used = found or await _pool_of_today(contest, each, division_id)
    chosen = seed or secrets.token_hex(SEED_BYTES)
    return Trial(draw(used, chosen), chosen, digest(used), is_frozen=found is not None)


async def score_trial(
    contest: ContestShown,
    each: RoundShown,
    division_id: int | None,
    *,
    seed: str,
    pool_digest: str,
    answers: Mapping[str, Sequence[int]],
) -> TrialResult:
    """Score the paper of that seed; refuses "trial_changed" when its questions are others now."""
    if len(seed) != 2 * SEED_BYTES or set(seed) - set("0123456789abcdef"):
        raise _changed()
    trial = await draw_trial(contest, each, division_id, seed=seed)
    if trial.digest != pool_digest:
        raise _changed()
    return TrialResult(score(trial.paper, answers), reviewed(trial.paper, answers))


async def _frozen_pool(round_id: int, division_id: int | None) -> Pool | None:
    content = await pool().fetchval(
        "SELECT content FROM pool WHERE round_id = $1 "
        "AND (division_id IS NULL OR division_id = $2) ORDER BY division_id NULLS LAST LIMIT 1",
        round_id,
        division_id,
    )
    return None if content is None else from_json(content)


async def _pool_of_today(contest: ContestShown, each: RoundShown, division_id: int | None) -> Pool:
    own = await lines_of(each.id, division_id) if division_id is not None else []
    lines = own or await lines_of(each.id, None)
    if not lines:
        raise Refusal("no_blueprint", f"{each.name} chưa có ma trận đề, chưa ra đề thử được.")
    since, through = each.days
    if check(lines, await available_counts(contest.bank_id, on=since, through=through)):
        sentence = f"{each.name}: ngân hàng không đủ câu cho ma trận, chưa ra đề thử được."
        raise Refusal("bank_short", sentence)
    wanted = {(line.topic, line.difficulty) for line in lines}
    async with pool().acquire() as connection:
        questions = await usable_questions(
            connection, contest.bank_id, since=since, through=through
        )
    return Pool(
        questions=tuple(one for one in questions if (one.topic, one.difficulty) in wanted),
        lines=tuple(lines),
    )


def _changed() -> Refusal:
    return Refusal(
        "trial_changed", "Câu hỏi hoặc ma trận vừa thay đổi. Bạn làm thử lại với đề mới nhé."
    )
