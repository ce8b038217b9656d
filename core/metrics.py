"""Which figures does a process count for Prometheus?

Counting happens in the memory of the process and nowhere else: nothing on the way of a save is
shared or waited for. How the figures of several processes become one answer: `core.figures`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
# The goals stand among the bounds (quality.md): 0.1 s for boards and refusals, 0.4 s for saves in
# the closing rush, 1.5 s for starts at the opening bell.
LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.4, 0.75, 1.5, 5.0, 15.0)


class Latencies(Collector):
    """A histogram by route and kind of answer, observed with every request.

    prometheus_client's own takes a lock and walks the bounds: 1.3 µs a request against 0.3 µs.
    """

    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        self._name, self._about = name, about
        self._bounds = tuple(bounds)
        self._counts: dict[tuple[str, int], list[int]] = {}
        self._sums: dict[tuple[str, int], float] = {}
        REGISTRY.register(self)

    def observe(self, route: str, hundred: int, seconds: float) -> None:
        """Count one answer; `hundred` is the first digit of its status."""
        key = (route, hundred)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * (len(self._bounds) + 1)
            self._sums[key] = 0.0
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[key] += seconds

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self._name, self._about, labels=["route", "status"])
        for (route, hundred), counts in self._counts.items():
            total, buckets = 0, []
            for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
                total += count
                buckets.append(("+Inf" if bound == float("inf") else str(bound), total))
            family.add_metric([route, f"{hundred}xx"], buckets, self._sums[route, hundred])
        yield family


class Tally(Collector):
    """A counter that somebody else keeps as plain numbers; read when figures are asked for."""

    def __init__(
        self, name: str, about: str, label: str, read: Callable[[], Mapping[str, int]]
    ) -> None:
        self._name, self._about, self._label, self._read = name, about, label, read
        REGISTRY.register(self)

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._about, labels=[self._label])
        for value, count in self._read().items():
            family.add_metric([value], count)
        yield family


REQUESTS = Latencies("http_request_seconds", "time to answer", LATENCY_BOUNDS)
GROUP_COMMIT_BATCH = Histogram(
    "group_commit_batch_rows", "rows written by one commit", ["committer"], registry=REGISTRY,
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)  # fmt: skip
GROUP_COMMIT_WAIT = Histogram(
    "group_commit_wait_seconds", "the longest wait in a batch", ["committer"], registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.4, 0.75, 1.5, 5, 30),
)  # fmt: skip
REFUSALS = Counter("refusals_total", "requests refused by the domain", ["code"], registry=REGISTRY)
DOORBELLS = Counter("doorbells_total", "jobs rung", ["job", "outcome"], registry=REGISTRY)
READS = Counter(
    "reads_total", "statements that may be some seconds old", ["answered_by"], registry=REGISTRY
)
SCORED = Counter("attempts_scored_total", "attempts scored by this worker", registry=REGISTRY)
# 0 calm, 1 busy, 2 heavy, 3 full: web/load_level.py
LOAD_LEVEL = Gauge("load_level", "how hard this process finds its work", registry=REGISTRY)
LOAD_PRESSURE = Gauge("load_pressure", "the worst signal against its limit", registry=REGISTRY)
LOAD_USED = Gauge("load_used", "share of the processors in use", registry=REGISTRY)
SHED = Counter("shed_total", "requests turned away under load", ["kind"], registry=REGISTRY)
LINE_ISSUED = Gauge("waiting_line_issued", "numbers given out", registry=REGISTRY)
LINE_SERVED = Gauge("waiting_line_served", "numbers whose turn has come", registry=REGISTRY)
LINE_RATE = Gauge(
    "waiting_line_rate", "numbers served a second; 0 while it is closed", registry=REGISTRY
)
SLOW_STATEMENTS = Counter("slow_statements_total", "statements noted as slow", registry=REGISTRY)
ERRORS = Counter("errors_total", "faults that were logged", registry=REGISTRY)
# Of the process that sets them; `core.figures` says how those of several become one.
IN_PROGRESS = Gauge("http_requests_in_progress", "requests being answered", registry=REGISTRY)
ROWS_WAITING = Gauge(
    "group_commit_waiting_rows", "rows that wait for a commit", ["committer"], registry=REGISTRY
)
LOOP_LAG = Gauge("event_loop_lag_seconds", "the longest of the last seconds", registry=REGISTRY)
POOL = Gauge("database_pool_connections", "of the crowd's pool", ["state"], registry=REGISTRY)
MEMORY = Gauge("process_memory_bytes", "resident memory", ["process"], registry=REGISTRY)
CPU = Counter("process_cpu_seconds", "user and system time", ["process"], registry=REGISTRY)
