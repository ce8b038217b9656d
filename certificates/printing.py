"""How does a certificate get its paper: drawn at first asking or ahead of time, kept, found again?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgpack

from certificates.composing import face_from_json
from certificates.designs import IMAGES, DesignContent, parse
from certificates.drawing_request import request
from certificates.face import Face
from certificates.numbers import url_form
from certificates.store import StoreAwayError, store_of
from certificates.writing import Told, add_events
from core import clock
from core.db import Connection, after_commit, pool, transaction
from core.errors import Refusal
from core.killable import KillablePool, Limits
from core.log import logger
from core.settings import settings

# One draws a hundred a second; a second one keeps it busy while a paper is being stored.
DRAWING_PROCESSES = 2
# What one turn of the job takes: a minute's work at the slowest.
SLICE = 500
FORMS = ("outside_signed", "signed", "plain")  # the one that counts most first
AHEAD_OF_TIME = ("prize", "unit_prize")


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF, and the name under which it is handed out."""

    content: bytes
    digest: str
    file_name: str


class Drawing:
    """The processes that draw for this one; started at first asking, ended when idle."""

    def __init__(self) -> None:
        self._pool: KillablePool | None = None

    async def draw(
        self, face: Face, design: DesignContent, images: Mapping[str, tuple[str, bytes]], way: str
    ) -> bytes:
        return await self.ask(request(face, design, images, way))

    async def ask(self, asked: bytes) -> bytes:
        if self._pool is None:
            self._pool = KillablePool("certificates.drawing", DRAWING_PROCESSES, Limits())
        return await self._pool.ask(asked)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


drawing = Drawing()


async def paper(certificate_id: int, form: str = "") -> Paper:
    """A certificate's PDF: the signed one if there is one, else the plain one; or this `form`.

    The plain one is drawn when it is not kept yet, and kept. Refuses "not_found" for a certificate
    without a name or a form that is not kept, "not_in_force" for one that is revoked or superseded,
    and what `certificates.typesetting` refuses.
    """
    row = await pool().fetchrow(
        "SELECT c.number, c.state, c.erased_at, "
        "(SELECT jsonb_object_agg(p.form, p.digest) FROM certificate_paper p "
        " WHERE p.certificate_id = c.id AND p.digest IS NOT NULL) AS kept "
        "FROM certificate c WHERE c.id = $1",
        certificate_id,
    )
    if row is None or row["erased_at"]:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    if row["state"] != "issued":
        raise Refusal(
            "not_in_force",
            "Giấy chứng nhận này đã thu hồi hoặc đã được thay, không tải về được nữa.",
        )
    name = f"{url_form(row['number'])}.pdf"
    kept: dict[str, str] = row["kept"] or {}
    for chosen in (form,) if form else FORMS:
        content = await store_of(settings()).get(kept[chosen]) if chosen in kept else None
        if content is not None:
            return Paper(content, kept[chosen], name)
        if chosen in kept and chosen != "plain":
            # Its bytes cannot be made again: say it loudly, and hand out nothing less.
            logger.error("paper_lost", certificate_id=certificate_id, form=chosen)
            raise Refusal("not_found", "Tệp đã ký của giấy này bị thất lạc. Hãy báo Ban Tổ chức.")
    if form not in {"", "plain"}:
        raise Refusal("not_found", "Giấy chứng nhận này chưa có bản đã ký.")
    content = await _draw(certificate_id)
    return Paper(content, await keep_paper(certificate_id, "plain", content), name)


async def share_picture(
    certificate_id: int, foot: str, *, with_name: bool, with_result: bool
) -> bytes:
    """A PNG to share: the contest, and of the holder only what is asked for.

    Refuses as `paper` does.
    """
    row = await pool().fetchrow(
        "SELECT face FROM certificate WHERE id = $1 AND erased_at IS NULL AND state = 'issued'",
        certificate_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    face = row["face"]
    texts = {
        "title": "Tôi có giấy chứng nhận" if not with_name else "Giấy chứng nhận",
        "name": face.get("printed_name", "") if with_name else "",
        "contest": face.get("contest_title", ""),
        "result": face.get("result", "") if with_result else "",
        "foot": foot,
    }
    return await drawing.ask(msgpack.packb({"share": texts}))


async def keep_paper(certificate_id: int, form: str, content: bytes) -> str:
    """Store a paper as this form of a certificate and return its SHA-256. May run twice."""
    if form != "plain":
        # Given up earlier, it may come back: whoever is removing it just now is waited for.
        await pool().execute(
            "DELETE FROM certificate_given_up WHERE digest = $1", sha256(content).hexdigest()
        )
    digest = await store_of(settings()).put(content)
    async with transaction() as connection:
        before = await connection.fetchrow(
            "SELECT digest FROM certificate_paper WHERE certificate_id = $1 AND form = $2 FOR UPDATE",
            certificate_id,
            form,
        )
        is_first = await connection.fetchval(
            "INSERT INTO certificate_paper (certificate_id, form, digest, size, stored_at) "
            "SELECT id, $2, $3, $4, $5 FROM certificate WHERE id = $1 AND erased_at IS NULL "
            "ON CONFLICT (certificate_id, form) DO UPDATE SET digest = excluded.digest, "
            "size = excluded.size, stored_at = excluded.stored_at, fault = '' "
            "RETURNING xmax = 0",
            certificate_id,
            form,
            digest,
            len(content),
            clock.now(),
        )
        if is_first is None:  # the name went while it was drawn
            await give_up(connection, [digest])
        elif before and before["digest"] not in {None, digest}:
            await give_up(connection, [before["digest"]])
        elif is_first and form != "plain":
            await add_events(connection, [certificate_id], "signed", Told(by=None, at=clock.now()))
    if is_first is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    return digest


async def render_waiting() -> int:
    """Draw what is handed out ahead of time and has no paper yet; returns how many."""
    rows = await pool().fetch(
        "SELECT c.id FROM certificate c WHERE c.kind = ANY($1::text[]) AND c.state = 'issued' "
        "AND c.erased_at IS NULL AND NOT EXISTS (SELECT FROM certificate_paper p "
        " WHERE p.certificate_id = c.id AND p.form = 'plain') ORDER BY c.id LIMIT $2",
        list(AHEAD_OF_TIME),
        SLICE,
    )
    return await _render_each([row["id"] for row in rows])


async def render_batch(batch_id: int) -> int:
    """Draw every paper of a list that has none yet, such as before a whole unit prints."""
    done = 0
    while rows := await pool().fetch(
        "SELECT c.id FROM certificate c WHERE c.batch_id = $1 AND c.state = 'issued' "
        "AND c.erased_at IS NULL AND NOT EXISTS (SELECT FROM certificate_paper p "
        " WHERE p.certificate_id = c.id AND p.form = 'plain') ORDER BY c.id LIMIT $2",
        batch_id,
        SLICE,
    ):
        done += await _render_each([row["id"] for row in rows])
    return done


async def papers(certificate_ids: Sequence[int], form: str = "") -> AsyncIterator[Paper | Refusal]:
    """The papers of many in their order, drawn while the one before is read; see `paper`.

    One that cannot be drawn comes as its refusal.
    """
    waiting: list[asyncio.Task[Paper | Refusal]] = []
    places = iter(certificate_ids)
    try:
        for place in places:
            waiting.append(asyncio.create_task(_paper_or_refusal(place, form)))
            if len(waiting) > DRAWING_PROCESSES:
                yield await waiting.pop(0)
        while waiting:
            yield await waiting.pop(0)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def forget_papers(connection: Connection, certificate_ids: Sequence[int]) -> None:
    """Remove papers with what they say, inside the caller's transaction; the bytes after it."""
    rows = await connection.fetch(
        "DELETE FROM certificate_paper WHERE certificate_id = ANY($1::bigint[]) RETURNING digest",
        list(certificate_ids),
    )
    await connection.execute(
        "DELETE FROM certificate_parcel_file WHERE certificate_id = ANY($1::bigint[])",
        list(certificate_ids),
    )
    await give_up(connection, [row["digest"] for row in rows if row["digest"]])


async def remove_given_up() -> int:
    """Take the bytes of papers that nobody may have any more out of the store; returns how many.

    Refuses "store_away"; what is left then stays noted, and the sweep asks again.
    """
    done = 0
    while await _remove_one():
        done += 1
    return done


async def give_up(connection: Connection, digests: Sequence[str]) -> None:
    """Note what has to leave the store, so that it does even if the store is away just now.

    Inside the caller's transaction.
    """
    await connection.execute(
        "INSERT INTO certificate_given_up (digest, given_up_at) "
        "SELECT digest, $2 FROM unnest($1::text[]) AS digest ON CONFLICT DO NOTHING",
        list(digests),
        clock.now(),
    )
    after_commit(_remove_now)


async def _remove_one() -> bool:
    async with transaction() as connection:
        digest = await connection.fetchval(
            "DELETE FROM certificate_given_up WHERE digest = (SELECT digest "
            "FROM certificate_given_up ORDER BY given_up_at LIMIT 1 FOR UPDATE SKIP LOCKED) "
            "RETURNING digest"
        )
        if digest is None:
            return False
        if not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM certificate_paper WHERE digest = $1)", digest
        ):
            await store_of(settings()).remove(digest)
    return True


async def _remove_now() -> None:
    try:
        await remove_given_up()
    except (StoreAwayError, OSError) as fault:
        logger.warning("papers_not_removed", reason=type(fault).__name__)


async def _render_each(certificate_ids: Sequence[int]) -> int:
    done = 0
    away: StoreAwayError | None = None
    places = asyncio.Semaphore(DRAWING_PROCESSES)

    async def one(certificate_id: int) -> None:
        nonlocal done, away
        async with places:
            if away:
                return
            try:
                await keep_paper(certificate_id, "plain", await _draw(certificate_id))
                done += 1
            except StoreAwayError as fault:  # no fault of this paper: the job is run again
                away = fault
            except Refusal as refusal:
                await _note_fault(certificate_id, refusal)

    await asyncio.gather(*map(one, certificate_ids))
    if away:
        raise away
    return done


async def _paper_or_refusal(certificate_id: int, form: str) -> Paper | Refusal:
    try:
        return await paper(certificate_id, form)
    except Refusal as refusal:
        return refusal


async def _draw(certificate_id: int) -> bytes:
    row = await pool().fetchrow(
        "SELECT c.face, v.content AS design, d.base FROM certificate c "
        "JOIN certificate_design_version v ON v.id = c.design_version_id "
        "JOIN certificate_design d ON d.id = v.design_id "
        "WHERE c.id = $1 AND c.erased_at IS NULL",
        certificate_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    try:
        face = face_from_json(row["face"])
    except (KeyError, TypeError, ValueError) as fault:
        raise Refusal("not_found", "Giấy chứng nhận này không còn nội dung.") from fault
    design = parse({"base": row["base"], **row["design"]})
    return await drawing.draw(face, design, await images_of(design), "fast")


async def images_of(design: DesignContent) -> dict[str, tuple[str, bytes]]:
    """A design's pictures, by what they are."""
    digests = {name: digest for name in IMAGES if (digest := getattr(design, name))}
    if not digests:
        return {}
    rows = await pool().fetch(
        "SELECT digest, media_type, content FROM certificate_image WHERE digest = ANY($1::text[])",
        list(digests.values()),
    )
    found: dict[str, Any] = {row["digest"]: (row["media_type"], row["content"]) for row in rows}
    return {name: found[digest] for name, digest in digests.items() if digest in found}


async def _note_fault(certificate_id: int, refusal: Refusal) -> None:
    """So that the sweep does not try it for ever; a download tries again."""
    logger.warning("paper_not_drawn", certificate_id=certificate_id, code=refusal.code)
    await pool().execute(
        "INSERT INTO certificate_paper (certificate_id, form, fault, stored_at) "
        "VALUES ($1, 'plain', $2, $3) ON CONFLICT DO NOTHING",
        certificate_id,
        refusal.sentence,
        clock.now(),
    )
