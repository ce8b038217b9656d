"""Does the platform hold the closing hour? `python -m loadtest.load`, or `make load`.

Makes a stack, lets the crowd of `loadtest.crowd` come, and looks up every acknowledgement. All that
can be chosen is in the environment; README has the table. Exit code 1: an error, a refusal to
somebody inside, or one acknowledgement that is not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from loadtest import reconciliation, reopening
from loadtest.cores import share_out
from loadtest.cpu import Meter, Used, yardstick_ms
from loadtest.crowd import tally
from loadtest.crowd.profiles import PROFILES, Timeline
from loadtest.crowd.sizing import explain
from loadtest.player import Book, Player, Seats
from loadtest.report import PROJECT, Figures, Outcome, latencies_ms, publish, say, table
from loadtest.stack import (
    HOST,
    SLUG,
    Person,
    Stack,
    free_ports,
    running_stack,
    start_process,
    stop_process,
)
from loadtest.wanted import Unwilling, Wanted, read_wanted

LOCUSTFILE = PROJECT / "loadtest" / "crowd" / "locustfile.py"
PAST_ATTEMPTS, PAST_ATTEMPTS_SMALL = 2_000, 50
LOCUST_SECONDS = 90  # to start, stop and write its report
OVERLOAD = 3.0
# The closed loop that finds what the stack bears: so many at once, so many attempts.
BEARS_AT_ONCE, BEARS_ATTEMPTS, BEARS_SAVES = 64, 512, 10
BEARS_AT_ONCE_SMALL, BEARS_ATTEMPTS_SMALL = 4, 12
LINE = "waiting line"  # what the platform calls those whom it sent to the waiting room
GOOD_MS = 400.0  # QL2: p99 of the closing rush


@dataclass(frozen=True)
class Target:
    """Who is played against, and the people who play."""

    url: str
    slug: str
    crowd: Sequence[Person]
    database_url: str = ""
    stack: Stack | None = None


@dataclass
class Played:
    """What the generators counted, put together."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    cpu_share: float = 0.0  # of the busiest generator, over the run
    busiest_cpu_share: float = 0.0  # of the busiest generator, in its busiest five seconds
    lags: list[float] = field(default_factory=list)  # seconds by which generators came round late


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    if os.environ.get("FAULTS", "") not in {"", "0"}:
        return _run_faults()
    try:
        wanted = read_wanted(os.environ)
        with _target(wanted) as target:
            outcome = _load(wanted, target)
    except Unwilling as reason:
        print(reason, file=sys.stderr)
        return 2
    for fault in outcome.faults[:10]:
        print(fault, file=sys.stderr)
    publish(wanted.profile, outcome, small=wanted.small)
    return 1 if outcome.faults else 0


@contextlib.contextmanager
def _target(wanted: Wanted) -> Iterator[Target]:
    if wanted.remote:
        yield _remote_target(wanted)
        return
    people = wanted.people
    if wanted.profile == "overload":
        # Enough for three times what two fast cores bear; the rest of them stay at home.
        people = BEARS_ATTEMPTS_SMALL * 8 if wanted.small else max(people, 20_000)
    past = PAST_ATTEMPTS_SMALL if wanted.small else PAST_ATTEMPTS
    with running_stack(
        past_attempts=past, people=people, web_processes=wanted.web_processes
    ) as stack:
        yield Target(stack.url, SLUG, stack.crowd, stack.database_url, stack)


def _remote_target(wanted: Wanted) -> Target:
    file = os.environ.get("CROWD", "")
    if not file:
        raise Unwilling(
            "Another machine's crowd must sign in there: make it with `python -m web seed --crowd "
            "N --out FILE` on that machine (DEMO=1), and say CROWD=FILE"
        )
    if wanted.profile == "overload":
        raise Unwilling("overload measures first what the stack bears: only a stack of its own")
    with Path(file).open(encoding="utf-8", newline="") as rows:
        crowd = [Person(row["phone"], row["cookie"]) for row in csv.DictReader(rows)]
    if len(crowd) < wanted.people:
        raise Unwilling(f"{file} has {len(crowd)} people, and PEOPLE={wanted.people}")
    slug = os.environ.get("SLUG") or SLUG
    return Target(wanted.remote, slug, crowd, os.environ.get("DATABASE_URL", ""))


def _load(wanted: Wanted, target: Target) -> Outcome:
    folder = (
        PROJECT / os.environ.get("LOCAL_DIR", ".local") / "load" / time.strftime("%Y%m%d-%H%M%S")
    )
    folder.mkdir(parents=True)
    people, crowd, bears, cores = wanted.people, list(target.crowd), 0.0, 0
    if wanted.profile == "overload":
        assert target.stack is not None
        cores = share_out(pid for pids in target.stack.pids.values() for pid in pids)
        bears = _measure_bears(target.stack, crowd, small=wanted.small)
        tried = BEARS_ATTEMPTS_SMALL if wanted.small else BEARS_ATTEMPTS
        people = min(math.ceil(bears * OVERLOAD * wanted.seconds), len(crowd) - tried)
    timeline = Timeline(PROFILES[wanted.profile].over(wanted.seconds), people)
    _introduce(wanted, timeline, target, bears)
    _write_crowd(folder / "crowd.csv", crowd[-people:])
    meter = Meter(target.stack.pids if target.stack else {})
    time.sleep(wanted.idle_seconds)
    idle, before_ms = meter.stop(), yardstick_ms()
    web_mb = _web_mb(target)
    meter.start()
    _run_locust(wanted, target, timeline, folder)
    busy = meter.stop()
    played = read_tallies(folder)
    held = reconciliation.read_ledgers(folder)
    lost = _reconcile(target, held)
    figures = {
        **_figures(timeline, played, held, busy.without(idle)),
        "lost": len(lost),
        **(_beside(bears, held, wanted.seconds, cores) if bears else {}),
        **(_refused_quickly(target) if bears else {}),
        **(
            {
                "past_attempts": target.stack.past_attempts,
                "web_processes": wanted.web_processes,
                "web_mb_before": web_mb,
                "web_mb_after": _web_mb(target),
            }
            if target.stack
            else {}
        ),
        "generators": wanted.generators,
        "yardstick_ms": round((before_ms + yardstick_ms()) / 2, 2),
        "reconciled_with": "database" if target.database_url else "http",
    }
    say(f"report, charts and ledgers: {folder}")
    return Outcome(figures, [*lost, *_faults(people, played, held)])


def _introduce(wanted: Wanted, timeline: Timeline, target: Target, bears: float) -> None:
    if wanted.province is not None:
        for line in explain(wanted.province):
            say(line)
    say(
        f"{wanted.profile} against {target.url}: {timeline.people:,} people in "
        f"{wanted.seconds:g} s, {timeline.pressed:.3g} times as dense as over an hour"
    )
    if wanted.profile == "closing_rush":
        say(timeline.demand)
    if bears:
        times = timeline.people / wanted.seconds / bears
        say(f"the stack bears {bears:.1f} attempts/s; they come {times:.2f} times as fast")


def _measure_bears(stack: Stack, crowd: Sequence[Person], *, small: bool) -> float:
    """Attempts a second of a crowd that never pauses: each next one begins when one ends."""
    at_once, attempts = (
        (BEARS_AT_ONCE_SMALL, BEARS_ATTEMPTS_SMALL) if small else (BEARS_AT_ONCE, BEARS_ATTEMPTS)
    )
    book = Book()

    async def play() -> float:
        seats = Seats(HOST, stack.port, at_once)
        players = [Player(stack.port, person, book) for person in crowd[:attempts]]
        began = time.monotonic()
        await seats.each(players, lambda player: player.play(BEARS_SAVES), book)
        seats.close()
        return attempts / (time.monotonic() - began)

    bears = asyncio.run(play())
    if book.failures:
        raise RuntimeError(f"{len(book.failures)} of {attempts} failed: {book.failures[0]}")
    return bears


def _beside(
    bears: float, held: reconciliation.Held, seconds: float, cores: int
) -> dict[str, float]:
    """What was handed in under too much beside what the same platform bears.

    Of the second half of the time in which people come: before it, nobody had time to finish.
    """
    handed_in = held.a_second["submit"]
    began = min(held.a_second["start"], default=0)
    half = sum(count for at, count in handed_in.items() if seconds / 2 <= at - began < seconds) / (
        seconds / 2
    )
    return {
        "bears_per_s": round(bears, 1),
        "handed_in_per_s": round(half, 1),
        "goodput": round(half / bears, 4),
        "platform_cores": cores,
    }


def _refused_quickly(target: Target) -> dict[str, float]:
    """The share of refusals that took at most 100 ms, as the platform itself timed them.

    From reading the request to writing the answer; the generator's own times hold its own lag.
    """
    with urlopen(f"{target.url}/metrics", timeout=30) as answer:  # noqa: S310 — our own stack on loopback
        families = text_string_to_metric_families(answer.read().decode())
    counts = {
        sample.labels["le"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "http_request_seconds_bucket"
        and sample.labels["route"] == LINE
        and sample.labels["le"] in {"0.1", "+Inf"}
    }
    return {
        "refusals_timed": counts.get("+Inf", 0),
        "refused_within_100_ms": round(counts.get("0.1", 0) / max(counts.get("+Inf", 0), 1), 4),
    }


def _write_crowd(path: Path, crowd: Sequence[Person]) -> None:
    path.touch(mode=0o600)  # the cookies sign people in
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone", "cookie"])
        writer.writerows((person.phone, person.cookie) for person in crowd)


def _run_locust(wanted: Wanted, target: Target, timeline: Timeline, folder: Path) -> None:
    """One process, or a master that only counts and as many workers as were asked for."""
    plan = folder / "plan.json"
    plan.write_text(
        json.dumps(
            {
                "profile": wanted.profile,
                "people": timeline.people,
                "seconds": wanted.seconds,
                "slug": target.slug,
                "crowd": str(folder / "crowd.csv"),
                "folder": str(folder),
            }
        ),
        encoding="utf-8",
    )
    shared = ["-m", "locust", "-f", str(LOCUSTFILE), "--loglevel", "WARNING"]
    shared += ["--host", target.url, "--plan", str(plan)]
    leader = [
        *shared, "--headless", "--only-summary", "--exit-code-on-error", "0",
        "--html", str(folder / "report.html"), "--csv", str(folder / "locust"),
    ]  # fmt: skip
    environment = dict(os.environ)
    if not wanted.remote:
        # An address in figures needs no thread to look it up, for each connection anew.
        environment["GEVENT_RESOLVER"] = "block"
    started: list[subprocess.Popen[bytes]] = []
    try:
        if wanted.generators > 1:
            (port,) = map(str, free_ports(1))
            for number in range(wanted.generators):
                follower = [*shared, "--generator", str(number), "--worker",
                            "--master-host", HOST, "--master-port", port]  # fmt: skip
                started.append(start_process(folder, environment, f"generator{number}", follower))
            leader += ["--master", "--master-bind-host", HOST, "--master-bind-port", port,
                       "--expect-workers", str(wanted.generators)]  # fmt: skip
        started.append(start_process(folder, environment, "locust", leader))
        for process in reversed(started):
            process.wait(timeline.ends_at + LOCUST_SECONDS)
    finally:
        for process in started:
            stop_process(process)
    if len(list(folder.glob(tally.PATTERN))) != wanted.generators:
        said = (folder / "locust.log").read_text(encoding="utf-8", errors="replace")[-3000:]
        raise RuntimeError(f"a generator ended without its tally:\n{said}")


def read_tallies(folder: Path) -> Played:
    played = Played()
    for path in sorted(folder.glob(tally.PATTERN)):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        played.counts.update(found["counts"])
        for step, seconds in found["seconds"].items():
            played.seconds[step] += seconds
        played.errors += found["errors"]
        played.lags += found["lags"]
        played.cpu_share = max(played.cpu_share, found["cpu_share"])
        played.busiest_cpu_share = max(played.busiest_cpu_share, found["busiest_cpu_share"])
    return played


def _reconcile(target: Target, held: reconciliation.Held) -> list[str]:
    if target.database_url:
        return asyncio.run(reconciliation.reconcile(target.database_url, held.by_attempt))
    say(
        "No DATABASE_URL: the database cannot be asked. Instead every attempt is opened again over "
        "HTTP and must show what was acknowledged; a platform that shows what it does not keep "
        "would pass."
    )
    return reopening.reopen(target.url, held)


def _web_mb(target: Target) -> float:
    """What the web processes hold in memory."""
    pids = target.stack.pids["web"] if target.stack else []
    kilobytes = 0
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        kilobytes += int(status.partition("VmRSS:")[2].split()[0])
    return round(kilobytes / 1024, 1)


def _figures(timeline: Timeline, played: Played, held: reconciliation.Held, net: Used) -> Figures:
    counts, seconds = played.counts, timeline.profile.seconds
    say(
        table(
            ["request", "times", "p50 ms", "p95 ms", "p99 ms", "max ms"],
            [
                [step, len(times), *latencies_ms(times).values()]
                for step, times in sorted(played.seconds.items())
            ],
        )
    )
    say(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    answered, refused = [], []
    for step, times in played.seconds.items():
        (refused if step.endswith(", refused") else answered).extend(times)
    figures: Figures = {
        "people": timeline.people,
        "inside_at_once": held.most_inside,
        "saves_per_s": round(counts["saves"] / seconds, 1),
        "submits_per_s": round(counts["submits"] / seconds, 1),
        "busiest_saves_per_s": round(held.busiest("save"), 1),
        "busiest_submits_per_s": round(held.busiest("submit"), 1),
        **latencies_ms(answered),
        **{
            f"{step}_p99_ms": latencies_ms(played.seconds[step])["p99_ms"]
            for step in ("start", "save", "submit")
            if played.seconds[step]
        },
        "errors": counts["errors"],
        "refused": counts["refused"],
        "refused_inside": counts["refused_inside"],
        "refused_slowly": counts["refused_slowly"],
        "refusal_p99_ms": latencies_ms(refused)["p99_ms"],
        "waited": counts["waited"],
        "turned_away": counts["turned_away"],
        "goodput": round(counts["served"] / max(1, counts["inside"]), 4),
        "acknowledged": held.count,
        "requests": len(answered),
        "pressed": round(timeline.pressed, 1),
        "generator_cpu_share": round(played.cpu_share, 3),
        "generator_cpu_busiest": round(played.busiest_cpu_share, 3),
        "generator_lag_p99_ms": latencies_ms(played.lags)["p99_ms"],
        "seconds": seconds,
    }
    if net.by_part:
        attempts = max(1, counts["submits"])
        parts = {part: used / attempts * 1000 for part, used in net.by_part.items()}
        figures["cpu_ms_per_attempt"] = round(sum(parts.values()), 2)
        figures |= {f"{part}_ms": round(each, 2) for part, each in parts.items()}
        figures["saves_per_attempt"] = round(counts["saves"] / attempts, 1)
    return figures


def _faults(people: int, played: Played, held: reconciliation.Held) -> list[str]:
    faults = list(played.errors)
    if played.counts["came"] < people:
        faults.append(f"only {played.counts['came']} of {people} came: too much for the generators")
    if played.counts["refused_inside"]:
        faults.append(f"{played.counts['refused_inside']} refusals to people inside")
    if not held.count:
        faults.append("nothing was acknowledged: the run proves nothing")
    return faults


def _run_faults() -> int:
    if importlib.util.find_spec("loadtest.faults") is None:
        print("FAULTS=1 needs loadtest/faults", file=sys.stderr)
        return 2
    return subprocess.run(
        [sys.executable, "-m", "loadtest.faults"], cwd=PROJECT, check=False
    ).returncode


def _stop(_number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that the servers are stopped."""
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
