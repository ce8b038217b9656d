"""Whose telephone numbers are on a contest's lists: admitted, or kept out?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.db import Connection, pool, transaction
from core.documents import read_sheet
from core.errors import Refusal
from core.text import clean, fold, phone_e164
from quiz.contest_draft import lock_contest, record_change, why_fixed

ListName = Literal["eligibility", "exclusion"]
MOST_PHONES = 20_000
SHOWN_ENTRIES = 200
_SHOWN_PHONES = 5
_BETWEEN = re.compile(r"[\n\r,;\t]+")
_INSERT: dict[ListName, str] = {
    "eligibility": "INSERT INTO eligibility (contest_id, phone, note) "
    "SELECT $1, phone, $3 FROM unnest($2::text[]) phone "
    "ON CONFLICT (contest_id, phone) DO NOTHING RETURNING id",
    "exclusion": "INSERT INTO exclusion (contest_id, phone, reason) "
    "SELECT $1, phone, $3 FROM unnest($2::text[]) phone "
    "ON CONFLICT (contest_id, phone) DO NOTHING RETURNING id",
}
_SELECT: dict[ListName, str] = {
    "eligibility": "SELECT id, phone, note FROM eligibility",
    "exclusion": "SELECT id, phone, reason AS note FROM exclusion",
}
_DELETE: dict[ListName, str] = {
    "eligibility": "DELETE FROM eligibility",
    "exclusion": "DELETE FROM exclusion",
}
_COUNTS = """
SELECT (SELECT count(*)::int FROM eligibility WHERE contest_id = $1) AS eligibility,
       (SELECT count(*)::int FROM exclusion WHERE contest_id = $1) AS exclusion
"""


@dataclass(frozen=True)
class ListEntry:
    id: int
    phone: str
    note: str


async def exclude(
    contest_id: int, phones: Iterable[str], reason: str, *, by: int | None = None
) -> int:
    """Keep the holders of these telephone numbers out; return how many were not yet excluded.

    Refuses "bad_phones" as a whole when one is no mobile number. Lists are about people, not about
    the paper, so a published contest takes them too, each change in the audit trail.
    """
    return await _add("exclusion", contest_id, phones, reason, by)


async def admit(
    contest_id: int, phones: Iterable[str], note: str = "", *, by: int | None = None
) -> int:
    """Put these numbers on the list of a contest by list; otherwise as `exclude`."""
    return await _add("eligibility", contest_id, phones, note, by)


async def remove_entry(
    name: ListName, contest_id: int, entry_id: int, *, by: int | None = None
) -> None:
    """Take one number off a list; may run again."""
    async with transaction() as connection:
        await _lock(connection, contest_id)
        if await connection.fetchval(
            f"{_DELETE[name]} WHERE id = $1 AND contest_id = $2 RETURNING id", entry_id, contest_id
        ):
            await record_change(
                connection, contest_id, by, f"remove_{name}", {"entry_id": entry_id}
            )


async def empty_list(name: ListName, contest_id: int, *, by: int | None = None) -> None:
    """Take every number off a list."""
    async with transaction() as connection:
        await _lock(connection, contest_id)
        rows = await connection.fetch(
            f"{_DELETE[name]} WHERE contest_id = $1 RETURNING id", contest_id
        )
        await record_change(
            connection, contest_id, by, f"empty_{name}", {"people_count": len(rows)}
        )


async def entries_of(name: ListName, contest_id: int, phone: str = "") -> list[ListEntry]:
    """The first entries of a list in the order of the numbers, or the ones of one number."""
    rows = await pool().fetch(
        f"{_SELECT[name]} WHERE contest_id = $1 AND ($2 = '' OR phone = $2) "
        f"ORDER BY phone LIMIT {SHOWN_ENTRIES}",
        contest_id,
        phone,
    )
    return [ListEntry(**row) for row in rows]


async def list_counts(contest_id: int) -> dict[ListName, int]:
    [row] = await pool().fetch(_COUNTS, contest_id)
    return {"eligibility": row["eligibility"], "exclusion": row["exclusion"]}


def phones_in_text(text: str) -> list[str]:
    """Pasted numbers, one a line or parted by commas; a name behind a number does no harm."""
    return [part for part in _BETWEEN.split(text) if clean(part)]


def phones_in_sheet(content: bytes) -> list[str]:
    """The column headed "Số điện thoại" of an XLSX file, or the first column of one without it."""
    rows = read_sheet(content, row_limit=MOST_PHONES)
    if not rows:
        return []
    header = [fold(cell) for cell in rows[0].cells]
    place = next((at for at, name in enumerate(header) if "dien thoai" in name), None)
    body = rows if place is None and phone_e164(rows[0].cells[0]) else rows[1:]
    cells = [row.cells[place or 0] for row in body if len(row.cells) > (place or 0)]
    return [cell for cell in cells if cell]


async def _add(
    name: ListName, contest_id: int, phones: Iterable[str], note: str, by: int | None
) -> int:
    numbers = _checked(phones)
    async with transaction() as connection:
        await _lock(connection, contest_id)
        added = await connection.fetch(
            _INSERT[name],
            contest_id,
            numbers,
            clean(note),
        )
        action = "exclude" if name == "exclusion" else "admit"
        await record_change(connection, contest_id, by, action, {"people_count": len(added)})
    return len(added)


def _checked(phones: Iterable[str]) -> list[str]:
    typed = [phone for phone in phones if clean(phone)]
    if len(typed) > MOST_PHONES:
        raise Refusal("too_many_rows", f"Mỗi lần nhận tối đa {MOST_PHONES} số.")
    numbers = {phone: phone_e164(phone) for phone in typed}
    bad = [clean(phone) for phone, number in numbers.items() if number is None]
    if bad:
        listed = ", ".join(bad[:_SHOWN_PHONES])
        raise Refusal(
            "bad_phones", f"Không phải số di động: {listed}. Hãy sửa rồi gửi lại cả danh sách."
        )
    return sorted({number for number in numbers.values() if number})


async def _lock(connection: Connection, contest_id: int) -> None:
    state = await lock_contest(connection, contest_id)
    if state in {"in_review", "final"}:
        raise Refusal("list_fixed", why_fixed(state) or "")
