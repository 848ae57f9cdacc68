"""What is due for a breach, by rules that are data: steps, contracts before tiers, a month's most, cents."""

from decimal import Decimal
from pathlib import Path

import pytest

from services.dispatcher.reports.compensation import HOUR_MS, Breach, Months, Rules, Step
from services.dispatcher.reports.rules_file import DEFAULT, read_compensation

ROOT = Path(__file__).parents[2]
GOLD = (Step(0, 5), Step(2 * HOUR_MS, 10))
RULES = Rules("1", "CNY", 25, tiers={"gold": GOLD}, accounts={"bank": (Step(0, 20),)})
FILE = """version = "1"
currency = "CNY"
most_percent = 50
[tiers.gold]
steps = [{ over_hours = 0, percent = 5 }, { over_hours = 2, percent = %s }]
"""


def breach(over_ms: int = 1, *, account: str = "grid", circuit: str = "C1", month: str = "2026-11") -> Breach:
    return Breach("T", account, circuit, "gold", month, over_ms)


@pytest.mark.parametrize(
    ("account", "tier", "over_ms", "percent"),
    [
        ("grid", "gold", 1, 5),
        ("grid", "gold", 2 * HOUR_MS - 1, 5),
        ("grid", "gold", 2 * HOUR_MS, 10),
        ("bank", "gold", 1, 20),
        ("grid", "crystal", 10**9, 0),
    ],
)
def test_last_step_that_fits_counts_and_a_contract_comes_before_its_tier(
    account: str, tier: str, over_ms: int, percent: int
) -> None:
    assert RULES.percent(account, tier, over_ms) == percent


def test_circuits_month_never_costs_more_than_the_most() -> None:
    months = Months(RULES)
    due = [months.due(breach(2 * HOUR_MS), Decimal(100)).percent for _ in range(4)]
    assert due == [10, 10, 5, 0]
    assert months.due(breach(circuit="C2"), Decimal(100)).percent == 5
    assert months.due(breach(month="2026-12"), Decimal(100)).percent == 5


def test_amounts_are_to_the_cent_and_none_without_a_fee() -> None:
    months = Months(RULES)
    assert months.due(breach(), Decimal("333.30")).amount == Decimal("16.67")
    assert months.due(breach(circuit="C2"), None).amount is None


def test_default_is_the_file_that_is_shown() -> None:
    assert (ROOT / "deploy/config/compensation.toml").read_text() == DEFAULT.read_text()
    assert read_compensation().percent("any", "diamond", 24 * HOUR_MS) == 50


@pytest.mark.parametrize("percent", ["5", "0", "101", '"x"'])
def test_file_that_makes_longer_waits_cheaper_or_no_sense_is_refused_by_line(tmp_path: Path, percent: str) -> None:
    file = tmp_path / "compensation.toml"
    file.write_text(FILE % percent)
    with pytest.raises(ValueError, match=r"compensation.toml, line 5: tiers.gold.steps"):
        read_compensation(file)
    file.write_text(FILE % "6")
    assert read_compensation(file).tiers["gold"][1] == Step(2 * HOUR_MS, 6)
