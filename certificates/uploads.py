"""Is a PDF file that comes from outside one of ours, and what became of it on its way?

Whoever signs a PDF appends to it, so a paper of ours is found in what came back by the SHA-256 of
its beginning. A citizen asks whether a file still counts; an office brings back papers that were
signed with the state's own tool, each of which is taken or refused with a sentence.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath

from certificates import lookup, printing
from certificates.examining import (
    Examined,
    Signature,
    examine,
    examine_each,
    refuse_other_files,
    revision_digests,
)
from certificates.lookup import CertificateShown
from core.db import pool, transaction
from core.errors import Refusal
from core.settings import settings
from people.audit import record

LARGEST_FILE_BYTES = 5_000_000  # a certificate of ours has some 50 kB, signed some 70
MOST_FILES = 300
FILES_GIVEN = 100  # of up to 100 kB once they are signed: ten megabytes come back at once
LARGEST_UNPACKED_BYTES = 64_000_000
NOT_OURS = (
    "Không khớp với giấy nào của cuộc thi này: nội dung đã bị thay đổi, công cụ ký đã ghi lại cả "
    "tệp, hoặc tệp không xuất từ đây."
)


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """`kind`: ours (byte by byte), signed (ours, with a signature that somebody added), changed
    (ours once, with something else added), unknown.
    """

    kind: str
    certificate: CertificateShown | None
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of one file of an upload."""

    file_name: str
    number: str
    is_taken: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A paper of ours at the beginning of a file."""

    certificate_id: int
    contest_id: int
    number: str
    state: str
    form: str
    size: int


async def check_file(content: bytes) -> FileVerdict:
    """Whether a file is a certificate of ours, unchanged; refuses what is no PDF file."""
    refuse_other_files(content, largest_bytes=LARGEST_FILE_BYTES)
    found = await _find(content)
    looked = await examine(
        content, base_size=found.size if found else 0, trust_file=settings().signing_trust_file
    )
    if looked.fault == "costly":
        raise Refusal("bad_pdf", "Tệp này quá phức tạp nên không kiểm tra được.")
    if found is None:
        return FileVerdict("unknown", None, looked.signatures)
    shown = await lookup.get(found.certificate_id)
    if found.size == len(content):
        kind = "ours"
    elif looked.only_signed and _fault_of_signatures(looked.signatures, needs_trust=False) == "":
        kind = "signed"
    else:
        kind = "changed"
    return FileVerdict(kind, shown, looked.signatures)


async def take_signed(contest_id: int, content: bytes, *, by: int) -> list[Brought]:
    """Take papers of a contest that were signed elsewhere, out of a ZIP file or as one PDF.

    Refuses "bad_zip" as a whole; a single file that will not do is refused alone. May be repeated.
    """
    names, files = _unpack(content)
    places = [await _find(each, contest_id) for each in files]
    looked = await examine_each(
        [(each, place.size if place else 0) for each, place in zip(files, places, strict=True)],
        trust_file=settings().signing_trust_file,
    )
    brought: list[Brought] = []
    for name, file, place, seen in zip(names, files, places, looked, strict=True):
        number = place.number if place else ""
        sentence = _fault(place, seen, len(file))
        if not sentence and number in {each.number for each in brought if each.is_taken}:
            sentence = "Giấy này có hai tệp trong lần tải lên; chỉ nhận tệp đầu."
        if not sentence and place is not None:
            await printing.keep_paper(place.certificate_id, "outside_signed", file)
        brought.append(
            Brought(name, number, not sentence, sentence or f"Đã nhận. {_signers(seen)}")
        )
    async with transaction() as connection:
        await record(
            connection,
            by=by,
            action="take_signed_papers",
            subject=f"contest:{contest_id}",
            detail={
                "taken": [each.number for each in brought if each.is_taken],
                "refused_count": sum(not each.is_taken for each in brought),
            },
        )
    return brought


def _unpack(content: bytes) -> tuple[list[str], list[bytes]]:
    if content.startswith(b"%PDF"):
        return [""], [content]
    names: list[str] = []
    files: list[bytes] = []
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = [
                each
                for each in archive.infolist()
                if not each.is_dir() and each.filename.lower().endswith(".pdf")
            ]
            if (
                len(entries) > MOST_FILES
                or sum(e.file_size for e in entries) > LARGEST_UNPACKED_BYTES
            ):
                raise Refusal(
                    "bad_zip", f"Tệp nén có quá nhiều giấy. Mỗi lần gửi tối đa {MOST_FILES} tệp."
                )
            left = LARGEST_UNPACKED_BYTES
            for entry in entries:
                with archive.open(entry) as part:
                    # The directory may lie about sizes, so what comes out is counted.
                    file = part.read(min(left, LARGEST_FILE_BYTES) + 1)
                left -= len(file)
                names.append(PurePosixPath(entry.filename).name[:100])
                files.append(file)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        RuntimeError,
        NotImplementedError,
        OSError,
        EOFError,
        ValueError,
    ):
        raise Refusal(
            "bad_zip",
            "Không mở được tệp nén. Hãy nén các tệp PDF thành một tệp .zip không mật khẩu.",
        ) from None
    if not files:
        raise Refusal("bad_zip", "Trong tệp nén không có tệp PDF nào.")
    return names, files


async def _find(content: bytes, contest_id: int | None = None) -> _Found | None:
    """The newest paper of ours that the file begins with."""
    if len(content) > LARGEST_FILE_BYTES:
        return None
    digests = revision_digests(content)
    rows = await pool().fetch(
        "SELECT p.digest, p.form, c.id, c.contest_id, c.number, c.state "
        "FROM certificate_paper p JOIN certificate c ON c.id = p.certificate_id "
        "WHERE p.digest = ANY($1::text[]) AND ($2::bigint IS NULL OR c.contest_id = $2)",
        list(digests),
        contest_id,
    )
    if not rows:
        return None
    row = max(rows, key=lambda each: digests[each["digest"]])
    return _Found(
        row["id"],
        row["contest_id"],
        row["number"],
        row["state"],
        row["form"],
        digests[row["digest"]],
    )


def _fault(place: _Found | None, seen: Examined, size: int) -> str:
    """Why a file is not taken; empty when it is."""
    if place is None:
        return NOT_OURS
    is_whole = place.size == size
    faults = (
        (bool(seen.fault), "Không đọc được tệp PDF này, hoặc tệp đặt mật khẩu."),
        (place.state != "issued", "Giấy này đã thu hồi hoặc đã được thay, không nhận bản ký nữa."),
        (is_whole and place.form == "outside_signed", "Bản ký này đã được nhận từ trước."),
        (is_whole, "Tệp chưa được ký bên ngoài."),
        (not seen.only_signed, "Ngoài chữ ký, nội dung giấy đã bị thay đổi."),
    )
    found = next((sentence for is_so, sentence in faults if is_so), "")
    needs_trust = bool(settings().signing_trust_file)
    return found or _fault_of_signatures(seen.signatures, needs_trust=needs_trust)


def _fault_of_signatures(signatures: Sequence[Signature], *, needs_trust: bool) -> str:
    if not signatures:
        return "Tệp không có chữ ký số."
    if not all(each.is_intact for each in signatures):
        return "Chữ ký số không đúng, hoặc tệp bị sửa sau khi ký."
    last = signatures[-1]
    if not last.covers_all:
        return "Sau khi ký còn có nội dung được thêm vào tệp."
    if needs_trust and not last.is_trusted:
        return f"Chữ ký của {last.name or 'người ký'} không do tổ chức chứng thực được tin cậy cấp."
    return ""


def _signers(seen: Examined) -> str:
    names = [", ".join(filter(None, (each.name, each.agency))) for each in seen.signatures]
    return f"Người ký: {'; '.join(names)}."


async def unsigned_archive(contest_id: int, batch_id: int) -> bytes:
    """A ZIP of plain papers of a list that nobody has brought back signed yet, as many as may come
    back in one upload. Refuses "not_found" when there are none.
    """
    rows = await pool().fetch(
        "SELECT c.id FROM certificate c WHERE c.contest_id = $1 AND c.batch_id = $2 "
        "AND c.state = 'issued' AND c.erased_at IS NULL AND NOT EXISTS ("
        " SELECT FROM certificate_paper p "
        " WHERE p.certificate_id = c.id AND p.form = 'outside_signed') ORDER BY c.id LIMIT $3",
        contest_id,
        batch_id,
        FILES_GIVEN,
    )
    if not rows:
        raise Refusal("not_found", "Danh sách này không còn giấy nào chờ ký bên ngoài.")
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for row in rows:
            paper = await printing.paper(row["id"], "plain")
            archive.writestr(paper.file_name, paper.content)
    return written.getvalue()
