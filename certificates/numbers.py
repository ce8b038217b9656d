"""How is a certificate's number written: on paper, in an address, as a whole address to check it?"""

from __future__ import annotations

import re
from urllib.parse import quote

# Typed with dashes or slashes, with or without the zeros in front.
_NUMBER = re.compile(r"([0-9]{1,9})[-/]([0-9]{4})[-/](.{1,40})")
SYMBOL = re.compile(r"[0-9A-ZĐ]+(-[0-9A-ZĐ]+)*")


def number_text(series_number: int, year: int, symbol: str, width: int) -> str:
    """00123/2026/GCN-BTC"""
    return f"{series_number:0{width}d}/{year}/{symbol}"


def url_form(number: str) -> str:
    """00123-2026-GCN-BTC"""
    return number.replace("/", "-")


def read_number(typed: str) -> tuple[int, int, str] | None:
    """The place in the series, the year and the symbol of what was typed; None when it is none."""
    found = _NUMBER.fullmatch(typed.strip().upper())
    if found is None or SYMBOL.fullmatch(found[3]) is None:
        return None
    return int(found[1]), int(found[2]), found[3]


def check_url(base: str, number: str, code: str) -> str:
    """The address that is printed; `base` is where the platform is reached."""
    return f"{base.rstrip('/')}/chung-nhan/{quote(url_form(number))}?ma={code}"
