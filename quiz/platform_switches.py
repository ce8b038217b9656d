"""How does staff on watch take load off the whole platform, or shut one of its doors, at once?

Web processes read the switches with the public contests (web.contest_cache), so a switch holds
everywhere within two seconds. Saving and handing in are never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from core.db import pool, transaction
from core.errors import Refusal
from people.audit import record
from quiz.switches import LONGEST_REASON

# lite: boards, statistics and polls are shed; sign_up: nobody new signs up; starts: no attempt
# begins in any contest.
PlatformSwitch = Literal["lite", "sign_up", "starts"]
PLATFORM_SWITCHES: tuple[PlatformSwitch, ...] = get_args(PlatformSwitch)


@dataclass(frozen=True)
class Thrown:
    """A switch that is on: since when, why, and who threw it ("" for the platform itself)."""

    since: datetime
    reason: str
    by_name: str = ""


@dataclass(frozen=True)
class PlatformSwitches:
    """The switches that are on; a switch that is not here is off."""

    thrown: Mapping[PlatformSwitch, Thrown] = field(default_factory=dict)

    @property
    def is_lite(self) -> bool:
        return "lite" in self.thrown

    @property
    def is_sign_up_closed(self) -> bool:
        return "sign_up" in self.thrown

    @property
    def starts_stopped_at(self) -> datetime | None:
        stopped = self.thrown.get("starts")
        return stopped.since if stopped else None


async def platform_switches() -> PlatformSwitches:
    rows = await pool().fetch(
        "SELECT s.name, s.switched_at AS since, s.reason, coalesce(p.full_name, '') AS by_name "
        "FROM platform_switch s LEFT JOIN account a ON a.id = s.switched_by_id "
        "LEFT JOIN person p ON p.id = a.person_id WHERE s.is_on"
    )
    return PlatformSwitches(
        {row["name"]: Thrown(row["since"], row["reason"], row["by_name"]) for row in rows}
    )


async def switch(name: PlatformSwitch, is_on: bool, reason: str, by: int | None) -> bool:
    """Throw a switch or release it; whether anything changed.

    Repeating it changes nothing and records nothing.
    """
    if name not in PLATFORM_SWITCHES:
        sentence = "Hãy chọn một việc."
        raise Refusal("bad_switch", sentence, fields={"cong_tac": sentence})
    if not reason or len(reason) > LONGEST_REASON:
        sentence = f"Hãy ghi lý do, không quá {LONGEST_REASON} chữ."
        raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
    async with transaction() as connection:
        changed = await connection.fetchval(
            "INSERT INTO platform_switch AS s (name, is_on, reason, switched_at, switched_by_id) "
            "SELECT $1::text, $2::bool, $3, clock_timestamp(), $4::bigint "
            # what was never thrown is off
            "WHERE $2 OR EXISTS (SELECT FROM platform_switch WHERE name = $1::text) "
            "ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on, reason = excluded.reason, "
            "switched_at = excluded.switched_at, switched_by_id = excluded.switched_by_id "
            "WHERE s.is_on <> excluded.is_on RETURNING id",
            name,
            is_on,
            reason,
            by,
        )
        if changed is None:
            return False
        await record(
            connection,
            by=by,
            action="throw_platform_switch" if is_on else "release_platform_switch",
            subject=f"platform:{name}",
            detail={"reason": reason},
        )
    return True
