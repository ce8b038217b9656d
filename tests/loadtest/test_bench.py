from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from loadtest.report import percentile

ATTEMPT_KEYS = {
    "bench", "cpu_ms_per_attempt", "web_ms", "worker_ms", "postgres_ms", "valkey_ms",
    "saves_per_attempt", "attempts", "errors", "p50_ms", "p95_ms", "p99_ms", "lost", "commit",
    "seconds",
}  # fmt: skip
SAVE_KEYS = {"bench", "rate", "ceiling", "ratio", "p99_ms", "errors", "lost", "commit", "seconds"}
STEPS_KEYS = {"bench", "steps", "attempts", "errors", "lost", "commit", "seconds"}
SCORING_KEYS = {
    "bench", "attempts", "seconds", "per_s", "ceiling_seconds", "cpu_ms_per_attempt", "worker_ms",
    "postgres_ms", "expired_seconds", "at_10x", "scale_ratio", "errors", "lost", "commit",
}  # fmt: skip
BOARD_KEYS = {
    "bench", "attempts", "top_p95_ms", "my_rank_p95_ms", "units_p95_ms", "statistics_p95_ms",
    "office_home_p95_ms", "errors", "lost", "commit",
}  # fmt: skip
RESCORING_KEYS = {
    "bench", "attempts", "seconds", "per_s", "preview_seconds", "score_seconds", "errors", "lost",
    "commit",
}  # fmt: skip
START_KEYS = {
    "bench", "cpu_ms_per_start", "ceiling_ms", "cpu_ratio", "rate", "ceiling", "people", "scale",
    "p99_ms", "errors", "lost", "commit",
}  # fmt: skip
PAGE_KEYS = {
    "bench", "pages", "hello_per_cpu_s", "cpu_ms_a_page", "scale", "errors", "lost", "commit",
}  # fmt: skip
MEMORY_KEYS = {"bench", "idle_mb", "after_rush_mb", "idle_parts_mb", "errors", "lost", "commit"}
CERTIFICATE_KEYS = {
    "bench", "per_s_per_core", "naive_per_s_per_core", "shared_fonts_per_s_per_core",
    "split_per_s_per_core", "kb_each", "sign_ms", "certificates", "errors", "lost", "commit",
}  # fmt: skip
KEYS = {
    "attempt": ATTEMPT_KEYS,
    "save": SAVE_KEYS,
    "start": START_KEYS,
    "page": PAGE_KEYS,
    "memory": MEMORY_KEYS,
    "steps": STEPS_KEYS,
    "scoring": SCORING_KEYS,
    "rescoring": RESCORING_KEYS,
    "board": BOARD_KEYS,
    "certificates": CERTIFICATE_KEYS,
}


def test_each_small_bench_gives_its_figures_and_loses_nothing(
    project_folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.bench", "--small"],
        cwd=project_folder,
        env={**os.environ, "LOCAL_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.stdout.splitlines()[-1] == lines[-1]
    assert (tmp_path / "bench.jsonl").read_text(encoding="utf-8").splitlines() == lines
    found = {figures["bench"]: figures for figures in map(json.loads, lines)}
    assert found.keys() == KEYS.keys()
    for name, figures in found.items():
        assert KEYS[name] <= figures.keys()
        assert (figures["lost"], figures["errors"]) == (0, 0)


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 1.0) == 100
    assert percentile([], 0.99) == 0
