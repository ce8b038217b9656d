"""Which frozen things does a process keep in memory for good?

Pools never change once published, so each process reads one from PostgreSQL once. The corrections
of a round change only together with its scoring version, so a process keeps them by both: there is
nothing to invalidate, and a round that nobody corrected costs no query at all.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from core.db import Connection
from quiz.corrections import NOTHING, Correction, Overlay
from quiz.drawing import Paper, draw
from quiz.marking import Marker
from quiz.pools import Pool, PoolQuestion, from_json

UNCORRECTED = 1  # the scoring version of a round as it was published

_pools: dict[int, Pool] = {}
# The pools of a contest's divisions and rounds share questions: one object for each, so that what
# is kept by question is found by looking at the object alone.
_questions: dict[PoolQuestion, PoolQuestion] = {}
_overlays: dict[tuple[int, int], Overlay] = {}
_markers: dict[tuple[int, int, int], Marker] = {}


async def get_pool(connection: Connection, pool_id: int) -> Pool:
    """The frozen pool; `connection` speaks jsonb (core.db.pool() or one of its connections)."""
    found = _pools.get(pool_id)
    if found is None:
        content = await connection.fetchval("SELECT content FROM pool WHERE id = $1", pool_id)
        if content is None:
            msg = f"pool {pool_id} does not exist"
            raise LookupError(msg)
        read = from_json(content)
        shared = tuple(_questions.setdefault(each, each) for each in read.questions)
        found = _pools[pool_id] = replace(read, questions=shared)
    return found


async def overlay_of(connection: Connection, round_id: int, scoring_version: int) -> Overlay:
    """The corrections of a round; `scoring_version` was read from a committed row."""
    if scoring_version == UNCORRECTED:
        return NOTHING
    found = _overlays.get((round_id, scoring_version))
    if found is None:
        rows = await connection.fetch(
            "SELECT question_version_id, kind, right_options, reason FROM correction "
            "WHERE round_id = $1 AND state = 'applied' ORDER BY applied_at, id",
            round_id,
        )
        found = {
            row["question_version_id"]: Correction(
                row["kind"], tuple(row["right_options"] or ()), row["reason"]
            )
            for row in rows
        }
        # A reader without a lock may have met the next version's rows under this version's number.
        if scoring_version == UNCORRECTED + len(rows):
            _overlays[round_id, scoring_version] = found
    return found


def forget_pools() -> None:
    """For tests, which empty the tables and count ids from one again."""
    _pools.clear()
    _questions.clear()
    _overlays.clear()
    _markers.clear()
    _draw.cache_clear()


async def marker_of(
    connection: Connection, pool_id: int, round_id: int, scoring_version: int
) -> Marker:
    """What marks the papers of a pool by the key that holds; the caller holds the round."""
    which = (pool_id, round_id, scoring_version)
    found = _markers.get(which)
    if found is None:
        found = _markers[which] = Marker(
            await get_pool(connection, pool_id),
            await overlay_of(connection, round_id, scoring_version),
        )
    return found


async def paper_of(connection: Connection, pool_id: int, seed: str, version: int) -> Paper:
    await get_pool(connection, pool_id)
    return _draw(pool_id, seed, version)


@lru_cache(maxsize=2_000)
def _draw(pool_id: int, seed: str, version: int) -> Paper:
    return draw(_pools[pool_id], seed, version=version)
