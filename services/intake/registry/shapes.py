"""Bodies and answers of the registry's routes; an entry itself is as `shared.registry.model` has it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from shared.contracts.facts import Impact
from shared.ids import ENTRY_PATTERN
from shared.registry.model import Account, Circuit, Network
from shared.registry.model.account import Id
from shared.registry.shelves import Kind
from shared.tickets.model import Status

AnyId = Annotated[str, Field(pattern=ENTRY_PATTERN)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RemoveBody(_Body):
    networks: list[AnyId] = []
    accounts: list[Id] = []
    circuits: list[AnyId] = []


class ImportBody(_Body):
    """What is named is added or replaced whole, or removed; all of it or nothing."""

    networks: list[Network] = []
    accounts: list[Account] = []
    circuits: list[Circuit] = []
    remove: RemoveBody = RemoveBody()
    dry_run: Annotated[StrictBool, Field(description="Say what would change, and change nothing")] = False


class DifferenceView(BaseModel):
    kind: Kind
    id: str
    what: Literal["added", "changed", "removed"]
    fields: list[str]


class ImportAnswer(BaseModel):
    """`version` is the registry's afterwards; what stayed as it was is not among `changes`."""

    version: int
    changes: list[DifferenceView]


class AccountPage(BaseModel):
    items: list[Account]
    next: str | None


class CircuitEntryPage(BaseModel):
    items: list[Circuit]
    next: str | None


class NetworkPage(BaseModel):
    items: list[Network]
    next: str | None


class OpenTicket(BaseModel):
    id: str
    circuit: str
    status: Status
    impact: Impact
    opened_at: datetime
    description: str


class LastContact(BaseModel):
    """A report or a note: who said what when, about which ticket."""

    ticket: str
    at: datetime
    type: str
    actor: str
    text: str


class FoundAccount(BaseModel):
    matched: Literal["circuit", "phone", "name"]
    account: Account
    open_tickets: list[OpenTicket]
    last_contacts: list[LastContact]


class Found(BaseModel):
    items: list[FoundAccount]
    more: bool
