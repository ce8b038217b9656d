"""What did an office make of the finished designs: which are in use, and what does each version say?

A version never changes: certificates keep theirs. What is typed anew is the next version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgpack

from certificates.designs import BASES, BUILT_IN, IMAGES, DesignContent, parse, stored
from certificates.face import Face
from certificates.printing import drawing, images_of
from core import clock
from core.db import Connection, json_text, pool, transaction
from core.errors import Refusal
from core.text import clean
from people.audit import record

NAME_LIMIT = 120
IMAGE_BYTES = 2_000_000  # as a telephone's camera or a scanner makes it; it is made small
PNG_START, PNG, JPEG = b"\x89PNG", "image/png", "image/jpeg"


@dataclass(frozen=True)
class Design:
    """A design by its newest version."""

    id: int
    name: str
    base: str
    number: int
    content: DesignContent
    is_finished: bool  # the platform's own, which nobody edits
    changed_at: datetime


async def get_design(design_id: int) -> Design:
    row = await pool().fetchrow(
        "SELECT d.id, d.name, d.base, v.number, v.content, d.created_by_id IS NULL AS is_finished, "
        "v.created_at AS changed_at FROM certificate_design d "
        "JOIN certificate_design_version v ON v.design_id = d.id "
        "WHERE d.id = $1 AND d.ended_at IS NULL ORDER BY v.number DESC LIMIT 1",
        design_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy mẫu này.")
    return _shown(row)


async def versions_of(design_id: int) -> list[tuple[int, datetime]]:
    """Numbers and instants, the newest first."""
    rows = await pool().fetch(
        "SELECT number, created_at FROM certificate_design_version WHERE design_id = $1 "
        "ORDER BY number DESC",
        design_id,
    )
    return [(row["number"], row["created_at"]) for row in rows]


async def add_design(name: str, base: str, *, by: int | None) -> int:
    """Begin an own design from a finished one; refuses "bad_design" with a sentence a field."""
    named = clean(name)
    faults: dict[str, str] = {}
    if not named or len(named) > NAME_LIMIT:
        faults["name"] = f"Hãy đặt tên cho mẫu, tối đa {NAME_LIMIT} chữ cái."
    if base not in BASES:
        faults["base"] = "Hãy chọn một mẫu có sẵn."
    if faults:
        raise Refusal("bad_design", " ".join(faults.values()), fields=faults)
    async with transaction() as connection:
        design_id: int = await connection.fetchval(
            "INSERT INTO certificate_design (base, name, created_by_id, created_at) "
            "VALUES ($1, $2, $3, $4) RETURNING id",
            base,
            named,
            by,
            clock.now(),
        )
        await _add_version(connection, design_id, BUILT_IN[base], by)
        await _record(connection, "add_certificate_design", design_id, {"name": named}, by)
    return design_id


async def change_design(design_id: int, typed: Mapping[str, str], *, by: int | None) -> int:
    """Add the next version; what is not typed stays. Returns its number.

    Refuses what `certificates.designs.parse` refuses, and "bad_design" for the platform's own.
    """
    design = await get_design(design_id)
    if design.is_finished:
        raise Refusal("bad_design", "Mẫu có sẵn không sửa được. Hãy tạo mẫu riêng từ mẫu này.")
    content = parse({**stored(design.content), **typed, "base": design.base})
    if content == design.content:
        return design.number
    async with transaction() as connection:
        number = await _add_version(connection, design_id, content, by)
        detail = {"name": design.name, "version": number}
        await _record(connection, "change_certificate_design", design_id, detail, by)
    return number


async def set_image(design_id: int, place: str, content: bytes, *, by: int | None) -> int:
    """Put a picture into a design, or take it out with empty bytes; the next version's number.

    It is decoded, made small and encoded anew in a process that may be killed. Refuses "bad_image".
    """
    if place not in IMAGES:
        raise Refusal("bad_image", "Hãy chọn hình nào: biểu trưng, dấu hay chữ ký.")
    if not content:
        return await change_design(design_id, {place: ""}, by=by)
    if len(content) > IMAGE_BYTES:
        raise Refusal("bad_image", "Hình lớn hơn 2 MB. Hãy thu nhỏ hình rồi gửi lại.")
    small = await drawing.ask(msgpack.packb({"picture": content, "place": place}))
    digest = sha256(small).hexdigest()
    await pool().execute(
        "INSERT INTO certificate_image (digest, media_type, content) VALUES ($1, $2, $3) "
        "ON CONFLICT (digest) DO NOTHING",
        digest,
        PNG if small.startswith(PNG_START) else JPEG,
        small,
    )
    return await change_design(design_id, {place: digest}, by=by)


async def end_design(design_id: int, *, by: int | None) -> None:
    """Offer it no more; what was issued from it keeps its version."""
    design = await get_design(design_id)
    if design.is_finished:
        raise Refusal("bad_design", "Mẫu có sẵn không bỏ được.")
    async with transaction() as connection:
        await connection.execute(
            "UPDATE certificate_design SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
            design_id,
            clock.now(),
        )
        await _record(connection, "end_certificate_design", design_id, {"name": design.name}, by)


@dataclass(frozen=True)
class Look:
    """A WebP of the sheet, and in which size and on how many lines the name stands there."""

    picture: bytes
    name_points: float
    name_lines: int


async def preview(design_id: int, typed: Mapping[str, str], face: Face) -> bytes:
    """How a certificate would look with what is typed, as a PDF, without keeping anything."""
    content = await _tried(design_id, typed)
    return await drawing.draw(face, content, await images_of(content), "plain")


async def look(design_id: int, typed: Mapping[str, str], face: Face) -> Look:
    """The same as a picture; refuses what cannot be printed, as an issued certificate would be."""
    content = await _tried(design_id, typed)
    told = await drawing.draw(face, content, await images_of(content), "look")
    return Look(**msgpack.unpackb(told))


async def _tried(design_id: int, typed: Mapping[str, str]) -> DesignContent:
    design = await get_design(design_id)
    return parse({**stored(design.content), **typed, "base": design.base})


async def _add_version(
    connection: Connection, design_id: int, content: DesignContent, by: int | None
) -> int:
    await connection.execute("SELECT FROM certificate_design WHERE id = $1 FOR UPDATE", design_id)
    text = json_text(stored(content))
    return await connection.fetchval(  # type: ignore[no-any-return]  # a number
        "INSERT INTO certificate_design_version (design_id, number, content, digest, "
        "created_by_id, created_at) SELECT $1, coalesce(max(number), 0) + 1, $2::jsonb, $3, $4, $5 "
        "FROM certificate_design_version WHERE design_id = $1 RETURNING number",
        design_id,
        text,
        sha256(text.encode()).hexdigest(),
        by,
        clock.now(),
    )


async def _record(
    connection: Connection, action: str, design_id: int, detail: dict[str, Any], by: int | None
) -> None:
    await record(
        connection,
        by=by,
        action=action,
        subject="certificates",
        detail={"design_id": design_id, **detail},
    )


def _shown(row: Any) -> Design:
    told = dict(row)
    content = parse({"base": told["base"], **told.pop("content")})
    return Design(content=content, **told)
