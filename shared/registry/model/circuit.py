"""A circuit (电路): its two ends, the segments between them, and what follows from who is responsible for which."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool

from shared.contracts.facts import Scope, Service
from shared.contracts.progress import Network, Shape, Short
from shared.ids import ENTRY_PATTERN, AccountId, CircuitId, NetworkCode
from shared.registry.model.contact import ContactPoint, whole

SegmentKind = Literal["customer-lan", "access", "metro", "backbone", "third-party"]
Side = Literal["a", "z"]


@dataclass(frozen=True, slots=True)
class Segment(Shape):
    """Either a local network is responsible or an outside `party` (`customer`, a partner operator).

    `demarcation` is the point where the responsibility ends, `contact` whom to call there.
    """

    id: Short
    kind: SegmentKind
    side: Side | None = None
    network: Network | None = None
    party: Short | None = None
    between: Short | None = None
    demarcation: Short | None = None
    contact: ContactPoint | None = None


@dataclass(frozen=True, slots=True)
class End(Shape):
    """A site of the customer's and the local network it hangs on."""

    network: Network
    site: Short
    address: Short | None = None


@dataclass(frozen=True, slots=True)
class Circuit(Shape):
    """`segments` stand in order from the A-end to the Z-end; `protected` means a second, diverse path. `monthly_fee` is
    in the currency of the contract: what compensation is a share of."""

    id: Annotated[CircuitId, Field(pattern=ENTRY_PATTERN)]
    account: Annotated[AccountId, Field(pattern=ENTRY_PATTERN)]
    service: Service
    bandwidth_mbps: Annotated[int, Field(strict=True, ge=0, le=2_147_483_647), BeforeValidator(whole)]
    protected: StrictBool
    a_end: End
    z_end: End
    segments: Annotated[tuple[Segment, ...], Field(min_length=1, max_length=200)]
    monthly_fee: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$", examples=["12000.00"])] | None = None

    def segment(self, id: str) -> Segment | None:
        return next((s for s in self.segments if s.id == id), None)


def scope(circuit: Circuit) -> Scope:
    """How far the end-to-end service reaches: to the customer's LAN, through a partner's network, or all ours."""
    if any(s.kind == "customer-lan" for s in circuit.segments):
        return "with-customer-lan"
    return "with-partner" if any(s.network is None for s in circuit.segments) else "own"


def answers_for(circuit: Circuit, kind: SegmentKind) -> NetworkCode | None:
    """The local network that has taken on a segment of this kind, where else an outside party is responsible."""
    return next((s.network for s in circuit.segments if s.kind == kind and s.network), None)
