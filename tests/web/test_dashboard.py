"""The dashboard and the alerts ask for nothing that /metrics does not tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.notes import FAULTS
from core.queue import enqueue
from quiz.jobs import score_attempts
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn, Site
from web.routes import TABLE

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "grafana"
# PromQL's own words, its functions and the labels that we group by.
WORDS = {
    "sum", "by", "le", "max", "min", "rate", "topk", "histogram_quantile", "absent", "or",
    "route", "code", "kind", "event", "committer", "outcome", "state", "instance", "up",
}  # fmt: skip


def dashboard() -> dict[str, Any]:
    return json.loads((FOLDER / "hieu-so.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # one object


def expressions() -> list[str]:
    panels = [
        target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])
    ]
    alerts = (FOLDER / "alerts.yml").read_text(encoding="utf-8")
    rules = re.findall(r"(?m)^        expr: (?:>-\n +)?(.+)$", alerts)
    assert len(panels) > 40
    assert len(rules) == alerts.count("- alert:") > 10
    return panels + rules


def names_in(expression: str) -> set[str]:
    """The metrics that an expression asks for: its words without what stands in braces and quotes."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    return set(re.findall(r"[a-z_]+[a-z][a-z_]*", bare)) - WORDS


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


async def test_every_figure_that_is_asked_for_is_told_after_a_played_attempt(
    site: Site, stage: Stage, visitor: httpx.AsyncClient
) -> None:
    mai = stage.clients["mai"]
    paper = (await mai.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    await mai.get(paper)
    await mai.post(f"{paper}/luu", data={"seq": "1", "q1": "1"})
    await mai.post(f"{paper}/nop", data={})
    await mai.post(f"{paper}/luu", data={"seq": "2", "q1": "1"})  # refused: handed in
    await score_attempts({})
    enqueue("score_attempts")
    site.app.state.pulse.swept()  # as in a worker
    text = (await visitor.get("/metrics")).text
    FAULTS.clear()
    families = list(text_string_to_metric_families(text))
    told = {sample.name for family in families for sample in family.samples}
    # A counter by label is named before anything is counted: nothing has been shed here.
    told |= {f"{family.name}_total" for family in families if family.type == "counter"}
    asked = set().union(*(names_in(expression) for expression in expressions()))
    assert asked - told == set()


def test_routes_that_are_asked_for_are_routes() -> None:
    known = {path for _, path, *_ in TABLE}
    routes = {found for each in expressions() for found in re.findall(r'route="([^"]+)"', each)}
    assert routes
    assert routes <= known


def test_every_panel_has_a_name_a_place_and_the_chosen_source() -> None:
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])
    for panel in panels:
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_every_alert_says_what_people_feel_and_what_to_do() -> None:
    alerts = (FOLDER / "alerts.yml").read_text(encoding="utf-8").split("- alert:")[1:]
    for alert in alerts:
        assert re.search(r'summary: ".{10,}"', alert), alert
        assert re.search(r'description: ".{20,}"', alert), alert
        assert re.search(r"severity: (?:page|warn) ", alert), alert
