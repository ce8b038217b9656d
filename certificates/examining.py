"""What does a stranger's PDF file say about itself: its signatures, and what was added since a revision?

Run as a program it reads the file and writes JSON; `examine` starts it so, with limits on time and
memory, since a PDF can be made to cost whoever reads it any amount of either. Nothing is fetched,
drawn or run: a script inside the file is bytes like any others.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

import orjson

from core.errors import Refusal

LIMIT_SECONDS = 20
EACH_SECONDS = 0.5  # more for each further file; one takes some 0.05
LIMIT_BYTES = 700_000_000  # of address space; a signed certificate takes some 150 MB
MOST_SIGNATURES = 8
MOST_REVISIONS = 20
DEEPEST_TREE = 20
START_WITHIN_BYTES = 1_024
_START, _END = b"%PDF-", b"%%EOF"
# What a signature, its timestamps and its proofs add there (ISO 32000-2, 12.8; ETSI EN 319 142-1).
_OF_THE_CATALOG = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Perms", "/Version"})


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature in a PDF file, the first one first."""

    name: str  # as the certificate has it
    agency: str
    signed_at: datetime | None  # as the signer says, or the timestamp authority where there is one
    has_timestamp: bool
    is_intact: bool  # what it covers is as it was signed, and the key is the certificate's
    covers_all: bool  # nothing was added after it
    is_trusted: bool  # by an authority of SIGNING_TRUST_FILE


@dataclass(frozen=True, slots=True)
class Examined:
    """`fault` is empty, encrypted, broken or costly; `only_signed` says that nothing was added to
    the base but signatures, None where no base was named.
    """

    fault: str
    signatures: tuple[Signature, ...] = ()
    only_signed: bool | None = None


async def examine(content: bytes, *, base_size: int = 0, trust_file: str = "") -> Examined:
    """Look into a PDF file; `base_size` bytes from its start are a paper of ours, where not 0."""
    [found] = await examine_each([(content, base_size)], trust_file=trust_file)
    return found


async def examine_each(
    files: Sequence[tuple[bytes, int]], *, trust_file: str = ""
) -> list[Examined]:
    """The same for many files, one process for all; those after one that is too costly are "costly",
    too, and may be asked for again.
    """
    seconds = LIMIT_SECONDS + len(files) * EACH_SECONDS
    head = {"files": [[len(content), base] for content, base in files], "trust": trust_file}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "certificates.examining",
        str(int(seconds)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None  # as asked for
    assert process.stdout is not None
    told: list[Examined] = []
    try:
        async with asyncio.timeout(seconds):
            sending = asyncio.ensure_future(_send(process.stdin, head, files))
            async for line in process.stdout:
                told.append(_read(line))  # noqa: PERF401 — what was told before a limit counts
            await sending
    except (TimeoutError, OSError):
        sending.cancel()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return told + [Examined("costly")] * (len(files) - len(told))


async def _send(
    pipe: asyncio.StreamWriter, head: Mapping[str, Any], files: Sequence[tuple[bytes, int]]
) -> None:
    pipe.write(orjson.dumps(head) + b"\n")
    for content, _ in files:
        pipe.write(content)
        await pipe.drain()
    pipe.close()


def _read(line: bytes) -> Examined:
    found: dict[str, Any] = orjson.loads(line)
    signatures = [
        Signature(**{**each, "signed_at": _instant(each["signed_at"])})
        for each in found["signatures"]
    ]
    return Examined(found["fault"], tuple(signatures), found["only_signed"])


def refuse_other_files(content: bytes, *, largest_bytes: int) -> None:
    """Refuse what is no whole PDF file, at the price of a look at both ends."""
    if len(content) > largest_bytes:
        raise Refusal("too_large", f"Tệp lớn hơn {largest_bytes // 1_000_000} MB.")
    if _START not in content[:START_WITHIN_BYTES]:
        raise Refusal("bad_pdf", "Đây không phải tệp PDF. Hãy chọn đúng tệp giấy chứng nhận.")
    if _END not in content:
        raise Refusal("bad_pdf", "Tệp PDF bị cắt ngang, có thể chưa tải về hết.")


def revision_digests(content: bytes) -> dict[str, int]:
    """SHA-256 of every state that the file may have been in before something was appended, with its
    size, the longest first. Whoever signs a PDF appends; what stood before stays as it was.
    """
    ends: list[int] = []
    place = content.find(_END)
    while place >= 0 and len(ends) < MOST_REVISIONS * 3:
        end = place + len(_END)
        ends.append(end)
        for line_end in (b"\r\n", b"\n", b"\r"):
            if content.startswith(line_end, end):
                ends.append(end + len(line_end))
                break
        place = content.find(_END, end)
    found: dict[str, int] = {}
    running, done = sha256(), 0
    for end in sorted({*ends, len(content)}):
        running.update(content[done:end])
        done = end
        found[running.copy().hexdigest()] = end
    return dict(reversed(found.items()))


def look(content: bytes, base_size: int, trust_file: str) -> Examined:
    """Do `examine` in this process."""
    # Importing takes a second, and only this program needs it.
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 — see above

    reader = PdfFileReader(BytesIO(content), strict=False)
    if reader.encrypted:
        return Examined("encrypted")
    embedded = reader.embedded_regular_signatures
    if len(embedded) > MOST_SIGNATURES or reader.total_revisions > MOST_REVISIONS:
        return Examined("costly")
    roots = _roots(trust_file)
    signatures = tuple(_signature(each, roots) for each in embedded)
    only_signed = _is_only_signed(reader, content[:base_size]) if base_size else None
    return Examined("", signatures, only_signed)


def _signature(embedded: Any, roots: Sequence[Any]) -> Signature:
    from pyhanko.sign.validation import async_validate_pdf_signature  # noqa: PLC0415 — as in `look`
    from pyhanko.sign.validation.settings import KeyUsageConstraints  # noqa: PLC0415 — as in `look`
    from pyhanko.sign.validation.status import (  # noqa: PLC0415 — as in `look`
        SignatureCoverageLevel,
    )
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415 — as in `look`

    context = ValidationContext(
        trust_roots=list(roots), allow_fetching=False, revocation_mode="soft-fail"
    )
    status = asyncio.run(
        async_validate_pdf_signature(
            embedded,
            signer_validation_context=context,
            ts_validation_context=context,
            # State tools issue certificates with either of the two.
            key_usage_settings=KeyUsageConstraints(
                key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
            ),
        )
    )
    stamp = status.timestamp_validity
    stamped_at = stamp.timestamp if stamp and stamp.intact and stamp.valid else None
    subject = status.signing_cert.subject.native
    return Signature(
        name=_first(subject.get("common_name")),
        agency=_first(subject.get("organization_name")),
        signed_at=stamped_at or status.signer_reported_dt,
        has_timestamp=stamped_at is not None,
        is_intact=bool(status.intact and status.valid),
        covers_all=status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
        is_trusted=bool(status.trusted),
    )


def _is_only_signed(reader: Any, base: bytes) -> bool:
    """Whether of all that the base holds only what a signature must touch has changed.

    pyHanko's own rules compare signed revisions; they cannot say this of a base without a form.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 — as in `look`

    ours = PdfFileReader(BytesIO(base), strict=False)
    last = ours.total_revisions - 1
    before = reader.get_historical_resolver(last)
    if reader.root_ref != before.root_ref:
        return False  # a whole other document behind ours
    notes = {_reference(ours.trailer, "/Info"), _reference(ours.root, "/Metadata")}
    pages = _pages(before.root["/Pages"])
    touched = set().union(
        *(
            reader.xrefs.explicit_refs_in_revision(each)
            for each in range(last + 1, reader.total_revisions)
        )
    )
    for reference in touched:
        if reader.xrefs.get_introducing_revision(reference) > last:
            continue  # new; whatever it is, only what is looked at below leads to it
        old, new = before(reference), reader.get_object(reference)
        free: frozenset[str] = frozenset()
        if reference == before.root_ref:
            free = _OF_THE_CATALOG
        elif reference in pages and _has_only_more_fields(old, new):
            free = frozenset({"/Annots"})
        elif reference in notes:
            continue  # when it was changed, and by which program
        if _written(old, free) != _written(new, free):
            return False
    return True


def _reference(holder: Any, key: str) -> Any:
    """What an entry refers to; None when it is not there, or stands in its place."""
    return getattr(holder.raw_get(key), "reference", None) if key in holder else None


def _pages(node: Any, depth: int = 0) -> set[Any]:
    """The references of all pages."""
    found = set()
    for child in _raw_list(node, "/Kids"):
        page = child.get_object()
        if "/Kids" in page and depth < DEEPEST_TREE:
            found |= _pages(page, depth + 1)
        else:
            found.add(child.reference)
    return found


def _has_only_more_fields(old: Any, new: Any) -> bool:
    """Whether a page has all the annotations that it had, and besides them signature fields."""
    had, has = _raw_list(old, "/Annots"), _raw_list(new, "/Annots")
    added = [each.get_object() for each in has[len(had) :]]
    return [_written(each) for each in has[: len(had)]] == [_written(each) for each in had] and all(
        each.get("/Subtype") == "/Widget" and each.get("/FT") == "/Sig" for each in added
    )


def _raw_list(page: Any, key: str) -> list[Any]:
    found: Any = page.get(key) or ()
    return [found.raw_get(place) for place in range(len(found))]


def _written(value: Any, free: frozenset[str] = frozenset()) -> bytes:
    """An object as a file has it, without the keys that may change."""
    from pyhanko.pdf_utils.generic import DictionaryObject, StreamObject  # noqa: PLC0415 — as in `look`

    written = BytesIO()
    if isinstance(value, DictionaryObject):
        for key in sorted(value.keys() - free):
            value.raw_get(key).write_to_stream(written, None)
            written.write(key.encode())
        if isinstance(value, StreamObject):
            written.write(value.encoded_data)
    else:
        value.write_to_stream(written, None)
    return written.getvalue()


def _roots(trust_file: str) -> list[Any]:
    from pyhanko.keys import load_certs_from_pemder  # noqa: PLC0415 — as in `look`

    if not trust_file:
        return []
    return list(load_certs_from_pemder([trust_file]))  # type: ignore[no-untyped-call]  # pyHanko's own


def _first(value: Any) -> str:
    return str((value[0] if isinstance(value, list) else value) or "")


def _instant(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said) if said else None


def _main() -> None:
    head = orjson.loads(sys.stdin.buffer.readline())
    for size, base_size in head["files"]:
        content = sys.stdin.buffer.read(size)
        try:
            found = look(content, base_size, head["trust"])
        except (MemoryError, RecursionError):
            found = Examined("costly")
        except Exception:  # noqa: BLE001 — a stranger's file breaks a reader in ways without number
            found = Examined("broken")
        sys.stdout.buffer.write(orjson.dumps(asdict(found)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
    _main()
