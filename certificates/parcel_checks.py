"""Which files of a parcel are papers of ours that somebody signed?

A worker lays the parcel's pieces together and goes through its files slice by slice: what is taken
stays taken, each that is not has its reason, and whoever follows a worker that died goes on behind
the last slice.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO

from certificates.parcels import SALT_BYTES, drop_parcels, forget_pieces
from certificates.store import StoreAwayError, store_of
from certificates.uploads import Brought, Sent, Taken, take_each
from certificates.zips import LARGEST_FILE_BYTES, Parcel, open_parcel
from core import clock
from core.db import pool, transaction
from core.errors import Refusal
from core.queue import enqueue
from core.settings import settings

SLICE_FILES, SLICE_BYTES = 60, 24_000_000
LEASE = timedelta(minutes=3)  # a slice takes seconds, at the worst a minute
TURN_SECONDS = 45  # of one run of the job, which may take two minutes
KEPT = timedelta(days=30)  # what became of a parcel's files is shown so long


@dataclass(slots=True)
class _Held:
    """A parcel that this worker looks at until its lease ends."""

    id: int
    contest_id: int
    checked_count: int
    lease_until: datetime
    taken: Taken


async def check_waiting() -> int:
    """Look at files of the parcels that wait, for at most a minute; returns at how many.

    Refuses "store_away"; the sweep then goes on with the parcel.
    """
    until = time.monotonic() + TURN_SECONDS
    await _drop_old()
    done = 0
    while time.monotonic() < until and (held := await _lease()) is not None:
        try:
            done += await _check(held, until)
        finally:
            await pool().execute(
                "UPDATE certificate_parcel SET lease_until = NULL WHERE id = $1 AND lease_until = $2",
                held.id,
                held.lease_until,
            )
    if time.monotonic() >= until:
        enqueue("check_parcels")
    return done


async def _lease() -> _Held | None:
    until = clock.now() + LEASE
    row = await pool().fetchrow(
        "UPDATE certificate_parcel SET lease_until = $2 WHERE id = ("
        " SELECT id FROM certificate_parcel WHERE state = 'waiting' "
        " AND (lease_until IS NULL OR lease_until < $1) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        ") RETURNING id, contest_id, checked_count, sent_at",
        clock.now(),
        until,
    )
    if row is None:
        return None
    taken = await pool().fetch(
        "SELECT certificate_id FROM certificate_parcel_file "
        "WHERE parcel_id = $1 AND outcome = 'taken'",
        row["id"],
    )
    known = Taken(row["sent_at"], {each["certificate_id"] for each in taken})
    return _Held(row["id"], row["contest_id"], row["checked_count"], until, known)


async def _check(held: _Held, until: float) -> int:
    done = 0
    # Not where other temporary files are: that may be memory.
    folder = settings().local_path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            await _lay_together(held.id, file)
            parcel = await asyncio.to_thread(open_parcel, file)
        except StoreAwayError:
            raise
        except Refusal as refusal:
            await _close(held, "refused", refusal.sentence)
            return 0
        while held.checked_count < len(parcel):
            if time.monotonic() >= until:
                return done
            brought = await _check_slice(held, parcel)
            if not await _note(held, brought, len(parcel)):
                return done  # it took too long: somebody else looks at the parcel
            done += len(brought)
    await _close(held, "done", "")
    return done


async def _lay_together(parcel_id: int, file: IO[bytes]) -> None:
    rows = await pool().fetch(
        "SELECT digest FROM certificate_parcel_piece WHERE parcel_id = $1 ORDER BY number",
        parcel_id,
    )
    for row in rows:
        piece = await store_of(settings()).get(row["digest"])
        if piece is None:
            raise Refusal("bad_zip", "Gói này bị thất lạc một phần trên máy chủ. Hãy gửi lại.")
        await asyncio.to_thread(file.write, piece[SALT_BYTES:])


async def _check_slice(held: _Held, parcel: Parcel) -> list[Brought]:
    """What became of the next files, in the parcel's order."""
    files: list[Sent | Brought] = []
    left = SLICE_BYTES
    while len(files) < SLICE_FILES and held.checked_count + len(files) < len(parcel):
        place = held.checked_count + len(files)
        left -= min(parcel.size(place), LARGEST_FILE_BYTES)
        if left < 0 and files:
            break
        files.append(await asyncio.to_thread(_read, parcel, place))
    sent = [each for each in files if isinstance(each, Sent)]
    told = iter(await take_each(held.contest_id, sent, held.taken))
    brought: list[Brought] = []
    for each in files:
        found = each if isinstance(each, Brought) else next(told, None)
        if found is None:  # the one before was too costly: the rest is asked for again
            break
        brought.append(found)
    return brought


def _read(parcel: Parcel, place: int) -> Sent | Brought:
    try:
        return Sent(parcel.name(place), parcel.read(place))
    except Refusal as refusal:
        return Brought(parcel.name(place), "", None, "refused", refusal.sentence)


async def _note(held: _Held, brought: list[Brought], file_count: int) -> bool:
    """Write down what became of a slice, if the parcel is still ours to look at."""
    until = clock.now() + LEASE
    outcomes = [each.outcome for each in brought]
    async with transaction() as connection:
        is_ours = await connection.fetchval(
            "UPDATE certificate_parcel SET checked_count = checked_count + $4, file_count = $5, "
            "taken_count = taken_count + $6, known_count = known_count + $7, lease_until = $8 "
            "WHERE id = $1 AND lease_until = $2 AND checked_count = $3 RETURNING true",
            held.id,
            held.lease_until,
            held.checked_count,
            len(brought),
            file_count,
            outcomes.count("taken"),
            outcomes.count("known"),
            until,
        )
        if not is_ours:
            return False
        await connection.executemany(
            "INSERT INTO certificate_parcel_file (parcel_id, position, file_name, number, "
            "certificate_id, outcome, sentence) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                (held.id, position, each.file_name, each.number, each.certificate_id,
                 each.outcome, each.sentence)
                for position, each in enumerate(brought, held.checked_count)
            ],
        )  # fmt: skip
    held.lease_until = until
    held.checked_count += len(brought)
    return True


async def _close(held: _Held, state: str, fault: str) -> None:
    async with transaction() as connection:
        is_ours = await connection.fetchval(
            "UPDATE certificate_parcel SET state = $3, fault = $4, closed_at = $5, "
            "lease_until = NULL WHERE id = $1 AND lease_until = $2 RETURNING true",
            held.id,
            held.lease_until,
            state,
            fault,
            clock.now(),
        )
        if is_ours:
            await forget_pieces(connection, [held.id])


async def _drop_old() -> None:
    """Forget what was broken off while it came in, and what was shown for long enough."""
    rows = await pool().fetch(
        "SELECT id FROM certificate_parcel WHERE (state = 'receiving' AND lease_until < $1) "
        "OR closed_at < $1::timestamptz - $2::interval",
        clock.now(),
        KEPT,
    )
    if rows:
        await drop_parcels([row["id"] for row in rows])
