from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loadtest.client import Answer
from loadtest.faults.deadline import Verdicts
from loadtest.faults.load import Journal
from loadtest.faults.trial import slowest_ms

# Those that end no web process on purpose, on one stack: a start of Python is most of what the others
# take.
NAMES = ("postgres", "deadline", "issuing")
KEYS = {
    "fault", "lost", "duplicates", "recovered_ms", "acknowledged", "control", "control_caught",
    "seconds", "commit",
}  # fmt: skip


def test_small_faults_lose_nothing_and_their_controls_are_caught(
    project_folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.faults", "--small", *NAMES],
        cwd=project_folder,
        env={**os.environ, "LOCAL_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert (tmp_path / "fault.jsonl").read_text(encoding="utf-8").splitlines() == lines
    found = {figures["fault"]: figures for figures in map(json.loads, lines)}
    assert tuple(found) == NAMES
    for figures in found.values():
        assert figures.keys() >= KEYS
        assert (figures["lost"], figures["duplicates"]) == (0, 0)
        assert figures["acknowledged"] > 0
        assert figures["control_caught"]


@pytest.mark.parametrize(
    ("is_accepted", "arrived", "wrong"),
    [(True, 99.9, 0), (True, 100.1, 1), (False, 100.1, 0), (False, 99.9, 1), (False, 99.999, 0)],
)
def test_a_verdict_is_judged_by_the_arrival(is_accepted: bool, arrived: float, wrong: int) -> None:
    verdicts = Verdicts()
    verdicts.judge(is_accepted, arrived, 100.0)
    assert len(verdicts.wrong) == wrong
    assert verdicts.undecided == (arrived == 99.999)


@pytest.mark.parametrize(
    ("head", "body", "is_honest"),
    [
        (b"HTTP/1.1 503 X\r\nRetry-After: 2", "Máy chủ đang bận, bạn chờ giúp.", True),
        (b"HTTP/1.1 503 X", "Máy chủ đang bận, bạn chờ giúp.", False),
        (b"HTTP/1.1 503 X\r\nRetry-After: 2", "", False),
        (b"HTTP/1.1 500 X\r\nRetry-After: 2", "Máy chủ đang bận, bạn chờ giúp.", False),
    ],
)
def test_a_refusal_says_why_and_when_to_come_back(head: bytes, body: str, is_honest: bool) -> None:
    journal = Journal()
    journal.note_refused("save", Answer(int(head[9:12]), head, body.encode()))
    assert bool(journal.unexplained) != is_honest


def test_only_what_was_sent_after_a_kill_counts_as_recovery() -> None:
    journal = Journal()
    mark = journal.mark()
    journal.note_acknowledged("save", mark.at - 1, mark.at - 1)
    assert slowest_ms(journal.marks) is None
    journal.note_acknowledged("save", mark.at - 1, time.monotonic())
    assert slowest_ms(journal.marks) is not None
