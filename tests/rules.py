"""What stands in deploy/prometheus and deploy/grafana: rules, their tests, panels' queries, and the names of metrics
that expressions are made of."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
FOLDER = DEPLOY / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
UNIT_TESTS = sorted((FOLDER / "tests").glob("*.yml"))
METRIC = re.compile(r"(?<![\w:])vrc_\w+")
"""One of the product's own; recording rules have colons in their names."""
RECORDED = re.compile(r"(?<![\w:])vrc:[\w:]+")


@dataclass(frozen=True, slots=True)
class Query:
    """Of one panel; `labels` are those that its legend names."""

    panel: str
    expr: str
    labels: tuple[str, ...]


def rules() -> Iterator[dict[str, Any]]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def unit_tests() -> Iterator[dict[str, Any]]:
    for file in UNIT_TESTS:
        yield from yaml.safe_load(file.read_text())["tests"]


def panel_queries() -> Iterator[Query]:
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                legend = tuple(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                yield Query(panel["title"], target["expr"], legend)


def shown_by(page: str) -> set[str]:
    """The names under which Prometheus keeps what is on a metrics page, without data too."""
    found: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)", page, re.MULTILINE):
        found |= {name + end for end in ("_bucket", "_count", "_sum")} if kind == "histogram" else {name}
    return found
