"""Where do the bytes of papers live, and how are they found by what they are?

Content-addressed: a paper's name is the SHA-256 of its bytes, so nothing is ever overwritten, two
processes may put the same at once, and what comes back is checked against its name. All web and
worker processes share the folder (CERTIFICATE_DIR).
"""

from __future__ import annotations

import asyncio
import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from core.settings import Settings

_DIGEST = re.compile("[0-9a-f]{64}")


class Store(Protocol):
    """One small interface; a bucket would be another class with these three."""

    async def put(self, content: bytes) -> str:
        """Keep bytes for good and return their SHA-256; on the disk when it returns."""

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
        if not _DIGEST.fullmatch(digest):
            msg = "not a digest"
            raise ValueError(msg)
        return self._root / digest[:2] / digest[2:4] / digest

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


def store_of(settings: Settings) -> Store:
    folder = settings.certificate_dir
    return Folder(Path(folder) if folder else settings.local_path / "certificates")
