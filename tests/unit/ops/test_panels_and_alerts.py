"""Whatever a panel or an alert asks for exists, and every alert has its page in the runbook."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.support.metrics_page import api_metrics, worker_metrics

PROJECT = Path(__file__).resolve().parents[3]
OPS = PROJECT / "ops"
PROMETHEUS_OWN = {"up"}


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((OPS / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            yield path.stem, panel


def asked_for() -> Iterator[tuple[str, str]]:
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for name, panel in panels():
        for target in panel["targets"]:
            yield f"{name}: {panel['title']}", target["expr"]


def series_in(expr: str) -> dict[str, set[str]]:
    """The names of the series in a query, each with the labels it is selected by."""
    found: dict[str, set[str]] = {}
    for name, _, matchers in re.findall(r"\b((?:tafawoq|gen_ai_client)_\w+|up)\b(\{([^}]*)\})?", expr):
        found.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
    return found


def known() -> dict[str, set[str]]:
    series = {
        name: set(metric.labels) for metric in (*api_metrics(), *worker_metrics()) for name in metric.series
    }
    return series | {key: set() for key in PROMETHEUS_OWN}


@pytest.mark.parametrize(("where", "expr"), list(asked_for()))
def test_every_series_that_is_asked_for_exists_with_its_labels(where: str, expr: str) -> None:
    asked, series = series_in(expr), known()
    assert asked, where
    for name, labels in asked.items():
        assert name in series, f"{where} asks for {name}"
        assert labels <= series[name] | {"job", "instance", "le"}, f"{where} selects {name} by {labels}"
    grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", expr) for label in labels.split(",")}
    available = {label for name in asked for label in series[name]} | {"le", "instance"}
    assert grouped <= available, f"{where} groups by {grouped - available}"


def test_the_dashboards_are_what_their_source_says() -> None:
    provider = runpy.run_path(str(OPS / "grafana" / "dashboards.py"))
    for name in provider["DASHBOARDS"]:
        path = OPS / "grafana" / "dashboards" / f"{name}.json"
        assert path.read_text() == provider["text"](name), "run: python ops/grafana/dashboards.py"


def test_no_two_panels_of_a_dashboard_share_an_id_or_a_place() -> None:
    places: dict[str, list[tuple[int, int, int]]] = {}
    for name, panel in panels():
        places.setdefault(name, []).append((panel["id"], panel["gridPos"]["x"], panel["gridPos"]["y"]))
    assert set(places) == {"students", "cache", "cost", "failing"}
    for found in places.values():
        assert len({place[0] for place in found}) == len({place[1:] for place in found}) == len(found)


def test_every_alert_has_a_page_in_the_runbook_and_every_page_an_alert() -> None:
    pages = re.findall(r"^## (\w+)$", (PROJECT / "docs" / "runbook.md").read_text(), flags=re.MULTILINE)
    assert sorted(pages) == sorted(rule["alert"] for rule in alerts())
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_alert_is_tested_to_fire_and_to_go() -> None:
    tests = yaml.safe_load((OPS / "prometheus" / "alerts_test.yml").read_text())["tests"]
    assert {test["name"] for test in tests} == {rule["alert"] for rule in alerts()}
    for test in tests:
        fires, goes = test["promql_expr_test"]
        assert fires["exp_samples"]
        assert goes["exp_samples"] == []


@pytest.mark.parametrize(("where", "expr"), list(asked_for()))
def test_every_query_is_promql(where: str, expr: str) -> None:
    promql_parser.parse(expr.replace("$__rate_interval", "5m"))


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: it comes with Prometheus"
)
def test_promtool_accepts_the_rules_and_their_tests() -> None:
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            ["promtool", *command], cwd=OPS / "prometheus", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
