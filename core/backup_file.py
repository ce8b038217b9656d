"""What does a backup look like: one tar with a dump, and a manifest that says what is in it.

`manifest.json` comes first, so that a person can read it without unpacking the rest:
format, instant, server, migrations, every table's rows and SHA-256, every part's size and SHA-256.
`manifest.sha256` guards the manifest itself. A damaged or cut file is found before anything in a
database is touched.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from core.errors import Refusal

FORMAT = 1
DUMP = "database.dump"
_MANIFEST = "manifest.json"
_MANIFEST_SUM = "manifest.sha256"
_LARGEST_MANIFEST = 4 << 20  # bytes; a thousand tables are a tenth of it
_CHUNK = 1 << 20


@dataclass(frozen=True)
class TableState:
    """What a table held: its rows, and SHA-256 over them as COPY writes them, in key order."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """A member of the tar beside the manifest."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup says about itself."""

    made_at: datetime
    server_major: int
    tools_major: int  # of the pg_dump that wrote the dump: an older pg_restore cannot read it
    migrations: tuple[tuple[str, str], ...]
    tables: dict[str, TableState]
    dump: Part

    @property
    def row_count(self) -> int:
        return sum(table.rows for table in self.tables.values())


def open_private(path: Path) -> IO[bytes]:
    """A new file that only this account may read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def refuse_place(path: Path) -> None:
    """Refuse a place where no new file can be."""
    if path.exists():
        raise Refusal("file_exists", f"Đã có tệp {path}. Hãy chọn tên khác. / The file is there.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise Refusal(
            "no_folder",
            f"Không ghi được vào thư mục {path.parent}. / The folder cannot be written to.",
        )


def part_of(path: Path) -> Part:
    with path.open("rb") as file:
        return Part(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def write_backup(path: Path, manifest: Manifest, dump: Path) -> None:
    """Write the file and return when it is on the disk; it appears whole or not at all."""
    words = _to_json(manifest)
    partial = path.with_name(path.name + ".partial")
    try:
        with open_private(partial) as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                _add(tar, _MANIFEST, io.BytesIO(words), len(words), manifest.made_at)
                total = hashlib.sha256(words).hexdigest().encode() + b"\n"
                _add(tar, _MANIFEST_SUM, io.BytesIO(total), len(total), manifest.made_at)
                with dump.open("rb") as content:
                    _add(tar, DUMP, content, manifest.dump.bytes, manifest.made_at)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except OSError as error:
        raise Refusal("not_written", f"Không ghi được {path}: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)


def read_manifest(path: Path) -> Manifest:
    """Read what a file says about itself and check every byte of it."""
    with _opened(path) as tar:
        words = _member(tar, _MANIFEST).read(_LARGEST_MANIFEST)
        total = _member(tar, _MANIFEST_SUM).read(64).decode("ascii")
        if hashlib.sha256(words).hexdigest() != total:
            raise _damaged(path)
        manifest = _from_json(words)
        found = hashlib.sha256()
        for chunk in _chunks(_member(tar, DUMP)):
            found.update(chunk)
        if found.hexdigest() != manifest.dump.sha256:
            raise _damaged(path)
    return manifest


def dump_chunks(path: Path) -> Iterator[bytes]:
    """The dump inside the file, piece by piece."""
    with _opened(path) as tar:
        yield from _chunks(_member(tar, DUMP))


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """The tar; whatever is wrong with it becomes one sentence."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield tar
    except FileNotFoundError:
        raise Refusal("not_found", f"Không có tệp {path}. / There is no file {path}.") from None
    except OSError as error:
        raise Refusal("bad_file", f"Không đọc được tệp {path}: {error.strerror}.") from None
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError):
        raise _damaged(path) from None


def _damaged(path: Path) -> Refusal:
    return Refusal(
        "damaged_backup",
        f"Tệp {path} không phải bản sao lưu của Hiểu Số, hoặc đã bị hỏng hay bị cắt mất một phần. "
        "Chưa thay đổi gì. Hãy dùng một bản khác. / Not a backup, or a damaged or cut one; nothing "
        "has been changed.",
    )


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    content = tar.extractfile(name)
    if content is None:
        msg = f"{name} is no file"
        raise ValueError(msg)
    return content


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int, at: datetime) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(at.timestamp())
    tar.addfile(member, content)


def _to_json(manifest: Manifest) -> bytes:
    words = {
        "format": FORMAT,
        "note": "Có dữ liệu cá nhân và khóa xác thực hai lớp đã mã hóa; SECRET_KEY không ở đây. / "
        "Holds personal data and encrypted second factors; SECRET_KEY is not in it.",
        "made_at": manifest.made_at.isoformat(),
        "server_major": manifest.server_major,
        "tools_major": manifest.tools_major,
        "migrations": manifest.migrations,
        "tables": {name: asdict(table) for name, table in manifest.tables.items()},
        "parts": {DUMP: asdict(manifest.dump)},
    }
    return json.dumps(words, ensure_ascii=False, indent=1).encode() + b"\n"


def _from_json(words: bytes) -> Manifest:
    read = json.loads(words)
    if read["format"] != FORMAT:
        raise Refusal(
            "newer_backup",
            f"Bản sao lưu có định dạng {read['format']}; phiên bản này chỉ đọc được định dạng "
            f"{FORMAT}. Hãy cập nhật Hiểu Số rồi khôi phục. / A newer format: update first.",
        )
    return Manifest(
        made_at=datetime.fromisoformat(read["made_at"]),
        server_major=read["server_major"],
        tools_major=read["tools_major"],
        migrations=tuple((app, name) for app, name in read["migrations"]),
        tables={name: TableState(**state) for name, state in read["tables"].items()},
        dump=Part(**read["parts"][DUMP]),
    )
