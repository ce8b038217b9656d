"""What does a correction change: whose points, whose ranks, who comes among the first and who goes?

Pure; the same arithmetic makes the preview and does the deed, so the one equals the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quiz.scoring import Scored
from quiz.standings import Closed, RoundRules, Standing, counts_instead

USUAL_TOP = 10  # where no prizes say how many places matter
MOST_LISTED = 50  # people of one list; thousands may share a rank


@dataclass(frozen=True, slots=True)
class Remarked:
    """An attempt whose score changes: `after.scored` is the new one."""

    after: Closed
    before: Scored


@dataclass(frozen=True, slots=True)
class RankedRow:
    """What a board needs of somebody who is ranked."""

    participant_id: int
    division_id: int
    rank_key: bytes
    points: int
    correct_count: int
    question_count: int

    @property
    def is_all_correct(self) -> bool:
        return 0 < self.question_count == self.correct_count


@dataclass(frozen=True, slots=True)
class DivisionTop:
    """A division, and how many first places of it matter."""

    id: int
    name: str
    top_count: int


def choose_again(standing: Standing, attempts: Iterable[Closed], rules: RoundRules) -> Standing:
    """The participant's standing after their attempts got new scores; all of them are needed."""
    counted: Closed | None = None
    for each in attempts:
        if counted is None or counts_instead(rules, each, counted):
            counted = each
    if counted is None:
        return standing
    return standing._replace(closed=counted, rank_key=counted.key(rules, standing.draw_order))


def ranked_row(standing: Standing) -> RankedRow:
    scored = standing.closed.scored
    return RankedRow(
        standing.closed.participant_id,
        standing.closed.division_id,
        standing.rank_key,
        scored.points,
        scored.correct_count,
        scored.question_count,
    )


def ranks(rows: Iterable[RankedRow]) -> dict[int, int]:
    """The rank of each participant of one division; equal keys share one."""
    found: dict[int, int] = {}
    previous, rank = b"", 0
    for position, row in enumerate(sorted(rows, key=lambda row: row.rank_key), start=1):
        if position == 1 or row.rank_key != previous:
            previous, rank = row.rank_key, position
        found[row.participant_id] = rank
    return found


def effect_on_scores(had_count: int, changed: Sequence[Remarked]) -> dict[str, int]:
    """How many attempts had the question, and how many gain points, lose some or neither."""
    gained = sum(each.after.scored.points > each.before.points for each in changed)
    lost = sum(each.after.scored.points < each.before.points for each in changed)
    return {
        "had_count": had_count,
        "gained_count": gained,
        "lost_count": lost,
        "same_count": had_count - gained - lost,
    }


def effect_on_board(
    before: Sequence[RankedRow],
    changed: Mapping[int, RankedRow],
    divisions: Sequence[DivisionTop],
) -> dict[str, Any]:
    """Who moves, by division; `changed` are the new rows of those whose standing changes."""
    after = [changed.get(row.participant_id, row) for row in before]
    old: dict[int, list[RankedRow]] = defaultdict(list)
    new: dict[int, list[RankedRow]] = defaultdict(list)
    for row, new_row in zip(before, after, strict=True):
        old[row.division_id].append(row)
        new[row.division_id].append(new_row)
    return {
        "all_correct_before": sum(row.is_all_correct for row in before),
        "all_correct_after": sum(row.is_all_correct for row in after),
        "divisions": [_effect_on_division(each, old[each.id], new[each.id]) for each in divisions],
    }


def _effect_on_division(
    division: DivisionTop, before: Sequence[RankedRow], after: Sequence[RankedRow]
) -> dict[str, Any]:
    old_ranks, new_ranks = ranks(before), ranks(after)
    rows = sorted(
        (
            {
                "participant_id": old.participant_id,
                "old_rank": old_ranks[old.participant_id],
                "new_rank": new_ranks[old.participant_id],
                "old_points": old.points,
                "new_points": new.points,
            }
            for old, new in zip(before, after, strict=True)
            if min(old_ranks[old.participant_id], new_ranks[old.participant_id])
            <= division.top_count
        ),
        key=lambda row: (row["new_rank"], row["old_rank"], row["participant_id"]),
    )
    entering = [row for row in rows if row["old_rank"] > division.top_count]
    leaving = [row for row in rows if row["new_rank"] > division.top_count]
    staying = [row for row in rows if max(row["old_rank"], row["new_rank"]) <= division.top_count]
    return {
        "division_id": division.id,
        "name": division.name,
        "top_count": division.top_count,
        "people_count": len(before),
        "moved_count": sum(old_ranks[who] != rank for who, rank in new_ranks.items()),
        "entering_count": len(entering),
        "leaving_count": len(leaving),
        "entering": entering[:MOST_LISTED],
        "leaving": leaving[:MOST_LISTED],
        "staying": staying[:MOST_LISTED],
    }
