"""What subscribers are sent, for the OpenAPI document: a webhook for each fact, made from the facts. Nothing runs here.

They are made when somebody asks for the document, for few processes are ever asked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Header
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, create_model

from services.notifier.channels.webhook.channel import DIGEST
from services.notifier.model.standing import NOTICES, TEST
from shared.contracts.facts import TYPES
from shared.ids import TICKET, TICKET_PATTERN
from shared.tickets.model import Status

EVENT = rf"^{TICKET}-[1-9][0-9]*$"
MESSAGE = rf"^({TICKET}|notices\.[A-Za-z0-9._-]{{1,64}}|test\.[0-9a-f]+)-[1-9][0-9]*(-[1-9][0-9]*)?$"
SIGNATURES = r"^v1a?,[A-Za-z0-9+/=]+( v1a?,[A-Za-z0-9+/=]+)*$"
TAKEN = {"description": "Any status from 200 to 299: taken. Everything else is tried again, a redirect too"}
GONE = {"description": "Never again: the subscription ends"}
Id = Annotated[
    str,
    Header(
        alias="webhook-id", pattern=MESSAGE,
        description="The event's id, the same on every try; of a digest, its first event's and its last one's number",
    ),
]  # fmt: skip
Timestamp = Annotated[
    str, Header(alias="webhook-timestamp", pattern="^[0-9]+$", description="When this try was signed, in Unix seconds")
]
Signature = Annotated[
    str,
    Header(
        alias="webhook-signature",
        pattern=SIGNATURES,
        description="Standard Webhooks signatures over `{id}.{timestamp}.{body}`, separated by spaces: one is enough",
    ),
]


class Told(BaseModel):
    """An event, as in the ticket's log and in streams. `seq` counts the ticket's; `status` is the ticket's after it."""

    id: Annotated[str, Field(pattern=EVENT)]
    ticket: Annotated[str, Field(pattern=TICKET_PATTERN)]
    seq: Annotated[int, Field(ge=1)]
    at: datetime
    actor: str
    status: Status
    account: str


def webhooks() -> Sequence[APIRoute]:
    facts = (_webhook(type, fact) for type, fact in TYPES.items())
    return [*facts, _digest(), *(_notice(type) for type in sorted(NOTICES))]


def _webhook(type: str, fact: Any) -> APIRoute:
    this: Any = Literal[type]
    told = create_model(f"{fact.__name__}Event", __base__=Told, type=(this, ...), data=(fact, ...))
    body = create_model(f"{fact.__name__}Webhook", type=(this, ...), timestamp=(datetime, ...), data=(told, ...))
    return _route(type, body)


def _digest() -> APIRoute:
    """What waited for quiet hours or a digest: several events of one ticket, each as it would have come alone."""
    any_told = create_model("AnyEvent", __base__=Told, type=(str, ...), data=(dict[str, Any], ...))
    several: Any = Annotated[list[any_told], Field(min_length=2)]  # type: ignore[valid-type]
    told = create_model("Digest", ticket=(str, ...), account=(str, ...), events=(several, ...))
    this: Any = Literal[DIGEST]
    return _route(DIGEST, create_model("DigestWebhook", type=(this, ...), timestamp=(datetime, ...), data=(told, ...)))


class Trouble(BaseModel):
    """Which subscription it is, where its messages go, and what was the last that was not taken."""

    subscription: str
    channel: str
    receiver: str
    failing_since: datetime | None
    reason: str
    status: int | None
    event: str


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _notice(type: str) -> APIRoute:
    """What is told of the account's subscriptions themselves."""
    this: Any = Literal[type]
    name = type.partition(".")[2].capitalize()
    data: Any = Nothing if type == TEST else Trouble
    told = create_model(
        f"{name}Notice", id=(str, ...), at=(datetime, ...), type=(this, ...), account=(str, ...), data=(data, ...)
    )
    return _route(
        type, create_model(f"{name}NoticeWebhook", type=(this, ...), timestamp=(datetime, ...), data=(told, ...))
    )


def _route(type: str, body: Any) -> APIRoute:
    return APIRoute(
        type, _receiver(body), methods=["POST"], operation_id=f"webhook {type}", responses={200: TAKEN, 410: GONE},
        summary=f"{type}: sent to whoever subscribed to it", tags=["webhooks"], openapi_extra={"security": []},
    )  # fmt: skip


def _receiver(body: Any) -> Any:
    def receive(body: body, webhook_id: Id, webhook_timestamp: Timestamp, webhook_signature: Signature) -> None:
        """Standard Webhooks. In order per ticket and at least once: drop what you have seen by `webhook-id`."""

    return receive
