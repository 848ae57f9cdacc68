"""How a simulated local network goes about a fault, whatever the dice say."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import progress as p
from shared.ids import NetworkCode
from shared.testing.repair import (
    Circuit,
    Fault,
    draw_fault,
    fault_report,
    hand_over,
    look_in_vain,
    repair,
    repair_again,
)

BEIJING, XIAN, CHUXIONG = NetworkCode("010"), NetworkCode("029"), NetworkCode("0878")
CIRCUIT: Circuit = {
    "id": "C",
    "segments": [
        {"id": "a-lan", "kind": "customer-lan", "network": None},
        {"id": "a-access", "kind": "access", "network": BEIJING},
        {"id": "backbone-1", "kind": "backbone", "network": XIAN},
        {"id": "z-metro", "kind": "metro", "network": CHUXIONG},
        {"id": "z-tail", "kind": "third-party", "network": None},
    ],
}
SEEDS = st.integers(0, 10_000)


def fault_of(seed: int, *known: NetworkCode) -> Fault:
    return draw_fault(Random(seed), CIRCUIT, ordered=BEIJING, known=known or (BEIJING, XIAN, CHUXIONG))


@given(SEEDS)
def test_fault_belongs_to_the_network_of_its_segment_or_the_nearest(seed: int) -> None:
    fault = fault_of(seed)
    homes = {"a-lan": BEIJING, "a-access": BEIJING, "backbone-1": XIAN, "z-metro": CHUXIONG, "z-tail": CHUXIONG}
    assert homes[fault.segment or ""] == fault.home


@given(SEEDS)
def test_fault_is_never_at_home_where_nobody_is_simulated(seed: int) -> None:
    assert fault_of(seed, BEIJING).home == BEIJING


@given(SEEDS)
def test_home_network_ends_with_exactly_one_restoration(seed: int) -> None:
    said = [move.say for move in repair(Random(seed), fault_of(seed), helper=XIAN)]
    assert [isinstance(piece, p.Restored) for piece in said].count(True) == 1
    assert isinstance(said[0], p.Accepted)
    assert isinstance(said[-1], p.Restored)


@given(SEEDS)
def test_fault_report_has_cause_remedy_and_text(seed: int) -> None:
    said = fault_report(Random(seed), fault_of(seed)).say
    assert isinstance(said, p.FaultReportGiven)
    assert None not in (said.cause, said.remedy_code)
    assert len(said.text) > 20


@given(SEEDS)
def test_every_suspension_is_followed_by_its_end(seed: int) -> None:
    said = [type(move.say) for move in repair(Random(seed), fault_of(seed), helper=None)]
    assert said.count(p.Suspended) == said.count(p.Resumed)
    if p.Suspended in said:
        assert said[said.index(p.Suspended) + 1] is p.Resumed


@given(SEEDS)
def test_other_networks_never_restore(seed: int) -> None:
    rng, fault = Random(seed), fault_of(seed)
    assert not [m for m in (*look_in_vain(rng), *hand_over(rng, fault)) if isinstance(m.say, p.Restored)]


@given(SEEDS)
def test_same_seed_tells_the_same_story(seed: int) -> None:
    fault = fault_of(seed)
    assert fault == fault_of(seed)
    assert repair_again(Random(seed), fault) == repair_again(Random(seed), fault)
