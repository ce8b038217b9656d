from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

KEYS = {
    "bench", "people", "inside_at_once", "saves_per_s", "submits_per_s", "p50_ms", "p95_ms",
    "p99_ms", "errors", "acknowledged", "lost", "cpu_ms_per_attempt", "generator_cpu_share",
    "refused_inside", "goodput", "commit", "seconds",
}  # fmt: skip


def test_a_small_crowd_hands_in_and_everything_that_it_holds_is_in_the_database(
    project_folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.load"],
        cwd=project_folder,
        env={**os.environ, "LOCAL_DIR": str(tmp_path), "LOAD_SMALL": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures.keys() >= KEYS
    assert figures["bench"] == "closing_rush"
    assert (figures["errors"], figures["lost"], figures["refused_inside"]) == (0, 0, 0)
    # Each of thirty people starts, and saves or hands in.
    assert figures["acknowledged"] >= 2 * figures["people"] == 60
    assert figures["reconciled_with"] == "database"
    (folder,) = (tmp_path / "load").iterdir()
    assert {"report.html", "locust_stats.csv", "ledger-0.jsonl"} <= {
        each.name for each in folder.iterdir()
    }
