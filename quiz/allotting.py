"""Who gets which prize? Pure: prizes in the order of their worth, rankings as they stand.

The prizes are gone through once, the highest first; each goes to the best of its ranking who has
none yet, where one person may have only one. So everybody keeps the highest prize that they are
owed, whatever the order in which rounds were held, and the same input gives the same list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of a ranking; whoever has the same key is equal, the smaller key is better."""

    who: int  # a participant, or a unit
    key: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """So many prizes for the first of a ranking, which is in order."""

    prize_id: int
    count: int
    ranking: Sequence[Ranked]


@dataclass(frozen=True, slots=True)
class Allotted:
    prize_id: int
    place: int
    who: int


@dataclass(frozen=True, slots=True)
class Tie:
    """More equals than prizes are left: they must be drawn before anybody of them gets one."""

    prize_id: int
    left_count: int
    who: Sequence[int]


@dataclass(frozen=True, slots=True)
class Allotment:
    given: Sequence[Allotted]
    ties: Sequence[Tie]


def allot(offers: Sequence[Offer], *, is_one_prize: bool) -> Allotment:
    """Go through the offers in their order; a tie that cuts through equals is left open.

    Whoever stands in an open tie gets no lower prize either: the draw decides that first.
    """
    given: list[Allotted] = []
    ties: list[Tie] = []
    taken: set[int] = set()
    for offer in offers:
        eligible = [each for each in offer.ranking if not (is_one_prize and each.who in taken)]
        winners, tie = _first(eligible, offer.count)
        given += [
            Allotted(offer.prize_id, place, each.who) for place, each in enumerate(winners, start=1)
        ]
        taken |= {each.who for each in winners}
        if tie:
            ties.append(Tie(offer.prize_id, offer.count - len(winners), [each.who for each in tie]))
            taken |= {each.who for each in tie}
    return Allotment(given, ties)


def _first(ranking: Sequence[Ranked], count: int) -> tuple[Sequence[Ranked], Sequence[Ranked]]:
    """The first `count`, and those equals among whom the last of these places is open."""
    if count >= len(ranking) or ranking[count].key != ranking[count - 1].key:
        return ranking[:count], []
    key = ranking[count].key
    return [each for each in ranking[:count] if each.key != key], [
        each for each in ranking if each.key == key
    ]
