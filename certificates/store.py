"""Where do the bytes of papers live, and how are they found by what they are?

Content-addressed: a paper's name is the SHA-256 of its bytes, so nothing is ever overwritten, two
processes may put the same at once, and what comes back is checked against its name. All web and
worker processes share the place: a folder (CERTIFICATE_DIR) or a bucket (CERTIFICATE_BUCKET), both
laid out alike, so that a plain copy moves from one to the other.
"""

from __future__ import annotations

import asyncio
import os
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from core.errors import Refusal
from core.settings import Settings

RETRY_SECONDS = 30
_DIGEST = re.compile("[0-9a-f]{64}")
# What is put and read back to see whether a place can be used; it stays there.
_PROBE = b"Hieu So: a probe of the store of certificates\n"


class StoreAwayError(Refusal):
    """The place did not answer, or not as it should: nobody knows what is there. Ask again later."""

    def __init__(self) -> None:
        super().__init__(
            "store_away",
            "Kho lưu giấy chứng nhận đang không trả lời. Giấy của bạn vẫn được giữ; hãy thử lại "
            "sau ít phút.",
            retry_after_seconds=RETRY_SECONDS,
        )


class Store(Protocol):
    """One small interface over whatever keeps bytes; each of the three may refuse "store_away"."""

    async def put(self, content: bytes) -> str:
        """Keep bytes for good and return their SHA-256; they are durable when it returns."""

    async def get(self, digest: str) -> bytes | None:
        """The bytes, or None when they are not there or not what their name says."""

    async def remove(self, digest: str) -> None:
        """Forget them; nothing happens when they are not there."""


class Folder:
    """A store in a folder, two letters a level, so that no folder has a million files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, content: bytes) -> str:
        return await asyncio.to_thread(self._put, content)

    async def get(self, digest: str) -> bytes | None:
        return await asyncio.to_thread(self._get, digest)

    async def remove(self, digest: str) -> None:
        await asyncio.to_thread(self._path(digest).unlink, missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._root / place_of(digest)

    def _put(self, content: bytes) -> str:
        digest = sha256(content).hexdigest()
        path = self._path(digest)
        if self._get(digest) is not None:
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{uuid4().hex}")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)  # whole or not at all, whoever reads meanwhile
        return digest

    def _get(self, digest: str) -> bytes | None:
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            return None
        return content if sha256(content).hexdigest() == digest else None


def place_of(digest: str) -> str:
    """Where a paper lies, seen from the root of its store."""
    if not _DIGEST.fullmatch(digest):
        msg = "not a digest"
        raise ValueError(msg)
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def store_of(settings: Settings) -> Store:
    if settings.certificate_bucket:
        return _bucket_of(settings)
    folder = settings.certificate_dir
    return Folder(Path(folder) if folder else settings.local_path / "certificates")


async def is_usable(store: Store) -> bool:
    """Whether something can be kept there and comes back."""
    try:
        return await store.get(await store.put(_PROBE)) == _PROBE
    except (Refusal, OSError):
        return False


@cache  # its connections stay open from one paper to the next
def _bucket_of(settings: Settings) -> Store:
    # 8 MB that only a process with a bucket needs.
    from certificates.bucket import open_bucket  # noqa: PLC0415 — see above

    return open_bucket(settings)
