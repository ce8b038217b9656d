"""Who stands on the web stage: citizens, staff of every role, and a colleague from another unit."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from core import db
from people.roles import RoleName, grant_role
from tests.quiz.arena import Arena, build_arena
from tests.web.conftest import SignIn

STAFF: tuple[RoleName, ...] = (
    "author", "reviewer", "organiser", "approver", "leader", "auditor", "admin",
)  # fmt: skip
CITIZENS = ("mai", "charlie")
STRANGER = "stranger"  # organises in another unit
PERSONAS = ("nobody", *CITIZENS, *STAFF, STRANGER)


@dataclass
class Stage:
    """The arena's open contest "thi" and a browser for each of the cast."""

    arena: Arena
    clients: dict[str, httpx.AsyncClient]
    person_ids: dict[str, int]
    other_unit_id: int

    async def account_id(self, name: str) -> int:
        return await db.pool().fetchval(
            "SELECT id FROM account WHERE person_id = $1", self.person_ids[name]
        )


async def build_stage(sign_in: SignIn, nobody: httpx.AsyncClient) -> Stage:
    """The arena's commune is the root of the tree; the stranger's lies beneath it."""
    names = (*CITIZENS, *STAFF, STRANGER)
    arena = await build_arena(people=len(names))
    other_unit_id = await db.pool().fetchval(
        "INSERT INTO unit (code, name, name_key, sort_key, kind, block, parent_id, path, "
        "valid_from) VALUES ('X2', 'Xã Nậm Hàng', 'xa nam hang', 'y', 'commune', '', $1, '', "
        "'2025-07-01') RETURNING id",
        arena.unit_id,
    )
    await db.pool().execute(
        "UPDATE unit SET path = '/1/' || id || '/' WHERE id = $1", other_unit_id
    )
    person_ids = dict(zip(names, arena.person_ids, strict=True))
    clients = {"nobody": nobody}
    for name in names:
        clients[name] = await sign_in(person_ids[name])
    stage = Stage(arena, clients, person_ids, other_unit_id)
    for role in STAFF:
        await grant_role(await stage.account_id(role), role, unit_id=arena.unit_id, by=None)
    await grant_role(await stage.account_id(STRANGER), "organiser", unit_id=other_unit_id, by=None)
    return stage
