"""Which questions of a bank, or of a file on its way there, say the same or nearly so?"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.db import Connection
from core.text import fold
from quiz.import_entries import Alike, Entry
from quiz.likeness import MOST_SHOWN, nearest


@dataclass(frozen=True, slots=True)
class Held:
    """A question that the bank has: its code, its words, and the folded words."""

    code: str
    text: str
    key: str
    has_image: bool


async def held_questions(connection: Connection, bank_id: int) -> list[Held]:
    """The current words of a bank's questions, the retired ones left out."""
    rows = await connection.fetch(
        "SELECT q.code, v.text, v.text_key AS key, v.image_id IS NOT NULL AS has_image "
        "FROM question q JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "WHERE q.bank_id = $1 AND q.state <> 'retired' ORDER BY q.id",
        bank_id,
    )
    return [Held(**row) for row in rows]


def twins_among(held: Iterable[Held]) -> Mapping[str, Collection[str]]:
    """Folded words → codes of the questions that have them.

    Questions with pictures may share their words: "Biểu tượng sau là của ứng dụng nào?"
    """
    twins: dict[str, list[str]] = {}
    for each in held:
        if not each.has_image:
            twins.setdefault(each.key, []).append(each.code)
    return twins


async def with_alike(
    entries: Sequence[Entry], held: Sequence[Held], *, changed: Collection[int]
) -> list[Entry]:
    """The entries, each whose id is in `changed` with the nearest of the bank and of its file.

    1,000 entries beside a bank of 5,000 take two seconds, so they are compared in a thread.
    """
    wanted = [entry for entry in entries if entry.id in changed and not entry.miss]
    if not wanted:
        return list(entries)
    found = await asyncio.to_thread(_alike, wanted, entries, held)
    return [replace(entry, alike=found.get(entry.id, entry.alike)) for entry in entries]


def _alike(
    wanted: Sequence[Entry], entries: Sequence[Entry], held: Sequence[Held]
) -> dict[int, tuple[Alike, ...]]:
    keys = [fold(entry.draft.text) for entry in wanted]
    others = [entry for entry in entries if not entry.miss]
    in_bank = nearest(keys, [each.key for each in held])
    in_file = nearest(keys, [fold(entry.draft.text) for entry in others])
    found = {}
    for entry, banks, files in zip(wanted, in_bank, in_file, strict=True):
        near = [
            (share, Alike(held[place].code, held[place].text, _percent(share)))
            for place, share in banks
            if held[place].code != entry.draft.code
        ]
        near += [
            (share, Alike(others[place].name, others[place].draft.text, _percent(share)))
            for place, share in files
            if others[place].id < entry.id  # the first of two is not to blame
        ]
        near.sort(key=lambda pair: -pair[0])
        found[entry.id] = tuple(each for _, each in near[:MOST_SHOWN])
    return found


def _percent(share: float) -> int:
    """Whole percent, 100 only for the very same words."""
    return 100 if share >= 1 else min(99, round(share * 100))
