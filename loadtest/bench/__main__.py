"""Which benchmarks are there? `python -m loadtest.bench [NAME] [--small]`; without a name, all."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType
from typing import Protocol

import uvloop

from loadtest.bench.attempt import bench_attempt, bench_steps
from loadtest.bench.report import Outcome, publish, say
from loadtest.bench.save import bench_save


class Bench(Protocol):
    def __call__(self, *, small: bool) -> Outcome: ...


BENCHES: dict[str, Bench] = {
    "attempt": bench_attempt,
    "save": bench_save,
    "steps": bench_steps,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES), help="without it: all of them")
    parser.add_argument(
        "--small",
        action="store_true",
        default=os.environ.get("BENCH_SMALL", "") not in {"", "0"},
        help="seconds instead of minutes: proves that the bench works, measures nothing",
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    uvloop.install()
    failed = False
    for name in [arguments.name] if arguments.name else BENCHES:
        say(f"== {name}")
        outcome = BENCHES[name](small=arguments.small)
        for fault in outcome.faults[:10]:
            print(fault, file=sys.stderr)
        publish(name, outcome, small=arguments.small)
        failed = failed or bool(outcome.faults)
    return 1 if failed else 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that the servers are stopped."""
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
