"""How does a whole unit get its certificates: as one ZIP, or as sheets for the print shop?"""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgpack

from certificates.printing import drawing, papers
from certificates.zips import Passing
from core.db import pool
from core.errors import Refusal
from core.text import fold

# Two to a sheet: a print shop's file of some 20 MB.
SHEET_LIMIT = 400
# Of papers to be signed elsewhere in one ZIP: 50 MB, ten minutes for a signing tool.
UNSIGNED_PART = 1_000
# Every certificate of a list has its place, those that do not count any more too.
_PLACED = """
WITH placed AS (
    SELECT c.id, c.batch_id, c.number, c.printed_name, n.place, 1 + (n.place - 1) / $3::int AS part,
           c.state = 'issued' AND c.erased_at IS NULL AND NOT EXISTS (
               SELECT FROM certificate_paper p
               WHERE p.certificate_id = c.id AND p.form = 'outside_signed') AS is_waiting
    FROM certificate c
    JOIN (SELECT id, row_number() OVER (PARTITION BY batch_id ORDER BY id) AS place
          FROM certificate
          WHERE contest_id = $1 AND ($2::bigint IS NULL OR batch_id = $2)) n USING (id)
)
"""
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


async def as_zip(bundled: Sequence[Bundled], form: str = "") -> AsyncIterator[bytes]:
    """A ZIP of the papers in this form, or the one that counts, handed out while they are drawn: it
    is never in memory as a whole.

    What could not be drawn is told in a text file beside the others.
    """
    out = Passing()
    faults: list[str] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        places = iter(bundled)
        async for paper in papers([each.id for each in bundled], form):
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


@dataclass(frozen=True, slots=True)
class UnsignedPart:
    """So many papers of a list, from one to another in its order; `waiting_count` have not come back
    signed.
    """

    number: int
    first: int
    last: int
    waiting_count: int


async def unsigned_parts(contest_id: int) -> dict[int, list[UnsignedPart]]:
    """How each list of a contest is divided for signing elsewhere; a part stays the same for good."""
    rows = await pool().fetch(
        f"{_PLACED} SELECT batch_id, part, min(place)::int AS first, max(place)::int AS last, "  # noqa: S608 — our own query
        "count(*) FILTER (WHERE is_waiting)::int AS waiting_count FROM placed "
        "GROUP BY batch_id, part ORDER BY batch_id, part",
        contest_id,
        None,
        UNSIGNED_PART,
    )
    parts: dict[int, list[UnsignedPart]] = {}
    for row in rows:
        parts.setdefault(row["batch_id"], []).append(
            UnsignedPart(row["part"], row["first"], row["last"], row["waiting_count"])
        )
    return parts


async def find_unsigned(contest_id: int, batch_id: int, part: int) -> list[Bundled]:
    """The papers of a part that nobody has brought back signed; refuses "not_found" without any."""
    rows = await pool().fetch(
        f"{_PLACED} SELECT id, number, printed_name FROM placed "  # noqa: S608 — as above
        "WHERE part = $4 AND is_waiting ORDER BY place",
        contest_id,
        batch_id,
        UNSIGNED_PART,
        part,
    )
    if not rows:
        raise Refusal("not_found", "Phần này không còn giấy nào chờ ký bên ngoài.")
    return [Bundled(row["id"], _file_name(row["number"], row["printed_name"])) for row in rows]


def _file_name(number: str, name: str) -> str:
    folded = "-".join(fold(name).split())[:60]
    return f"{number.replace('/', '-')}-{folded}.pdf"
