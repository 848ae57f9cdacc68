"""Who is responsible: from a circuit's segments to the local networks to order."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.routing import Task, Unroutable, responsible, route
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry.model import Circuit, End, Segment
from tests.registry import BEIJING, CHUXIONG, CIRCUITS, FAR, FOREIGN, KUNMING, LOST, NEAR, NETWORKS, SHANGHAI, TAILED

BY_ID = {circuit.id: circuit for circuit in CIRCUITS}
KNOWN = {network.code for network in NETWORKS}
CODES = st.sampled_from(sorted(KNOWN))
SEGMENTS = st.lists(st.one_of(CODES, st.none()), min_size=1, max_size=8)
"""A circuit's networks from A to Z; None stands for an outside party."""


def circuit(networks: Sequence[NetworkCode | None]) -> Circuit:
    end = End(BEIJING, "site")
    segments = [
        Segment(f"s{i}", "backbone", network=n) if n else Segment(f"s{i}", "third-party", party="customer")
        for i, n in enumerate(networks)
    ]
    return Circuit(CircuitId("C-1"), AccountId("a"), "ip-vpn", 100, False, end, end, tuple(segments))


def routed(found: Circuit, segment: str | None = None) -> Sequence[Task]:
    tasks = route(found, segment, known=KNOWN.__contains__)
    assert not isinstance(tasks, Unroutable), tasks.reason
    return tasks


def unroutable(found: Circuit | None) -> str:
    outcome = route(found, None, known=KNOWN.__contains__)
    assert isinstance(outcome, Unroutable)
    return outcome.reason


@given(SEGMENTS.filter(any), st.integers(0, 9))
def test_every_routed_network_is_responsible_for_a_segment(networks: list[NetworkCode | None], n: int) -> None:
    for task in routed(circuit(networks), f"s{n}"):
        assert task.network in networks


@given(SEGMENTS.filter(any), st.integers(0, 9))
def test_never_two_tasks_to_one_network(networks: list[NetworkCode | None], n: int) -> None:
    found = [task.network for task in routed(circuit(networks), f"s{n}")]
    assert len(found) == len(set(found))


@given(SEGMENTS.filter(any), st.data())
def test_named_segment_goes_to_one_network_its_own_or_the_nearest(
    networks: list[NetworkCode | None], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(networks) - 1))
    (task,) = routed(circuit(networks), f"s{at}")
    distances = {abs(i - at) for i, n in enumerate(networks) if n == task.network}
    assert min(distances) == min(abs(i - at) for i, n in enumerate(networks) if n)
    assert task.segments == (f"s{at}",)
    assert responsible(circuit(networks), f"s{at}") == task.network


@given(SEGMENTS.filter(any))
def test_unknown_fault_goes_to_both_ends_each_with_all_its_segments(networks: list[NetworkCode | None]) -> None:
    ours = [n for n in networks if n]
    tasks = routed(circuit(networks))
    assert {task.network for task in tasks} == {ours[0], ours[-1]}
    for task in tasks:
        assert task.segments == tuple(f"s{i}" for i, n in enumerate(networks) if n == task.network)


@given(SEGMENTS.filter(any))
def test_segment_that_the_circuit_has_not_counts_as_unknown(networks: list[NetworkCode | None]) -> None:
    assert routed(circuit(networks), "moon") == routed(circuit(networks))


@given(st.lists(st.none(), max_size=5))
def test_circuit_of_outside_parties_only_can_not_be_routed(networks: list[None]) -> None:
    assert "responsible" in unroutable(circuit(networks))
    assert responsible(circuit(networks), "s0") is None


def test_the_tests_own_circuits_go_where_their_names_say() -> None:
    assert [t.network for t in routed(BY_ID[CircuitId(FAR)])] == [CHUXIONG, BEIJING]
    assert [t.network for t in routed(BY_ID[CircuitId(NEAR)])] == [KUNMING]
    assert [t.network for t in routed(BY_ID[CircuitId(FAR)], "backbone-1")] == [KUNMING]
    assert [t.network for t in routed(BY_ID[CircuitId(TAILED)], "z-lan")] == [SHANGHAI]


def test_what_can_not_be_routed_says_why() -> None:
    assert "0999" in unroutable(BY_ID[CircuitId(LOST)])
    assert "responsible" in unroutable(BY_ID[CircuitId(FOREIGN)])
    assert "registry" in unroutable(None)
