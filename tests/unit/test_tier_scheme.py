"""What a scheme proposes: by spend and sector, when a tier holds, and when it is lost."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.registry.tiers.files import read_scheme
from shared.registry.tiers.scheme import Scheme, Standing, later_by, review

SCHEMES = Path(__file__).parents[2] / "deploy/config/tiers"
MONTHLY, YEARLY = read_scheme(SCHEMES / "monthly.toml"), read_scheme(SCHEMES / "yearly.toml")
TODAY = date(2026, 11, 22)
LONG_AGO, LATELY = date(2025, 1, 1), date(2026, 10, 1)
SPEND = st.decimals(0, 2_000_000, places=2)
SECTORS = st.sampled_from(["government", "public-security", "finance", "education", "fortune-500", "other"])
DAYS = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
BOTH = st.sampled_from([MONTHLY, YEARLY])


def found(tier: str, spend: int | None, *, earned: date | None = None, sector: str = "other") -> tuple[str, str]:
    amount = None if spend is None else Decimal(spend)
    finding = review(MONTHLY, Standing(sector, tier, earned), amount, TODAY)
    return finding.verdict, finding.tier


def height(scheme: Scheme, tier: str) -> int:
    found = scheme.height(tier)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("spend", "tier"),
    [(500_000, "diamond"), (499_999, "jade"), (200_000, "jade"), (80_000, "platinum"), (30_000, "gem"),
     (10_000, "gold"), (9_999, "crystal"), (0, "crystal")],
)  # fmt: skip
def test_monthly_thresholds_are_those_of_the_design(spend: int, tier: str) -> None:
    assert MONTHLY.by_spend(Decimal(spend)) == tier


@pytest.mark.parametrize(
    ("spend", "tier"), [(9_600, "diamond"), (6_000, "gold"), (3_600, "silver"), (3_599, "ordinary")]
)
def test_yearly_thresholds_are_those_of_the_design(spend: int, tier: str) -> None:
    assert (YEARLY.by_spend(Decimal(spend)), YEARLY.review_months) == (tier, 12)


def test_better_figures_promote_at_any_time() -> None:
    assert found("gold", 250_000, earned=LATELY) == ("promotion", "jade")


def test_worse_figures_wait_until_the_tier_has_been_held_its_time() -> None:
    assert found("jade", 15_000, earned=LATELY) == ("held", "jade")
    assert found("jade", 15_000, earned=LONG_AGO) == ("demotion", "gold")
    assert found("jade", 15_000) == ("demotion", "gold")


def test_tier_without_a_figure_expires_when_its_time_is_over() -> None:
    assert found("jade", None, earned=LATELY) == ("unchanged", "jade")
    assert found("jade", None, earned=LONG_AGO) == ("expiry", "crystal")
    assert found("jade", None) == ("unchanged", "jade")


def test_sector_keeps_what_it_gives_through_an_expiry() -> None:
    assert found("jade", None, earned=LONG_AGO, sector="government") == ("expiry", "platinum")
    assert found("platinum", None, earned=LONG_AGO, sector="government") == ("unchanged", "platinum")


def test_sector_raises_with_and_without_a_figure() -> None:
    assert found("crystal", 100, sector="government") == ("promotion", "platinum")
    assert found("crystal", None, sector="government") == ("promotion", "platinum")


def test_tier_of_another_scheme_is_placed_anew() -> None:
    assert found("silver", 40_000, earned=LATELY) == ("placement", "gem")


def test_why_names_the_figure_and_the_rule() -> None:
    finding = review(MONTHLY, Standing("government", "crystal"), Decimal("12000"), TODAY)
    assert finding.why == "12,000 CNY a month is gold; sector government: at least platinum"


@given(BOTH, SECTORS, st.data(), DAYS, SPEND, SPEND)
def test_more_spend_never_leads_to_a_lower_tier(
    scheme: Scheme, sector: str, data: st.DataObject, earned: date | None, one: Decimal, other: Decimal
) -> None:
    account = Standing(sector, data.draw(st.sampled_from([*scheme.tiers, "of-another-scheme"])), earned)
    less, more = (height(scheme, review(scheme, account, spend, TODAY).tier) for spend in sorted((one, other)))
    assert less <= more


@given(BOTH, SECTORS, st.data(), DAYS, st.none() | SPEND)
def test_sector_never_lowers(
    scheme: Scheme, sector: str, data: st.DataObject, earned: date | None, spend: Decimal | None
) -> None:
    tier = data.draw(st.sampled_from(scheme.tiers))
    alone, raised = (review(scheme, Standing(s, tier, earned), spend, TODAY).tier for s in ("nothing", sector))
    assert height(scheme, raised) >= height(scheme, alone)


@given(BOTH, SECTORS, st.data(), DAYS, st.none() | SPEND)
def test_verdict_says_what_becomes_of_the_tier(
    scheme: Scheme, sector: str, data: st.DataObject, earned: date | None, spend: Decimal | None
) -> None:
    before = data.draw(st.sampled_from(scheme.tiers))
    finding = review(scheme, Standing(sector, before, earned), spend, TODAY)
    step = height(scheme, finding.tier) - height(scheme, before)
    expected = {"promotion": 1, "demotion": -1, "expiry": -1, "held": 0, "unchanged": 0}
    assert (step > 0) - (step < 0) == expected[finding.verdict]
    assert (finding.verdict == "expiry") <= (spend is None)


@given(BOTH, SECTORS, SPEND)
def test_reviewing_again_the_same_day_proposes_nothing_more(scheme: Scheme, sector: str, spend: Decimal) -> None:
    first = review(scheme, Standing(sector, scheme.otherwise), spend, TODAY)
    assert review(scheme, Standing(sector, first.tier, TODAY), spend, TODAY).verdict == "unchanged"


def test_months_end_where_a_month_is_shorter() -> None:
    assert later_by(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert later_by(date(2026, 12, 15), 12) == date(2027, 12, 15)
