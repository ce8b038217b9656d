"""Under which address does a browser keep one of our files for a year?

Files are read once at start, named by a hash of their content, compressed once, and served from
memory. `vendor/` is put there by set-up and is not ours.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_COMPRESSIBLE = frozenset({".css", ".js", ".svg", ".webmanifest"})
_CSS_URL = re.compile(r"url\(\s*[\"']?(?!data:|#)([^\"')]+)[\"']?\s*\)")


@dataclass(frozen=True)
class Asset:
    content: bytes
    compressed: bytes | None
    media_type: str


@dataclass(frozen=True)
class Assets:
    """All files by their hashed address, and the address of each by its plain path."""

    by_address: dict[str, Asset]
    addresses: dict[str, str]

    def address(self, path: str) -> str:
        """`base.css` → `/static/base.3f2a9c1d.css`; an unknown path is a mistake of ours."""
        return f"/static/{self.addresses[path]}"


@cache
def assets() -> Assets:
    by_address: dict[str, Asset] = {}
    addresses: dict[str, str] = {}
    files = [path for path in sorted(FOLDER.rglob("*")) if path.suffix in _TYPES]
    # Stylesheets last: they name the hashed addresses of fonts.
    for path in sorted(files, key=lambda path: path.suffix == ".css"):
        name = path.relative_to(FOLDER).as_posix()
        content = path.read_bytes()
        if path.suffix == ".css":
            content = _with_hashed_urls(name, content.decode(), addresses).encode()
        address = _hashed(name, content)
        addresses[name] = address
        packed = gzip.compress(content, 9, mtime=0) if path.suffix in _COMPRESSIBLE else None
        by_address[address] = Asset(content, packed, _TYPES[path.suffix])
    return Assets(by_address, addresses)


def _hashed(name: str, content: bytes) -> str:
    path = PurePosixPath(name)
    digest = hashlib.sha256(content).hexdigest()[:10]
    return path.with_name(f"{path.stem}.{digest}{path.suffix}").as_posix()


def _with_hashed_urls(name: str, text: str, addresses: dict[str, str]) -> str:
    folder = PurePosixPath(name).parent

    def replace(match: re.Match[str]) -> str:
        target = (folder / match[1]).as_posix()
        return f'url("/static/{addresses[target]}")' if target in addresses else match[0]

    return _CSS_URL.sub(replace, text)
