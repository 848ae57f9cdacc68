"""The token bucket: in any window no more than the burst and what came in since; no more memory than needed."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from shared.web import rates
from shared.web.rates import Buckets, Rate, neighbourhood

RATES = st.builds(Rate, st.just("account"), st.integers(1, 20), st.sampled_from([0.1, 0.5, 1.0, 3.0, 50.0]))
PAUSES_MS = st.lists(st.integers(0, 30_000), max_size=60)


def instants(pauses_ms: list[int]) -> list[int]:
    now, found = 1_790_000_000_000, []
    for pause in pauses_ms:
        now += pause
        found.append(now)
    return found


@given(RATES, PAUSES_MS)
def test_never_more_than_burst_and_rate_in_any_window(rate: Rate, pauses_ms: list[int]) -> None:
    buckets = Buckets(rate)
    let_in = [now for now in instants(pauses_ms) if not buckets.take("key", now).after_ms]
    for first, start in enumerate(let_in):
        for last, end in enumerate(let_in[first:], 1):
            assert last <= rate.burst + rate.per_s * (end - start) / 1000 + 1e-6


@given(RATES, PAUSES_MS)
def test_whoever_comes_back_when_told_is_let_in_and_not_a_moment_before(rate: Rate, pauses_ms: list[int]) -> None:
    buckets = Buckets(rate)
    for now in instants(pauses_ms):
        left = buckets.take("key", now)
        if left.after_ms > 1:
            assert buckets.take("key", now + left.after_ms - 1).after_ms
            assert not buckets.take("key", now + left.after_ms + 0.001).after_ms
            return


@given(RATES)
def test_what_is_left_is_what_may_still_come_at_once(rate: Rate) -> None:
    buckets = Buckets(rate)
    assert [buckets.take("key", 0).requests for _ in range(rate.burst)] == list(reversed(range(rate.burst)))
    assert buckets.take("key", 0).after_ms > 0


@given(RATES, PAUSES_MS)
def test_clock_that_is_set_back_locks_nobody_out(rate: Rate, pauses_ms: list[int]) -> None:
    buckets = Buckets(rate)
    for now in instants(pauses_ms):
        buckets.take("key", now)
    earlier = 1_790_000_000_000 - 3_600_000
    assert not buckets.take("key", earlier).after_ms
    assert [buckets.take("key", earlier).after_ms > 0 for _ in range(rate.burst)] == [False] * (rate.burst - 1) + [True]


def test_one_key_does_not_use_up_anothers() -> None:
    buckets = Buckets(Rate("account", 1, 1))
    assert not buckets.take("a", 0).after_ms
    assert buckets.take("a", 0).after_ms
    assert not buckets.take("b", 0).after_ms


def test_clock_that_goes_back_shuts_nobody_out_for_longer_than_a_burst() -> None:
    buckets = Buckets(Rate("account", 2, 1))
    buckets.take("key", 100_000)
    assert buckets.take("key", 40_000).after_ms <= 60_000 + 1000


def test_full_buckets_are_forgotten() -> None:
    buckets = Buckets(Rate("account", 10, 1))
    for number in range(1000):
        buckets.take(f"key-{number}", 0)
    buckets.take("last", rates.SWEEP_EVERY_MS)
    assert len(buckets) == 1


def test_buckets_are_no_more_than_there_is_room_for() -> None:
    buckets = Buckets(Rate("unknown", 2, 0.001))
    for number in range(rates.MOST_BUCKETS + 10):
        buckets.take(str(number), 1)
    assert len(buckets) <= rates.MOST_BUCKETS + 1
    assert buckets.take("newcomer", 1).after_ms > 0
    assert not buckets.take("5", 1).after_ms


def test_a_machine_with_a_whole_ipv6_network_is_one_neighbour() -> None:
    network = int(IPv6Address("2001:db8:1:2::"))
    assert {neighbourhood(IPv6Address(network + n)) for n in (1, 2**40, 2**64 - 1)} == {"2001:db8:1:2::/64"}
    assert neighbourhood(IPv4Address("192.0.2.1")) == "192.0.2.1"
    assert neighbourhood(None) == "None"
