"""Which frozen things does a process keep in memory for good?

Pools never change once published, so each process reads one from PostgreSQL once.
"""

from __future__ import annotations

from functools import lru_cache

from core.db import Connection
from quiz.drawing import Paper, draw
from quiz.pools import Pool, from_json

_pools: dict[int, Pool] = {}


async def get_pool(connection: Connection, pool_id: int) -> Pool:
    """The frozen pool; `connection` speaks jsonb (core.db.pool() or one of its connections)."""
    found = _pools.get(pool_id)
    if found is None:
        content = await connection.fetchval("SELECT content FROM pool WHERE id = $1", pool_id)
        if content is None:
            msg = f"pool {pool_id} does not exist"
            raise LookupError(msg)
        found = _pools[pool_id] = from_json(content)
    return found


def forget_pools() -> None:
    """For tests, which empty the tables and count ids from one again."""
    _pools.clear()
    _draw.cache_clear()


async def paper_of(connection: Connection, pool_id: int, seed: str, version: int) -> Paper:
    await get_pool(connection, pool_id)
    return _draw(pool_id, seed, version)


@lru_cache(maxsize=2_000)
def _draw(pool_id: int, seed: str, version: int) -> Paper:
    return draw(_pools[pool_id], seed, version=version)
