"""When several tickets have one cause: ordered from one local network, on the same kind of segment. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from shared.ids import NetworkCode, TicketId
from shared.registry.model import Circuit, SegmentKind

SHARED_KINDS: frozenset[SegmentKind] = frozenset({"access", "metro", "backbone"})
"""A customer's LAN and a partner's tail are nobody else's."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An order of a ticket; `kinds` are those of the segments in which its fault may be."""

    ticket: TicketId
    network: NetworkCode
    kinds: frozenset[SegmentKind]


def kinds_of(circuit: Circuit, segments: Iterable[str]) -> frozenset[SegmentKind]:
    found = (circuit.segment(id) for id in segments)
    return frozenset(segment.kind for segment in found if segment) & SHARED_KINDS


def in_common(hits: Iterable[Hit], *, least: int) -> frozenset[SegmentKind]:
    """The kinds on which so many of these tickets may have failed; none when there is no such kind."""
    counted = Counter(kind for hit in set(hits) for kind in hit.kinds)
    return frozenset(kind for kind, tickets in counted.items() if tickets >= least)
