"""Accounts, circuits, segments, local networks: plain values."""

from dataclasses import dataclass
from typing import Literal

from shared.ids import AccountId, CircuitId, NetworkCode

SegmentKind = Literal["customer-lan", "access", "metro", "backbone", "third-party"]
Side = Literal["a", "z"]


@dataclass(frozen=True, slots=True)
class Account:
    id: AccountId
    name_zh: str
    name_en: str
    sector: str
    tier: str


@dataclass(frozen=True, slots=True)
class Network:
    code: NetworkCode
    name_zh: str
    name_en: str
    province_zh: str
    province_en: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Demarcation: either a local network is responsible or an outside `party` (`customer`, a partner operator)."""

    id: str
    kind: SegmentKind
    side: Side | None = None
    network: NetworkCode | None = None
    party: str | None = None
    between: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    network: NetworkCode
    site: str


@dataclass(frozen=True, slots=True)
class Circuit:
    """`segments` stand in order from the A-end to the Z-end."""

    id: CircuitId
    account: AccountId
    service: str
    bandwidth_mbps: int
    protected: bool
    a_end: End
    z_end: End
    segments: tuple[Segment, ...]

    def segment(self, id: str) -> Segment | None:
        return next((s for s in self.segments if s.id == id), None)
