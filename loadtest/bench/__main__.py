"""Which benchmarks are there? `python -m loadtest.bench [NAME] [--small]`; without a name, all."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import Protocol

import uvloop

from loadtest.bench import (
    attempt,
    board,
    certificates,
    memory,
    page,
    rescoring,
    save,
    scoring,
    start,
)
from loadtest.report import Figures, Outcome, publish, say
from loadtest.stack import Stack, running_stack

PAST_ATTEMPTS, PAST_ATTEMPTS_SMALL = 2000, 50
MORE = 10  # times the data, at which a unit of work may cost 1.3 times as much (QL8)


class Run(Protocol):
    def __call__(self, stack: Stack, *, small: bool) -> Outcome: ...


class PeopleNeeded(Protocol):
    def __call__(self, *, small: bool) -> int: ...


@dataclass(frozen=True)
class Bench:
    """A measurement on a running stack, with so many people of the crowd for itself.

    `unit_ms` is what a unit of work costs, where that must not grow with the data.
    """

    run: Run
    people_needed: PeopleNeeded
    unit_ms: Callable[[Figures], float] | None = None


BENCHES = {
    "attempt": Bench(
        attempt.bench_attempt, attempt.people_needed, lambda found: found["cpu_ms_per_attempt"]
    ),
    "save": Bench(
        save.bench_save, save.people_needed, lambda found: found["web_ms"] + found["postgres_ms"]
    ),
    "start": Bench(start.bench_start, start.people_needed, lambda found: found["cpu_ms_per_start"]),
    "page": Bench(page.bench_page, page.people_needed, lambda found: found["cpu_ms_a_page"]),
    "memory": Bench(memory.bench_memory, memory.people_needed),
    "steps": Bench(attempt.bench_steps, attempt.people_needed),
    "scoring": Bench(scoring.bench_scoring, scoring.people_needed),
    "rescoring": Bench(rescoring.bench_rescoring, rescoring.people_needed),
    "board": Bench(board.bench_board, board.people_needed),
    "certificates": Bench(certificates.bench_certificates, certificates.people_needed),
}


def main() -> int:
    arguments = _arguments()
    small: bool = arguments.small
    names = [arguments.name] if arguments.name else list(BENCHES)
    signal.signal(signal.SIGTERM, _stop)
    uvloop.install()
    faults, units = 0, dict[str, float]()
    for shift, scale in _shifts(names, small=small, scale=arguments.scale):
        faults += _run_on_one_stack(shift, units, small=small, scale=scale)
    return 1 if faults else 0


def _shifts(names: list[str], *, small: bool, scale: int) -> list[tuple[list[str], int]]:
    """Which benches run on one stack, and with how many times the data.

    At full size each has a fresh stack, so that none measures what another left behind.
    """
    if small:
        return [(names, scale or 1)]
    return [
        ([name], times)
        for name in names
        for times in ([scale] if scale else [1, MORE] if BENCHES[name].unit_ms else [1])
    ]


def _run_on_one_stack(names: list[str], units: dict[str, float], *, small: bool, scale: int) -> int:
    """Returns the number of faults found; `units` holds what was measured with the data once."""
    people = [BENCHES[name].people_needed(small=small) for name in names]
    past = (PAST_ATTEMPTS_SMALL if small else PAST_ATTEMPTS) * scale
    faults = 0
    with running_stack(past_attempts=past, people=sum(people)) as stack:
        crowd = iter(stack.crowd)
        for name, needed in zip(names, people, strict=True):
            say(f"== {name}")
            own = [next(crowd) for _ in range(needed)]
            outcome = BENCHES[name].run(replace(stack, crowd=own), small=small)
            for fault in outcome.faults[:10]:
                print(fault, file=sys.stderr)
            _compare_scales(name, outcome.figures, units, scale)
            publish(name, outcome, small=small)
            faults += len(outcome.faults)
    return faults


def _compare_scales(name: str, figures: Figures, units: dict[str, float], scale: int) -> None:
    """Says with more data what a unit costs in proportion to the same with the data once."""
    unit_ms = BENCHES[name].unit_ms
    if unit_ms is None:
        return
    figures["scale"] = scale
    if scale == 1:
        units[name] = unit_ms(figures)
    elif units.get(name):
        figures["scale_ratio"] = round(unit_ms(figures) / units[name], 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES), help="without it: all of them")
    parser.add_argument(
        "--small",
        action="store_true",
        default=os.environ.get("BENCH_SMALL", "") not in {"", "0"},
        help="seconds instead of minutes: proves that the bench works, measures nothing",
    )
    parser.add_argument(
        "--scale",
        type=int,
        default=int(os.environ.get("SCALE") or 0),
        metavar="N",
        help="N times the past attempts; without it once, and where it matters ten times as well",
    )
    return parser.parse_args()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that the servers are stopped."""
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
