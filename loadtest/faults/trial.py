"""How does a run of a fault go: load, breaking, recovery, and the reckoning at the end?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.faults.broken import entry
from loadtest.faults.ledger import Reckoning, read_clock, reckon, wait_scored
from loadtest.faults.load import Journal, Load, Mark
from loadtest.report import Figures, latencies_ms
from loadtest.stack import Person, Program, Stack

# `python -m web run` looks at its programs every 0.2 s and starts a fallen one 0.1 s later.
NOTICED_SECONDS = 0.3
GIVE_UP_SECONDS = 60


@dataclass
class Seen:
    """What a run came to; any complaint fails it, whatever its figures are."""

    figures: Figures
    reckoning: Reckoning = field(default_factory=Reckoning)
    complaints: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what a careless platform does and ours never

    @property
    def caught(self) -> list[str]:
        return [*self.reckoning.faults, *self.wrong]

    @property
    def faults(self) -> list[str]:
        return [*self.caught, *self.complaints]


Run = Callable[[Stack, Sequence[Person], bool], Seen]


def usual_folder(_folder: Path) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Needs:
    """What kind of stack a fault wants."""

    web_processes: int = 2
    worker_processes: int = 1
    folder: Callable[[Path], AbstractContextManager[None]] = usual_folder


USUAL = Needs()
ONE_WEB_PROCESS = Needs(web_processes=1)


@dataclass(frozen=True)
class Fault:
    """`run` breaks the platform as it is, `control` a careless one: there it must find something."""

    run: Run
    control: Run
    careless: str  # what the control does wrong
    people: int
    people_small: int
    needs: Needs = USUAL
    needs_small: Needs | None = None  # where a small run does with less, to share a stack
    skipped: Callable[[], str | None] = lambda: None

    def needs_of(self, *, small: bool) -> Needs:
        return self.needs_small or self.needs if small else self.needs


Story = Callable[[Stack, Load], Figures]


def tell(stack: Stack, people: Sequence[Person], story: Story, crowd: Load | None = None) -> Seen:
    """A crowd at work while `story` breaks things; afterwards everything told is looked up."""
    since = asyncio.run(read_clock(stack.database_url))
    with crowd or Load(stack.port, people) as load:
        own = story(stack, load)
    scored = asyncio.run(wait_scored(stack.database_url))
    reckoning = asyncio.run(reckon(stack.database_url, load.journal, since))
    return weigh(load.journal, reckoning, scored, own)


def weigh(journal: Journal, reckoning: Reckoning, scored: float | None, own: Figures) -> Seen:
    """What a run came to; `scored` are the seconds until nothing waited for its score."""
    saves = latencies_ms(journal.book.seconds["save"])
    figures = {
        "lost": len(reckoning.lost),
        "duplicates": len(reckoning.duplicates),
        "failed": len(reckoning.failed),
        "miscounted": len(reckoning.miscounted),
        "recovered_ms": slowest_ms(journal.marks),
        "acknowledged": journal.acknowledged,
        "attempts": len(journal.players),
        "cut_off": journal.cut_off,
        "refused": journal.refused,
        "asked_to_wait": journal.asked_to_wait,
        "unexplained": len(journal.unexplained),
        "longest_answer_ms": round(journal.longest_answer * 1000),
        "longest_wait_ms": round(journal.longest_wait * 1000),
        "save_p50_ms": saves["p50_ms"],
        "save_p99_ms": saves["p99_ms"],
        "scored_after_s": None if scored is None else round(scored, 1),
    }
    complaints = list(journal.unexplained)
    if not journal.acknowledged:
        complaints.append("nothing was acknowledged")
    return Seen(figures | own, reckoning, complaints)


def slowest_ms(marks: Sequence[Mark]) -> int | None:
    """Of the first saves after each breaking; None when one never came."""
    if any(mark.recovered_at is None for mark in marks):
        return None
    return round(max((mark.recovered_ms for mark in marks), default=0))


def start_carelessly(stack: Stack, programs: Sequence[Program], how: Callable[[], None]) -> None:
    """Start them again with a patch of the harness in them."""
    for program in programs:
        program.stop()
        program.entry = entry(how)
        program.start()
    for program in programs:
        if program in stack.web:
            program.wait_serving()
