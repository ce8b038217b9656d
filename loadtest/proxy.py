"""How does a measurement or a test get the reverse proxy of deploy/nginx, on an address of its own?

The configuration is the shipped one; only what belongs to a machine is replaced: address, TLS,
folders and the list of web processes.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.local import end_with_parent
from loadtest.report import PROJECT
from loadtest.stack import stop_process

NGINX = PROJECT / "deploy" / "nginx"
READY_SECONDS = 10
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find_nginx() -> str | None:
    """Debian keeps it where ordinary users do not look."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextlib.contextmanager
def running_proxy(
    folder: Path,
    web: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int,
) -> Iterator[int]:
    """Run nginx with the shipped configuration in front of the `web` addresses ("host:port").

    Yields the number of its master process: SIGHUP makes it read `write_configuration`'s next
    words.
    """
    program = find_nginx()
    if program is None:
        raise RuntimeError("nginx is missing: apt-get install nginx-light")
    file = write_configuration(folder, web, host=host, port=port)
    end_with_us: Any = end_with_parent(signal.SIGTERM)
    with (folder / "nginx.log").open("ab") as log:
        process = subprocess.Popen(
            [program, "-c", str(file), "-p", str(folder), "-e", "stderr"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_us,  # noqa: PLW1509 — it must not outlive us
        )
    try:
        _wait_for_pid(folder, process)
        yield process.pid
    finally:
        stop_process(process)


def write_configuration(folder: Path, web: Sequence[str], *, host: str, port: int) -> Path:
    """The shipped configuration for this folder, address and list of web processes."""
    folder.chmod(0o755)  # nginx's workers are not root
    temporary = "\n".join(f"    {name}_temp_path {folder}/nginx-{name};" for name in _TEMPORARY)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx-error.log warn;\n"
        "worker_processes 1;\nworker_rlimit_nofile 65536;\n"
        "events {\n    worker_connections 16384;\n}\n"
        f"http {{\n{temporary}\n{_site(folder, web, host, port)}\n}}\n",
        encoding="utf-8",
    )
    return file


def _site(folder: Path, web: Sequence[str], host: str, port: int) -> str:
    text = (NGINX / "conf.d" / "hieu-so.conf").read_text(encoding="utf-8")
    servers = "\n".join(f"    server {each} max_fails=2 fail_timeout=3s;" for each in web)
    for pattern, put in (
        (r"/etc/nginx/hieu-so", f"{NGINX}/hieu-so"),
        (r"/var/cache/nginx/hieu-so", f"{folder}/nginx-cache"),
        (r"/var/log/nginx/", f"{folder}/"),
        (r"(    server 127\.0\.0\.1:\d+ [^\n]*\n)+", f"{servers}\n"),
        (r"\n *ssl_\w+ [^;]+;[^\n]*", ""),
        (r"listen 443 ssl http2", f"listen {host}:{port}"),
        (r"listen 80;", f"listen unix:{folder}/nginx-plain.sock;"),
        # the generators name loopback as their host, wherever the proxy is
        (r"server_name [^;]+;", f"server_name {' '.join({host, '127.0.0.1'})};"),
    ):
        text, count = re.subn(pattern, put, text)
        if not count:
            raise RuntimeError(f"deploy/nginx has no {pattern!r} any more")
    return text


def _wait_for_pid(folder: Path, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        if (folder / "nginx.pid").is_file():
            return
        time.sleep(0.02)
    words = (folder / "nginx.log").read_text(encoding="utf-8", errors="replace")[-3000:]
    raise RuntimeError(f"nginx did not start:\n{words}")
