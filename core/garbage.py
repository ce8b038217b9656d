"""How often does Python look for garbage in a process that stays?"""

from __future__ import annotations

import gc

# A request makes some thousand short-lived objects, a batch of answers to score a hundred thousand;
# Python's default of 700 sweeps in each, and every sweep that finds nothing is for nothing.
THRESHOLDS = (20_000, 20, 50)


def spare_the_collector() -> None:
    """Once a process has started: what that made stays for good, and need not be looked at."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
