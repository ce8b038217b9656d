"""How do thousands of papers that were signed elsewhere come back, however long that takes?

What somebody sends goes into the store in pieces as it comes in, so that neither a web process nor
its disk ever holds it as a whole. `certificates.parcel_checks` then looks at it in the worker.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import IO

from certificates.printing import give_up
from certificates.store import store_of
from certificates.zips import Passing
from core import clock
from core.db import Connection, after_commit, pool, transaction
from core.errors import Refusal
from core.queue import enqueue
from core.settings import settings
from people.audit import record

LARGEST_BYTES = 1_000_000_000  # of one sending: some 14,000 signed papers
MOST_LOOSE_FILES = 5_000  # PDF files beside ZIP files in one sending
PIECE_BYTES = 4_000_000
RECEIVING = timedelta(minutes=10)  # since the last piece; then it was broken off
SHOWN_PARCELS, SHOWN_REFUSED = 10, 500
# Two pieces that happen to be equal must not be one: each is removed with its own parcel.
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class ParcelShown:
    """`state`: waiting, done, refused (as a whole, because of `fault`); `file_count` is 0 until
    somebody has looked into it; `known_count` are papers that had come before.
    """

    id: int
    file_name: str
    size: int
    sent_at: datetime
    state: str
    file_count: int
    checked_count: int
    taken_count: int
    known_count: int
    fault: str

    @property
    def refused_count(self) -> int:
        return self.checked_count - self.taken_count - self.known_count


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file of a parcel that was not taken, and why."""

    file_name: str
    number: str
    sentence: str


class Sending:
    """What one person sends at once: each ZIP file is a parcel, single files together are another."""

    def __init__(self, contest_id: int, *, by: int) -> None:
        self._contest_id, self._by = contest_id, by
        self._parcels: list[_Incoming] = []
        self._current: _Incoming | None = None
        self._loose: _Loose | None = None

    async def begin(self, file_name: str) -> None:
        """Another file follows. Refuses what is neither ZIP nor PDF by its name."""
        await self._end_file()
        name = file_name.lower()
        if name.endswith(".zip"):
            self._current = await self._open(file_name)
        elif name.endswith(".pdf"):
            if self._loose is None:
                self._loose = _Loose(await self._open("*.pdf"))
            self._loose.begin(file_name)
        else:
            raise _no_file(f"“{file_name[:60]}” không phải tệp .zip hay .pdf.")

    async def add(self, content: bytes) -> None:
        if self._current is not None:
            await self._current.add(content)
        elif self._loose is not None:
            await self._loose.add(content)

    async def finish(self) -> None:
        """Everything has come: the worker may look. Refuses when nothing has."""
        await self._end_file()
        if self._loose is not None:
            await self._loose.close()
        for parcel in self._parcels:
            await parcel.flush()
        if not any(parcel.size for parcel in self._parcels):
            raise _no_file("Hãy chọn tệp có dữ liệu.")
        async with transaction() as connection:
            await connection.execute(
                "UPDATE certificate_parcel SET state = 'waiting', lease_until = NULL, sent_at = $2 "
                "WHERE id = ANY($1::bigint[])",
                [parcel.id for parcel in self._parcels],
                clock.now(),
            )
            await record(
                connection,
                by=self._by,
                action="take_signed_papers",
                subject=f"contest:{self._contest_id}",
                detail={
                    "parcels": [parcel.id for parcel in self._parcels],
                    "bytes": sum(parcel.size for parcel in self._parcels),
                },
            )
            after_commit(lambda: enqueue("check_parcels"))

    async def drop(self) -> None:
        """It was broken off, or refused: nothing of it stays."""
        await drop_parcels([parcel.id for parcel in self._parcels])

    async def _open(self, file_name: str) -> _Incoming:
        parcel_id = await pool().fetchval(
            "INSERT INTO certificate_parcel (contest_id, file_name, sent_by_id, sent_at, state, "
            "lease_until) VALUES ($1, $2, $3, $4, 'receiving', $5) RETURNING id",
            self._contest_id,
            file_name[-100:],
            self._by,
            clock.now(),
            clock.now() + RECEIVING,
        )
        self._parcels.append(_Incoming(parcel_id))
        return self._parcels[-1]

    async def _end_file(self) -> None:
        self._current = None
        if self._loose is not None:
            await self._loose.end()


class _Incoming:
    """One parcel on its way into the store."""

    def __init__(self, parcel_id: int) -> None:
        self.id = parcel_id
        self.size = 0
        self._number = 0
        self._waiting = bytearray()

    async def add(self, content: bytes) -> None:
        self.size += len(content)
        self._waiting += content
        while len(self._waiting) >= PIECE_BYTES:
            await self._put(bytes(self._waiting[:PIECE_BYTES]))
            del self._waiting[:PIECE_BYTES]

    async def flush(self) -> None:
        if self._waiting:
            await self._put(bytes(self._waiting))
            self._waiting.clear()

    async def _put(self, content: bytes) -> None:
        salted = os.urandom(SALT_BYTES) + content
        # Noted before it is there: what is noted can be removed, whatever happens in between.
        await pool().execute(
            "WITH piece AS (INSERT INTO certificate_parcel_piece (parcel_id, number, digest) "
            "VALUES ($1, $2, $3)) UPDATE certificate_parcel SET size = $4, lease_until = $5 "
            "WHERE id = $1",
            self.id,
            self._number,
            sha256(salted).hexdigest(),
            self.size,
            clock.now() + RECEIVING,
        )
        await store_of(settings()).put(salted)
        self._number += 1


class _Loose:
    """Single files, written into a ZIP file that nobody ever holds as a whole."""

    def __init__(self, parcel: _Incoming) -> None:
        self._parcel = parcel
        self._out = Passing()
        self._archive = zipfile.ZipFile(self._out, "w", zipfile.ZIP_STORED)
        self._entry: IO[bytes] | None = None
        self._count = 0

    def begin(self, file_name: str) -> None:
        self._count += 1
        if self._count > MOST_LOOSE_FILES:
            raise _no_file(f"Mỗi lần gửi tối đa {MOST_LOOSE_FILES} tệp rời. Hãy nén thành .zip.")
        self._entry = self._archive.open(zipfile.ZipInfo(file_name[-100:]), "w")

    async def add(self, content: bytes) -> None:
        if self._entry is not None:
            self._entry.write(content)
            await self._parcel.add(self._out.taken())

    async def end(self) -> None:
        if self._entry is not None:
            self._entry.close()
            self._entry = None
            await self._parcel.add(self._out.taken())

    async def close(self) -> None:
        self._archive.close()
        await self._parcel.add(self._out.taken())


async def drop_parcels(parcel_ids: Sequence[int]) -> None:
    """Forget parcels with all that came of them."""
    async with transaction() as connection:
        await forget_pieces(connection, parcel_ids)
        for table, column in (
            ("certificate_parcel_file", "parcel_id"),
            ("certificate_parcel", "id"),
        ):
            await connection.execute(
                f"DELETE FROM {table} WHERE {column} = ANY($1::bigint[])",  # noqa: S608 — names of ours
                list(parcel_ids),
            )


async def forget_pieces(connection: Connection, parcel_ids: Sequence[int]) -> None:
    """Nobody needs the bytes of these parcels any more; inside the caller's transaction."""
    rows = await connection.fetch(
        "DELETE FROM certificate_parcel_piece WHERE parcel_id = ANY($1::bigint[]) RETURNING digest",
        list(parcel_ids),
    )
    await give_up(connection, [row["digest"] for row in rows])


async def parcels_of(contest_id: int) -> list[ParcelShown]:
    """The last parcels of a contest that have come as a whole, the newest first."""
    rows = await pool().fetch(
        "SELECT id, file_name, size, sent_at, state, file_count, checked_count, taken_count, "
        "known_count, fault FROM certificate_parcel WHERE contest_id = $1 AND state <> 'receiving' "
        "ORDER BY id DESC LIMIT $2",
        contest_id,
        SHOWN_PARCELS,
    )
    return [ParcelShown(**row) for row in rows]


async def refused_of(parcel_id: int) -> list[RefusedFile]:
    """The files of a parcel that were not taken, at most `SHOWN_REFUSED`, in the parcel's order."""
    rows = await pool().fetch(
        "SELECT file_name, number, sentence FROM certificate_parcel_file "
        "WHERE parcel_id = $1 AND outcome = 'refused' ORDER BY position LIMIT $2",
        parcel_id,
        SHOWN_REFUSED,
    )
    return [RefusedFile(**row) for row in rows]


def _no_file(sentence: str) -> Refusal:
    return Refusal("no_file", sentence, fields={"tep": sentence})
