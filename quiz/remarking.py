"""What would everybody of a round have, were one question corrected? Reads; writes nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

from core import db
from core.db import Connection, json_value
from quiz import drawing
from quiz.corrections import Overlay
from quiz.effects import (
    USUAL_TOP,
    DivisionTop,
    RankedRow,
    Remarked,
    choose_again,
    effect_on_board,
    effect_on_scores,
    ranked_row,
)
from quiz.frozen import get_pool
from quiz.marking import Marker
from quiz.pools import Pool
from quiz.scoring import Scored
from quiz.standings import (
    Closed,
    RoundRules,
    Standing,
    StandingId,
    closed_of,
    find_standings,
)

BATCH = 2_000
_Item = TypeVar("_Item")

_ATTEMPT = (
    "a.id, a.participant_id, a.round_id, a.division_id, a.unit_id, a.prediction, a.closed_at, "
    "s.points, s.correct_count, s.question_count, s.duration_ms "
    "FROM attempt a JOIN score s ON s.attempt_id = a.id"
)


@dataclass(frozen=True)
class Effect:
    """All that changes: scores, and the standings of the people who made those attempts."""

    changed: Sequence[Remarked]
    before: Mapping[StandingId, Standing]
    after: Mapping[StandingId, Standing]
    summary: Mapping[str, Any]


async def work_out(
    connection: Connection,
    round_id: int,
    question_version_id: int,
    overlay: Overlay,
    rules: RoundRules,
) -> Effect:
    """The effect of scoring a round by `overlay`, which differs from now in one question.

    `connection` is inside a transaction that sees one state of the round throughout.
    """
    had_count, changed = await _remark(connection, round_id, question_version_id, overlay)
    before, after = await _choose_again(connection, round_id, changed, rules)
    divisions = await _division_tops(connection, round_id)
    board = [
        RankedRow(**row)
        for row in await connection.fetch(
            "SELECT participant_id, division_id, rank_key, points, correct_count, question_count "
            "FROM standing WHERE round_id = $1 AND is_ranked ORDER BY participant_id",
            round_id,
        )
    ]
    moved = {who: ranked_row(standing) for (_, who), standing in after.items()}
    summary = {
        "scoring_version": rules.scoring_version,
        "attempt_count": await connection.fetchval(
            "SELECT coalesce(sum(attempt_count), 0)::bigint FROM standing WHERE round_id = $1",
            round_id,
        ),
        **effect_on_scores(had_count, changed),
        **await asyncio.to_thread(effect_on_board, board, moved, divisions),
    }
    return Effect(changed, before, after, summary)


async def pools_with(round_id: int, question_version_id: int) -> dict[int, Pool]:
    """The frozen pools of the round that hold this question."""
    ids = await db.pool().fetch("SELECT id FROM pool WHERE round_id = $1 ORDER BY id", round_id)
    pools = {row["id"]: await get_pool(db.pool(), row["id"]) for row in ids}
    return {pool_id: pool for pool_id, pool in pools.items() if question_version_id in pool.by_id}


async def _remark(
    connection: Connection, round_id: int, question_version_id: int, overlay: Overlay
) -> tuple[int, list[Remarked]]:
    pools = await pools_with(round_id, question_version_id)
    had_count, changed = 0, []
    async for rows in _batches(
        connection,
        # jsonb would arrive as text or as a value, depending on the connection
        f"SELECT a.answers::text AS answers, a.pool_id, a.seed, a.drawing_version, {_ATTEMPT} "
        "WHERE a.round_id = $1 AND a.state <> 'open' AND a.pool_id = ANY($2::bigint[])",
        round_id,
        list(pools),
    ):
        # In a thread: a hundred thousand papers would keep everybody else waiting.
        had, new = await asyncio.to_thread(_remark_batch, rows, pools, question_version_id, overlay)
        had_count += had
        changed += new
    return had_count, changed


def _remark_batch(
    rows: Sequence[Any], pools: Mapping[int, Pool], question_version_id: int, overlay: Overlay
) -> tuple[int, list[Remarked]]:
    had_count, changed = 0, []
    is_held: dict[tuple[int, int], Callable[[str], bool]] = {}
    markers = {pool_id: Marker(pool, overlay) for pool_id, pool in pools.items()}
    for row in rows:
        which = row["pool_id"], row["drawing_version"]
        if which not in is_held:
            pool_id, version = which
            is_held[which] = drawing.holds(pools[pool_id], question_version_id, version=version)
        if not is_held[which](row["seed"]):
            continue
        had_count += 1
        scored = markers[row["pool_id"]].mark(
            row["seed"], row["drawing_version"], json_value(row["answers"])
        )
        before = _scored(row)
        if scored != before:
            changed.append(Remarked(_closed(row, scored), before))
    return had_count, changed


async def _choose_again(
    connection: Connection, round_id: int, changed: Sequence[Remarked], rules: RoundRules
) -> tuple[dict[StandingId, Standing], dict[StandingId, Standing]]:
    """The standings of everybody with a changed attempt, before and after."""
    remarked: dict[int, list[Closed]] = defaultdict(list)
    for each in changed:
        remarked[each.after.participant_id].append(each.after)
    before: dict[StandingId, Standing] = {}
    after: dict[StandingId, Standing] = {}
    for participant_ids in in_batches(sorted(remarked)):
        found = await find_standings(connection, [(round_id, who) for who in participant_ids])
        others = await _other_attempts(connection, round_id, found, remarked)
        for which, standing in found.items():
            attempts = chain(remarked[which[1]], others[which[1]])
            chosen = choose_again(standing, attempts, rules)
            if chosen != standing:
                before[which], after[which] = standing, chosen
    return before, after


async def _other_attempts(
    connection: Connection,
    round_id: int,
    standings: Mapping[StandingId, Standing],
    remarked: Mapping[int, Sequence[Closed]],
) -> dict[int, list[Closed]]:
    """The scored attempts of these people that stay as they are."""
    others: dict[int, list[Closed]] = defaultdict(list)
    several = [
        who
        for (_, who), standing in standings.items()
        if standing.attempt_count > len(remarked[who])
    ]
    if not several:
        return others
    done = {each.attempt_id for who in several for each in remarked[who]}
    rows = await connection.fetch(
        f"SELECT {_ATTEMPT} WHERE a.round_id = $1 AND a.participant_id = ANY($2::bigint[])",
        round_id,
        several,
    )
    for row in rows:
        if row["id"] not in done:
            others[row["participant_id"]].append(_closed(row, _scored(row)))
    return others


async def _division_tops(connection: Connection, round_id: int) -> list[DivisionTop]:
    """Each division with as many first places as there are prizes for people in this round."""
    rows = await connection.fetch(
        "SELECT d.id, d.name, coalesce(sum(p.prize_count), 0)::int AS top_count "
        "FROM round r JOIN division d ON d.contest_id = r.contest_id "
        "LEFT JOIN prize p ON p.round_id = r.id AND p.kind = 'individual' "
        "AND coalesce(p.division_id, d.id) = d.id "
        "WHERE r.id = $1 GROUP BY d.id ORDER BY d.position, d.id",
        round_id,
    )
    tops = [DivisionTop(**row) for row in rows]
    return [top if top.top_count else replace(top, top_count=USUAL_TOP) for top in tops]


async def _batches(
    connection: Connection, sql: str, *arguments: object
) -> AsyncIterator[Sequence[Any]]:
    cursor = await connection.cursor(sql, *arguments)
    while rows := await cursor.fetch(BATCH):
        yield rows


def _closed(row: Any, scored: Scored) -> Closed:
    return closed_of(row, attempt_id=row["id"], duration_ms=row["duration_ms"], scored=scored)


def _scored(row: Any) -> Scored:
    return Scored(row["points"], row["correct_count"], row["question_count"])


def in_batches(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
