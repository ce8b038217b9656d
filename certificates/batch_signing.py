"""How do all papers of a list get the office's signature without holding anything else up?

Somebody asks for a list; the worker's job signs in a process of its own, slice by slice. What is
signed is kept, so a job that was killed goes on where it was, and two workers never sign one list
at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certificates import printing
from certificates.store import StoreAwayError
from core import clock
from core.db import after_commit, pool, transaction
from core.errors import Refusal
from core.killable import KillablePool, Limits
from core.queue import enqueue
from core.settings import settings
from people.audit import record

SLICE = 20
LEASE = timedelta(minutes=2)  # a slice takes seconds
SIGN_SECONDS = 30.0  # for one paper; a timestamp authority may take ten
TURN_SECONDS = 60  # of one run of the job, which may take two minutes


@dataclass(frozen=True, slots=True)
class SigningShown:
    """A list with what is signed of it; `asked_at` is None while nobody asked."""

    batch_id: int
    kind: str
    made_at: datetime
    paper_count: int
    signed_count: int
    outside_count: int
    asked_at: datetime | None
    is_running: bool
    fault: str


async def lists_of(contest_id: int) -> list[SigningShown]:
    """Every list of a contest that has certificates in force, the newest first."""
    rows = await pool().fetch(
        """
        SELECT b.id AS batch_id, b.kind, b.made_at, count(DISTINCT c.id)::int AS paper_count,
               count(p.id) FILTER (WHERE p.form = 'signed')::int AS signed_count,
               count(p.id) FILTER (WHERE p.form = 'outside_signed')::int AS outside_count,
               s.asked_at, s.id IS NOT NULL AND s.closed_at IS NULL AS is_running,
               coalesce(s.fault, '') AS fault
        FROM certificate_batch b
        JOIN certificate c ON c.batch_id = b.id AND c.state = 'issued' AND c.erased_at IS NULL
        LEFT JOIN certificate_paper p ON p.certificate_id = c.id AND p.digest IS NOT NULL
        LEFT JOIN LATERAL (SELECT * FROM certificate_signing s WHERE s.batch_id = b.id
                           ORDER BY s.id DESC LIMIT 1) s ON true
        WHERE b.contest_id = $1
        GROUP BY b.id, s.id, s.asked_at, s.closed_at, s.fault ORDER BY b.id DESC
        """,
        contest_id,
    )
    return [SigningShown(**row) for row in rows]


async def ask_signing(contest_id: int, batch_id: int, *, by: int) -> None:
    """Ask that the office's key signs all papers of a list; asking twice is asking once.

    Refuses "not_found", and "no_signing_key" where none is set.
    """
    if not settings().has_signing_key:
        raise Refusal(
            "no_signing_key",
            "Máy chủ chưa có khóa ký số. Hãy tải giấy chưa ký về, ký bằng công cụ của cơ quan rồi "
            "tải lên ở dưới.",
        )
    async with transaction() as connection:
        asked = await connection.fetchval(
            "INSERT INTO certificate_signing (batch_id, asked_by_id, asked_at) "
            "SELECT b.id, $3, $4 FROM certificate_batch b "
            "WHERE b.id = $1 AND b.contest_id = $2 AND b.state = 'done' "
            "ON CONFLICT (batch_id) WHERE closed_at IS NULL DO UPDATE SET fault = '' RETURNING id",
            batch_id,
            contest_id,
            by,
            clock.now(),
        )
        if asked is None:
            raise Refusal(
                "not_found", "Không tìm thấy danh sách này, hoặc danh sách chưa cấp xong."
            )
        await record(
            connection,
            by=by,
            action="ask_signing",
            subject=f"contest:{contest_id}",
            detail={"batch_id": batch_id},
        )
        after_commit(lambda: enqueue("sign_certificates"))


async def sign_waiting() -> int:
    """Sign papers of the lists that wait, for at most a minute; returns how many."""
    until = time.monotonic() + TURN_SECONDS
    done = 0
    if not await pool().fetchval("SELECT 1 FROM certificate_signing WHERE closed_at IS NULL"):
        return 0
    # One process: it opens the key once, and a token is used by one at a time.
    hand = KillablePool("certificates.signing", 1, Limits(seconds=SIGN_SECONDS))
    try:
        while time.monotonic() < until:
            signed = await _sign_slice(hand)
            if signed is None:
                break
            done += signed
    finally:
        await hand.close()
    if time.monotonic() >= until:
        enqueue("sign_certificates")
    return done


async def _sign_slice(hand: KillablePool) -> int | None:
    """Sign twenty papers of the oldest wish that nobody else holds; None when there is none."""
    row = await pool().fetchrow(
        "UPDATE certificate_signing SET lease_until = $1::timestamptz + $2::interval WHERE id = ("
        " SELECT id FROM certificate_signing WHERE closed_at IS NULL "
        " AND (lease_until IS NULL OR lease_until < $1) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        ") RETURNING id, batch_id, lease_until",
        clock.now(),
        LEASE,
    )
    if row is None:
        return None
    waiting = await pool().fetch(
        "SELECT c.id FROM certificate c WHERE c.batch_id = $1 AND c.state = 'issued' "
        "AND c.erased_at IS NULL AND NOT EXISTS (SELECT FROM certificate_paper p "
        " WHERE p.certificate_id = c.id AND p.form = 'signed') ORDER BY c.id LIMIT $2",
        row["batch_id"],
        SLICE,
    )
    count, fault = await _sign_each(hand, [each["id"] for each in waiting])
    # Whoever took longer than the lease has lost the wish to somebody else, who counts for himself.
    await pool().execute(
        "UPDATE certificate_signing SET signed_count = signed_count + $2, fault = $3, "
        "closed_at = $4, lease_until = NULL WHERE id = $1 AND lease_until = $5",
        row["id"],
        count,
        fault,
        None if waiting and not fault else clock.now(),
        row["lease_until"],
    )
    return count


async def _sign_each(hand: KillablePool, certificate_ids: Sequence[int]) -> tuple[int, str]:
    for count, certificate_id in enumerate(certificate_ids):
        try:
            plain = await printing.paper(certificate_id, "plain")
            await printing.keep_paper(certificate_id, "signed", await hand.ask(plain.content))
        except StoreAwayError:
            raise  # the wish stays open, and the sweep goes on with it
        except Refusal as refusal:
            if refusal.code in {"not_in_force", "not_found"}:
                continue  # revoked while the list was being signed
            return count, refusal.sentence
    return len(certificate_ids), ""
