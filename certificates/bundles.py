"""How does a whole unit get its certificates: as one ZIP, or as sheets for the print shop?"""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgpack

from certificates.printing import drawing, papers
from core.db import pool
from core.errors import Refusal
from core.text import fold

# Two to a sheet: a print shop's file of some 20 MB.
SHEET_LIMIT = 400
_MADE_AT = (2020, 1, 1, 0, 0, 0)  # the same papers give the same ZIP


@dataclass(frozen=True, slots=True)
class Bundled:
    """A certificate of a bundle, and what its file is called: number and name, without marks."""

    id: int
    file_name: str


async def find_bundled(
    contest_id: int, *, unit_id: int | None = None, kind: str = "", batch_id: int | None = None
) -> list[Bundled]:
    """A contest's certificates in force in the order of their numbers; what is empty does not narrow.

    A unit takes those beneath it too.
    """
    rows = await pool().fetch(
        "WITH RECURSIVE tree AS (SELECT id FROM unit WHERE id = $2 UNION ALL "
        " SELECT u.id FROM unit u JOIN tree t ON u.parent_id = t.id) "
        "SELECT c.id, c.number, c.printed_name FROM certificate c "
        "LEFT JOIN participant p ON p.id = c.participant_id "
        "WHERE c.contest_id = $1 AND c.state = 'issued' AND c.erased_at IS NULL "
        "AND ($2::bigint IS NULL OR coalesce(c.unit_id, p.unit_id) IN (SELECT id FROM tree)) "
        "AND ($3 = '' OR c.kind = $3) AND ($4::bigint IS NULL OR c.batch_id = $4) "
        "ORDER BY c.series_id, c.series_number",
        contest_id,
        unit_id,
        kind,
        batch_id,
    )
    return [Bundled(row["id"], _file_name(row["number"], row["printed_name"])) for row in rows]


async def as_zip(bundled: Sequence[Bundled]) -> AsyncIterator[bytes]:
    """A ZIP, handed out while the papers are drawn: it is never in memory as a whole.

    What could not be drawn is told in a text file beside the others.
    """
    out = _Passing()
    faults: list[str] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        places = iter(bundled)
        async for paper in papers([each.id for each in bundled]):
            each = next(places)
            if isinstance(paper, Refusal):
                faults.append(f"{each.file_name}: {paper.sentence}")
            else:
                archive.writestr(zipfile.ZipInfo(each.file_name, _MADE_AT), paper.content)
            yield out.taken()
        if faults:
            content = "\r\n".join(faults).encode("utf-8-sig")
            archive.writestr(zipfile.ZipInfo("chua-tao-duoc.txt", _MADE_AT), content)
    yield out.taken()


async def as_sheets(bundled: Sequence[Bundled]) -> bytes:
    """Two certificates to a sheet of SRA3 with crop marks.

    Refuses "too_many" beyond `SHEET_LIMIT`, and what the first paper that cannot be drawn refuses:
    a print shop's file is whole.
    """
    if len(bundled) > SHEET_LIMIT:
        raise Refusal(
            "too_many", f"Mỗi tệp in có nhiều nhất {SHEET_LIMIT} giấy. Hãy chọn từng đơn vị."
        )
    if not bundled:
        raise Refusal("not_found", "Không có giấy chứng nhận nào để in.")
    contents = []
    async for paper in papers([each.id for each in bundled]):
        if isinstance(paper, Refusal):
            raise paper
        contents.append(paper.content)
    return await drawing.ask(msgpack.packb({"sheets": contents}))


def _file_name(number: str, name: str) -> str:
    folded = "-".join(fold(name).split())[:60]
    return f"{number.replace('/', '-')}-{folded}.pdf"


class _Passing(io.RawIOBase):
    """A file that forgets what was taken from it; zipfile writes to it without ever going back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        added = bytes(content)  # type: ignore[call-overload]  # zipfile writes bytes
        self._waiting += added
        return len(added)

    def taken(self) -> bytes:
        content = bytes(self._waiting)
        self._waiting.clear()
        return content
