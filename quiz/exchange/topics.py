"""How do Moodle's category paths and the topics of a bank stand for each other?

Moodle writes `$course$/top/Luật/An toàn thông tin`, a slash inside a name as two.
"""

from __future__ import annotations

import re

from core.text import clean

_CONTEXT = re.compile(r"^\s*\$[a-z0-9]+\$\s*(?:/|$)", re.IGNORECASE)
_TOP = re.compile(r"^\s*top\s*(?:/|$)")


def topic_from(path: str) -> str:
    """The path without the course that it belongs to: "Luật/An toàn thông tin"."""
    inner = _TOP.sub("", _CONTEXT.sub("", path), count=1)
    return clean(re.sub(r"\s*/+\s*", "/", inner)).strip("/")


def topic_path(topic: str) -> str:
    return f"$course$/top/{topic}".rstrip("/")
