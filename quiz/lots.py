"""Kiểm chứng một lần bốc thăm: who wins when lots are drawn, so that anybody can do it again?

This file needs nothing but Python: `python lots.py boc-tham.json` reads what the organisers have
published, draws again and says whether everything agrees.

1. Before the draw the organisers publish the list of entrants by code, its SHA-256 (the codes
   sorted, one a line), SHA-256(secret), and which public number will be mixed in later.
2. Once that number, the beacon, is known, they publish the secret.
3. Every code gets SHA-256(secret, beacon, code: three lines); the smallest comes first.

The secret was fixed before the beacon was known, the list before both: nobody could choose.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ALGORITHM = "hieu-so-boc-tham-1"


def digest_of_list(codes: Iterable[str]) -> str:
    """SHA-256 of the sorted codes, each with a line feed behind it."""
    return _sha256("".join(f"{code}\n" for code in sorted(codes)))


def commitment_to(secret: str) -> str:
    return _sha256(secret)


def drawn_order(secret: str, beacon: str, codes: Iterable[str]) -> list[str]:
    """The codes as they are drawn, the first winner first."""
    return sorted(codes, key=lambda code: (_sha256(f"{secret}\n{beacon}\n{code}"), code))


def find_faults(published: Mapping[str, Any]) -> list[str]:
    """What does not agree in a published draw: sentences; empty when everything does."""
    codes = published["entrants"]
    faults = []
    if published["algorithm"] != ALGORITHM:
        faults.append(f"Thuật toán {published['algorithm']} không phải {ALGORITHM}.")
    if len(set(codes)) != len(codes):
        faults.append("Danh sách có mã lặp lại.")
    if digest_of_list(codes) != published["entrants_digest"]:
        faults.append("Danh sách không khớp với mã băm đã công bố.")
    if not published["secret"]:
        return faults
    if commitment_to(published["secret"]) != published["commitment"]:
        faults.append("Số bí mật không khớp với cam kết đã công bố.")
    order = drawn_order(published["secret"], published["beacon"], codes)
    if order != published["order"]:
        faults.append("Thứ tự bốc thăm không khớp.")
    if order[: published["winner_count"]] != published["winners"]:
        faults.append("Danh sách trúng không khớp.")
    return faults


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> int:
    published = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    faults = find_faults(published)
    write = sys.stdout.write
    for fault in faults:
        write(f"SAI: {fault}\n")
    if not published["secret"]:
        write("Chưa công bố số bí mật: mới kiểm được danh sách.\n")
    elif not faults:
        write("ĐÚNG: bốc thăm lại ra cùng kết quả. Các mã trúng, theo thứ tự:\n")
        order = drawn_order(published["secret"], published["beacon"], published["entrants"])
        write("".join(f"{code}\n" for code in order[: published["winner_count"]]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
