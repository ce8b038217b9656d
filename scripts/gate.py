"""Does the whole gate hold: static checks, tests on real servers, tests in a real browser?

Called by scripts/test with the second at which that began. Every stage runs even after one has
failed; the last line is the sum in pytest's words.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from xml.etree import ElementTree as ET

import install

ROOT = install.ROOT
# Python tools of the environment first, and its node where the machine has none.
PATH = f"{install.VENV / 'bin'}:{os.environ['PATH']}"


def main(began: float) -> int:
    os.chdir(ROOT)
    browser = install.find_browser()
    counts: Counter[str] = Counter()
    if stage("check", ["./scripts/check"]):
        counts["failed"] += 1
    workers = str(os.cpu_count() or 2)
    counts += pytest("tests", "-m", "not browser", "-n", workers)
    if browser:
        # A file stays with one worker: its tests share what they added to the province.
        spread = ("-n", workers, "--dist", "loadfile")
        counts += pytest("browser", "-m", "browser", *spread, CHROMIUM=browser)
    else:  # never in CI, where setup has already refused
        print("\n!!! Không có Chromium: BỎ QUA kiểm thử trình duyệt / browser tests NOT run")
        counts["skipped"] += 1
    print(f"\nwhole gate: {time.time() - began:.0f} s")
    print(", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped")))
    return bool(counts["failed"])


def pytest(name: str, *arguments: str, **environment: str) -> Counter[str]:
    """Run one part of the tests; a part that fails without a failing test counts as one."""
    report = ROOT / ".local" / f"pytest-{name}.xml"
    report.unlink(missing_ok=True)
    code = stage(
        name, [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments], **environment
    )
    counts: Counter[str] = Counter()
    if report.is_file():
        report_text = report.read_text("utf-8")
        for suite in ET.fromstring(report_text).iter("testsuite"):  # noqa: S314 — our own pytest wrote it
            failed = int(suite.get("errors", 0)) + int(suite.get("failures", 0))
            skipped = int(suite.get("skipped", 0))
            counts["failed"] += failed
            counts["skipped"] += skipped
            counts["passed"] += int(suite.get("tests", 0)) - failed - skipped
    if code and not counts["failed"]:
        counts["failed"] += 1
    return counts


def stage(name: str, command: list[str], **environment: str) -> int:
    print(f"\n==> {name}", flush=True)
    began = time.monotonic()
    code = subprocess.run(
        command, check=False, env={**os.environ, "PATH": PATH, **environment}
    ).returncode
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
