"""Prometheus's own tools judge the rules: every rule is right, has a test that could fail, and says what to do."""

import re
import runpy
from pathlib import Path

import pytest

from shared.testing.prometheus import run_tool
from tests.rules import DASHBOARDS, DEPLOY, FOLDER, RECORDED, RULES, UNIT_TESTS, panel_queries, rules, unit_tests

RUNBOOK = FOLDER.parents[1] / "docs/operations/monitoring.md"
ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDS = [rule for rule in rules() if "record" in rule]


@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.stem)
def test_rules_do_what_their_tests_say(file: Path) -> None:
    found = run_tool("promtool", "test", "rules", file)
    assert found.returncode == 0, found.stdout + found.stderr


def test_configurations_are_what_their_programs_read() -> None:
    for command in (
        ("promtool", "check", "config", FOLDER / "prometheus.yml"),
        ("promtool", "check", "rules", *RULES),
        ("amtool", "check-config", FOLDER / "alertmanager.yml"),
    ):
        found = run_tool(*command)
        assert found.returncode == 0, found.stdout + found.stderr


def test_every_recording_rule_has_a_test_that_expects_a_figure_of_it() -> None:
    expected = {
        name
        for test in unit_tests()
        for case in test.get("promql_expr_test", ())
        if case["exp_samples"]
        for name in RECORDED.findall(case["expr"])
    }
    assert {rule["record"] for rule in RECORDS} == expected


def test_every_alert_has_a_test_in_which_it_is_raised_and_one_in_which_it_is_not() -> None:
    cases = [case for test in unit_tests() for case in test.get("alert_rule_test", ())]
    raised, silent = ({c["alertname"] for c in cases if bool(c["exp_alerts"]) is wanted} for wanted in (True, False))
    assert raised == silent == {rule["alert"] for rule in ALERTS}


def test_dashboards_are_what_their_code_makes() -> None:
    made = runpy.run_path(str(DEPLOY / "grafana/make.py"))["dashboards"]()
    assert {file.name: file.read_text() for file in DASHBOARDS} == made


def test_rules_and_dashboards_use_no_recording_that_nobody_makes() -> None:
    expressions = [rule["expr"] for rule in rules()] + [query.expr for query in panel_queries()]
    used = {name for expr in expressions for name in RECORDED.findall(expr)}
    assert used <= {rule["record"] for rule in RECORDS}


def test_every_alert_says_how_urgent_it_is_in_both_languages_and_what_to_do() -> None:
    sections = re.findall(r"^### (Vrc\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "summary_zh", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operations/monitoring.md#{rule['alert'].lower()}"
