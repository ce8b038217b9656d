"""How does a measurement get a migrated and filled database without laying it each time?

The first run of the day lays the demonstration province and keeps the servers' folder beside the
project; later ones copy it. Any change to the platform's own files makes it anew, since what is
measured must be what stands in the tree.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.clock import local_day, now
from core.local import LocalStack
from loadtest.report import PROJECT, say

LAYING_SECONDS = 600
_KEPT = PROJECT / ".local" / "prepared"
_PACKAGES = ("core", "people", "quiz", "certificates", "campaigns", "web", "requirements")
# Neither compiled code nor what a browser gets lays a row.
_LEFT_OUT = {"__pycache__", "static", "templates"}
# What belongs to one run of the servers.
_PASSING = ("stack.json", "lock", "state.txt")


def copy_prepared(folder: Path, past_attempts: int | None, environment: Mapping[str, str]) -> None:
    """Fill LOCAL_DIR `folder`, whose servers do not run yet, with so many past attempts.

    With None the tables are there and empty. `environment` is that of the commands which lay the
    data, but for their LOCAL_DIR.
    """
    started = time.monotonic()
    _KEPT.mkdir(parents=True, exist_ok=True)
    with (_KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        version = _version()
        kept = _KEPT / f"{version}-{past_attempts}"
        if not kept.is_dir():
            _forget_other_versions(version)
            _lay(kept, past_attempts, environment)
        _copy(kept, folder)
    laid = "empty tables" if past_attempts is None else f"{past_attempts} past attempts"
    say(f"{laid}, laid or copied: {time.monotonic() - started:.1f} s")


def run_command(environment: Mapping[str, str], *arguments: str) -> None:
    """One command of `python -m web`, which must succeed."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "web", *arguments],
        cwd=PROJECT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=LAYING_SECONDS,
    )
    if done.returncode:
        words = (done.stderr or done.stdout)[-3000:]
        raise RuntimeError(f"python -m web {' '.join(arguments)} failed:\n{words}")
    say(f"{' '.join(arguments)}: {time.monotonic() - started:.1f} s")


def _lay(kept: Path, past_attempts: int | None, environment: Mapping[str, str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="hieu-so-prepared-"))
    try:
        folder.chmod(0o755)  # root's servers run as nobody
        servers = LocalStack(folder)
        try:
            servers.start()
            own = {**environment, "LOCAL_DIR": str(folder)}
            run_command(own, "migrate")
            if past_attempts is not None:
                run_command(own, "seed", "--attempts", str(past_attempts))
        finally:
            servers.stop()
        for name in _PASSING:
            (folder / name).unlink(missing_ok=True)
        half = kept.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        _copy(folder, half)
        half.rename(kept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """With owners and modes, which PostgreSQL is particular about; into what may lie there."""
    target.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", f"{source}/.", f"{target}/"], check=True)


def _version() -> str:
    """Changes with every file that could lay a row otherwise, and daily: rounds are laid round now."""
    digest = hashlib.sha256(local_day(now()).isoformat().encode())
    for file in _files():
        digest.update(str(file.relative_to(PROJECT)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for package in _PACKAGES:
        for folder, folders, names in os.walk(PROJECT / package):
            folders[:] = sorted(set(folders) - _LEFT_OUT)
            yield from (Path(folder, name) for name in sorted(names))


def _forget_other_versions(version: str) -> None:
    for each in _KEPT.iterdir():
        if each.is_dir() and not each.name.startswith(version):
            shutil.rmtree(each)
