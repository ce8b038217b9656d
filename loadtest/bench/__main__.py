"""Which benchmarks are there? `python -m loadtest.bench [NAME] [--small]`; without a name, all."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import dataclass, replace
from types import FrameType
from typing import Protocol

import uvloop

from loadtest.bench import attempt, board, rescoring, save, scoring
from loadtest.report import Outcome, publish, say
from loadtest.stack import Stack, running_stack

PAST_ATTEMPTS, PAST_ATTEMPTS_SMALL = 2000, 50


class Run(Protocol):
    def __call__(self, stack: Stack, *, small: bool) -> Outcome: ...


class PeopleNeeded(Protocol):
    def __call__(self, *, small: bool) -> int: ...


@dataclass(frozen=True)
class Bench:
    """A measurement on a running stack, with so many people of the crowd for itself."""

    run: Run
    people_needed: PeopleNeeded


BENCHES = {
    "attempt": Bench(attempt.bench_attempt, attempt.people_needed),
    "save": Bench(save.bench_save, save.people_needed),
    "steps": Bench(attempt.bench_steps, attempt.people_needed),
    "scoring": Bench(scoring.bench_scoring, scoring.people_needed),
    "rescoring": Bench(rescoring.bench_rescoring, rescoring.people_needed),
    "board": Bench(board.bench_board, board.people_needed),
}


def main() -> int:
    arguments = _arguments()
    small: bool = arguments.small
    names = [arguments.name] if arguments.name else list(BENCHES)
    signal.signal(signal.SIGTERM, _stop)
    uvloop.install()
    # At full size each has a fresh stack, so that none measures what another left behind.
    shifts = [names] if small else [[name] for name in names]
    faults = 0
    for shift in shifts:
        faults += _run_on_one_stack(shift, small=small)
    return 1 if faults else 0


def _run_on_one_stack(names: list[str], *, small: bool) -> int:
    """Returns the number of faults found."""
    people = [BENCHES[name].people_needed(small=small) for name in names]
    past = PAST_ATTEMPTS_SMALL if small else PAST_ATTEMPTS
    faults = 0
    with running_stack(past_attempts=past, people=sum(people)) as stack:
        crowd = iter(stack.crowd)
        for name, needed in zip(names, people, strict=True):
            say(f"== {name}")
            own = [next(crowd) for _ in range(needed)]
            outcome = BENCHES[name].run(replace(stack, crowd=own), small=small)
            for fault in outcome.faults[:10]:
                print(fault, file=sys.stderr)
            publish(name, outcome, small=small)
            faults += len(outcome.faults)
    return faults


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES), help="without it: all of them")
    parser.add_argument(
        "--small",
        action="store_true",
        default=os.environ.get("BENCH_SMALL", "") not in {"", "0"},
        help="seconds instead of minutes: proves that the bench works, measures nothing",
    )
    return parser.parse_args()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that the servers are stopped."""
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
