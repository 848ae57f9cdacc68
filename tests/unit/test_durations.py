"""Durations kept as counts answer as the durations themselves would, also when they are asked late."""

from bisect import bisect_right
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.prediction.durations import Durations, total

MIN = 60_000
REPAIRS = st.lists(st.integers(2 * MIN, 300 * 24 * 60 * MIN), min_size=1, max_size=60)


def drawn(count: int, seed: int = 1) -> list[int]:
    rng = Random(seed)
    return sorted(max(2 * MIN, round(rng.lognormvariate(0, 1.2) * 120 * MIN)) for _ in range(count))


def test_quantile_is_within_a_tenth_of_the_exact_one() -> None:
    repairs = drawn(5_000)
    for share, found in zip((0.1, 0.5, 0.9), Durations(repairs).quantiles((0.1, 0.5, 0.9), beyond=0), strict=True):
        assert found == pytest.approx(repairs[int(share * 5_000)], rel=0.1)


def test_what_has_lasted_long_is_asked_only_of_what_lasted_longer() -> None:
    repairs = drawn(5_000)
    longer = repairs[bisect_right(repairs, 240 * MIN) :]
    (median,) = Durations(repairs).quantiles((0.5,), beyond=240 * MIN)
    assert median == pytest.approx(longer[len(longer) // 2], rel=0.1)


@given(REPAIRS, st.floats(0, 1))
def test_quantiles_ascend_and_never_lie_in_the_past(repairs: list[int], part: float) -> None:
    elapsed = round(part * (max(repairs) - 1))
    found = Durations(repairs)
    if found.longer_than(elapsed) > 0:
        low, middle, high = found.quantiles((0.1, 0.5, 0.9), beyond=elapsed)
        assert elapsed <= low <= middle <= high


@given(REPAIRS, st.integers(0, 10**11))
def test_later_there_are_never_more_left(repairs: list[int], later: int) -> None:
    found = Durations(repairs)
    assert found.longer_than(0) == len(repairs) >= found.longer_than(later // 2) >= found.longer_than(later) >= 0


def test_groups_add_up() -> None:
    one, other = drawn(50, 1), drawn(70, 2)
    both, apart = Durations(one + other), total([Durations(one), Durations(other)])
    assert both.quantiles((0.1, 0.5), beyond=MIN) == apart.quantiles((0.1, 0.5), beyond=MIN)
    assert apart.n == 120


def test_what_outlasts_all_lasts_as_long_again_in_half_of_the_cases() -> None:
    found = Durations([60 * MIN] * 40).quantiles((0.1, 0.5, 0.9), beyond=100 * MIN)
    assert [round(at / MIN) for at in found] == [111, 200, 1_000]


def test_those_that_still_last_are_not_forgotten() -> None:
    """Repairs of two hours on average, looked at after one: only the short ones are over."""
    repairs = [duration * 3 for duration in drawn(5_000)]
    over, lasting = [d for d in repairs if d <= 60 * MIN], [60 * MIN for d in repairs if d > 60 * MIN]
    naive, honest = Durations(over), Durations(over, lasting_ms=lasting)
    true = len(over) / len(repairs)
    assert naive.quantiles((true,), beyond=0)[0] < 45 * MIN
    assert honest.quantiles((true - 0.01,), beyond=0)[0] == pytest.approx(60 * MIN, rel=0.1)


def test_those_that_still_last_at_all_ages_leave_the_quantiles_as_they_would_be() -> None:
    repairs, rng = drawn(20_000), Random(2)
    seen = [(duration, rng.randrange(600 * MIN)) for duration in repairs]
    found = Durations([d for d, age in seen if d <= age], lasting_ms=[age for d, age in seen if d > age])
    for share in (0.1, 0.5, 0.8):
        assert found.quantiles((share,), beyond=0)[0] == pytest.approx(repairs[int(share * 20_000)], rel=0.1)
