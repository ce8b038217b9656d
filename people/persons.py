"""Who are the people, and what may be found, handed out or forgotten about them?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.clock import now
from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.text import clean, fold, name_sort_key, phone_e164
from people.audit import record
from people.consents import PURPOSES, withdraw_held
from people.roles import refuse_only_admin

ERASED_NAME = "Người đã xóa dữ liệu"


@dataclass(frozen=True)
class PersonFound:
    """A person as a list of people shows it; pages mask the telephone number."""

    id: int
    full_name: str
    birth_year: int | None
    unit_name: str
    phone: str | None
    account_id: int | None


async def make_person(
    connection: Connection,
    *,
    full_name: str,
    birth_year: int | None,
    unit_id: int | None,
    division_code: str,
) -> int:
    """Add a person inside the caller's transaction and return the id."""
    name = clean(full_name)
    person_id: int = await connection.fetchval(
        """
        INSERT INTO person (full_name, name_key, sort_key, birth_year, unit_id, division_code,
                            created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING id
        """,
        name,
        fold(name)[:120],
        name_sort_key(name),
        birth_year,
        unit_id,
        division_code,
        now(),
    )
    return person_id


async def find_persons(text: str, *, limit: int = 20, within_path: str = "/") -> list[PersonFound]:
    """Find people by whole words of the name in any order, by its beginning, or by telephone.

    Only people of the unit subtree `within_path` are found. Names with the very marks that were
    typed come first, then the order of lists: given name, family name, middle names.
    """
    key = fold(text)
    if not key:
        return []
    rows = await pool().fetch(
        """
        SELECT p.id, p.full_name, p.birth_year, coalesce(u.name, '') AS unit_name, a.phone,
               a.id AS account_id
        FROM person p
        LEFT JOIN unit u ON u.id = p.unit_id
        LEFT JOIN account a ON a.person_id = p.id
        WHERE p.erased_at IS NULL
          AND ($5 = '/' OR u.path LIKE $5 || '%')
          AND (string_to_array(p.name_key, ' ') @> $1 OR p.name_key LIKE $2 || '%'
               OR p.id = (SELECT person_id FROM account WHERE phone = $3))
        ORDER BY position(lower($4) IN lower(p.full_name)) = 0, p.sort_key, p.id
        LIMIT $6
        """,
        key.split(" "),
        key.replace("_", r"\_"),
        phone_e164(text),
        clean(text),
        within_path,
        limit,
    )
    return [PersonFound(**row) for row in rows]


async def unit_name_of(person_id: int) -> str | None:
    return await pool().fetchval(  # type: ignore[no-any-return]  # one text column
        "SELECT u.name FROM person p JOIN unit u ON u.id = p.unit_id WHERE p.id = $1", person_id
    )


async def erase_person(person_id: int, *, by: int | None) -> None:
    """Make a person anonymous for good; the attempts stay, without an identity.

    The number is free for a new sign-up afterwards. May run again.
    """
    async with transaction() as connection:
        account = await connection.fetchrow(
            "SELECT a.id, a.phone FROM person p LEFT JOIN account a ON a.person_id = p.id "
            "WHERE p.id = $1 FOR UPDATE OF p",
            person_id,
        )
        if account is None:
            raise _unknown_person()
        await withdraw_held(connection, person_id, list(PURPOSES))
        await connection.execute(
            "UPDATE person SET full_name = $2, name_key = $3, sort_key = $4, birth_year = NULL, "
            "unit_id = NULL, division_code = '', erased_at = coalesce(erased_at, $5) WHERE id = $1",
            person_id,
            ERASED_NAME,
            fold(ERASED_NAME),
            name_sort_key(ERASED_NAME),
            now(),
        )
        if account["id"] is not None:
            await refuse_only_admin(connection, account["id"])
            await _close_account(connection, account["id"], account["phone"])
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
