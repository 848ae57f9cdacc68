"""What the registry knows of a ticket that a promise depends on: the account's contract, its circuit if it matters."""

from shared.ids import AccountId
from shared.registry.store import Registry
from shared.tickets.targets import Policies, Subject

HOUR_MS = 3_600_000


async def subject_of(registry: Registry, account: AccountId, circuit: str, *, policies: Policies) -> Subject:
    """The circuit is looked up, in memory and else in the database, only where some rule asks for it."""
    contract = registry.contract(account)
    hours = contract.confirmation_timeout_h
    found = await registry.circuit(circuit) if policies.asks_circuit else None
    return Subject(
        service=found.service if found else None,
        networks=frozenset((found.a_end.network, found.z_end.network)) if found else frozenset(),
        service_level=contract.service_level, confirm_ms=None if hours is None else hours * HOUR_MS,
    )  # fmt: skip
