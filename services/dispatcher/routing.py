"""Who is responsible: from a circuit's segments to the local networks to order. Pure.

A known faulty segment goes to its network. An unknown fault goes to both ends at once, each end's network working
inwards. A segment of an outside party goes to the nearest local network, which tests up to the demarcation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.ids import NetworkCode
from shared.registry.model.circuit import Circuit, Segment


@dataclass(frozen=True, slots=True)
class Task:
    """One network's part: the segments it is to test and repair, and why it is asked."""

    network: NetworkCode
    segments: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Unroutable:
    reason: str


def route(
    circuit: Circuit | None, segment: str | None, *, known: Callable[[NetworkCode], bool]
) -> Sequence[Task] | Unroutable:
    """`segment` is the faulty one, if it is known; `known` says whether a network exists."""
    if circuit is None:
        return Unroutable("the circuit is no longer in the registry")
    tasks = _to_segment(circuit, segment) if segment and circuit.segment(segment) else _to_both_ends(circuit)
    if not tasks:
        return Unroutable("no segment of the circuit has a responsible local network")
    if strangers := [t.network for t in tasks if not known(t.network)]:
        return Unroutable(f"the registry has no local network {', '.join(strangers)}")
    return tasks


def responsible(circuit: Circuit, segment: str) -> NetworkCode | None:
    """The network of a segment, or the nearest one when the segment is an outside party's."""
    positions = [i for i, s in enumerate(circuit.segments) if s.id == segment]
    if not positions:
        return None
    by_distance = sorted(enumerate(circuit.segments), key=lambda found: abs(found[0] - positions[0]))
    return next((s.network for _, s in by_distance if s.network), None)


def segments_of(circuit: Circuit, network: NetworkCode) -> tuple[str, ...]:
    return tuple(s.id for s in circuit.segments if s.network == network)


def _to_segment(circuit: Circuit, segment: str) -> Sequence[Task]:
    network = responsible(circuit, segment)
    if network is None:
        return ()
    found = circuit.segment(segment)
    outside = found is not None and found.network is None
    party = found.party if found else None
    reason = f"nearest to {segment} of {party}: test up to the demarcation" if outside else f"fault known in {segment}"
    return (Task(network, (segment,), reason + _demarcation(found)),)


def _demarcation(segment: Segment | None) -> str:
    """Where it is and whom to call there, as far as it is known."""
    if segment is None or segment.demarcation is None:
        return ""
    contact = segment.contact
    called = " ".join(part for part in (contact.name, contact.phone) if part) if contact else ""
    return f" ({segment.demarcation}{', contact ' + called if called else ''})"


def _to_both_ends(circuit: Circuit) -> Sequence[Task]:
    ours: list[Segment] = [s for s in circuit.segments if s.network]
    if not ours:
        return ()
    ends = dict.fromkeys(s.network for s in (ours[0], ours[-1]) if s.network)
    reason = "faulty segment not known: both ends at once" if len(ends) > 1 else "both ends are in this network"
    return [Task(network, segments_of(circuit, network), reason) for network in ends]
