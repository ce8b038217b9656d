"""Which questions could a round's papers ask, with the key that holds now?"""

from __future__ import annotations

from dataclasses import dataclass

from core.db import pool
from quiz.corrections import Correction, corrected
from quiz.frozen import get_pool, overlay_of
from quiz.pools import PoolQuestion


@dataclass(frozen=True)
class Asked:
    """A frozen question; `now` carries the key that holds, `correction` why it differs."""

    frozen: PoolQuestion
    now: PoolQuestion
    correction: Correction | None


async def asked_questions(round_id: int) -> dict[int, Asked]:
    """Every question of the round's pools by its version, in the order of the pools."""
    rows = await pool().fetch(
        "SELECT p.id, r.scoring_version FROM pool p JOIN round r ON r.id = p.round_id "
        "WHERE p.round_id = $1 ORDER BY p.id",
        round_id,
    )
    found: dict[int, Asked] = {}
    for row in rows:
        overlay = await overlay_of(pool(), round_id, row["scoring_version"])
        for question in (await get_pool(pool(), row["id"])).questions:
            correction = overlay.get(question.id)
            found[question.id] = Asked(question, corrected(question, correction), correction)
    return found
