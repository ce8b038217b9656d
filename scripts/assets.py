"""Which third-party files does a browser get, and where do they come from?

They come from the npm registry at set-up and are never committed; the platform serves them
itself and gives them their hashed names.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "node_modules"
DESTINATION = ROOT / "web" / "static" / "vendor"

# What base.css asks for: three weights, and only the scripts that Vietnamese and English need.
FONT_FILES = [
    f"be-vietnam-pro-{subset}-{weight}-normal.woff2"
    for subset in ("vietnamese", "latin", "latin-ext")
    for weight in (400, 600, 700)
]
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "@noble/ed25519/index.js": "ed25519.js",  # for browsers that cannot check Ed25519 themselves
    "@fontsource/be-vietnam-pro/LICENSE": "fonts/LICENSE",  # the OFL travels with its fonts
} | {f"@fontsource/be-vietnam-pro/files/{name}": f"fonts/{name}" for name in FONT_FILES}


def main() -> None:
    shutil.rmtree(DESTINATION, ignore_errors=True)
    for source, destination in FILES.items():
        target = DESTINATION / destination
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / source, target)


if __name__ == "__main__":
    main()
