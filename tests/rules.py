"""What stands in deploy/prometheus: rules, their tests, and the names of metrics that expressions are made of."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
FOLDER = DEPLOY / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
UNIT_TESTS = sorted((FOLDER / "tests").glob("*.yml"))
METRIC = re.compile(r"(?<![\w:])vrc_\w+")
"""One of the product's own; recording rules have colons in their names."""
RECORDED = re.compile(r"(?<![\w:])vrc:[\w:]+")


def rules() -> Iterator[dict[str, Any]]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def unit_tests() -> Iterator[dict[str, Any]]:
    for file in UNIT_TESTS:
        yield from yaml.safe_load(file.read_text())["tests"]


def shown_by(page: str) -> set[str]:
    """The names under which Prometheus keeps what is on a metrics page, without data too."""
    found: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)", page, re.MULTILINE):
        found |= {name + end for end in ("_bucket", "_count", "_sum")} if kind == "histogram" else {name}
    return found
