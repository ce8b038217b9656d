from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import figures
from core.figures import Family, Place, add_up, exposition, read_all
from core.metrics import MEMORY, REFUSALS, REQUESTS

PROJECT = Path(__file__).parent.parent.parent
KEY = ("refusals_total", (("code", "figures_test"),))
# Counts, says so, and waits to be killed.
COUNTS = """
import sys, time
from pathlib import Path
from core.figures import Place
from core.metrics import REFUSALS
place = Place(Path(sys.argv[1]), "web")
REFUSALS.labels("figures_test").inc(int(sys.argv[2]))
place.write()
print(place.name, flush=True)
time.sleep(60)
"""


def killed_after_counting(folder: Path, count: int) -> str:
    """The place of a process that has counted and been killed without a word."""
    with subprocess.Popen(
        [sys.executable, "-c", COUNTS, str(folder), str(count)],
        cwd=PROJECT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        process.kill()
    return name


def counted(folder: Path) -> float:
    place = Place(folder, "worker")  # somebody else, who has counted none of these
    try:
        found = place.everybody().get("refusals", Family("counter", ""))
        return found.samples.get(KEY, 0.0)
    finally:
        place.close()


def test_a_killed_process_takes_no_count_with_it_and_its_place_goes_on(tmp_path: Path) -> None:
    assert killed_after_counting(tmp_path, 5) == "web-1"
    assert counted(tmp_path) == 5
    assert killed_after_counting(tmp_path, 2) == "web-1"
    assert counted(tmp_path) == 7
    assert len(list(tmp_path.glob("web-*.json"))) == 1


def test_processes_that_live_at_once_have_places_of_their_own(tmp_path: Path) -> None:
    first, second = Place(tmp_path, "web"), Place(tmp_path, "web")
    assert (first.name, second.name) == ("web-1", "web-2")
    first.close()
    third = Place(tmp_path, "web")
    assert third.name == "web-1"
    for place in (second, third):
        place.close()


def test_gauges_of_the_gone_are_not_of_now(tmp_path: Path) -> None:
    place = Place(tmp_path, "web")
    MEMORY.labels("figures-test").set(3)
    place.write()
    key = ("process_memory_bytes", (("process", "figures-test"),))
    assert place.everybody()["process_memory_bytes"].samples[key] == 3
    file = tmp_path / "web-1.json"
    kept = orjson.loads(file.read_bytes())
    kept["written_at"] = time.time() - figures.FRESH_SECONDS - 1
    file.write_bytes(orjson.dumps(kept))
    assert place.everybody()["process_memory_bytes"].samples == {}
    place.close()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"edition": 0}'])
def test_a_file_that_cannot_be_read_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "web-1.json").write_bytes(content)
    assert read_all(tmp_path) == []
    place = Place(tmp_path, "web")
    place.write()
    assert [each.place for each in read_all(tmp_path)] == ["web-1"]
    place.close()


def test_without_a_folder_a_process_speaks_for_itself(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    place = Place(blocked, "web")
    REFUSALS.labels("figures_alone").inc()
    place.write()
    assert ("refusals_total", (("code", "figures_alone"),)) in place.everybody()["refusals"].samples


def test_counts_are_added_and_of_lags_the_largest_counts() -> None:
    lag = ("event_loop_lag_seconds", ())
    parts = [
        {
            "refusals": Family("counter", "x", {KEY: count}),
            "event_loop_lag_seconds": Family("gauge", "x", {lag: seconds}),
        }
        for count, seconds in ((2.0, 0.5), (3.0, 0.25))
    ]
    whole = add_up(parts)
    assert whole["refusals"].samples[KEY] == 5
    assert whole["event_loop_lag_seconds"].samples[lag] == 0.5


def test_the_histogram_of_requests_reads_as_prometheus_wants_it(tmp_path: Path) -> None:
    for seconds in (0.004, 0.4, 0.41, 99.0):
        REQUESTS.observe("/figures-test", 2, seconds)
    place = Place(tmp_path, "web")
    place.write()
    families = text_string_to_metric_families(exposition(place.everybody()).decode())
    place.close()
    [family] = [each for each in families if each.name == "http_request_seconds"]
    found = {
        (sample.name.rpartition("_")[2], sample.labels.get("le")): sample.value
        for sample in family.samples
        if sample.labels["route"] == "/figures-test"
    }
    assert found["bucket", "0.005"] == 1
    assert found["bucket", "0.4"] == 2  # a bound belongs to its own bucket
    assert found["bucket", "0.75"] == 3
    assert found["bucket", "+Inf"] == found["count", None] == 4
    assert found["sum", None] == pytest.approx(99.814)
