"""How does a bench get the bare application of `ceilings` running beside the platform?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.stack import HOST, Stack, free_ports, start_process, stop_process, wait_ready


@dataclass(frozen=True)
class Bare:
    """Where it answers, and its process."""

    port: int
    pid: int


@contextlib.contextmanager
def running_ceiling(stack: Stack) -> Iterator[Bare]:
    (port,) = free_ports(1)
    process = start_process(
        stack.folder,
        {**stack.environment, "PORT": str(port)},
        "ceiling",
        ["-m", "loadtest.bench.ceilings"],
    )
    try:
        wait_ready(stack.folder, "ceiling", process, f"http://{HOST}:{port}/readyz")
        yield Bare(port, process.pid)
    finally:
        stop_process(process)
