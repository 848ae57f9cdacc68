"""The place in the queues: by breach time, with a head start by tier, and nobody waits for ever."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import from_ms, to_ms
from shared.contracts.facts import Impact
from shared.testing.clock import START
from shared.tickets import model
from shared.tickets.policy_file import DEFAULT, read_policy
from shared.tickets.ranks import Standing, standing_of
from shared.tickets.targets import breach_at
from tests.cases import TICKET, reported

ROOT = Path(__file__).parents[2]
POLICY = read_policy()
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
TIERS = st.sampled_from([*POLICY.tiers, "unheard-of", None])
IMPACTS = st.sampled_from(["down", "degraded", "intermittent"])
MINUTES = st.integers(0, 60 * 24 * 30).map(lambda n: n * MINUTE)


def opened(tier: str | None, impact: Impact, at: datetime, *, late: timedelta = timedelta()) -> Standing:
    terms = POLICY.terms_of(tier, impact)
    fact = reported(tier=tier, impact=impact, reported_at=at - late, breach_at=breach_at(terms, at - late), terms=terms)
    found = standing_of(model.opened(TICKET, fact, at))
    assert found is not None
    return found


def test_targets_are_those_of_the_design() -> None:
    found = {tier: (of.accept_ms / MINUTE_MS, of.restore_ms["down"] / HOUR_MS) for tier, of in POLICY.tiers.items()}
    assert found == {
        "diamond": (15, 2), "jade": (15, 2), "platinum": (15, 4), "gem": (15, 4), "gold": (30, 5), "crystal": (30, 8),
    }  # fmt: skip
    assert POLICY.of("crystal").restore_ms["degraded"] == 24 * HOUR_MS


def test_diamond_that_breaches_a_little_later_stands_before_crystal() -> None:
    crystal = opened("crystal", "down", START)
    diamond = opened("diamond", "down", START + 6 * HOUR + 30 * MINUTE)
    assert diamond.breach_at == crystal.breach_at + 30 * MINUTE / timedelta(milliseconds=1)
    assert diamond.rank_at < crystal.rank_at


def test_diamond_that_breaches_much_later_stands_behind_crystal() -> None:
    assert opened("diamond", "down", START + 8 * HOUR).rank_at > opened("crystal", "down", START).rank_at


@given(TIERS, IMPACTS, TIERS, IMPACTS, MINUTES, MINUTES)
def test_no_tier_starves_another(
    mine: str | None, impact: Impact, other: str | None, others: Impact, later: timedelta, late: timedelta
) -> None:
    """Whatever is opened after a ticket's rank stands behind it; and its rank is not after its breach."""
    waiting = opened(mine, impact, START)
    assert waiting.rank_at <= waiting.breach_at
    newcomer = opened(other, others, from_ms(waiting.rank_at) + later, late=late)
    assert newcomer.rank_at >= waiting.rank_at


@given(IMPACTS, MINUTES)
def test_higher_tier_never_stands_behind_a_lower_one_of_the_same_moment(impact: Impact, late: timedelta) -> None:
    order = ["diamond", "jade", "platinum", "gem", "gold", "crystal"]
    ranks = [opened(tier, impact, START, late=late).rank_at for tier in order]
    assert ranks == sorted(ranks)


def test_report_dated_back_does_not_pass_what_was_due_before_it_was_opened() -> None:
    due = opened("crystal", "down", START)
    dated_back = opened("diamond", "down", START + 9 * HOUR, late=timedelta(days=365))
    assert dated_back.breach_at < due.breach_at < to_ms(START + 9 * HOUR) == dated_back.rank_at


def test_unknown_tier_has_the_targets_of_the_policys_last() -> None:
    assert POLICY.of("silver") == POLICY.of(None) == POLICY.of("crystal")
    assert opened("silver", "down", START).tier == "silver"


def test_file_to_copy_is_the_default() -> None:
    assert (ROOT / "deploy/config/sla.toml").read_text() == DEFAULT.read_text()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("otherwise =", "otherwise", r"sla\.toml: is not TOML: .*line 18"),
        ('otherwise = "crystal"', 'otherwise = "ruby"', "otherwise: ruby is none of the tiers"),
        ("accept_minutes = 30", "accept_minutes = -1", r"tiers\.gold\.accept_minutes: .*greater than 0"),
        ("accept_minutes = 30", "acept_minutes = 30", r"tiers\.gold\.accept_minutes: Field required"),
        ("{ down = 5, degraded = 12, intermittent = 12 }", "{ down = 5 }", r"tiers\.gold: .*degraded, intermittent"),
        ("head_start_minutes = 60", "head_start_minutes = 121", r"tiers\.diamond: .*longer than a restore target"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    file = tmp_path / "sla.toml"
    file.write_text(DEFAULT.read_text().replace(before, after, 1))
    with pytest.raises(ValueError, match=said):
        read_policy(file)
