"""Who may do what, over which part of the tree or which contest?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from core.clock import now
from core.db import Connection, pool, transaction
from core.errors import Refusal
from people.audit import record
from people.sessions import RoleHeld, Viewer

RoleName = Literal[
    "admin",
    "organiser",
    "author",
    "reviewer",
    "approver",
    "campaign_staff",
    "focal_point",
    "leader",
    "auditor",
]
Action = Literal[
    "see_bank",
    "manage_bank",
    "import_bank",
    "export_bank",
    "approve_questions",
    "manage_contest",
    "approve_contest",
    "analyse_questions",
    "see_results",
    "export_results",
    "decide_appeals",
    "see_certificates",
    "issue_certificates",
    "approve_certificates",
    "manage_units",
    "manage_people",
    "see_dashboard",
    "see_audit",
    "grant_roles",
    "export_people",
    "see_operations",
    "run_platform",
    "own_account",
]

ROLES: tuple[RoleName, ...] = get_args(RoleName)
# What is not written here is not allowed. `own_account` is everybody's who is signed in.
ACTIONS: dict[Action, frozenset[RoleName]] = {
    "see_bank": frozenset({"admin", "organiser", "author", "reviewer", "approver"}),
    "manage_bank": frozenset({"admin", "organiser", "author", "reviewer"}),
    "import_bank": frozenset({"admin", "organiser", "author"}),
    # A file with the key goes wherever its holder takes it.
    "export_bank": frozenset({"admin", "organiser"}),
    "approve_questions": frozenset({"admin", "reviewer", "approver"}),
    "manage_contest": frozenset({"admin", "organiser"}),
    # An organiser does not approve the own work: publishing needs a second person.
    "approve_contest": frozenset({"admin", "approver"}),
    # Their figures show keys, so not everybody who sees the dashboard.
    "analyse_questions": frozenset({"admin", "organiser", "reviewer", "approver", "auditor"}),
    "see_results": frozenset({"admin", "organiser", "approver", "auditor"}),
    "export_results": frozenset({"admin", "organiser"}),
    "decide_appeals": frozenset({"admin", "organiser", "approver"}),
    "see_certificates": frozenset({"admin", "organiser", "approver", "auditor"}),
    "issue_certificates": frozenset({"admin", "organiser"}),
    # Who proposes a list does not approve it; nor may an organiser approve another one's.
    "approve_certificates": frozenset({"admin", "approver"}),
    "manage_units": frozenset({"admin", "organiser"}),
    "manage_people": frozenset({"admin", "organiser", "focal_point"}),
    "see_dashboard": frozenset(
        {
            "admin",
            "organiser",
            "reviewer",
            "approver",
            "campaign_staff",
            "focal_point",
            "leader",
            "auditor",
        }
    ),
    "see_audit": frozenset({"admin", "auditor"}),
    "grant_roles": frozenset({"admin"}),
    "export_people": frozenset({"admin", "organiser"}),
    # The lights of the operations page show no personal data.
    "see_operations": frozenset({"admin", "organiser", "leader", "auditor"}),
    "run_platform": frozenset({"admin", "organiser"}),
    "own_account": frozenset(),
}


@dataclass(frozen=True)
class UnitScope:
    """A unit and all beneath it, by the unit's path."""

    path: str


@dataclass(frozen=True)
class ContestScope:
    """One contest, held by the unit with this path."""

    contest_id: int
    unit_path: str


@dataclass(frozen=True)
class RoleShown:
    """A role that is held now, for the list of who may do what."""

    id: int
    name: str
    unit_id: int | None
    unit_name: str | None
    contest_id: int | None
    granted_at: datetime


def may(viewer: Viewer | None, action: Action, scope: UnitScope | ContestScope | None) -> bool:
    """Whether the viewer may do this to that; without a scope it is meant for the whole platform.

    A role over a unit reaches everything beneath it and the contests of those units. Platform-wide
    actions need a role over a root of the tree.
    """
    if viewer is None or action not in ACTIONS:
        return False
    if action == "own_account":
        return True
    allowed = ACTIONS[action]
    return any(role.name in allowed and _reaches(role, scope) for role in viewer.roles)


def may_somewhere(viewer: Viewer | None, action: Action) -> bool:
    """Whether the viewer may do this to anything at all: for menus and doors, never for the deed."""
    if viewer is None or action not in ACTIONS:
        return False
    return action == "own_account" or any(role.name in ACTIONS[action] for role in viewer.roles)


async def grant_role(
    account_id: int,
    name: RoleName,
    *,
    unit_id: int | None = None,
    contest_id: int | None = None,
    by: int | None,
) -> int:
    """Give an account a role over one unit or one contest; a role that is held stays as it is."""
    if name not in ROLES:
        raise Refusal("unknown_role", f"Không có vai trò “{name}”.")
    if (unit_id is None) == (contest_id is None):
        raise Refusal("bad_role_scope", "Vai trò phải gắn với đúng một đơn vị hoặc một cuộc thi.")
    async with transaction() as connection:
        # The account's row is the lock that keeps one role from being granted twice at once.
        if not await connection.fetchval(
            "SELECT id FROM account WHERE id = $1 AND is_active FOR UPDATE", account_id
        ):
            raise Refusal("unknown_account", "Không tìm thấy tài khoản này.")
        if unit_id is not None and not await connection.fetchval(
            "SELECT id FROM unit WHERE id = $1", unit_id
        ):
            raise Refusal("unknown_unit", "Không tìm thấy đơn vị này.")
        held = await connection.fetchval(
            "SELECT id FROM role WHERE account_id = $1 AND name = $2 AND ended_at IS NULL "
            "AND unit_id IS NOT DISTINCT FROM $3 AND contest_id IS NOT DISTINCT FROM $4",
            account_id,
            name,
            unit_id,
            contest_id,
        )
        if held:
            return int(held)
        role_id = await connection.fetchval(
            "INSERT INTO role (account_id, name, unit_id, contest_id, granted_by_id, granted_at) "
            "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            account_id,
            name,
            unit_id,
            contest_id,
            by,
            now(),
        )
        await record(
            connection,
            by=by,
            action="grant_role",
            subject=f"account:{account_id}",
            detail={"role": name, "unit_id": unit_id, "contest_id": contest_id},
        )
    return int(role_id)


async def end_role(role_id: int, *, by: int | None) -> None:
    """Take a role away; it stays in the records. May run again.

    Nobody ends the own last administration, and the house keeps one administrator of the whole.
    """
    async with transaction() as connection:
        await _refuse_last_admin(connection, role_id, by)
        ended = await connection.fetchrow(
            "UPDATE role SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL "
            "RETURNING account_id, name, unit_id, contest_id",
            role_id,
            now(),
        )
        if ended is None:
            return
        await record(
            connection,
            by=by,
            action="end_role",
            subject=f"account:{ended['account_id']}",
            detail={
                "role": ended["name"],
                "unit_id": ended["unit_id"],
                "contest_id": ended["contest_id"],
            },
        )


async def refuse_only_admin(connection: Connection, account_id: int) -> None:
    """Refuse when nobody else administers the whole, inside the caller's transaction."""
    admins = await _lock_admins(connection)
    if admins and set(admins.values()) == {account_id}:
        raise Refusal(
            "last_admin",
            "Đây là người quản trị toàn hệ thống duy nhất. Hãy giao vai trò đó cho người khác trước.",
        )


async def roles_of(account_id: int) -> list[RoleShown]:
    """List the roles that an account holds now."""
    rows = await pool().fetch(
        "SELECT r.id, r.name, r.unit_id, u.name AS unit_name, r.contest_id, r.granted_at "
        "FROM role r LEFT JOIN unit u ON u.id = r.unit_id "
        "WHERE r.account_id = $1 AND r.ended_at IS NULL ORDER BY r.id",
        account_id,
    )
    return [RoleShown(**row) for row in rows]


async def platform_staff(action: Action) -> dict[int, str]:
    """Accounts that may do this on the whole platform, with their people's names, by name."""
    rows = await pool().fetch(
        "SELECT a.id, p.full_name FROM account a JOIN person p ON p.id = a.person_id "
        "WHERE a.is_active AND EXISTS (SELECT 1 FROM role r JOIN unit u ON u.id = r.unit_id "
        " WHERE r.account_id = a.id AND r.ended_at IS NULL AND r.name = ANY($1::text[]) "
        " AND u.parent_id IS NULL) ORDER BY p.sort_key, a.id",
        sorted(ACTIONS[action]),
    )
    return {row["id"]: row["full_name"] for row in rows}


async def _refuse_last_admin(connection: Connection, role_id: int, by: int | None) -> None:
    admins = await _lock_admins(connection)
    if role_id not in admins:
        return
    holder = admins.pop(role_id)
    if not admins:
        raise Refusal(
            "last_admin",
            "Đây là vai trò quản trị toàn hệ thống cuối cùng. Hãy giao cho người khác trước.",
        )
    if holder == by and holder not in admins.values():
        raise Refusal(
            "own_last_admin",
            "Bạn không tự kết thúc vai trò quản trị của mình. Hãy nhờ người quản trị khác.",
        )


async def _lock_admins(connection: Connection) -> dict[int, int]:
    """Who administers the whole, by role; locked, so that two cannot end each other at once."""
    rows = await connection.fetch(
        "SELECT r.id, r.account_id FROM role r JOIN unit u ON u.id = r.unit_id "
        "JOIN account a ON a.id = r.account_id AND a.is_active "
        "WHERE r.name = 'admin' AND r.ended_at IS NULL AND u.parent_id IS NULL "
        "ORDER BY r.id FOR UPDATE OF r"
    )
    return {row["id"]: row["account_id"] for row in rows}


def _reaches(role: RoleHeld, scope: UnitScope | ContestScope | None) -> bool:
    if isinstance(scope, ContestScope) and role.contest_id is not None:
        return role.contest_id == scope.contest_id
    if not role.unit_path:
        return False
    if scope is None:
        return role.unit_path.count("/") == 2  # noqa: PLR2004 — "/1/": a root of the tree
    path = scope.unit_path if isinstance(scope, ContestScope) else scope.path
    return path.startswith(role.unit_path)
