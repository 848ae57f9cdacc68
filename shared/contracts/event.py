"""A fact of a ticket as the rest of the world sees it: on the topics, in streams, in webhooks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from shared.clock import rfc3339
from shared.contracts import facts
from shared.contracts.facts import Fact
from shared.ids import AccountId, EventId, TicketId, event_id


@dataclass(frozen=True, slots=True)
class Event:
    """`seq` counts from 1 within the ticket; `status` is the ticket's after it; `data` is the fact as UTF-8 JSON;
    `hash` is the log's chain there, empty where nobody told."""

    ticket: TicketId
    seq: int
    at: datetime
    type: str
    actor: str
    account: AccountId
    status: str
    data: bytes
    hash: bytes = b""

    @property
    def id(self) -> EventId:
        return event_id(self.ticket, self.seq)

    def fact(self) -> Fact:
        return facts.decode(self.type, self.data)


def public(event: Event) -> dict[str, Any]:
    """The one form in which customers see a fact: in the log, in streams and in webhooks. For orjson."""
    return {
        "id": event.id, "ticket": event.ticket, "seq": event.seq, "at": rfc3339(event.at), "type": event.type,
        "actor": event.actor, "status": event.status, "account": event.account, "data": orjson.Fragment(event.data),
    }  # fmt: skip
