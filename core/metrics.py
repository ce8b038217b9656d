"""Which figures does a process tell Prometheus?"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

GROUP_COMMIT_BATCH = Histogram(
    "group_commit_batch_rows", "rows written by one commit", ["committer"], registry=REGISTRY,
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)  # fmt: skip
GROUP_COMMIT_WAIT = Histogram(
    "group_commit_wait_seconds", "the longest wait in a batch", ["committer"], registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)  # fmt: skip
REQUESTS = Histogram(
    "http_request_seconds", "time to answer", ["route", "status"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
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
SHED = Counter("shed_total", "requests turned away under load", ["kind"], registry=REGISTRY)
LINE_ISSUED = Gauge("waiting_line_issued", "numbers given out", registry=REGISTRY)
LINE_SERVED = Gauge("waiting_line_served", "numbers whose turn has come", registry=REGISTRY)
LINE_RATE = Gauge(
    "waiting_line_rate", "numbers served a second; 0 while it is closed", registry=REGISTRY
)


def exposition() -> bytes:
    """The figures of this process in Prometheus' text format 0.0.4."""
    return generate_latest(REGISTRY)
