"""Which closed attempts of a round show a pattern that somebody should look at?

Pure functions over closed attempts. Each finding says what was seen; none says that somebody
cheated: a school's computer room hands in together, and an expert is fast. The thresholds lean
towards silence, because every flag costs a reviewer's time.

* `too_fast`: nearly all right in less time a question than a quarter of what this round's people
  typically take (and never more than five seconds).
* `same_answers`: participants who answered every question that both had alike, wrong ones among
  them, and handed in within a minute. Papers are drawn, so only shared questions are compared.
* `unit_burst`: five or more of one unit who did so within a minute of each other.
* `sudden_leap`: all right in no time, after a long attempt that went badly.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

# A question and its options are not read in less than this, whatever the round is like.
SHORTEST_PACE_MS, LONGEST_PACE_MS = 1_500.0, 5_000.0
PACE_SHARE = 0.25
LEAST_PACES = 20  # fewer attempts say nothing about what is typical
NEARLY_ALL, ALL_RIGHT, BADLY = 0.9, 0.95, 0.7
LEAP_TIMES_SLOWER = 4
TOGETHER = timedelta(seconds=60)
LEAST_SHARED_QUESTIONS = 5
# One popular wrong option is chance, two alike among neighbours hardly, three among strangers.
LEAST_SAME_WRONG_IN_UNIT, LEAST_SAME_WRONG = 2, 3
LEAST_BURST = 5
MOST_COMPARED = 60  # neighbours in time: enough for a classroom, bounded for a crowd
MOST_OTHERS = 20

Chosen = frozenset[int]


@dataclass(frozen=True, slots=True)
class Seen:
    """A closed attempt: by question version, which options of the bank were chosen."""

    attempt_id: UUID
    participant_id: int
    unit_id: int
    closed_at: datetime
    duration_ms: int
    correct_count: int
    question_count: int
    chosen: Mapping[int, Chosen]
    wrong: frozenset[tuple[int, Chosen]]  # answered, and not rightly

    @property
    def pace_ms(self) -> float:
        return self.duration_ms / self.question_count

    @property
    def share(self) -> float:
        return self.correct_count / self.question_count


@dataclass(frozen=True, slots=True)
class Earlier:
    """An attempt of the same participant in the same round."""

    closed_at: datetime
    duration_ms: int
    correct_count: int
    question_count: int


@dataclass(frozen=True)
class Flag:
    """One pattern of one participant; `evidence` is plain JSON."""

    participant_id: int
    pattern: str
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Pair:
    first: Seen
    second: Seen
    shared_count: int
    same_wrong_count: int


def fast_pace_ms(paces_ms: Sequence[float]) -> float:
    """Below how many milliseconds a question nobody reads what they answer in this round."""
    if len(paces_ms) < LEAST_PACES:
        return SHORTEST_PACE_MS
    typical = statistics.median(paces_ms)
    return min(LONGEST_PACE_MS, max(SHORTEST_PACE_MS, typical * PACE_SHARE))


def find_flags(
    seen: Iterable[Seen], earlier: Mapping[int, Sequence[Earlier]], pace_ms: float
) -> list[Flag]:
    """Every pattern among these attempts, at most one of a kind a participant; in any order."""
    attempts = sorted(seen, key=lambda each: (each.closed_at, each.attempt_id))
    pairs = _alike(attempts)
    found = [
        *_too_fast(attempts, pace_ms),
        *_leaps(attempts, earlier, pace_ms),
        *_same_answers(pairs),
        *_bursts(pairs, pace_ms),
    ]
    return list({(flag.participant_id, flag.pattern): flag for flag in found}.values())


def _too_fast(attempts: Sequence[Seen], pace_ms: float) -> list[Flag]:
    return [
        Flag(
            each.participant_id,
            "too_fast",
            {
                "seconds": round(each.duration_ms / 1000),
                "correct": each.correct_count,
                "questions": each.question_count,
                "limit_seconds": round(pace_ms * each.question_count / 1000),
            },
        )
        for each in attempts
        if each.share >= NEARLY_ALL and each.pace_ms < pace_ms
    ]


def _leaps(
    attempts: Sequence[Seen], earlier: Mapping[int, Sequence[Earlier]], pace_ms: float
) -> list[Flag]:
    found = []
    for each in attempts:
        if each.share < ALL_RIGHT or each.pace_ms >= pace_ms:
            continue
        slow_and_bad = [
            before
            for before in earlier.get(each.participant_id, ())
            if before.closed_at < each.closed_at
            and before.correct_count <= BADLY * before.question_count
            and before.duration_ms >= LEAP_TIMES_SLOWER * each.duration_ms
        ]
        if slow_and_bad:
            last = max(slow_and_bad, key=lambda before: before.closed_at)
            found.append(
                Flag(
                    each.participant_id,
                    "sudden_leap",
                    {
                        "seconds": round(each.duration_ms / 1000),
                        "correct": each.correct_count,
                        "questions": each.question_count,
                        "before_seconds": round(last.duration_ms / 1000),
                        "before_correct": last.correct_count,
                        "before_questions": last.question_count,
                    },
                )
            )
    return found


def _alike(attempts: Sequence[Seen]) -> list[_Pair]:
    """Pairs that answered alike: neighbours of a unit, and strangers with the same mistakes."""
    by_unit: dict[int, list[Seen]] = defaultdict(list)
    by_mistakes: dict[frozenset[tuple[int, Chosen]], list[Seen]] = defaultdict(list)
    for each in attempts:
        by_unit[each.unit_id].append(each)
        if len(each.wrong) >= LEAST_SAME_WRONG:
            by_mistakes[each.wrong].append(each)
    near = [
        pair
        for members in by_unit.values()
        for place, each in enumerate(members)
        for other in members[max(0, place - MOST_COMPARED) : place]
        if (pair := _pair(other, each)) is not None
    ]
    far = [
        pair
        for members in by_mistakes.values()
        for other, each in pairwise(members)
        if other.unit_id != each.unit_id and (pair := _pair(other, each)) is not None
    ]
    return near + far


def _pair(first: Seen, second: Seen) -> _Pair | None:
    if first.participant_id == second.participant_id:
        return None
    if second.closed_at - first.closed_at > TOGETHER:
        return None
    shared = first.chosen.keys() & second.chosen.keys()
    if len(shared) < LEAST_SHARED_QUESTIONS:
        return None
    if any(first.chosen[question] != second.chosen[question] for question in shared):
        return None
    return _Pair(first, second, len(shared), len(first.wrong & second.wrong))


def _same_answers(pairs: Iterable[_Pair]) -> list[Flag]:
    suspect = [
        pair
        for pair in pairs
        if pair.same_wrong_count
        >= (
            LEAST_SAME_WRONG_IN_UNIT
            if pair.first.unit_id == pair.second.unit_id
            else LEAST_SAME_WRONG
        )
    ]
    return [
        Flag(
            participant_id,
            "same_answers",
            {
                "others": sorted(group - {participant_id})[:MOST_OTHERS],
                "shared": min(pair.shared_count for pair in own),
                "same_wrong": max(pair.same_wrong_count for pair in own),
                "seconds": _spread(own),
            },
        )
        for group in _groups(suspect)
        for participant_id in sorted(group)
        if (own := [pair for pair in suspect if participant_id in _members(pair)])
    ]


def _bursts(pairs: Iterable[_Pair], pace_ms: float) -> list[Flag]:
    """All right and in good time together is what a good class does, so that alone is no burst."""
    suspect = [
        pair
        for pair in pairs
        if pair.first.unit_id == pair.second.unit_id
        and (
            pair.same_wrong_count > 0 or max(pair.first.pace_ms, pair.second.pace_ms) < 2 * pace_ms
        )
    ]
    return [
        Flag(
            participant_id,
            "unit_burst",
            {
                "others": sorted(group - {participant_id})[:MOST_OTHERS],
                "count": len(group),
                "seconds": _spread([pair for pair in suspect if _members(pair) <= group]),
            },
        )
        for group in _groups(suspect)
        if len(group) >= LEAST_BURST
        for participant_id in sorted(group)
    ]


def _groups(pairs: Iterable[_Pair]) -> list[frozenset[int]]:
    """Participants connected by pairs, directly or through others."""
    group_of: dict[int, set[int]] = {}
    for pair in pairs:
        merged: set[int] = set()
        for member in _members(pair):
            merged |= group_of.get(member, {member})
        for member in merged:
            group_of[member] = merged
    return sorted({frozenset(group) for group in group_of.values()}, key=sorted)


def _members(pair: _Pair) -> set[int]:
    return {pair.first.participant_id, pair.second.participant_id}


def _spread(pairs: Iterable[_Pair]) -> int:
    closings = [each.closed_at for pair in pairs for each in (pair.first, pair.second)]
    return round((max(closings) - min(closings)).total_seconds())
