"""Which two records are one human, and how does one become the other?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import now
from core.db import Connection, pool
from core.errors import Refusal
from people.audit import record
from people.consents import PURPOSES, withdraw_held
from people.sessions import revoke_sessions

MOST_PAIRS = 100
# Before they are ranked; a province's commonest names make more pairs than anybody reads.
MOST_LOOKED_AT = 5000


@dataclass(frozen=True)
class Twin:
    """One of two records that look alike; pages mask the telephone number."""

    id: int
    full_name: str
    birth_year: int | None
    unit_name: str | None
    phone: str | None


@dataclass(frozen=True)
class Pair:
    """Two records that may be one human, and what they share beside the name."""

    first: Twin
    second: Twin
    shared: tuple[str, ...]


async def find_pairs(
    *, paths: Sequence[str], has_unitless: bool, person_id: int | None = None
) -> list[Pair]:
    """List records of the same name (without marks) that share unit, birth year or nearly a number.

    Both must be people of the units beneath `paths`. The likeliest come first.
    """
    rows = await pool().fetch(
        """
        WITH own AS (
            SELECT p.id, p.full_name, p.name_key, p.birth_year, p.unit_id, u.name AS unit_name,
                   a.phone
            FROM person p
            LEFT JOIN unit u ON u.id = p.unit_id
            LEFT JOIN account a ON a.person_id = p.id
            WHERE p.erased_at IS NULL AND p.merged_into_id IS NULL
              AND (EXISTS (SELECT FROM unnest($1::text[]) top WHERE starts_with(u.path, top))
                   OR ($2 AND u.path IS NULL))
        )
        SELECT a.id AS a_id, a.full_name AS a_name, a.birth_year AS a_year, a.unit_name AS a_unit,
               a.phone AS a_phone, b.id AS b_id, b.full_name AS b_name, b.birth_year AS b_year,
               b.unit_name AS b_unit, b.phone AS b_phone,
               a.unit_id = b.unit_id AS same_unit, a.birth_year = b.birth_year AS same_year
        FROM own a JOIN own b ON b.name_key = a.name_key AND b.id > a.id
        WHERE ($3::bigint IS NULL OR $3 IN (a.id, b.id))
          AND (a.unit_id = b.unit_id OR a.birth_year = b.birth_year
               OR left(a.phone, 6) = left(b.phone, 6) OR right(a.phone, 6) = right(b.phone, 6))
        ORDER BY (a.unit_id = b.unit_id AND a.birth_year = b.birth_year) IS TRUE DESC, a.id, b.id
        LIMIT $4
        """,
        list(paths),
        has_unitless,
        person_id,
        MOST_LOOKED_AT,
    )
    pairs = []
    for row in rows:
        shared = tuple(
            words
            for words, is_shared in (
                ("cùng đơn vị", row["same_unit"]),
                ("cùng năm sinh", row["same_year"]),
                ("số điện thoại gần giống", are_close(row["a_phone"], row["b_phone"])),
            )
            if is_shared
        )
        if shared:
            first, second = (
                Twin(row[f"{side}_id"], row[f"{side}_name"], row[f"{side}_year"],
                     row[f"{side}_unit"], row[f"{side}_phone"])
                for side in "ab"
            )  # fmt: skip
            pairs.append(Pair(first, second, shared))
    return sorted(pairs, key=lambda pair: -len(pair.shared))[:MOST_PAIRS]


def are_close(one: str | None, other: str | None) -> bool:
    """Whether two numbers differ as a slip of the finger does: one figure, or two neighbours swapped."""
    if not one or not other or one == other or len(one) != len(other):
        return False
    places = [place for place in range(len(one)) if one[place] != other[place]]
    if len(places) == 1:
        return True
    if len(places) != 2 or places[1] != places[0] + 1:  # noqa: PLR2004 — a pair of neighbours
        return False
    left, right = places
    return one[left] == other[right] and one[right] == other[left]


async def absorb(connection: Connection, from_id: int, into_id: int, *, by: int) -> None:
    """Make one record part of another, inside the caller's transaction.

    The record that stays keeps its name, unit and account; without an account it takes the
    other's. A number that is given up stays closed, so that nobody signs up with it anew. A
    consent withdrawn in either record is withdrawn; none is carried over. Refused for members of
    staff who hold roles with the account that would close.
    """
    if from_id == into_id:
        raise Refusal("same_person", "Đây là cùng một hồ sơ.")
    rows = await connection.fetch(
        "SELECT p.id, p.erased_at, p.merged_into_id, a.id AS account_id, a.phone FROM person p "
        "LEFT JOIN account a ON a.person_id = p.id WHERE p.id = ANY($1) ORDER BY p.id "
        "FOR UPDATE OF p",
        [from_id, into_id],
    )
    found = {row["id"]: row for row in rows}
    if len(found) != 2 or any(row["erased_at"] or row["merged_into_id"] for row in rows):  # noqa: PLR2004 — the two records
        raise Refusal("not_found", "Một trong hai hồ sơ không còn. Bạn hãy tải lại trang.")
    gone, kept = found[from_id], found[into_id]
    if gone["account_id"] is not None:
        await _settle_account(connection, gone["account_id"], into_id, kept["account_id"])
    await _withdraw_the_same(connection, from_id, into_id)
    await connection.execute(
        "UPDATE person SET merged_into_id = $2 WHERE id = $1 OR merged_into_id = $1",
        from_id,
        into_id,
    )
    await record(
        connection,
        by=by,
        action="merge_persons",
        subject=f"person:{into_id}",
        detail={"from": from_id, "closed_account": kept["account_id"] and gone["account_id"]},
    )


async def _settle_account(
    connection: Connection, account_id: int, into_id: int, kept_account_id: int | None
) -> None:
    if kept_account_id is None:
        await connection.execute(
            "UPDATE account SET person_id = $2 WHERE id = $1", account_id, into_id
        )
        return
    if await connection.fetchval(
        "SELECT EXISTS (SELECT FROM role WHERE account_id = $1 AND ended_at IS NULL)", account_id
    ):
        raise Refusal(
            "holds_roles",
            "Tài khoản sẽ đóng đang có vai trò. Hãy kết thúc vai trò đó, hoặc giữ hồ sơ này.",
        )
    await connection.execute("UPDATE account SET is_active = false WHERE id = $1", account_id)
    await revoke_sessions(connection, account_id)


async def _withdraw_the_same(connection: Connection, from_id: int, into_id: int) -> None:
    rows = await connection.fetch(
        "SELECT DISTINCT ON (t.purpose) t.purpose, c.is_given, c.recorded_at FROM consent c "
        "JOIN consent_text t ON t.id = c.text_id WHERE c.person_id = $1 AND c.recorded_at <= $2 "
        "ORDER BY t.purpose, c.id DESC",
        from_id,
        now(),
    )
    withdrawn = [row["purpose"] for row in rows if not row["is_given"]]
    await withdraw_held(connection, into_id, [each for each in PURPOSES if each in withdrawn])
