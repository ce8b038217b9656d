from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from certificates import examining, signing
from certificates.examining import examine, refuse_other_files, revision_digests
from core.errors import Refusal
from core.settings import Settings
from tests.certificates import offices


def with_another_text(content: bytes) -> bytes:
    """Somebody appends a revision in which the page says something else."""
    writer = IncrementalPdfFileWriter(BytesIO(content))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Contents"] = writer.add_object(
        generic.StreamObject(stream_data=b"BT /F1 24 Tf 100 300 Td (Somebody else) Tj ET")
    )
    writer.mark_update(page.container_ref)
    changed = BytesIO()
    writer.write(changed)
    return changed.getvalue()


async def signed(content: bytes, folder: Path) -> bytes:
    async with signing.open_office(Settings(local_dir=str(folder))) as office:
        return await office.sign_pdf(content)


async def test_what_was_slipped_in_before_the_signature_is_seen(tmp_path: Path) -> None:
    plain = offices.paper()
    forged = await signed(with_another_text(plain), tmp_path)
    found = await examine(forged, base_size=len(plain))
    assert found.signatures[0].is_intact
    assert found.only_signed is False


async def test_what_was_appended_after_the_signature_is_seen(tmp_path: Path) -> None:
    plain = offices.paper()
    whole = await signed(plain, tmp_path)
    found = await examine(with_another_text(whole), base_size=len(plain))
    assert not found.signatures[0].covers_all
    assert found.only_signed is False


async def test_one_byte_changed_breaks_the_signature(tmp_path: Path) -> None:
    whole = bytearray(await signed(offices.paper(), tmp_path))
    place = whole.find(b"842")
    whole[place] = ord("9")
    found = await examine(bytes(whole))
    assert found.fault == "broken" or not found.signatures[0].is_intact


def test_every_earlier_state_of_a_file_is_found_again() -> None:
    plain = offices.paper()
    later = with_another_text(plain)
    digests = list(revision_digests(later).values())
    assert digests[0] == len(later)
    assert len(plain) in digests
    assert revision_digests(plain).keys() & revision_digests(later).keys()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 a shopping list", b"%PDF-1.7 and no end"],
    ids=["empty", "zip", "cut"],
)
def test_what_is_no_pdf_is_refused_unopened(content: bytes) -> None:
    with pytest.raises(Refusal, match="bad_pdf"):
        refuse_other_files(content, largest_bytes=1_000)


def test_a_hundred_megabytes_are_refused_unread() -> None:
    with pytest.raises(Refusal, match="too_large"):
        refuse_other_files(b"%PDF-" + bytes(100_000_000), largest_bytes=10_000_000)


def bomb() -> bytes:
    """An object stream of a gigabyte of spaces, a megabyte long."""
    squeezed = zlib.compress(b" " * 100_000_000, 9)
    for _ in range(1):
        squeezed = zlib.compress(squeezed, 9)
    head = b"%PDF-1.7\n"
    stream = (
        b"1 0 obj\n<</Type/XRef/Size 9/W[1 2 1]/Root 2 0 R/Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n"
        % len(squeezed)
    )
    return head + stream + squeezed + b"\nendstream endobj\nstartxref\n9\n%%EOF\n"


def deep() -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj\n"
        + b"[" * 200_000
        + b"\nendobj\ntrailer<</Root 1 0 R/Size 2>>\nstartxref\n0\n%%EOF\n"
    )


def locked() -> bytes:
    written = BytesIO()
    with pikepdf.open(BytesIO(offices.paper())) as pdf:
        pdf.save(written, encryption=pikepdf.Encryption(owner="a", user="b"))
    return written.getvalue()


@pytest.mark.parametrize(
    ("make", "faults"),
    [
        (bomb, {"broken", "costly"}),
        (deep, {"broken", "costly"}),
        (locked, {"encrypted", "broken"}),
        (lambda: b"%PDF-1.7\n%%EOF", {"broken"}),
    ],
    ids=["a bomb", "nested without end", "a password", "an empty shell"],
)
async def test_a_hostile_file_costs_its_own_process_alone(make: object, faults: set[str]) -> None:
    found = await examine(make())  # type: ignore[operator]  # one of the four above
    assert found.fault in faults
    assert found.signatures == ()


async def test_a_script_in_a_file_is_bytes_like_any_others() -> None:
    written = BytesIO()
    with pikepdf.open(BytesIO(offices.paper())) as pdf:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        pdf.Root.OpenAction = script
        pdf.save(written)
    assert (await examine(written.getvalue())).fault == ""


async def test_whoever_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "LIMIT_SECONDS", 0.01)
    assert (await examine(offices.paper())).fault == "costly"
