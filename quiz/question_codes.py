"""Which codes do questions get that came without one?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

LONGEST_PREFIX = 12
FEWEST_DIGITS = 3
_NUMBERED = re.compile(r"(.+)-([0-9]{1,9})")


def new_codes(topics: Iterable[str], taken: Collection[str]) -> list[str]:
    """A code for each question by the code of its topic: CDS-001, CDS-002 …

    The numbers run on from the highest that the bank has, so that a retired code never comes again.
    """
    highest: dict[str, int] = {}
    for code in taken:
        if match := _NUMBERED.fullmatch(code):
            prefix = match[1].upper()
            highest[prefix] = max(highest.get(prefix, 0), int(match[2]))
    codes = []
    for topic in topics:
        prefix = _prefix(topic)
        highest[prefix] = highest.get(prefix, 0) + 1
        codes.append(f"{prefix}-{highest[prefix]:0{FEWEST_DIGITS}}")
    return codes


def _prefix(topic: str) -> str:
    """chuyen-doi-so → CDS, chung → CHUNG."""
    words = re.findall(r"[a-z0-9]+", topic.lower())
    prefix = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)
    return prefix[:LONGEST_PREFIX].upper() or "CAU"
