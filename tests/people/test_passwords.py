"""What a kept password costs whoever steals it."""

from __future__ import annotations

import subprocess
import sys


def test_the_product_hashes_as_dearly_as_owasp_asks() -> None:
    """The tests themselves hash cheaply (tests/conftest.py), so a fresh Python is asked."""
    asked = (
        "from people.passwords import _hasher as h; print(h.type.name, h.time_cost, h.memory_cost)"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    ).stdout.split()
    # OWASP Password Storage Cheat Sheet: Argon2id, 19 MiB and two passes, or dearer.
    assert told[0] == "ID"
    assert int(told[1]) >= 2
    assert int(told[2]) >= 19 * 1024
