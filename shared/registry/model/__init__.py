"""What the registry holds, as plain values, a file a noun: accounts, circuits, local networks, and whom to call."""

from shared.contracts.facts import Service
from shared.registry.model.account import Account, Contract, Sector
from shared.registry.model.circuit import Circuit, End, Segment, SegmentKind, Side, scope
from shared.registry.model.contact import ContactPoint
from shared.registry.model.network import Network
from shared.registry.model.service import Domain, domain

__all__ = [
    "Account", "Circuit", "ContactPoint", "Contract", "Domain", "End", "Network", "Sector", "Segment", "SegmentKind",
    "Service", "Side", "domain", "scope",
]  # fmt: skip
