"""Is a PDF file that comes from outside one of ours, and what became of it on its way?

Whoever signs a PDF appends to it, so a paper of ours is found in what came back by the SHA-256 of
its beginning. A citizen asks whether a file still counts; an office brings back papers that were
signed with the state's own tool, each of which is taken or refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
from certificates.zips import LARGEST_FILE_BYTES
from core.db import pool
from core.errors import Refusal
from core.settings import settings

KNOWN = "Bản ký này đã được nhận từ trước."
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
class Sent:
    """A file that somebody brought back."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """Whose papers came with a parcel that was sent at `since`."""

    since: datetime
    certificate_ids: set[int]


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a file: `outcome` is taken, known (it had come before) or refused."""

    file_name: str
    number: str
    certificate_id: int | None
    outcome: str
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
    stored_at: datetime


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


async def take_each(contest_id: int, files: Sequence[Sent], taken: Taken) -> list[Brought]:
    """Take papers of a contest that were signed elsewhere; what became of each, in their order.

    The answer is shorter than the files when one was so costly to look at that those after it have
    to be asked for again. `taken` is what of the same parcel was taken before, and learns of more.
    """
    places = [await _find(each.content, contest_id) for each in files]
    ours = [(each, place) for each, place in zip(files, places, strict=True) if place]
    looked = await examine_each(
        [(each.content, place.size) for each, place in ours],
        trust_file=settings().signing_trust_file,
    )
    seen = iter(looked)
    brought: list[Brought] = []
    for file, place in zip(files, places, strict=True):
        if place is None:
            brought.append(Brought(file.name, "", None, "refused", NOT_OURS))
            continue
        found = next(seen)
        brought.append(await _take(file, place, found, taken))
        if found.fault == "costly":
            break
    return brought


async def _take(file: Sent, place: _Found, seen: Examined, taken: Taken) -> Brought:
    sentence = _fault(place, seen, len(file.content))
    outcome = "refused"
    if place.certificate_id in taken.certificate_ids:
        sentence = "Giấy này có hai tệp trong lần gửi; chỉ nhận tệp đầu."
    elif sentence == KNOWN:
        # Whoever looked before and died had taken it, though it could not say so any more.
        outcome = "taken" if place.stored_at >= taken.since else "known"
    elif not sentence:
        await printing.keep_paper(place.certificate_id, "outside_signed", file.content)
        outcome, sentence = "taken", f"Đã nhận. {_signers(seen)}"
    if outcome == "taken":
        taken.certificate_ids.add(place.certificate_id)
    return Brought(file.name, place.number, place.certificate_id, outcome, sentence)


async def _find(content: bytes, contest_id: int | None = None) -> _Found | None:
    """The newest paper of ours that the file begins with."""
    if len(content) > LARGEST_FILE_BYTES:
        return None
    digests = revision_digests(content)
    rows = await pool().fetch(
        "SELECT p.digest, p.form, p.stored_at, c.id, c.contest_id, c.number, c.state "
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
        row["stored_at"],
    )


def _fault(place: _Found | None, seen: Examined, size: int) -> str:
    """Why a file is not taken; empty when it is."""
    if place is None:
        return NOT_OURS
    is_whole = place.size == size
    faults = (
        (bool(seen.fault), "Không đọc được tệp PDF này, hoặc tệp đặt mật khẩu."),
        (place.state != "issued", "Giấy này đã thu hồi hoặc đã được thay, không nhận bản ký nữa."),
        (is_whole and place.form == "outside_signed", KNOWN),
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
