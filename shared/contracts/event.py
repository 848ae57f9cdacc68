"""A fact of a ticket as the rest of the world sees it: on the topics, in streams, in webhooks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from shared.clock import rfc3339
from shared.contracts import facts
from shared.contracts.envelope import FACT_SOURCE, Message, attributes, binary_headers, fact_name, fact_type
from shared.contracts.facts import Fact
from shared.ids import AccountId, EventId, TicketId, event_id


@dataclass(frozen=True, slots=True)
class Event:
    """`seq` counts from 1 within the ticket; `status` is the ticket's after it; `data` is the fact as UTF-8 JSON."""

    ticket: TicketId
    seq: int
    at: datetime
    type: str
    actor: str
    account: AccountId
    status: str
    data: bytes

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


def to_message(event: Event, topic: str) -> Message:
    headers = binary_headers(
        id=event.id, type=fact_type(event.type), source=FACT_SOURCE, subject=event.ticket, time=rfc3339(event.at),
        account=event.account, actor=event.actor, status=event.status, seq=str(event.seq),
    )  # fmt: skip
    return Message(topic, event.ticket.encode(), event.data, headers)


def from_message(message: Message) -> Event:
    """Raises InvalidInput or ValueError when the message is not one of the center's facts."""
    found = attributes(message.headers, "subject", "seq", "time", "actor", "account", "status")
    return Event(
        ticket=TicketId(found["subject"]), seq=int(found["seq"]), at=datetime.fromisoformat(found["time"]),
        type=fact_name(found["type"]), actor=found["actor"], account=AccountId(found["account"]),
        status=found["status"], data=message.value,
    )  # fmt: skip
