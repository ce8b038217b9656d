from __future__ import annotations

import time

from web.processors import Processors


def test_a_processor_that_works_all_the_time_is_full() -> None:
    """Our own or, where others keep us from it, theirs: one of the two is."""
    processors = Processors()
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass
    assert 0.5 < processors.used() <= 1.0


def test_two_looks_at_the_same_instant_find_a_share_all_the_same() -> None:
    processors = Processors()
    assert all(0.0 <= processors.used() <= 1.0 for _ in range(3))
