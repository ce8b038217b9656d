"""Does every lock file keep to the oldest safe versions of requirements/minimum.txt?"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "requirements"


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def main() -> int:
    pinned = [
        (lock.name, name, version)
        for lock in sorted(FOLDER.glob("*.lock"))
        for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", lock.read_text("utf-8"))
    ]
    floors = re.findall(r"(?m)^([\w.-]+) >= (\S+)", (FOLDER / "minimum.txt").read_text("utf-8"))
    complaints = [
        f"{lock}: {name} {version} is older than {floor}, the oldest safe version"
        for safe, floor in floors
        for lock, name, version in pinned
        if name == safe and numbers(version) < numbers(floor)
    ]
    complaints += [
        f"minimum.txt: {safe} is in no lock file"  # a misspelt name would guard nothing
        for safe, _ in floors
        if all(name != safe for _, name, _ in pinned)
    ]
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
