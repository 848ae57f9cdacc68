"""What the registry knows of a ticket that a promise depends on: the account's contract, its circuit if it matters."""

from shared.ids import AccountId
from shared.registry.model import Circuit, Contract
from shared.registry.store import Registry
from shared.tickets.targets import Policies, Subject

HOUR_MS = 3_600_000


async def subject_of(registry: Registry, account: AccountId, circuit: str, *, policies: Policies) -> Subject:
    """The circuit is looked up, in memory and else in the database, only where some rule asks for it."""
    found = await registry.circuit(circuit) if policies.asks_circuit else None
    return as_subject(registry.contract(account), found)


def as_subject(contract: Contract, circuit: Circuit | None) -> Subject:
    hours = contract.confirmation_timeout_h
    return Subject(
        service=circuit.service if circuit else None,
        networks=frozenset((circuit.a_end.network, circuit.z_end.network)) if circuit else frozenset(),
        service_level=contract.service_level, confirm_ms=None if hours is None else hours * HOUR_MS,
    )  # fmt: skip
