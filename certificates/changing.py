"""How does one issued certificate stop counting, or get another name, unit or result?

It is never edited: it is revoked, or another one with a number of its own takes its place. Whoever
checks the old one reads since when and why in words for the public.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from certificates.mending import (
    find_outdated,
    kept_draft,
    propose_mending,
    read_reasons,
    replace_certificates,
    revoke_certificates,
)
from certificates.writing import Told, take_turns
from core import clock
from core.clock import local_day
from core.db import Connection, transaction
from core.errors import Refusal
from core.text import clean
from people.audit import record

LONGEST_TEXT = 255

__all__ = ["Change", "correct", "find_outdated", "propose_mending", "revoke"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What the new certificate says instead."""

    printed_name: str
    unit_name: str
    result: str


async def revoke(certificate_id: int, *, reason: str, public_reason: str, by: int | None) -> None:
    """Take a certificate out of force. Refused: without both reasons, and twice."""
    said, told_public = read_reasons(reason, public_reason)
    told = Told(by=by, at=clock.now(), reason=said, public_reason=told_public)
    async with transaction() as connection:
        row = await _find(connection, certificate_id)
        await take_turns(connection, row["contest_id"])
        if not await revoke_certificates(connection, [certificate_id], told):
            raise _not_in_force()
        await record(
            connection,
            by=by,
            action="revoke_certificate",
            subject=f"certificate:{certificate_id}",
            # Reasons may name people: they stand in the certificate's history, which can forget.
            detail={"number": row["number"]},
        )


async def correct(
    certificate_id: int, change: Change, *, reason: str, public_reason: str, by: int | None
) -> int:
    """Put a right certificate in the place of a wrong or a revoked one; returns the new one.

    Refused: without both reasons or a name, when nothing differs from one in force, and when
    another has taken its place already.
    """
    said, told_public = read_reasons(reason, public_reason)
    told = Told(by=by, at=clock.now(), reason=said, public_reason=told_public)
    wanted = {
        name: clean(getattr(change, name)) for name in ("printed_name", "unit_name", "result")
    }
    _refuse_texts(wanted)
    async with transaction() as connection:
        row = await _find(connection, certificate_id)
        await take_turns(connection, row["contest_id"])
        day = local_day(told.at)
        kept = await kept_draft(connection, certificate_id, day)
        if kept is None:
            raise _not_in_force()
        if row["state"] == "issued" and all(
            getattr(kept, name) == value for name, value in wanted.items()
        ):
            raise Refusal("no_change", "Nội dung mới giống hệt nội dung cũ, không có gì để sửa.")
        draft = replace(
            kept,
            printed_name=wanted["printed_name"],
            unit_name=wanted["unit_name"],
            result=wanted["result"],
        )
        new = await replace_certificates(connection, {certificate_id: draft}, told, day=day)
        await record(
            connection,
            by=by,
            action="correct_certificate",
            subject=f"certificate:{certificate_id}",
            detail={"number": row["number"], "new_id": new[certificate_id]},
        )
    return new[certificate_id]


def _refuse_texts(wanted: dict[str, str]) -> None:
    faults = {
        name: f"Tối đa {LONGEST_TEXT} ký tự."
        for name, value in wanted.items()
        if len(value) > LONGEST_TEXT
    }
    if not wanted["printed_name"]:
        faults["printed_name"] = "Hãy ghi tên in trên giấy."
    if faults:
        raise Refusal("bad_change", next(iter(faults.values())), fields=faults)


async def _find(connection: Connection, certificate_id: int) -> Any:
    row = await connection.fetchrow(
        "SELECT contest_id, number, state FROM certificate WHERE id = $1", certificate_id
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    return row


def _not_in_force() -> Refusal:
    return Refusal(
        "not_in_force",
        "Giấy chứng nhận này đã được thu hồi, thay thế hoặc người được cấp đã xóa dữ liệu.",
    )
