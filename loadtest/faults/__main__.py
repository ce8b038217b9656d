"""Which faults are there? `python -m loadtest.faults [NAME] [--small]`; without a name, all."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from types import FrameType

import uvloop

from loadtest.faults import deadline, hosts, issuing, kills, outages, rolling
from loadtest.faults.broken import entry, observe_arrivals
from loadtest.faults.trial import Fault, Seen
from loadtest.report import Outcome, publish, say
from loadtest.stack import ENTRY, Stack, running_stack

PAST_ATTEMPTS, PAST_ATTEMPTS_SMALL = 2000, 20

FAULTS: dict[str, Fault] = {
    "web": kills.WEB,
    "postgres": kills.POSTGRES,
    "worker": kills.WORKER,
    "valkey": kills.VALKEY,
    "away": outages.AWAY,
    "disk": outages.DISK,
    "rolling": rolling.ROLLING,
    "deadline": deadline.DEADLINE,
    "issuing": issuing.ISSUING,
}


# These make their own stacks. A small run of all leaves them out: seven machines take their time.
ALONE: dict[str, Callable[..., Outcome]] = {"hosts": hosts.run}


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    uvloop.install()
    small: bool = arguments.small
    names = arguments.names or (FAULTS if small else [*FAULTS, *ALONE])
    failed = 0
    for shift in _shifts(names, small=small):
        for name, outcome in _run(shift, small=small).items():
            for sentence in outcome.faults[:10]:
                print(f"{name}: {sentence}", file=sys.stderr)
            publish(name, outcome, small=small, kind="fault")
            failed += bool(outcome.faults)
    return 1 if failed else 0


def _shifts(names: Iterable[str], *, small: bool) -> list[list[str]]:
    """At full size each has a stack of its own; small ones with the same needs share one."""
    shifts: dict[object, list[str]] = {}
    for name in names:
        alike = FAULTS[name].needs_of(small=True) if small and name in FAULTS else name
        shifts.setdefault(alike, []).append(name)
    return list(shifts.values())


def _run(names: list[str], *, small: bool) -> dict[str, Outcome]:
    say(f"== {', '.join(names)}")
    if names[0] in ALONE:
        return {name: ALONE[name](small=small) for name in names}
    faults = {name: FAULTS[name] for name in names}
    for name, fault in faults.items():
        if reason := fault.skipped():
            return {name: Outcome({"skipped": reason})}
    needed = {name: each.people_small if small else each.people for name, each in faults.items()}
    needs = faults[names[0]].needs_of(small=small)
    with running_stack(
        past_attempts=PAST_ATTEMPTS_SMALL if small else PAST_ATTEMPTS,
        people=2 * sum(needed.values()),
        web_processes=needs.web_processes,
        worker_processes=needs.worker_processes,
        web_entry=entry(observe_arrivals),
        on_folder=needs.folder,
    ) as stack:
        crowd = iter(stack.crowd)
        own = {name: list(islice(crowd, 2 * count)) for name, count in needed.items()}
        seen, controls = {}, {}
        for name, fault in faults.items():
            began = time.monotonic()
            seen[name] = fault.run(stack, own[name][: needed[name]], small)
            seen[name].figures["seconds"] = round(time.monotonic() - began, 1)
            say(f"{name} as it is: {seen[name].figures}")
        # The careless ones come last: what they break stays broken.
        for name, fault in faults.items():
            _take_care_again(stack)
            controls[name] = fault.control(stack, own[name][needed[name] :], True)
            say(f"{name}, careless ({fault.careless}): {controls[name].figures}")
    return {name: _outcome(fault, seen[name], controls[name]) for name, fault in faults.items()}


def _take_care_again(stack: Stack) -> None:
    """Of two controls on one stack, the second must not meet what the first patched."""
    usual = {"serve": entry(observe_arrivals), "work": ENTRY}
    for program in (*stack.web, *stack.workers):
        if program.entry != usual[program.command]:
            program.stop()
            program.entry = usual[program.command]
            program.start()
            if program in stack.web:
                program.wait_serving()


def _outcome(fault: Fault, seen: Seen, control: Seen) -> Outcome:
    caught = control.caught
    figures = {
        **seen.figures,
        "control": fault.careless,
        "control_caught": bool(caught),
        "control_found": [sentence[:200] for sentence in caught[:1]],
    }
    blind = [] if caught else [f"the control ({fault.careless}) was not caught"]
    return Outcome(figures, [*(sentence[:500] for sentence in seen.faults), *blind])


def _arguments() -> argparse.Namespace:
    known = {*FAULTS, *ALONE}
    parser = argparse.ArgumentParser(prog="python -m loadtest.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(sorted(known))}")
    parser.add_argument(
        "--small",
        action="store_true",
        default=os.environ.get("FAULTS_SMALL", "") not in {"", "0"},
        help="seconds instead of minutes: proves that the harness works, measures nothing",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - known:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    return arguments


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that the servers are stopped."""
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
