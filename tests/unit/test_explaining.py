"""Why a ticket has its targets: from its own log, and from the policy on file as long as that is there."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.contracts import facts as f
from shared.ids import NetworkCode
from shared.testing.clock import START
from shared.tickets.explaining import Explanation, explain
from shared.tickets.log import fold
from shared.tickets.policy_file import read_policy
from shared.tickets.targets import Policy, Subject
from tests.cases import log_of
from tests.unit.test_policy import EXAMPLE, written

HOUR_MS = 3_600_000
NGARI = Subject(service="sdh", networks=frozenset({NetworkCode("0897"), NetworkCode("010")}), confirm_ms=5 * HOUR_MS)


@pytest.fixture
def example(tmp_path: Path) -> Policy:
    return read_policy(written(tmp_path, EXAMPLE))


def explained(policy: Policy, *facts: f.Fact, on_file: Policy | None, tier: str = "gold") -> Explanation:
    terms = policy.terms_of(tier, "down", subject=NGARI, reported_at=START, now=START)
    log = log_of(*facts, terms=terms, tier=tier)[1]
    return explain(fold(log), log, policy=on_file, subject=NGARI)


def test_every_target_has_its_giver(example: Policy) -> None:
    found = explained(example, on_file=example)
    assert {target: (given.value, given.by) for target, given in found.targets.items()} == {
        "accept": (3_600_000, "plateau"), "update": (3_600_000, "gold/down"),
        "restore": (12 * HOUR_MS, "plateau-leased-lines"), "report": (72 * HOUR_MS, "gold/down"),
        "confirm": (5 * HOUR_MS, "contract"), "head_start": (900_000, "gold/down"), "calendar": (None, "gold/down"),
    }  # fmt: skip


def test_rules_that_were_met_are_named_with_why_and_what_of_them_holds(example: Policy) -> None:
    rules = {rule.name: rule for rule in explained(example, on_file=example).rules or ()}
    assert set(rules) == {"plateau", "plateau-leased-lines"}
    assert (rules["plateau"].met_by, rules["plateau"].holds) == ({"networks": ["0897"]}, ["accept"])
    assert rules["plateau-leased-lines"].met_by == {"networks": ["0897"], "services": ["sdh"]}


def test_file_that_was_changed_without_a_new_version_is_seen(example: Policy, tmp_path: Path) -> None:
    assert explained(example, on_file=example).now == {}
    changed = read_policy(written(tmp_path, EXAMPLE.replace("restore_hours = 12\n", "restore_hours = 20\n")))
    assert explained(example, on_file=changed).now == {"restore": 20 * HOUR_MS}


def test_version_that_is_not_on_file_leaves_what_the_ticket_itself_says(example: Policy) -> None:
    found = explained(example, on_file=None)
    assert (found.rules, found.now, found.targets["restore"].by) == (None, None, "plateau-leased-lines")


def test_changes_are_told_with_before_and_after(example: Policy) -> None:
    longer = example.terms_of("crystal", "degraded", subject=replace(NGARI, calendar="24x7"))
    changed = f.TermsChanged(longer, "agreed", tier="crystal", impact="degraded")
    found = explained(example, changed, on_file=example)
    assert [step.seq for step in found.steps] == [1, 2]
    last = found.steps[-1]
    assert (last.reason, last.tier, last.impact) == ("agreed", "crystal", "degraded")
    assert last.changed == {
        "tier": ("gold", "crystal"), "impact": ("down", "degraded"), "update": (HOUR_MS, 2 * HOUR_MS),
        "report": (72 * HOUR_MS, None), "head_start": (900_000, 0),
    }  # fmt: skip
    assert found.targets["calendar"].by == "by-hand"
    assert found.now == {}


def test_milder_report_that_changed_nothing_is_told(example: Policy) -> None:
    joined = f.ReportJoined("degraded", "a little light", START)
    assert [(e.seq, fact.impact) for e, fact in explained(example, joined, on_file=example).said] == [(2, "degraded")]


def test_ticket_without_terms_has_nothing_to_explain(example: Policy) -> None:
    log = log_of()[1]
    found = explain(fold(log), log, policy=None, subject=NGARI)
    assert (found.targets, found.steps) == ({}, [])
