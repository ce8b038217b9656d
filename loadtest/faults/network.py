"""Which machines does a run make for itself? Network namespaces on one switch, gone when it ends.

Each has one cable, and its cable can be pulled: nobody is told, packets just stop. Where namespaces
cannot be had (that needs root), every machine is a loopback address, and nothing can be pulled.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# RFC 2544 keeps 198.18.0.0/15 for measurements: it is nobody's address.
SUBNET = "198.18.77"
FOLDER = Path("/run/netns")
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Host:
    """One machine; what is started within `as_ours` runs on it."""

    name: str
    address: str
    namespace: str = ""

    def pull_cable(self) -> None:
        self._set_cable("down")

    def plug_cable(self) -> None:
        self._set_cable("up")

    @contextlib.contextmanager
    def as_ours(self) -> Iterator[None]:
        """This thread, and every process and thread that it starts meanwhile, is on this machine."""
        if not self.namespace:
            yield
            return
        with Path("/proc/thread-self/ns/net").open() as home:
            with (FOLDER / self.namespace).open() as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def _set_cable(self, state: str) -> None:
        _run("-n", _switch_of(self.namespace), "link", "set", f"to-{self.name}", state)


@contextlib.contextmanager
def network(names: Sequence[str]) -> Iterator[dict[str, Host]]:
    """A switch and a machine for each name; every process on them is the caller's to end."""
    if not can_make_namespaces():
        yield {name: Host(name, f"127.0.0.{place}") for place, name in enumerate(names, start=11)}
        return
    prefix = f"hieu-so-{os.getpid()}"
    switch = f"{prefix}-switch"
    made = [switch]
    try:
        _run("netns", "add", switch)
        _run("-n", switch, "link", "add", "bridge", "type", "bridge", "stp_state", "0")
        _run("-n", switch, "link", "set", "bridge", "up")
        hosts = {}
        for place, name in enumerate(names, start=11):
            host = Host(name, f"{SUBNET}.{place}", f"{prefix}-{name}")
            _run("netns", "add", host.namespace)
            made.append(host.namespace)
            _connect(switch, host)
            hosts[name] = host
        yield hosts
    finally:
        for each in reversed(made):
            _run("netns", "delete", each)


def can_make_namespaces() -> bool:
    if os.geteuid() != 0 or not shutil.which("ip", path=f"{os.defpath}:/usr/sbin:/sbin"):
        return False
    name = f"hieu-so-{os.getpid()}-trial"
    done = subprocess.run([_ip(), "netns", "add", name], capture_output=True, check=False)
    if done.returncode:
        return False
    _run("netns", "delete", name)
    return True


def _connect(switch: str, host: Host) -> None:
    """A cable from the machine's eth0 to the switch."""
    plug = f"to-{host.name}"
    _run("-n", switch, "link", "add", plug, "type", "veth", "peer", "eth0", "netns", host.namespace)
    _run("-n", switch, "link", "set", plug, "master", "bridge", "up")
    for device in ("lo", "eth0"):
        _run("-n", host.namespace, "link", "set", device, "up")
    _run("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")


def _switch_of(namespace: str) -> str:
    return f"{'-'.join(namespace.split('-')[:3])}-switch"


def _enter(file: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(file, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip() -> str:
    return shutil.which("ip", path=f"{os.defpath}:/usr/sbin:/sbin") or "ip"


def _run(*arguments: str) -> None:
    done = subprocess.run([_ip(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
