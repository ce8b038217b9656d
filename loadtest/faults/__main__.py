"""Which faults are there? `python -m loadtest.faults [NAME] [--small]`; without a name, all."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

import uvloop

from loadtest.faults import deadline, hosts, kills, outages, rolling
from loadtest.faults.trial import Fault
from loadtest.report import Outcome, publish, say
from loadtest.stack import running_stack

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
}


# These make their own stacks. A small run of all leaves them out: seven machines take their time.
ALONE: dict[str, Callable[..., Outcome]] = {"hosts": hosts.run}


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    uvloop.install()
    failed = 0
    everything = FAULTS if arguments.small else [*FAULTS, *ALONE]
    for name in arguments.names or everything:
        outcome = _run(name, small=arguments.small)
        for sentence in outcome.faults[:10]:
            print(f"{name}: {sentence}", file=sys.stderr)
        publish(name, outcome, small=arguments.small, kind="fault")
        failed += bool(outcome.faults)
    return 1 if failed else 0


def _run(name: str, *, small: bool) -> Outcome:
    say(f"== {name}")
    if name in ALONE:
        return ALONE[name](small=small)
    fault = FAULTS[name]
    if reason := fault.skipped():
        return Outcome({"skipped": reason})
    people = fault.people_small if small else fault.people
    with running_stack(
        past_attempts=PAST_ATTEMPTS_SMALL if small else PAST_ATTEMPTS,
        people=2 * people,
        web_processes=fault.web_processes,
        worker_processes=fault.worker_processes,
        on_folder=fault.folder,
        web_entry=fault.web_entry,
    ) as stack:
        began = time.monotonic()
        seen = fault.run(stack, stack.crowd[:people], small)
        seconds = time.monotonic() - began
        say(f"as it is: {seen.figures}")
        # The careless one comes last: what it breaks stays broken.
        control = fault.control(stack, stack.crowd[people:], True)
        say(f"careless ({fault.careless}): {control.figures}")
    caught = control.caught
    figures = {
        **seen.figures,
        "seconds": round(seconds, 1),
        "control": fault.careless,
        "control_caught": bool(caught),
        "control_found": caught[:1],
    }
    blind = [] if caught else [f"the control ({fault.careless}) was not caught"]
    return Outcome(figures, [*seen.faults, *blind])


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
