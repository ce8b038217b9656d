"""Who are the people, and what may be found, handed out or forgotten about them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.clock import now
from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.text import clean, fold, name_sort_key, phone_e164, phone_shown
from people.audit import record
from people.consents import PURPOSES, withdraw_held
from people.roles import refuse_only_admin

ERASED_NAME = "Người đã xóa dữ liệu"
MOST_EXPORTED = 100_000
EXPORT_COLUMNS = ("Họ và tên", "Năm sinh", "Số điện thoại", "Đơn vị", "Chức vụ", "Bảng dự thi")


@dataclass(frozen=True)
class PersonFound:
    """A person as a list of people shows it; pages mask the telephone number."""

    id: int
    full_name: str
    birth_year: int | None
    job_title: str
    division_code: str
    unit_name: str
    phone: str | None
    account_id: int | None


@dataclass(frozen=True)
class PersonShown:
    """A person as the own page of the office shows it; the page masks the telephone number."""

    id: int
    full_name: str
    birth_year: int | None
    job_title: str
    division_code: str
    unit_id: int | None
    unit_name: str | None
    unit_path: str | None
    created_at: datetime
    erased_at: datetime | None
    merged_into_id: int | None
    account_id: int | None
    phone: str | None
    username: str | None
    is_active: bool


@dataclass(frozen=True)
class PeopleFilter:
    """Which people: of the units beneath `paths`, and with `has_unitless` those of no unit.

    `text` is whole words of a name in any order, the beginning of a name, or a whole telephone
    number: parts of numbers are not searched, since they would give masked figures away one by one.
    """

    text: str = ""
    paths: Sequence[str] = ("/",)
    has_unitless: bool = True
    unit_paths: Sequence[str] | None = None  # narrower still: only beneath these


async def make_person(
    connection: Connection,
    *,
    full_name: str,
    birth_year: int | None,
    unit_id: int | None,
    division_code: str,
    job_title: str = "",
) -> int:
    """Add a person inside the caller's transaction and return the id."""
    name = clean(full_name)
    person_id: int = await connection.fetchval(
        """
        INSERT INTO person (full_name, name_key, sort_key, birth_year, unit_id, division_code,
                            created_at, job_title)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        RETURNING id
        """,
        name,
        fold(name)[:120],
        name_sort_key(name),
        birth_year,
        unit_id,
        division_code,
        now(),
        job_title,
    )
    return person_id


_MATCHES = """
FROM person p
LEFT JOIN unit u ON u.id = p.unit_id
LEFT JOIN account a ON a.person_id = p.id
WHERE p.erased_at IS NULL AND p.merged_into_id IS NULL
  AND (EXISTS (SELECT FROM unnest($1::text[]) top WHERE starts_with(u.path, top))
       OR ($2 AND u.path IS NULL))
  AND ($3::text[] IS NULL
       OR EXISTS (SELECT FROM unnest($3::text[]) top WHERE starts_with(u.path, top)))
  AND ($4 = '' OR ($5 <> '' AND (string_to_array(p.name_key, ' ') @> string_to_array($5, ' ')
                                 OR starts_with(p.name_key, $5)))
       OR a.phone = $6)
"""


async def find_persons(
    wanted: PeopleFilter, *, limit: int = 20, offset: int = 0
) -> list[PersonFound]:
    """Find people. Names with the very marks that were typed come first, then the order of lists:
    given name, family name, middle names.
    """
    rows = await pool().fetch(
        f"""
        SELECT p.id, p.full_name, p.birth_year, p.job_title, p.division_code,
               coalesce(u.name, '') AS unit_name, a.phone, a.id AS account_id
        {_MATCHES}
        ORDER BY position(lower($4) IN lower(p.full_name)) = 0, p.sort_key, p.id
        LIMIT $7 OFFSET $8
        """,
        *_conditions(wanted),
        limit,
        offset,
    )
    return [PersonFound(**row) for row in rows]


async def count_persons(wanted: PeopleFilter) -> int:
    return await pool().fetchval(  # type: ignore[no-any-return]  # one bigint
        f"SELECT count(*) {_MATCHES}",
        *_conditions(wanted),
    )


def _conditions(wanted: PeopleFilter) -> tuple[object, ...]:
    text = clean(wanted.text)
    unit_paths = None if wanted.unit_paths is None else list(wanted.unit_paths)
    return (
        list(wanted.paths), wanted.has_unitless, unit_paths, text, fold(text), phone_e164(text),
    )  # fmt: skip


async def get_person(person_id: int) -> PersonShown:
    row = await pool().fetchrow(
        """
        SELECT p.id, p.full_name, p.birth_year, p.job_title, p.division_code, p.unit_id,
               u.name AS unit_name, u.path AS unit_path, p.created_at, p.erased_at,
               p.merged_into_id, a.id AS account_id, a.phone, a.username,
               coalesce(a.is_active, false) AS is_active
        FROM person p LEFT JOIN unit u ON u.id = p.unit_id LEFT JOIN account a ON a.person_id = p.id
        WHERE p.id = $1
        """,
        person_id,
    )
    if row is None:
        raise _unknown_person()
    return PersonShown(**row)


async def reveal_phone(person_id: int, *, by: int) -> str:
    """Hand out one person's whole telephone number; that it was seen is written down."""
    async with transaction() as connection:
        phone = await connection.fetchval(
            "SELECT phone FROM account WHERE person_id = $1", person_id
        )
        if phone is None:
            raise Refusal("no_phone", "Người này không có số điện thoại.")
        await record(connection, by=by, action="reveal_phone", subject=f"person:{person_id}")
    return str(phone)


async def export_people(wanted: PeopleFilter, *, by: int, reason: str) -> list[tuple[object, ...]]:
    """The rows of `EXPORT_COLUMNS` of whoever is found, numbers as people write them.

    Refused without a reason and beyond `MOST_EXPORTED` people; what was taken is written down.
    """
    if not clean(reason):
        sentence = "Bạn hãy ghi lý do xuất danh sách."
        raise Refusal("bad_form", sentence, fields={"ly_do": sentence})
    found = await find_persons(wanted, limit=MOST_EXPORTED + 1)
    if len(found) > MOST_EXPORTED:
        sentence = "Danh sách quá dài. Bạn hãy chọn đơn vị nhỏ hơn rồi xuất từng phần."
        raise Refusal("too_many_rows", sentence, fields={"don_vi": sentence})
    async with transaction() as connection:
        await record(
            connection,
            by=by,
            action="export_people",
            subject="people",
            detail={"people": len(found), "reason": clean(reason), "paths": list(wanted.paths)},
        )
    return [
        (each.full_name, each.birth_year, each.phone and phone_shown(each.phone), each.unit_name,
         each.job_title, each.division_code)
        for each in found
    ]  # fmt: skip


async def unit_name_of(person_id: int) -> str | None:
    return await pool().fetchval(  # type: ignore[no-any-return]  # one text column
        "SELECT u.name FROM person p JOIN unit u ON u.id = p.unit_id WHERE p.id = $1", person_id
    )


async def erase_person(person_id: int, *, by: int | None) -> None:
    """Make a person anonymous for good; the attempts stay, without an identity.

    So are the records that were merged into this one, with their numbers. The number is free for a new sign-up afterwards. May run again.
    """
    async with transaction() as connection:
        await erase_in(connection, person_id, by=by)


async def erase_in(connection: Connection, person_id: int, *, by: int | None) -> None:
    """The same inside the caller's transaction, which forgets what higher floors keep."""
    rows = await connection.fetch(
        "SELECT p.id, a.id AS account_id, a.phone FROM person p "
        "LEFT JOIN account a ON a.person_id = p.id "
        "WHERE p.id = $1 OR p.merged_into_id = $1 ORDER BY p.id FOR UPDATE OF p",
        person_id,
    )
    if not rows:
        raise _unknown_person()
    await withdraw_held(connection, person_id, list(PURPOSES))
    await connection.execute(
        "UPDATE person SET full_name = $2, name_key = $3, sort_key = $4, birth_year = NULL, "
        "unit_id = NULL, division_code = '', job_title = '', "
        "erased_at = coalesce(erased_at, $5) WHERE id = ANY($1::bigint[])",
        [row["id"] for row in rows],
        ERASED_NAME,
        fold(ERASED_NAME),
        name_sort_key(ERASED_NAME),
        now(),
    )
    for row in rows:
        if row["account_id"] is not None:
            await refuse_only_admin(connection, row["account_id"])
            await _close_account(connection, row["account_id"], row["phone"])
    await record(connection, by=by, action="erase_person", subject=f"person:{person_id}")


async def export_person(person_id: int) -> dict[str, Any]:
    """Return everything that this floor holds about a person, ready for JSON.

    Keys: person, account, consents (every yes and no), sessions, roles. Secrets (hashes of
    passwords, tokens and codes) are left out.
    """
    exported = await pool().fetchval(
        """
        SELECT jsonb_build_object(
            'person', to_jsonb(p) - 'name_key' - 'sort_key' || jsonb_build_object('unit', u.name),
            'account', to_jsonb(a) - 'password_hash' - 'totp_secret' - 'recovery_hashes',
            'consents', coalesce((
                SELECT jsonb_agg(jsonb_build_object('purpose', t.purpose, 'version', t.version,
                    'body', t.body, 'is_given', c.is_given, 'recorded_at', c.recorded_at)
                    ORDER BY c.id)
                FROM consent c JOIN consent_text t ON t.id = c.text_id
                WHERE c.person_id = p.id), '[]'),
            'sessions', coalesce((
                SELECT jsonb_agg(to_jsonb(s) - 'token_hash' ORDER BY s.id)
                FROM session s WHERE s.account_id = a.id), '[]'),
            'roles', coalesce((
                SELECT jsonb_agg(to_jsonb(r) ORDER BY r.id)
                FROM role r WHERE r.account_id = a.id), '[]'))
        FROM person p
        LEFT JOIN unit u ON u.id = p.unit_id
        LEFT JOIN account a ON a.person_id = p.id
        WHERE p.id = $1
        """,
        person_id,
    )
    if exported is None:
        raise _unknown_person()
    return dict(exported)


async def _close_account(connection: Connection, account_id: int, phone: str | None) -> None:
    at: datetime = now()
    await connection.execute("DELETE FROM sign_in_code WHERE phone = $1", phone)
    await connection.execute(
        "UPDATE session SET revoked_at = coalesce(revoked_at, $2), browser = '' "
        "WHERE account_id = $1",
        account_id,
        at,
    )
    await connection.execute(
        "UPDATE role SET ended_at = coalesce(ended_at, $2) WHERE account_id = $1", account_id, at
    )
    # The row stays for what refers to it; it must have some name, and nobody can type this one.
    await connection.execute(
        "UPDATE account SET phone = NULL, username = 'xoá:' || id, password_hash = NULL, "
        "is_active = false, totp_secret = NULL, totp_confirmed_at = NULL, recovery_hashes = NULL "
        "WHERE id = $1",
        account_id,
    )


def _unknown_person() -> Refusal:
    return Refusal("unknown_person", "Không tìm thấy người này.")
