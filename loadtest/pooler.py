"""How does a measurement or a test get the PgBouncer of deploy/, in front of its own PostgreSQL?

The configuration is the shipped one; only addresses, the database's name and the password file are
replaced.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from core.local import end_with_parent, unprivileged_account
from loadtest.report import PROJECT

SHIPPED = PROJECT / "deploy" / "pgbouncer.ini"
READY_SECONDS = 10


def find_pgbouncer() -> str | None:
    """Debian keeps it where ordinary users do not look."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextlib.contextmanager
def running_pgbouncer(
    folder: Path,
    database_url: str,
    *,
    host: str = "127.0.0.1",
    port: int,
    pool_size: int | None = None,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """PgBouncer in transaction mode before `database_url`; yields the address through it."""
    program = find_pgbouncer()
    if program is None:
        raise RuntimeError("pgbouncer is missing: apt-get install pgbouncer")
    file = _write_configuration(folder, database_url, host, port, pool_size)
    account = unprivileged_account()  # it refuses to be root
    drop = ["-u", account.pw_name] if account else []
    end_with_us: Any = end_with_parent(signal.SIGTERM)
    with (folder / "pgbouncer.log").open("ab") as log:
        process = subprocess.Popen(
            [program, *drop, str(file)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_us,  # noqa: PLW1509 — it must not outlive us
        )
    parts = urlsplit(database_url)
    through = parts._replace(netloc=f"{parts.username}:{parts.password}@{host}:{port}")
    try:
        _wait_for_words(folder / "pgbouncer.log", process)
        yield urlunsplit(through), process
    finally:
        process.kill()  # it would wait for its clients
        process.wait()


def _write_configuration(
    folder: Path, database_url: str, host: str, port: int, pool_size: int | None
) -> Path:
    parts = urlsplit(database_url)
    name = parts.path.removeprefix("/")
    users = folder / "pgbouncer-users.txt"
    users.write_text(f'"{parts.username}" "{parts.password}"\n', encoding="utf-8")
    text = SHIPPED.read_text(encoding="utf-8")
    server = f"{name} = host={parts.hostname} port={parts.port} dbname={name}"
    changes = [
        (r"(?m)^hieuso = .*$", server),
        (r"(?m)^listen_addr = .*$", f"listen_addr = {host}"),
        (r"(?m)^listen_port = .*$", f"listen_port = {port}"),
        (r"(?m)^auth_file = .*$", f"auth_file = {users}"),
    ]
    if pool_size is not None:
        changes += [(r"(?m)^default_pool_size = .*$", f"default_pool_size = {pool_size}")]
    for pattern, put in changes:
        text, count = re.subn(pattern, put, text)
        if count != 1:
            raise RuntimeError(f"deploy/pgbouncer.ini has no {pattern!r} any more")
    file = folder / "pgbouncer.ini"
    file.write_text(text, encoding="utf-8")
    account = unprivileged_account()
    for each in (users, file):
        each.chmod(0o600)
        if account is not None:
            os.chown(each, account.pw_uid, account.pw_gid)
    return file


def _wait_for_words(log: Path, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        if "process up" in log.read_text(encoding="utf-8", errors="replace"):
            return
        time.sleep(0.02)
    raise RuntimeError(f"pgbouncer did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")
