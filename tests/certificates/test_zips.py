"""Whatever a ZIP file claims of itself, it is opened or refused without its memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from certificates import zips
from certificates.zips import Parcel, Passing, open_parcel
from core.errors import Refusal

PDF = b"%PDF-1.7 " + bytes(2000)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def opened(content: bytes) -> Parcel:
    return open_parcel(io.BytesIO(content))


def test_the_papers_of_a_parcel_are_its_pdf_files() -> None:
    files = {
        "xã/00001.pdf": PDF,
        "ghi chú.txt": b"x",
        "__MACOSX/xã/._00001.pdf": b"x",
        "../../etc/00002.PDF": b"two",
    }
    parcel = opened(zipped(files))
    assert [(parcel.name(place), parcel.read(place)) for place in range(len(parcel))] == [
        ("00001.pdf", PDF),
        ("00002.PDF", b"two"),
    ]


def test_what_is_written_in_passing_is_read_again() -> None:
    out, written = Passing(), b""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number in range(3):
            with archive.open(zipfile.ZipInfo(f"{number}.pdf"), "w") as entry:
                entry.write(PDF)
                written += out.taken()
    parcel = opened(written + out.taken())
    assert [parcel.read(place) for place in range(len(parcel))] == [PDF] * 3


def a_directory_of_a_million() -> bytes:
    """Nothing but a directory, whose entries all lead to one file."""
    one = zipped({"a.pdf": b"x"})
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    many = one[start:end] * 1_000_000
    tail = bytearray(one[end:])
    tail[8:12] = b"\xff\xff\xff\xff"
    tail[12:16] = len(many).to_bytes(4, "little")
    return one[:start] + many + bytes(tail)


def many_that_unpack_to_much() -> bytes:
    five_megabytes = bytes(zips.LARGEST_FILE_BYTES)
    one = zipped({"a.pdf": five_megabytes})
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    tail = bytearray(one[end:])
    tail[8:12] = (500).to_bytes(2, "little") * 2
    tail[12:16] = ((end - start) * 500).to_bytes(4, "little")
    return one[:start] + one[start:end] * 500 + bytes(tail)


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"no zip at all",
        lambda: zipped({"a.pdf": PDF})[:-30],
        lambda: zipped({"a.txt": b"x"}),
        lambda: zipped({f"{n}.pdf": b"" for n in range(101)}),
        a_directory_of_a_million,
        many_that_unpack_to_much,
    ],
    ids=["empty", "no zip", "cut", "no papers", "too many", "directory", "overlapping"],
)
def test_what_is_no_parcel_of_papers_is_refused_whole(
    make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zips, "MOST_FILES", 600 if make is many_that_unpack_to_much else 100)
    content = io.BytesIO(make())
    tracemalloc.start()
    with pytest.raises(Refusal, match="bad_zip"):
        open_parcel(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64_000_000


def lying(claimed: int) -> bytes:
    """A file that says of itself that it is smaller than what comes out."""
    content = zipped({"a.pdf": bytes(50_000_000)})
    return content.replace((50_000_000).to_bytes(4, "little"), claimed.to_bytes(4, "little"))


def encrypted() -> bytes:
    content = bytearray(zipped({"a.pdf": PDF}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped({"a.pdf": bytes(100_000_000)}), "lớn hơn 5 MB"),
        (lying(1000), "bị hỏng"),
        (encrypted(), "mật khẩu"),
        (zipped({"a.pdf": bytes(4_000_000)}, zipfile.ZIP_BZIP2), "cách nén lạ"),
        (zipped({"a.pdf": bytes(4_000_000)}, zipfile.ZIP_LZMA), "cách nén lạ"),
        (zipped({"a.pdf": PDF}, zipfile.ZIP_STORED).replace(PDF, PDF[::-1]), "bị hỏng"),
    ],
    ids=["bomb", "lying", "encrypted", "bzip2", "lzma", "rotten"],
)
def test_a_file_that_will_not_do_is_refused_alone(content: bytes, said: str) -> None:
    parcel = opened(content)
    tracemalloc.start()
    with pytest.raises(Refusal, match=said):
        parcel.read(0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64_000_000
